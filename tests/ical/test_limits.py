"""Rule 6: one bad event is quarantined and the others go on; no text, however hostile, raises, or gets past a limit."""

import pickle
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kalends.ical import expand_resource, is_tame
from kalends.ical.placing import Placing
from kalends.model.occurrence import Expansion, ExpansionContext, ExpansionLimits
from kalends.model.time import Window
from tests.ical.case_file import Case, read_cases
from tests.ical.work import work_of

CONTEXT = ExpansionContext(
    Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
    "Europe/Berlin",
    frozenset({"ada@example.org"}),
    ExpansionLimits(max_bytes=100_000, max_events=50, max_occurrences=500, max_steps=2_000),
)
CORPUS = [case.payload for case in read_cases("zones", "lengths", "rules", "series", "availability", "broken")]
BROKEN = [case for case in read_cases("broken") if not case.expected]


def _text(*events: str) -> bytes:
    blocks = "".join(f"BEGIN:VEVENT\n{event}\nEND:VEVENT\n" for event in events)
    return f"BEGIN:VCALENDAR\n{blocks}END:VCALENDAR\n".encode()


def _expand(*payloads: bytes, **limits: int) -> Expansion:
    return expand_resource(payloads, replace(CONTEXT, limits=replace(CONTEXT.limits, **limits)))


@pytest.mark.parametrize("case", BROKEN, ids=str)
def test_rule_6_one_bad_event_is_quarantined_and_the_others_go_on(case: Case) -> None:
    bad = "\n".join(case.events[0])
    good = ["UID:a\nDTSTART:20260701T090000Z", "UID:z\nDTSTART:20260702T090000Z\nRRULE:FREQ=DAILY;COUNT=2"]
    expansion = _expand(_text(good[0], f"UID:bad\n{bad}\nSUMMARY:secret", good[1]))
    assert [found.uid for found in expansion.occurrences if found.uid != "bad"] == ["a", "z", "z"]
    assert {found.uid for found in expansion.problems} <= {"bad"}


def test_rule_6_a_defect_of_ours_costs_one_event(monkeypatch: pytest.MonkeyPatch) -> None:
    sound: Callable[..., object] = Placing.shape

    def defective(self: Placing, event: object, *rest: object) -> object:
        if getattr(event, "uid", None) == "bad":
            raise ZeroDivisionError
        return sound(self, event, *rest)

    monkeypatch.setattr(Placing, "shape", defective)
    expansion = _expand(_text("UID:bad\nDTSTART:20260701T090000Z", "UID:good\nDTSTART:20260701T090000Z"))
    assert [found.uid for found in expansion.occurrences] == ["good"]
    assert [(found.uid, found.reason) for found in expansion.problems] == [("bad", "the event could not be expanded")]


def test_too_many_bytes() -> None:
    text = _text("UID:a\nDTSTART:20260701T090000Z")
    assert _expand(text, text, max_bytes=2 * len(text)).occurrences
    expansion = _expand(text, text, max_bytes=2 * len(text) - 1)
    assert not expansion.occurrences
    assert [found.reason for found in expansion.problems] == [f"the text is longer than {2 * len(text) - 1} bytes"]


def test_too_many_events() -> None:
    events = [f"UID:{number}\nDTSTART:20260701T090000Z" for number in range(3)]
    assert not _expand(_text(*events), max_events=3).problems
    for texts in ([_text(*events)], [_text(event) for event in events]):
        expansion = _expand(*texts, max_events=2)
        assert [found.uid for found in expansion.occurrences] == ["0", "1"]
        assert len(expansion.problems) == 1


def test_too_many_occurrences_take_none_from_the_others() -> None:
    daily = "DTSTART:20260101T090000Z\nRRULE:FREQ=DAILY;COUNT={}"
    events = [f"UID:{uid}\n{daily.format(count)}" for uid, count in (("a", 20), ("b", 100), ("c", 10))]
    expansion = _expand(_text(*events), max_occurrences=30)
    assert [found.uid for found in expansion.problems] == ["b"]
    assert {found.uid for found in expansion.occurrences} == {"a", "c"}
    assert len(expansion.occurrences) == 30


def test_occurrences_outside_the_window_do_not_count() -> None:
    event = "UID:a\nDTSTART:20200101T090000Z\nRRULE:FREQ=DAILY;UNTIL=20260103T090000Z"
    assert len(_expand(_text(event), max_occurrences=3).occurrences) == 3


def test_too_many_steps() -> None:
    event = "UID:a\nDTSTART:20200101T090000Z\nRRULE:FREQ=DAILY;COUNT=1500"
    assert _expand(_text(event), max_steps=100).problems[0].reason == "RRULE takes too many steps to expand"


def test_steps_are_those_of_the_group() -> None:
    events = [f"UID:{number}\nDTSTART:20260101T090000Z\nRRULE:FREQ=DAILY;COUNT=20" for number in range(10)]
    assert not _expand(_text(*events), max_steps=1_000).problems
    assert _expand(_text(*events), max_steps=500).problems
    assert _expand(*map(_text, events), max_steps=500).problems


