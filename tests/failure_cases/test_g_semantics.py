"""Group g, lines 35 to 41: what blocks, and when; from a real server through to *list events*.

The matrix of zones, rules and odd texts (lines 38 to 40) is in `tests/ical`; a bad event among good ones (line 41) in
`tests/rules/test_rule_06…`. CalDAV has no working-location or birthday events (line 37).
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from kalends.model.time import Window
from kalends.schedules.changing import ScheduleChange
from tests.rules.conftest import Scripted
from tests.servers import CalDavServer
from tests.world import World, ics

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
