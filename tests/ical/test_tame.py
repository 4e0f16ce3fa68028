"""What may be expanded in place, and that this is quick."""

import re
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from kalends.ical import expand_resource, is_tame
from kalends.model.occurrence import ExpansionContext, ExpansionLimits
from kalends.model.time import Window
from tests.ical.case_file import read_cases
from tests.ical.work import work_of

WINDOW = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 6, 1, tzinfo=UTC))
FRUGAL = ExpansionContext(WINDOW, "UTC", limits=ExpansionLimits(max_steps=2_000))
LITTLE = 60_000
"""Function calls; some ten milliseconds of work."""


def _text(rule: str, *, events: int = 1, newline: str = "\r\n") -> bytes:
    event = ["BEGIN:VEVENT", "UID:u", "DTSTART:20260101T090000Z", *([rule] if rule else []), "END:VEVENT"]
    return newline.join(["BEGIN:VCALENDAR", *(event * events), "END:VCALENDAR", ""]).encode()


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "RRULE:FREQ=DAILY",
        "RRULE:FREQ=WEEKLY;BYDAY=MO,WE,FR;WKST=SU;UNTIL=20270101T000000Z",
        "RRULE:FREQ=MONTHLY;BYDAY=-1FR;COUNT=12",
        "RRULE:FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=1,-1",
        "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU",
        "RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        "rrule:freq=daily;count=3",
        "RRULE:FREQ=WEEKLY;\r\n BYDAY=MO",
    ],
)
@pytest.mark.parametrize("newline", ["\r\n", "\n", "\r"])
def test_tame(rule: str, newline: str) -> None:
    assert is_tame([_text(rule, newline=newline)])


@pytest.mark.parametrize(
    "rule",
    [
        "RRULE:FREQ=SECONDLY",
        "RRULE:FREQ=MINUTELY;COUNT=3",
        "RRULE:FREQ=HOURLY;INTERVAL=24",
        "RRULE:FREQ=DAILY;COUNT=367",
        "RRULE:FREQ=DAILY;COUNT=999999999",
        "RRULE:FREQ=DAILY;BYHOUR=1",
        "RRULE:FREQ=DAILY;BYMINUTE=1",
        "RRULE:FREQ=YEARLY;BYWEEKNO=20",
        "RRULE:FREQ=YEARLY;BYYEARDAY=1",
        "RRULE:FREQ=NONSENSE",
        "RRULE:",
        "RRULE:FREQ=SECON\r\n DLY",
        "RRULE:FREQ=SECON\r\n\tDLY",
        "RR\r\n ULE:FREQ=SECONDLY",
        "RRULE;X-A=1:FREQ=SECONDLY",
        "rrule:freq=secondly",
        "EXRULE:FREQ=SECONDLY",
        "RRULE:FREQ=DAILY\r\nRRULE:FREQ=SECONDLY",
    ],
)
@pytest.mark.parametrize("newline", ["\r\n", "\n", "\r"])
def test_not_tame(rule: str, newline: str) -> None:
    assert not is_tame([_text(rule.replace("\r\n", newline), newline=newline)])


def test_doubled_line_ends_do_not_hide_a_rule() -> None:
    assert not is_tame([_text("RR\r\r\n ULE:FREQ=SECONDLY", newline="\r\r\n")])


def test_size_and_number() -> None:
    assert is_tame([_text("", events=20)])
    assert not is_tame([_text("", events=21)])
    assert not is_tame([_text("", events=11), _text("", events=10)])
    assert is_tame([b"x" * 16_384])
    assert not is_tame([b"x" * 8_192, b"x" * 8_193])
    assert not is_tame([_text("\r\n".join(["RRULE:FREQ=DAILY"] * 25))])


def test_every_tame_row_is_quick() -> None:
    tame = [case for case in read_cases("zones", "lengths", "rules", "series", "broken") if is_tame([case.payload])]
    assert len(tame) > 150
    for case in tame:
        assert work_of(partial(expand_resource, [case.payload], FRUGAL)) < LITTLE, case.name


def test_utf_16_does_not_hide_a_rule() -> None:
    assert is_tame([_text("RRULE:FREQ=DAILY").decode().encode("utf-16")])
    assert not is_tame([_text("RRULE:FREQ=SECONDLY").decode().encode("utf-16")])


