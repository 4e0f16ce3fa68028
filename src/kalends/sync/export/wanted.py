"""From a schedule event to the copies that are wanted of it. Pure; no I/O, no clock.

Each segment is a copy of its own: a series that was changed from some instance on is two series at the provider too.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from kalends.model.copy import ChangedInstance, CopyText, Privacy, WantedCopy
from kalends.model.event_series import last_start, starts
from kalends.model.schedule_event import (
    EventType,
    Override,
    ScheduleEvent,
    Segment,
    Transparency,
    WeeklyRule,
    instant,
)
from kalends.sync.export.buffers import buffer_after

BUSY = "Busy"
"""The title of a copy that is to say nothing else."""
_LONGEST_TITLE = 500
_PLACE = re.compile(r"\{(title|service|participant)\}")
_NOT_EXPORTED = frozenset({EventType.WORKING_HOURS})
"""When somebody works takes no time of theirs."""


@dataclass(frozen=True, slots=True)
class CopyStyle:
    """What copies look like, as a site and a connection want it.

    `title` is a template with `{title}`, `{service}` (the schedule's name) and `{participant}`; `link` one with
    `{eventId}`, None for no link. `service` is the name that stands for `{service}`. For as long as `buffer`, a copy of
    its own blocks after each one that does.
    """

    privacy: Privacy = Privacy.FULL
    title: str = "{title}"
    link: str | None = None
    service: str = ""
    buffer: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class WantedSegment:
    """What one segment is to be in the external calendar, before it has a key: see `WantedCopy`.

    Of what is `over`, no copy is made; one that is there is kept right. The time that is blocked after a segment has
    its `ordinal` below zero.
    """

    ordinal: int
    copy: WantedCopy
    over: bool


def wanted_copies(event: ScheduleEvent, style: CopyStyle, since: datetime) -> Sequence[WantedSegment]:
    """Return the copies that are wanted of an event, one for each segment; what ends by `since` (UTC) is over.

    Their keys and tags are empty. An event that is cancelled has the instances that began before.
    """
    if event.type in _NOT_EXPORTED:
        return ()
    found = []
    for segment in event.segments:
        copy = _copy(event, segment, style)
        if copy is None:
            continue
        over = not _goes_on(segment, copy, since)
        found.append(WantedSegment(segment.ordinal, copy, over))
        if (blocked := buffer_after(copy, style.buffer)) is not None:
            found.append(WantedSegment(-segment.ordinal, blocked, over))
    return found


def _copy(event: ScheduleEvent, segment: Segment, style: CopyStyle) -> WantedCopy | None:
    first = next(starts(segment), None)
    if first is None or _is_off(event, segment, first):
        return None
    times = segment.times.at(first)
    text = _text(event, segment.content, style)
    if segment.rule is None:
        return WantedCopy("", "", times, text)
    cancelled, changed = [], []
    for override in _own(event, segment):
        if _is_off(event, segment, override.original):
            continue
        if override.cancelled:
            cancelled.append(override.original)
        elif (instance := _changed(event, segment, override, style)) is not None:
            changed.append(instance)
    return WantedCopy(
        "", "", times, text, _rule(event, segment, segment.rule), tuple(sorted(cancelled)), tuple(changed)
    )


def _own(event: ScheduleEvent, segment: Segment) -> list[Override]:
    """Return the overrides of instances that a segment has."""
    own = sorted((one for one in event.overrides if one.ordinal == segment.ordinal), key=lambda one: one.original)
    last = last_start(segment)
    first = next(starts(segment))
    step = segment.rule.interval * 7 if segment.rule else 1
    return [
        one
        for one in own
        if first <= one.original
        and (last is None or one.original <= last)
        and (one.original - first).days % step == 0
        and one.original.time() == first.time()
    ]


def _changed(event: ScheduleEvent, segment: Segment, override: Override, style: CopyStyle) -> ChangedInstance | None:
    """Return what an override makes of its instance, None where nothing of it shows in a copy."""
    content = {**segment.content, **override.changes}
    text = _text(event, {name: value for name, value in content.items() if value is not None}, style)
    usual = segment.times.at(override.original)
    times = override.times or usual
    if times == usual and text == _text(event, segment.content, style):
        return None
    return ChangedInstance(override.original, times, text)


def _is_off(event: ScheduleEvent, segment: Segment, start: datetime) -> bool:
    """Tell whether an instance was cancelled with its event."""
    return event.cancelled_at is not None and instant(start, segment.times.zone) >= event.cancelled_at


def _rule(event: ScheduleEvent, segment: Segment, rule: WeeklyRule) -> WeeklyRule:
    """Return the rule of a copy: it ends where the segment does, or where the event was cancelled."""
    if rule.until is None and segment.before_at is None and event.cancelled_at is None:
        return WeeklyRule(rule.interval)
    if event.cancelled_at is None:
        return WeeklyRule(rule.interval, last_start(segment))
    before = [one for one in (segment.before_at, event.cancelled_at) if one is not None]
    cut = Segment(segment.ordinal, segment.grid, segment.times, segment.content, rule, segment.from_at, min(before))
    return WeeklyRule(rule.interval, last_start(cut))


def _goes_on(segment: Segment, copy: WantedCopy, since: datetime) -> bool:
    """Tell whether anything of a copy ends after a moment."""
    ends = [one.times.end_at for one in copy.changed]
    if copy.rule is None:
        ends.append(copy.times.end_at)
    elif copy.rule.until is None:
        return True
    else:
        ends.append(segment.times.at(copy.rule.until).end_at)
    return max(ends) > since


def _text(event: ScheduleEvent, content: Mapping[str, Any], style: CopyStyle) -> CopyText:
    busy = content.get("transparency") != Transparency.TRANSPARENT
    if style.privacy is Privacy.BUSY:
        return CopyText(BUSY, busy=busy, private=True)
    said = {
        "title": str(content.get("title") or style.service or BUSY),
        "service": style.service,
        # who comes is nobody else's business
        "participant": _participant(content.get("participants")) if style.privacy is Privacy.FULL else "",
    }
    title = _PLACE.sub(lambda found: said[found[1]], style.title)
    title = " ".join(title.split())[:_LONGEST_TITLE] or BUSY
    if style.privacy is Privacy.TITLE:
        return CopyText(title, busy=busy)
    return CopyText(
        title=title,
        notes=str(content.get("notes") or ""),
        location=_location(content.get("location")),
        url=_url(event, content.get("conferencingDetails"), style),
        busy=busy,
    )


def _participant(kept: object) -> str:
    """Return the name of the participant, where there is exactly one that has one."""
    listed = kept.get("list") if isinstance(kept, dict) else None
    names = [
        str(one["name"])
        for one in (listed if isinstance(listed, list) else ())
        if isinstance(one, dict) and isinstance(one.get("name"), str) and one["name"]
    ]
    return names[0] if len(names) == 1 else ""


def _location(kept: object) -> str:
    """Return a location as text: its name, else its address as it is written."""
    if not isinstance(kept, dict):
        return ""
    address = kept.get("address")
    formatted = address.get("formattedAddress") if isinstance(address, dict) else None
    found = kept.get("name") or formatted or ""
    return found if isinstance(found, str) else ""


def _url(event: ScheduleEvent, conferencing: object, style: CopyStyle) -> str | None:
    """Return where a copy leads: to the meeting, else to the booking."""
    if isinstance(conferencing, dict):
        for name in ("guestUrl", "hostUrl", "url"):
            if isinstance(found := conferencing.get(name), str) and found.startswith("https://"):
                return found
    return style.link.replace("{eventId}", event.id) if style.link else None
