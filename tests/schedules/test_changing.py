"""Changing schedules."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from kalends.model.connection import Connection, Status
from kalends.model.errors import Conflict, Invalid, NotFound, PreconditionFailed
from kalends.model.identity import Role
from kalends.model.ids import new_id
from kalends.model.schedule import Schedule, ScheduleStatus, User
from kalends.schedules.changing import CLEARED, ScheduleChange
from kalends.schedules.finding import find_schedule
from kalends.store.connections import Connections
from kalends.store.database import Transaction
from tests.rules.conftest import Scripted
from tests.world import NOW, World, ics, populate


async def update(world: World, revision: int = 1, **change: Any) -> Schedule:
    changing = world.kalends.schedule_changing
    return await changing.update(world.site.id, world.schedule.id, ScheduleChange(**change), revision=revision)


async def stored(world: World) -> Schedule:
    return await world.kalends.schedule_reading.get(world.site.id, world.schedule.id)


async def colleague(world: World) -> User:
    return await world.kalends.users.create(world.site.id, email="bob@example.org", name="Bob", role=Role.STAFF)


async def test_what_is_given_is_changed_and_the_rest_stays(world: World) -> None:
    world.clock.advance(timedelta(minutes=1))
    first = await update(world, name="New", external_id="x", details={"defaultTitle": "T", "defaultCapacity": 3})
    assert (first.name, first.external_id, first.revision) == ("New", "x", 2)
    assert (first.created_at, first.updated_at) == (NOW, NOW + timedelta(minutes=1))
    assert (first.owner_id, first.owner_name, first.time_zone) == (world.user.id, "Ada", "Europe/Berlin")
    assert await stored(world) == first
    second = await update(world, 2, details={"defaultCapacity": None, "extendedFields": {"a": None}})
    assert second.details == {"defaultTitle": "T", "extendedFields": {"a": None}}
    assert (second.name, second.external_id) == ("New", "x")
    third = await update(world, 3, external_id=CLEARED, owner_id=CLEARED)
    assert (third.external_id, third.owner_id, third.owner_name) == (None, None, None)
    assert await stored(world) == third


async def test_every_accepted_change_raises_the_revision_even_one_that_changes_nothing(sqlite_world: World) -> None:
    assert (await update(sqlite_world)).revision == 2
    assert (await update(sqlite_world, 2, name=sqlite_world.schedule.name)).revision == 3


@pytest.mark.parametrize("revision", [0, 1, 3])
async def test_a_revision_that_is_not_the_present_one_is_refused(sqlite_world: World, revision: int) -> None:
    before = await update(sqlite_world)
    with pytest.raises(Conflict) as refused:
        await update(sqlite_world, revision, name="Stale")
    assert (refused.value.code, refused.value.data) == ("ABORTED", {"currentRevision": "2"})
    assert await stored(sqlite_world) == before


async def test_of_changes_at_once_by_one_revision_a_single_one_is_made(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = asyncio.Barrier(3)

    async def all_have_read(writer: Transaction, site_id: str, schedule_id: str) -> Schedule:
        found = await find_schedule(writer, site_id, schedule_id)
        # were they not to wait for each other, all would get here long before the time is up
        with suppress(TimeoutError, asyncio.BrokenBarrierError):
            await asyncio.wait_for(together.wait(), timeout=1)
        return found

    monkeypatch.setattr("kalends.schedules.changing.find_schedule", all_have_read)
    ended = await asyncio.gather(*(update(world, name=f"{number}") for number in range(3)), return_exceptions=True)
    (made,) = [one for one in ended if isinstance(one, Schedule)]
    assert [one.data for one in ended if isinstance(one, Conflict)] == [{"currentRevision": "2"}] * 2
    assert await stored(world) == made


async def test_a_schedule_of_another_site_is_not_found(world: World) -> None:
    other = await populate(world.kalends, world.clock)
    with pytest.raises(NotFound) as refused:
        await world.kalends.schedule_changing.update(
            other.site.id, world.schedule.id, ScheduleChange(name="Mine"), revision=1
        )
    assert refused.value.code == "SCHEDULE_NOT_FOUND"
    assert (await stored(world)).revision == 1


async def test_a_cancelled_schedule_stays_as_it_is_whatever_the_revision(sqlite_world: World) -> None:
    world = sqlite_world
    cancelled = await world.kalends.schedule_cancelling.cancel(world.site.id, world.schedule.id)
    for revision in (1, 2):
        with pytest.raises(PreconditionFailed) as refused:
            await update(world, revision, name="Back")
        assert refused.value.code == "SCHEDULE_CANCELLED"
    assert await stored(world) == cancelled


async def test_what_is_not_there_and_what_never_changes_come_before_the_state(sqlite_world: World) -> None:
    world = sqlite_world
    for _ in ("of a stale revision", "cancelled"):
        with pytest.raises(NotFound) as refused:
            await update(world, 7, owner_id=new_id())
        assert refused.value.code == "USER_NOT_FOUND"
        with pytest.raises(Invalid):
            await update(world, 7, app_id=new_id())
        if (await stored(world)).status is ScheduleStatus.ACTIVE:
            await world.kalends.schedule_cancelling.cancel(world.site.id, world.schedule.id)


async def test_who_sends_back_the_zone_that_the_site_had_learns_of_the_change(sqlite_world: World) -> None:
    world = sqlite_world
    await world.kalends.sites.update(world.site.id, time_zone="Asia/Tokyo")
    with pytest.raises(Conflict) as refused:
        await update(world, 1, time_zone="Europe/Berlin", follows_site_zone=True)
    assert refused.value.data == {"currentRevision": "2"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, "schedule.name"),
        ({"time_zone": "Mars/Olympus"}, "schedule.timeZone"),
        ({"external_id": "x" * 201}, "schedule.externalId"),
        ({"app_id": new_id()}, "schedule.appId"),
        ({"time_zone": "Asia/Tokyo", "follows_site_zone": True}, "schedule.timeZone"),
    ],
)
async def test_what_cannot_be_is_refused_by_its_field(sqlite_world: World, change: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        await update(sqlite_world, **change)
    assert [one.field for one in refused.value.violations] == [field]
    assert (await stored(sqlite_world)).revision == 1


async def test_the_zone_is_left_and_taken_up_again(sqlite_world: World) -> None:
    changes: list[tuple[dict[str, Any], str, bool]] = [
        ({"time_zone": "Europe/Berlin"}, "Europe/Berlin", True),
        ({"time_zone": "Asia/Tokyo"}, "Asia/Tokyo", False),
        ({"name": "N"}, "Asia/Tokyo", False),
        ({"time_zone": "Europe/Berlin"}, "Europe/Berlin", False),
        ({"follows_site_zone": True}, "Europe/Berlin", True),
        ({"follows_site_zone": False}, "Europe/Berlin", False),
        ({"time_zone": "Europe/Berlin", "follows_site_zone": True}, "Europe/Berlin", True),
    ]
    for revision, (change, zone, follows) in enumerate(changes, start=1):
        changed = await update(sqlite_world, revision, **change)
        assert (changed.time_zone, changed.follows_site_zone) == (zone, follows), change


async def test_another_owner_disconnects_what_is_connected(scripted: Scripted) -> None:
    world = scripted.world
    scripted.remote.put("e", ics("e", "Busy", "20261201T090000Z", end="20261201T100000Z"))
    connection = await scripted.connect()
    bob = await colleague(world)
    changed = await update(world, owner_id=bob.id.upper())
    assert (changed.owner_id, changed.owner_name) == (bob.id, "Bob")
    ended = await world.connection(connection.id)
    assert (ended.status, ended.owner_id) == (Status.DISCONNECTED, bob.id)
    assert await world.titles() == []
    assert await world.kalends.leased.claim(world.site.id, connection.id) is None, "its credentials are gone"


async def test_no_owner_and_the_first_owner_are_changes_of_owner_too(scripted: Scripted) -> None:
    world = scripted.world
    connection = await scripted.connect()
    await update(world, owner_id=CLEARED)
    assert (await world.connection(connection.id)).status is Status.DISCONNECTED
    again = await scripted.connect()
    assert again.status is Status.SYNCED
    await update(world, 2, owner_id=world.user.id)
    assert (await world.connection(again.id)).status is Status.DISCONNECTED


async def test_the_same_owner_again_disconnects_nothing(scripted: Scripted) -> None:
    connection = await scripted.connect()
    await update(scripted.world, owner_id=scripted.world.user.id)
    await update(scripted.world, 2, name="New")
    assert (await scripted.world.connection(connection.id)).status is Status.SYNCED


async def test_a_refused_owner_changes_nothing_and_disconnects_nothing(scripted: Scripted) -> None:
    connection = await scripted.connect()
    with pytest.raises(NotFound) as refused:
        await update(scripted.world, name="New", owner_id=new_id())
    assert refused.value.code == "USER_NOT_FOUND"
    assert (await scripted.world.connection(connection.id)).status is Status.SYNCED
    assert (await stored(scripted.world)).revision == 1


async def test_only_the_schedule_that_is_changed_is_disconnected(scripted: Scripted) -> None:
    world = scripted.world
    connection = await scripted.connect()
    room = await world.kalends.schedules.create(world.site, name="Room")
    change = ScheduleChange(owner_id=world.user.id)
    await world.kalends.schedule_changing.update(world.site.id, room.id, change, revision=1)
    assert (await world.connection(connection.id)).status is Status.SYNCED


async def test_a_connection_that_is_made_in_this_moment_is_disconnected_too(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = scripted.world
    bob = await colleague(world)
    add = Connections.add
    changes: list[asyncio.Task[Schedule]] = []

    async def meanwhile(self: Connections, connection: Connection, *, credentials: bytes) -> None:
        changes.append(asyncio.create_task(update(world, owner_id=bob.id)))
        # were it not to wait for the connection, the change would be done long before
        await asyncio.wait(changes, timeout=1)
        await add(self, connection, credentials=credentials)

    monkeypatch.setattr(Connections, "add", meanwhile)
    connection = await scripted.connect(sync=False)
    await asyncio.gather(*changes)
    assert (await world.connection(connection.id)).status is Status.DISCONNECTED
