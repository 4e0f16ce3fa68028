"""Cancelling schedules."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from kalends.model.connection import Status
from kalends.model.errors import NotFound, PreconditionFailed
from kalends.model.ids import new_id
from kalends.model.schedule import Schedule, ScheduleStatus
from kalends.store.connections import Connections
from tests.rules.conftest import EMAIL, Scripted
from tests.scripted_provider import GUID
from tests.world import NOW, World, ics, populate


async def test_a_schedule_is_cancelled_once_and_for_ever(world: World) -> None:
    cancelling = world.kalends.schedule_cancelling
    world.clock.advance(timedelta(minutes=1))
    cancelled = await cancelling.cancel(world.site.id, world.schedule.id.upper())
    assert (cancelled.status, cancelled.revision) == (ScheduleStatus.CANCELLED, 2)
    assert cancelled.updated_at == NOW + timedelta(minutes=1)
    with pytest.raises(PreconditionFailed) as refused:
        await cancelling.cancel(world.site.id, world.schedule.id)
    assert refused.value.code == "SCHEDULE_ALREADY_CANCELLED"
    assert await world.kalends.schedule_reading.get(world.site.id, world.schedule.id) == cancelled


async def test_what_the_site_does_not_have_is_not_found(world: World) -> None:
    other = await populate(world.kalends, world.clock)
    for site, schedule_id in ((other.site, world.schedule.id), (world.site, new_id())):
        with pytest.raises(NotFound) as refused:
            await world.kalends.schedule_cancelling.cancel(site.id, schedule_id)
        assert refused.value.code == "SCHEDULE_NOT_FOUND"


async def test_its_accounts_are_disconnected_and_no_new_ones_are_connected(scripted: Scripted) -> None:
    world = scripted.world
    scripted.remote.put("e", ics("e", "Busy", "20261201T090000Z", end="20261201T100000Z"))
    connection = await scripted.connect()
    await world.kalends.schedule_cancelling.cancel(world.site.id, world.schedule.id)
    assert (await world.connection(connection.id)).status is Status.DISCONNECTED
    assert await world.titles() == []
    calls = [
        scripted.connect(),
        world.kalends.authorizing.begin(
            world.admin, provider_id=GUID, schedule_id=world.schedule.id, redirect_url="https://example.org"
        ),
    ]
    for call in calls:
        with pytest.raises(PreconditionFailed) as refused:
            await call
        assert refused.value.code == "SCHEDULE_CANCELLED"


async def test_a_schedule_that_is_cancelled_while_the_provider_is_asked_gets_no_connection(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = scripted.world
    seal = world.kalends.connecting._accounts.find

    async def meanwhile(*arguments: Any, **named: Any) -> Any:
        await world.kalends.schedule_cancelling.cancel(world.site.id, world.schedule.id)
        return await seal(*arguments, **named)

    monkeypatch.setattr(world.kalends.connecting._accounts, "find", meanwhile)
    with pytest.raises(PreconditionFailed) as refused:
        await world.kalends.connecting.by_credentials(
            world.admin, provider_id=GUID, schedule_id=world.schedule.id, email=EMAIL, password="right"
        )
    assert refused.value.code == "SCHEDULE_CANCELLED"
    listed = await world.kalends.connections.list(world.admin, schedule_ids=None, partial_failure=False)
    assert listed.connections == []


async def test_neither_of_cancelling_and_disconnecting_at_once_fails(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = scripted.world
    connection = await scripted.connect()
    cancelling: list[asyncio.Task[Schedule]] = []
    disconnect = Connections.disconnect

    async def meanwhile(self: Connections, *arguments: Any, **named: Any) -> None:
        if not cancelling:
            cancelling.append(
                asyncio.create_task(world.kalends.schedule_cancelling.cancel(world.site.id, world.schedule.id))
            )
            # it has the schedule by then, and waits for the connection
            await asyncio.wait(cancelling, timeout=1)
        await disconnect(self, *arguments, **named)

    monkeypatch.setattr(Connections, "disconnect", meanwhile)
    await world.kalends.disconnecting.disconnect(world.admin, connection.id)
    assert (await cancelling[0]).status is ScheduleStatus.CANCELLED
    assert (await world.connection(connection.id)).status is Status.DISCONNECTED
