"""Quiet ends are written together, and each of them or not."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import text

from kalends.model.clock import Clock
from kalends.model.connection import ConnectionKey, Lease, Status
from kalends.store.leases import Leases
from kalends.store.quiet import QuietEnd, QuietEnds
from kalends.sync import ending
from kalends.sync.ending import Endings
from tests.jobs.test_worker import connect_some
from tests.rules.conftest import Scripted
from tests.statements import statements


def quiet(lease: Lease, clock: Clock) -> QuietEnd:
    return QuietEnd(lease, clock.now() + timedelta(minutes=7), {})


async def taken(scripted: Scripted, count: int) -> Sequence[Lease]:
    """Take the leases of some connections that were read before, and are due."""
    await connect_some(scripted, count)
    scripted.world.clock.advance(timedelta(hours=1))
    leases = await scripted.world.kalends.leased.claim_due(count)
    assert len(leases) == count
    return leases


async def test_the_ends_of_syncs_that_end_together_are_one_transaction(scripted: Scripted) -> None:
    world = scripted.world
    leases = await taken(scripted, 5)
    endings = Endings(world.kalends.database, world.clock)

    async def sync(lease: Lease) -> bool:
        with endings.under_way() as end:
            return await end.quietly(quiet(lease, world.clock))

    with statements(world.kalends.database) as heard:
        assert all(await asyncio.gather(*map(sync, leases)))
    assert sum(one.startswith("UPDATE connections") for one in heard) == 1
    for lease in leases:
        now = await world.connection(lease.connection_id)
        assert (now.status, now.done_rev, now.lease_until) == (Status.SYNCED, lease.wanted_rev, None)
        assert now.last_good_read_at == world.clock.now()
        assert now.next_sync_at == world.clock.now() + timedelta(minutes=7)


async def test_one_that_goes_on_for_long_does_not_hold_up_the_ends_of_others(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = scripted.world
    monkeypatch.setattr(ending, "LINGER", timedelta(milliseconds=1))
    (lease,) = await taken(scripted, 1)
    endings = Endings(world.kalends.database, world.clock)
    with endings.under_way(), endings.under_way() as end:
        assert await asyncio.wait_for(end.quietly(quiet(lease, world.clock)), 10)


async def test_a_lost_lease_writes_nothing_and_the_others_do(scripted: Scripted) -> None:
    world = scripted.world
    kept, lost = await taken(scripted, 2)
    async with world.kalends.database.write() as writer:
        await Leases(writer).hand_back(lost)
    before = await world.connection(lost.connection_id)
    endings = Endings(world.kalends.database, world.clock)

    async def sync(lease: Lease) -> bool:
        with endings.under_way() as end:
            return await end.quietly(quiet(lease, world.clock))

    assert list(await asyncio.gather(sync(kept), sync(lost))) == [True, False]
    assert await world.connection(lost.connection_id) == before


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_connection_that_somebody_writes_at_this_moment_is_left_out_and_not_waited_for(
    scripted: Scripted,
) -> None:
    world = scripted.world
    free, busy = await taken(scripted, 2)
    async with world.kalends.database.write() as other:
        await other.execute(text("SELECT 1 FROM connections WHERE id = :id FOR UPDATE"), {"id": busy.connection_id})
        async with world.kalends.database.write() as writer:
            ends = [quiet(one, world.clock) for one in (free, busy)]
            written = await asyncio.wait_for(QuietEnds(writer).write(ends, world.clock.now()), 10)
    assert set(written) == {ConnectionKey(free.site_id, free.connection_id)}


async def test_a_poll_that_meets_a_writer_ends_all_the_same(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = scripted.world
    (lease,) = await taken(scripted, 1)

    async def none_written(*_: object) -> set[ConnectionKey]:
        return set()

    monkeypatch.setattr(QuietEnds, "write", none_written)
    assert await world.kalends.leased.run(lease) is not None
    now = await world.connection(lease.connection_id)
    assert (now.last_good_read_at, now.lease_until) == (world.clock.now(), None)


async def test_a_database_that_is_away_fails_each_of_them(scripted: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    world = scripted.world
    leases = await taken(scripted, 2)
    endings = Endings(world.kalends.database, world.clock)

    async def away(*_: object) -> None:
        raise ConnectionError("away")

    monkeypatch.setattr(QuietEnds, "write", away)

    async def sync(lease: Lease) -> bool:
        with endings.under_way() as end:
            return await end.quietly(quiet(lease, world.clock))

    results = await asyncio.gather(*map(sync, leases), return_exceptions=True)
    assert [type(one) for one in results] == [ConnectionError, ConnectionError]


async def test_many_polls_cost_few_statements(scripted: Scripted) -> None:
    kalends = scripted.world.kalends
    leases = await taken(scripted, 40)
    with statements(kalends.database) as heard:
        briefs = await kalends.leased.briefs(leases)
        await asyncio.gather(*(kalends.leased.run(one, briefs[one.key]) for one in leases))
    assert len([one for one in heard if not one.startswith(("BEGIN", "COMMIT", "ROLLBACK"))]) < 10
