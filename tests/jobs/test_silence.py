"""Processes that fall silent: their leases go to others, and nobody else's do. Time passes as the tests say."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from kalends.jobs.beating import EVERY as BEAT
from kalends.jobs.hearing import DEAD_AFTER, Hearing
from kalends.jobs.hearing import EVERY as LOOK
from kalends.jobs.leased import LeasedSync
from kalends.jobs.strays import EVERY as LOOK_FOR_STRAYS
from kalends.jobs.strays import Strays
from kalends.jobs.succession import Succession
from kalends.model.connection import Connection, ConnectionKey, Lease
from kalends.store.leases import LeaseLost, Leases
from kalends.store.occupancy import Occupancy
from kalends.store.servers import Servers
from kalends.store.tables import connections
from tests.jobs.test_worker import Gate, connect_some, running, until
from tests.rules.conftest import Scripted

HEIR = "the process that listens"


class Others:
    """Another process that listens for the one that the scripted world is, and would take its leases."""

    def __init__(self, scripted: Scripted) -> None:
        self.world, kalends = scripted.world, scripted.world.kalends
        self.database, self.owner = kalends.database, kalends.leased.owner
        self.hearing = Hearing(self.database, self.world.clock, HEIR)
        self.leased = LeasedSync(self.database, kalends.leased._turn, self.world.clock, kalends.settings.lease_time)

    async def beat(self, *, behind: timedelta = timedelta(0)) -> None:
        async with self.database.write() as writer:
            await Servers(writer).beat(self.owner, self.world.clock.now() - behind)

    async def listen(self, span: timedelta) -> None:
        """Let time pass while listening; less than one look's worth of it is still one look."""
        end = self.world.clock.now() + span
        while True:
            await self.hearing.once()
            if self.world.clock.now() >= end:
                return
            self.world.clock.advance(LOOK)

    async def claimed(self) -> list[Lease]:
        return await self.leased.claim_due(10)

    async def known(self) -> set[str]:
        async with self.database.read() as reader:
            return {*await Servers(reader).beats()}


async def taken(scripted: Scripted) -> tuple[Connection, Lease]:
    connection = await scripted.connect(sync=False)
    lease = await scripted.world.kalends.leased.claim_wanted(ConnectionKey(connection.site_id, connection.id))
    assert lease is not None
    return connection, lease


async def test_the_leases_of_a_silent_process_are_free_after_a_quarter_of_a_minute_and_not_before(
    scripted: Scripted,
) -> None:
    others = Others(scripted)
    connection, lease = await taken(scripted)
    (second,) = await connect_some(scripted, 1, sync=False)
    assert await scripted.world.kalends.leased.claim(second.site_id, second.id) is not None
    await others.beat()
    await others.listen(DEAD_AFTER - LOOK)
    assert await others.claimed() == []
    await others.listen(LOOK)
    mine = await others.claimed()
    assert {one.connection_id for one in mine} == {connection.id, second.id}
    assert {one.fence for one in mine} == {lease.fence + 1}
    assert await others.known() == set(), "it is counted no more"
    for one in mine:
        assert await others.leased.run(one) is not None


async def test_a_process_that_beats_keeps_its_leases(scripted: Scripted) -> None:
    others = Others(scripted)
    await taken(scripted)
    for _ in range(8):
        await others.beat()
        await others.listen(BEAT)
    assert await others.claimed() == []


@pytest.mark.parametrize("behind", [timedelta(hours=1), -timedelta(hours=1)])
async def test_a_clock_that_is_wrong_kills_nobody(scripted: Scripted, behind: timedelta) -> None:
    others = Others(scripted)
    await taken(scripted)
    for _ in range(4):
        await others.beat(behind=behind)
        await others.listen(BEAT)
    assert await others.claimed() == []
    await others.listen(DEAD_AFTER)
    assert len(await others.claimed()) == 1


async def test_who_never_beats_keeps_its_lease_until_it_runs_out(scripted: Scripted) -> None:
    others = Others(scripted)
    await taken(scripted)
    await others.listen(scripted.world.kalends.settings.lease_time)
    assert await others.claimed() == []
    scripted.world.clock.advance(timedelta(seconds=1))
    assert len(await others.claimed()) == 1


async def test_time_in_which_nobody_listened_counts_for_little(scripted: Scripted) -> None:
    others = Others(scripted)
    await taken(scripted)
    await others.beat()
    await others.listen(BEAT)
    scripted.world.clock.advance(DEAD_AFTER * 2)  # nothing ran, or the database was away
    await others.listen(BEAT)
    assert await others.claimed() == []
    await others.beat()
    await others.listen(DEAD_AFTER - LOOK)
    assert await others.claimed() == []
    await others.listen(LOOK)
    assert len(await others.claimed()) == 1


async def test_a_process_that_was_only_held_up_goes_on_where_nobody_took_its_place(scripted: Scripted) -> None:
    others = Others(scripted)
    connection, lease = await taken(scripted)
    await others.beat()
    await others.listen(DEAD_AFTER)
    assert await scripted.world.kalends.leased.run(lease) is not None
    now = await scripted.world.connection(connection.id)
    assert now.done_rev == now.wanted_rev
    assert await others.claimed() == []


