"""Google's JSON → occurrences: when an event takes place, and whether it blocks."""

import json
import pickle
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kalends.ical import expand_resource
from kalends.model.occurrence import Availability, Expansion, ExpansionContext, ExpansionLimits, Occurrence
from kalends.model.time import Window
from kalends.providers.google.expansion import expand, is_tame
from kalends.providers.google.payload import item_of
from tests.providers.google.scripted import exception, taken_out, timed

WINDOW = Window(datetime(2026, 9, 1, tzinfo=UTC), datetime(2027, 5, 1, tzinfo=UTC))
BERLIN = "Europe/Berlin"


def payload(event: dict[str, Any]) -> bytes:
    kept = item_of(event, event["id"]).payload
    assert kept is not None
    return kept


def expanded(*events: dict[str, Any], zone: str = "UTC", window: Window = WINDOW) -> Expansion:
    return expand([payload(event) for event in events], ExpansionContext(window, zone))


def occurrences(*events: dict[str, Any], zone: str = "UTC") -> tuple[Occurrence, ...]:
    expansion = expanded(*events, zone=zone)
    assert not expansion.problems
    return expansion.occurrences


def starts(*events: dict[str, Any], zone: str = "UTC") -> list[str]:
    """Return the starts as `MM-DD` or `MM-DDTHH:MM` in UTC."""
    return [
        f"{one.start:%m-%d}" + ("" if one.all_day else f"T{one.start:%H:%M}") for one in occurrences(*events, zone=zone)
    ]


def at(text: str, zone: str | None = None) -> dict[str, str]:
    """Return a start or end as Google writes it."""
    part = {"date": text} if len(text) == len("2026-12-01") else {"dateTime": text}
    return part | ({"timeZone": zone} if zone else {})


def spanning(start: dict[str, str], end: dict[str, str] | None, **more: Any) -> dict[str, Any]:
    event = {"id": "e", "etag": '"1"', "status": "confirmed", "iCalUID": "uid", "summary": "Busy", "start": start}
    return event | ({"end": end} if end else {}) | more


# --- when


@pytest.mark.parametrize(
    ("start", "end", "begins", "ends", "zone"),
    [
        (at("2026-12-01T10:00:00Z"), at("2026-12-01T11:00:00Z"), "12-01T10:00", "12-01T11:00", "UTC"),
        (at("2026-12-01T10:00:00+01:00"), at("2026-12-01T11:00:00+01:00"), "12-01T09:00", "12-01T10:00", "+01:00"),
        (
            at("2026-12-01T10:00:00+01:00", BERLIN),
            at("2026-12-01T11:00:00+01:00", BERLIN),
            "12-01T09:00",
            "12-01T10:00",
            BERLIN,
        ),
        (at("2026-12-01T10:00:00Z", BERLIN), at("2026-12-01T11:00:00Z", BERLIN), "12-01T10:00", "12-01T11:00", BERLIN),
        (at("2026-12-01T10:00:00", BERLIN), at("2026-12-01T11:00:00", BERLIN), "12-01T09:00", "12-01T10:00", BERLIN),
        (at("2026-12-01T10:00:00.000Z"), at("2026-12-01T10:00:00.900Z"), "12-01T10:00", "12-01T10:00", "UTC"),
        (
            at("2026-12-01T22:00:00-05:00", "America/New_York"),
            at("2026-12-02T09:00:00+01:00", BERLIN),
            "12-02T03:00",
            "12-02T08:00",
            "America/New_York",
        ),
        (at("2026-12-01T10:00:00Z"), at("2026-12-01T09:00:00Z"), "12-01T10:00", "12-01T10:00", "UTC"),
        (at("2026-12-01T10:00:00Z"), None, "12-01T10:00", "12-01T10:00", "UTC"),
        # the hour that happens twice: the offset says which of the two it is
        (
            at("2026-10-25T02:30:00+02:00", BERLIN),
            at("2026-10-25T02:45:00+02:00", BERLIN),
            "10-25T00:30",
            "10-25T00:45",
            BERLIN,
        ),
        (
            at("2026-10-25T02:30:00+01:00", BERLIN),
            at("2026-10-25T02:45:00+01:00", BERLIN),
            "10-25T01:30",
            "10-25T01:45",
            BERLIN,
        ),
        (
            at("2026-10-25T02:30:00+02:00", BERLIN),
            at("2026-10-25T02:30:00+01:00", BERLIN),
            "10-25T00:30",
            "10-25T01:30",
            BERLIN,
        ),
    ],
)
def test_a_time_is_where_its_offset_puts_it_and_called_by_its_zone(
    start: dict[str, str], end: dict[str, str] | None, begins: str, ends: str, zone: str
) -> None:
    (one,) = occurrences(spanning(start, end), zone="Asia/Tokyo")
    assert (f"{one.start:%m-%dT%H:%M}", f"{one.end:%m-%dT%H:%M}", one.zone) == (begins, ends, zone)
    assert one.key == f"{one.start:%Y%m%dT%H%M%SZ}"
    assert not expanded(spanning(start, end)).floating


