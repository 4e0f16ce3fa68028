"""The worker that takes up syncs, and asking for one beside it."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

import pytest

from kalends.jobs.leased import LeasedSync
from kalends.jobs.worker import Worker
from kalends.model.clock import SystemClock
from kalends.model.connection import Connection, ConnectionKey, ErrorReason, Status
from kalends.providers.base import AccountSession
from kalends.providers.errors import Unavailable
from kalends.store.connections import Connections
from kalends.store.leases import Leases
from kalends.store.occupancy import Occupancy
from kalends.store.runs import Runs
from kalends.store.servers import Servers
from tests.rules.conftest import Scripted
from tests.scripted_provider import GUID, RemoteCalendar
from tests.world import ics

PATIENCE = 60.0


async def until(condition: Callable[[], Awaitable[bool]], *, within: float = PATIENCE) -> None:
    deadline = time.monotonic() + within
    while not await condition():
        assert time.monotonic() < deadline, "it never came true"
        await asyncio.sleep(0.02)


@asynccontextmanager
async def running(worker: Worker) -> AsyncIterator[None]:
    task = asyncio.create_task(worker.run(asyncio.Event()))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def has_status(scripted: Scripted, connection: Connection, status: Status) -> Callable[[], Awaitable[bool]]:
    async def check() -> bool:
        return (await scripted.world.connection(connection.id)).status is status

    return check


async def test_connecting_wakes_the_worker_and_polls_follow(scripted: Scripted) -> None:
    world = scripted.world
    async with running(world.kalends.worker):
        connection = await scripted.connect(sync=False)
        await until(has_status(scripted, connection, Status.SYNCED))
        readings = len(scripted.kind.readings)
        world.clock.advance(world.kalends.settings.poll_interval * 1.2)

        async def polled() -> bool:
            return len(scripted.kind.readings) > readings

        await until(polled)


async def test_a_failure_backs_off_and_recovers_by_itself(scripted: Scripted) -> None:
    world = scripted.world
    connection = await scripted.connect()

    def down(_page: int) -> None:
        raise Unavailable("down", retry_after=timedelta(minutes=30))

    scripted.kind.fault = down
    await world.sync(connection)
    assert await world.kalends.leased.claim_due(1) == []
    world.clock.advance(timedelta(minutes=29))
    assert await world.kalends.leased.claim_due(1) == [], "what the provider asks for is honoured"
    world.clock.advance(timedelta(minutes=1))
    scripted.kind.fault = None
    async with running(world.kalends.worker):

        async def recovered() -> bool:
            return (await world.connection(connection.id)).failures == 0

        await until(recovered)


async def test_a_server_that_wants_to_be_left_alone_is_asked_nothing_more_and_its_wait_counts(
    scripted: Scripted,
) -> None:
    world = scripted.world
    scripted.kind.calendars = {name: RemoteCalendar() for name in "abc"}
    connection = await scripted.connect()
    await world.sync(connection)
    scripted.kind.readings.clear()

    def down(_page: int) -> None:
        if len(scripted.kind.readings) == 2:
            raise Unavailable("later", retry_after=timedelta(hours=5))
        raise Unavailable("down")

    scripted.kind.fault = down
    await world.sync(connection)
    assert len(scripted.kind.readings) == 2, "the third calendar was asked for all the same"
    world.clock.advance(timedelta(hours=4, minutes=59))
    assert await world.kalends.leased.claim_due(1) == []
    world.clock.advance(timedelta(minutes=2))
    assert len(await world.kalends.leased.claim_due(1)) == 1


async def test_refused_credentials_are_tried_again_ever_more_rarely(scripted: Scripted) -> None:
    world = scripted.world
    connection = await scripted.connect()
    scripted.kind.password = "changed"
    tries = 0
    for _ in range(24 * 60):
        for lease in await world.kalends.leased.claim_due(1):
            await world.kalends.leased.run(lease)
            tries += 1
        world.clock.advance(timedelta(minutes=1))
    broken = await world.connection(connection.id)
    assert (broken.status, broken.error_reason) == (Status.ERROR, ErrorReason.TOKEN_REVOKED)
    assert tries < 40


async def test_stopping_hands_leases_back_and_says_goodbye(scripted: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    world = scripted.world
    scripted.remote.put("e", ics("e", "Busy", "20261201T090000Z"))
    connection = await scripted.connect(sync=False)
    entered = asyncio.Event()
    real = scripted.kind.session

    @asynccontextmanager
    async def stuck(*args: Any) -> AsyncIterator[AccountSession]:
        async with real(*args) as session:
            entered.set()
            await asyncio.sleep(3600)
            yield session

    monkeypatch.setattr(scripted.kind, "session", stuck)
    async with running(world.kalends.worker):
        await asyncio.wait_for(entered.wait(), PATIENCE)
    assert await world.kalends.leased.claim(connection.site_id, connection.id) is not None, "it is free at once"
    async with world.kalends.database.read() as reader:
        assert not await Servers(reader).any_since(world.clock.now() - timedelta(days=1))


async def test_a_lease_is_renewed_while_the_sync_goes_on(scripted: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    world, kalends = scripted.world, scripted.world.kalends
    connection = await scripted.connect(sync=False)
    short = LeasedSync(kalends.database, kalends.leased._turn, SystemClock(), timedelta(seconds=0.3))
    release = asyncio.Event()
    real = scripted.kind.session

    @asynccontextmanager
    async def slow(*args: Any) -> AsyncIterator[AccountSession]:
        async with real(*args) as session:
            await release.wait()
            yield session

    monkeypatch.setattr(scripted.kind, "session", slow)
    lease = await short.claim(connection.site_id, connection.id)
    assert lease is not None
    syncing = asyncio.create_task(short.run(lease))
    await asyncio.sleep(1.0)  # several times the lease: this is what has to pass
    assert await short.claim(connection.site_id, connection.id) is None
    release.set()
    assert await syncing is not None
    assert (await world.connection(connection.id)).status is Status.SYNCED


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_the_lease_of_a_connection_that_is_being_written_is_renewed_once_that_is_done(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, kalends = scripted.world, scripted.world.kalends
    connection = await scripted.connect(sync=False)
    lease = await kalends.leased.claim(connection.site_id, connection.id)
    assert lease is not None
    monkeypatch.setitem(kalends.leased._running, lease, asyncio.get_running_loop().create_future())
    world.clock.advance(kalends.settings.lease_time / 2)
    async with kalends.database.write() as writer:
        await Leases(writer).check(lease)
        renewing = asyncio.create_task(kalends.leased.renew())
        await asyncio.wait({renewing}, timeout=0.5)
        assert not renewing.done(), "it waits"
    await asyncio.wait_for(renewing, PATIENCE)
    world.clock.advance(kalends.settings.lease_time * 3 / 4)
    assert await kalends.leased.claim(connection.site_id, connection.id) is None, "it would have run out by now"


async def test_asking_with_no_server_running_does_the_sync_here(scripted: Scripted) -> None:
    connection = await scripted.connect(sync=False)
    assert await scripted.world.kalends.asking.sync(connection, within=timedelta(seconds=30))
    assert (await scripted.world.connection(connection.id)).status is Status.SYNCED


async def test_asking_beside_a_server_leaves_the_work_to_it(scripted: Scripted) -> None:
    world, kalends = scripted.world, scripted.world.kalends
    connection = await scripted.connect(sync=False)
    occupancy = Occupancy(world.kalends.settings.data_dir / "kalends.db")
    occupancy.enter()
    occupancy.settle()
    async with kalends.database.write() as writer:
        await Servers(writer).beat("another process", world.clock.now())
    asking = asyncio.create_task(kalends.asking.sync(connection, within=timedelta(minutes=1)))
    await asyncio.sleep(0.3)
    assert scripted.kind.readings == [], "the server that runs has to do it"
    lease = await kalends.leased.claim_wanted(ConnectionKey(world.site.id, connection.id))
    assert lease is not None
    await kalends.leased.run(lease)
    assert await asyncio.wait_for(asking, PATIENCE)
    async with kalends.database.read() as reader:
        assert len(await Runs(reader, world.site.id).latest(connection.id, 10)) == 1
    occupancy.leave()


async def test_asking_does_not_wait_for_a_server_that_died(scripted: Scripted) -> None:
    world, kalends = scripted.world, scripted.world.kalends
    connection = await scripted.connect(sync=False)
    async with kalends.database.write() as writer:
        await Servers(writer).beat("a killed process", world.clock.now() - timedelta(minutes=1))
    assert await kalends.asking.sync(connection, within=timedelta(seconds=30))


@pytest.mark.parametrize("asks", [1, 5])
async def test_a_burst_of_asking_is_one_or_two_syncs(scripted: Scripted, asks: int) -> None:
    world, kalends = scripted.world, scripted.world.kalends
    connection = await scripted.connect()
    before = len(scripted.kind.readings)
    async with running(kalends.worker):
        done = await asyncio.gather(
            *(kalends.asking.sync(connection, within=timedelta(minutes=1)) for _ in range(asks))
        )
    assert all(done)
    assert 1 <= len(scripted.kind.readings) - before <= 2
    now = await world.connection(connection.id)
    assert now.done_rev == now.wanted_rev


class Gate:
    """Holds readings up, and says how many wait at it; what enters and leaves is counted by connection."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, scripted: Scripted) -> None:
        self.opened = asyncio.Event()
        self.waiting = 0
        self._real = scripted.kind.session
        monkeypatch.setattr(scripted.kind, "session", self._session)

    @asynccontextmanager
    async def _session(self, *args: Any) -> AsyncIterator[object]:
        async with self._real(*args) as session:
            self.waiting += 1
            try:
                await self.opened.wait()
            finally:
                self.waiting -= 1
            yield session


