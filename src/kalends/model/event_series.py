"""From an event as it is kept to what it shows: single events, series, and their instances. Pure; no I/O, no clock.

Instances are worked out when they are asked for, each from its wall time and the zone rules of the pinned `tzdata`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from kalends.model.ids import is_guid
from kalends.model.schedule_event import (
    LAST_YEAR,
    LONGEST_INSTANCE,
    TIMES,
    WEEK,
    EventStatus,
    EventView,
    Override,
    RecurrenceType,
    ScheduleEvent,
    Segment,
    instant,
    wall_time,
)
from kalends.model.time import Window

LONGEST_ID = 64
_SLACK = timedelta(days=2)
"""More than any change of offset moves a wall time."""
_OF_AN_INSTANCE = re.compile(r"(?P<event>[0-9a-f-]{36})_(?P<grid>[1-9][0-9]{0,5})_(?P<start>[0-9]{8}T[0-9]{4})")
_START = "%Y%m%dT%H%M"


@dataclass(frozen=True, slots=True)
class InstanceId:
    """What the id of an instance says: the series, the grid of wall times, and the wall time that is its own there."""

    event_id: str
    grid: int
    original: datetime

    def __str__(self) -> str:
        return f"{self.event_id}_{self.grid}_{self.original:{_START}}"


def parse_id(text: str) -> tuple[str, InstanceId | None]:
    """Return the id of the event that an id names, and the instance if it is one's; raises `ValueError`.

    Upper case is read as lower case, as in other ids.
    """
    if is_guid(text):
        return text.lower(), None
    found = _OF_AN_INSTANCE.fullmatch(text.lower().replace("t", "T"))
    if found is None or not is_guid(found["event"]):
        raise ValueError("neither an event's id nor an instance's")
    # strptime is satisfied with fewer digits, which the pattern has seen to
    original = datetime.strptime(found["start"], _START)  # noqa: DTZ007 - a wall time has no zone
    return found["event"], InstanceId(found["event"], int(found["grid"]), original)


def starts(segment: Segment, window: Window | None = None) -> Iterator[datetime]:
    """Yield the naive wall times at which a segment's instances start, in order.

    With a window, only those whose instants lie in it. They are the segment's own (`from_at`, `before_at`, `until`),
    and all end by `LAST_YEAR`.
    """
    times, rule = segment.times, segment.rule
    step = WEEK * (rule.interval if rule else 1)
    lower = max((at for at in (segment.from_at, window and window.start) if at), default=None)
    upper = min((at for at in (segment.before_at, window and window.end) if at), default=None)
    number = 0
    if lower is not None and rule is not None:
        number = max(0, (_wall(lower, times.zone) - _SLACK - times.start) // step)
    latest = datetime(LAST_YEAR + 1, 1, 1) - times.length  # noqa: DTZ001 - a wall time has no zone
    if rule is not None and rule.until is not None:
        latest = min(latest, rule.until)
    while (wall := times.start + number * step) <= latest:
        at = instant(wall, times.zone)
        if upper is not None and at >= upper:
            return
        if lower is None or at >= lower:
            yield wall
        if rule is None:
            return
        number += 1


def last_start(segment: Segment) -> datetime | None:
    """Return the naive wall time at which a segment's last instance starts, None where it has none."""
    times, rule = segment.times, segment.rule
    if rule is None:
        return next(starts(segment), None)
    limits = [datetime(LAST_YEAR + 1, 1, 1) - times.length]  # noqa: DTZ001 - a wall time has no zone
    limits += [rule.until] if rule.until else []
    limits += [_wall(segment.before_at, times.zone) + _SLACK] if segment.before_at else []
    step = WEEK * rule.interval
    number = (min(limits) - times.start) // step
    while number >= 0:
        wall = times.start + number * step
        at = instant(wall, times.zone)
        if segment.from_at is not None and at < segment.from_at:
            return None
        if segment.before_at is None or at < segment.before_at:
            return wall
        number -= 1
    return None


def extent(event: ScheduleEvent) -> tuple[datetime, datetime]:
    """Return the instants between which everything of an event lies, overrides included."""
    begins, ends = [], []
    for segment in event.segments:
        first, last = next(starts(segment), None), last_start(segment)
        if first is not None and last is not None:
            begins.append(segment.times.at(first).start_at)
            ends.append(segment.times.at(last).end_at)
    for override in event.overrides:
        if override.times is not None:
            begins.append(override.times.start_at)
            ends.append(override.times.end_at)
    if not begins:
        return event.last.times.start_at, event.last.times.end_at
    return min(begins), max(ends)