@pytest.mark.parametrize("zone", ["Pacific/Pago_Pago", "Europe/Berlin", "Pacific/Kiritimati"])
def test_an_all_day_event_is_the_days_that_it_names_wherever_one_is(zone: str) -> None:
    for given_zone in (None, "America/New_York", "W. Europe Standard Time"):
        (one,) = occurrences(spanning(at("2026-10-25", given_zone), at("2026-10-27", given_zone)), zone=zone)
        assert (one.start, one.end, one.zone, one.key) == (date(2026, 10, 25), date(2026, 10, 27), None, "20261025")


def test_a_day_without_an_end_or_with_its_own_is_one_day() -> None:
    for end in (None, at("2026-12-01"), at("2026-11-30")):
        (one,) = occurrences(spanning(at("2026-12-01"), end))
        assert (one.start, one.end) == (date(2026, 12, 1), date(2026, 12, 2))


def test_an_end_that_nobody_named_is_the_one_that_google_gives() -> None:
    (one,) = occurrences(timed("e", "Busy", endTimeUnspecified=True))
    assert isinstance(one.end, datetime)
    assert one.end.hour == 11


def test_times_without_offset_and_zone_are_those_of_the_surroundings() -> None:
    expansion = expanded(spanning(at("2026-12-01T10:00:00"), at("2026-12-01T11:00:00")), zone="Asia/Tokyo")
    assert [f"{one.start:%m-%dT%H:%M}" for one in expansion.occurrences] == ["12-01T01:00"]
    assert expansion.floating


# --- series


def weekly(**more: Any) -> dict[str, Any]:
    """Return a series of five Wednesdays at ten in Berlin, across the end of summer time."""
    start, end = at("2026-10-14T10:00:00+02:00", BERLIN), at("2026-10-14T11:00:00+02:00", BERLIN)
    return {**spanning(start, end, recurrence=["RRULE:FREQ=WEEKLY;COUNT=5"]), "id": "s", **more}


def test_a_series_keeps_to_the_clock_of_its_zone() -> None:
    assert starts(weekly(), zone="Asia/Tokyo") == [
        "10-14T08:00",
        "10-21T08:00",
        "10-28T09:00",
        "11-04T09:00",
        "11-11T09:00",
    ]


def test_a_series_with_an_offset_alone_keeps_to_the_clock_of_its_surroundings() -> None:
    start, end = at("2026-10-14T10:00:00+02:00"), at("2026-10-14T11:00:00+02:00")
    series = weekly(start=start, end=end)
    assert starts(series, zone=BERLIN) == starts(weekly())
    assert set(starts(series)) == {f"{day}T08:00" for day in ("10-14", "10-21", "10-28", "11-04", "11-11")}
    assert expanded(series).floating


