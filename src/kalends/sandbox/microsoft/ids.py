"""Identifiers of Graph: opaque to those who are given them, and here made of the keys of what they name.

An ordinary id of an event holds the key of its calendar, so that it is another one after a move; an immutable id
(`Prefer: IdType="ImmutableId"`) does not. An occurrence's id is its master's with the day of its original start.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import date
from hashlib import sha256

from kalends.sandbox.microsoft.errors import GraphRefused, malformed_id

_ORDINARY, _IMMUTABLE, _FOLDER = b"\x01", b"\x02", b"\x03"
_BEFORE = {_ORDINARY: "AAMkAD", _IMMUTABLE: "AAkALg", _FOLDER: "AAMkAG"}
_MAILBOX, _KEY, _DAY = 6, 8, 3
_LONGEST = 200
_ROOM, _OTHER_ROOM = b"\x00\x00", b"\x00\x01"


@dataclass(frozen=True, slots=True)
class EventId:
    """What an id of an event says; `folder` is None in an immutable one, `day` is that of an occurrence."""

    mailbox: bytes
    item: bytes
    folder: bytes | None = None
    day: date | None = None

    def written(self, folder: bytes, *, immutable: bool) -> str:
        """Return the id as a text, for the event in a calendar."""
        day = b"" if self.day is None else self.day.toordinal().to_bytes(_DAY, "big")
        if immutable:
            return _written(_IMMUTABLE, self.mailbox + self.item + day + _ROOM)
        return _written(_ORDINARY, self.mailbox + folder + self.item + day)


def mailbox_key(user_id: str) -> bytes:
    """Return the key of somebody's mailbox."""
    return sha256(f"mailbox {user_id}".encode()).digest()[:_MAILBOX]


def calendar_id(mailbox: bytes, folder: bytes, *, other: bool = False) -> str:
    """Return the id of a calendar in a mailbox; it has an `other` one, by which it is known as well."""
    return _written(_FOLDER, mailbox + folder + (_OTHER_ROOM if other else _ROOM))


def read_calendar_id(text: str) -> tuple[bytes, bytes]:
    """Return the keys of mailbox and calendar; raises `GraphRefused`."""
    kind, keys = _read(text)
    if kind != _FOLDER or len(keys) != _MAILBOX + _KEY + len(_ROOM):
        raise malformed_id()
    return keys[:_MAILBOX], keys[_MAILBOX : -len(_ROOM)]


def read_event_id(text: str) -> EventId:
    """Return what an id of an event says; raises `GraphRefused`."""
    kind, keys = _read(text)
    mailbox, rest = keys[:_MAILBOX], keys[_MAILBOX:]
    folder = None
    if kind == _ORDINARY:
        folder, rest = rest[:_KEY], rest[_KEY:]
    elif kind == _IMMUTABLE:
        rest = rest[: -len(_ROOM)]
    else:
        raise malformed_id()
    item, day = rest[:_KEY], rest[_KEY:]
    if len(item) != _KEY or len(day) not in {0, _DAY}:
        raise malformed_id()
    try:
        return EventId(mailbox, item, folder, date.fromordinal(int.from_bytes(day, "big")) if day else None)
    except ValueError:
        raise malformed_id() from None


def _written(kind: bytes, keys: bytes) -> str:
    return _BEFORE[kind] + urlsafe_b64encode(kind + keys).decode()


def _read(text: str) -> tuple[bytes, bytes]:
    wrong: GraphRefused = malformed_id()
    before = next((one for one in _BEFORE.values() if text.startswith(one)), None)
    if before is None or len(text) > _LONGEST:
        raise wrong
    try:
        raw = urlsafe_b64decode(text.removeprefix(before).encode("ascii"))
    except (binascii.Error, ValueError):
        raise wrong from None
    if _BEFORE.get(raw[:1]) != before:
        raise wrong
    return raw[:1], raw[1:]
