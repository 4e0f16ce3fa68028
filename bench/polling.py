"""What polls cost that find nothing new: our CPU per calendar, PostgreSQL's beside it, and memory over many of them.

`make bench` has one worker read many connections that are all due at once, each a CalDAV account with one
calendar on a stand-in server, over and over; then `--paced SECONDS` spreads them over a time, as they are in life.
The floor is the same exchange by a bare HTTP client in the same process: request, answer, nothing else.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import uvloop
from rich.console import Console
from rich.table import Table
from sqlalchemy import func, insert, literal, select, update

from bench.processes import cpu_seconds
from bench.standin import TOKEN
from kalends.accounts.keeping import credentials_row
from kalends.app import Kalends, assemble
from kalends.cli.process import tune_the_interpreter
from kalends.logs import set_up
from kalends.model.ids import new_id
from kalends.model.provider import Provider
from kalends.model.schedule import Site
from kalends.model.time import ZONE_RULES, Window
from kalends.providers.caldav.cursor import Cursor, CursorKind
from kalends.providers.caldav.session import kept_credentials
from kalends.settings import Settings, load
from kalends.store.tables import calendars, connections, readings
from kalends.sync.subject import MARGIN
from kalends.vault.keys import Keyring
from kalends.vault.sealing import Vault
from tests.postgres import postgres_server

SECRET = "ZXZlcnl0aGluZyBpcyBmaW5lLCB0cnVzdCB0aGlzISE="  # noqa: S105 - of a database that lives for a minute
PAGE = os.sysconf("SC_PAGE_SIZE")
FLOOR_REQUESTS = 3_000
REQUEST = b"x" * 330
"""As long as the request of a sync report."""


@dataclass(frozen=True, slots=True)
class Round:
    """One round of polls: seconds of wall time, of our CPU and of PostgreSQL's, and our memory after it in MiB."""

    polls: int
    wall: float
    ours: float
    postgres: float
    memory: float


def parent_of(process: int) -> int:
    """Return the process that started another one."""
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


def memory() -> float:
    """Return the resident memory of this process in MiB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE / 2**20


async def postmaster(kalends: Kalends) -> int:
    """Return the process that all of PostgreSQL's come from."""
    async with kalends.database.read() as reader:
        backend = int((await reader.execute(select(func.pg_backend_pid()))).scalar_one())
    return parent_of(backend)


@contextmanager
def stand_in() -> Iterator[str]:
    """Run the stand-in server on a free port; yield its URL."""
    port = 18_766
    server = subprocess.Popen([sys.executable, "-m", "bench.standin", str(port)], stdout=subprocess.PIPE)  # noqa: S603 - our own command line
    try:
        assert server.stdout is not None
        assert server.stdout.readline() == b"ready\n"
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


@asynccontextmanager
async def populated(settings: Settings, url: str, count: int) -> AsyncIterator[Kalends]:
    """Yield a service with connections that were read just now."""
    async with assemble(settings) as kalends:
        await kalends.database.upgrade()
        site = await kalends.sites.create("Bench", time_zone="Europe/Berlin")
        provider = await kalends.installation.install(site.id, "caldav", name="Stand-in", config={"url": f"{url}/dav/"})
        await connect(kalends, site, provider, url, count)
        yield kalends


async def connect(kalends: Kalends, site: Site, provider: Provider, url: str, count: int) -> None:
    """Write connections as they are after a first sync."""
    vault, now = Vault(Keyring.of(kalends.settings)), datetime.now(UTC)
    schedule = await kalends.schedules.create(site, name="Bench")
    limits = kalends.settings
    window = Window.around(now, limits.window_back + MARGIN, limits.window_ahead + MARGIN)
    cursor = str(Cursor(CursorKind.SYNC_TOKEN, TOKEN))
    for start in range(0, count, 500):
        rows = []
        for number in range(start, min(start + 500, count)):
            identity, calendar = new_id(), new_id()
            account = f"p{number}@example.org"
            home = f"{url}/dav/{number}/"
            kept = kept_credentials(account, "secret", origin=url, principal=home, homes=[home])
            connection = {
                "site_id": site.id,
                "id": identity,
                "provider_id": provider.id,
                "schedule_id": schedule.id,
                "account_key": account,
                "account_email": account,
                "addresses": [account],
                "credentials": vault.seal(kept, row=credentials_row(site.id, identity)),
                "status": "SYNCED",
                "import_enabled": True,
                "import_choice": "calendars",
                "created_at": now,
                "last_read_at": now,
                "last_good_read_at": now,
                "wanted_rev": 1,
                "done_rev": 1,
                "fence": 1,
                "failures": 0,
            }
            listed = {
                "site_id": site.id,
                "id": calendar,
                "connection_id": identity,
                "external_id": f"/dav/{number}/work/",
                "name": "Work",
                "time_zone": "Europe/Berlin",
                "is_primary": False,
                "own": True,
                "writable": True,
                "position": 0,
                "selected": True,
            }
            read = {
                "site_id": site.id,
                "calendar_id": calendar,
                "cursor": cursor,
                "last_good_at": now,
                "covered_from": window.start,
                "covered_until": window.end,
                "zones": "Europe/Berlin Europe/Berlin",
                "zone_rules": ZONE_RULES,
            }
            rows.append((connection, listed, read))
        async with kalends.database.write() as writer:
            for table, values in zip((connections, calendars, readings), zip(*rows, strict=True), strict=True):
                await writer.execute(insert(table), list(values))


