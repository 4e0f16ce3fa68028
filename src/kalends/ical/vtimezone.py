"""VTIMEZONE (RFC 5545 §3.6.5) as a `tzinfo`, for zones that have no better known name.

The rules of a text hold for that text alone: nothing is remembered between resources.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple

from kalends.ical.lines import Component
from kalends.ical.recurrence import Steps, recur
from kalends.ical.rules import Rule, parse_rule
from kalends.ical.values import Unreadable, parse_moment, parse_offset

_STEPS = 50_000
_MOST_OBSERVANCES = 100
_YEARS_BACK = 9
"""How far back the last onset is looked for before the whole rule is walked; longer than the leap year cycle."""

_EARLIEST = datetime(2, 1, 1)  # noqa: DTZ001 - wall time


@dataclass(frozen=True, slots=True)
class Observance:
    """A STANDARD or DAYLIGHT part: the wall times (in `before`) from which the offset `after` holds."""

    first: datetime
    before: timedelta
    after: timedelta
    rules: tuple[Rule, ...] = ()
    dates: tuple[datetime, ...] = ()

    def onsets(self, since: datetime, until: datetime, steps: Steps) -> set[datetime]:
        """Return the onsets in a span of wall times; where there is none, at least the last one before it."""
        found = self._between(since, until, steps)
        return found or {max(self._between(self.first, until, steps), default=self.first)}

    def _between(self, since: datetime, until: datetime, steps: Steps) -> set[datetime]:
        found = {day for day in (self.first, *self.dates) if since <= day <= until}
        for rule in self.rules:

            def within(wall: datetime, rule: Rule = rule) -> bool:
                if rule.until is None:
                    return True
                shift = self.before if rule.until.is_utc else timedelta()
                return (
                    (wall - shift).date() <= rule.until.wall.date()
                    if rule.until.is_date
                    else wall - shift <= rule.until.wall
                )

            found.update(recur(rule, self.first, since=since, horizon=until, steps=steps, within=within)[0])
        return found


class _Change(NamedTuple):
    """A change of offset: the wall time from which `after` counts (§3.3.5), and the naive UTC time of the change."""

    wall: datetime
    utc: datetime
    after: timedelta


class ObservedZone(tzinfo):
    """The zone that a VTIMEZONE describes. Before the first onset the offset is what that onset changes from."""

    def __init__(self, observances: Sequence[Observance]) -> None:
        self._observances = tuple(sorted(observances, key=lambda observance: observance.first - observance.before))
        self._steps = Steps(_STEPS)
        self._changes: dict[int, list[_Change]] = {}

    def utcoffset(self, when: datetime | None, /) -> timedelta | None:
        """Return the offset that holds at a wall time; raises `TooManySteps` for rules that are too much work."""
        if when is None:
            return None
        changes = self._around(when.year)
        place = bisect_right([change.wall for change in changes], when.replace(tzinfo=None))
        return changes[place - 1].after if place else self._observances[0].before

    def fromutc(self, when: datetime, /) -> datetime:
        """Return the wall time of an instant given in UTC with this zone attached."""
        changes = self._around(when.year)
        place = bisect_right([change.utc for change in changes], when.replace(tzinfo=None))
        return when + (changes[place - 1].after if place else self._observances[0].before)

    def dst(self, when: datetime | None, /) -> timedelta | None:  # noqa: ARG002 - the signature is tzinfo's
        """Return None: which part is daylight time is of no use here."""
        return None

    def tzname(self, when: datetime | None, /) -> str | None:  # noqa: ARG002 - the signature is tzinfo's
        """Return None: the names in a VTIMEZONE are free text."""
        return None

    def _around(self, year: int) -> list[_Change]:
        if year not in self._changes:
            since, until = datetime(max(1, year - _YEARS_BACK), 1, 1), datetime(min(9999, year + 1), 12, 31)  # noqa: DTZ001 - wall time
            changes = [
                _Change(
                    onset + max(timedelta(), observance.after - observance.before),
                    onset - observance.before,
                    observance.after,
                )
                for observance in self._observances
                for onset in observance.onsets(since, until, self._steps)
            ]
            self._changes[year] = sorted(changes, key=lambda change: change.utc)
        return self._changes[year]


def read_zone(component: Component) -> ObservedZone:
    """Make a zone of a VTIMEZONE component. Raises `Unreadable` for what cannot be used."""
    parts = [part for part in component.children if part.name in {"STANDARD", "DAYLIGHT"}]
    if not parts or len(parts) > _MOST_OBSERVANCES or not component.closed:
        raise Unreadable("VTIMEZONE is incomplete, or too long")
    try:
        return ObservedZone([_observance(part) for part in parts])
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
        rules=tuple(parse_rule(rule.value) for rule in part.all("RRULE")),
        dates=tuple(parse_moment(item).wall for dates in part.all("RDATE") for item in dates.value.split(",")),
    )
