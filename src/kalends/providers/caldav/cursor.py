"""What is remembered between passes, and inside one that was cut off: opaque strings of ours, with a version inside."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from kalends.providers.errors import CursorRefused

_VERSION = 1
_PLAN_VERSION = 2
_MOST_REMEMBERED_MEMBERS = 20_000


class Again(NamedTuple):
    """A member that is to be asked for again: its path as the server wrote it, and how often yet."""

    href: str
    left: int


class CursorKind(StrEnum):
    """How a server lets itself be asked what changed."""

    SYNC_TOKEN = "sync-token"  # noqa: S105 - the property's name
    """RFC 6578: it says itself what changed since a token."""
    CTAG = "ctag"
    """It has a tag that changes with the collection; which members changed, their etags say."""
    ETAGS = "etags"
    """Only the members' etags tell. The value is a tag that did not change when they did."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Up to where a calendar has been read.

    `witness` is what the other way of asking said about the same state, to be held against this one later: for a sync
    token the collection's tag, for a tag or etags a sync token on trial. Empty where there is none.
    `again` are members, by key, that came otherwise than they were listed: the next reading asks for them in any case.
    """

    kind: CursorKind
    value: str = ""
    witness: str = ""
    again: Mapping[str, Again] = field(default_factory=dict)

    def __str__(self) -> str:
        kept: dict[str, object] = {"v": _VERSION, "kind": self.kind, "value": self.value}
        kept |= {"witness": self.witness} if self.witness else {}
        kept |= {"again": self.again} if self.again else {}
        return json.dumps(kept, separators=(",", ":"))

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """Read a cursor; raises `CursorRefused` where it is not of this version."""
        try:
            match json.loads(text):
                case {"v": version, "kind": str(kind), "value": str(value), **others} if version == _VERSION:
                    named: Any = others.get("again", {})
                    again = {key: Again(*one) for key, one in named.items()}
                    return cls(CursorKind(kind), value, str(others.get("witness", "")), again)
        except (ValueError, TypeError, AttributeError):
            pass
        raise CursorRefused("the cursor is of another version")


class Listed(NamedTuple):
    """A member as a listing names it.

    `version` is its etag, empty where none was told. `href` is its path as the server wrote it, empty where the member
    cannot be asked for.
    """

    version: str
    href: str


@dataclass(frozen=True, slots=True)
class Plan:
    """A reading after its listing: what there is to read, and what will be known once it has been.

    `members` are by key: all of them in a full reading, else those that may have changed. `removed` is known to be
    gone.
    """

    full: bool
    cursor: str
    members: Mapping[str, Listed]
    removed: tuple[str, ...] = ()

    def continuation(self) -> str | None:
        """Return the plan as text; None where it is so large that listing again costs less than keeping it."""
        if len(self.members) + len(self.removed) > _MOST_REMEMBERED_MEMBERS:
            return None
        plan = {"v": _PLAN_VERSION, "full": self.full, "cursor": self.cursor, "members": self.members}
        return json.dumps({**plan, "removed": self.removed}, separators=(",", ":"))

    @classmethod
    def resume(cls, text: str, *, full: bool) -> "Plan | None":
        """Read a continuation; None where it is of another version or of another kind of reading."""
        try:
            match json.loads(text):
                case {"v": version, "full": bool(of_full), "cursor": str(cursor), "members": dict(members),
                      "removed": list(removed)} if version == _PLAN_VERSION and of_full is full:  # fmt: skip
                    listed = {key: Listed(*member) for key, member in members.items()}
                    return cls(full, cursor, listed, tuple(removed))
        except (ValueError, TypeError):
            pass
        return None