def test_lists_of_dates() -> None:
    dates = ",".join(["20260101T090000Z"] * 200)
    assert is_tame([_text(f"EXDATE:{dates}")])
    assert not is_tame([_text(f"EXDATE:{dates}\r\nRDATE:{dates}")])
    assert not is_tame([_text(f"EXDATE:{dates}", events=2)])
    assert not is_tame([_text(f"exdate ;{'A=b;' * 1_100}X=y:20260101T090000Z")])
    zone = f"BEGIN:VTIMEZONE\r\nBEGIN:STANDARD\r\nRDATE:{dates},{dates}\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    assert not is_tame([_text("").replace(b"BEGIN:VEVENT", f"{zone}BEGIN:VEVENT".encode())])


def _events(count: int, *lines: str, zones: str = "") -> bytes:
    body = "\n".join(lines)
    events = "".join(f"BEGIN:VEVENT\nUID:{number}\n{body}\nEND:VEVENT\n" for number in range(count))
    return f"BEGIN:VCALENDAR\n{zones}{events}END:VCALENDAR\n".encode()


def _zone(name: str, *lines: str) -> str:
    part = [
        "BEGIN:STANDARD",
        "DTSTART:16010101T000000",
        "TZOFFSETFROM:+0100",
        "TZOFFSETTO:+0200",
        *lines,
        "END:STANDARD",
    ]
    return "\n".join(["BEGIN:VTIMEZONE", f"TZID:{name}", *part, "END:VTIMEZONE", ""])


def _hours(count: int) -> str:
    first = datetime(2026, 1, 1, tzinfo=UTC)
    return ",".join(f"{first + timedelta(hours=3 * number):%Y%m%dT%H%M%S}" for number in range(count))


_NEVER = "RRULE:FREQ=YEARLY;BYDAY=53MO;COUNT=366"
_ZONES = "".join(_zone(f"Z{number}", _NEVER) for number in range(20))
WORST = {
    "no such week": _events(20, "DTSTART:00020101T090000Z", _NEVER),
    "seldom such a day": _events(
        20, "DTSTART:00020101T090000Z", "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO;COUNT=366"
    ),
    "it lasts for ever": _events(
        20, "DTSTART:00020101", "DURATION:P800000D", "RRULE:FREQ=DAILY;BYMONTHDAY=31;BYDAY=MO"
    ),
    "the last workday": _events(
        20, "DTSTART:20260101T090000Z", "RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=366"
    ),
    "zones without end": _events(20, "DTSTART;TZID=Z0:20260101T090000", zones=_ZONES).replace(b"Z0:2026", b"Z19:2026"),
    "a zone for each": re.sub(
        rb"UID:(\d+)\nDTSTART;TZID=Z0",
        rb"UID:\1\nDTSTART;TZID=Z\1",
        _events(20, "DTSTART;TZID=Z0:20260101T090000", zones=_ZONES),
    ),
    "a zone with a long list": _events(
        19, "DTSTART;TZID=Own:20260101T090000", "RRULE:FREQ=DAILY", zones=_zone("Own", f"RDATE:{_hours(240)}")
    ),
    "a long list": _events(
        1,
        "DTSTART;TZID=Own:20260101T090000",
        "RRULE:FREQ=DAILY",
        f"EXDATE;TZID=Own:{_hours(240)}",
        zones=_ZONES + _zone("Own", _NEVER),
    ),
    "overrides": _events(10, "DTSTART:20260101T090000Z", "RRULE:FREQ=DAILY").replace(b"UID", b"X-UID")
    + _events(10, "RECURRENCE-ID;RANGE=THISANDFUTURE:20260101T090000Z", "DTSTART:20260101T090000Z").replace(
        b"UID", b"X-UID"
    ),
}
LISTS = {
    "a zone with a longer list": _events(
        19, "DTSTART;TZID=Own:20260101T090000", "RRULE:FREQ=DAILY", zones=_zone("Own", f"RDATE:{_hours(440)}")
    ),
    "a long list under a long head": _events(
        1, "DTSTART:20260101T090000Z", "RRULE:FREQ=DAILY", f"EXDATE{';A=b' * 2_000}:{_hours(336)}"
    ),
}


@pytest.mark.parametrize("name", WORST)
def test_the_worst_that_is_tame_is_bearable(name: str) -> None:
    assert is_tame([WORST[name]])
    _is_little(WORST[name])


@pytest.mark.parametrize("name", LISTS)
def test_long_lists_are_not_tame_and_yet_bearable(name: str) -> None:
    assert not is_tame([LISTS[name]])
    _is_little(LISTS[name])


def _is_little(text: bytes) -> None:
    assert work_of(partial(expand_resource, [text], FRUGAL)) < LITTLE
