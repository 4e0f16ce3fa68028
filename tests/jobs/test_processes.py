"""Several processes on one PostgreSQL: what one asks for another does, once, and whoever dies in between."""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

import kalends.queue.jobs
from kalends.app import Kalends, assemble
from kalends.model.connection import Connection, Lease
from kalends.store.runs import Run, Runs
from tests.jobs.test_worker import PATIENCE, Gate, connect_some, running, until
from tests.rules.conftest import Scripted
from tests.world import World, ics

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

ROOT = Path(__file__).parents[2]
CONNECTIONS = int(os.environ.get("KALENDS_TEST_BURST", "50"))
ROUNDS = 5
"""How often each of two processes asks for every connection; with 200 of these, the burst is of 2,000."""


async def is_done(world: World, connection: Connection) -> bool:
    now = await world.connection(connection.id)
    return now.done_rev == now.wanted_rev


async def revisions(world: World) -> set[tuple[int, int]]:
    """Return which revisions are wanted and done, of all connections."""
    async with world.kalends.database.read() as reader:
        return {(row[0], row[1]) for row in await reader.execute(text("SELECT wanted_rev, done_rev FROM connections"))}


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
    connections = await connect_some(scripted, CONNECTIONS, sync=False)
    under_way, overlaps, count = set[str](), list[str](), Counter[str]()
    gate = Gate(monkeypatch, scripted)
    async with another(scripted) as other:
        for one in (world.kalends, other):
            real = one.leased._turn.run

            async def watched(lease: Lease, *args: Any, real: Callable[..., Awaitable[Run]] = real) -> Run:
                if lease.connection_id in under_way:
                    overlaps.append(lease.connection_id)
                under_way.add(lease.connection_id)
                count[lease.connection_id] += 1
                try:
                    return await real(lease, *args)
                finally:
                    under_way.discard(lease.connection_id)

            monkeypatch.setattr(one.leased._turn, "run", watched)
        async with running(world.kalends.worker), running(other.worker):
            askers = [await asker(world, *connections, rounds=ROUNDS) for _ in range(2)]
            assert [await one.wait() for one in askers] == [0, 0]
            gate.opened.set()

            async def all_done() -> bool:
                return await revisions(world) == {(1 + 2 * ROUNDS, 1 + 2 * ROUNDS)}

            await until(all_done)
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
