"""Google: group g, lines 35 to 41: what blocks, and when; from Google's JSON through to *list events*."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kalends.model.connection import Status
from kalends.model.time import Window
from kalends.schedules.changing import ScheduleChange
from kalends.store.runs import Outcome
from tests.providers.google.following import GoogleFollowing, following_google
from tests.providers.google.scripted import exception, taken_out, timed
from tests.world import settings_for

SPRING = Window(datetime(2027, 3, 10, tzinfo=UTC), datetime(2027, 4, 5, tzinfo=UTC))
"""New York changes to summer time on 14 March, Berlin on 28 March."""


@pytest.fixture
async def followed(sqlite_url: str, tmp_path: Path) -> AsyncIterator[GoogleFollowing]:
    async with following_google(settings_for(sqlite_url, tmp_path)) as made:
        yield made


def zoned(event_id: str, title: str, zone: str, start: str, end: str, *lines: str, **more: Any) -> dict[str, Any]:
    """Return an event, or with lines of a recurrence a series, in the wall time of a zone."""
    times = {"start": {"dateTime": start, "timeZone": zone}, "end": {"dateTime": end, "timeZone": zone}}
    return timed(event_id, title) | times | ({"recurrence": list(lines)} if lines else {}) | more


def day(event_id: str, title: str, start: str, end: str, *lines: str, **more: Any) -> dict[str, Any]:
    """Return an all-day event or series."""
    times = {"start": {"date": start}, "end": {"date": end}}
    return timed(event_id, title) | times | ({"recurrence": list(lines)} if lines else {}) | more


def answered(answer: str) -> list[dict[str, Any]]:
    """Return the attendees of an event that the person answered so."""
    others = {"email": "bob@example.org", "responseStatus": "accepted"}
    return [others, {"email": "ada@example.org", "self": True, "responseStatus": answer}]


async def imported(followed: GoogleFollowing, *events: dict[str, Any]) -> list[str | None]:
    """Import a calendar of the events, and return the titles of those that block."""
    for event in events:
        followed.google.mine.put(event)
    connection = await followed.connect()
    assert connection.status is Status.SYNCED
    assert await followed.problems(connection) == []
    return list(await followed.world.titles())


async def in_spring(followed: GoogleFollowing) -> list[tuple[str | None, str]]:
    """Return title and start of what blocks when clocks are changed."""
    listed = await followed.world.events(span=SPRING)
    return [(title, f"{start.astimezone(UTC):%m-%dT%H:%M}") for title, start, _ in listed]


async def test_line_35_what_is_marked_as_free_does_not_block(followed: GoogleFollowing) -> None:
    assert await imported(
        followed,
        timed("free", "Free", transparency="transparent"),
        day("free-day", "Free day", "2026-12-01", "2026-12-02", transparency="transparent"),
        timed("busy", "Busy", "2026-12-02T10:00:00Z"),
        day("busy-day", "Busy day", "2026-12-03", "2026-12-04", transparency="opaque"),
    ) == ["Busy", "Busy day"]


async def test_line_36_what_the_person_declined_does_not_block_and_what_nobody_answered_does(
    followed: GoogleFollowing,
) -> None:
    assert await imported(
        followed,
        timed("declined", "Declined", attendees=answered("declined")),
        timed("open", "Open", "2026-12-02T10:00:00Z", attendees=answered("needsAction")),
        timed("maybe", "Maybe", "2026-12-03T10:00:00Z", attendees=answered("tentative")),
        timed("accepted", "Accepted", "2026-12-04T10:00:00Z", attendees=answered("accepted")),
        timed("others", "Of others", "2026-12-05T10:00:00Z", attendees=answered("accepted")[:1]),
    ) == ["Open", "Maybe", "Accepted", "Of others"]


async def test_line_36_an_answer_given_later_frees_the_time_and_one_taken_back_takes_it(
    followed: GoogleFollowing,
) -> None:
    series = timed("s", "Daily", recurrence=["RRULE:FREQ=DAILY;COUNT=3"], attendees=answered("accepted"))
    followed.google.mine.put(series)
    connection = await followed.connect()
    assert len(await followed.world.titles()) == 3
    for answer, blocking in (("declined", 2), ("accepted", 3)):
        followed.google.mine.put(exception("s", "2026-12-02T10:00:00Z", "Daily", attendees=answered(answer)))
        await followed.sync(connection)
        assert len(await followed.world.titles()) == blocking


async def test_line_37_where_somebody_works_and_whose_birthday_it_is_take_no_time(followed: GoogleFollowing) -> None:
    assert await imported(
        followed,
        day("home", "Home", "2026-12-01", "2026-12-02", eventType="workingLocation", transparency="transparent"),
        timed("office", "Office", eventType="workingLocation"),
        day("bob", "Bob's birthday", "2026-12-01", "2026-12-02", "RRULE:FREQ=YEARLY", eventType="birthday"),
        timed("focus", "Focus", "2026-12-02T10:00:00Z", eventType="focusTime"),
        timed("away", "Away", "2026-12-03T10:00:00Z", eventType="outOfOffice"),
        timed("flight", "Flight", "2026-12-04T10:00:00Z", eventType="fromGmail"),
        timed("new", "New", "2026-12-05T10:00:00Z", eventType="notYetInvented"),
    ) == ["Focus", "Away", "Flight", "New"]


@pytest.mark.parametrize(
    ("zone", "begins", "ends"),
    [
        ("Pacific/Pago_Pago", "03-27T11:00", "03-29T11:00"),
        ("America/New_York", "03-27T04:00", "03-29T04:00"),
        ("UTC", "03-27T00:00", "03-29T00:00"),
        ("Europe/Berlin", "03-26T23:00", "03-28T22:00"),
        ("Asia/Kolkata", "03-26T18:30", "03-28T18:30"),
        ("Pacific/Kiritimati", "03-26T10:00", "03-28T10:00"),
    ],
)
async def test_line_38_an_all_day_event_runs_from_midnight_to_midnight_where_the_schedule_is(
    followed: GoogleFollowing, zone: str, begins: str, ends: str
) -> None:
    world = followed.world
    followed.google.mine.entry["timeZone"] = "America/Los_Angeles"
    followed.google.mine.put(day("e", "Two days", "2027-03-27", "2027-03-29"))
    schedule = await world.kalends.schedule_reading.get(world.site.id, world.schedule.id)
    change = ScheduleChange(time_zone=zone)
    await world.kalends.schedule_changing.update(world.site.id, world.schedule.id, change, revision=schedule.revision)
    await followed.connect()
    ((title, start, end),) = await world.events(span=SPRING)
    assert (title, f"{start.astimezone(UTC):%m-%dT%H:%M}", f"{end.astimezone(UTC):%m-%dT%H:%M}") == (
        "Two days",
        begins,
        ends,
    )


async def test_line_39_series_keep_to_the_clocks_of_their_zones_which_change_on_different_days(
    followed: GoogleFollowing,
) -> None:
    rule = "RRULE:FREQ=WEEKLY;COUNT=3"
    lines = [
        zoned("b", "Berlin", "Europe/Berlin", "2027-03-16T09:00:00+01:00", "2027-03-16T10:00:00+01:00", rule),
        zoned("n", "York", "America/New_York", "2027-03-12T09:00:00-05:00", "2027-03-12T10:00:00-05:00", rule),
    ]
    for event in lines:
        followed.google.mine.put(event)
    await followed.connect()
    assert await in_spring(followed) == [
        ("York", "03-12T14:00"),
        ("Berlin", "03-16T08:00"),
        ("York", "03-19T13:00"),
        ("Berlin", "03-23T08:00"),
        ("York", "03-26T13:00"),
        ("Berlin", "03-30T07:00"),
    ]


async def test_line_40_a_moved_instance_is_there_once_and_one_taken_out_not_at_all(followed: GoogleFollowing) -> None:
    google = followed.google
    google.mine.put(
        zoned(
            "s",
            "Daily",
            "Europe/Berlin",
            "2027-03-26T09:00:00+01:00",
            "2027-03-26T10:00:00+01:00",
            "RRULE:FREQ=DAILY;COUNT=6",
            "EXDATE;TZID=Europe/Berlin:20270331T090000",
        )
    )
    connection = await followed.connect()
    assert len(await in_spring(followed)) == 5
    google.mine.put(exception("s", "2027-03-27T08:00:00Z", "Moved", "2027-03-27T15:00:00Z"))
    google.mine.put(taken_out("s", "2027-03-28T07:00:00Z"))
    run = await followed.sync(connection)
    assert run.counts.changed == 2
    expected = [
        ("Daily", "03-26T08:00"),
        ("Moved", "03-27T15:00"),
        ("Daily", "03-29T07:00"),
        ("Daily", "03-30T07:00"),
    ]
    assert await in_spring(followed) == expected
    google.oldest = 99
    await followed.sync(connection)
    assert await in_spring(followed) == expected, "a full pass says the same"
    google.mine.put(exception("s", "2027-03-27T08:00:00Z", "Moved again", "2027-03-27T17:00:00Z"))
    google.mine.put(exception("s", "2027-03-28T07:00:00Z", "Back"))
    google.oldest = 0
    await followed.sync(connection)
    assert await in_spring(followed) == [
        ("Daily", "03-26T08:00"),
        ("Moved again", "03-27T17:00"),
        ("Back", "03-28T07:00"),
        ("Daily", "03-29T07:00"),
        ("Daily", "03-30T07:00"),
    ]


UNREADABLE: dict[str, dict[str, Any]] = {
    "an unknown rule": {"recurrence": ["RRULE:FREQ=NEVER"]},
    "an interval of none": {"recurrence": ["RRULE:FREQ=DAILY;INTERVAL=0"]},
    "no list of rules": {"recurrence": "RRULE:FREQ=DAILY"},
    "no start": {"start": None},
    "a start that is none": {"start": {"dateTime": "soon"}},
    "a day that is none": {"start": {"date": "2026-02-30"}},
    "the year one": {"start": {"dateTime": "0001-01-01T00:00:00Z", "timeZone": "America/New_York"}},
    "too large": {"recurrence": [f"EXDATE:{'20261201T100000Z,' * 20_000}"]},
}
ODD: dict[str, dict[str, Any]] = {
    "attendees that are none": {"attendees": ["x", None, {"self": True, "responseStatus": 7}]},
    "dates that are none": {"recurrence": ["RRULE:FREQ=DAILY;COUNT=1", "EXDATE:soon", "RDATE;VALUE=PERIOD:x/y"]},
    "a zone that is none": {"start": {"dateTime": "2026-12-01T10:00:00Z", "timeZone": "Mars/Olympus"}},
    "a type that is none": {"eventType": 7, "transparency": [], "visibility": None},
}


async def test_line_41_events_that_cannot_be_read_are_named_and_the_others_go_on(followed: GoogleFollowing) -> None:
    google = followed.google
    for number in range(20):
        google.mine.put(timed(f"good{number}", "Good", f"2026-12-{number + 1:02}T10:00:00Z"))
    for what, more in UNREADABLE.items():
        google.mine.put(timed(what, "Secret", **more))
    connection = await followed.connect()
    assert connection.status is Status.SYNCED
    assert await followed.world.titles() == ["Good"] * 20
    named = await followed.problems(connection)
    assert {uid for uid, _ in named} == {*(f"{what}@google.com" for what in UNREADABLE if what != "too large"), None}
    assert not any("Secret" in reason or not reason for _, reason in named)
    google.mine.put(timed("no start", "Mended", "2026-11-30T10:00:00Z"))
    run = await followed.sync(connection)
    assert (run.outcome, run.counts.changed, run.counts.quarantined) == (Outcome.DONE, 1, 0)
    assert await followed.world.titles() == ["Mended", *["Good"] * 20]


async def test_line_41_what_is_odd_about_an_event_beside_its_time_costs_neither_it_nor_the_others(
    followed: GoogleFollowing,
) -> None:
    for what, more in ODD.items():
        followed.google.mine.put(timed(what, what, **more))
    connection = await followed.connect()
    assert sorted(map(str, await followed.world.titles())) == sorted(ODD)
    named = {uid for uid, _ in await followed.problems(connection)}
    assert named == {"dates that are none@google.com", "a zone that is none@google.com"}, "and told of"


async def test_line_41_a_hostile_rule_holds_nobody_up(followed: GoogleFollowing) -> None:
    google = followed.google
    google.mine.put(timed("hostile", "Hostile", "2000-01-01T10:00:00Z", recurrence=["RRULE:FREQ=SECONDLY"]))
    google.mine.put(timed("good", "Good"))
    connection = await followed.connect()
    assert await followed.world.titles() == ["Good"]
    assert len(await followed.problems(connection)) == 1


async def test_a_window_that_rolls_brings_the_next_instances_without_asking_for_them(
    followed: GoogleFollowing,
) -> None:
    world = followed.world
    followed.google.mine.put(timed("s", "Daily", recurrence=["RRULE:FREQ=MONTHLY"]))
    connection = await followed.connect()
    world.clock.advance(timedelta(days=300))
    later = Window(datetime(2028, 3, 1, tzinfo=UTC), datetime(2028, 5, 2, tzinfo=UTC))
    await followed.sync(connection)
    assert "syncToken" in followed.google.listings[-1]
    assert [f"{start.astimezone(UTC):%m-%d}" for _, start, _ in await world.events(span=later)] == [
        "03-01",
        "04-01",
        "05-01",
    ]
