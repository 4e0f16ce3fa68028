"""Events → occurrences inside a window: masters, their overrides, and what is left of a series after both.

What RFC 5545 leaves open, or practice settles in another way, is decided thus:

* DTSTART is the first instance and counts towards COUNT even where the rule does not match it; an UNTIL before
  DTSTART leaves nothing of the rule, DTSTART included (that is how services store a series that was ended before
  its first instance).
* DTEND gives every instance the exact length of the first (§3.8.5.3), DURATION in days a nominal one: where the first
  night of a series with DTEND is an hour longer than others, because clocks go back, all of them are as long.
* EXRULE (RFC 2445) is honoured; for it DTSTART counts only where it matches.
* EXDATE, RDATE and RECURRENCE-ID without a zone are in the master's zone. As dates in a series of times, EXDATE
  means every instance of that day, the others the one at the time of day of DTSTART.
* An override is an event of its own, whether or not the rule makes its original start, and even where EXDATE names it.
  Of several overrides of one instance the one with the highest SEQUENCE counts, of equals the last.
* A cancelled master takes its whole series with it, and so does one beside a master of a lower SEQUENCE; with
  METHOD:CANCEL, also of the same.
* Where one original start stands twice in a group, keys number the events in the order of UID and text, whether or not
  they touch the window.
* RANGE=THISANDFUTURE moves later instances by the difference in wall time, and gives them everything else of the
  override.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from kalends.ical.event import Duration, Event, Stamp
from kalends.ical.placing import Instance, Placing, Reach, key_of, start_of
from kalends.ical.series import extra_instances, instances_of
from kalends.ical.steps import LimitReached, Steps
from kalends.ical.values import Unreadable
from kalends.ical.zones import iana_zone
from kalends.model.occurrence import Expansion, ExpansionContext, Occurrence, Problem, span_in


def expand_events(
    events: Sequence[Event],
    context: ExpansionContext,
    problems: Iterable[Problem] = (),
    steps: Steps | None = None,
) -> Expansion:
    """Expand the events of one group inside the window; `problems` of reading them are handed through.

    Occurrences come ordered by start. Events of different UIDs do not know of each other. An event that cannot be
    expanded is named as a `Problem` and the others go on; an override that cannot leaves the original instance
    standing. `limits.max_steps` and `limits.max_occurrences` hold for the group: a series for which too little is left
    yields nothing, but no event may take more than about half of the steps from those after it. `steps` is given where
    the zones of the events draw on the same allowance. Raises `KeyError` where `context.floating_zone` is no IANA name.
    """
    group = _Group(context, problems, steps or Steps(context.limits.max_steps), len(events))
    if len(events) == 1 and group.add_single(events[0]):
        return group.expansion()
    series: dict[str, list[Event]] = {}
    for event in events:
        series.setdefault(event.uid or "", []).append(event)
    for uid in sorted(series):
        group.add_series(series[uid])
    return group.expansion()


class _Future(NamedTuple):
    """What RANGE=THISANDFUTURE says about instances after `point`: how far they move, and what they become."""

    point: datetime
    shift: timedelta
    event: Event
    length: Duration


class _Plan(NamedTuple):
    """A master about to be expanded: what its instances are, what they become, and which are not its own any more."""

    master: Event
    start: Stamp
    own: _Future
    futures: list[_Future]
    extra: list[Instance]
    replaced: set[datetime]
    reach: Reach


class _Group:
    """Collects the occurrences of a group: overrides as they come, masters when all of them are known."""

    def __init__(self, context: ExpansionContext, problems: Iterable[Problem], steps: Steps, events: int) -> None:
        self._placing = Placing(context.window, iana_zone(context.floating_zone))
        self._limits = context.limits
        self._steps = steps
        self._turns = 2 * events
        self._reserve = steps.left // max(1, 2 * self._turns)
        self._plans: list[_Plan] = []
        self._found: list[tuple[datetime, str, Occurrence]] = []
        self._problems = list(problems)
        self._keys: dict[str, int] = {}
        self._floating = False
        self._later = False
        self._given_up = False

    def expansion(self) -> Expansion:
        """Expand the masters, and return what was collected."""
        # A number in a key must not depend on the window: all look back as far, so that each meets all its doubles.
        back = max((plan.reach.back for plan in self._plans), default=timedelta())
        for plan in self._plans:
            with self._guard(plan.master.uid):
                self._add_master(plan._replace(reach=replace(plan.reach, back=back)))
        return Expansion(
            occurrences=tuple(occurrence for _, _, occurrence in sorted(self._found)),
            expanded_until=self._placing.window.end if self._later or self._given_up else None,
            floating=self._floating,
            given_up=self._given_up,
            problems=tuple(self._problems),
        )

    def add_single(self, event: Event) -> bool:
        """Add the only event of the group if it is a plain one near the window, as most are; else leave it."""
        start = event.start
        if start is None or event.cancelled or event.recurrence_id is not None:
            return False
        if event.rules or event.excluded_rules or event.extra or event.excluded:
            return False
        window = self._placing.window
        if not window.start.year - 1 <= start.wall.year <= window.end.year + 1:
            return False
        with self._guard(event.uid):
            self._steps.spend(1)
            self._start(event)
            length = self._placing.length(start, event.end)
            point = self._placing.point(start, start)
            self._add([self._placing.shape(event, length).at(key_of(point), start.wall, point)])
        return True

    def add_series(self, events: Sequence[Event]) -> None:
        """Add the events of one UID: any number of masters, and overrides with or without one."""
        masters = [event for event in events if event.recurrence_id is None]
        cancelled = [master for master in masters if master.cancelled]
        standing = [
            master for master in masters if not (master.cancelled or any(_cancels(one, master) for one in cancelled))
        ]
        if masters and not standing:
            return
        reference = standing[0].start if standing else None
        overrides = self._latest_overrides(events, reference)
        applied: list[Event] = []
        for (point, lasting), override in overrides.items():
            with self._guard(override.uid):
                if not override.cancelled and not (lasting and (point, False) in overrides):
                    start = self._start(override)
                    length = self._placing.length(start, override.end)
                    self._add([self._placing.shape(override, length).at(key_of(point), start.wall)])
                applied.append(override)
        for master in standing:
            with self._guard(master.uid):
                self._plans.append(self._plan(master, applied))

    def _latest_overrides(self, events: Iterable[Event], reference: Stamp | None) -> dict[tuple[datetime, bool], Event]:
        """Return the override that counts for each original start, and that which counts from there on."""
        latest: dict[tuple[datetime, bool], Event] = {}
        for event in events:
            if event.recurrence_id is None:
                continue
            with self._guard(event.uid):
                place = (
                    self._placing.point(event.recurrence_id, reference or event.recurrence_id),
                    event.this_and_future,
                )
                if place not in latest or latest[place].sequence <= event.sequence:
                    latest[place] = event
        return latest

    def _plan(self, master: Event, overrides: Sequence[Event]) -> _Plan:
        """Return what the overrides make of a master. Raises `Unreadable`, `OverflowError`."""
        self._steps.spend(1 + len(overrides))
        start = self._start(master)
        own = _Future(start.wall, timedelta(), master, self._placing.length(start, master.end))
        replaced = {
            self._placing.point(override.recurrence_id, start) for override in overrides if override.recurrence_id
        }
        futures = self._futures(start, overrides)
        extra = extra_instances(master, self._placing)
        periods = [instance.length for instance in extra if instance.length]
        longest = max(periods, key=lambda length: Reach.of(length).back, default=Duration())
        reach = Reach()
        for kind in (own, *futures):
            reach |= Reach.of(kind.length, kind.shift) | Reach.of(longest, kind.shift)
        return _Plan(master, start, own, futures, extra, replaced, reach)

    def _add_master(self, plan: _Plan) -> None:
        """Add what the overrides leave of a master. Raises `Unreadable`, `OverflowError`."""
        span = self._placing.span(plan.start, plan.reach)
        instances, more = instances_of(plan.master, plan.extra, self._placing, span, self._steps)
        kinds = (plan.own, *plan.futures)
        shapes = [None if kind.event.cancelled else self._placing.shape(kind.event, kind.length) for kind in kinds]
        turns = [future.point for future in plan.futures]
        made: list[Occurrence] = []
        for point, wall, length in sorted(instances):
            if point in plan.replaced:
                continue
            turn = bisect_left(turns, point) if turns else 0
            kind, shape = kinds[turn], shapes[turn]
            if shape is None:
                continue
            if length:
                shape = self._placing.shape(kind.event, length)
            made.append(shape.at(key_of(point), wall + kind.shift, None if turn else point))
        self._add(made)
        last = plan.futures[-1] if plan.futures else plan.own
        # What a cancellation ends after the window still goes on there, as far as this window can tell.
        self._later |= more and not (last.event.cancelled and self._placing.begun(last.point))

    def _futures(self, start: Stamp, overrides: Iterable[Event]) -> list[_Future]:
        """Return what holds for later instances, in the order in which it begins to."""
        futures = []
        for override in overrides:
            if override.recurrence_id is None or not override.this_and_future:
                continue
            point = self._placing.point(override.recurrence_id, start)
            shift, length = timedelta(), Duration()
            if override.start is not None:
                shift = override.start.wall - self._placing.wall(point, start)
                length = self._placing.length(override.start, override.end)
            futures.append(_Future(point, shift, override, length))
        return sorted(futures, key=lambda future: future.point)

    def _start(self, event: Event) -> Stamp:
        start = start_of(event)
        self._floating |= start.floating
        return start

    def _add(self, made: Iterable[Occurrence]) -> None:
        """Take the occurrences that touch the window. Raises `LimitReached` where there are too many."""
        touching: list[tuple[datetime, str, Occurrence]] = []
        keys, window, rules = self._keys, self._placing.window, self._placing.floating.rules
        for occurrence in made:
            key = occurrence.key
            number = keys[key] = keys.get(key, 0) + 1
            begins, ends = span_in(rules, occurrence)
            if begins > window.end:
                self._later = True
            elif ends >= window.start:
                numbered = key if number == 1 else f"{key}#{number}"
                touching.append((begins, numbered, occurrence if number == 1 else occurrence._replace(key=numbered)))
        if len(self._found) + len(touching) > self._limits.max_occurrences:
            raise LimitReached(f"there are more than {self._limits.max_occurrences} occurrences")
        self._found += touching

    @contextmanager
    def _guard(self, uid: str | None) -> Iterator[None]:
        """Turn what goes wrong with one event into a problem of that event, and leave steps for those after it."""
        self._turns -= 1
        try:
            with self._steps.keeping(self._reserve * self._turns):
                yield
        except Unreadable as error:
            self._given_up |= isinstance(error, LimitReached)
            self._problems.append(Problem(uid, str(error)))
        except OverflowError:
            self._problems.append(Problem(uid, "the event reaches beyond the years 1 to 9999"))
        except Exception:  # noqa: BLE001 - a defect of ours must cost one event, not the calendar
            self._problems.append(Problem(uid, "the event could not be expanded"))


def _cancels(cancelled: Event, master: Event) -> bool:
    return cancelled.sequence > master.sequence or (cancelled.withdrawn and cancelled.sequence == master.sequence)
