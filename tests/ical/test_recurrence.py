"""Properties of rules: python-dateutil comes to the same starts, and the window does not change what lies inside it."""

import datetime as dt
import re
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
from dateutil import rrule
from dateutil.rrule import rrulestr
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kalends.ical import expand_resource
from kalends.ical.recurrence import recur
from kalends.ical.rules import Frequency, Rule, parse_rule
from kalends.ical.steps import Steps, TooManySteps
from kalends.ical.values import Unreadable
from kalends.model.occurrence import ExpansionContext
from kalends.model.time import Window

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
FIRST = datetime(2025, 1, 31, 9, 30)


def _numbers(low: int, high: int, *, negative: bool = False) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    signed = number | number.map(lambda n: -n) if negative else number
    return st.lists(signed, min_size=1, max_size=3, unique=True).map(lambda found: ",".join(map(str, sorted(found))))


@st.composite
def rules(draw: st.DrawFn) -> str:
    freq = draw(st.sampled_from([freq for freq in Frequency if freq < Frequency.MINUTELY]))
    parts = [f"FREQ={freq.name}", f"INTERVAL={draw(st.integers(1, 4) | st.integers(5, 40))}"]
    optional: dict[str, st.SearchStrategy[str]] = {
        "BYMONTH": _numbers(1, 12),
        "BYMONTHDAY": _numbers(1, 31, negative=True),
        "BYDAY": st.lists(st.sampled_from(WEEKDAYS), min_size=1, max_size=3, unique=True).map(",".join),
        "BYHOUR": _numbers(0, 23),
        "BYMINUTE": _numbers(0, 59),
        "WKST": st.sampled_from(WEEKDAYS),
    }
    if freq == Frequency.YEARLY:
        optional |= {"BYYEARDAY": _numbers(1, 366, negative=True), "BYWEEKNO": _numbers(1, 53, negative=True)}
    if freq <= Frequency.MONTHLY:
        ordinal = st.integers(1, 5) | st.integers(-5, -1)
        optional["BYDAY"] |= st.tuples(ordinal, st.sampled_from(WEEKDAYS)).map(lambda found: f"{found[0]}{found[1]}")
    chosen = draw(st.lists(st.sampled_from(sorted(optional)), max_size=3, unique=True))
    parts += [f"{name}={draw(optional[name])}" for name in chosen]
    if draw(st.booleans()):
        parts.append(f"COUNT={draw(st.integers(1, 30))}")
    return ";".join(parts)


class _Calendar:
    """The module `datetime`, but for the last year."""

    def __init__(self, last_year: int) -> None:
        self.MAXYEAR = last_year

    def __getattr__(self, name: str) -> object:
        return getattr(dt, name)


def _dateutil(text: str, since: datetime, horizon: datetime) -> list[datetime]:
    # It is told how a week number without a weekday is meant, and not of COUNT, which it counts from the first match.
    if "BYWEEKNO" in text and not any(part in text for part in ("BYDAY", "BYMONTHDAY", "BYYEARDAY")):
        text += f";BYDAY={WEEKDAYS[FIRST.weekday()]}"
    if "BYWEEKNO" in text:
        # which one of its weekday a day is means nothing there (§3.3.10, BYDAY), and we pass over it
        text = re.sub(r"(?<=[=,])-?\d(?=[A-Z]{2})", "", text)
    count = next((int(part[6:]) for part in text.split(";") if part.startswith("COUNT=")), None)
    endless = ";".join(part for part in text.split(";") if not part.startswith("COUNT="))
    try:
        # where nothing matches it searches to the last year there is, which takes minutes: so that is brought nearer
        with patch.object(rrule, "datetime", _Calendar(horizon.year)):
            made = list(rrulestr(f"RRULE:{endless}", dtstart=FIRST).between(FIRST - timedelta(1), horizon, inc=True))
    except ValueError:
        made = []
    starts = sorted({FIRST, *made})[:count]
    return [start for start in starts if since <= start <= horizon]


@settings(max_examples=120, deadline=None)
@given(text=rules(), days=st.integers(0, 700), size=st.integers(0, 60))
def test_dateutil_comes_to_the_same_starts(text: str, days: int, size: int) -> None:
    rule = _checked(text)
    since = FIRST + timedelta(days=days)
    horizon = since + timedelta(days=size)
    starts, _ = recur(rule, FIRST, since=since, horizon=horizon, steps=Steps(10**6))
    assert starts == _dateutil(text, since, horizon)


def _checked(text: str) -> Rule:
    try:
        return parse_rule(text)
    except Unreadable as error:
        assume(str(error) != "names only days that its months do not have")
        raise


