"""What may be expanded in place, and that this is quick."""

from datetime import UTC, datetime
from time import process_time

import pytest

from kalends.ical import expand_resource, is_tame
from kalends.model.occurrence import ExpansionContext
from kalends.model.time import Window
from tests.ical.case_file import read_cases

WINDOW = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 6, 1, tzinfo=UTC))


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
        began = process_time()
        expand_resource([case.payload], ExpansionContext(WINDOW, "UTC"))
        assert process_time() - began < 0.25, case.name


def test_the_worst_that_is_tame_is_bearable() -> None:
    rule = "RRULE:FREQ=MONTHLY;INTERVAL=1;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=366"
    text = _text(rule, events=20)
    assert is_tame([text])
    began = process_time()
    expand_resource([text], ExpansionContext(WINDOW, "UTC"))
    assert process_time() - began < 2
