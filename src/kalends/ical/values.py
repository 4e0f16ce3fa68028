"""Value types of RFC 5545 §3.3 that need no surroundings: text → plain values, or `Unreadable`."""

import re
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple

_MOMENT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)?(Z?))?", re.ASCII | re.IGNORECASE)
_USUAL = re.compile(r"\d{8}(?:T\d{6}Z?)?", re.ASCII)
_DATE, _IN_UTC = len("20260101"), len("20260101T090000Z")
_DURATION = re.compile(
    r"([+-]?)P(?=[\dT])(?:(\d{1,7})W)?(?:(\d{1,7})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})S)?)?",
    re.ASCII | re.IGNORECASE,
)
_OFFSET = re.compile(r"([+-])(\d\d)([0-5]\d)([0-5]\d)?", re.ASCII)
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)


class Unreadable(ValueError):
    """A part of an event that cannot be used; the message says why in plain words and quotes nothing of the event."""


class Moment(NamedTuple):
    """DATE or DATE-TIME as written: `wall` is naive, and midnight for a date."""

    wall: datetime
    is_date: bool
    is_utc: bool


def parse_moment(text: str) -> Moment:
    """Read a DATE or DATE-TIME (§3.3.4, §3.3.5), whichever the text looks like.

    A leap second counts as second 59, missing seconds as none, and 24:00 is the midnight that follows (ISO 8601).
    Raises `Unreadable`.
    """
    if _USUAL.fullmatch(text):
        with suppress(ValueError):
            return Moment(datetime.fromisoformat(text[:15]), len(text) == _DATE, len(text) == _IN_UTC)
    found = _MOMENT.fullmatch(text.strip())
    if found is None:
        raise Unreadable("is not a date or time")
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    ends_day = (hour, minute, second) == (24, 0, 0)
    try:
        wall = datetime(year, month, day, 0 if ends_day else hour, minute, 59 if second == 60 else second)  # noqa: DTZ001, PLR2004 - wall time; a leap second is read as the one before
        wall += timedelta(days=ends_day)
    except (ValueError, OverflowError):
        raise Unreadable("is not a date or time that exists") from None
    return Moment(wall, found[4] is None, bool(found[7]))


def parse_duration(text: str) -> tuple[int, timedelta]:
    """Read a DURATION (§3.3.6) as nominal days and exact time. Raises `Unreadable`."""
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise Unreadable("is not a duration")
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups()[1:])
    sign = -1 if found[1] == "-" else 1
    return sign * (7 * weeks + days), sign * timedelta(hours=hours, minutes=minutes, seconds=seconds)


def parse_offset(text: str) -> timedelta:
    """Read a UTC-OFFSET (§3.3.14), less than a day. Raises `Unreadable`."""
    found = _OFFSET.fullmatch(text.strip())
    if found is None or int(found[2]) > 23:  # noqa: PLR2004 - hours of a day
        raise Unreadable("is not an offset from UTC")
    size = timedelta(hours=int(found[2]), minutes=int(found[3]), seconds=int(found[4] or 0))
    return -size if found[1] == "-" else size


def parse_count(text: str) -> int:
    """Read a number that is not negative, of at most nine digits; raises `Unreadable`."""
    if _NUMBER.fullmatch(text.strip()) is None:
        raise Unreadable("is not a number")
    return int(text)
