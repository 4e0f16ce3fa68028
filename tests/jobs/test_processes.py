"""Several processes on one PostgreSQL: what one asks for another does, once, and whoever dies in between."""

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

import kalends.queue.jobs
from kalends.app import Kalends, assemble
from kalends.model.connection import Connection, Lease
from kalends.store.runs import Run, Runs
from tests.cli.operator import Operator
from tests.jobs.test_worker import PATIENCE, Gate, connect_some, running, until
from tests.rules.conftest import Scripted
from tests.servers import CalDavServer
from tests.world import SECRET_KEY, World, ics, settings_for, world_on

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

ROOT = Path(__file__).parents[2]
ROUNDS = int(os.environ.get("KALENDS_TEST_BURST_ROUNDS", "4"))
"""How often each of two processes asks for every one of 50 connections; 20 make it a burst of 2,000."""


async def is_done(world: World, connection: Connection) -> bool:
    now = await world.connection(connection.id)
    return now.done_rev == now.wanted_rev


async def items(world: World) -> int:
    async with world.kalends.database.read() as reader:
        return int((await reader.execute(text("SELECT count(*) FROM items"))).scalar_one())


@asynccontextmanager
async def another(scripted: Scripted) -> AsyncIterator[Kalends]:
    """A second Kalends on the same database, with connections and a worker of its own."""
    kalends = scripted.world.kalends
    async with assemble(kalends.settings, kinds={scripted.kind.kind: scripted.kind}, clock=scripted.world.clock) as one:
        yield one


async def asker(world: World, *connections: Connection, rounds: int = 1) -> asyncio.subprocess.Process:
    settings = world.kalends.settings
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.jobs.asker", settings.resolved_database_url, str(settings.data_dir)),
        *(world.site.id, str(rounds), *(one.id for one in connections)),
        cwd=ROOT,
    )


async def test_listening_alone_tells_a_worker_what_another_process_asks_for(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kalends.queue.jobs, "DEQUEUE_TIMEOUT", timedelta(hours=1))
    world = scripted.world
    connection = await scripted.connect(sync=False)
    worker = world.kalends.worker
    worker._look_every = timedelta(hours=1)
    async with running(worker):
        await until(lambda: is_done(world, connection))
        asking = await asker(world, connection)
        assert await asking.wait() == 0
        await until(lambda: is_done(world, connection))


async def test_a_burst_from_two_processes_is_one_or_two_syncs_of_each_and_never_two_at_once(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = scripted.world
    connections = await connect_some(scripted, 50, sync=False)
    under_way, overlaps, count = set[str](), list[str](), Counter[str]()
    gate = Gate(monkeypatch, scripted)
    async with another(scripted) as other:
        for one in (world.kalends, other):
            real = one.leased._sync.run

            async def watched(lease: Lease, real: Callable[[Lease], Awaitable[Run]] = real) -> Run:
                if lease.connection_id in under_way:
                    overlaps.append(lease.connection_id)
                under_way.add(lease.connection_id)
                count[lease.connection_id] += 1
                try:
                    return await real(lease)
                finally:
                    under_way.discard(lease.connection_id)

            monkeypatch.setattr(one.leased._sync, "run", watched)
        async with running(world.kalends.worker), running(other.worker):
            askers = [await asker(world, *connections, rounds=ROUNDS) for _ in range(2)]
            assert [await one.wait() for one in askers] == [0, 0]
            gate.opened.set()
            for connection in connections:
                await until(partial(is_done, world, connection))
                assert (await world.connection(connection.id)).wanted_rev == 1 + 2 * ROUNDS
    assert overlaps == []
    assert set(count) == {one.id for one in connections}
    assert max(count.values()) <= 2


async def test_what_a_worker_that_stops_could_not_finish_is_done_by_another(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = scripted.world
    scripted.remote.put("e", ics("e", "Busy", "20261201T090000Z"))
    connection = await scripted.connect(sync=False)
    gate, stopping = Gate(monkeypatch, scripted), asyncio.Event()
    working = asyncio.create_task(world.kalends.worker.run(stopping, finish=timedelta(seconds=0.1)))

    async def reading() -> bool:
        return gate.waiting == 1

    await until(reading)
    stopping.set()
    await asyncio.wait_for(working, PATIENCE)
    assert not await is_done(world, connection)
    gate.opened.set()
    async with another(scripted) as other, running(other.worker):
        await until(lambda: is_done(world, connection))
    async with world.kalends.database.read() as reader:
        assert len(await Runs(reader, world.site.id).latest(connection.id, 10)) == 1


async def test_a_worker_comes_back_by_itself_when_the_database_does(scripted: Scripted) -> None:
    world = scripted.world
    connection = await scripted.connect(sync=False)
    url = make_url(world.kalends.settings.resolved_database_url).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    async with running(world.kalends.worker), engine.connect() as administrator:
        await until(lambda: is_done(world, connection))
        ended = text("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = :name")
        await administrator.execute(text(f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS false'))
        assert (await administrator.execute(ended, {"name": url.database})).scalar_one() >= 2
        with pytest.raises((DBAPIError, asyncpg.PostgresError, OSError)):
            await is_done(world, connection)
        await administrator.execute(text(f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS true'))
        assert await (await asker(world, connection)).wait() == 0

        async def is_done_again() -> bool:
            with suppress(DBAPIError, OSError):  # the pool may still hold a connection that was ended
                return await is_done(world, connection)
            return False

        await until(is_done_again)
    await engine.dispose()


async def test_what_a_killed_worker_had_begun_is_finished_by_another(
    database_url: str, tmp_path: Path, radicale: CalDavServer
) -> None:
    login = radicale.login()
    calendar = f"{login.home}work/"
    radicale.make_calendar(calendar)
    titles = [f"Event {number:03}" for number in range(150)]
    radicale.put_many(
        calendar,
        {f"{one}.ics": ics(one, one, f"20261201T{at // 10:02}{at % 10 * 5:02}00Z") for at, one in enumerate(titles)},
    )
    environment = {
        "KALENDS_DATABASE_URL": database_url,
        "KALENDS_SECRET_KEY": SECRET_KEY,
        "KALENDS_NET_ALLOW": "127.0.0.0/8",
        "KALENDS_LEASE_TIME": "2",
    }
    async with world_on(settings_for(database_url, tmp_path)) as world:
        connection = await world.connect(radicale, login, sync=False)
        doomed = Operator(tmp_path, {**environment, "KALENDS_TEST_FAILPOINT": "after-apply"})
        with doomed.started("worker", "--json") as first:
            assert await asyncio.to_thread(first.process.wait, PATIENCE) == -signal.SIGKILL
        assert not await is_done(world, connection)
        assert 0 < await items(world) < len(titles)
        with Operator(tmp_path, environment).started("worker", "--concurrency", "2", "--json") as second:
            assert (await asyncio.to_thread(second.document))["concurrency"] == 2
            await until(lambda: is_done(world, connection))
            assert (await items(world), sorted(one or "" for one in await world.titles())) == (len(titles), titles)
            assert await asyncio.to_thread(second.end, signal.SIGTERM) == 0
            assert "Traceback" not in second.errors.read_text()
