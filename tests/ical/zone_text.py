"""Writes VTIMEZONEs for an oracle without zone data: each change of offset becomes an observance."""

import re
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

_TZID = re.compile(r'TZID="?([^":;]+)"?')


def with_zones(payload: bytes, first_year: int, last_year: int) -> str:
    """Return the text with VTIMEZONEs for the IANA names it mentions and does not define."""
    text = payload.decode()
    defined = set(re.findall(r"^TZID:(.+)$", text.replace("\r", ""), re.MULTILINE))
    names = sorted((set(_TZID.findall(text)) - defined) & available_timezones())
    zones = "".join(_vtimezone(name, first_year, last_year) for name in names)
    return text.replace("PRODID:-//Kalends//tests//EN\r\n", f"PRODID:-//Kalends//tests//EN\r\n{zones}")


@cache
def _vtimezone(name: str, first_year: int, last_year: int) -> str:
    zone = ZoneInfo(name)
    moment, end = datetime(first_year, 1, 1, tzinfo=UTC), datetime(last_year, 12, 31, tzinfo=UTC)
    before = moment.astimezone(zone).utcoffset() or timedelta()
    parts = [_part("STANDARD", datetime(first_year, 1, 1), before, before)]
    while moment < end:
        step = moment + timedelta(days=1)
        after = step.astimezone(zone).utcoffset() or timedelta()
        if after != before:
            change = _change(zone, moment, step)
            kind = "DAYLIGHT" if after > before else "STANDARD"
            parts.append(_part(kind, (change + before).replace(tzinfo=None), before, after))
            before = after
        moment = step
    return f"BEGIN:VTIMEZONE\r\nTZID:{name}\r\n{''.join(parts)}END:VTIMEZONE\r\n"


def _change(zone: ZoneInfo, low: datetime, high: datetime) -> datetime:
    before = low.astimezone(zone).utcoffset()
    while high - low > timedelta(minutes=1):
        middle = low + (high - low) / 2
        low, high = (middle, high) if middle.astimezone(zone).utcoffset() == before else (low, middle)
    return (high + timedelta(seconds=30)).replace(second=0, microsecond=0)


def _part(kind: str, wall: datetime, before: timedelta, after: timedelta) -> str:
    return (
        f"BEGIN:{kind}\r\nDTSTART:{wall:%Y%m%dT%H%M%S}\r\nTZOFFSETFROM:{_offset(before)}\r\nTZOFFSETTO:{_offset(after)}\r\n"
        f"END:{kind}\r\n"
    )


def _offset(size: timedelta) -> str:
    minutes = int(size.total_seconds() // 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{abs(minutes) % 60:02}"
