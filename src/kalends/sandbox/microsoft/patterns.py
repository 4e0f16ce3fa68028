"""Series: a `patternedRecurrence` → days.

Source: recurrencePattern and recurrenceRange in Microsoft's documents. Where a month is too short for `dayOfMonth`, its
last day is meant, as Outlook says it. An event that starts on a day which the pattern
does not match begins on the first one after it that it does.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from kalends.ical.recurrence import recur
from kalends.ical.rules import Frequency, Rule
from kalends.ical.steps import Steps
from kalends.ical.values import Unreadable
from kalends.sandbox.microsoft.errors import GraphRefused, bad_property, bad_request, unknown_property
from kalends.sandbox.microsoft.times import YEARS, Moment, zone_named

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_INDEXES = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}
_MOST_INTERVAL, _MOST_OCCURRENCES, _SHORTEST_MONTH, _LONGEST_MONTH, _MONTHS = 99, 999, 28, 31, 12
_MOST_STEPS = 2_000_000
_NO_DATE = "0001-01-01"

_PATTERN = ("type", "interval", "month", "dayOfMonth", "daysOfWeek", "firstDayOfWeek", "index")
_RANGE = ("type", "startDate", "endDate", "recurrenceTimeZone", "numberOfOccurrences")


@dataclass(frozen=True, slots=True)
class Series:
    """A recurrence that was checked: its rule, its last day if it has one, and how it is shown."""

    rule: Rule
    until: date | None
    shown: Mapping[str, Any]

    def walls(self, first: datetime, since: datetime, until: datetime) -> list[datetime]:
        """Return the starts between two wall times, both included, of the series that begins at or after `first`.

        Raises `GraphRefused` where that takes too long.
        """
        last = self.until
        within = None if last is None else (lambda wall: wall.date() <= last)
        try:
            found, _ = recur(
                self.rule,
                first,
                since=max(since, first),
                horizon=until,
                steps=Steps(_MOST_STEPS),
                within=within,
                first_counts=False,
            )
        except Unreadable:
            raise bad_request("The recurrence takes too long to expand.") from None
        return found

    def beginning(self, day: date) -> "Series":
        """Return the series as it is shown when its first occurrence is on a day."""
        extent = {**self.shown["range"], "startDate": day.isoformat()}
        return Series(self.rule, self.until, {**self.shown, "range": extent})

    def first(self, start: datetime) -> datetime:
        """Return the first start of all; raises `GraphRefused` where there is none within some years."""
        found = self.walls(start, start, start.replace(year=start.year + 9, day=min(start.day, _SHORTEST_MONTH)))
        if not found:
            raise bad_property("recurrence", "has no occurrence")
        return found[0]


def read_series(value: object, start: Moment) -> Series:
    """Return the series of an event that starts then; raises `GraphRefused`."""
    said = _fields(value, {"pattern", "range"}, "patternedRecurrence")
    pattern = _fields(said.get("pattern"), set(_PATTERN), "recurrencePattern")
    extent = _fields(said.get("range"), set(_RANGE), "recurrenceRange")
    kind = str(pattern.get("type"))
    if kind not in _RULES:
        raise bad_property("recurrence.pattern.type")
    shown: dict[str, Any] = {
        "type": kind,
        "interval": _number(pattern, "interval", 1, _MOST_INTERVAL, None),
        "month": _number(pattern, "month", 0, _MONTHS, 0),
        "dayOfMonth": _number(pattern, "dayOfMonth", 0, _LONGEST_MONTH, 0),
        "daysOfWeek": _days(pattern),
        "firstDayOfWeek": _choice(pattern, "firstDayOfWeek", DAYS, "sunday"),
        "index": _choice(pattern, "index", _INDEXES, "first"),
    }
    last, count, range_shown = _read_range(extent, start)
    rule = _RULES[kind](shown)
    counted = Rule(
        rule.freq,
        shown["interval"],
        count,
        week_start=DAYS.index(shown["firstDayOfWeek"]),
        by_month=rule.by_month,
        by_month_day=rule.by_month_day,
        by_day=rule.by_day,
        by_set_pos=rule.by_set_pos,
    )
    return Series(counted, last, {"pattern": shown, "range": range_shown})


def _read_range(extent: Mapping[str, Any], start: Moment) -> tuple[date | None, int | None, dict[str, Any]]:
    kind = _choice(extent, "type", ("noEnd", "endDate", "numbered"), None)
    begins = _date(extent, "startDate")
    if begins != start.wall.date():
        raise bad_property("recurrence.range.startDate", "is not the day on which the event starts")
    zone_name = extent.get("recurrenceTimeZone") or start.name
    zone_named(zone_name)
    last = _date(extent, "endDate") if kind == "endDate" else None
    if last is not None and last < begins:
        raise bad_property("recurrence.range.endDate", "lies before the start")
    count = _number(extent, "numberOfOccurrences", 1, _MOST_OCCURRENCES, None) if kind == "numbered" else None
    return (
        last,
        count,
        {
            "type": kind,
            "startDate": begins.isoformat(),
            "endDate": _NO_DATE if last is None else last.isoformat(),
            "recurrenceTimeZone": zone_name,
            "numberOfOccurrences": count or 0,
        },
    )


def _weekdays(shown: Mapping[str, Any]) -> tuple[tuple[int, int], ...]:
    if not shown["daysOfWeek"]:
        raise bad_property("recurrence.pattern.daysOfWeek", "is missing")
    return tuple(sorted((0, DAYS.index(day)) for day in shown["daysOfWeek"]))


def _month_days(shown: Mapping[str, Any]) -> tuple[int, ...]:
    day = shown["dayOfMonth"]
    if not day:
        raise bad_property("recurrence.pattern.dayOfMonth", "is missing")
    # the last of these that a month has
    return tuple(range(min(day, _SHORTEST_MONTH), day + 1))


def _months(shown: Mapping[str, Any]) -> tuple[int, ...]:
    if not shown["month"]:
        raise bad_property("recurrence.pattern.month", "is missing")
    return (shown["month"],)


def _daily(_: Mapping[str, Any]) -> Rule:
    return Rule(Frequency.DAILY)


def _weekly(shown: Mapping[str, Any]) -> Rule:
    return Rule(Frequency.WEEKLY, by_day=_weekdays(shown))


def _absolute_monthly(shown: Mapping[str, Any]) -> Rule:
    return Rule(Frequency.MONTHLY, by_month_day=_month_days(shown), by_set_pos=(-1,))


def _relative_monthly(shown: Mapping[str, Any]) -> Rule:
    return Rule(Frequency.MONTHLY, by_day=_weekdays(shown), by_set_pos=(_INDEXES[shown["index"]],))


def _absolute_yearly(shown: Mapping[str, Any]) -> Rule:
    return Rule(Frequency.YEARLY, by_month=_months(shown), by_month_day=_month_days(shown), by_set_pos=(-1,))


def _relative_yearly(shown: Mapping[str, Any]) -> Rule:
    index = (_INDEXES[shown["index"]],)
    return Rule(Frequency.YEARLY, by_month=_months(shown), by_day=_weekdays(shown), by_set_pos=index)


_RULES: dict[str, Callable[[Mapping[str, Any]], Rule]] = {
    "daily": _daily,
    "weekly": _weekly,
    "absoluteMonthly": _absolute_monthly,
    "relativeMonthly": _relative_monthly,
    "absoluteYearly": _absolute_yearly,
    "relativeYearly": _relative_yearly,
}


def _fields(value: object, known: set[str], kind: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise bad_property("recurrence", f"has no {kind}")
    if unknown := sorted(set(value) - known - {"@odata.type"}):
        raise unknown_property(unknown[0], kind)
    return {name: part for name, part in value.items() if part is not None}


def _number(fields: Mapping[str, Any], name: str, low: int, high: int, usual: int | None) -> int:
    value = fields.get(name, usual)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise _wrong(name)
    return value


def _choice(fields: Mapping[str, Any], name: str, choices: object, usual: str | None) -> str:
    value = fields.get(name, usual)
    if not isinstance(value, str) or value not in choices:  # type: ignore[operator]  # a tuple or a dict of texts
        raise _wrong(name)
    return value


def _days(pattern: Mapping[str, Any]) -> list[str]:
    days = pattern.get("daysOfWeek", [])
    if not isinstance(days, list) or not all(isinstance(day, str) and day in DAYS for day in days):
        raise _wrong("daysOfWeek")
    return [*dict.fromkeys(days)]


def _date(extent: Mapping[str, Any], name: str) -> date:
    try:
        read = date.fromisoformat(str(extent.get(name)))
    except ValueError:
        raise _wrong(name) from None
    if read.year not in YEARS:
        raise _wrong(name)
    return read


def _wrong(name: str) -> GraphRefused:
    return bad_property(f"recurrence {name}")
