"""What our reader says of each VEVENT of a text, as plain values that can be laid beside another reader's."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

from kalends.ical.zones import Zone
from tests.ical.copies import Copies

Fields = dict[str, Any]
UNREADABLE: Fields = {"unreadable": True}
IN_UTC = "in UTC"
NO_ZONE = "in no zone"
DATE = "a date"

PARTS = {
    "BYMONTH": "by_month",
    "BYWEEKNO": "by_week_no",
    "BYYEARDAY": "by_year_day",
    "BYMONTHDAY": "by_month_day",
    "BYHOUR": "by_hour",
    "BYMINUTE": "by_minute",
    "BYSECOND": "by_second",
    "BYSETPOS": "by_set_pos",
}


def in_zone(name: str) -> str:
    return f"in {name!r}"


def ours(copies: Copies, payload: bytes) -> list[Fields]:
    """Read a text with our reader; zones are left at the names that the text gives them."""
    reader = copies.find("read", "_Reader")
    unreadable = copies.find("values", "Unreadable")
    steps = copies.find("steps", "Steps")
    read_event = reader._event
    found: list[Fields] = []

    def told(self: Any, component: Any) -> Any:
        try:
            event = read_event(self, component)
        except unreadable:
            found.append(UNREADABLE)
            raise
        found.append(_event(event))
        return event

    def named(_self: Any, name: str) -> Zone:
        return Zone(UTC, in_zone(name))

    with patch.object(reader, "_event", told), patch.object(reader, "_zone", named):
        copies.find("read", "read_events")(payload, max_events=10**6, steps=steps(10**6))
    return found


def _event(event: Any) -> Fields:
    return {
        "uid": event.uid,
        "title": event.title,
        "sequence": event.sequence,
        "availability": str(event.availability),
        "cancelled": event.cancelled,
        "withdrawn": event.withdrawn,
        "start": _stamp(event.start),
        "end": _end(event.end),
        "recurrence_id": _stamp(event.recurrence_id),
        "this_and_future": event.this_and_future,
        "rules": [_rule(rule) for rule in event.rules],
        "excluded_rules": [_rule(rule) for rule in event.excluded_rules],
        "extra": [(_stamp(extra.start), _end(extra.end)) for extra in event.extra],
        "excluded": [_stamp(stamp) for stamp in event.excluded],
    }


def _stamp(stamp: Any) -> tuple[datetime, str] | None:
    if stamp is None:
        return None
    if stamp.is_date:
        return stamp.wall, DATE
    if stamp.zone is None:
        return stamp.wall, NO_ZONE
    return stamp.wall, IN_UTC if stamp.zone.name == "UTC" else stamp.zone.name


def _end(end: Any) -> tuple[datetime, str] | timedelta | None:
    if end is None or hasattr(end, "wall"):
        return _stamp(end)
    return timedelta(days=end.days) + (end.exact if isinstance(end.exact, timedelta) else timedelta())


def _rule(rule: Any) -> Fields:
    told: Fields = {name: getattr(rule, name) for name in PARTS.values()}
    until = rule.until and (rule.until.wall, _kind(is_date=rule.until.is_date, is_utc=rule.until.is_utc))
    return told | {
        "freq": rule.freq.name,
        "interval": rule.interval,
        "count": rule.count,
        "until": until,
        "week_start": rule.week_start,
        "by_day": rule.by_day,
    }


def _kind(*, is_date: bool, is_utc: bool) -> str:
    if is_date:
        return DATE
    return IN_UTC if is_utc else NO_ZONE


def differences(mine: Sequence[Fields], other: Sequence[Fields]) -> list[str]:
    """Name what the two say differently."""
    if len(mine) != len(other):
        return [f"{len(mine)} events, not {len(other)}"]
    if any((one is UNREADABLE) != (two is UNREADABLE) for one, two in zip(mine, other, strict=True)):
        return [f"readable: {[one is not UNREADABLE for one in mine]}, not {[two is not UNREADABLE for two in other]}"]
    return [
        f"event {number}, {name}: {one.get(name)!r}, not {two.get(name)!r}"
        for number, (one, two) in enumerate(zip(mine, other, strict=True))
        for name in sorted(one.keys() | two.keys())
        if one.get(name) != two.get(name)
    ]
