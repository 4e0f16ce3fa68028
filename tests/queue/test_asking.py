"""Asking in a transaction: the rows are kept whatever the queue holds, and the queue keeps nothing that they do not."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

import pytest
from pgqueuer.adapters.inmemory import InMemoryQueries
from pgqueuer.adapters.persistence.queries import Queries

from kalends.model.connection import ConnectionKey
from kalends.queue.jobs import EndedJob, TellingMemoryQueries, TellingQueries
from kalends.queue.memory import MemoryQueue
from kalends.queue.port import SyncQueue
from kalends.queue.postgres import _queries
from tests.jobs.test_worker import running, until
from tests.rules.conftest import Scripted

PATIENCE = 20.0


class Changed(Exception):
    pass


def queue_of(scripted: Scripted) -> SyncQueue:
    queue: SyncQueue = scripted.world.kalends.wanting._queue
    return queue


async def jobs(scripted: Scripted) -> int:
    """Return how many jobs wait or run."""
    queue = queue_of(scripted)
    if isinstance(queue, MemoryQueue):
        await asyncio.gather(*queue._putting)
        held: TellingQueries | TellingMemoryQueries = queue._queries
        return sum(one.count for one in await held.queue_size())
    async with scripted.world.kalends.database.dedicated() as driver:
        return sum(one.count for one in await _queries(driver).queue_size())


async def wanted(scripted: Scripted, key: ConnectionKey) -> int:
    now = await scripted.world.connection(key.connection_id)
    return now.wanted_rev - now.done_rev


@pytest.fixture
async def key(scripted: Scripted) -> ConnectionKey:
    """A connection that was synced, without a job."""
    connection = await scripted.connect()
    await drain(scripted)
    return ConnectionKey(connection.site_id, connection.id)


async def drain(scripted: Scripted) -> None:
    async def is_empty() -> bool:
        return await jobs(scripted) == 0

    async with handing_out(queue_of(scripted)):
        await until(is_empty)


@asynccontextmanager
async def handing_out(queue: SyncQueue, gate: asyncio.Event | None = None) -> AsyncIterator[list[ConnectionKey]]:
    """Hand out jobs; each waits at the gate, if there is one. Yields what was begun."""
    begun: list[ConnectionKey] = []

    async def work(key: ConnectionKey) -> None:
        begun.append(key)
        if gate is not None:
            await gate.wait()

    async def ended(_keys: Collection[ConnectionKey]) -> None:
        return

    stopping = asyncio.Event()
    running = asyncio.create_task(queue.run(work, concurrency=4, ended=ended, stopping=stopping))
    try:
        yield begun
    finally:
        stopping.set()
        if gate is not None:
            gate.set()
        await asyncio.wait_for(running, PATIENCE)


async def test_a_duplicate_ask_keeps_the_change_of_the_row(scripted: Scripted, key: ConnectionKey) -> None:
    wanting, database = scripted.world.kalends.wanting, scripted.world.kalends.database
    for _ in range(2):
        async with database.write() as writer:
            await wanting.sync(writer, key)
    assert (await wanted(scripted, key), await jobs(scripted)) == (2, 1)


async def test_an_ask_while_the_job_runs_keeps_the_change_of_the_row(scripted: Scripted, key: ConnectionKey) -> None:
    wanting, database, gate = scripted.world.kalends.wanting, scripted.world.kalends.database, asyncio.Event()
    async with handing_out(queue_of(scripted), gate) as begun:

        async def has_begun() -> bool:
            return bool(begun)

        async with database.write() as writer:
            await wanting.sync(writer, key)
        await until(has_begun)
        async with database.write() as writer:
            await wanting.sync(writer, key)
        assert (await wanted(scripted, key), await jobs(scripted)) == (2, 1)
    assert begun == [key]


async def test_an_ask_that_is_rolled_back_leaves_no_job(scripted: Scripted, key: ConnectionKey) -> None:
    wanting, database = scripted.world.kalends.wanting, scripted.world.kalends.database
    with suppress(Changed):
        async with database.write() as writer:
            await wanting.sync(writer, key)
            raise Changed
    assert (await wanted(scripted, key), await jobs(scripted)) == (0, 0)


async def test_a_job_is_there_only_once_its_transaction_has_ended(scripted: Scripted, key: ConnectionKey) -> None:
    wanting, database = scripted.world.kalends.wanting, scripted.world.kalends.database
    async with database.write() as writer:
        await wanting.sync(writer, key)
        assert await jobs(scripted) == 0
    assert await jobs(scripted) == 1


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_asking_before_the_row_is_written_is_refused(scripted: Scripted, key: ConnectionKey) -> None:
    async with scripted.world.kalends.database.write() as writer:
        with pytest.raises(RuntimeError, match="before its row"):
            await queue_of(scripted).ask(writer, [key])
    assert await jobs(scripted) == 0


async def test_a_site_asks_for_all_its_connections_in_one_transaction(scripted: Scripted, key: ConnectionKey) -> None:
    kalends, world = scripted.world.kalends, scripted.world
    async with kalends.database.write() as writer:
        await kalends.wanting.syncs(writer, world.site.id, [world.schedule.id])
    assert (await wanted(scripted, key), await jobs(scripted)) == (1, 1)


async def test_a_job_that_breaks_is_over_and_says_nothing_of_why(
    scripted: Scripted, key: ConnectionKey, caplog: pytest.LogCaptureFixture
) -> None:
    kalends, ended = scripted.world.kalends, asyncio.Event()

    async def work(_key: ConnectionKey) -> None:
        raise Changed("Dentist")

    async def note(keys: Collection[ConnectionKey]) -> None:
        assert set(keys) == {key}
        ended.set()

    stopping = asyncio.Event()
    running = asyncio.create_task(queue_of(scripted).run(work, concurrency=1, ended=note, stopping=stopping))
    async with kalends.database.write() as writer:
        await kalends.wanting.sync(writer, key)
    await asyncio.wait_for(ended.wait(), PATIENCE)
    assert await jobs(scripted) == 0
    stopping.set()
    await asyncio.wait_for(running, PATIENCE)
    assert caplog.records == []


async def test_what_is_asked_for_in_the_last_moment_of_a_job_is_done(
    scripted: Scripted, key: ConnectionKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    kalends = scripted.world.kalends
    engine = InMemoryQueries if kalends.database.embedded else Queries
    real, late = engine.log_jobs, asyncio.Event()

    async def ask_before_the_job_is_gone(queries: Any, ended: list[EndedJob]) -> None:
        if not late.is_set():
            late.set()
            async with kalends.database.write() as writer:
                await kalends.wanting.sync(writer, key)
        await real(queries, ended)

    monkeypatch.setattr(engine, "log_jobs", ask_before_the_job_is_gone)
    kalends.worker._look_every = timedelta(hours=1)
    async with kalends.database.write() as writer:
        await kalends.wanting.sync(writer, key)

    async def both_done() -> bool:
        return late.is_set() and await wanted(scripted, key) == 0

    async with running(kalends.worker):
        await until(both_done)
