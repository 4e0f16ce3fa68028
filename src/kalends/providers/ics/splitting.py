"""A feed's text → its events as bytes, without reading them: what did not change need not be parsed.

The text is cut where components begin and end (RFC 5545 §3.6). What is unfolded here is kept unfolded.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from kalends.ical.lines import OUTERMOST, unfold

_EDGE = re.compile(rb"^(BEGIN|END)[ \t]*:[ \t]*([A-Za-z-]+)[ \t]*$", re.MULTILINE | re.IGNORECASE)
_OUTERMOST = frozenset(name.encode() for name in OUTERMOST)
_PROPERTY = re.compile(rb"^([A-Za-z-]+)(?:;[^:\n]*)?:([^\n]*)$", re.MULTILINE)
_ABOUT = frozenset((b"METHOD", b"X-WR-CALNAME", b"NAME", b"X-WR-TIMEZONE", b"X-APPLE-CALENDAR-COLOR", b"COLOR"))
_INSIDE = re.compile(rb"\nBEGIN[ \t]*:[ \t]*(?!VEVENT)[^\n]*\n.*?\nEND[ \t]*:[ \t]*[^\n]*", re.DOTALL | re.IGNORECASE)
_UID = re.compile(rb"^UID(?:;[^:\n]*)?:([^\n]*)$", re.MULTILINE | re.IGNORECASE)
_ZONE = re.compile(rb'^[A-Za-z-]+;(?:[^:\n]*;)?TZID=(?:"([^"\n]*)"|([^;:\n]*))', re.MULTILINE | re.IGNORECASE)
_ZONE_NAME = re.compile(rb"^TZID(?:;[^:\n]*)?:([^\n]*)$", re.MULTILINE | re.IGNORECASE)


class CutOff(ValueError):
    """The text ends, or an event in it does, before its end."""


class NoCalendar(ValueError):
    """The text is no iCalendar."""


@dataclass(slots=True)
class Calendar:
    """One VCALENDAR of a text: what it says about itself by property (in capitals), its time zones, its events."""

    about: dict[bytes, bytes] = field(default_factory=dict)
    zones: dict[bytes, bytes] = field(default_factory=dict)
    """TZID → VTIMEZONE."""
    events: list[bytes] = field(default_factory=list)
    """Each from its BEGIN to its END, without the newline after that."""
    closed: bool = False


def split(text: bytes) -> list[Calendar]:
    """Cut a text into calendars and events; raises `NoCalendar`, and `CutOff` where an END is missing.

    Whether an event can be read is not looked at. Of two components of which one begins in the other, the outer one
    has lost its END, and with it the whole text its credit.
    """
    text = unfold(text)  # the name is taken again, so that the folded text is not kept
    calendars: list[Calendar] = []
    for calendar, kind, begin, end in _components(text):
        if calendar > len(calendars):
            calendars.append(Calendar())
        here = calendars[-1]
        part = text[begin:end]
        if kind == b"VEVENT":
            here.events.append(part)
        elif kind == b"VTIMEZONE":
            if (name := _ZONE_NAME.search(part)) is not None:
                here.zones.setdefault(name[1].strip(), part)
        elif kind == b"":
            for name, value in _PROPERTY.findall(part):
                if name.upper() in _ABOUT:
                    here.about.setdefault(name.upper(), value.strip())
    if not calendars:
        raise NoCalendar("it is no iCalendar")
    return calendars


def _components(text: bytes) -> Iterator[tuple[int, bytes, int, int]]:
    """Yield the number of the calendar from 1, the component's name, and from where to where it reaches.

    The name is empty for what a calendar says about itself. Raises `CutOff`.
    """
    calendar, opened = 0, False
    inside, begin, about = b"", 0, 0
    for edge in _EDGE.finditer(text):
        name = edge[2].upper()
        begins = len(edge[1]) == len(b"BEGIN")
        if name == b"VCALENDAR":
            if begins is opened or inside:
                raise CutOff("an END is missing, or a BEGIN")
            opened = begins
            if begins:
                calendar, about = calendar + 1, edge.end()
            else:
                yield calendar, b"", about, edge.start()
        elif name in _OUTERMOST and opened:
            if begins is bool(inside) or (inside and name != inside):
                raise CutOff("an END is missing, or a BEGIN")
            if begins:
                if about < edge.start():
                    yield calendar, b"", about, edge.start()
                inside, begin = name, edge.start()
            else:
                yield calendar, inside, begin, edge.end()
                inside, about = b"", edge.end()
    if opened:
        raise CutOff("END:VCALENDAR is missing")


def uid_of(event: bytes) -> bytes:
    """Return an event's UID, empty where it has none; alarms have UIDs of their own."""
    found = _UID.search(_INSIDE.sub(b"", event) if event.count(b"\nBEGIN") else event)
    return found[1].strip() if found else b""


def zones_of(event: bytes) -> set[bytes]:
    """Return the TZIDs that an event names."""
    return {quoted.strip() or bare.strip() for quoted, bare in _ZONE.findall(event)}