async def test_a_process_that_was_held_up_for_longer_writes_nothing_once_another_took_its_place(
    scripted: Scripted,
) -> None:
    others = Others(scripted)
    connection, lease = await taken(scripted)
    await others.beat()
    await others.listen(DEAD_AFTER)
    (mine,) = await others.claimed()
    assert await scripted.world.kalends.leased.run(lease) is None
    now = await scripted.world.connection(connection.id)
    assert now.done_rev < now.wanted_rev
    async with others.database.write() as writer:
        with pytest.raises(LeaseLost):
            await Leases(writer).check(lease)
    assert await others.leased.run(mine) is not None


async def test_a_process_that_comes_back_to_life_is_listened_for_anew(scripted: Scripted) -> None:
    others = Others(scripted)
    _, lease = await taken(scripted)
    await others.beat()
    await others.listen(DEAD_AFTER)
    await others.beat()
    async with others.database.write() as writer:
        until_then = scripted.world.clock.now() + scripted.world.kalends.settings.lease_time
        await Leases(writer).check(lease)
        await writer.execute(update(connections).values(lease_until=until_then))
    await others.listen(DEAD_AFTER - LOOK)
    assert await others.claimed() == []
    await others.listen(LOOK)
    assert len(await others.claimed()) == 1


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_what_a_dead_process_has_locked_is_freed_when_its_transaction_ends(scripted: Scripted) -> None:
    others = Others(scripted)
    connection, _ = await taken(scripted)
    await others.beat()
    locks = update(connections).where(connections.c.id == connection.id).values(failures=7)
    async with others.database.read() as open_one:
        await open_one.execute(locks)
        await others.listen(DEAD_AFTER)
        assert await others.claimed() == []
        assert await others.known() == {others.owner}, "it is not forgotten while it holds something"
    await others.listen(LOOK)
    assert len(await others.claimed()) == 1
    assert await others.known() == set()


async def test_a_worker_is_heard_of_before_it_takes_a_lease(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, database = scripted.world, scripted.world.kalends.database
    connection = await scripted.connect(sync=False)
    known: list[set[str]] = []
    real = Leases._claim

    async def claim(leases: Leases, *args: object, **others: object) -> object:
        known.append({*await Servers(leases._connection).beats()})
        return await real(leases, *args, **others)  # type: ignore[arg-type] # handed through as they came

    beat = Servers.beat

    async def late(servers: Servers, *args: Any) -> None:
        await asyncio.sleep(0.5)  # long enough for a claim that does not wait for it
        await beat(servers, *args)

    monkeypatch.setattr(Leases, "_claim", claim)
    monkeypatch.setattr(Servers, "beat", late)
    async with running(world.kalends.worker):

        async def done() -> bool:
            now = await world.connection(connection.id)
            return now.done_rev == now.wanted_rev

        await until(done)
    assert known
    assert all(one == {world.kalends.leased.owner} for one in known)
    async with database.read() as reader:
        assert await Servers(reader).beats() == {}


async def test_leases_that_nothing_runs_under_are_handed_back_by_their_owner(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    others, kalends = Others(scripted), scripted.world.kalends
    (busy,) = await connect_some(scripted, 1, sync=False)
    working = await kalends.leased.claim(busy.site_id, busy.id)
    assert working is not None
    connection, _ = await taken(scripted)  # and then the database went away, so to speak
    gate = Gate(monkeypatch, scripted)
    syncing = asyncio.create_task(kalends.leased.run(working))

    async def reading() -> bool:
        return gate.waiting == 1

    await until(reading)
    strays = Strays(others.database, kalends.leased, scripted.world.clock)
    for _ in range(2):
        await strays.once()
    assert await others.claimed() == [], "it may only just have been taken"
    scripted.world.clock.advance(LOOK_FOR_STRAYS)
    await strays.once()
    mine = await kalends.leased.claim_wanted(ConnectionKey(connection.site_id, connection.id))
    assert mine is not None
    scripted.world.clock.advance(LOOK_FOR_STRAYS)
    await strays.once()
    await strays.once()
    gate.opened.set()
    assert await kalends.leased.run(mine) is not None, "another lease than the one that was found before"
    assert await syncing is not None, "a sync runs under it"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_who_is_alone_on_an_embedded_database_takes_over_at_once(scripted: Scripted) -> None:
    others = Others(scripted)
    connection, _ = await taken(scripted)
    await others.beat()
    path = scripted.world.kalends.settings.data_dir / "kalends.db"
    first, second, third = Occupancy(path), Occupancy(path), Occupancy(path)
    living = Succession(others.database, first, scripted.world.clock, others.owner)
    await living.enter()
    heir = Succession(others.database, second, scripted.world.clock, others.leased.owner)
    await heir.enter()
    assert await others.claimed() == [], "its owner is there"
    second.leave()
    first.leave()
    heir = Succession(others.database, third, scripted.world.clock, others.leased.owner)
    await heir.enter()
    assert await others.known() == set()
    (mine,) = await others.claimed()
    assert mine.connection_id == connection.id
    await heir.enter()
    assert await others.claimed() == [], "who has entered has its own to lose"
    third.leave()


async def test_one_who_comes_waits_until_whoever_takes_over_has_done_so(tmp_path: Path) -> None:
    first, second = Occupancy(tmp_path / "kalends.db"), Occupancy(tmp_path / "kalends.db")
    assert first.enter()
    coming = asyncio.create_task(asyncio.to_thread(second.enter))
    done, _ = await asyncio.wait({coming}, timeout=0.2)
    assert not done
    first.settle()
    assert await coming is False
    second.leave()
    first.leave()
    third = Occupancy(tmp_path / "kalends.db")
    assert third.enter()
    third.leave()
