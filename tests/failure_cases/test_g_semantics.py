"""Group g, lines 35 to 41: what blocks, and when; from a real server through to *list events*.

The matrix of zones, rules and odd texts (lines 38 to 40) is in `tests/ical`; a bad event among good ones (line 41) in
`tests/rules/test_rule_06…`, and here for feeds. CalDAV has no working-location or birthday events (line 37).
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from kalends.model.connection import Status
from kalends.model.time import Window
from kalends.schedules.changing import ScheduleChange
from kalends.store.groups import quarantined
from kalends.store.runs import Outcome
from tests.following import Following, following
from tests.providers.feeds import calendar, event
from tests.rules.conftest import Scripted
from tests.servers import CalDavServer
from tests.world import World, ics, settings_for

SPRING = Window(datetime(2027, 3, 20, tzinfo=UTC), datetime(2027, 4, 5, tzinfo=UTC))
"""Berlin changes to summer time on 28 March."""

RESOURCES = {
    "free": ics("free", "Free", "20270322T090000Z", end="20270322T100000Z", lines="TRANSP:TRANSPARENT\n"),
    "free-day": ics("free-day", "Free day", "20270322", lines="TRANSP:TRANSPARENT\n"),
    "cancelled": ics("cancelled", "Cancelled", "20270322T090000Z", end="20270322T100000Z", lines="STATUS:CANCELLED\n"),
    "declined": ics(
        "declined",
        "Declined",
        "20270322T090000Z",
        end="20270322T100000Z",
        lines="ORGANIZER:mailto:boss@example.org\nATTENDEE;PARTSTAT=DECLINED:mailto:{email}\n",
    ),
    "tentative": ics("tentative", "Tentative", "20270322T110000Z", end="20270322T120000Z", lines="STATUS:TENTATIVE\n"),
    "day": ics("day", "All day", "20270328", end="20270329"),
    "series": (
        "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//another client//EN\n"
        "BEGIN:VTIMEZONE\nTZID:Europe/Berlin\n"
        "BEGIN:STANDARD\nDTSTART:19701025T030000\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\n"
        "TZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nEND:STANDARD\n"
        "BEGIN:DAYLIGHT\nDTSTART:19700329T020000\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\n"
        "TZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nEND:DAYLIGHT\nEND:VTIMEZONE\n"
        "BEGIN:VEVENT\nUID:series\nDTSTAMP:20261101T000000Z\nSUMMARY:Weekday\n"
        "DTSTART;TZID=Europe/Berlin:20270325T090000\nDTEND;TZID=Europe/Berlin:20270325T100000\n"
        "RRULE:FREQ=DAILY;COUNT=6\nEXDATE;TZID=Europe/Berlin:20270327T090000\nEND:VEVENT\n"
        "BEGIN:VEVENT\nUID:series\nDTSTAMP:20261101T000000Z\nSUMMARY:Moved\n"
        "RECURRENCE-ID;TZID=Europe/Berlin:20270326T090000\n"
        "DTSTART;TZID=Europe/Berlin:20270326T150000\nDTEND;TZID=Europe/Berlin:20270326T160000\nEND:VEVENT\n"
        "END:VCALENDAR\n"
    ),
}


def at(day: int, hour: int) -> datetime:
    return datetime(2027, 3, day, hour, tzinfo=UTC)


async def test_what_blocks_of_a_real_calendar_blocks_at_the_right_time_and_nothing_else_does(
    real_world: World, radicale: CalDavServer
) -> None:
    login = radicale.login()
    calendar = f"{login.home}work/"
    radicale.make_calendar(calendar)
    radicale.put_many(
        calendar, {f"{name}.ics": text.replace("{email}", login.email) for name, text in RESOURCES.items()}
    )
    await real_world.connect(radicale, login)
    listed = [(title, start.astimezone(UTC)) for title, start, _ in await real_world.events(span=SPRING)]
    assert listed == [
        ("Tentative", at(22, 11)),
        ("Weekday", at(25, 8)),
        ("Moved", at(26, 14)),
        ("All day", at(27, 23)),
        ("Weekday", at(28, 7)),
        ("Weekday", at(29, 7)),
        ("Weekday", at(30, 7)),
    ], "nine o'clock stays nine o'clock, the moved one is at its new time alone, the deleted one is gone"
    (day,) = [(start, end) for title, start, end in await real_world.events(span=SPRING) if title == "All day"]
    assert tuple(one.astimezone(UTC) for one in day) == (at(27, 23), at(28, 22)), "23 hours, midnight to midnight"


@pytest.mark.parametrize(
    ("zone", "hours"),
    [
        ("Pacific/Niue", 24),  # UTC-11
        ("America/New_York", 24),
        ("Europe/Berlin", 23),  # summer time begins on that day
        ("Australia/Lord_Howe", 24),  # half an hour of summer time, which ends a week later
        ("Pacific/Kiritimati", 24),  # UTC+14
    ],
)
async def test_an_all_day_event_is_that_day_and_no_other_wherever_the_schedule_is(
    scripted: Scripted, zone: str, hours: int
) -> None:
    world = scripted.world
    schedule = await world.kalends.schedule_reading.get(world.site.id, world.schedule.id)
    change = ScheduleChange(time_zone=zone)
    await world.kalends.schedule_changing.update(world.site.id, world.schedule.id, change, revision=schedule.revision)
    scripted.remote.put("day", ics("day", "Day", "20270328", end="20270329"))
    scripted.remote.put("days", ics("days", "Days", "20270330", end="20270401"))
    scripted.remote.put("no end", ics("no end", "No end", "20270402"))
    await scripted.connect()
    listed = {title: (start, end) for title, start, end in await world.events(span=SPRING)}
    there = ZoneInfo(zone)
    assert listed == {
        "Day": (datetime(2027, 3, 28, tzinfo=there), datetime(2027, 3, 29, tzinfo=there)),
        "Days": (datetime(2027, 3, 30, tzinfo=there), datetime(2027, 4, 1, tzinfo=there)),
        "No end": (datetime(2027, 4, 2, tzinfo=there), datetime(2027, 4, 3, tzinfo=there)),
    }
    start, end = listed["Day"]
    assert end.astimezone(UTC) - start.astimezone(UTC) == timedelta(hours=hours)


async def test_series_of_two_zones_change_to_summer_time_each_on_its_own_day(scripted: Scripted) -> None:
    for place, day in (("Europe/Berlin", "01"), ("America/New_York", "02")):
        text = ics(place, place, f"202703{day}T090000Z", lines="DURATION:PT1H\nRRULE:FREQ=WEEKLY;COUNT=5\n")
        scripted.remote.put(place, text.replace("DTSTART:", f"DTSTART;TZID={place}:").replace("00Z\nDUR", "00\nDUR"))
    await scripted.connect()
    span = Window(datetime(2027, 3, 1, tzinfo=UTC), datetime(2027, 4, 1, tzinfo=UTC))
    hours: dict[str | None, list[int]] = {}
    for title, start, _ in await scripted.world.events(span=span):
        hours.setdefault(title, []).append(start.astimezone(UTC).hour)
    assert hours == {"Europe/Berlin": [8, 8, 8, 8, 7], "America/New_York": [14, 14, 13, 13, 13]}


UNREADABLE = {
    "rule without sense": event("rule without sense", "Secret", more=["RRULE:FREQ=NONSENSE"]),
    "rule without frequency": event("rule without frequency", "Secret", more=["RRULE:COUNT=3"]),
    "interval of nothing": event("interval of nothing", "Secret", more=["RRULE:FREQ=DAILY;INTERVAL=0"]),
    "no start": event("no start", "Secret").replace("DTSTART:20261201T100000Z\r\n", ""),
    "start that is no time": event("start that is no time", "Secret", "tomorrow at noon"),
    "year 0": event("year 0", "Secret", "00000101T100000Z"),
}
"""Events that cannot be placed in time, by their UIDs."""

ODD = {
    "dates that are none": ["RDATE:never"],
    "dates of no kind": ["RDATE;VALUE=NONSENSE:20261202T100000Z,,"],
    "dates without a value": ["RDATE:", "EXDATE:"],
    "exceptions that are none": ["EXDATE:yesterday"],
    "attendees without an address": ["ATTENDEE:", "ATTENDEE;CN=Nobody:invalid:nomail", "ORGANIZER;CN=Nobody:"],
    "attendees of another scheme": ["ATTENDEE;PARTSTAT=ACCEPTED:urn:uuid:1", "ATTENDEE:/principals/ada/"],
    "attendees in odd quotes": ['ATTENDEE;CN="Ada ""the first""";PARTSTAT=ACCEPTED:mailto:ada@example.org'],
    "attendees without a colon": ["ATTENDEE;CN=Ada"],
    "a line that is none": ["this is no line at all"],
    "a property without a name": [":value"],
    "alarms that make no sense": ["BEGIN:VALARM", "TRIGGER:soon", "END:VALARM"],
    "a priority that is none": ["PRIORITY:very", "SEQUENCE:many", "CREATED:once"],
}
"""Lines that are wrong beside an event's own time, which is known."""