def test_rule_6_an_event_leaves_steps_for_the_others() -> None:
    hungry = "UID:{}\nDTSTART:20200101T000000Z\nRRULE:FREQ=SECONDLY"
    events = [hungry.format("a"), hungry.format("b"), "UID:z\nDTSTART:20260701T090000Z\nRRULE:FREQ=DAILY;COUNT=20"]
    expansion = _expand(_text(*events), max_steps=1_000)
    assert {found.uid for found in expansion.problems} == {"a", "b"}
    assert len(expansion.occurrences) == 20


def _zone(name: str, rule: str, first: str = "16010101T000000") -> str:
    part = f"DTSTART:{first}\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\n{rule}"
    return f"BEGIN:VTIMEZONE\nTZID:{name}\nBEGIN:STANDARD\n{part}\nEND:STANDARD\nEND:VTIMEZONE\n"


def _with_zones(zones: str, *events: str) -> bytes:
    return _text(*events).replace(b"BEGIN:VCALENDAR\n", f"BEGIN:VCALENDAR\n{zones}".encode())


def test_zones_draw_on_the_steps_of_the_group() -> None:
    zones = "".join(_zone(f"Z{number}", "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU") for number in range(10))
    events = [f"UID:{number}\nDTSTART;TZID=Z{number}:20260701T090000" for number in range(10)]
    assert not _expand(_with_zones(zones, *events), max_steps=1_000).problems
    expansion = _expand(_with_zones(zones, *events), max_steps=200)
    assert {found.reason for found in expansion.problems} == {"takes too many steps to expand"}
    assert expansion.given_up


def test_a_zone_that_is_not_used_costs_nothing() -> None:
    zones = "".join(_zone(f"Z{number}", "RRULE:FREQ=NONSENSE") for number in range(100))
    expansion = _expand(_with_zones(zones, "UID:a\nDTSTART:20260701T090000Z"), max_steps=10)
    assert len(expansion.occurrences) == 1
    assert not expansion.problems


def test_too_many_zones() -> None:
    zones = "".join(_zone(f"Z{number}", "") for number in range(51))
    events = [f"UID:{number}\nDTSTART;TZID=Z{number}:20260701T090000" for number in range(51)]
    expansion = _expand(_with_zones(zones, *events), max_events=51)
    assert len(expansion.occurrences) == 51
    assert [found.uid for found in expansion.problems] == ["50", "50"]
    assert "more than 50 VTIMEZONEs" in expansion.problems[0].reason


def test_each_zone_that_is_not_known_is_named_once_and_not_at_length() -> None:
    events = [f"UID:{number}\nDTSTART;TZID={'Shire' * 99}:20260701T090000" for number in range(3)]
    expansion = _expand(_text(*events))
    assert len(expansion.occurrences) == 3
    assert [found.uid for found in expansion.problems] == ["0"]
    assert len(expansion.problems[0].reason) < 200


@pytest.mark.parametrize(
    ("event", "limits"),
    [
        ("DTSTART:20250101T090000Z\nRRULE:FREQ=DAILY;COUNT=1500", {"max_steps": 100}),
        ("DTSTART:20250101T090000Z\nRRULE:FREQ=DAILY;COUNT=1500", {"max_steps": 10_000, "max_occurrences": 100}),
    ],
)
def test_what_a_limit_ended_is_given_up_for_this_window_alone(event: str, limits: dict[str, int]) -> None:
    expansion = _expand(_text(f"UID:a\n{event}", "UID:b\nDTSTART:20260701T090000Z"), **limits)
    assert [found.uid for found in expansion.occurrences] == ["b"]
    assert expansion.given_up
    assert expansion.expanded_until == CONTEXT.window.end


def test_what_is_broken_is_not_given_up() -> None:
    expansion = _expand(_text("UID:a\nDTSTART:20250101T090000Z\nRRULE:FREQ=NONSENSE"))
    assert not expansion.given_up
    assert expansion.expanded_until is None


@pytest.mark.parametrize(
    ("rule", "size"),
    [
        ("FREQ=MINUTELY;INTERVAL=10;BYHOUR=9;BYDAY=MO,TU,WE,TH,FR", 6 * 350),
        ("FREQ=MINUTELY;INTERVAL=10;BYHOUR=9", 6 * 490),
    ],
)
def test_hours_that_are_left_out_cost_little(rule: str, size: int) -> None:
    window = Window(datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 1, 5, tzinfo=UTC) + timedelta(days=490))
    text = _text(f"UID:a\nDTSTART:20260105T090000Z\nRRULE:{rule}")
    expansion = expand_resource([text], ExpansionContext(window, "UTC"))
    assert not expansion.problems
    assert len(expansion.occurrences) == size


