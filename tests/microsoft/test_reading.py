"""What a Microsoft calendar's events come to: series, exceptions, all-day events, zones, and what does not block."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from kalends.model.connection import Connection
from kalends.model.time import Window
from kalends.sandbox.microsoft.preferences import Preferences
from kalends.sandbox.microsoft.rendering import View
from tests.microsoft.stage import ANN, Stage

WEEKLY = {
    "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": ["monday"], "firstDayOfWeek": "sunday"},
    "range": {"type": "noEnd", "startDate": "2026-11-23"},
}
MONDAYS = ["11-23T09:00", "11-30T09:00", "12-07T09:00", "12-14T09:00"]
"""The first instances, in UTC."""


def at(day: str, hour: int, zone: str = "W. Europe Standard Time") -> Mapping[str, Any]:
    """Return the times of an hour."""
    return {
        name: {"dateTime": f"{day}T{begins:02}:00:00", "timeZone": zone}
        for name, begins in (("start", hour), ("end", hour + 1))
    }


async def made(stage: Stage, title: str, **fields: Any) -> str:
    """Make an event in Ann's calendar; return its id."""
    said = await stage.press(f"/users/{ANN.email}/calendars/primary/events", {"subject": title, **fields})
    return str(said["id"])


async def weekly(stage: Stage, title: str = "Class", **fields: Any) -> str:
    """Make a series on Mondays at ten in Berlin, from tomorrow on and without an end."""
    return await made(stage, title, recurrence=WEEKLY, **at("2026-11-23", 10), **fields)


def instance(stage: Stage, master: str, day: str) -> str:
    """Return the id of the instance that a series has on a day."""
    mailbox = stage.state.mailbox(ANN.email)
    assert mailbox is not None
    calendar, event, _ = mailbox.event(master)
    return View(calendar, Preferences(immutable_ids=True)).id(event.key, date.fromisoformat(day))


async def shown(stage: Stage, days: int = 28, **query: Any) -> list[str]:
    """Return start and title of what is listed of the next days."""
    now = stage.world.clock.now()
    found = await stage.world.events(span=Window(now, now + timedelta(days=days)), **query)
    return [f"{start:%m-%dT%H:%M} {title}" for title, start, _ in found]


async def test_a_series_is_listed_with_the_title_of_its_master(stage: Stage) -> None:
    await weekly(stage)
    await stage.connect()
    assert await shown(stage) == [f"{start} Class" for start in MONDAYS]


async def test_39_a_series_keeps_its_wall_time_over_the_change_of_clocks(stage: Stage) -> None:
    await weekly(stage)
    await stage.connect()
    found = await stage.world.events(span=Window(datetime(2027, 3, 20, tzinfo=UTC), datetime(2027, 4, 6, tzinfo=UTC)))
    assert [f"{start:%m-%dT%H:%M}" for _, start, _ in found] == ["03-22T09:00", "03-29T08:00", "04-05T08:00"]


@pytest.mark.parametrize("follow", [False, True], ids=["master alone", "occurrences too"])
async def test_a_change_of_a_master_shows_in_all_its_instances_and_costs_one_request(
    stage: Stage, *, follow: bool
) -> None:
    await stage.press("/oddities", {"occurrencesFollow": follow})
    master = await weekly(stage)
    connection = await stage.connect()
    await stage.change(master, subject="Renamed", showAs="tentative")
    assert await requests_of(stage, connection) == 1
    assert await shown(stage) == [f"{start} Renamed" for start in MONDAYS]
    await stage.change(master, showAs="free")
    await stage.world.sync(connection)
    assert await shown(stage) == []


async def test_a_series_that_is_moved_as_a_whole_is_at_its_new_place_alone(stage: Stage) -> None:
    master = await weekly(stage)
    connection = await stage.connect()
    await stage.change(master, **at("2026-11-23", 14))
    await stage.world.sync(connection)
    assert await shown(stage) == [f"{start.replace('09:', '13:')} Class" for start in MONDAYS]


async def test_40_a_moved_instance_is_at_its_new_place_alone_and_a_deleted_one_nowhere(stage: Stage) -> None:
    master = await weekly(stage)
    connection = await stage.connect()
    await stage.change(instance(stage, master, "2026-11-30"), **at("2026-12-01", 15))
    await stage.delete(instance(stage, master, "2026-12-07"))
    assert await requests_of(stage, connection) == 1
    after = ["11-23T09:00 Class", "12-01T14:00 Class", "12-14T09:00 Class"]
    assert await shown(stage) == after
    await read_anew(stage, connection)
    assert await shown(stage) == after


