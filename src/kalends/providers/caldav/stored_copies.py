"""What a stored resource says as a copy: whose it is, and a digest of what was wanted of it. Pure; never raises.

Servers write what they store in their own way: another order, other line breaks, properties of their own, and none that
only says what holds anyway. Of all that the digest takes no note.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta

from kalends.ical.event import Duration, Event, Stamp
from kalends.ical.lines import unescaped, unfold
from kalends.ical.read import read_events
from kalends.ical.steps import Steps
from kalends.model.schedule_event import EventTimes
from kalends.providers.caldav.rendering import TAG_PROPERTY
from kalends.providers.copy_times import times_between

_TEXTS = frozenset({"SUMMARY", "DESCRIPTION", "LOCATION"})
_WORDS: Mapping[str, str] = {"TRANSP": "OPAQUE", "CLASS": "PUBLIC", "STATUS": "CONFIRMED"}
"""Properties that mean this where they are absent."""
_MOMENTS = frozenset({"DTSTART", "DTEND", "RECURRENCE-ID", "EXDATE", "RDATE"})
_WANTED = _TEXTS | _WORDS.keys() | _MOMENTS | {"DURATION", "RRULE", "URL", TAG_PROPERTY}
_LINE = re.compile(
    r"(?P<name>[A-Za-z0-9-]+)(?P<parameters>(?:;[^\":;]*(?:\"[^\"]*\"[^\":;]*)*)*):(?P<value>.*)", re.DOTALL
)
_ZONE = re.compile(r";TZID=\"?([^\";]*)", re.IGNORECASE)
_TAG = re.compile(r"[0-9a-v.]{1,100}")
_WHAT_HOLDS_ANYWAY = frozenset({"", "INTERVAL=1", "WKST=MO"})
_MOST_EVENTS = 10_000
"""Events of one resource that are looked through for the one that is no changed instance."""
_STEPS = 100_000
"""What the zones of a resource may take to be understood."""


def _at_line_start(end_of_line: bytes) -> re.Pattern[bytes]:
    """Return what finds the name of our property after an end of line, in any case and folded anywhere.

    As it begins with one literal byte, it is only ever tried at line breaks, and there ends with the first letter that
    does not fit. So nothing is unfolded to look for it.
    """
    letters = (f"[{letter.upper()}{letter.lower()}]".encode() for letter in TAG_PROPERTY)
    return re.compile(end_of_line + rb"(?:[\r\n]+[ \t])*".join(letters))


_NAMES = tuple(map(_at_line_start, (rb"\n", rb"\r")))


def tag_of(payload: bytes) -> str | None:
    """Return the tag (`WantedCopy.tag`) of the copy that a resource is, None where it is none of ours.

    It takes a few microseconds for what is none: only what has a line of our property's name is parsed.
    """
    if not any(name.search(payload) for name in _NAMES):
        return None
    for event in _events(payload):
        for name, _, value in event:
            if name == TAG_PROPERTY and _TAG.fullmatch(value.strip()):
                return value.strip()
    return None


def echo_of(payload: bytes) -> str:
    """Return the digest of what a resource holds of a copy's content (`providers.export.StoredCopy.echo`)."""
    events = sorted(_normal(event) for event in _events(payload))
    return hashlib.sha256(json.dumps(events).encode()).hexdigest()


def times_of(payload: bytes) -> EventTimes | None:
    """Return the times of the first instance, None where they cannot be said: where they have no zone, or no end.

    An event of one day need not say when it ends (RFC 5545 §3.6.1).
    """
    events = read_events(payload, max_events=_MOST_EVENTS, steps=Steps(_STEPS)).events
    event = next((one for one in events if one.recurrence_id is None), None)
    if event is None or event.start is None:
        return None
    try:
        zone = event.start.zone
        return times_between(_moment(event.start), _end(event, event.start), zone.name if zone else None)
    except OverflowError:
        return None


def _moment(stamp: Stamp) -> datetime | date | None:
    """Return a date, or an instant (UTC); None for a floating time."""
    if stamp.is_date:
        return stamp.wall.date()
    return stamp.zone.instant(stamp.wall) if stamp.zone else None


def _end(event: Event, start: Stamp) -> datetime | date | None:
    if isinstance(event.end, Stamp):
        return _moment(event.end)
    length = event.end or Duration(days=int(start.is_date))
    end = _moment(Stamp(start.wall + timedelta(days=length.days), start.is_date, start.zone))
    return None if end is None else end + length.exact


_Line = tuple[str, str, str]
"""Name in capitals, parameters as written with the semicolon before each, value as written."""


def _events(payload: bytes) -> Iterator[list[_Line]]:
    """Yield the lines of each event, without those of the components in it."""
    path: list[str] = []
    lines: list[_Line] = []
    for line in unfold(payload).decode("utf-8", "replace").split("\n"):
        found = _LINE.fullmatch(line)
        if found is None:
            continue
        name, value = found["name"].upper(), found["value"]
        if name == "BEGIN":
            path.append(value.strip().upper())
            lines = [] if path[-1] == "VEVENT" else lines
        elif name == "END" and path:
            if path.pop() == "VEVENT":
                yield lines
        elif path and path[-1] == "VEVENT":
            lines.append((name, found["parameters"], value))


def _normal(event: list[_Line]) -> list[tuple[str, str]]:
    found = {*_WORDS.items()} - {
        (name, word) for name, word in _WORDS.items() if any(line[0] == name for line in event)
    }
    for name, parameters, value in event:
        if name in _WANTED:
            found.update((name, one) for one in _values(name, parameters, value))
    return sorted(found)


def _values(name: str, parameters: str, value: str) -> list[str]:
    if name in _TEXTS:
        text = unescaped(value).strip()
        return [text] if text else []
    if name in _MOMENTS:
        zone = _ZONE.search(parameters)
        return [f"{zone[1] if zone else ''}:{one.strip().upper()}" for one in value.split(",")]
    if name == "RRULE":
        parts = {part.strip() for part in value.upper().split(";")} - _WHAT_HOLDS_ANYWAY
        return [";".join(sorted(parts))]
    return [value.strip().upper() if name in _WORDS else value.strip()]
