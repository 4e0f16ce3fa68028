"""The reader against the `icalendar` package, plain rules against the general way and dateutil, and deliberate changes.

`KALENDS_TEST_READER_CASES` says how many texts and rules are made up; without it they are the same each time.
"""

import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cache
from itertools import islice
from random import Random, SystemRandom
from warnings import catch_warnings, simplefilter

import pytest
from dateutil import rrule

from kalends.ical import recurrence
from kalends.ical.recurrence import recur
from kalends.ical.rules import WEEKDAYS, parse_rule
from kalends.ical.steps import Steps
from tests.ical.changes import CHANGES, PAIRS, RULES, TEXTS
from tests.ical.copies import Change, Copies, copies
from tests.ical.fields import Fields, differences, ours
from tests.ical.reference import OTHERS, REWRITES, USED, Differs, theirs
from tests.ical.texts import payloads

ASKED_FOR = os.environ.get("KALENDS_TEST_READER_CASES")
CASES = int(ASKED_FOR or 1_500)
SEED = SystemRandom().randrange(10**9) if ASKED_FOR else 5545

pytestmark = pytest.mark.timeout(0 if ASKED_FOR else 120)

LAST_WEEK = datetime(9999, 12, 25)

RuleCase = tuple[str, datetime, datetime, datetime, int, bool]
"""A rule, DTSTART, since, horizon, allowance of steps, whether DTSTART counts."""

Told = list[tuple[datetime | None, int] | str]
"""What a way of expanding yields, with the steps that are left then, and how it ends."""


def _asked(payload: bytes) -> list[Fields] | None:
    try:
        with catch_warnings():
            simplefilter("ignore")  # icalendar says what it guesses of zones, which are not compared
            return theirs(payload)
    except Differs:
        return None


def _differ(made: Copies, payload: bytes) -> list[str]:
    reference = _asked(payload)
    return [] if reference is None else differences(ours(made, payload), reference)


def _smallest(made: Copies, payload: bytes) -> bytes:
    """Leave out every line without which the readers still differ."""
    lines = payload.splitlines(keepends=True)
    at = 0
    while at < len(lines):
        fewer = lines[:at] + lines[at + 1 :]
        if _differ(made, b"".join(fewer)):
            lines = fewer
        else:
            at += 1
    return b"".join(lines)


def test_icalendar_reads_the_same_in_every_event() -> None:
    made = copies()
    USED.clear()
    events = 0
    for payload in payloads(Random(SEED), CASES):
        reference = _asked(payload)
        if reference is None:
            continue
        mine = ours(made, payload)
        events += len(mine)
        if differences(mine, reference):
            found = _smallest(made, payload)
            pytest.fail(f"{differences(ours(made, found), _asked(found) or [])} in {found!r}")
    for name, times in USED.most_common():
        print(f"{times:7} {name}")  # noqa: T201 - how often each exception was used, for `pytest -s`
    assert events > CASES
    assert USED["components that are not nested"] < CASES / 20
    assert USED["refused outside of the events"] < CASES / 20


def test_every_exception_has_a_name_and_a_reason_and_is_used() -> None:
    reasons = {(one.name, one.reason) for one in REWRITES} | set(OTHERS.items())
    names = [name for name, _ in reasons]
    assert len(set(names)) == len(names)
    assert all(len(reason) > 20 for _, reason in reasons)
    USED.clear()
    for payload in payloads(Random(1), 300):
        _asked(payload)
    for payload in TEXTS:
        _asked(payload)
    assert set(USED) == set(names)


@pytest.mark.parametrize(("broken", "meant"), PAIRS)
def test_what_is_not_nested_is_read_as_what_it_means(broken: bytes, meant: bytes) -> None:
    assert _asked(broken) is None
    assert not differences(ours(copies(), broken), theirs(meant))


def _way(made: Copies, case: RuleCase, name: str = "_plain_starts") -> Told:
    """Expand a rule by one of the two ways."""
    text, first, since, horizon, most, first_counts = case
    steps = made.find("steps", "Steps")(most)
    rule = made.find("rules", "parse_rule")(text).anchored(first)
    starts = made.find("recurrence", name)(rule, first, since, horizon, steps, first_counts=first_counts)
    told: Told = []
    try:
        told += ((start, steps.left) for start in islice(starts, 400))
    except made.find("steps", "TooManySteps"):
        told.append("too many steps")
    return [*told, str(steps.left)]


def _rule_cases(chance: Random, count: int) -> Iterator[RuleCase]:
    begin, end = datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59)

    def at(when: datetime, days: int) -> datetime:
        return when + timedelta(days=min(max(days, 1 - when.toordinal()), end.toordinal() - when.toordinal()))

    for _ in range(count):
        first = chance.choice(
            (
                datetime(2025, 1, 1) + timedelta(minutes=chance.randrange(10**6)),
                begin + timedelta(hours=chance.randrange(500)),
                end - timedelta(hours=chance.randrange(5000), seconds=chance.randrange(60)),
            )
        )
        since = at(first, chance.choice((-3, 0, 0, 5, chance.randrange(900))))
        horizon = at(since, chance.choice((0, 1, 7, 60, 800)))
        freq = chance.choice(("DAILY", "WEEKLY", "WEEKLY"))
        parts = [f"FREQ={freq}"]
        if chance.random() < 0.6:
            parts.append(f"INTERVAL={chance.choice((1, 2, 3, 4, 13, 52, 400, 600_000, 999_999_999))}")
        if freq == "WEEKLY" and chance.random() < 0.8:
            parts.append(f"BYDAY={','.join(chance.sample(WEEKDAYS, k=chance.randint(1, 7)))}")
        if chance.random() < 0.4:
            parts.append(f"WKST={chance.choice(WEEKDAYS)}")
        if chance.random() < 0.1:
            parts.append(f"BYHOUR={chance.randrange(24)}")
        ends = chance.random()
        if ends < 0.3:
            parts.append(f"COUNT={chance.choice((1, 2, 10, 300))}")
        elif ends < 0.6:
            until = at(first, chance.randrange(900))
            parts.append(f"UNTIL={until.isoformat().replace('-', '').replace(':', '')}")
        most = chance.choice((10**6, 10**6, 10**6, chance.randrange(1, 300)))
        yield ";".join(parts), first, since, horizon, most, chance.random() < 0.7


