"""Zone names → zones: IANA names, Windows names, names with a vendor's prefix, fixed offsets.

Wall times follow RFC 5545 §3.3.5: one that a change of offset skips is understood with the offset before the gap,
one that happens twice is the first; that is what `fold=0` means to `datetime`.
"""

import re
import zoneinfo
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache, lru_cache

from tzlocal.windows_tz import win_tz

_FIXED = re.compile(r"(?:UTC|GMT)? ?([+-])(\d{1,2})(?::?([0-5]\d))?", re.ASCII | re.IGNORECASE)
_PAIR = re.compile(r"(GMT [+-]\d{4}) \(standard\) / (GMT [+-]\d{4}) \(daylight\)", re.ASCII | re.IGNORECASE)
_NUMBERED = re.compile(r"(.+ standard time) \d", re.ASCII | re.IGNORECASE)
_LONGEST_NAME = 255
_UTC_NAMES = frozenset({"utc", "z", "gmt", "etc/utc", "etc/gmt", "coordinated universal time"})

_FORMER_NAMES = {
    "armenian standard time": "Asia/Yerevan",
    "kamchatka standard time": "Asia/Kamchatka",
    "mexico standard time": "America/Mexico_City",
    "mexico standard time 2": "America/Chihuahua",
    "mid-atlantic standard time": "Etc/GMT+2",
    "us/pacific-new": "America/Los_Angeles",
}
"""Names of Windows and of the zone database that later lists no longer have."""

_PAIRS = {
    ("-0900", "-0800"): "America/Anchorage",
    ("-0800", "-0700"): "America/Los_Angeles",
    ("-0700", "-0600"): "America/Denver",
    ("-0600", "-0500"): "America/Chicago",
    ("-0500", "-0400"): "America/New_York",
    ("-0330", "-0230"): "America/St_Johns",
    ("+0000", "+0100"): "Europe/London",
    ("+0100", "+0200"): "Europe/Berlin",
    ("+0930", "+1030"): "Australia/Adelaide",
    ("+1000", "+1100"): "Australia/Sydney",
    ("+1200", "+1300"): "Pacific/Auckland",
}
"""Offsets in winter and summer that, among the zones of today, go with one set of rules almost everywhere."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone: its rules, and its name where it has one that others know (IANA, or `UTC`)."""

    rules: tzinfo
    name: str | None = None

    def instant(self, wall: datetime) -> datetime:
        """Return the instant (UTC) of a wall time. Raises `OverflowError` at the edges of the calendar."""
        return wall.replace(tzinfo=self.rules).astimezone(UTC)

    def wall(self, instant: datetime) -> datetime:
        """Return the naive wall time of an aware instant. Raises `OverflowError` at the edges of the calendar."""
        return instant.astimezone(self.rules).replace(tzinfo=None)

    def label(self, wall: datetime) -> str:
        """Return the name, or the offset at that wall time as `+HH:MM`."""
        if self.name is not None:
            return self.name
        minutes = int((wall.replace(tzinfo=self.rules).utcoffset() or timedelta()).total_seconds() // 60)
        return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


UTC_ZONE = Zone(UTC, "UTC")


def iana_zone(name: str) -> Zone:
    """Return the zone of an exact IANA name. Raises `KeyError` where there is none."""
    return Zone(zoneinfo.ZoneInfo(name), name)


def known_zone(name: str) -> Zone | None:
    """Return the zone of an IANA or Windows name in any case, or of an offset such as `GMT+01:00`, else None."""
    return _known(name.strip().strip("/")[: _LONGEST_NAME + 1])


def tail_zone(name: str) -> Zone | None:
    """Return the zone at the end of `/freeassociation.sourceforge.net/Europe/Paris` and the like, else None."""
    return _at_tail(name[:_LONGEST_NAME])


def likely_zone(name: str) -> Zone | None:
    """Return the zone that a name most likely stands for where nothing in the text says so, else None.

    Such names are `Pacific Standard Time 1` and `GMT -0500 (Standard) / GMT -0400 (Daylight)`.
    """
    return _likely(name[:_LONGEST_NAME].strip())


# What is remembered is remembered by short names: those of a hostile text would fill the memory.


@lru_cache(maxsize=2048)
def _known(name: str) -> Zone | None:
    key = name.lower()
    if len(key) > _LONGEST_NAME:
        return None
    if key in _UTC_NAMES:
        return UTC_ZONE
    known = _names().get(key)
    return iana_zone(known) if known is not None else _fixed(key)


@lru_cache(maxsize=2048)
def _at_tail(name: str) -> Zone | None:
    parts = name.strip("/").split("/")
    tails = ("/".join(parts[start:]) for start in range(1, len(parts)))
    return next((zone for tail in tails if (zone := known_zone(tail)) is not None), None)


@lru_cache(maxsize=2048)
def _likely(name: str) -> Zone | None:
    if numbered := _NUMBERED.fullmatch(name):
        return known_zone(numbered[1])
    pair = _PAIR.fullmatch(name)
    if pair is None:
        return None
    standard, daylight = pair[1], pair[2]
    if standard == daylight:
        return known_zone(standard)
    known = _PAIRS.get((standard[4:], daylight[4:]))
    return iana_zone(known) if known is not None else None


@cache
def _names() -> dict[str, str]:
    """Map lower-case IANA and Windows names to IANA names."""
    available = zoneinfo.available_timezones()
    names = {name.lower(): name for name in available}
    return _FORMER_NAMES | {windows.lower(): name for windows, name in win_tz.items() if name in available} | names


def _fixed(name: str) -> Zone | None:
    found = _FIXED.fullmatch(name)
    if found is None or int(found[2]) > 14:  # noqa: PLR2004 - no zone is further ahead
        return None
    size = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
    return Zone(timezone(-size if found[1] == "-" else size))
