"""A change of time zone: what it places is right at once, without the provider, and nothing else is touched."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from kalends.model.calendar import ExternalCalendar
from kalends.model.connection import Connection
from kalends.model.schedule import Schedule
from kalends.model.time import Window
from kalends.providers.errors import Unavailable
from kalends.schedules.changing import ScheduleChange
from kalends.store.calendars import Calendars
from kalends.store.connections import Connections
from kalends.store.leases import LeaseLost
from kalends.store.runs import Outcome
from kalends.store.tables import calendars, occurrences, readings
from kalends.sync.applying import apply_expansions
from tests.rules.conftest import Scripted
from tests.world import World, ics, populate

SPAN = Window(datetime(2026, 10, 1, tzinfo=UTC), datetime(2027, 4, 30, tzinfo=UTC))
"""Both changes between summer and winter time lie in it, of Europe and of America."""
FIRST, LAST = date(2026, 10, 5), date(2027, 4, 26)
BERLIN, NEW_YORK, TOKYO = "Europe/Berlin", "America/New_York", "Asia/Tokyo"


def fill(scripted: Scripted) -> None:
    until = f"{LAST:%Y%m%d}"
    scripted.remote.put(
        "floating",
        ics(
            *("floating", "Floating", f"{FIRST:%Y%m%d}T020000"),
            end=f"{FIRST:%Y%m%d}T030000",
            lines=f"RRULE:FREQ=WEEKLY;UNTIL={until}T235959\n",
        ),
    )
    scripted.remote.put(
        "day",
        ics("day", "Day", f"{FIRST:%Y%m%d}", end="20261006", lines=f"RRULE:FREQ=DAILY;INTERVAL=3;UNTIL={until}\n"),
    )
    scripted.remote.put("fixed", ics("fixed", "Fixed", "20261201T090000Z", end="20261201T100000Z"))


def at(day: date, hour: int, zone: str) -> datetime:
    return datetime.combine(day, time(hour), ZoneInfo(zone)).astimezone(UTC)


def expected(day_zone: str, floating_zone: str | None = None) -> Sequence[tuple[str, datetime, datetime]]:
    days = (LAST - FIRST).days
    floating_zone = floating_zone or day_zone
    weekly = [FIRST + timedelta(days=number) for number in range(0, days + 1, 7)]
    every_third = [FIRST + timedelta(days=number) for number in range(0, days + 1, 3)]
    return sorted(
        [
            *(("Floating", at(day, 2, floating_zone), at(day, 3, floating_zone)) for day in weekly),
            *(("Day", at(day, 0, day_zone), at(day + timedelta(days=1), 0, day_zone)) for day in every_third),
            ("Fixed", datetime(2026, 12, 1, 9, tzinfo=UTC), datetime(2026, 12, 1, 10, tzinfo=UTC)),
        ]
    )


async def listed(world: World) -> Sequence[tuple[str, datetime, datetime]]:
    found = await world.events(span=SPAN)
    return sorted((str(title), start.astimezone(UTC), end.astimezone(UTC)) for title, start, end in found)


async def kept(world: World) -> Sequence[tuple[str, datetime, datetime]]:
    """Return what is stored, whatever answers."""
    async with world.kalends.database.read() as reader:
        rows = (await reader.execute(select(occurrences.c.title, occurrences.c.start_at, occurrences.c.end_at))).all()
    return sorted((row.title, row.start_at, row.end_at) for row in rows)


async def move(world: World, zone: str) -> Schedule:
    changing = world.kalends.schedule_changing
    now = await world.kalends.schedule_reading.get(world.site.id, world.schedule.id)
    return await changing.update(world.site.id, now.id, ScheduleChange(time_zone=zone), revision=now.revision)


async def covering_zones(world: World) -> str | None:
    async with world.kalends.database.read() as reader:
        zones: str | None = (await reader.execute(select(readings.c.zones))).scalar_one()
    return zones


def unavailable(_page: int) -> None:
    raise Unavailable("it is down")


def second_page(page: int) -> None:
    if page == 2:
        raise Unavailable("it went down")


@pytest.mark.parametrize("zone", [NEW_YORK, TOKYO])
async def test_events_are_right_before_and_after_the_sync_that_was_asked_for(scripted: Scripted, zone: str) -> None:
    world = scripted.world
    fill(scripted)
    connection = await scripted.connect()
    assert await listed(world) == await kept(world) == expected(BERLIN)
    handed_out = scripted.kind.handed_out
    await move(world, zone)
    assert await listed(world) == expected(zone), "worked out from the items"
    assert await kept(world) == expected(BERLIN), "what was stored is still the old"
    await world.sync(connection)
    assert await listed(world) == await kept(world) == expected(zone)
    await move(world, BERLIN)
    assert await listed(world) == expected(BERLIN)
    await world.sync(connection)
    assert await listed(world) == await kept(world) == expected(BERLIN)
    assert scripted.kind.handed_out == handed_out, "the provider handed out nothing"


async def test_a_provider_that_is_down_keeps_nothing_at_the_old_times(scripted: Scripted) -> None:
    world = scripted.world
    fill(scripted)
    connection = await scripted.connect()
    scripted.kind.fault = unavailable
    await move(world, NEW_YORK)
    assert await listed(world) == expected(NEW_YORK)
    assert (await world.sync(connection)).outcome is Outcome.FAILED
    assert await listed(world) == await kept(world) == expected(NEW_YORK)


async def test_neither_do_credentials_that_are_refused(scripted: Scripted) -> None:
    fill(scripted)
    connection = await scripted.connect()
    scripted.kind.password = "changed"
    await move(scripted.world, NEW_YORK)
    assert (await scripted.world.sync(connection)).outcome is Outcome.FAILED
    assert await kept(scripted.world) == expected(NEW_YORK)


async def test_pages_join_across_the_sync(scripted: Scripted) -> None:
    world = scripted.world
    fill(scripted)
    connection = await scripted.connect()
    await move(world, NEW_YORK)
    page = await world.page(span=SPAN, limit=30)
    found = [(str(one.title), one.start.astimezone(UTC), one.end.astimezone(UTC)) for one in page.events]
    await world.sync(connection)
    while page.next_cursor is not None:
        page = await world.kalends.events.next(world.admin, page.next_cursor)
        found += [(str(one.title), one.start.astimezone(UTC), one.end.astimezone(UTC)) for one in page.events]
    assert sorted(found) == expected(NEW_YORK)


async def test_a_calendar_with_a_zone_of_its_own_places_floating_times_itself(scripted: Scripted) -> None:
    world = scripted.world
    fill(scripted)
    connection = await scripted.connect(sync=False)
    async with world.kalends.database.write() as writer:
        await writer.execute(update(calendars).values(time_zone=TOKYO))
    await world.sync(connection)
    async with world.kalends.database.write() as writer:
        await writer.execute(update(calendars).values(time_zone=TOKYO))  # the listing of the calendars took it away
    await move(world, NEW_YORK)
    assert await listed(world) == expected(NEW_YORK, TOKYO)


async def test_groups_that_no_zone_of_the_surroundings_places_are_not_rewritten(scripted: Scripted) -> None:
    world = scripted.world
    fill(scripted)
    connection = await scripted.connect()
    async with world.kalends.database.write() as writer:
        await writer.execute(update(occurrences).values(title="Untouched"))
    await move(world, NEW_YORK)
    await world.sync(connection)
    assert {title for title, _, _ in await kept(world)} == {"Floating", "Day", "Untouched"}


async def test_a_move_that_is_cut_off_shows_nothing_at_wrong_times(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = scripted.world
    fill(scripted)
    connection = await scripted.connect()

    async def cut_off(database: Any, subject: Any, expanded: Any) -> None:
        await apply_expansions(database, subject, {key: one for key, one in expanded.items() if key == "day"})
        raise LeaseLost(connection.id)

    await move(world, NEW_YORK)
    monkeypatch.setattr("kalends.sync.rolling.apply_expansions", cut_off)
    assert await world.sync_under_lease(connection) is None
    monkeypatch.undo()
    assert await listed(world) == expected(NEW_YORK)
    await move(world, BERLIN)
    assert await listed(world) == expected(BERLIN), "half of it had been moved"
    world.clock.advance(world.kalends.settings.lease_time + timedelta(seconds=1))
    await world.sync(connection)
    assert await listed(world) == await kept(world) == expected(BERLIN)


async def test_there_and_back_while_a_reading_fails_half_way(scripted: Scripted) -> None:
    world = scripted.world
    fill(scripted)
    connection = await scripted.connect()
    await move(world, NEW_YORK)
    for key in ("first page", "first page too", "second page"):
        scripted.remote.put(key, ics(key, key, "20261202T020000", end="20261202T030000"))
    scripted.kind.fault = second_page
    assert (await world.sync(connection)).outcome is Outcome.FAILED
    day = date(2026, 12, 2)
    assert ("first page", at(day, 2, NEW_YORK), at(day, 3, NEW_YORK)) in await kept(world)
    await move(world, BERLIN)
    added = [(title, at(day, 2, BERLIN), at(day, 3, BERLIN)) for title in ("first page", "first page too")]
    assert await listed(world) == sorted([*expected(BERLIN), *added])
    scripted.kind.fault = unavailable
    assert (await world.sync(connection)).outcome is Outcome.FAILED
    assert await listed(world) == await kept(world) == sorted([*expected(BERLIN), *added])


async def test_a_first_import_that_was_cut_off_goes_on_in_the_new_zone(scripted: Scripted) -> None:
    world = scripted.world
    fill(scripted)
    scripted.kind.fault = second_page
    connection = await scripted.connect()
    assert await kept(world), "some of it was stored"
    await move(world, NEW_YORK)
    scripted.kind.fault = None
    await world.sync(connection)
    assert await listed(world) == await kept(world) == expected(NEW_YORK)
    assert await covering_zones(world) == f"{NEW_YORK} {NEW_YORK}"


async def wanted(world: World, connection: Connection) -> int:
    now = await world.connection(connection.id)
    return now.wanted_rev - now.done_rev


async def test_a_sync_is_asked_for_where_the_zone_changes_and_only_there(scripted: Scripted) -> None:
    world = scripted.world
    connection = await scripted.connect()
    changing = world.kalends.schedule_changing
    await changing.update(world.site.id, world.schedule.id, ScheduleChange(name="New", time_zone=BERLIN), revision=1)
    assert await wanted(world, connection) == 0
    room = await world.kalends.schedules.create(world.site, name="Room")
    await changing.update(world.site.id, room.id, ScheduleChange(time_zone=TOKYO), revision=1)
    assert await wanted(world, connection) == 0
    await move(world, NEW_YORK)
    assert await wanted(world, connection) == 1


async def test_a_new_zone_of_the_site_moves_the_schedules_that_follow_it(scripted: Scripted) -> None:
    world, kalends = scripted.world, scripted.world.kalends
    fill(scripted)
    connection = await scripted.connect()
    other = await populate(kalends, world.clock)
    fixed = await kalends.schedules.create(world.site, name="Fixed", time_zone=TOKYO)
    gone = await kalends.schedules.create(world.site, name="Gone")
    cancelled = await kalends.schedule_cancelling.cancel(world.site.id, gone.id)
    world.clock.advance(timedelta(minutes=1))
    await kalends.sites.update(world.site.id, time_zone=NEW_YORK)
    moved = await kalends.schedule_reading.get(world.site.id, world.schedule.id)
    assert (moved.time_zone, moved.follows_site_zone, moved.revision) == (NEW_YORK, True, 2)
    assert moved.updated_at == world.clock.now()
    assert await kalends.schedule_reading.get(world.site.id, fixed.id) == fixed
    assert await kalends.schedule_reading.get(world.site.id, gone.id) == cancelled
    assert await kalends.schedule_reading.get(other.site.id, other.schedule.id) == other.schedule
    assert await wanted(world, connection) == 1
    assert await listed(world) == expected(NEW_YORK)
    await world.sync(connection)
    assert await kept(world) == expected(NEW_YORK)


async def test_a_new_zone_of_the_site_and_a_sync_do_not_wait_for_each_other(scripted: Scripted) -> None:
    world = scripted.world
    connection = await scripted.connect()
    async with world.kalends.database.write() as writer:
        await Connections(writer, world.site.id).lock(connection.id)
        moving = asyncio.create_task(world.kalends.sites.update(world.site.id, time_zone=NEW_YORK))
        # it has the site and its schedules by then, and waits for the connection
        await asyncio.wait([moving], timeout=1)
        await Calendars(writer, world.site.id).see(connection.id, [ExternalCalendar("new", "New", primary=False)])
    await moving
    assert await wanted(world, connection) == 1


async def test_a_change_of_the_site_that_is_none_of_its_zone_moves_nothing(scripted: Scripted) -> None:
    world = scripted.world
    connection = await scripted.connect()
    await world.kalends.sites.update(world.site.id, name="New")
    await world.kalends.sites.update(world.site.id, time_zone=BERLIN)
    assert await world.kalends.schedule_reading.get(world.site.id, world.schedule.id) == world.schedule
    assert await wanted(world, connection) == 0
