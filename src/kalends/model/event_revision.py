"""What changing an event makes of it: pure functions from the event as it was to the event as it is then.

A change of a series holds from an instant on, the cut. What starts before it stays as it was. Overrides after it keep
what is their own, and take the rest from the series as it is then.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from typing import Any

from kalends.model.event_series import last_start, starts
from kalends.model.schedule_event import (
    WEEK,
    EventTimes,
    EventView,
    Override,
    RecurrenceType,
    ScheduleEvent,
    Segment,
    WeeklyRule,
    instant,
)
from kalends.model.time import Window

_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class SeriesChange:
    """What is to be changed of a series: some of its content (None takes away), and its times and rule as a whole.

    With times, `begins_at` is where the new ones begin; None: at the cut. `weeks` is by how many weeks they move
    overrides.
    """

    content: Mapping[str, Any] = field(default_factory=dict)
    times: EventTimes | None = None
    rule: WeeklyRule | None = None
    begins_at: datetime | None = None
    weeks: int = 0


def with_content(content: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return content with changes, without what they take away."""
    return {name: value for name, value in {**content, **changes}.items() if value is not None}


def changed_single(event: ScheduleEvent, times: EventTimes, content: Mapping[str, Any]) -> ScheduleEvent:
    """Return a single event with other times and changed content."""
    (segment,) = event.segments
    return replace(event, segments=(replace(segment, times=times, content=with_content(segment.content, content)),))


def changed_series(event: ScheduleEvent, cut: datetime, change: SeriesChange, now: datetime) -> ScheduleEvent:
    """Return a series that is changed for all instances that start at the cut or later.

    New times and rule hold in all later segments; an override goes to the instance in its own week, and away where
    that week has none any more.
    """
    ordinals = iter(range(max(one.ordinal for one in event.segments) + 1, 2**31))
    grid = max(one.grid for one in event.segments) + 1
    before: list[Segment] = []
    after: list[tuple[Segment, Segment]] = []
    for segment in event.segments:
        head, tail = _split(segment, cut, ordinals, last=segment is event.last)
        before += [head] if head else []
        if tail is not None:
            after.append((segment, _changed(tail, cut if before else None, change, grid, first=not after)))
    if change.times is not None:
        after = [*_rejoined(after, change)]
    kept = [(old, new) for old, new in after if next(starts(new), None) is not None]
    if not kept:
        # a rule that does not end before its start has an instance, unless it has been
        before[-1] = _ended(before[-1])
    overrides = [*_carried(event.overrides, before, kept, cut, change, now)]
    return replace(event, segments=(*before, *(new for _, new in kept)), overrides=tuple(overrides))


def overridden(
    view: EventView,
    *,
    times: EventTimes,
    content: Mapping[str, Any],
    now: datetime,
    cancelled: bool = False,
) -> ScheduleEvent:
    """Return the series in which an instance, or an exception, is another one from now on.

    What is given and equals what the series says is inherited again.
    """
    event, segment, original = view.event, view.segment, view.original
    if original is None:
        raise ValueError("not an instance")
    earlier = next((one for one in event.overrides if one.key == (segment.ordinal, original)), None)
    changes = {**(earlier.changes if earlier else {}), **content}
    made = Override(
        id=view.id,
        ordinal=segment.ordinal,
        original=original,
        created_at=earlier.created_at if earlier else now,
        updated_at=now,
        times=None if times == segment.times.at(original) else times,
        changes={name: value for name, value in changes.items() if value != segment.content.get(name)},
        cancelled=cancelled,
        revision=view.revision + 1,
    )
    others = [one for one in event.overrides if one.key != made.key]
    return replace(event, overrides=(*others, made))


def differing(view: EventView, content: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of some content that differ from what is shown."""
    return {name: value for name, value in content.items() if value != view.content.get(name)}


def base_of(view: EventView) -> EventView:
    """Return an instance as its series says it is, without what an exception has of its own."""
    if view.recurrence is not RecurrenceType.EXCEPTION or view.original is None:
        return view
    return replace(view, times=view.segment.times.at(view.original), content=view.segment.content)


def weeks_between(earlier: datetime, later: datetime) -> int:
    """Return by how many weeks, Mondays counted, one wall time is after another."""
    return (_monday(later) - _monday(earlier)) // WEEK


def _split(
    segment: Segment, cut: datetime, ordinals: Iterator[int], *, last: bool
) -> tuple[Segment | None, Segment | None]:
    """Return what of a segment is before the cut and after it; the last one may go on after its end."""
    head = replace(segment, before_at=min(cut, segment.before_at or cut))
    if next(starts(head), None) is None:
        return None, segment
    tail = replace(segment, ordinal=0, from_at=max(cut, segment.from_at or cut))
    if next(starts(tail), None) is None and not last:
        return segment, None
    return head, replace(tail, ordinal=next(ordinals))


def _changed(segment: Segment, cut: datetime | None, change: SeriesChange, grid: int, *, first: bool) -> Segment:
    """Return a segment as a change makes it; `cut` is where the first one begins then, None: from the beginning on."""
    after = replace(segment, content=with_content(segment.content, change.content))
    if change.times is None:
        return after
    from_at = after.from_at
    if first:
        from_at = change.begins_at or cut if cut is not None else None
    return replace(after, times=change.times, rule=change.rule, grid=grid, from_at=from_at)


def _rejoined(after: list[tuple[Segment, Segment]], change: SeriesChange) -> Iterator[tuple[Segment, Segment]]:
    """Yield segments that have new times with bounds that fit to these: each begins with the week that it began in.

    Bounds are the starts of instances: one that is earlier in the week from now on would be on the wrong side.
    """
    bounds: list[datetime | None] = [after[0][1].from_at]
    for old, new in after[1:]:
        first = next(starts(old))
        monday = instant(_monday(first) + change.weeks * WEEK, new.times.zone)
        bounds.append(max(monday, bounds[-1] or monday))
    for (old, new), begins, ends in zip(after, bounds, [*bounds[1:], None], strict=True):
        yield old, replace(new, from_at=begins, before_at=ends)


def _ended(segment: Segment) -> Segment:
    """Return a segment after which nothing comes, whose rule says so."""
    rule = segment.rule or WeeklyRule()
    return replace(segment, rule=replace(rule, until=last_start(segment)), before_at=None)


def _carried(
    overrides: Iterable[Override],
    before: list[Segment],
    after: list[tuple[Segment, Segment]],
    cut: datetime,
    change: SeriesChange,
    now: datetime,
) -> Iterator[Override]:
    """Yield the overrides that are left, each with the segment and the original start that it belongs to then."""
    past = {one.ordinal: one for one in before}
    for override in overrides:
        head = past.get(override.ordinal)
        if head is not None and instant(override.original, head.times.zone) < cut:
            yield override
            continue
        found = next((pair for pair in after if pair[0].ordinal == override.ordinal), None)
        if found is None:
            continue
        new = found[1]
        original: datetime | None = override.original
        if change.times is not None:
            original = _in_week(new, _monday(override.original) + change.weeks * WEEK)
        if original is not None:
            yield replace(
                override, ordinal=new.ordinal, original=original, revision=override.revision + 1, updated_at=now
            )


def _in_week(segment: Segment, monday: datetime) -> datetime | None:
    """Return the start of the instance in a week, None where it has none."""
    zone = segment.times.zone
    week = Window(instant(monday, zone) - _MOMENT, instant(monday + WEEK, zone))
    return next((one for one in starts(segment, week) if _monday(one) == monday), None)


def _monday(wall: datetime) -> datetime:
    return datetime.combine(wall.date() - timedelta(days=wall.weekday()), time())
