# ruff: noqa: DTZ901 - wall times are naive
"""VTIMEZONE (RFC 5545 §3.6.5) as a `tzinfo`, for zones that have no better known name.

The rules of a text hold for that text alone: nothing is remembered between resources. Changes of offset are worked out
for the years that are asked for, and paid for in the steps of the group.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta, tzinfo
from typing import NamedTuple

from kalends.ical.lines import Component, Property
from kalends.ical.recurrence import recur
from kalends.ical.rules import Frequency, Rule, parse_rule
from kalends.ical.steps import Steps
from kalends.ical.values import Unreadable, parse_moment, parse_offset

_MOST_OBSERVANCES = 100
_YEAR = timedelta(days=366)
_LOOKED_BACK = (_YEAR, 9 * _YEAR)
"""How far back a rule's last onset is looked for before the whole rule is walked; 9 years hold two leap days."""

_EARLIEST = datetime(2, 1, 1)  # noqa: DTZ001 - wall time


class _Repetition(NamedTuple):
    """An RRULE of an observance, and the wall time at which it ends (UNTIL); the rule itself has no UNTIL any more."""

    rule: Rule
    end: datetime


class Observance:
    """A STANDARD or DAYLIGHT part: the wall times (in `before`) from which the offset `after` holds."""

    def __init__(
        self,
        first: datetime,
        before: timedelta,
        after: timedelta,
        rules: Sequence[Rule] = (),
        dates: Sequence[datetime] = (),
    ) -> None:
        self.first, self.before, self.after = first, before, after
        self._dates = sorted({first, *dates})
        self._repetitions = [_Repetition(replace(rule, until=None), _end_of(rule, before)) for rule in rules]
        self._last: dict[_Repetition, datetime] = {}

    def onsets(self, year: int, steps: Steps) -> set[datetime]:
        """Return the onsets around a year, and at least one before it where there is any. Raises `TooManySteps`."""
        since, until = datetime(max(1, year - 1), 1, 1), datetime(min(9999, year + 1), 1, 2)  # noqa: DTZ001 - wall time
        begin, end = bisect_left(self._dates, since), bisect_right(self._dates, until)
        steps.spend(1 + end - begin)
        found = {*self._dates[begin:end]}
        for repetition in self._repetitions:
            found.update(self._between(repetition, since, until, steps))
        # By another clock the last days of the year before may belong to this one.
        if begin and (not found or min(found) > until.replace(year=since.year, month=12, day=30)):
            found.add(self._dates[begin - 1])
            found.update(self._before(repetition, since, steps) for repetition in self._repetitions)
        return found

    def _between(self, repetition: _Repetition, since: datetime, until: datetime, steps: Steps) -> list[datetime]:
        horizon = min(until, repetition.end)
        if horizon < since:
            return []
        return recur(repetition.rule, self.first, since=since, horizon=horizon, steps=steps)[0]

    def _before(self, repetition: _Repetition, until: datetime, steps: Steps) -> datetime:
        """Return the last onset of a rule that has begun before `until`; of one that has ended it is remembered."""
        ended = repetition.end < until
        if ended and repetition in self._last:
            return self._last[repetition]
        until = min(until, repetition.end)
        spans = [max(self.first, until - span) for span in _LOOKED_BACK if until - datetime.min > span]
        made = (self._between(repetition, since, until, steps) for since in (*spans, self.first))
        last = max(next(filter(None, made), [self.first]))
        if ended:
            self._last[repetition] = last
        return last


def _end_of(rule: Rule, before: timedelta) -> datetime:
    """Return the wall time up to which UNTIL lets a rule go on."""
    if rule.until is None:
        return datetime.max
    if rule.until.is_date:
        return datetime.combine(rule.until.wall, time.max)
    try:
        return rule.until.wall + before if rule.until.is_utc else rule.until.wall
    except OverflowError:
        return datetime.max


class _Change(NamedTuple):
    """A change of offset: the naive UTC time of it, and the wall time from which `after` counts (§3.3.5)."""

    utc: datetime
    wall: datetime
    after: timedelta


class _Changes(NamedTuple):
    """The changes around one year, ascending: their times, and the offsets before the first and after each of them."""

    utcs: list[datetime]
    walls: list[datetime]
    offsets: list[timedelta]


class ObservedZone(tzinfo):
    """The zone that a VTIMEZONE describes. Before the first onset the offset is what that onset changes from."""

    def __init__(self, observances: Sequence[Observance], steps: Steps) -> None:
        self._observances = sorted(observances, key=lambda observance: observance.first - observance.before)
        self._steps = steps
        self._years: dict[int, _Changes] = {}

    def utcoffset(self, when: datetime | None, /) -> timedelta | None:
        """Return the offset that holds at a wall time; raises `TooManySteps` for rules that are too much work."""
        if when is None:
            return None
        changes = self._around(when.year)
        return changes.offsets[bisect_right(changes.walls, when.replace(tzinfo=None))]

    def fromutc(self, when: datetime, /) -> datetime:
        """Return the wall time of an instant given in UTC with this zone attached."""
        changes = self._around(when.year)
        return when + changes.offsets[bisect_right(changes.utcs, when.replace(tzinfo=None))]

    def dst(self, when: datetime | None, /) -> timedelta | None:  # noqa: ARG002 - the signature is tzinfo's
        """Return None: which part is daylight time is of no use here."""
        return None

    def tzname(self, when: datetime | None, /) -> str | None:  # noqa: ARG002 - the signature is tzinfo's
        """Return None: the names in a VTIMEZONE are free text."""
        return None

    def _around(self, year: int) -> _Changes:
        if year not in self._years:
            found = sorted(
                _Change(
                    onset - observance.before,
                    onset + max(timedelta(), observance.after - observance.before),
                    observance.after,
                )
                for observance in self._observances
                for onset in observance.onsets(year, self._steps)
            )
            self._years[year] = _Changes(
                [change.utc for change in found],
                [change.wall for change in found],
                [self._observances[0].before, *(change.after for change in found)],
            )
        return self._years[year]


def read_zone(component: Component, steps: Steps) -> ObservedZone:
    """Make a zone of a VTIMEZONE component, which draws on `steps`. Raises `Unreadable` for what cannot be used."""
    parts = [part for part in component.children if part.name in {"STANDARD", "DAYLIGHT"}]
    if not parts or len(parts) > _MOST_OBSERVANCES or not component.closed:
        raise Unreadable("VTIMEZONE is incomplete, or too long")
    try:
        return ObservedZone([_observance(part) for part in parts], steps)
    except (Unreadable, OverflowError) as error:
        raise Unreadable("VTIMEZONE has a part that cannot be read") from error


def _observance(part: Component) -> Observance:
    values = [part.first(name) for name in ("DTSTART", "TZOFFSETFROM", "TZOFFSETTO")]
    start, before, after = (found.value if found else "" for found in values)
    return Observance(
        # Some writers begin at year 1, where times with an offset fall off the calendar.
        first=max(parse_moment(start).wall, _EARLIEST),
        before=parse_offset(before),
        after=parse_offset(after),
        rules=[_rule(rule) for rule in part.all("RRULE")],
        dates=[parse_moment(item).wall for dates in part.all("RDATE") for item in dates.value.split(",")],
    )


def _rule(found: Property) -> Rule:
    rule = parse_rule(found.value)
    if rule.freq > Frequency.DAILY:
        raise Unreadable("repeats within the day, as no change of clocks does")
    return rule
