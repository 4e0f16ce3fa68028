"""Weekly rules as Graph has them, and the days on which they make instances.

Sources: "patternedRecurrence", "recurrencePattern" and "recurrenceRange" in Microsoft's documents.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from kalends.model.copy import WantedCopy
from kalends.model.schedule_event import EventTimes, Weekday, WeeklyRule
from kalends.providers.microsoft.content import zone_name

_FIRST_DAYS = ("monday", "sunday")
_DAY = "%Y-%m-%d"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A recurrence in one spelling, without what makes no difference to its days.

    `first` is the day of its first instance, `last` one after which there is none, None where it goes on for ever.
    `plain` tells that it is one that a weekly rule of ours may be; of another kind, `spelling` alone means anything.
    """

    spelling: str
    zone: str
    first: date | None = None
    last: date | None = None
    weeks: int = 1
    plain: bool = False

    def days(self, until: date) -> list[date]:
        """Return the days on which it makes instances, until a day at the latest."""
        if not self.plain or self.first is None:
            return []
        last = until if self.last is None else min(self.last, until)
        step = 7 * self.weeks
        return [self.first + timedelta(days=step * number) for number in range((last - self.first).days // step + 1)]


def recurrence_body(times: EventTimes, rule: WeeklyRule, first_day: str = _FIRST_DAYS[0]) -> dict[str, Any]:
    """Return what a weekly rule is in a request; see `other_first_day` for `first_day`."""
    pattern = {
        "type": "weekly",
        "interval": rule.interval,
        "daysOfWeek": [Weekday.of(times.start).value.lower()],
        "firstDayOfWeek": first_day,
    }
    extent: dict[str, Any] = {"type": "noEnd"}
    if rule.until is not None:
        # Graph goes by days alone: the last one has to be a day of which the start lies within
        whole = max(0, (rule.until - times.start) // timedelta(weeks=rule.interval))
        last = times.start + whole * timedelta(weeks=rule.interval)
        extent = {"type": "endDate", "endDate": last.strftime(_DAY)}
    extent |= {"startDate": times.start.strftime(_DAY), "recurrenceTimeZone": zone_name(times.zone)}
    return {"pattern": pattern, "range": extent}


def other_first_day(recurrence: object) -> str:
    """Return another first day of the week than a recurrence has.

    On one weekday every so many weeks it makes no difference to the days, yet it makes another rule: and that is the
    one way to have instances again that were deleted, for with another rule a series begins anew.
    """
    match recurrence:
        case {"pattern": {"firstDayOfWeek": str(day)}} if day.lower() == _FIRST_DAYS[0]:
            return _FIRST_DAYS[1]
    return _FIRST_DAYS[0]


def wanted_pattern(wanted: WantedCopy) -> Pattern | None:
    """Return the pattern of a wanted copy, None for one that does not recur."""
    if wanted.rule is None:
        return None
    return held_pattern(recurrence_body(wanted.times, wanted.rule), zone_name(wanted.times.zone))


def held_pattern(recurrence: object, zone: str) -> Pattern | None:
    """Return the pattern of an event that was made in a zone, None where it does not recur."""
    if not isinstance(recurrence, dict):
        return None
    pattern, extent = _object(recurrence, "pattern"), _object(recurrence, "range")
    kind, weeks, span = pattern.get("type"), pattern.get("interval"), extent.get("type")
    weekdays = sorted(str(day).lower() for day in pattern.get("daysOfWeek") or ())
    last = extent.get("endDate") if span == "endDate" else None
    count = extent.get("numberOfOccurrences") if span == "numbered" else None
    of_months = [pattern.get(name) for name in ("dayOfMonth", "month", "index")] if kind != "weekly" else []
    spelling = str((kind, weeks, weekdays, of_months, span, extent.get("startDate"), last, count))
    first, until = _day(extent.get("startDate")), _day(last)
    if kind != "weekly" or not isinstance(weeks, int) or weeks < 1 or first is None:
        return Pattern(spelling, zone)
    ends = span == "noEnd" or (span == "endDate" and until is not None)
    plain = ends and weekdays == [Weekday.of(datetime.combine(first, time())).value.lower()]
    return Pattern(spelling, zone, first, until, weeks, plain)


def _day(text: object) -> date | None:
    try:
        return date.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _object(of: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = of.get(name)
    return found if isinstance(found, dict) else {}
