"""What is written of a copy, and what is understood of what a server has stored."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from zoneinfo import ZoneInfo, available_timezones

import pytest
from dateutil.tz import tzical

from kalends.ical import expand_resource
from kalends.model.copy import ChangedInstance, CopyText, WantedCopy
from kalends.model.occurrence import ExpansionContext
from kalends.model.schedule_event import EventTimes, WeeklyRule
from kalends.model.time import Window
from kalends.providers.caldav.rendering import folded, resource
from kalends.providers.caldav.stored_copies import echo_of, tag_of
from kalends.providers.caldav.zone_definitions import vtimezone

KEY = 52 * "v"
TAG = "0av.9"


def wall(day: int, hour: int = 10, month: int = 12, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour)  # noqa: DTZ001 - a wall time has no zone


def hour(start: datetime, zone: str = "Europe/Berlin") -> EventTimes:
    return EventTimes(start, start + timedelta(hours=1), zone)


SINGLE = WantedCopy(KEY, TAG, hour(wall(1)), CopyText("Haircut"))
SERIES = replace(SINGLE, rule=WeeklyRule(2, wall(29)), cancelled=(wall(29), wall(15)))


def lines(wanted: WantedCopy) -> list[str]:
    text = resource(wanted).decode()
    assert text.endswith("\r\n")
    assert "\n" not in text.replace("\r\n", "")
    return text.split("\r\n")


def event_of(wanted: WantedCopy) -> list[str]:
    found = lines(wanted)
    return found[found.index("BEGIN:VEVENT") : found.index("END:VEVENT") + 1]


# The text


def test_a_single_copy_is_written_with_all_that_is_wanted_and_nothing_else() -> None:
    text = CopyText("Cut; wash, dry", "one\ntwo", "Room 1", "https://a.example/1", busy=False, private=True)
    assert event_of(replace(SINGLE, text=text)) == [
        "BEGIN:VEVENT",
        f"UID:{KEY}@kalends",
        "DTSTAMP:20260101T000000Z",
        "SEQUENCE:0",
        "DTSTART;TZID=Europe/Berlin:20261201T100000",
        "DTEND;TZID=Europe/Berlin:20261201T110000",
        "SUMMARY:Cut\\; wash\\, dry",
        "TRANSP:TRANSPARENT",
        "CLASS:PRIVATE",
        "STATUS:CONFIRMED",
        "X-KALENDS-TAG:0av.9",
        "DESCRIPTION:one\\ntwo",
        "LOCATION:Room 1",
        "URL:https://a.example/1",
        "END:VEVENT",
    ]


def test_a_series_has_its_rule_and_its_exceptions_in_one_order() -> None:
    changed = [ChangedInstance(wall(day), hour(wall(day + 1)), CopyText("Moved")) for day in (15, 1)]
    wanted = replace(SERIES, cancelled=(wall(29), wall(22)), changed=tuple(changed))
    event = event_of(wanted)
    assert event[6:9] == [
        "RRULE:FREQ=WEEKLY;INTERVAL=2;UNTIL=20261229T090000Z",
        "EXDATE;TZID=Europe/Berlin:20261222T100000",
        "EXDATE;TZID=Europe/Berlin:20261229T100000",
    ]
    text = resource(wanted).decode()
    assert re.findall("RECURRENCE-ID;TZID=Europe/Berlin:(.*)T", text) == ["20261201", "20261215"]
    other = replace(wanted, cancelled=wanted.cancelled[::-1], changed=wanted.changed[::-1])
    assert resource(other) == resource(wanted)


def test_times_in_utc_need_no_zone() -> None:
    text = resource(replace(SERIES, times=hour(wall(1), "Etc/UTC"))).decode()
    assert "VTIMEZONE" not in text
    assert "DTSTART:20261201T100000Z" in text
    assert "EXDATE:20261215T100000Z" in text


def test_an_all_day_series_is_written_in_dates_alone() -> None:
    times = EventTimes(wall(1, 0), wall(3, 0), "Pacific/Auckland", all_day=True)
    text = resource(replace(SERIES, times=times, rule=WeeklyRule(1, wall(29, 0)), cancelled=(wall(8, 0),))).decode()
    assert "VTIMEZONE" not in text
    for line in ("DTSTART;VALUE=DATE:20261201", "DTEND;VALUE=DATE:20261203", "EXDATE;VALUE=DATE:20261208"):
        assert f"{line}\r\n" in text
    assert "UNTIL=20261229\r\n" in text


def test_each_zone_that_is_named_is_defined_once() -> None:
    moved = ChangedInstance(wall(1), hour(wall(2), "Asia/Tokyo"), CopyText("Moved"))
    again = ChangedInstance(wall(15), hour(wall(16), "Asia/Tokyo"), CopyText("Moved"))
    text = resource(replace(SERIES, cancelled=(), changed=(moved, again))).decode()
    assert re.findall("\nTZID:(.*)\r", text) == ["Asia/Tokyo", "Europe/Berlin"]


def test_lines_are_folded_between_characters() -> None:
    line = "SUMMARY:" + 40 * "ab漢👩‍💻é"
    pieces = folded(line).encode().split(b"\r\n")
    assert max(map(len, pieces)) <= 75
    assert min(map(len, pieces[:-1])) > 75 - 4
    assert all(piece.decode() for piece in pieces)
    assert folded(line).replace("\r\n ", "") == line
    assert folded("x" * 75) == "x" * 75
    assert [len(piece) for piece in folded("x" * 230).split("\r\n")] == [75, 75, 75, 8]


def test_our_own_reader_finds_the_instances() -> None:
    context = ExpansionContext(Window(datetime(2026, 9, 1, tzinfo=UTC), datetime(2027, 9, 1, tzinfo=UTC)), "UTC")
    expanded = expand_resource([resource(replace(SERIES, rule=WeeklyRule(2, wall(12, year=2027, month=1))))], context)
    assert [one.start for one in expanded.occurrences] == [
        datetime(2026, 12, 1, 9, tzinfo=UTC),
        datetime(2027, 1, 12, 9, tzinfo=UTC),
    ]


# Zones


def _defined(zone: str, first: int, last: int) -> tzical:
    text = "\r\n".join(("BEGIN:VCALENDAR", *vtimezone(zone, first, last), "END:VCALENDAR", ""))
    return tzical(StringIO(text))


@pytest.mark.parametrize(
    ("zone", "first", "last"),
    [
        ("Europe/Berlin", 2026, 2032),
        ("Europe/Berlin", 2097, 2100),
        ("Europe/Dublin", 2026, 2030),
        ("America/New_York", 2005, 2009),
        ("America/Sao_Paulo", 2017, 2021),
        ("Africa/Casablanca", 2026, 2040),
        ("Africa/Cairo", 2021, 2030),
        ("America/Nuuk", 2021, 2027),
        ("America/Santiago", 2026, 2030),
        ("Asia/Gaza", 2026, 2030),
        ("Asia/Kolkata", 2026, 2050),
        ("Asia/Pyongyang", 2014, 2019),
        ("Australia/Lord_Howe", 2026, 2030),
        ("Pacific/Apia", 2010, 2022),
        ("Antarctica/Troll", 2026, 2030),
        ("Europe/Istanbul", 2015, 2018),
        ("America/St_Johns", 2009, 2014),
    ],
)
def test_a_zones_definition_is_right_for_its_years(zone: str, first: int, last: int) -> None:
    defined, info = _defined(zone, first, last).get(zone), ZoneInfo(zone)
    for at in _telling(info, datetime(first, 1, 1, tzinfo=UTC), datetime(last + 1, 1, 1, tzinfo=UTC)):
        local = at.astimezone(info)
        # a wall time that comes twice is the first in the one, and either in the other
        if local.fold == 0 and (local.replace(fold=1).utcoffset() == local.utcoffset()):
            assert local.replace(tzinfo=defined).utcoffset() == local.utcoffset(), local


def _telling(info: ZoneInfo, at: datetime, until: datetime) -> Iterator[datetime]:
    """Yield instants four days apart, and all half hours between two of them with another offset."""
    while at < until:
        after = at + timedelta(days=4)
        changes = at.astimezone(info).utcoffset() != after.astimezone(info).utcoffset()
        yield from (at + number * timedelta(minutes=30) for number in range(4 * 48 if changes else 1))
        at = after


def test_every_zone_can_be_defined() -> None:
    for zone in sorted(available_timezones())[::20]:
        assert vtimezone(zone, 2026, 2027)[1] == f"TZID:{zone}"


def test_rules_are_written_where_there_are_some_and_dates_where_not() -> None:
    berlin = "\n".join(vtimezone("Europe/Berlin", 2026, 2100))
    assert "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU" in berlin
    assert "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU" in berlin
    assert "RDATE" not in berlin
    # an onset is told by the clock before it
    assert "DTSTART:20250330T020000\nRRULE" in berlin
    assert "DTSTART:20251026T030000\nRRULE" in berlin
    york = "\n".join(vtimezone("America/New_York", 2026, 2026))
    assert "BYMONTH=3;BYDAY=2SU" in york
    assert "BYMONTH=11;BYDAY=1SU" in york
    assert "RRULE" not in "\n".join(vtimezone("Africa/Casablanca", 2026, 2030))


# What is stored


def stored(*more: str, tag: str = f"X-KALENDS-TAG:{TAG}") -> bytes:
    inner = [line for line in (tag, *more) if line]
    return "\r\n".join(["BEGIN:VCALENDAR", "BEGIN:VEVENT", *inner, "END:VEVENT", "END:VCALENDAR", ""]).encode()


def test_a_copys_tag_is_found_again() -> None:
    assert tag_of(resource(SERIES)) == TAG
    assert tag_of(resource(replace(SINGLE, tag=100 * "v"))) == 100 * "v"
    assert tag_of(stored(tag="x-kalends-tag;VALUE=TEXT:0a")) == "0a"
    assert tag_of(stored(tag="X-KALENDS-\r\n TAG:0\r\n a")) == "0a"


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff\xfe\x00",
        b"X-KALENDS-TAG:0a",
        b"END:VEVENT\nX-KALENDS-TAG:0a",
        stored(tag=""),
        stored(tag="X-KALENDS-TAG:"),
        stored(tag="X-KALENDS-TAG:0A"),
        stored(tag="X-KALENDS-TAG:0w"),
        stored(tag="X-KALENDS-TAG:" + 101 * "0"),
        stored("DESCRIPTION:X-KALENDS-TAG:0a", tag=""),
        stored("DESCRIPTION:x\\nX-KALENDS-TAG:0a", tag=""),
        stored("BEGIN:VALARM", "X-KALENDS-TAG:0a", "END:VALARM", tag=""),
    ],
)
def test_what_is_no_copy_has_no_tag(payload: bytes) -> None:
    assert tag_of(payload) is None


def test_the_echo_does_not_care_how_a_server_writes() -> None:
    text = resource(replace(SERIES, text=CopyText("a, b; c", 30 * "long notes "))).decode()
    rewritten = (
        text.replace("\r\n ", "")
        .replace("\r\n", "\n")
        .replace("TRANSP:OPAQUE\n", "")
        .replace("CLASS:PUBLIC\n", "class:public\n")
        .replace("STATUS:CONFIRMED\n", "")
        .replace("SEQUENCE:0", 'SEQUENCE:4\nCREATED:20261101T080000Z\nX-APPLE-THING;X="a:b;c":1')
        .replace("DTSTAMP:20260101", "LAST-MODIFIED:20260101T000000Z\nDTSTAMP:20270101")
        .replace("-//Kalends//Kalends//EN", "-//Another//EN")
        .replace("TZID=Europe/Berlin:", 'TZID="Europe/Berlin":')
        .replace("RRULE:FREQ=WEEKLY;INTERVAL=2", "RRULE:INTERVAL=2;WKST=MO;FREQ=WEEKLY")
        .replace("END:VEVENT", "BEGIN:VALARM\nSUMMARY:x\nEND:VALARM\nEND:VEVENT")
        .replace('20261215T100000\nEXDATE;TZID="Europe/Berlin":20261229T100000', "20261229T100000,20261215T100000")
    )
    assert rewritten.count("EXDATE") == 1
    assert echo_of(rewritten.encode()) == echo_of(text.encode())


@pytest.mark.parametrize(
    "other",
    [
        replace(SERIES, tag="0b"),
        replace(SERIES, times=hour(wall(1, 11))),
        replace(SERIES, times=EventTimes(wall(1), wall(1, 12), "Europe/Berlin")),
        replace(SERIES, times=hour(wall(1), "Europe/Paris")),
        replace(SERIES, rule=None, cancelled=()),
        replace(SERIES, rule=WeeklyRule(1, wall(29))),
        replace(SERIES, rule=WeeklyRule(2)),
        replace(SERIES, cancelled=(wall(15),)),
        replace(SERIES, cancelled=(), changed=(ChangedInstance(wall(15), hour(wall(15)), SERIES.text),)),
        *(
            replace(SERIES, text=text)
            for text in (
                CopyText("haircut"),
                CopyText("Haircut", notes="n"),
                CopyText("Haircut", location="l"),
                CopyText("Haircut", url="https://a.example"),
                CopyText("Haircut", busy=False),
                CopyText("Haircut", private=True),
            )
        ),
    ],
)
def test_the_echo_tells_of_all_that_is_wanted(other: WantedCopy) -> None:
    assert echo_of(resource(other)) != echo_of(resource(SERIES))


def test_the_echo_says_nothing_of_the_key() -> None:
    assert echo_of(resource(replace(SERIES, key=52 * "0"))) == echo_of(resource(SERIES))


def test_the_echo_tells_a_cancelled_event() -> None:
    assert echo_of(stored("STATUS:CANCELLED")) != echo_of(stored("STATUS:CONFIRMED")) == echo_of(stored())