def test_masters_times_overrides_are_paid_for() -> None:
    """Without UID everything is one series, and each master has to look at each override."""
    master = "DTSTART:20260701T090000Z"
    overrides = [f"RECURRENCE-ID:202601{day:02}T{hour:02}0000Z\n{master}" for day in range(1, 26) for hour in range(8)]
    text = _text(*[master] * 200, *overrides)
    assert _expand(text, max_events=400, max_steps=100_000).problems == ()
    assert _expand(text, max_events=400, max_steps=10_000).given_up


@pytest.mark.parametrize("head", ["EXDATE", "RDATE"])
def test_rule_6_parameters_are_looked_at_once_for_all_values(head: str) -> None:
    dates = ",".join(f"2026{month:02}{day:02}T090000" for month in range(1, 13) for day in range(1, 29))
    text = _text(f"UID:a\nDTSTART;TZID=Europe/Berlin:20260101T090000\n{head}{';A=b' * 2_000};TZID=UTC:{dates}")
    assert work_of(lambda: _expand(text)) < 100_000


@pytest.mark.parametrize("name", ["RDATE", "EXDATE"])
def test_too_many_values(name: str) -> None:
    dates = ",".join(["20260702"] * 10_001)
    event = f"UID:a\nDTSTART;VALUE=DATE:20260701\n{name}:{dates}"
    expansion = _expand(_text(event))
    assert expansion.occurrences
    assert [found.reason for found in expansion.problems] == [
        f"{name} has more than 10000 values; the rest is left out"
    ]


@pytest.mark.parametrize(
    "payload",
    [
        b"\r" * 90_000,
        b"BEGIN:VEVENT\n" * 7_000,
        b"BEGIN:VALARM\n" * 7_000,
        b"END:VEVENT\n" * 8_000,
        b"BEGIN:X\n" * 40_000 + b"END:Y\n" * 80_000,
        b"BEGIN:VEVENT\nATTENDEE" + b';A="' * 20_000,
        b"BEGIN:VEVENT\nSUMMARY" + b'"' * 90_000,
        b"BEGIN:VEVENT\nDTSTART;TZID=" + b"/" * 90_000 + b":20260101T000000\nEND:VEVENT",
        b"BEGIN:VEVENT\nDTSTART;TZID=" + b"a/" * 40_000 + b":20260101T000000\nEND:VEVENT",
        b"BEGIN:VEVENT\nDTSTART:20260101\nRRULE:FREQ=DAILY;BYMONTHDAY=" + b"1," * 40_000 + b"\nEND:VEVENT",
        b"BEGIN:VEVENT\nDTSTART:20260101\nRRULE:FREQ=DAILY;COUNT=" + b"9" * 90_000 + b"\nEND:VEVENT",
    ],
    ids=lambda payload: f"{payload[:40]!r}",
)
@pytest.mark.timeout(5)
def test_rule_6_hostile_text_is_read_in_linear_time(payload: bytes) -> None:
    assert not _expand(payload, max_bytes=1_048_576).occurrences
    assert not is_tame([payload])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=400), max_size=3))
def test_rule_6_no_bytes_raise(payloads: list[bytes]) -> None:
    _expand(*payloads)
    is_tame(payloads)


_WORDS = st.sampled_from(
    [
        *(
            b"-",
            b"0",
            b"9",
            b"99999999",
            b"T",
            b"Z",
            b":",
            b";",
            b",",
            b"=",
            b"\n",
            b"\r\n ",
            b'"',
            b"/",
            b"\xff",
            b"P",
        ),
        *(b"RRULE:FREQ=SECONDLY\n", b"BEGIN:VEVENT\n", b"END:VEVENT\n", b"RECURRENCE-ID;RANGE=THISANDFUTURE:"),
        *(b"99991231T235959", b"00000101", b"00010101"),
    ]
)


@settings(max_examples=250, deadline=None)
@given(data=st.data())
def test_rule_6_no_mutation_of_a_calendar_raises(data: st.DataObject) -> None:
    payload = bytearray(data.draw(st.sampled_from(CORPUS)))
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(payload)))
        payload[place : place + data.draw(st.integers(0, 12))] = data.draw(_WORDS | st.binary(max_size=4))
    expansion = _expand(bytes(payload))
    assert all(found.start <= found.end for found in expansion.occurrences)
    assert not any("could not be expanded" in problem.reason for problem in expansion.problems)


def test_titles_are_in_no_problem() -> None:
    for case in BROKEN:
        text = case.payload.replace(b"END:VEVENT", b"SUMMARY:hush\r\nEND:VEVENT")
        assert not any("hush" in problem.reason for problem in _expand(text).problems)


def test_both_ways_through_can_be_sent_to_a_worker() -> None:
    expand, tame, context = pickle.loads(pickle.dumps((expand_resource, is_tame, CONTEXT)))
    expansion = expand([_text("UID:a\nDTSTART:20260701T090000Z")], context)
    assert tame([]) is True
    assert pickle.loads(pickle.dumps(expansion)) == expansion