@pytest.mark.parametrize(
    "lines",
    [
        ["RRULE:FREQ=WEEKLY;COUNT=5", "EXDATE;TZID=Europe/Berlin:20261028T100000,20261104T100000"],
        ["RRULE:FREQ=WEEKLY;COUNT=5", "EXDATE:20261028T090000Z", "EXDATE:20261104T100000"],
        ["EXDATE;VALUE=DATE:20261028,20261104", "RRULE:FREQ=WEEKLY;UNTIL=20261111T090000Z"],
        ["RRULE:FREQ=WEEKLY;COUNT=2", "RDATE;TZID=America/New_York:20261111T040000"],
        ["rrule:freq=weekly;count=5", "EXRULE:FREQ=WEEKLY;COUNT=2;BYMONTH=10;BYMONTHDAY=28", "exdate:20261104T090000Z"],
        ["RRULE:FREQ=WEEKLY;COUNT=2\r\nRDATE;VALUE=DATE:20261111"],
        ["RDATE;VALUE=PERIOD:20261021T080000Z/PT1H,20261111T090000Z/20261111T100000Z"],
    ],
)
def test_the_lines_of_a_recurrence_are_read_as_those_of_icalendar(lines: list[str]) -> None:
    series = weekly(recurrence=lines)
    if lines[0].startswith("rrule"):
        # EXRULE goes by DTSTART only where it matches
        assert starts(series)[-1] == "11-11T09:00"
    else:
        assert starts(series) == ["10-14T08:00", "10-21T08:00", "11-11T09:00"]


def test_nothing_but_a_recurrence_is_taken_from_its_lines() -> None:
    lines = ["END:VEVENT", "STATUS:CANCELLED", "RRULE:FREQ=WEEKLY;COUNT=2\nSUMMARY:Other\nDTSTART:20200101", "X"]
    found = occurrences(weekly(recurrence=lines))
    assert [(one.title, f"{one.start:%m-%d}") for one in found] == [("Busy", "10-14"), ("Busy", "10-21")]


def test_an_instance_that_was_moved_is_there_once_and_keeps_its_key() -> None:
    moved = exception("s", "2026-10-28T09:00:00Z", "Moved", "2026-10-29T15:00:00Z")
    assert starts(weekly(), moved) == ["10-14T08:00", "10-21T08:00", "10-29T15:00", "11-04T09:00", "11-11T09:00"]
    assert occurrences(weekly(), moved)[2].key == "20261028T090000Z"
    assert starts(moved, weekly()) == starts(weekly(), moved), "in whatever order they are stored"
    assert {one.uid for one in occurrences(weekly(), moved)} == {"uid"}


@pytest.mark.parametrize(
    "original",
    [
        at("2026-10-28T09:00:00Z"),
        at("2026-10-28T10:00:00+01:00", BERLIN),
        at("2026-10-28T05:00:00-04:00", "America/New_York"),
        at("2026-10-28T10:00:00", BERLIN),
    ],
)
def test_an_instance_is_found_by_its_original_start_however_that_is_written(original: dict[str, str]) -> None:
    hole = {**taken_out("s", "2026-10-28T09:00:00Z"), "originalStartTime": original}
    assert starts(weekly(), hole) == ["10-14T08:00", "10-21T08:00", "11-04T09:00", "11-11T09:00"]


def test_an_instance_in_an_hour_that_happens_twice_is_found_by_either_of_the_two() -> None:
    start, end = at("2026-10-24T02:30:00+02:00", BERLIN), at("2026-10-24T02:45:00+02:00", BERLIN)
    nightly = weekly(start=start, end=end, recurrence=["RRULE:FREQ=DAILY;COUNT=3"])
    for original in ("2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"):
        for zone in (BERLIN, "UTC", "America/New_York", None):
            hole = {**taken_out("s", original), "originalStartTime": at(original, zone)}
            assert starts(nightly, hole) == ["10-24T00:30", "10-26T01:30"]


