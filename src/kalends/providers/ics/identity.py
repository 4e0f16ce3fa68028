"""Which event of a feed is which: by UID where that can be relied on, else by content. Pure.

A UID tells the components of one event (a master and its overrides) apart from those of another. It need not be
there, need not be the same at the next download, and need not belong to one event only. So what is stored with the same
content is the same event under whatever UID, and only what is left over goes by its UID.
"""

import hashlib
import re
from base64 import b32encode
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from kalends.ical.zones import known_zone
from kalends.providers.ics.splitting import Calendar, uid_of, zones_of

_VOLATILE = re.compile(rb"\n(?:UID|DTSTAMP|CREATED|LAST-MODIFIED)(?:;[^:\n]*)?:[^\n]*", re.IGNORECASE)
"""What feeds write anew at each download, and nothing here goes by."""

_APART = re.compile(rb"^(?:RECURRENCE-ID[;:]|STATUS[ \t]*:[ \t]*CANCELLED)", re.MULTILINE | re.IGNORECASE)
_CANCEL = b"CANCEL"


@dataclass(slots=True)
class FeedEvent:
    """One event of a feed: its components, by the calendar of the text in which they stand.

    `version` stands for all that is read of it. `uid` is empty where it has none of its own.
    """

    uid: bytes
    version: str
    parts: list[tuple[Calendar, list[bytes]]] = field(default_factory=list)

    @property
    def size(self) -> int:
        """The bytes of its components."""
        return sum(len(component) for _, components in self.parts for component in components)

    def payload(self) -> bytes:
        """Return the event as a text of its own, with the time zones that it needs."""
        lines: list[bytes] = []
        for calendar, components in self.parts:
            lines.append(b"BEGIN:VCALENDAR")
            if method := calendar.about.get(b"METHOD"):
                lines.append(b"METHOD:" + method)
            lines += _zones(calendar, components)
            lines += components
            lines.append(b"END:VCALENDAR")
        return b"\n".join(lines).replace(b"\n", b"\r\n") + b"\r\n"


def events_in(calendars: Iterable[Calendar]) -> Iterator[FeedEvent]:
    """Yield the events of a text, in the order in which they first stand there."""
    groups: dict[bytes, list[tuple[Calendar, bytes]]] = {}
    for calendar in calendars:
        for component in calendar.events:
            uid = uid_of(component)
            # what has no UID is a group of its own, under a name that no UID has
            groups.setdefault(uid or b"\n%d" % len(groups), []).append((calendar, component))
    for uid, members in groups.items():
        if uid.startswith(b"\n"):
            yield _event(b"", members)
        elif len(members) > 1 and not any(map(_belongs_to_another, members)):
            # several events that share a UID and have no part in each other; the same one twice is one
            yield from {one.version: one for one in (_event(b"", [member]) for member in members)}.values()
        else:
            yield _event(uid, members)


def identify(events: Sequence[FeedEvent], held: Mapping[str, str]) -> list[str]:
    """Return a key for each event, all different, given key → version of what is stored: where it is, its own."""
    keys = [""] * len(events)
    taken = set[str]()
    rest: list[int] = []
    for place, event in enumerate(events):
        key = _key(event)
        if held.get(key) == event.version and key not in taken:
            keys[place] = key
            taken.add(key)
        else:
            rest.append(place)
    if rest:
        _identify_rest(events, held, keys, taken, rest)
    return keys


def _identify_rest(
    events: Sequence[FeedEvent], held: Mapping[str, str], keys: list[str], taken: set[str], rest: Iterable[int]
) -> None:
    alike: defaultdict[str, list[str]] = defaultdict(list)
    for key in sorted(held.keys() - taken, reverse=True):
        alike[held[key]].append(key)
    left: list[int] = []
    for place in rest:
        if same := alike.get(events[place].version):
            keys[place] = same.pop()
            taken.add(keys[place])
        else:
            left.append(place)
    for place in left:
        key = first = _key(events[place])
        number = 1
        while key in taken:
            number += 1
            key = f"{first}-{number}"
        keys[place] = key
        taken.add(key)


def _key(event: FeedEvent) -> str:
    if not event.uid:
        return f"content-{event.version}"
    return "uid-" + b32encode(hashlib.blake2b(event.uid, digest_size=15).digest()).decode().lower()


def _event(uid: bytes, members: Iterable[tuple[Calendar, bytes]]) -> FeedEvent:
    event = FeedEvent(uid, "")
    for calendar, component in members:
        if event.parts and event.parts[-1][0] is calendar:
            event.parts[-1][1].append(component)
        else:
            event.parts.append((calendar, [component]))
    digest = hashlib.blake2b(digest_size=15)
    for calendar, components in event.parts:
        digest.update(b"\x00METHOD:" + calendar.about.get(b"METHOD", b""))
        for text in (*_zones(calendar, components), *components):
            digest.update(_VOLATILE.sub(b"", text))
    event.version = b32encode(digest.digest()).decode().lower()
    return event


def _belongs_to_another(member: tuple[Calendar, bytes]) -> bool:
    calendar, component = member
    return calendar.about.get(b"METHOD", b"").upper() == _CANCEL or _APART.search(component) is not None


def _zones(calendar: Calendar, components: Iterable[bytes]) -> list[bytes]:
    """Return the VTIMEZONEs that components need: those of zones that are not known by their names."""
    if not calendar.zones:
        return []
    named = {name for component in components for name in zones_of(component)}
    unknown = (
        name for name in sorted(named & calendar.zones.keys()) if known_zone(name.decode("utf-8", "replace")) is None
    )
    return [calendar.zones[name] for name in unknown]