async def connect_some(scripted: Scripted, count: int, *, sync: bool = True) -> list[Connection]:
    views = [
        await scripted.world.kalends.connecting.by_credentials(
            scripted.world.admin,
            provider_id=GUID,
            schedule_id=scripted.world.schedule.id,
            email=f"p{number}@example.org",
            password="right",
        )
        for number in range(count)
    ]
    if sync:
        for view in views:
            await scripted.world.sync(view.connection)
    return [view.connection for view in views]


async def test_polls_leave_a_place_for_what_is_asked_for(scripted: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    world, kalends = scripted.world, scripted.world.kalends
    places = 5
    monkeypatch.setattr(kalends.worker, "_most", places)
    monkeypatch.setattr(kalends.worker, "_flights", asyncio.Semaphore(places))
    await connect_some(scripted, places + 2)
    asked = await scripted.connect(sync=False)
    world.clock.advance(timedelta(hours=1))
    await world.sync(asked)  # so it is the only one that is not due
    gate = Gate(monkeypatch, scripted)
    async with running(kalends.worker):

        async def polling() -> bool:
            return gate.waiting == places - 1

        await until(polling)
        async with kalends.database.write() as writer:
            await kalends.wanting.sync(writer, ConnectionKey(world.site.id, asked.id))

        async def asked_too() -> bool:
            return gate.waiting == places

        await until(asked_too)
        gate.opened.set()

        async def all_polled() -> bool:
            async with kalends.database.read() as reader:
                return not await Leases(reader).any_due(world.clock.now())

        await until(all_polled)


async def test_a_row_that_says_wanted_without_a_job_is_found(scripted: Scripted) -> None:
    world, kalends = scripted.world, scripted.world.kalends
    connection = await scripted.connect()
    async with kalends.database.write() as writer:
        await Connections(writer, world.site.id).want_sync(connection.id)

    async def done() -> bool:
        now = await world.connection(connection.id)
        return now.done_rev == now.wanted_rev

    async with running(kalends.worker):
        await until(done)


async def test_what_a_killed_process_held_is_done_by_another_though_its_job_still_counts(scripted: Scripted) -> None:
    world, kalends = scripted.world, scripted.world.kalends
    connection = await scripted.connect(sync=False)
    dead = await kalends.leased.claim_wanted(ConnectionKey(world.site.id, connection.id))
    assert dead is not None
    assert await kalends.leased.claim_due(10) == []
    world.clock.advance(kalends.settings.lease_time + timedelta(seconds=1))
    (lease,) = await kalends.leased.claim_due(10)
    assert (lease.fence, lease.asked) == (dead.fence + 1, True)
    assert await kalends.leased.run(lease) is not None
    assert await kalends.leased.claim_due(10) == []


async def test_a_sync_that_is_told_to_stop_may_finish(scripted: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    world, kalends = scripted.world, scripted.world.kalends
    connection = await scripted.connect(sync=False)
    (late,) = await connect_some(scripted, 1)
    gate, stopping = Gate(monkeypatch, scripted), asyncio.Event()
    working = asyncio.create_task(kalends.worker.run(stopping))

    async def reading() -> bool:
        return gate.waiting == 1

    await until(reading)
    stopping.set()
    async with kalends.database.write() as writer:
        await kalends.wanting.sync(writer, ConnectionKey(world.site.id, late.id))
    gate.opened.set()
    await asyncio.wait_for(working, PATIENCE)
    assert (await world.connection(connection.id)).status is Status.SYNCED
    now = await world.connection(late.id)
    assert now.done_rev < now.wanted_rev, "nothing new is begun"
