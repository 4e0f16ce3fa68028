"""What a large ICS feed costs: its first import, and asking again when nothing, or one event, has changed.

A server in a process of its own sends made-up events. The feed is asked for again with an ETag, which answers 304,
and without one, when the same bytes come once more. The CPU is that of Kalends with all that it starts.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import uvloop
from aiohttp import web
from rich.console import Console
from rich.table import Table
from sqlalchemy import update

from bench import mixed
from bench.processes import cpu_seconds, peak_mebibytes
from kalends.app import Kalends, assemble
from kalends.cli.process import tune_the_interpreter
from kalends.logs import set_up
from kalends.model.connection import Connection
from kalends.model.identity import Identity, IdentityKind, Permission
from kalends.model.ids import new_id
from kalends.settings import load
from kalends.store.tables import connections

UNCHANGED = 100
"""How often the feed is asked for while nothing changes."""
OTHERS = 99
"""Small feeds that are due at the same moment as the large one, as when a service holds many."""


async def serve(events: int) -> None:
    """Serve the feed at `/feed.ics` until the process is ended; `POST /` with `etag` and `changes` sets its manners."""
    text = mixed.feed(events)
    manners: dict[str, str | int] = {"etag": "", "changes": 0}

    async def feed(request: web.Request) -> web.Response:
        etag = manners["etag"]
        if etag and request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers={"ETag": str(etag)})
        said = text
        for number in range(int(manners["changes"])):
            said = said.replace("SUMMARY:", f"SUMMARY:{number}", 1)
        return web.Response(text=said, content_type="text/calendar", headers={"ETag": str(etag)} if etag else {})

    async def small(request: web.Request) -> web.Response:
        if request.headers.get("If-None-Match") == '"1"':
            return web.Response(status=304, headers={"ETag": '"1"'})
        return web.Response(text=mixed.feed(10), content_type="text/calendar", headers={"ETag": '"1"'})

    async def change(request: web.Request) -> web.Response:
        manners.update(await request.json())
        return web.Response()

    app = web.Application()
    app.router.add_get("/feed.ics", feed)
    app.router.add_get("/small/{number}.ics", small)
    app.router.add_post("/", change)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


@dataclass(frozen=True, slots=True)
class Step:
    """What a step cost: seconds of wall time and of CPU, the peak so far (MiB), and how many items it changed."""

    wall: float
    cpu: float
    peak: float
    changed: int


@dataclass(frozen=True, slots=True)
class Measured:
    """A service, the connection that is measured, and the server's process, which is not."""

    kalends: Kalends
    connection: Connection
    server: int

    def cpu(self) -> float:
        """Return the CPU seconds that were used so far."""
        return cpu_seconds(os.getpid(), without=self.server)

    def peak(self) -> float:
        """Return the most memory so far, in MiB."""
        return peak_mebibytes(os.getpid(), without=self.server)

    async def sync(self, times: int = 1) -> Step:
        """Sync so many times, and return what one took; raises `RuntimeError` where it failed."""
        changed = 0
        wall, cpu = time.perf_counter(), self.cpu()
        for _ in range(times):
            lease = await self.kalends.leased.claim(self.connection.site_id, self.connection.id)
            if lease is None:
                raise RuntimeError("somebody else syncs")
            run = await self.kalends.leased.run(lease)
            if run is None or run.error:
                raise RuntimeError(run and run.error)
            changed += run.counts.changed
        used = self.cpu() - cpu
        return Step((time.perf_counter() - wall) / times, used / times, self.peak(), changed)

    async def poll(self, times: int, *, feeds: int = 1) -> Step:
        """Look so many times whether anything changed, as the service does for feeds that are due.

        Returns what one look at one feed took.
        """
        wall = cpu = 0.0
        leased = self.kalends.leased
        for _ in range(times):
            async with self.kalends.database.write() as writer:
                await writer.execute(update(connections).values(next_sync_at=datetime.now(UTC) - timedelta(hours=1)))
            begun, used = time.perf_counter(), time.process_time()
            leases = await leased.claim_due(feeds)
            briefs = await leased.briefs(leases)
            runs = await asyncio.gather(*(leased.run(lease, briefs[lease.key]) for lease in leases))
            wall, cpu = wall + time.perf_counter() - begun, cpu + time.process_time() - used
            if len(runs) != feeds or any(run is None or run.error or run.counts.changed for run in runs):
                raise RuntimeError(str(runs))
        return Step(wall / times / feeds, cpu / times / feeds, self.peak(), 0)


