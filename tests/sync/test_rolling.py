"""What stored occurrences cover, and how they are kept up without the provider."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import update

from kalends.model.time import Window
from kalends.store.runs import Outcome
from kalends.store.tables import calendars, schedules
from tests.rules.conftest import EMAIL, Scripted
from tests.scripted_provider import GUID, ScriptedKind
from tests.world import NOW, World, ics, settings_for, world_on

DAYS_BEFORE = 170


async def connect(world: World) -> None:
    view = await world.kalends.connecting.by_credentials(
        world.admin, provider_id=GUID, schedule_id=world.schedule.id, email=EMAIL, password="right"
    )
    await world.sync(view.connection)


async def test_a_larger_window_is_filled_from_what_is_stored(sqlite_url: str, tmp_path: Path) -> None:
    kind = ScriptedKind()
    past = NOW - timedelta(days=DAYS_BEFORE)
    kind.calendars["c"].put("e", ics("e", "Past", f"{past:%Y%m%dT%H%M%SZ}", lines="DURATION:PT1H\n"))
    span = Window(past - timedelta(days=1), past + timedelta(days=1))
    settings = settings_for(sqlite_url, tmp_path)
    async with world_on(settings, kinds={kind.kind: kind}) as world:
        await connect(world)
        assert await world.titles(span=span) == ["Past"], "worked out for the question"
        site, schedule = world.site, world.schedule
    larger = settings_for(sqlite_url, tmp_path, window_back_days=365)
    async with world_on(larger, kinds={kind.kind: kind}) as world:
        there = replace(world, site=site, schedule=schedule)
        assert await there.titles(span=span) == ["Past"], "before a sync"
        await connect(there)
        assert await there.titles(span=span) == ["Past"], "and after"
    assert kind.handed_out == 1


async def test_days_that_were_not_rolled_to_are_worked_out(scripted: Scripted) -> None:
    daily = "RRULE:FREQ=DAILY\n"
    scripted.remote.put("e", ics("e", "Daily", "20261201T090000Z", end="20261201T100000Z", lines=daily))
    await scripted.connect()
    world = scripted.world
    scopes = world.kalends.events._scopes
    scopes._freshness = replace(scopes._freshness, staleness_limit=timedelta(days=30))
    world.clock.advance(timedelta(days=10))  # the provider was down all the time
    horizon = world.clock.now() + world.kalends.settings.window_ahead
    span = Window(horizon - timedelta(days=5), horizon)
    assert len(await world.titles(span=span)) == 5


async def test_an_all_day_event_is_found_by_the_hours_of_the_schedules_zone(scripted: Scripted) -> None:
    world = scripted.world
    scripted.remote.put("once", ics("once", "Day off", "20250310", end="20250311"))
    scripted.remote.put("now", ics("now", "Day off", "20261201", end="20261202"))
    await zones(scripted, calendar="Asia/Tokyo", schedule="America/Los_Angeles")
    await scripted.connect()
    await zones(scripted, calendar="Asia/Tokyo", schedule="America/Los_Angeles")
    for year, month, day in ((2025, 3, 10), (2026, 12, 1)):
        start = datetime(year, month, day, 9, tzinfo=ZoneInfo("America/Los_Angeles")).astimezone(UTC)
        assert await world.titles(span=Window(start, start + timedelta(hours=4))) == ["Day off"]


async def zones(scripted: Scripted, *, calendar: str, schedule: str) -> None:
    async with scripted.world.kalends.database.write() as writer:
        await writer.execute(update(calendars).values(time_zone=calendar))
        await writer.execute(update(schedules).values(time_zone=schedule))


async def test_a_changed_zone_moves_what_it_places_and_nothing_else(scripted: Scripted) -> None:
    world = scripted.world
    scripted.remote.put("floating", ics("floating", "Floating", "20261201T090000", end="20261201T100000"))
    scripted.remote.put("fixed", ics("fixed", "Fixed", "20261201T090000Z", end="20261201T100000Z"))
    scripted.remote.put("day", ics("day", "Day", "20261202", end="20261203"))
    connection = await scripted.connect()
    before = {title: start for title, start, _ in await world.events()}
    assert before["Floating"] == datetime(2026, 12, 1, 8, tzinfo=UTC), "in the schedule's zone, Berlin"
    await zones(scripted, calendar="Asia/Tokyo", schedule="America/New_York")
    await world.sync(connection)
    after = {title: start for title, start, _ in await world.events()}
    assert after["Floating"] == datetime(2026, 12, 1, 0, tzinfo=UTC)
    assert after["Fixed"] == before["Fixed"]
    assert after["Day"] == datetime(2026, 12, 2, 5, tzinfo=UTC)
    assert scripted.kind.handed_out == 3, "the provider was not asked"


async def test_the_limit_of_items_counts_what_there_will_be(scripted: Scripted) -> None:
    world = scripted.world
    reading = world.kalends.leased._turn._sync._reading
    reading._limits = replace(reading._limits, max_items=3)
    for day in (1, 2, 3):
        scripted.remote.put(f"e{day}", ics(f"e{day}", "Old", f"2026120{day}T090000Z", end=f"2026120{day}T100000Z"))
    connection = await scripted.connect()
    scripted.remote.put("e1", ics("e1", "Changed", "20261201T090000Z", end="20261201T100000Z"))
    assert (await world.sync(connection)).outcome is Outcome.DONE
    for day in (1, 2, 3):
        del scripted.remote.events[f"e{day}"]
        scripted.remote.put(f"n{day}", ics(f"n{day}", "Moved", f"2026120{day}T090000Z", end=f"2026120{day}T100000Z"))
    scripted.kind.refuses_cursors = True
    assert (await world.sync(connection)).outcome is Outcome.DONE
    assert await world.titles() == ["Moved"] * 3
    scripted.kind.refuses_cursors = False
    scripted.remote.put("n4", ics("n4", "Too many", "20261204T090000Z", end="20261204T100000Z"))
    assert (await world.sync(connection)).outcome is Outcome.FAILED
    assert await world.titles() == ["Moved"] * 3