async def names_in_quarantine(followed: Following) -> list[str]:
    world = followed.world
    listed = await world.kalends.connections.list(world.admin, schedule_ids=None, partial_failure=False)
    async with world.kalends.database.read() as reader:
        found = await quarantined(reader, world.site.id, listed.connections[0].connection.id)
    assert all(one.problem.reason and "Secret" not in one.problem.reason for one in found)
    return sorted(one.problem.uid or "" for one in found)


async def test_events_of_a_feed_that_cannot_be_read_are_named_and_the_others_go_on(
    sqlite_url: str, tmp_path: Path
) -> None:
    good = [event(f"good{number}", "Good", f"202612{number + 1:02}T100000Z") for number in range(20)]
    async with following(
        settings_for(sqlite_url, tmp_path), calendar(*good[:10], *UNREADABLE.values(), *good[10:])
    ) as followed:
        connection = await followed.connect()
        assert connection.status is Status.SYNCED
        assert await followed.world.titles() == ["Good"] * 20
        assert await names_in_quarantine(followed) == sorted(UNREADABLE)
        mended = event("year 0", "Mended", "20261130T100000Z")
        followed.feed.says(calendar(*good, *{**UNREADABLE, "year 0": mended}.values()))
        run = await followed.sync()
        assert (run.outcome, run.counts.changed, run.counts.quarantined) == (Outcome.DONE, 1, 0)
        assert await followed.world.titles() == ["Mended", *["Good"] * 20]
        assert await names_in_quarantine(followed) == sorted(UNREADABLE.keys() - {"year 0"})


async def test_what_is_odd_about_an_event_of_a_feed_beside_its_time_costs_neither_it_nor_the_others(
    sqlite_url: str, tmp_path: Path
) -> None:
    odd = [event(what, what, more=lines) for what, lines in ODD.items()]
    text = calendar(event("before", "Before"), *odd, event("after", "After"))
    async with following(settings_for(sqlite_url, tmp_path), text) as followed:
        connection = await followed.connect()
        assert connection.status is Status.SYNCED
        first = datetime(2026, 12, 1, 10, tzinfo=UTC)
        placed = [str(title) for title, start, _ in await followed.world.events() if start == first]
        assert sorted(placed) == sorted(["Before", *ODD, "After"]), "each is there at its own time"
        assert await names_in_quarantine(followed) == ["dates that are none", "exceptions that are none"], "and told of"