async def make_due(kalends: Kalends, *, over: timedelta = timedelta(0)) -> None:
    """Make every connection due: now, or evenly spread over a time to come."""
    now = datetime.now(UTC)
    due = literal(now) + func.random() * literal(over) if over else literal(now)
    async with kalends.database.write() as writer:
        await writer.execute(update(connections).values(next_sync_at=due))


async def left(kalends: Kalends, since: datetime) -> int:
    """Return how many connections were not read since a time."""
    async with kalends.database.read() as reader:
        query = select(func.count()).select_from(connections).where(connections.c.last_good_read_at < since)
        return int((await reader.execute(query)).scalar_one())


async def measured(kalends: Kalends, count: int, work: Callable[[], Awaitable[None]]) -> Round:
    """Measure some work."""
    processes = await postmaster(kalends)
    started, ours, postgres = time.perf_counter(), time.process_time(), cpu_seconds(processes)
    await work()
    return Round(
        count,
        time.perf_counter() - started,
        time.process_time() - ours,
        cpu_seconds(processes) - postgres,
        memory(),
    )


async def one_round(kalends: Kalends, count: int) -> Round:
    """Read every connection once, all of them due at once."""
    await make_due(kalends)

    async def work() -> None:
        since, stopping = datetime.now(UTC), asyncio.Event()
        working = asyncio.create_task(kalends.worker.run(stopping))
        while await left(kalends, since):  # noqa: ASYNC110 - what is awaited happens in the database
            await asyncio.sleep(0.5)
        stopping.set()
        await working

    return await measured(kalends, count, work)


async def paced(kalends: Kalends, count: int, seconds: int) -> tuple[Round, timedelta]:
    """Read every connection once, each when it is due; return also how late the oldest was at the end."""
    over = timedelta(seconds=seconds)
    await make_due(kalends, over=over)

    async def work() -> None:
        stopping = asyncio.Event()
        working = asyncio.create_task(kalends.worker.run(stopping))
        await asyncio.sleep(seconds)
        stopping.set()
        await working

    done = await measured(kalends, count, work)
    async with kalends.database.read() as reader:
        oldest = (await reader.execute(select(func.min(connections.c.next_sync_at)))).scalar_one()
    return done, max(datetime.now(UTC) - oldest, timedelta(0))


async def floor(url: str, at_once: int) -> float:
    """Return the CPU milliseconds of a bare exchange."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=at_once)) as client:
        gate = asyncio.Semaphore(at_once)

        async def exchange() -> None:
            async with gate, client.request("REPORT", f"{url}/dav/1/work/", data=REQUEST) as answer:
                await answer.read()

        await asyncio.gather(*(exchange() for _ in range(at_once)))
        before = time.process_time()
        await asyncio.gather(*(exchange() for _ in range(FLOOR_REQUESTS)))
        return (time.process_time() - before) / FLOOR_REQUESTS * 1000


async def bench(given: argparse.Namespace, database_url: str, folder: Path) -> None:
    """Measure and print."""
    settings = load(
        {},
        data_dir=folder,
        database_url=database_url,
        secret_key=SECRET,
        net_allow="127.0.0.0/8",
        poll_interval=timedelta(hours=1),
        poll_concurrency=given.batch,
        log_level="error",
        host_rate=0,
    )
    set_up(settings)
    console = Console()
    with stand_in() as url:
        bare = await floor(url, given.batch)
        async with populated(settings, url, given.connections) as kalends:
            tune_the_interpreter()
            await one_round(kalends, given.connections)  # imports, connections, plans of statements
            rounds = [await one_round(kalends, given.connections) for _ in range(given.rounds)]
            table = Table("polls", "wall s", "our CPU ms/poll", "PostgreSQL CPU ms/poll", "memory MiB")
            for one in rounds:
                cells = (one.wall, one.ours / one.polls * 1000, one.postgres / one.polls * 1000, one.memory)
                table.add_row(str(one.polls), *(f"{cell:.2f}" for cell in cells))
            console.print(table)
            each = statistics.median(one.ours / one.polls * 1000 for one in rounds)
            console.print(f"floor (one bare exchange): {bare:.2f} ms; ratio {each / bare:.1f}")
            console.print(f"100,000 connections every 5 minutes: {each * 100_000 / 300_000:.0%} of one core, by this")
            if given.paced:
                done, late = await paced(kalends, given.connections, given.paced)
                console.print(
                    f"{given.connections} connections over {given.paced} s: our load {done.ours / done.wall:.0%}, "
                    f"PostgreSQL's {done.postgres / done.wall:.0%} of one core, {done.memory:.0f} MiB, "
                    f"{late.total_seconds():.1f} s behind at the end"
                )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=100, help="polls under way at a time")
    parser.add_argument("--paced", type=int, default=0, metavar="SECONDS", help="then read all of them in this time")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as name,
        postgres_server() as url,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(bench(given, url, Path(name)))


if __name__ == "__main__":
    main()
