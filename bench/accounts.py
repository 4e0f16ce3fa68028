"""A first import of a connected account beside a bare download of the same pages, and what one changed event costs.

A sandbox stands in for the provider, in a process of its own. A fifth of the events recur. Both take turns; what is
shown are medians, with the lowest and the highest value beside them.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import httpx2
import uvloop
from rich.console import Console
from rich.table import Table

from kalends.app import Kalends, assemble
from kalends.cli.process import tune_the_interpreter
from kalends.logs import set_up
from kalends.model.connection import Connection
from kalends.model.identity import Identity, IdentityKind, Permission
from kalends.model.ids import new_id
from kalends.net.client import GuardedClient
from kalends.net.policy import NetPolicy
from kalends.providers.oauth.stored_token import AccessToken
from kalends.settings import load
from tests.sandbox.google.oauth_app import ConsentForm

EMAIL = "bench@example.com"
HERE = "http://127.0.0.1:8080"
SITE = "https://shop.example"
OPEN = "127.0.0.0/8"


@dataclass(slots=True)
class Measured:
    """Seconds of wall time and of this process's CPU, round by round."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    async def of(self, work: Callable[[], Awaitable[object]]) -> None:
        """Measure some work."""
        wall, cpu = time.perf_counter(), time.process_time()
        await work()
        self.wall.append(time.perf_counter() - wall)
        self.cpu.append(time.process_time() - cpu)


class Sandbox:
    """A sandbox that runs, and somebody's browser there."""

    def __init__(self, said: Mapping[str, Any], browser: httpx2.AsyncClient) -> None:
        self.url: str = said["url"]
        self.client_id: str = said["clientId"]
        self.client_secret: str = said["clientSecret"]
        self.browser = browser

    async def consent(self, url: str) -> str:
        """Answer the consent page with yes; return where the browser is sent."""
        shown = await self.browser.get(url)
        if shown.status_code != 200:
            return str(shown.headers["location"])
        form = ConsentForm(shown.text)
        fields = {**form.hidden, "account": form.accounts[0], "scope": form.ticked, "action": "continue"}
        answer = await self.browser.post(urljoin(url, form.action), data=fields)
        return str(answer.headers["location"])

    async def token(self, authorize: str, exchange: str, scope: str) -> str:
        """Return an access token of the person's, given the paths of the two endpoints."""
        asked = {
            "client_id": self.client_id,
            "redirect_uri": f"{HERE}/callback",
            "response_type": "code",
            "scope": scope,
            "state": "bench",
        }
        back = await self.consent(f"{self.url}{authorize}?{urlencode(asked)}")
        fields = {
            "grant_type": "authorization_code",
            "code": dict(parse_qsl(urlsplit(back).query))["code"],
            "redirect_uri": asked["redirect_uri"],
            "client_id": self.client_id,
            "client_secret": self.client_secret,
        }
        answer = await self.browser.post(f"{self.url}{exchange}", data=fields)
        return str(answer.raise_for_status().json()["access_token"])

    async def requests(self) -> list[str]:
        """Return the paths that it was asked for since it was last told to forget."""
        said = (await self.browser.get(f"{self.url}/_sandbox/requests")).json()["requests"]
        return [one["path"].partition("?")[0] for one in said]


class Provider(ABC):
    """What is different from provider to provider.

    `NAME` is that of the sandbox and of the built-in provider; `LISTING` is how the path ends by which events are read.
    """

    NAME: ClassVar[str]
    LISTING: ClassVar[str]

    @abstractmethod
    def event(self, title: str, start: datetime, minutes: int, *, weekly: bool = False) -> Mapping[str, Any]:
        """Return an event as the provider takes it; one that recurs does so twenty times."""

    @abstractmethod
    def settings(self, sandbox: Sandbox) -> Mapping[str, str]:
        """Return the settings by which Kalends takes a sandbox for the provider."""

    @abstractmethod
    async def token(self, sandbox: Sandbox) -> str:
        """Return an access token."""

    @abstractmethod
    async def download(self, client: GuardedClient, token: AccessToken, url: str) -> None:
        """Download the pages that a first import asks for, and do nothing with them."""

    def seed(self, events: int) -> Mapping[str, Any]:
        """Return a sandbox with one person who has so many events, spread over a year around now."""
        begin = datetime.now(UTC).replace(hour=8, minute=0, second=0, microsecond=0) - timedelta(days=60)
        made = []
        for number in range(events):
            start = begin + timedelta(days=number % 365, minutes=30 * (number % 18))
            made.append(self.event(f"Event {number}", start, 45, weekly=number % 5 == 0))
        return {"users": [{"email": EMAIL, "timeZone": "Europe/Berlin", "events": made}]}