def test_all_day_series_lose_move_and_change_single_days() -> None:
    series = weekly(start=at("2026-10-24"), end=at("2026-10-25"), recurrence=["RRULE:FREQ=DAILY;COUNT=4"])
    hole = {**taken_out("s", "2026-10-25T00:00:00Z"), "originalStartTime": at("2026-10-25")}
    moved = {**exception("s", "2026-10-26T00:00:00Z", "At four"), "originalStartTime": at("2026-10-26")}
    moved |= {"start": at("2026-10-26T16:00:00+01:00", BERLIN), "end": at("2026-10-26T17:00:00+01:00", BERLIN)}
    for zone in (BERLIN, "Pacific/Pago_Pago", "Pacific/Kiritimati"):
        placed = [f"{one.key} {one.start}" for one in occurrences(series, hole, moved, zone=zone)]
        assert sorted(placed) == ["20261024 2026-10-24", "20261026 2026-10-26 15:00:00+00:00", "20261027 2026-10-27"]


def test_exceptions_without_their_master_stand_alone_and_holes_are_nothing() -> None:
    alone = exception("s", "2026-10-28T09:00:00Z", "Guest", "2026-10-28T12:00:00Z")
    (one,) = occurrences(alone, taken_out("s", "2026-11-04T09:00:00Z"))
    assert (one.title, one.key, one.uid) == ("Guest", "20261028T090000Z", "s@google.com")
    assert expanded(taken_out("s", "2026-11-04T09:00:00Z")) == Expansion()


def test_an_exception_of_an_exception_counts_by_the_time_that_the_series_had_put_it_at() -> None:
    declined = exception(
        "s", "2026-10-28T09:00:00Z", "Declined", attendees=[{"self": True, "responseStatus": "declined"}]
    )
    blocking = [one for one in occurrences(weekly(), declined) if one.availability.blocks]
    assert len(blocking) == 4


def test_what_goes_on_is_expanded_to_the_window_and_no_further() -> None:
    expansion = expanded(weekly(recurrence=["RRULE:FREQ=WEEKLY"]))
    assert expansion.expanded_until == WINDOW.end
    assert len(expansion.occurrences) == 29
    assert expanded(weekly()).expanded_until is None


# --- whether


@pytest.mark.parametrize(
    ("more", "availability"),
    [
        ({}, Availability.BUSY),
        ({"transparency": "opaque"}, Availability.BUSY),
        ({"transparency": "transparent"}, Availability.FREE),
        ({"status": "tentative"}, Availability.TENTATIVE),
        ({"status": "tentative", "transparency": "transparent"}, Availability.FREE),
        ({"eventType": "default"}, Availability.BUSY),
        ({"eventType": "focusTime"}, Availability.BUSY),
        ({"eventType": "outOfOffice"}, Availability.BUSY),
        ({"eventType": "fromGmail"}, Availability.BUSY),
        ({"eventType": "yet unknown"}, Availability.BUSY),
        ({"eventType": "workingLocation"}, Availability.FREE),
        ({"eventType": "birthday"}, Availability.FREE),
        ({"eventType": "focusTime", "transparency": "transparent"}, Availability.FREE),
        ({"attendees": [{"self": True, "responseStatus": "accepted"}]}, Availability.BUSY),
        ({"attendees": [{"self": True, "responseStatus": "needsAction"}]}, Availability.BUSY),
        ({"attendees": [{"self": True, "responseStatus": "tentative"}]}, Availability.TENTATIVE),
        ({"attendees": [{"self": True, "responseStatus": "declined"}]}, Availability.DECLINED),
        (
            {"attendees": [{"self": True, "responseStatus": "declined"}], "transparency": "transparent"},
            Availability.DECLINED,
        ),
        ({"attendees": [{"responseStatus": "declined"}]}, Availability.BUSY),
        ({"attendees": [{"self": False, "responseStatus": "declined"}]}, Availability.BUSY),
        ({"attendees": None}, Availability.BUSY),
    ],
)
def test_what_an_event_says_about_the_persons_time(more: dict[str, Any], availability: Availability) -> None:
    (one,) = occurrences(timed("e", "Busy", **more))
    assert one.availability is availability


