"""Spans of time, and how dates become instants.

Zones come from the pinned `tzdata` package alone, for the whole process, so that no result depends on the machine.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, reset_tzpath

import tzdata

reset_tzpath(to=())
ZoneInfo.clear_cache()

ZONE_RULES: str = tzdata.IANA_VERSION
"""The version of the zone database that places everything, such as `2026f`."""


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time: aware UTC datetimes, `start` inclusive, `end` exclusive."""

    start: datetime
    end: datetime

    @classmethod
    def around(cls, now: datetime, back: timedelta, ahead: timedelta) -> "Window":
        """Return the window that reaches from `back` before midnight (UTC) of `now` to `ahead` after it."""
        midnight = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
        return cls(midnight - back, midnight + ahead)


def midnight(day: date, zone: tzinfo) -> datetime:
    """Return the instant (UTC) at which a day begins in a zone.

    Where a change of offset skips midnight, the day begins at the first instant after the gap.
    """
    return datetime.combine(day, time(), zone).astimezone(UTC)


def is_iana_zone(name: str) -> bool:
    """Tell whether the zone database knows the name."""
    if "." in name:
        # tzdata's folders are packages, so that `America.Indiana/Knox` would be found as well
        return False
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True
