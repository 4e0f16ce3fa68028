"""What changes between two looks: delta links that are refused, pages that come odd, and a window that moves on."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from kalends.model.connection import Connection, Status
from kalends.model.time import Window
from kalends.providers.microsoft.cursor import AHEAD, SPREAD
from tests.microsoft.stage import ANN, Stage, staged
from tests.microsoft.test_reading import at, instance, made, shown, weekly


async def three(stage: Stage) -> list[str]:
    """Make three events; return their ids."""
    return [await made(stage, f"Event {number}", **at(f"2026-11-{24 + number}", 10)) for number in range(3)]


THREE = ["11-24T09:00 Event 0", "11-25T09:00 Event 1", "11-26T09:00 Event 2"]


@pytest.mark.parametrize("style", ["410", "410-resync", "400", "404"])
async def test_4_a_lost_sync_state_is_found_by_whatever_it_is_called_and_everything_read_anew(
    stage: Stage, style: str
) -> None:
    (_, second, _) = await three(stage)
    connection = await stage.connect()
    await stage.press("/oddities", {"goneStyle": style})
    await stage.delete(second)
    await stage.press(f"/users/{ANN.email}/calendars/primary/expireDelta")
    await stage.world.sync(connection)
    assert await shown(stage) == [THREE[0], THREE[2]], "what was deleted in the gap is gone, though nobody said so"
    assert (await stage.world.connection(connection.id)).status is Status.SYNCED


@pytest.mark.parametrize("page", [1, 3])
async def test_1_a_link_that_is_refused_on_a_later_page_is_no_success(stage: Stage, page: int) -> None:
    await stage.press("/oddities", {"mostPerPage": 1})
    events = await three(stage)
    connection = await stage.connect()
    for number, event in enumerate(events):
        await stage.change(event, subject=f"New {number}")
    await stage.press("/oddities", {"goneOnPage": page})
    await stage.forget_requests()
    await stage.world.sync(connection)
    assert await shown(stage) == [one.replace("Event", "New") for one in THREE]
    asked = [one for one in await stage.requests() if one.endswith("/delta")]
    assert len(asked) == page + 3, "the pages up to the refusal, and all of them anew"


async def test_8_short_and_empty_pages_do_not_end_a_listing(stage: Stage) -> None:
    await stage.press("/oddities", {"mostPerPage": 2, "emptyPages": 3})
    for number in range(7):
        await made(stage, f"Event {number}", **at("2026-11-24", 8 + number))
    await stage.connect()
    assert len(await shown(stage)) == 7


@pytest.mark.parametrize("outside", ["removed", "nulls", "silent"])
async def test_5_what_changes_outside_of_the_window_is_nothing_to_worry_about(stage: Stage, outside: str) -> None:
    await stage.press("/oddities", {"outside": outside})
    far = await made(stage, "Far", **at("2030-01-01", 10))
    near = await made(stage, "Near", **at("2026-11-24", 10))
    connection = await stage.connect()
    await stage.change(far, subject="Farther")
    await stage.change(near, **at("2031-01-01", 10))
    run = await stage.world.sync(connection)
    assert run.counts.quarantined == 0
    assert await shown(stage) == []


async def test_a_reading_that_was_cut_off_and_goes_on_later_brings_what_came_meanwhile(stage: Stage) -> None:
    await stage.press("/oddities", {"mostPerPage": 1})
    events = await three(stage)
    connection = await stage.connect()
    for number, event in enumerate(events):
        await stage.change(event, subject=f"New {number}")
    await stage.press("/faults", {"path": "skiptoken", "status": 503, "times": 1})
    assert (await stage.world.sync(connection)).error is not None
    await made(stage, "Meanwhile", **at("2026-11-27", 10))
    await stage.delete(events[0])
    stage.world.clock.advance(timedelta(hours=1))
    assert (await stage.world.sync(connection)).error is None
    assert await shown(stage) == ["11-25T09:00 New 1", "11-26T09:00 New 2", "11-27T09:00 Meanwhile"]
    assert (await stage.world.sync(connection)).counts.changed == 0


async def test_7_two_looks_at_the_same_change_are_one(stage: Stage) -> None:
    event = (await three(stage))[0]
    connection = await stage.connect()
    await stage.change(event, subject="New")
    assert (await stage.world.sync(connection)).counts.changed == 1
    assert (await stage.world.sync(connection)).counts.changed == 0


async def test_44_a_calendar_whose_id_has_changed_is_the_same_calendar(stage: Stage) -> None:
    await three(stage)
    connection = await stage.connect()
    await stage.press(f"/users/{ANN.email}/calendars/primary/changeId")
    await stage.world.sync(connection)
    stage.world.clock.advance(timedelta(days=1))
    await stage.world.sync(connection)
    assert (await stage.world.connection(connection.id)).status is Status.SYNCED
    assert await shown(stage) == THREE


@pytest.fixture
async def alone(migrated_sqlite: Path, tmp_path: Path) -> AsyncIterator[Stage]:
    """A stage on SQLite, where it can be told which rows were written anew."""
    database = tmp_path / "kalends.db"
    database.write_bytes(migrated_sqlite.read_bytes())
    async with staged(f"sqlite:///{database}", tmp_path) as one:
        yield one


async def rows(stage: Stage) -> dict[int, str]:
    """Return the stored occurrences by the numbers of their rows, which are new where something was written anew."""
    async with stage.world.kalends.database.read() as reader:
        found = await reader.execute(text("SELECT rowid, start_at, title FROM occurrences"))
        return {row.rowid: f"{row.start_at} {row.title}" for row in found}


async def test_5_a_year_goes_by_and_no_event_is_missed_or_doubled_on_any_day(alone: Stage) -> None:
    stage, begin = alone, datetime(2026, 11, 22, tzinfo=UTC)
    master = await weekly(stage)
    await made(stage, "Ends", recurrence=ending("2027-06-01"), **at("2026-11-24", 8))
    await stage.change(instance(stage, master, "2027-08-02"), **at("2027-08-03", 15))
    singles = {begin + timedelta(days=days, hours=20) for days in range(-40, 800, 9)}
    for start in singles:
        await stage.put("Single", f"{start:%Y-%m-%dT%H:%M:%S}", f"{start + timedelta(hours=1):%Y-%m-%dT%H:%M:%S}")
    connection = await stage.connect()
    readings = 0
    for _ in range(53):
        stage.world.clock.advance(timedelta(days=7))
        before = await rows(stage)
        await stage.forget_requests()
        await stage.world.sync(connection)
        readings += any("startDateTime" in one for one in await stage_paths(stage))
        written = len((await rows(stage)).keys() - before.keys())
        assert written <= 7 / 9 + 1 + 7 * 2 / 7 + 2, "a week more is a week's events"
        await check(stage, connection, singles)
    longest = AHEAD - SPREAD
    assert readings <= timedelta(days=53 * 7) / longest + 1, "everything is read again once in thirty days at most"
    # it is looked at once a week
    assert readings >= timedelta(days=53 * 7) // (AHEAD + timedelta(days=7))


def ending(until: str) -> dict[str, object]:
    """Return what repeats an event every Tuesday, up to a day."""
    return {
        "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": ["tuesday"], "firstDayOfWeek": "sunday"},
        "range": {"type": "endDate", "startDate": "2026-11-24", "endDate": until},
    }


async def stage_paths(stage: Stage) -> list[str]:
    """Return what the sandbox was asked, queries included."""
    return [one["path"] for one in (await stage.press("/requests", verb="GET"))["requests"]]


async def check(stage: Stage, connection: Connection, singles: set[datetime]) -> None:
    """Compare the whole window with what there is at Microsoft."""
    del connection
    midnight = stage.world.clock.now().replace(hour=0)
    window = Window(midnight - timedelta(days=89), midnight + timedelta(days=399))
    found = [(title, start) for title, start, _ in await stage.world.events(span=window)]
    assert len(found) == len(set(found)), "nothing is there twice"
    expected = {("Single", start) for start in singles}
    zone = ZoneInfo("Europe/Berlin")
    monday = datetime(2026, 11, 23, 10, tzinfo=zone)
    for week in range(140):
        start = (monday + timedelta(weeks=week)).astimezone(UTC)
        moved = datetime(2027, 8, 3, 13, tzinfo=UTC)
        expected.add(("Class", moved if start.date() == datetime(2027, 8, 2, tzinfo=UTC).date() else start))
        tuesday = datetime(2026, 11, 24, 8, tzinfo=zone) + timedelta(weeks=week)
        if tuesday.date() <= datetime(2027, 6, 1, tzinfo=UTC).date():
            expected.add(("Ends", tuesday.astimezone(UTC)))
    assert set(found) == {(title, start) for title, start in expected if window.start <= start < window.end}
