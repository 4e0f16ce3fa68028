"""Reading text as it comes: folding, line ends, encodings, missing and stray ends, odd parameters."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from kalends.ical import expand_resource
from kalends.model.occurrence import Expansion, ExpansionContext
from kalends.model.time import Window

WINDOW = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
EVENT = b"BEGIN:VEVENT\r\nUID:u\r\nDTSTART:20260701T090000Z\r\nSUMMARY:Tea\r\nEND:VEVENT\r\n"


def _calendar(*parts: bytes) -> bytes:
    return b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n" + b"".join(parts) + b"END:VCALENDAR\r\n"


def _expand(*payloads: bytes) -> Expansion:
    return expand_resource(payloads, ExpansionContext(WINDOW, "UTC"))


@pytest.mark.parametrize("end", [b"\r\n", b"\n", b"\r", b"\r\r\n"])
@pytest.mark.parametrize("blank", [b" ", b"\t"])
def test_line_ends_and_folding(end: bytes, blank: bytes) -> None:
    folded = EVENT.replace(b"DTSTART:2026", b"DTST\r\n ART:20\r\n 26").replace(b"\r\n ", b"\r\n" + blank)
    expansion = _expand(_calendar(folded).replace(b"\r\n", end))
    assert [found.key for found in expansion.occurrences] == ["20260701T090000Z"]


def test_folding_may_cut_a_character_in_two() -> None:
    title = "Café".encode()
    expansion = _expand(_calendar(EVENT.replace(b"Tea", title[:-1] + b"\r\n " + title[-1:])))
    assert expansion.occurrences[0].title == "Café"


def test_escapes_in_titles() -> None:
    expansion = _expand(_calendar(EVENT.replace(b"Tea", rb"a\, b\; c\\n d\ne: f")))
    assert expansion.occurrences[0].title == "a, b; c\\n d\ne: f"


def test_parameters_of_the_title_do_not_belong_to_it() -> None:
    expansion = _expand(_calendar(EVENT.replace(b"SUMMARY:Tea", b'SUMMARY;ALTREP="cid:a:b";LANGUAGE=en:Tea: at 5')))
    assert expansion.occurrences[0].title == "Tea: at 5"


def test_a_mark_at_the_beginning_and_bytes_that_are_no_text() -> None:
    expansion = _expand(b"\xef\xbb\xbf" + _calendar(EVENT.replace(b"Tea", b"T\xffa")))
    assert expansion.occurrences[0].title == "T\ufffda"


def test_names_in_small_letters() -> None:
    expansion = _expand(_calendar(EVENT).lower().replace(b"090000z", b"090000Z"))
    assert [found.title for found in expansion.occurrences] == ["tea"]


def test_properties_of_an_alarm_are_not_the_events() -> None:
    alarm = b"BEGIN:VALARM\r\nDURATION:PT5M\r\nSUMMARY:Alarm\r\nEND:VALARM\r\n"
    expansion = _expand(_calendar(EVENT.replace(b"SUMMARY", alarm + b"SUMMARY")))
    assert [found.title for found in expansion.occurrences] == ["Tea"]
    assert expansion.occurrences[0].end == expansion.occurrences[0].start


@pytest.mark.parametrize("kind", [b"VTODO", b"VJOURNAL", b"VFREEBUSY", b"X-EVENT"])
def test_only_events_count(kind: bytes) -> None:
    expansion = _expand(_calendar(EVENT.replace(b"VEVENT", kind)))
    assert expansion == Expansion()


def test_an_event_that_is_cut_off_is_a_problem_and_the_others_go_on() -> None:
    cut = EVENT.replace(b"UID:u", b"UID:cut").replace(b"END:VEVENT\r\n", b"")
    expansion = _expand(_calendar(cut, EVENT))
    assert [found.uid for found in expansion.occurrences] == ["u"]
    assert [(found.uid, found.reason) for found in expansion.problems] == [("cut", "END:VEVENT is missing")]


def test_a_text_that_is_cut_off() -> None:
    expansion = _expand(_calendar(EVENT, EVENT.replace(b"UID:u", b"UID:cut"))[:-40])
    assert [found.uid for found in expansion.occurrences] == ["u"]
    assert [found.uid for found in expansion.problems] == ["cut", None]


@pytest.mark.parametrize("end", [b"", b"END:VCALENDA", b"BEGIN:VEVEN", b"X-MORE:1\r\n"])
def test_a_text_that_ends_before_its_calendar_is_named_and_complete_events_stand(end: bytes) -> None:
    expansion = _expand(_calendar(EVENT).removesuffix(b"END:VCALENDAR\r\n") + end)
    assert [found.uid for found in expansion.occurrences] == ["u"]
    reason = "END:VCALENDAR is missing; the text may be cut off"
    assert [(found.uid, found.reason) for found in expansion.problems] == [(None, reason)]
    assert [found.reason for found in _expand(b"BEGIN:VCALENDAR\r\n" + end).problems] == [reason]


@pytest.mark.parametrize("kind", [b"VTIMEZONE", b"VTODO", b"VJOURNAL", b"VFREEBUSY", b"VAVAILABILITY", b"X-OWN"])
@pytest.mark.parametrize("around", [_calendar, bytes])
def test_what_lost_its_end_does_not_swallow_the_events(kind: bytes, around: Callable[[bytes], bytes]) -> None:
    part = b"BEGIN:STANDARD\r\nTZOFFSETTO:+0100\r\n"
    expansion = _expand(around(b"BEGIN:" + kind + b"\r\nUID:x\r\n" + part + EVENT + EVENT.replace(b"UID:u", b"UID:v")))
    assert [found.uid for found in expansion.occurrences] == ["u", "v"]
    assert not expansion.problems


def test_an_alarm_that_lost_its_end_gives_back_what_is_the_events() -> None:
    alarm = b"BEGIN:VALARM\r\nTRIGGER:-PT5M\r\nDURATION:PT5M\r\nSUMMARY:Alarm\r\n"
    event = EVENT.replace(b"DTSTART", alarm + b"DTSTART").replace(b"SUMMARY:Tea", b"RRULE:FREQ=DAILY;COUNT=2")
    expansion = _expand(_calendar(event))
    assert [(found.key, found.title) for found in expansion.occurrences] == [
        ("20260701T090000Z", ""),
        ("20260702T090000Z", ""),
    ]
    assert all(found.start == found.end for found in expansion.occurrences)


def test_what_is_in_an_alarm_with_an_end_stays_there() -> None:
    alarm = b"BEGIN:VALARM\r\nDTSTART:20200101T000000Z\r\nEND:VALARM\r\n"
    expansion = _expand(_calendar(EVENT.replace(b"DTSTART:20260701T090000Z\r\n", alarm)))
    assert [found.reason for found in expansion.problems] == ["DTSTART is missing"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_with_a_mark(encoding: str) -> None:
    text = _calendar(EVENT.replace(b"Tea", "Thé".encode())).decode()
    mark = "" if encoding == "utf-16" else "\ufeff"
    assert [found.title for found in _expand((mark + text).encode(encoding)).occurrences] == ["Thé"]


def test_blanks_before_parameters_and_values() -> None:
    event = EVENT.replace(b"DTSTART:20260701T090000Z", b"DTSTART ;TZID=Europe/Berlin : 20260701T090000 ")
    expansion = _expand(_calendar(event).replace(b"BEGIN:", b"BEGIN : ").replace(b"END:", b"END\t:"))
    assert [found.key for found in expansion.occurrences] == ["20260701T070000Z"]
    assert not expansion.problems


def test_lists_of_nothing() -> None:
    expansion = _expand(_calendar(EVENT.replace(b"SUMMARY", b"EXDATE:\r\nRDATE: ,\r\nEXRULE:\r\nSUMMARY")))
    assert len(expansion.occurrences) == 1
    assert not expansion.problems


def test_stray_ends_do_no_harm() -> None:
    expansion = _expand(_calendar(b"END:VEVENT\r\nEND:VALARM\r\n", EVENT, b"END:VEVENT\r\n"))
    assert len(expansion.occurrences) == 1
    assert not expansion.problems


def test_several_calendars_in_a_text_and_several_texts() -> None:
    first, second, third = (_calendar(EVENT.replace(b"UID:u", b"UID:" + uid)) for uid in (b"a", b"b", b"c"))
    expansion = _expand(first + second, third)
    assert [found.uid for found in expansion.occurrences] == ["a", "b", "c"]


def test_a_calendar_without_its_end_does_not_swallow_the_next() -> None:
    expansion = _expand(_calendar(EVENT).replace(b"END:VCALENDAR", b"") + _calendar(EVENT.replace(b"UID:u", b"UID:v")))
    assert [found.uid for found in expansion.occurrences] == ["u", "v"]


def test_an_event_without_a_calendar_around_it() -> None:
    assert len(_expand(EVENT).occurrences) == 1


def test_zones_hold_for_the_text_that_defines_them() -> None:
    """Two accounts may use one name for two zones, one after the other in one process."""

    def text(offset: str) -> bytes:
        part = f"DTSTART:19700101T000000\r\nTZOFFSETFROM:{offset}\r\nTZOFFSETTO:{offset}\r\n"
        zone = f"BEGIN:VTIMEZONE\r\nTZID:Custom\r\nBEGIN:STANDARD\r\n{part}END:STANDARD\r\nEND:VTIMEZONE\r\n"
        return _calendar(zone.encode(), EVENT.replace(b":20260701T090000Z", b";TZID=Custom:20260701T090000"))

    assert [_expand(text(offset)).occurrences[0].start for offset in ("+0100", "-0800")] == [
        datetime(2026, 7, 1, 8, tzinfo=UTC),
        datetime(2026, 7, 1, 17, tzinfo=UTC),
    ]
    assert _expand(_calendar(EVENT.replace(b":20260701T090000Z", b";TZID=Custom:20260701T090000"))).floating


@pytest.mark.parametrize("payload", [b"", b"\r\n \t", _calendar()])
def test_nothing_is_nothing(payload: bytes) -> None:
    assert _expand(payload) == Expansion()


def test_what_is_no_calendar_is_a_problem() -> None:
    expansion = _expand(b"<html><title>Sign in</title></html>")
    assert [(found.uid, found.reason) for found in expansion.problems] == [(None, "the text is not iCalendar")]


def test_an_event_without_uid() -> None:
    expansion = _expand(_calendar(EVENT.replace(b"UID:u\r\n", b"")))
    assert [found.uid for found in expansion.occurrences] == [""]


def test_a_problem_without_uid() -> None:
    expansion = _expand(_calendar(EVENT.replace(b"UID:u\r\n", b"").replace(b"2026", b"year")))
    assert [found.uid for found in expansion.problems] == [None]