def test_the_plain_way_is_the_general_way() -> None:
    made = copies()
    ended = Counter[str]()
    for case in _rule_cases(Random(SEED), CASES):
        assert recurrence._is_plain(parse_rule(case[0]).anchored(case[1])), case
        plain = _way(made, case)
        assert plain == _way(made, case, "_starts"), case
        ended["too many steps" if "too many steps" in plain else "others"] += 1
    assert min(ended["too many steps"], ended["others"]) > CASES / 20, ended


def _dateutil(text: str, first: datetime, since: datetime, horizon: datetime, *, first_counts: bool) -> list[datetime]:
    parts = dict(part.split("=") for part in text.split(";"))
    until = datetime.fromisoformat(parts["UNTIL"]) if "UNTIL" in parts else None
    made = rrule.rrule(
        getattr(rrule, parts["FREQ"]),
        dtstart=first,
        interval=int(parts.get("INTERVAL", 1)),
        wkst=WEEKDAYS.index(parts.get("WKST", "MO")),
        byweekday=[WEEKDAYS.index(day) for day in parts["BYDAY"].split(",")] if "BYDAY" in parts else None,
        byhour=int(parts["BYHOUR"]) if "BYHOUR" in parts else None,
        until=until,
    )
    starts: list[datetime] = [first] if first_counts else []
    with suppress(ValueError):  # it does not end in peace where the calendar does
        for start in made:
            if start > horizon:
                break
            if start not in starts[:1]:
                starts.append(start)
    count = int(parts["COUNT"]) if "COUNT" in parts else None
    return [start for start in starts[:count] if since <= start <= horizon]


def test_dateutil_comes_to_the_same_starts_of_plain_rules() -> None:
    compared = 0
    for text, first, since, horizon, _, first_counts in _rule_cases(Random(SEED + 1), CASES // 3):
        if int((re.findall(r"INTERVAL=(\d+)", text) or ["1"])[0]) > 10_000:
            continue  # dateutil takes its steps from day to day
        rule = parse_rule(text)
        until = rule.until.wall if rule.until else datetime.max
        starts, _ = recur(
            rule,
            first,
            since=since,
            horizon=horizon,
            steps=Steps(10**6),
            within=until.__ge__,
            first_counts=first_counts,
        )
        others = _dateutil(text, first, since, horizon, first_counts=first_counts)
        if "WEEKLY" in text:  # the week in which the calendar ends is left out, where no zone has all its instants
            starts, others = ([start for start in both if start < LAST_WEEK] for both in (starts, others))
        assert starts == others, (text, first)
        compared += bool(starts)
    assert compared > CASES / 10


@cache
def _sample() -> list[tuple[bytes, list[Fields]]]:
    """What the changes are held to: made-up texts and those of `changes`, with what icalendar says of them."""
    asked = ((payload, _asked(payload)) for payload in (*TEXTS, *payloads(Random(42), 100)))
    told = [(payload, reference) for payload, reference in asked if reference is not None]
    return told + [(broken, theirs(meant)) for broken, meant in PAIRS]


@cache
def _rule_sample() -> list[tuple[RuleCase, Told]]:
    made = copies()
    return [(case, _way(made, case, "_starts")) for case in (*RULES, *_rule_cases(Random(42), 200))]


def _found(made: Copies) -> str | None:
    """Name the first difference from the reference."""
    for payload, reference in _sample():
        try:
            told = differences(ours(made, payload), reference)
        except Exception as error:  # noqa: BLE001 - whatever a change makes it do
            return repr(error)
        if told:
            return f"{told[0]} in {payload!r}"
    return None


def _found_in_rules(made: Copies) -> str | None:
    for case, reference in _rule_sample():
        try:
            told = _way(made, case)
        except Exception as error:  # noqa: BLE001 - whatever a change makes it do
            return repr(error)
        if told != reference:
            return str(case)
    return None


def test_without_a_change_nothing_is_found() -> None:
    made = copies()
    assert _found(made) is None
    assert _found_in_rules(made) is None


def test_there_are_enough_changes_and_each_is_another() -> None:
    assert len(set(CHANGES)) == len(CHANGES) >= 30
    assert {change.module for change in CHANGES} == {"lines", "read", "values", "rules", "recurrence"}


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_a_rule_that_is_broken_is_found(change: Change) -> None:
    made = copies(change)
    assert _found_in_rules(made) if change.module == "recurrence" else _found(made)
