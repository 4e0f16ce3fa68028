"""Rule 7: never two syncs of one connection at once; a worker that lost its lease cannot write."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from kalends.jobs.leased import LeasedSync
from kalends.model.connection import ConnectionKey
from kalends.providers.base import AccountSession
from kalends.store.leases import LeaseLost, Leases
from tests.rules.conftest import Scripted
from tests.world import ics


async def test_rule_7_a_connection_that_is_being_synced_cannot_be_claimed(scripted: Scripted) -> None:
    connection = await scripted.connect(sync=False)
    leased = scripted.world.kalends.leased
    lease = await leased.claim(connection.site_id, connection.id)
    assert lease is not None
    assert await leased.claim(connection.site_id, connection.id) is None
    assert await leased.claim_wanted(ConnectionKey(connection.site_id, connection.id)) is None
    assert await leased.claim_due(10) == []
    scripted.world.clock.advance(scripted.world.kalends.settings.lease_time + timedelta(seconds=1))
    later = await leased.claim(connection.site_id, connection.id)
    assert later is not None, "a lease that was not renewed ends"
    assert later.fence == lease.fence + 1


async def test_rule_7_many_claims_at_once_give_one_lease(scripted: Scripted) -> None:
    connection = await scripted.connect(sync=False)
    leased = scripted.world.kalends.leased
    claims = await asyncio.gather(*(leased.claim(connection.site_id, connection.id) for _ in range(8)))
    assert len([one for one in claims if one is not None]) == 1


async def test_rule_7_a_worker_that_lost_its_lease_writes_nothing(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted.remote.put("e1", ics("e1", "First", "20261201T090000Z", end="20261201T100000Z"))
    connection = await scripted.connect()
    scripted.remote.put("e2", ics("e2", "Second", "20261202T090000Z", end="20261202T100000Z"))
    world = scripted.world
    stolen: list[bool] = []

    async def steal() -> None:
        world.clock.advance(world.kalends.settings.lease_time + timedelta(seconds=1))
        kalends = world.kalends
        other = LeasedSync(kalends.database, kalends.leased._turn, world.clock, kalends.settings.lease_time)
        stolen.append(await other.claim(connection.site_id, connection.id) is not None)

    real = scripted.kind.session

    @asynccontextmanager
    async def interrupted(*args: Any) -> AsyncIterator[AccountSession]:
        await steal()
        async with real(*args) as session:
            yield session

    monkeypatch.setattr(scripted.kind, "session", interrupted)
    assert await world.sync_under_lease(connection) is None, "it knows that it lost the lease"
    assert stolen == [True]
    assert await world.titles() == ["First"]


async def test_rule_7_changing_the_config_or_disconnecting_voids_a_sync_under_way(scripted: Scripted) -> None:
    connection = await scripted.connect()
    lease = await scripted.world.kalends.leased.claim(connection.site_id, connection.id)
    assert lease is not None
    await scripted.world.kalends.disconnecting.disconnect(scripted.world.admin, connection.id)
    with pytest.raises(LeaseLost):
        async with scripted.world.kalends.database.write() as writer:
            await Leases(writer).check(lease)


async def test_rule_7_every_write_of_a_sync_checks_the_fence(scripted: Scripted) -> None:
    connection = await scripted.connect()
    lease = await scripted.world.kalends.leased.claim(connection.site_id, connection.id)
    assert lease is not None
    now = scripted.world.clock.now()
    async with scripted.world.kalends.database.write() as writer:
        leases = Leases(writer)
        await leases.check(lease)
        await leases.renew(lease, now + timedelta(minutes=1))
    scripted.world.clock.advance(timedelta(minutes=2))
    assert await scripted.world.kalends.leased.claim(connection.site_id, connection.id) is not None
    writes: list[Callable[[Leases], Awaitable[None]]] = [
        lambda leases: leases.check(lease),
        lambda leases: leases.renew(lease, now),
        lambda leases: leases.started(lease),
        lambda leases: leases.succeeded(lease, now=now, next_sync_at=now, note=None),
        lambda leases: leases.failed(lease, now=now, next_sync_at=now, status=None, reason=None, error="x"),
    ]
    for write in writes:
        with pytest.raises(LeaseLost):
            async with scripted.world.kalends.database.write() as writer:
                await write(Leases(writer))
