"""From a wanted copy to the text of its resource (RFC 5545): the same for the same copy, whenever it is made.

Nothing in it makes anybody an organizer or an attendee, and no alarm goes with it. SEQUENCE stays 0 and DTSTAMP is the
same in all copies: both would say how often and when something changed, and only the provider's etag tells that.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain

from kalends.model.copy import ChangedInstance, CopyText, WantedCopy
from kalends.model.schedule_event import LAST_YEAR, EventTimes, WeeklyRule, instant
from kalends.providers.caldav.zone_definitions import vtimezone

UID_ENDING = "@kalends"
"""What follows the key in the UID of a copy."""
TAG_PROPERTY = "X-KALENDS-TAG"
_PRODUCT = "-//Kalends//Kalends//EN"
_STAMP = "20260101T000000Z"
_LONGEST_LINE = 75
"""Octets, without the line break (RFC 5545 §3.1)."""
_UTC_ZONES = frozenset({"UTC", "Etc/UTC"})
_NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_NO_URI = re.compile(r"[\x00-\x20\x7f]")
_LINE_BREAK = re.compile("\r\n?|\n|\x85|\u2028|\u2029")


def resource(wanted: WantedCopy) -> bytes:
    """Return the text of a copy: a VCALENDAR with an event, its changed instances, and the zones that they name."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{_PRODUCT}"]
    lines += chain.from_iterable(_zones(wanted))
    lines += _event(wanted, wanted.times, wanted.text, list(_recurring(wanted)))
    for instance in sorted(wanted.changed, key=lambda one: one.original):
        lines += _event(wanted, instance.times, instance.text, [_replaces(wanted, instance)])
    lines.append("END:VCALENDAR")
    return "".join(folded(line) + "\r\n" for line in lines).encode()


def folded(line: str) -> str:
    """Return a content line, with breaks after at most 75 octets that cut no character in two."""
    if len(line.encode()) <= _LONGEST_LINE:
        return line
    pieces, size = [""], 0
    for character in line:
        octets = len(character.encode())
        if size + octets > _LONGEST_LINE:
            pieces.append("")
            size = 1
        pieces[-1] += character
        size += octets
    return "\r\n ".join(pieces)


def escaped(text: str) -> str:
    """Return a TEXT value (RFC 5545 §3.3.11), without characters that none may hold."""
    plain = _NO_TEXT.sub("", _LINE_BREAK.sub("\n", text))
    return plain.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def _zones(wanted: WantedCopy) -> Iterator[tuple[str, ...]]:
    times = [wanted.times, *(instance.times for instance in wanted.changed)]
    zones = {one.zone for one in times if not one.all_day} - _UTC_ZONES
    latest = max(one.end.year for one in times)
    if wanted.rule is not None:
        latest = max(latest, LAST_YEAR if wanted.rule.until is None else wanted.rule.until.year)
    for zone in sorted(zones):
        yield vtimezone(zone, min(one.start.year for one in times), latest)


def _event(wanted: WantedCopy, times: EventTimes, text: CopyText, more: list[str]) -> list[str]:
    lines = [
        "BEGIN:VEVENT",
        f"UID:{wanted.key}{UID_ENDING}",
        f"DTSTAMP:{_STAMP}",
        "SEQUENCE:0",
        _moment("DTSTART", times.start, times),
        _end(times),
        *more,
        f"SUMMARY:{escaped(text.title)}",
        f"TRANSP:{'OPAQUE' if text.busy else 'TRANSPARENT'}",
        f"CLASS:{'PRIVATE' if text.private else 'PUBLIC'}",
        "STATUS:CONFIRMED",
        f"{TAG_PROPERTY}:{wanted.tag}",
    ]
    lines += [f"DESCRIPTION:{escaped(text.notes)}"] if text.notes else []
    lines += [f"LOCATION:{escaped(text.location)}"] if text.location else []
    lines += [f"URL:{_NO_URI.sub('', text.url)}"] if text.url else []
    return [*lines, "END:VEVENT"]


def _recurring(wanted: WantedCopy) -> Iterator[str]:
    if wanted.rule is None:
        return
    yield f"RRULE:FREQ=WEEKLY;INTERVAL={wanted.rule.interval}{_until(wanted.rule, wanted.times)}"
    for original in sorted(wanted.cancelled):
        yield _moment("EXDATE", original, wanted.times)


def _until(rule: WeeklyRule, times: EventTimes) -> str:
    """RFC 5545 §3.3.10: a date where DTSTART is one, else in UTC."""
    if rule.until is None:
        return ""
    if times.all_day:
        return f";UNTIL={rule.until:%Y%m%d}"
    return f";UNTIL={_utc(instant(rule.until, times.zone))}"


def _replaces(wanted: WantedCopy, instance: ChangedInstance) -> str:
    return _moment("RECURRENCE-ID", instance.original, wanted.times)


def _moment(name: str, wall: datetime, times: EventTimes) -> str:
    """Return a property with a wall time, as its event has its times: as a date, in UTC, or in a zone."""
    if times.all_day:
        return f"{name};VALUE=DATE:{wall:%Y%m%d}"
    if times.zone in _UTC_ZONES:
        return f"{name}:{_utc(wall.replace(tzinfo=UTC))}"
    return f"{name};TZID={times.zone}:{wall:%Y%m%dT%H%M%S}"


def _end(times: EventTimes) -> str:
    if not times.all_day and instant(times.end, times.zone) != times.end_at:
        # A gap has skipped the start, and by its wall time the end would not be after it.
        return f"DURATION:PT{int(times.length.total_seconds())}S"
    return _moment("DTEND", times.end, times)


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