def test_a_private_event_has_no_title_and_blocks() -> None:
    private = timed("e", "", visibility="private")
    del private["summary"]
    (one,) = occurrences(private)
    assert (one.title, one.availability) == ("", Availability.BUSY)


# --- what is odd


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"start": None}, "start is missing"),
        ({"start": {}}, "start is neither a date nor a time"),
        ({"start": at("2026-13-01")}, "start is not a date or time"),
        ({"start": at("yesterday at noon")}, "start is not a date or time"),
        ({"start": at("2026-12-01T25:00:00Z")}, "start is not a date or time"),
        ({"end": at("noon and a bit more")}, "end is not a date or time"),
        ({"start": at("0001-01-01T00:00:00Z", "America/New_York")}, "the event reaches beyond the years 1 to 9999"),
        ({"start": at("2026-12-01T10:00:00+25:00")}, "start is not a date or time"),
        ({"recurrence": ["RRULE:FREQ=NEVER"]}, "RRULE has an unknown FREQ"),
        ({"recurrence": ["RRULE:FREQ=DAILY;INTERVAL=0"]}, "RRULE has a value of INTERVAL that is out of range"),
        ({"recurrence": "RRULE:FREQ=DAILY"}, "recurrence is no list of texts"),
        ({"recurrence": [7]}, "recurrence is no list of texts"),
        ({"recurringEventId": "s"}, "originalStartTime is missing"),
        ({"recurringEventId": "s", "originalStartTime": {}}, "originalStartTime is neither a date nor a time"),
    ],
)
def test_an_event_that_cannot_be_read_is_named_without_its_title(more: dict[str, Any], reason: str) -> None:
    bad = timed("e", "secret title", **more)
    expansion = expanded(bad)
    assert expansion.occurrences == ()
    assert [problem.reason for problem in expansion.problems] == [reason]
    assert expansion.problems[0].uid == "e@google.com"
    assert "secret" not in repr(expansion)


def test_an_exception_that_cannot_be_read_leaves_its_series_and_the_instance_standing() -> None:
    bad = {**exception("s", "2026-10-28T09:00:00Z", "Bad"), "start": at("nowhere near a date")}
    expansion = expanded(weekly(), bad)
    assert len(expansion.occurrences) == 5
    assert [problem.reason for problem in expansion.problems] == ["start is not a date or time"]


def test_a_recurrence_loses_only_those_of_its_dates_that_cannot_be_read() -> None:
    expansion = expanded(weekly(recurrence=["RRULE:FREQ=WEEKLY;COUNT=3", "EXDATE:20261021T080000Z,soon"]))
    assert [f"{one.start:%m-%d}" for one in expansion.occurrences] == ["10-14", "10-28"]
    assert [problem.reason for problem in expansion.problems] == ["EXDATE is not a date or time; it is left out"]


def test_a_zone_that_nobody_knows_is_told_of_once_and_the_instant_holds() -> None:
    odd = spanning(at("2026-12-01T10:00:00+01:00", "Mars/Olympus"), at("2026-12-01T11:00:00+01:00", "Mars/Olympus"))
    expansion = expanded(odd)
    assert [f"{one.start:%m-%dT%H:%M}" for one in expansion.occurrences] == ["12-01T09:00"]
    assert len(expansion.problems) == 1
    assert "Mars/Olympus" in expansion.problems[0].reason


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 50_000, b'{"id":1,"start":7}', b"{}"])
def test_no_payload_whatever_makes_the_expansion_fail(payload: bytes) -> None:
    context = ExpansionContext(WINDOW, "UTC")
    good = item_of(timed("e", "Good"), "e").payload or b""
    expansion = expand([payload, good], context)
    assert [one.title for one in expansion.occurrences] == ["Good"]
    assert len(expansion.problems) == 1
    is_tame([payload])


