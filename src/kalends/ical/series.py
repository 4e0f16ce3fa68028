"""A master → its instances where the rules put them: RRULE, RDATE, EXRULE and EXDATE, before any override."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from kalends.ical.event import Event, ExtraStart, Stamp
from kalends.ical.placing import Instance, Placing, start_of
from kalends.ical.recurrence import recur
from kalends.ical.rules import Rule
from kalends.ical.steps import Steps
from kalends.ical.values import Unreadable


def extra_instances(master: Event, placing: Placing) -> list[Instance]:
    """Return what RDATE adds. Raises `Unreadable`, and `OverflowError` at the edges of the calendar."""
    start = start_of(master)
    return [_extra_instance(item, start, placing) for item in master.extra]


def instances_of(
    master: Event, extra: Sequence[Instance], placing: Placing, span: tuple[datetime, datetime], steps: Steps
) -> tuple[list[Instance], bool]:
    """Return the instances in a span of wall times, those of RDATE given as `extra`, and whether more may come later.

    Raises `Unreadable` (of which `TooManySteps`), and `OverflowError` at the edges of the calendar.
    """
    start = start_of(master)
    stretch = _Span(start, placing, *span, steps)
    walls, more = stretch.starts(master)
    instances = {made.point: made for made in placing.instances(walls, start)}
    for instance in extra:
        more = more or instance.wall > stretch.horizon
        if stretch.since <= instance.wall <= stretch.horizon:
            instances[instance.point] = instance
    if not master.excluded and not master.excluded_rules:
        return list(instances.values()), more
    excluded = stretch.excluded(master)
    points = {placing.point(stamp, start) for stamp in master.excluded}
    days = {stamp.wall.date() for stamp in master.excluded if stamp.is_date}
    return [
        instance
        for instance in instances.values()
        if instance.point not in points and instance.wall not in excluded and instance.wall.date() not in days
    ], more


def _extra_instance(item: ExtraStart, start: Stamp, placing: Placing) -> Instance:
    point = placing.point(item.start, start)
    own = replace(item.start, is_date=start.is_date, zone=item.start.zone or start.zone)
    length = placing.length(own, item.end) if item.end else None
    return Instance(point, placing.wall(point, start), length)


@dataclass(frozen=True, slots=True)
class _Span:
    """The stretch of a master's wall time in which instances are looked for."""

    start: Stamp
    placing: Placing
    since: datetime
    horizon: datetime
    steps: Steps

    def starts(self, master: Event) -> tuple[Collection[datetime], bool]:
        """Return the starts that DTSTART and RRULE make, and whether more come after the span."""
        if not master.rules:
            first = self.start.wall
            return ({first} if self.since <= first <= self.horizon else set()), first > self.horizon
        if len(master.rules) == 1:
            return self._recur("RRULE", master.rules[0])
        results = [self._recur("RRULE", rule) for rule in master.rules]
        return {start for starts, _ in results for start in starts}, any(more for _, more in results)

    def excluded(self, master: Event) -> set[datetime]:
        """Return the starts that EXRULE makes."""
        return {start for rule in master.excluded_rules for start in self._recur("EXRULE", rule)[0]}

    def _recur(self, name: str, rule: Rule) -> tuple[list[datetime], bool]:
        try:
            return recur(
                rule.for_dates() if self.start.is_date else rule,
                self.start.wall,
                since=self.since,
                horizon=self.horizon,
                steps=self.steps,
                within=partial(self.placing.allows, rule.until, reference=self.start) if rule.until else None,
                first_counts=name == "RRULE",
            )
        except Unreadable as error:
            raise type(error)(f"{name} {error}") from None