def shown(event: ScheduleEvent, event_id: str | None = None) -> EventView | None:
    """Return what an event shows under an id, by default its own; None where no instance of it has that id.

    The id of an instance leads to its exception as well, if there is one by now; an exception keeps its own id.
    Raises `ValueError` for what is no id.
    """
    wanted = event_id or event.id
    event_id, instance = parse_id(wanted)
    if event_id != event.id:
        return None
    if instance is None:
        return whole(event)
    for override in event.overrides:
        if override.id == str(instance):
            return _overridden(event, override)
    return _at(event, instance)


def whole(event: ScheduleEvent) -> EventView:
    """Return a single event, or the series as such."""
    cancelled = event.cancelled_at is not None
    return EventView(
        event=event,
        id=event.id,
        recurrence=RecurrenceType.MASTER if event.recurs else RecurrenceType.NONE,
        segment=event.last,
        times=event.last.times,
        content=event.last.content,
        status=EventStatus.CANCELLED if cancelled else EventStatus.CONFIRMED,
        revision=event.revision,
        created_at=event.created_at,
        updated_at=event.updated_at,
        rule=event.last.rule,
    )


def instances(event: ScheduleEvent, window: Window) -> list[EventView]:
    """Return the instances of a series that overlap a window, exceptions and cancelled ones included, by start.

    An instance that starts before the window and ends in it, or after it, overlaps. Of the overrides only those are
    needed whose original or present times lie near the window (`LONGEST_INSTANCE` before it, two days after it).
    """
    found = [_overridden(event, one) for one in event.overrides]
    overridden = {one.key for one in event.overrides}
    around = Window(window.start - LONGEST_INSTANCE - _SLACK, window.end)
    for segment in event.segments:
        found += [
            _instance(event, segment, start)
            for start in starts(segment, around)
            if (segment.ordinal, start) not in overridden
        ]
    inside = [one for one in found if one.times.start_at < window.end and one.times.end_at > window.start]
    return sorted(inside, key=lambda one: (one.times.start_at, one.id))


def _at(event: ScheduleEvent, instance: InstanceId) -> EventView | None:
    for segment in event.segments:
        if segment.grid != instance.grid or segment.rule is None:
            continue
        at = instant(instance.original, segment.times.zone)
        moment = Window(at, at + timedelta(microseconds=1))
        if instance.original not in starts(segment, moment):
            continue
        for override in event.overrides:
            if override.key == (segment.ordinal, instance.original):
                return _overridden(event, override)
        return _instance(event, segment, instance.original)
    return None


def _instance(event: ScheduleEvent, segment: Segment, start: datetime) -> EventView:
    return EventView(
        event=event,
        id=str(InstanceId(event.id, segment.grid, start)),
        recurrence=RecurrenceType.INSTANCE,
        segment=segment,
        times=segment.times.at(start),
        content=segment.content,
        status=_status(event, segment, start, cancelled=False),
        revision=event.revision,
        created_at=event.created_at,
        updated_at=event.updated_at,
        original=start,
    )


def _overridden(event: ScheduleEvent, override: Override) -> EventView:
    segment = next(one for one in event.segments if one.ordinal == override.ordinal)
    content = {**segment.content, **override.changes}
    return EventView(
        event=event,
        id=override.id,
        recurrence=RecurrenceType.EXCEPTION,
        segment=segment,
        times=override.times or segment.times.at(override.original),
        content={name: value for name, value in content.items() if value is not None},
        status=_status(event, segment, override.original, cancelled=override.cancelled),
        revision=override.revision,
        created_at=override.created_at,
        updated_at=override.updated_at,
        original=override.original,
        overridden=frozenset(override.changes) | (frozenset(TIMES) if override.times else frozenset()),
    )


def _status(event: ScheduleEvent, segment: Segment, original: datetime, *, cancelled: bool) -> EventStatus:
    if cancelled:
        return EventStatus.CANCELLED
    if event.cancelled_at is not None and instant(original, segment.times.zone) >= event.cancelled_at:
        return EventStatus.CANCELLED
    return EventStatus.CONFIRMED


def _wall(at: datetime, zone: str) -> datetime:
    # the edges of the calendar have no wall time in every zone
    edges = datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, tzinfo=UTC)
    return wall_time(min(max(at, edges[0]), edges[1]), zone)
