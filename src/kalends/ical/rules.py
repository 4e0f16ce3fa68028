"""Recurrence rules, read and checked before anything is expanded (RFC 5545 §3.3.10)."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum
from functools import lru_cache
from typing import Any

from kalends.ical.values import Moment, Unreadable, parse_moment


class Frequency(IntEnum):
    """FREQ, from the longest period to the shortest."""

    YEARLY = 0
    MONTHLY = 1
    WEEKLY = 2
    DAILY = 3
    HOURLY = 4
    MINUTELY = 5
    SECONDLY = 6


WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_LONGEST_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_WEEKDAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d{1,9}", re.ASCII)
_MOST_WEEKS = 53
_LONGEST_REMEMBERED = 200
"""Characters of a rule that is read once; what is longer is rare, and would take much memory."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A checked RRULE; empty tuples stand for parts that are not given.

    `by_day` holds (ordinal, weekday), Monday being 0; ordinal 0 means every such weekday. `until` is as written.
    """

    freq: Frequency
    interval: int = 1
    count: int | None = None
    until: Moment | None = None
    week_start: int = 0
    by_month: tuple[int, ...] = ()
    by_week_no: tuple[int, ...] = ()
    by_year_day: tuple[int, ...] = ()
    by_month_day: tuple[int, ...] = ()
    by_day: tuple[tuple[int, int], ...] = ()
    by_hour: tuple[int, ...] = ()
    by_minute: tuple[int, ...] = ()
    by_second: tuple[int, ...] = ()
    by_set_pos: tuple[int, ...] = ()

    def for_dates(self) -> "Rule":
        """Return the rule as it applies to dates: the time of day is ignored (§3.3.10).

        Raises `Unreadable` where it repeats within the day.
        """
        if self.freq > Frequency.DAILY:
            raise Unreadable("repeats within the day, but DTSTART is a date")
        return replace(self, by_hour=(), by_minute=(), by_second=())

    def anchored(self, first: datetime) -> "Rule":
        """Return the rule with what it does not say taken from DTSTART (§3.3.10)."""
        filled: dict[str, Any] = {}
        if not (self.by_week_no or self.by_year_day or self.by_month_day or self.by_day):
            if self.freq == Frequency.YEARLY and not self.by_month:
                filled["by_month"] = (first.month,)
            if self.freq <= Frequency.MONTHLY:
                filled["by_month_day"] = (first.day,)
            elif self.freq == Frequency.WEEKLY:
                filled["by_day"] = ((0, first.weekday()),)
        elif self.by_week_no and not (self.by_year_day or self.by_month_day or self.by_day):
            filled["by_day"] = ((0, first.weekday()),)
        if self.freq < Frequency.HOURLY and not self.by_hour:
            filled["by_hour"] = (first.hour,)
        if self.freq < Frequency.MINUTELY and not self.by_minute:
            filled["by_minute"] = (first.minute,)
        if self.freq < Frequency.SECONDLY and not self.by_second:
            filled["by_second"] = (first.second,)
        return replace(self, **filled)


# Part of the rule → attribute, lowest and highest value, whether counting from the end is allowed.
_LISTS = {
    "BYMONTH": ("by_month", 1, 12, False),
    "BYWEEKNO": ("by_week_no", 1, _MOST_WEEKS, True),
    "BYYEARDAY": ("by_year_day", 1, 366, True),
    "BYMONTHDAY": ("by_month_day", 1, 31, True),
    "BYHOUR": ("by_hour", 0, 23, False),
    "BYMINUTE": ("by_minute", 0, 59, False),
    "BYSECOND": ("by_second", 0, 60, False),
    "BYSETPOS": ("by_set_pos", 1, 366, True),
}


def parse_rule(text: str) -> Rule:
    """Read and check a recurrence rule.

    Raises `Unreadable` for what has no FREQ or an unknown one, values out of range, an INTERVAL or COUNT below 1,
    parts given twice or unknown (but not X- ones), calendars other than the Gregorian, and days that no month has.
    Parts that a frequency does not allow narrow the rule down instead of voiding it; ordinals of weekdays are
    dropped where they mean nothing.
    """
    return _remembered(text) if len(text) <= _LONGEST_REMEMBERED else _read(text)


def _read(text: str) -> Rule:
    parts: dict[str, str] = {}
    for part in filter(None, text.strip().upper().split(";")):
        name, _, value = part.partition("=")
        name = name.strip()
        if name in parts:
            raise Unreadable("gives a part twice")
        parts[name] = value.strip()
    attributes: dict[str, Any] = {"freq": _frequency(parts.pop("FREQ", None))}
    for name, value in parts.items():
        attributes.update(_part(name, value))
    rule = Rule(**attributes)
    if rule.freq > Frequency.MONTHLY or rule.by_week_no:
        rule = replace(rule, by_day=tuple(sorted({(0, weekday) for _, weekday in rule.by_day})))
    _check_days_exist(rule)
    return rule


_remembered = lru_cache(maxsize=1024)(_read)
"""Most series of a calendar repeat by the same few rules."""


def _frequency(text: str | None) -> Frequency:
    if text is None:
        raise Unreadable("has no FREQ")
    try:
        return Frequency[text]
    except KeyError:
        raise Unreadable("has an unknown FREQ") from None


def _part(name: str, value: str) -> dict[str, Any]:
    if name in _LISTS:
        attribute, low, high, negative = _LISTS[name]
        numbers = {_number(name, item, low, high, negative=negative) for item in value.split(",")}
        # A leap second counts as second 59 (§3.3.12).
        return {attribute: tuple(sorted({min(number, 59) for number in numbers} if name == "BYSECOND" else numbers))}
    if name in {"INTERVAL", "COUNT"}:
        return {name.lower(): _number(name, value, 1, 999_999_999, negative=False)}
    if name == "BYDAY":
        return {"by_day": tuple(sorted({_weekday(item) for item in value.split(",")}))}
    if name == "UNTIL":
        return {"until": _until(value)}
    if name == "WKST" and value in WEEKDAYS:
        return {"week_start": WEEKDAYS.index(value)}
    # RFC 7529 §4: what these say is what goes without saying.
    if (name, value) in {("RSCALE", "GREGORIAN"), ("SKIP", "OMIT")} or name.startswith("X-"):
        return {}
    known = name in {"WKST", "RSCALE", "SKIP"}
    raise Unreadable(f"has a {name} that is not supported" if known else "has an unknown part")


def _until(text: str) -> Moment:
    try:
        return parse_moment(text)
    except Unreadable as error:
        raise Unreadable(f"has an UNTIL that {error}") from None


def _number(name: str, text: str, low: int, high: int, *, negative: bool) -> int:
    number = int(text) if _NUMBER.fullmatch(text.strip()) else None
    if number is None or not low <= (abs(number) if negative else number) <= high:
        raise Unreadable(f"has a value of {name} that is out of range")
    return number


def _weekday(text: str) -> tuple[int, int]:
    found = _WEEKDAY.fullmatch(text.strip())
    ordinal = int(found[1] or 0) if found else 0
    if found is None or abs(ordinal) > _MOST_WEEKS or (found[1] and not ordinal):
        raise Unreadable("has a value of BYDAY that is out of range")
    return ordinal, WEEKDAYS.index(found[2])


def _check_days_exist(rule: Rule) -> None:
    if not rule.by_month_day or not rule.by_month:
        return
    longest = max(_LONGEST_MONTH[month - 1] for month in rule.by_month)
    if all(abs(day) > longest for day in rule.by_month_day):
        raise Unreadable("names only days that its months do not have")