def test_limits_hold_for_the_group() -> None:
    def limited(*events: dict[str, Any], **limits: int) -> Expansion:
        context = ExpansionContext(WINDOW, "UTC", limits=ExpansionLimits(**limits))
        return expand([payload(event) for event in events], context)

    assert limited(timed("e", "Busy"), max_bytes=10).problems[0].reason == "the events are longer than 10 bytes"
    few = limited(timed("e", "Busy"), exception("e", "2026-12-02T10:00:00Z", "Other"), max_events=1)
    assert len(few.occurrences) == len(few.problems) == 1
    assert limited(weekly(recurrence=["RRULE:FREQ=SECONDLY"]), max_steps=1_000).given_up
    assert limited(weekly(recurrence=["RRULE:FREQ=DAILY"]), max_occurrences=10).given_up


@pytest.mark.parametrize(
    ("events", "tame"),
    [
        ([timed("e", "Busy")], True),
        ([timed("e", "recurrence RRULE:FREQ=SECONDLY")], True),
        ([weekly()], True),
        ([weekly(), *(taken_out("s", f"2026-10-{day:02}T08:00:00Z") for day in range(10, 29))], True),
        ([weekly(), *(taken_out("s", f"2026-10-{day:02}T08:00:00Z") for day in range(10, 30))], False),
        ([weekly(recurrence=["RRULE:FREQ=SECONDLY"])], False),
        ([weekly(recurrence=["RRULE:FREQ=DAILY", "EXRULE:FREQ=DAILY;BYHOUR=1"])], False),
        ([weekly(recurrence=["RRULE:FREQ=DAILY\nEXRULE:FREQ=HOURLY"])], False),
        ([weekly(recurrence=["EXDATE:" + "20261028T090000Z," * 250])], False),
        ([weekly(recurrence=["EXDATE:" + "20261028T090000Z," * 1_000])], False),
        ([weekly(recurrence="RRULE:FREQ=DAILY")], True),
        ([weekly(recurrence=7)], False),
    ],
    ids=range(12),
)
def test_what_is_tame_is_small_and_plain(events: list[dict[str, Any]], tame: bool) -> None:
    assert is_tame([payload(event) for event in events]) is tame


def test_the_expansion_can_go_to_a_worker_process() -> None:
    assert pickle.loads(pickle.dumps(expand)) is expand
    assert pickle.loads(pickle.dumps(is_tame)) is is_tame


# --- the same series in both spellings

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC", "Asia/Kolkata")
RULES = (
    "FREQ=DAILY;COUNT=40",
    "FREQ=DAILY;INTERVAL=3",
    "FREQ=WEEKLY;BYDAY=MO,WE,SU;COUNT=30",
    "FREQ=WEEKLY;INTERVAL=2;WKST=SU",
    "FREQ=MONTHLY;BYDAY=-1SU",
    "FREQ=MONTHLY;BYMONTHDAY=31",
    "FREQ=YEARLY",
    "FREQ=DAILY;UNTIL=20261026T120000Z",
)