@asynccontextmanager
async def connected(url: str, folder: Path) -> AsyncIterator[tuple[Kalends, Connection]]:
    """Make a service with the feed connected and not read yet."""
    settings = load({}, data_dir=folder, net_allow="127.0.0.0/8", log_level="error", host_rate=0)
    set_up(settings)
    async with assemble(settings) as kalends:
        await kalends.database.upgrade()
        site = await kalends.sites.create("Bench", time_zone="Europe/Berlin")
        schedule = await kalends.schedules.create(site, name="Bench")
        admin = Identity(IdentityKind.APP, site.id, new_id(), frozenset(Permission))
        feeds = await kalends.installation.install(site.id, "ics", name="Feeds", config={})
        view = await kalends.connecting.by_feed(admin, provider_id=feeds.id, schedule_id=schedule.id, url=url)
        yield kalends, view.connection


async def connect_others(kalends: Kalends, beside: Connection, url: str) -> None:
    """Connect small feeds on the same site, and read them."""
    site = await kalends.sites.get(beside.site_id)
    admin = Identity(IdentityKind.APP, site.id, new_id(), frozenset(Permission))
    for number in range(OTHERS):
        schedule = await kalends.schedules.create(site, name=f"Bench {number}")
        small = f"{url}/small/{number}.ics"
        view = await kalends.connecting.by_feed(
            admin, provider_id=beside.provider_id, schedule_id=schedule.id, url=small
        )
        lease = await kalends.leased.claim(site.id, view.connection.id)
        assert lease is not None
        await kalends.leased.run(lease)


async def measure(url: str, folder: Path, events: int, server: int) -> None:
    """Measure and print."""
    steps: dict[str, Step] = {}
    idle = peak_mebibytes(os.getpid(), without=server)
    async with AsyncExitStack() as stack:
        control = await stack.enter_async_context(httpx2.AsyncClient(trust_env=False))
        kalends, connection = await stack.enter_async_context(connected(f"{url}/feed.ics", folder))
        tune_the_interpreter()
        one = Measured(kalends, connection, server)
        connecting = one.peak()
        steps["first import"] = await one.sync()
        steps["the same bytes again"] = await one.sync(5)
        await control.post(url, json={"changes": 1})
        steps["one event changed"] = await one.sync()
        await control.post(url, json={"etag": '"1"'})
        await one.sync()
        await one.poll(UNCHANGED // 10)
        steps["304, alone"] = await one.poll(UNCHANGED)
        await connect_others(kalends, connection, url)
        await one.poll(2, feeds=OTHERS + 1)
        steps[f"304, one of {OTHERS + 1} that are due"] = await one.poll(UNCHANGED // 10, feeds=OTHERS + 1)
    title = f"a feed of {events:,} events"
    table = Table("", "wall s", "CPU ms", "of the first import's", "changed", "peak MiB", title=title)
    first = steps["first import"].cpu
    for name, step in steps.items():
        share = f"{step.cpu / first:.2%}"
        table.add_row(name, f"{step.wall:.3f}", f"{step.cpu * 1000:.1f}", share, str(step.changed), f"{step.peak:.0f}")
    Console(width=110).print(table)
    print(f"peak before connecting: {idle:.0f} MiB; after it: {connecting:.0f} MiB")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench.feeds", description=__doc__)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        asyncio.run(serve(given.events))
        return
    command = [sys.executable, "-m", "bench.feeds", "--serve", "--events", str(given.events)]
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own command line
        try:
            assert server.stdout is not None
            url = f"http://127.0.0.1:{int(server.stdout.readline())}"
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(measure(url, Path(folder), given.events, server.pid))
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