async def test_an_instance_that_was_retitled_keeps_that_when_its_master_changes(stage: Stage) -> None:
    master = await weekly(stage)
    connection = await stage.connect()
    await stage.change(instance(stage, master, "2026-11-30"), subject="Special")
    await stage.change(master, subject="Renamed")
    await stage.world.sync(connection)
    titles = [one.partition(" ")[2] for one in await shown(stage)]
    assert titles == ["Renamed", "Special", "Renamed", "Renamed"]


async def test_a_deleted_series_is_gone_with_all_that_belongs_to_it(stage: Stage) -> None:
    master = await weekly(stage)
    await made(stage, "Other", **at("2026-11-24", 10))
    connection = await stage.connect()
    await stage.change(instance(stage, master, "2026-11-30"), subject="Special")
    await stage.world.sync(connection)
    await stage.delete(master)
    await stage.world.sync(connection)
    assert await shown(stage) == ["11-24T09:00 Other"]


@pytest.mark.parametrize("masters", ["first", "last", "missing"])
async def test_masters_may_come_late_or_not_at_all_and_are_then_asked_for_once(stage: Stage, masters: str) -> None:
    await stage.press("/oddities", {"masters": masters, "mostPerPage": 3})
    await weekly(stage)
    await weekly(stage, "Other")
    connection = await stage.connect()
    both = sorted(f"{start} {title}" for start in MONDAYS for title in ("Class", "Other"))
    assert sorted(await shown(stage)) == both
    single = [one for one in await stage.requests() if "/me/events/" in one]
    assert len(single) == (2 if masters == "missing" else 0)
    await read_anew(stage, connection)
    assert sorted(await shown(stage)) == both


async def test_a_changed_instance_of_an_unknown_series_costs_one_more_request(stage: Stage) -> None:
    connection = await stage.connect()
    await stage.press("/oddities", {"masters": "missing"})
    await weekly(stage)
    assert await requests_of(stage, connection) == 2
    assert await shown(stage) == [f"{start} Class" for start in MONDAYS]


@pytest.mark.parametrize("zone", ["Dateline Standard Time", "UTC", "Line Islands Standard Time", "Tokyo Standard Time"])
async def test_38_all_day_events_are_on_their_day_wherever_they_were_made(stage: Stage, zone: str) -> None:
    times = {
        name: {"dateTime": f"2026-11-{day}T00:00:00", "timeZone": zone} for name, day in (("start", 24), ("end", 26))
    }
    await made(stage, "Fair", isAllDay=True, **times)
    await stage.connect()
    (found,) = await stage.world.events()
    day = timedelta(days=1)
    midnight = datetime(2026, 11, 23, 23, tzinfo=UTC)
    assert found == ("Fair", midnight, midnight + 2 * day), "midnight to midnight in the schedule's zone"


@pytest.mark.parametrize(
    ("fields", "blocks"),
    [
        ({"showAs": "free"}, False),
        ({"showAs": "workingElsewhere"}, False),
        ({"showAs": "oof"}, True),
        ({"showAs": "tentative"}, True),
        ({"showAs": "unknown"}, True),
        ({"isCancelled": True}, False),
        ({"responseStatus": {"response": "declined", "time": "2026-11-20T00:00:00Z"}}, False),
        ({"responseStatus": {"response": "tentativelyAccepted", "time": "2026-11-20T00:00:00Z"}}, True),
        ({"sensitivity": "private"}, True),
    ],
    ids=str,
)
async def test_35_36_what_is_free_declined_or_cancelled_does_not_block(
    stage: Stage, fields: Mapping[str, Any], *, blocks: bool
) -> None:
    await made(stage, "Perhaps", **at("2026-11-24", 10), **fields)
    await stage.connect()
    assert bool(await shown(stage)) is blocks


async def test_a_change_of_what_is_not_kept_writes_nothing(stage: Stage) -> None:
    event = await made(stage, "Dentist", **at("2026-11-24", 10))
    connection = await stage.connect()
    await stage.change(event, body={"contentType": "text", "content": "Bring the card"})
    run = await stage.world.sync(connection)
    assert run is not None
    assert (run.counts.changed, run.counts.removed) == (0, 0)


async def requests_of(stage: Stage, connection: Connection) -> int:
    """Sync, and return how many requests that took."""
    await stage.forget_requests()
    await stage.world.sync(connection)
    return len(await stage.requests())


async def read_anew(stage: Stage, connection: Connection) -> None:
    """Have everything read again."""
    await stage.press(f"/users/{ANN.email}/calendars/primary/expireDelta")
    await stage.world.sync(connection)