@st.composite
def both(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    """Return a series with exceptions as iCalendar text, and as Google's payloads."""
    all_day = draw(st.booleans())
    names = draw(st.sampled_from(ZONES)), draw(st.sampled_from(ZONES))
    first = datetime(2026, 9, 5) + timedelta(days=draw(st.integers(0, 40)), minutes=30 * draw(st.integers(0, 47)))  # noqa: DTZ001 - a wall time
    first = first.replace(hour=0, minute=0) if all_day else first
    length = timedelta(days=draw(st.integers(1, 3))) if all_day else timedelta(minutes=15 * draw(st.integers(0, 120)))
    rule = draw(st.sampled_from(RULES))
    rule = rule.replace("T120000Z", "") if all_day else rule

    def text(name: str, wall: datetime, zone: str = names[0]) -> str:
        return f"{name};VALUE=DATE:{wall:%Y%m%d}" if all_day else f"{name};TZID={zone}:{wall:%Y%m%dT%H%M%S}"

    def written(wall: datetime, zone: str = names[0], *, utc: bool = False) -> dict[str, str]:
        if all_day:
            return {"date": f"{wall:%Y-%m-%d}"}
        instant = wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
        said = instant if utc else instant.astimezone(ZoneInfo(zone))
        return {"dateTime": said.isoformat(), "timeZone": zone}

    def ending(begins: datetime) -> datetime:
        if all_day:
            return begins + length
        instant = begins.replace(tzinfo=ZoneInfo(names[0])).astimezone(UTC) + length
        # an hour that happens twice cannot be written as text without a doubt
        wall = instant.astimezone(ZoneInfo(names[1]))
        return (wall + timedelta(hours=2) if wall.fold else wall).replace(tzinfo=None)

    gone = [first + timedelta(days=day) for day in draw(st.lists(st.integers(0, 60), max_size=3, unique=True))]
    lines = [f"RRULE:{rule}", *(text("EXDATE", wall) for wall in gone)]
    title = draw(st.sampled_from(["Busy", "", "Zahn 🦷"]))
    texts = [
        f"BEGIN:VEVENT\nUID:uid\nSUMMARY:{title}\n{text('DTSTART', first)}\n{text('DTEND', ending(first), names[1])}\n"
        + "".join(f"{line}\n" for line in lines)
        + "END:VEVENT\n"
    ]
    told = [
        {
            "id": "s",
            "iCalUID": "uid",
            "summary": title,
            "start": written(first),
            "end": written(ending(first), names[1]),
            "recurrence": lines,
        }
    ]
    for day in draw(st.lists(st.integers(0, 60), max_size=4, unique=True)):
        original, cancelled = first + timedelta(days=day), draw(st.booleans())
        moved = original + timedelta(days=draw(st.integers(-3, 3)))
        if (
            not all_day
            and moved.replace(tzinfo=ZoneInfo(names[0]))
            .astimezone(UTC)
            .astimezone(ZoneInfo(names[0]))
            .replace(tzinfo=None)
            != moved
        ):
            moved = original
        texts.append(
            f"BEGIN:VEVENT\nUID:uid\nSUMMARY:Moved\n{text('RECURRENCE-ID', original)}\n{text('DTSTART', moved)}\n"
            f"{text('DTEND', ending(moved), names[1])}\n{'STATUS:CANCELLED' if cancelled else 'STATUS:TENTATIVE'}\n"
            "END:VEVENT\n"
        )
        one = {
            "id": f"s_{day}",
            "recurringEventId": "s",
            "originalStartTime": written(original, utc=draw(st.booleans())),
            "status": "cancelled" if cancelled else "tentative",
        }
        if not cancelled:
            one |= {"summary": "Moved", "start": written(moved), "end": written(ending(moved), names[1])}
        told.append(one)
    body = f"BEGIN:VCALENDAR\nVERSION:2.0\n{''.join(texts)}END:VCALENDAR\n".encode()
    return body, [payload(one) for one in draw(st.permutations(told))]


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(both())
def test_a_series_is_expanded_as_the_same_one_in_icalendar_text_is(series: tuple[bytes, list[bytes]]) -> None:
    text, payloads = series
    context = ExpansionContext(WINDOW, "Asia/Tokyo")
    assert expand(payloads, context) == expand_resource([text], context)
    assert json.dumps([json.loads(one)["id"] for one in payloads])
