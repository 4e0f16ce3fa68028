"""Events → occurrences inside a window: masters, their overrides, and what is left of a series after both.

What RFC 5545 leaves open, or practice settles in another way, is decided thus:

* DTSTART is the first instance and counts towards COUNT even where the rule does not match it; an UNTIL before
  DTSTART leaves nothing of the rule, DTSTART included (that is how services store a series that was ended before
  its first instance).
* EXRULE (RFC 2445) is honoured; for it DTSTART counts only where it matches.
* EXDATE, RDATE and RECURRENCE-ID without a zone are in the master's zone. As dates in a series of times, EXDATE
  means every instance of that day, the others the one at the time of day of DTSTART.
* An override is an event of its own, whether or not the rule makes its original start, and even where EXDATE names it.
  Of several overrides of one instance the one with the highest SEQUENCE counts, of equals the last.
* A cancelled master takes its whole series with it.
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
from kalends.ical.placing import Placing, key_of, start_of
from kalends.ical.recurrence import Steps
from kalends.ical.series import instances_of, reach_of
from kalends.ical.values import Unreadable
from kalends.ical.zones import iana_zone
from kalends.model.occurrence import Expansion, ExpansionContext, Occurrence, Problem


def expand_events(events: Sequence[Event], context: ExpansionContext, problems: Iterable[Problem] = ()) -> Expansion:
    """Expand the events of one group inside the window; `problems` of reading them are handed through.

    Occurrences come ordered by start. Events of different UIDs do not know of each other. An event that cannot be
    expanded is named as a `Problem` and the others go on; an override that cannot leaves the original instance
    standing. `limits.max_steps` holds for each master, `limits.max_occurrences` for the group: a series for which
    too little of it is left yields nothing. Raises `KeyError` where `context.floating_zone` is no IANA name.
    """
    group = _Group(context, problems)
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


class _Group:
    """Collects the occurrences of a group, series by series."""

    def __init__(self, context: ExpansionContext, problems: Iterable[Problem]) -> None:
        self._placing = Placing(context.window, iana_zone(context.floating_zone))
        self._limits = context.limits
        self._found: list[Occurrence] = []
        self._problems = list(problems)
        self._keys: dict[str, int] = {}
        self._floating = False
        self._later = False

    def expansion(self) -> Expansion:
        """Return what was collected."""
        ordered = sorted(self._found, key=lambda occurrence: (self._placing.begins(occurrence), occurrence.key))
        return Expansion(
            occurrences=tuple(ordered),
            expanded_until=self._placing.window.end if self._later else None,
            floating=self._floating,
            problems=tuple(self._problems),
        )

    def add_series(self, events: Sequence[Event]) -> None:
        """Add the events of one UID: any number of masters, and overrides with or without one."""
        masters = [event for event in events if event.recurrence_id is None]
        standing = [master for master in masters if not master.cancelled]
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
                    self._add([self._placing.occurrence(override, key_of(point), start.wall, length)])
                applied.append(override)
        for master in standing:
            with self._guard(master.uid):
                self._add_master(master, applied)

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

    def _add_master(self, master: Event, overrides: Sequence[Event]) -> None:
        """Add what the overrides leave of a master. Raises `Unreadable`, `OverflowError`."""
        start = self._start(master)
        own = _Future(start.wall, timedelta(), master, self._placing.length(start, master.end))
        replaced = {
            self._placing.point(override.recurrence_id, start) for override in overrides if override.recurrence_id
        }
        futures = self._futures(start, overrides)
        reach = max(reach_of(kind.length) + abs(kind.shift) for kind in (own, *futures))
        instances, more = instances_of(master, self._placing, reach, Steps(self._limits.max_steps))
        turns = [future.point for future in futures]
        made: list[Occurrence] = []
        for instance in sorted(instances, key=lambda instance: instance.point):
            if instance.point in replaced:
                continue
            turn = bisect_left(turns, instance.point)
            kind = futures[turn - 1] if turn else own
            if kind.event.cancelled:
                continue
            length = instance.length or kind.length
            instant = instance.point if kind is own else None
            key, wall = key_of(instance.point), instance.wall + kind.shift
            made.append(self._placing.occurrence(kind.event, key, wall, length, instant))
        self._add(made)
        self._later |= more and not (futures and futures[-1].event.cancelled)

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
        """Take the occurrences that touch the window. Raises `Unreadable` where the limit does not allow them."""
        touching = []
        for occurrence in made:
            if self._placing.touches(occurrence):
                touching.append(occurrence)
            elif self._placing.begins(occurrence) > self._placing.window.end:
                self._later = True
        if len(self._found) + len(touching) > self._limits.max_occurrences:
            raise Unreadable(f"there are more than {self._limits.max_occurrences} occurrences")
        for occurrence in touching:
            number = self._keys[occurrence.key] = self._keys.get(occurrence.key, 0) + 1
            self._found.append(occurrence if number == 1 else replace(occurrence, key=f"{occurrence.key}#{number}"))

    @contextmanager
    def _guard(self, uid: str | None) -> Iterator[None]:
        """Turn what goes wrong with one event into a problem of that event."""
        try:
            yield
        except Unreadable as error:
            self._problems.append(Problem(uid, str(error)))
        except OverflowError:
            self._problems.append(Problem(uid, "the event reaches beyond the years 1 to 9999"))
        except Exception:  # noqa: BLE001 - a defect of ours must cost one event, not the calendar
            self._problems.append(Problem(uid, "the event could not be expanded"))