def _resource(text: str, zone: str) -> bytes:
    event = f"UID:u\nDTSTART;TZID={zone}:{FIRST:%Y%m%dT%H%M%S}\nDURATION:PT3H\nRRULE:{text}"
    return f"BEGIN:VCALENDAR\nBEGIN:VEVENT\n{event}\nEND:VEVENT\nEND:VCALENDAR".encode()


@st.composite
def rules_within_the_day(draw: st.DrawFn) -> str:
    freq = draw(st.sampled_from(["HOURLY", "MINUTELY", "SECONDLY"]))
    parts = [f"FREQ={freq}", f"INTERVAL={draw(st.integers(1, 50))}"]
    optional = {
        "BYHOUR": _numbers(0, 23),
        "BYMINUTE": _numbers(0, 59),
        "BYSECOND": _numbers(0, 59),
    }
    if freq != "SECONDLY":  # dateutil steps through a year of seconds where the day never comes
        optional["BYDAY"] = st.sampled_from(["MO,TU", "SU", "SA,SU"])
    chosen = draw(st.lists(st.sampled_from(sorted(optional)), min_size=1, max_size=4, unique=True))
    return ";".join(parts + [f"{name}={draw(optional[name])}" for name in chosen])


@settings(max_examples=60, deadline=None)
@given(text=rules_within_the_day(), hours=st.integers(0, 30))
def test_dateutil_comes_to_the_same_starts_within_the_day(text: str, hours: int) -> None:
    since = FIRST + timedelta(hours=hours)
    horizon = since + timedelta(hours=20)
    starts, _ = recur(parse_rule(text), FIRST, since=since, horizon=horizon, steps=Steps(10**6))
    assert starts == _dateutil(text, since, horizon)


@settings(max_examples=100, deadline=None)
@given(
    text=rules(),
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Pacific/Chatham", "UTC"]),
    hours=st.integers(0, 15_000),
    sizes=st.tuples(st.integers(1, 900), st.integers(1, 900)),
)
def test_a_window_holds_what_its_halves_hold(text: str, zone: str, hours: int, sizes: tuple[int, int]) -> None:
    _checked(text)
    first = datetime(2024, 12, 1, tzinfo=UTC) + timedelta(hours=hours)
    middle, last = first + timedelta(hours=sizes[0]), first + timedelta(hours=sum(sizes))
    whole, early, late = (
        expand_resource([_resource(text, zone)], ExpansionContext(Window(start, end), "UTC"))
        for start, end in ((first, last), (first, middle), (middle, last))
    )
    assert not whole.problems
    assert set(whole.occurrences) == {*early.occurrences, *late.occurrences}
    if early.expanded_until is None:
        assert set(whole.occurrences) == set(early.occurrences)
        assert late.expanded_until is None


@pytest.mark.parametrize(
    ("text", "since", "most"),
    [
        ("FREQ=SECONDLY;INTERVAL=3600", "2026-07-01", 200),
        ("FREQ=MINUTELY;INTERVAL=60", "2026-07-01", 200),
        ("FREQ=DAILY", "2026-07-01", 20),
        ("FREQ=SECONDLY;BYMONTH=6", "2026-07-01", 40),
        ("FREQ=YEARLY;BYMONTH=7;BYDAY=1WE", "2026-07-01", 130),
        ("FREQ=MONTHLY;INTERVAL=12;BYMONTH=2", "2026-07-01", 10),
        ("FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU", "2026-07-01", 20),
        ("FREQ=MINUTELY;INTERVAL=10;BYHOUR=9", "2026-07-01", 80),
        ("FREQ=SECONDLY;BYHOUR=9;BYMINUTE=30;BYSECOND=0", "2026-07-01", 80),
    ],
)
def test_a_rule_without_count_is_entered_near_the_window(text: str, since: str, most: int) -> None:
    start = datetime.fromisoformat(since)
    first = datetime(1990, 1, 1)
    recur(parse_rule(text), first, since=start, horizon=start + timedelta(days=2), steps=Steps(most))


def test_steps_run_out() -> None:
    steps = Steps(3)
    steps.spend(3)
    with pytest.raises(TooManySteps):
        steps.spend(1)


def test_steps_that_are_kept_are_there_afterwards() -> None:
    steps = Steps(10)
    with steps.keeping(4), pytest.raises(TooManySteps):
        steps.spend(7)
    assert steps.left == 4
    steps.spend(4)
    with steps.keeping(4), pytest.raises(TooManySteps):
        steps.spend(1)
    assert steps.left == 0


def test_the_calendar_ends_in_year_9999() -> None:
    end = datetime.max.replace(microsecond=0)
    for freq in Frequency:
        rule = parse_rule(f"FREQ={freq.name};INTERVAL=999999999")
        starts, more = recur(rule, datetime(9999, 1, 1), since=datetime(9999, 1, 1), horizon=end, steps=Steps(10**5))
        assert starts == [datetime(9999, 1, 1)]
        assert not more
