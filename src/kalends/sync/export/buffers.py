"""Buffer time: what is blocked after a copy, as a copy of its own. Pure."""

from datetime import datetime, timedelta

from kalends.model.copy import ChangedInstance, CopyText, WantedCopy
from kalends.model.schedule_event import EventTimes, WeeklyRule

BUFFER = "Buffer time"
"""The title of a copy that blocks the time after another one."""


def buffer_after(copy: WantedCopy, length: timedelta) -> WantedCopy | None:
    """Return what blocks the time after a copy, and after each of its instances where it recurs.

    None where there is nothing to block: a whole day has no time after it, and what does not block has none either.
    """
    if not length or copy.times.all_day or not copy.text.busy:
        return None
    text = CopyText(BUFFER, private=copy.text.private)
    times = _after(copy.times, length)
    if copy.rule is None:
        return WantedCopy("", "", times, text)
    shift = times.start - copy.times.start
    cancelled = [one + shift for one in copy.cancelled]
    changed = []
    for one in copy.changed:
        original, usual = one.original + shift, times.at(one.original + shift)
        if one.times.all_day or not one.text.busy:
            cancelled.append(original)
        elif (moved := _after(one.times, length)) != usual:
            changed.append(ChangedInstance(original, moved, text))
    until = copy.rule.until
    rule = WeeklyRule(copy.rule.interval, None if until is None else until + shift)
    return WantedCopy("", "", times, text, rule, tuple(sorted(cancelled)), tuple(changed))


def _after(times: EventTimes, length: timedelta) -> EventTimes:
    end: datetime = times.end
    return EventTimes(end, end + length, times.zone)
