"""All four providers at once: two sandboxes that lose answers, and two real servers behind proxies that spoil them."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx2

from kalends.api.application import create_api
from kalends.providers.google.kind import GOOGLE
from kalends.providers.microsoft.kind import MICROSOFT
from kalends.sandbox.clock import SandboxClock
from kalends.sandbox.google.application import create_application as google_application
from kalends.sandbox.google.bearer import User as GoogleUser
from kalends.sandbox.google.grants import Grants as GoogleGrants
from kalends.sandbox.google.oauth import routes as google_routes
from kalends.sandbox.google.state import State as GoogleState
from kalends.sandbox.microsoft.application import create_application as microsoft_application
from kalends.sandbox.microsoft.bearer import User as MicrosoftUser
from kalends.sandbox.microsoft.grants import Grants as MicrosoftGrants
from kalends.sandbox.microsoft.oauth import routes as microsoft_routes
from kalends.sandbox.microsoft.state import State as MicrosoftState
from kalends.sandbox.serving import serving
from tests.faults.lossy import Lossy
from tests.faults.owners import CalDavOwner, GoogleOwner, MicrosoftOwner, Owner
from tests.faults.proxy import Choice, FaultProxy, running_proxy
from tests.google.stage import URLS as GOOGLE_URLS
from tests.google.stage import Stage as GoogleStage
from tests.microsoft.stage import URLS as MICROSOFT_URLS
from tests.microsoft.stage import Stage as MicrosoftStage
from tests.oauth_stage import HERE, SITE
from tests.sandbox.google.discovery import Validated
from tests.servers import CalDavServer
from tests.world import World

GOOGLE_API, MICROSOFT_API = "/calendar/v3/", "/v1.0/"
REFUSALS: Sequence[Mapping[str, Any]] = (
    {"status": 503, "times": 3, "retryAfter": "1"},
    {"status": 500, "times": 2},
    {"status": 429, "times": 3, "retryAfter": "1"},
    {"cut": True, "times": 2},
    {"delaySeconds": 1.0, "times": 5},
)
"""Orders of a sandbox; they strike before the work, and inside a `$batch` too."""
DISTURBS_EVERY = 1.5
WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE", "MKCALENDAR", "PROPPATCH", "MOVE"})


@dataclass
class _Sandbox:
    lossy: Lossy
    url: str
    stage: Any
    """Makes a stage, given a world and a browser."""
    users: Sequence[Any]
    narrow: tuple[str, Mapping[str, Any], Mapping[str, Any]]
    """The switch that says how often it may be asked, set to little, and as usual."""


@dataclass
class Providers:
    """They, while they run. `settings` are those by which Kalends takes the sandboxes for Google and Microsoft."""

    sandboxes: Sequence[_Sandbox]
    servers: Sequence[tuple[CalDavServer, FaultProxy]]
    settings: Mapping[str, str]
    each: int
    there: httpx2.AsyncClient
    _told: dict[str, int]

    @property
    def environment(self) -> Mapping[str, str]:
        """The settings as environment variables."""
        return {f"KALENDS_{name.upper()}": value for name, value in self.settings.items()}

    @contextlib.asynccontextmanager
    async def owners(self, world: World) -> AsyncIterator[Sequence[tuple[Owner, Owner]]]:
        """Make people with accounts, in pairs that share a schedule: at a sandbox and at a real server."""
        await world.kalends.sites.update(world.site.id, redirect_origins=[SITE])
        transport = httpx2.ASGITransport(app=create_api(world.kalends.services))
        async with contextlib.AsyncExitStack() as stack:
            browser = await stack.enter_async_context(httpx2.AsyncClient(transport=transport, base_url=HERE))
            google, microsoft = self.sandboxes
            radicale, xandikos = self.servers
            # Xandikos knows one user only: one account, which is connected again and again
            shared = CalDavOwner(*xandikos)
            logins = [CalDavOwner(*radicale) for _ in range(self.each)]
            for one in (shared, *logins):
                await stack.enter_async_context(one.client)
            there: list[Owner] = [
                *(GoogleOwner(google.stage(world, browser, user), user) for user in google.users),
                *(MicrosoftOwner(microsoft.stage(world, browser, user), user) for user in microsoft.users),
            ]
            # of each provider with each
            here: list[Owner] = [one for login in logins for one in (login, shared)]
            yield list(zip(there, here, strict=True))

    async def spoil(self, share: float, choice: Choice) -> None:
        """Lose a share of the answers from now on, and spoil others as told; nothing else goes wrong any more."""
        for one in self.sandboxes:
            one.lossy.share = share
            await self.there.delete(f"{one.url}/_sandbox/faults")
            path, little, usual = one.narrow
            answer = await self.there.post(f"{one.url}/_sandbox{path}", json=little if share else usual)
            assert answer.status_code == 200, answer.text
        for _, proxy in self.servers:
            proxy.choice, proxy.refuses = choice, share / 3

    async def disturb(self, ending: asyncio.Event, chance: random.Random) -> None:
        """Order faults at the sandboxes now and then."""
        while not ending.is_set():
            one, refusal = chance.choice(self.sandboxes), chance.choice(REFUSALS)
            method = chance.choice(["POST", "PATCH", "DELETE", "GET", None])
            order = {**refusal, "path": one.lossy.api, "method": method}
            answer = await self.there.post(f"{one.url}/_sandbox/faults", json=order)
            assert answer.status_code in range(200, 300), answer.text
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ending.wait(), DISTURBS_EVERY)

    async def forget_written(self) -> None:
        """Count from now on."""
        for one in self.sandboxes:
            await self.there.delete(f"{one.url}/_sandbox/requests")
        for server, _ in self.servers:
            self._told[server.url] = len(server.requests())

    async def written(self) -> list[str]:
        """Return method and path of what was asked since then and writes."""
        found = []
        for one in self.sandboxes:
            said = (await self.there.get(f"{one.url}/_sandbox/requests")).json()["requests"]
            asked = [(each["method"], each["path"]) for each in said if each["path"].startswith(one.lossy.api)]
            # what is inside a batch is listed by itself
            found += [pair for pair in asked if "$batch" not in pair[1] and "/watch" not in pair[1]]
        for server, _ in self.servers:
            found += server.requests()[self._told[server.url] :]
        return [f"{method} {path}" for method, path in found if method in WRITING]

    def figures(self) -> tuple[int, Counter[str]]:
        """Return how many requests there were, and what happened to how many answers."""
        requests, faults = 0, Counter[str]()
        for one in self.sandboxes:
            requests += one.lossy.requests
            faults.update({loss.value: count for loss, count in one.lossy.losses.items()})
        for _, proxy in self.servers:
            requests += proxy.requests
            faults.update({fault.value: count for fault, count in proxy.faults.items()})
        return requests, faults


@contextlib.asynccontextmanager
async def providers_on(
    radicale: CalDavServer, xandikos: CalDavServer, seed: int, each: int
) -> AsyncIterator[Providers]:
    """Run the sandboxes, with so many accounts each, and the proxies."""
    async with contextlib.AsyncExitStack() as stack:
        there = await stack.enter_async_context(httpx2.AsyncClient(trust_env=False, timeout=30))
        settings: dict[str, str] = {}
        sandboxes = [
            await stack.enter_async_context(_google(there, settings, seed, each)),
            await stack.enter_async_context(_microsoft(there, settings, seed, each)),
        ]
        servers = [(one, await stack.enter_async_context(running_proxy(one.url, seed))) for one in (radicale, xandikos)]
        yield Providers(sandboxes, servers, settings, each, there, {})


@contextlib.asynccontextmanager
async def _google(there: httpx2.AsyncClient, settings: dict[str, str], seed: int, each: int) -> AsyncIterator[_Sandbox]:
    clock, users = SandboxClock(), [GoogleUser(f"{900 + one}", f"g{one}@gmail.com", f"G {one}") for one in range(each)]
    state, grants = GoogleState(users, clock), GoogleGrants(clock, users=users)
    client = grants.add_client("Salon")
    validated = Validated(google_application(state, grants, routes=google_routes(grants)))
    lossy = Lossy(validated, seed, GOOGLE_API)

    async with serving(lossy) as url:
        settings |= {
            "google_client_id": client.id,
            "google_client_secret": client.secret,
            **dict.fromkeys(GOOGLE_URLS, url),
        }

        def stage(world: World, browser: httpx2.AsyncClient, user: GoogleUser) -> GoogleStage:
            return GoogleStage(
                world=world,
                url=url,
                client_id=client.id,
                provider_id=GOOGLE.built_in_id or "",
                somebody=user,
                there=there,
                browser=browser,
                grants=grants,
                state=state,
            )

        yield _Sandbox(lossy, url, stage, users, ("/quotas", {"perUser": 300}, {"perUser": 6_000}))
    assert validated.of("request") == []


@contextlib.asynccontextmanager
async def _microsoft(
    there: httpx2.AsyncClient, settings: dict[str, str], seed: int, each: int
) -> AsyncIterator[_Sandbox]:
    clock, users = SandboxClock(), [MicrosoftUser.of(f"m{one}@salon.example", f"M {one}") for one in range(each)]
    state, grants = MicrosoftState(users, clock), MicrosoftGrants(clock, users=users)
    client = grants.add_client("Salon")
    lossy = Lossy(microsoft_application(state, grants, routes=microsoft_routes(grants)), seed, MICROSOFT_API)

    async with serving(lossy) as url:
        settings |= {
            "microsoft_client_id": client.id,
            "microsoft_client_secret": client.secret,
            **dict.fromkeys(MICROSOFT_URLS, url),
        }

        def stage(world: World, browser: httpx2.AsyncClient, user: MicrosoftUser) -> MicrosoftStage:
            return MicrosoftStage(
                world=world,
                url=url,
                client_id=client.id,
                provider_id=MICROSOFT.built_in_id or "",
                somebody=user,
                there=there,
                browser=browser,
                grants=grants,
                state=state,
            )

        yield _Sandbox(lossy, url, stage, users, ("/throttling", {"atATime": 1}, {"atATime": 4}))
