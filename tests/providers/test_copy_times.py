"""When a copy is, by what a provider says of its start and its end."""

from datetime import UTC, date, datetime, timedelta

import pytest

from kalends.model.schedule_event import EventTimes
from kalends.providers.caldav.stored_copies import times_of
from kalends.providers.copy_times import times_between
from tests.providers.export_contract import days, times, wall

START = datetime(2026, 12, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "UTC", "America/New_York"])
def test_times_are_in_the_zone_that_is_told(zone: str) -> None:
    found = times_between(START, START + HOUR, zone)
    assert found is not None
    assert (found.zone, found.start_at, found.end_at, found.all_day) == (zone, START, START + HOUR, False)


@pytest.mark.parametrize("zone", [None, "", "W. Europe Standard Time", "No/Where"])
def test_times_without_a_zone_that_is_known_are_in_utc(zone: str | None) -> None:
    assert times_between(START, START + HOUR, zone) == times(wall(1, 9), zone="UTC")


@pytest.mark.parametrize("minutes", [0, 30, 60, 90, 120])
def test_in_the_hour_that_comes_twice_they_are_the_instants_all_the_same(minutes: int) -> None:
    start = datetime(2026, 10, 25, 0, tzinfo=UTC) + timedelta(minutes=minutes)
    found = times_between(start, start + HOUR / 4, "Europe/Berlin")
    assert found is not None
    assert (found.start_at, found.end_at) == (start, start + HOUR / 4)


def test_dates_are_whole_days() -> None:
    assert times_between(date(2026, 12, 24), date(2026, 12, 27), "Asia/Tokyo") == days(wall(24, 0), 3, zone="UTC")


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (None, START),
        (START, None),
        (START, date(2026, 12, 2)),
        (date(2026, 12, 1), START),
        (START, START),
        (START, START - HOUR),
        (date(2026, 12, 1), date(2026, 12, 1)),
    ],
)
def test_what_are_no_times_cannot_be_said(start: datetime | date | None, end: datetime | date | None) -> None:
    assert times_between(start, end, "Europe/Berlin") is None


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
def test_at_the_edges_of_the_calendar_they_are_in_utc(zone: str) -> None:
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(microsecond=0, tzinfo=UTC)
    found = times_between(first, last, zone)
    assert found is not None
    assert found.zone == "UTC"


# iCalendar


def resource(*lines: str, zone: str = "") -> bytes:
    event = ["BEGIN:VEVENT", "UID:a", *lines, "END:VEVENT"]
    return "\r\n".join(["BEGIN:VCALENDAR", *zone.splitlines(), *event, "END:VCALENDAR", ""]).encode()


CUSTOM = """BEGIN:VTIMEZONE
TZID:Here
BEGIN:STANDARD
DTSTART:19700101T000000
TZOFFSETFROM:+0130
TZOFFSETTO:+0130
END:STANDARD
END:VTIMEZONE"""


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["DTSTART:20261201T090000Z", "DTEND:20261201T100000Z"], times(wall(1, 9), zone="UTC")),
        (["DTSTART;TZID=Europe/Berlin:20261201T100000", "DTEND;TZID=Europe/Berlin:20261201T110000"], times(wall(1))),
        (["DTSTART;TZID=W. Europe Standard Time:20261201T100000", "DURATION:PT1H"], times(wall(1))),
        (["DTSTART;TZID=Europe/Berlin:20261201T100000", "DTEND:20261201T100000Z"], times(wall(1))),
        (["DTSTART;TZID=Here:20261201T103000", "DURATION:PT1H"], times(wall(1, 9), zone="UTC")),
        # a day of wall time across a change of offset, and 24 hours
        (
            ["DTSTART;TZID=Europe/Berlin:20261024T120000", "DURATION:P1D"],
            times(wall(24, 12, month=10), minutes=24 * 60),
        ),
        (
            ["DTSTART;TZID=Europe/Berlin:20261024T120000", "DURATION:PT24H"],
            times(wall(24, 12, month=10), minutes=23 * 60),
        ),
        (["DTSTART;VALUE=DATE:20261224", "DTEND;VALUE=DATE:20261227"], days(wall(24, 0), 3, zone="UTC")),
        (["DTSTART;VALUE=DATE:20261224", "DURATION:P3D"], days(wall(24, 0), 3, zone="UTC")),
        (["DTSTART;VALUE=DATE:20261224"], days(wall(24, 0), zone="UTC")),
        (["DTSTART:20261201T100000", "DTEND:20261201T110000"], None),
        (["DTSTART:20261201T090000Z", "DTEND:20261201T100000"], None),
        (["DTSTART:20261201T090000Z"], None),
        (["DTSTART:20261201T090000Z", "DTEND;VALUE=DATE:20261202"], None),
        (["DTSTART:soon", "DTEND:20261201T100000Z"], None),
        (["DTSTART;TZID=Asia/Tokyo:00010101T000000", "DURATION:PT1H"], None),
        (["DTSTART:99991231T230000Z", "DURATION:P9D"], None),
        ([], None),
    ],
)
def test_a_resource_tells_when_it_is(lines: list[str], expected: EventTimes | None) -> None:
    assert times_of(resource(*lines, zone=CUSTOM)) == expected


def test_of_a_series_it_is_the_first_instance_that_is_told() -> None:
    changed = "BEGIN:VEVENT\nUID:a\nRECURRENCE-ID:20261201T090000Z\nDTSTART:20261202T090000Z\nDURATION:PT2H\nEND:VEVENT"
    master = ["DTSTART:20261201T090000Z", "DURATION:PT1H", "RRULE:FREQ=WEEKLY"]
    assert times_of(resource(*master, zone=changed)) == times(wall(1, 9), zone="UTC")
    assert times_of(resource("RECURRENCE-ID:20261201T090000Z", *master[:2])) is None


@pytest.mark.parametrize("junk", [b"", b"x", b"\xff\xfe\x00", b"BEGIN:VCALENDAR", b"BEGIN:VEVENT\nDTSTART:20261201"])
def test_what_is_no_calendar_says_nothing(junk: bytes) -> None:
    assert times_of(junk) is None
