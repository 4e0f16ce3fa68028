"""Text → tree: content lines and components of RFC 5545 §3.1 and §3.4, read tolerantly and in linear time.

Only the properties that decide when and how an event blocks are kept; the rest of a resource is never looked at.
"""

import re
from dataclasses import dataclass, field
from typing import NamedTuple

KEPT = frozenset(
    (
        *("UID", "SEQUENCE", "STATUS", "SUMMARY", "TRANSP", "X-MICROSOFT-CDO-BUSYSTATUS", "ATTENDEE"),
        *("DTSTART", "DTEND", "DURATION", "RECURRENCE-ID", "RRULE", "EXRULE", "RDATE", "EXDATE"),
        *("TZID", "X-LIC-LOCATION", "TZOFFSETFROM", "TZOFFSETTO", "METHOD"),
    )
)

_DATED = frozenset(("DTSTART", "DTEND", "DURATION", "RECURRENCE-ID", "RDATE", "EXDATE"))
_DEEPEST = 8
OUTERMOST = frozenset(("VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VTIMEZONE", "VAVAILABILITY"))
"""Components that stand in a calendar, and in nothing else."""
_NOT_AN_ALARMS = _DATED - {"DURATION"} | {"RRULE", "EXRULE", "TRANSP", "SEQUENCE", "X-MICROSOFT-CDO-BUSYSTATUS"}
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_LINE = re.compile(rf"\n(BEGIN|END|{'|'.join(sorted(KEPT))})([ \t]*)([;:])([^\n]*)", re.IGNORECASE | re.ASCII)
_ZONE = re.compile(
    r"\nBEGIN:VTIMEZONE\n(?:(?!(?i:BEGIN|END)[ \t]*[;:][^\n]*V)[^\n]*\n)*END:VTIMEZONE(?=\n|\Z)", re.ASCII
)
"""A time zone in which nothing begins or ends but its own parts."""
_HEAD = re.compile(r'[^":]*(?:"[^"]*"[^":]*)*:')
_PARAMETER = re.compile(r';([A-Za-z0-9-]+)=(?:"([^"]*)"|([^;"]*))')
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


class Property(NamedTuple):
    """One content line: its name in capitals, what stands between name and value as written, and value."""

    name: str
    head: str
    value: str

    def parameter(self, name: str) -> str | None:
        """Return a parameter's value without quotes, None where it is absent; `name` in capitals."""
        if not self.head:
            return None
        for found in _PARAMETER.finditer(self.head):
            if found[1].upper() == name:
                return str(found[2] or found[3]).strip()
        return None

    @property
    def text(self) -> str:
        """The value with its escapes undone."""
        return unescaped(self.value)


@dataclass(slots=True)
class Component:
    """A component: its kept properties by name, and the components inside it.

    `closed` is False where the text ended, or an outer component did, before this one was ended. Where `unread` is not
    empty, it is the component's text, and the rest only comes with `opened`: few time zones are ever looked into.
    """

    name: str
    properties: dict[str, list[Property]] = field(default_factory=dict)
    children: list["Component"] = field(default_factory=list)
    closed: bool = False
    unread: str = ""

    def opened(self) -> "Component":
        """Return the component with what is in it."""
        if not self.unread:
            return self
        root = Component("", closed=True)
        _add_lines([root], self.unread)
        return root.children[0]

    def first(self, name: str) -> Property | None:
        """Return the first property of that name, None where there is none."""
        found = self.properties.get(name)
        return found[0] if found else None

    def all(self, name: str) -> list[Property]:
        """Return every property of that name, in order."""
        return self.properties.get(name, [])


def unescaped(text: str) -> str:
    """Return a TEXT value with the escapes of RFC 5545 §3.3.11 undone."""
    return _ESCAPE.sub(lambda found: "\n" if found[1] in "nN" else found[1], text)


def unfold(payload: bytes) -> bytes:
    """Return the text with a content line in each line, ended by a bare newline, whatever ends its lines had.

    UTF-16 that says so at its beginning becomes UTF-8.
    """
    if payload.startswith(_UTF_16):
        payload = payload.decode("utf-16", "replace").encode()
    lines = payload.replace(b"\r\r\n", b"\n").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return lines.replace(b"\n ", b"").replace(b"\n\t", b"")


def parse_components(payload: bytes) -> Component:
    """Return a nameless root that holds the text's outermost components.

    Folding is undone on the bytes, because it may cut a character in two. Bytes that are no UTF-8 are replaced.
    Never raises.
    """
    text = "\n" + unfold(payload).decode("utf-8", "replace").removeprefix("\ufeff")
    root = Component("", closed=True)
    path = [root]
    read = 0
    for zone in _ZONE.finditer(text):
        _add_lines(path, text[read : zone.start()])
        _open(path, "VTIMEZONE")
        opened = path.pop()
        opened.closed, opened.unread = True, zone[0]
        read = zone.end()
    _add_lines(path, text[read:])
    return root


def _add_lines(path: list[Component], text: str) -> None:
    """Add lines, each of which begins with a newline, to the components that are open."""
    for name, blank, mark, rest in _LINE.findall(text):
        name = name.upper()  # noqa: PLW2901 - the same name
        if name == "BEGIN":
            _open(path, (rest if mark == ":" else rest.partition(":")[2]).strip().upper())
        elif name == "END":
            _close(path, (rest if mark == ":" else rest.partition(":")[2]).strip().upper())
        else:
            path[-1].properties.setdefault(name, []).append(_property(name, blank, mark, rest))


def _open(path: list[Component], name: str) -> None:
    # Calendars, events and the like do not nest: where one begins inside another, that one has lost its END.
    if name == "VCALENDAR":
        del path[1:]
    elif name in OUTERMOST:
        del path[2 if len(path) > 1 and path[1].name == "VCALENDAR" else 1 :]
    # What is nested deeper than anything real is laid side by side, so that looking through the path stays cheap.
    del path[_DEEPEST:]
    component = Component(name)
    path[-1].children.append(component)
    path.append(component)


def _close(path: list[Component], name: str) -> None:
    if all(component.name != name for component in path[1:]):
        return
    while path[-1].name != name:
        lost = path.pop()
        # An alarm without its END has swallowed what follows it in the event.
        for kept in _NOT_AN_ALARMS & lost.properties.keys():
            path[-1].properties.setdefault(kept, lost.properties[kept])
    path.pop().closed = True


def _property(name: str, blank: str, mark: str, rest: str) -> Property:
    if mark == ":" and (name not in _DATED or ":" not in rest):
        return Property(name, "", rest)
    if name in _DATED:
        # No date, period or duration holds a colon, but zone names come with colons and without quotes.
        head, _, value = rest.rpartition(":")
        return Property(name, f"{blank}{mark}{head}", value)
    found = _HEAD.match(rest)
    cut = found.end() if found else rest.index(":") + 1 if ":" in rest else len(rest) + 1
    return Property(name, f"{mark}{rest[: cut - 1]}", rest[cut:])