@asynccontextmanager
async def connected(provider: Provider, sandbox: Sandbox, folder: Path) -> AsyncIterator[tuple[Kalends, Connection]]:
    """Make a service to which the account is connected and not read yet."""
    settings = load({}, data_dir=folder, net_allow=OPEN, log_level="error", host_rate=0, **provider.settings(sandbox))
    set_up(settings)
    async with assemble(settings) as kalends:
        await kalends.database.upgrade()
        site = await kalends.sites.create("Bench", time_zone="Europe/Berlin", redirect_origins=[SITE])
        schedule = await kalends.schedules.create(site, name="Bench")
        admin = Identity(IdentityKind.APP, site.id, new_id(), frozenset(Permission))
        named = await kalends.directory.named(site.id, provider.NAME)
        link = await kalends.authorizing.begin(
            admin, provider_id=named.id, schedule_id=schedule.id, redirect_url=f"{SITE}/done"
        )
        departure = await kalends.authorizing.confirm(link.rsplit("/", 1)[1])
        back = dict(parse_qsl(urlsplit(await sandbox.consent(departure.url)).query))
        arrival = await kalends.authorizing.arrive(departure.state, lambda _: departure.browser, back)
        told = dict(parse_qsl(urlsplit(arrival.url).query))
        yield kalends, (await kalends.connections.get(admin, told["connectionId"])).connection


async def sync(kalends: Kalends, connection: Connection) -> None:
    """Sync once; raises `RuntimeError` where it failed."""
    lease = await kalends.leased.claim(connection.site_id, connection.id)
    run = await kalends.leased.run(lease) if lease else None
    if run is None or run.error:
        raise RuntimeError(run and run.error)


async def download(provider: Provider, sandbox: Sandbox, token: str) -> None:
    """Download what a first import reads."""

    async def known(*, refused: bool = False) -> str:
        assert not refused
        return token

    client = GuardedClient(NetPolicy.parse(OPEN))
    try:
        await provider.download(client, known, sandbox.url)
    finally:
        await client.aclose()


async def measure(provider: Provider, said: Mapping[str, Any], rounds: int, changes: int) -> None:
    """Measure and print."""
    floor, first, changed = Measured(), Measured(), Measured()
    async with httpx2.AsyncClient(trust_env=False, timeout=60) as browser:
        sandbox = Sandbox(said, browser)
        token = await provider.token(sandbox)
        await download(provider, sandbox, token)
        for turn in range(rounds):
            with tempfile.TemporaryDirectory() as folder:
                async with connected(provider, sandbox, Path(folder)) as (kalends, connection):
                    tune_the_interpreter()
                    await floor.of(lambda: download(provider, sandbox, token))
                    await first.of(lambda: sync(kalends, connection))
                    calendar = f"{sandbox.url}/_sandbox/users/{EMAIL}/calendars/primary/events"
                    for number in range(changes):
                        event = provider.event(f"New {turn} {number}", datetime.now(UTC) + timedelta(days=number), 30)
                        (await browser.post(calendar, json=event)).raise_for_status()
                        await browser.delete(f"{sandbox.url}/_sandbox/requests")
                        await changed.of(lambda: sync(kalends, connection))
                        asked = await sandbox.requests()
                        assert len([path for path in asked if path.endswith(provider.LISTING)]) == len(asked) == 1
    table = Table("", "wall s", "spread", "of the download", "CPU s")
    base = statistics.median(floor.wall)
    for name, one in (("download", floor), ("first import", first), ("one changed event", changed)):
        wall, cpu = statistics.median(one.wall), statistics.median(one.cpu)
        table.add_row(
            name, f"{wall:.3f}", f"{min(one.wall):.3f}–{max(one.wall):.3f}", f"{wall / base:.2f}", f"{cpu:.3f}"
        )
    Console(width=110).print(table)
    print("A changed event took one request each time.")


def run(provider: Provider, events: int) -> None:
    """Measure and print, as the command line says; of so many events where it does not."""
    parser = argparse.ArgumentParser(prog=f"bench.{provider.NAME}", description=__doc__)
    parser.add_argument("--events", type=int, default=events)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--changes", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "seed.json"
        file.write_text(json.dumps(provider.seed(given.events)))
        command = [sys.executable, "-m", "kalends", "sandbox", provider.NAME, "--seed", str(file)]
        sandbox = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own command line
        try:
            assert sandbox.stdout is not None
            said = json.loads(sandbox.stdout.readline())
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(measure(provider, said, given.rounds, given.changes))
        finally:
            sandbox.terminate()
            sandbox.wait()
