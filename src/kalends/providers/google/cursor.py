"""What is remembered between passes, and inside one that was cut off: opaque strings of ours, with a version inside.

A sync token stands for the query that it came from: asked with other parameters it may answer for another query's
state. So a cursor keeps their names beside the token, and one of other parameters is refused.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from kalends.providers.errors import CursorRefused
from kalends.providers.google.payload import KEPT_FIELDS

POLICY = 2
"""Raised where what is read, or kept of it, changes its meaning without a parameter's name changing."""

REACH_BACK = timedelta(days=366)
"""How far before what is asked for a full reading begins.

An exception that was moved out of the window is listed by where it is now. One that went further back than this leaves
the instance that it replaced standing.
"""

STANDING: Mapping[str, str] = MappingProxyType(
    {
        "singleEvents": "false",
        "maxResults": "2500",
        "fields": f"nextPageToken,nextSyncToken,items({KEPT_FIELDS})",
    }
)
"""What is asked with each listing, first or later.

No `showDeleted`: with a sync token what was deleted comes in any case, and it may not be forbidden; without one the
instances that were taken out of a series come, and nothing else that was deleted. No `timeMax`, which would hold for
ever, and no `eventTypes`, which would do so too.
"""

_SHAPE = ",".join(sorted(STANDING))


@dataclass(frozen=True, slots=True)
class Query:
    """A listing of a calendar's events.

    `sync_token` is empty for all of them; then `time_min` is when the earliest may have ended, None for any time.
    `time_min` of a query with a sync token is that of the full reading that the token goes back to. `page` is the token
    of the page, empty for the first.
    """

    sync_token: str = ""
    time_min: datetime | None = None
    page: str = ""

    @property
    def full(self) -> bool:
        """Whether it lists everything."""
        return not self.sync_token

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters to send."""
        asked = dict(STANDING)
        if self.sync_token:
            asked["syncToken"] = self.sync_token
        elif self.time_min is not None:
            asked["timeMin"] = self.time_min.strftime("%Y-%m-%dT%H:%M:%SZ")
        if self.page:
            asked["pageToken"] = self.page
        return asked

    @classmethod
    def everything(cls, since: datetime | None) -> "Query":
        """Return the query for all events that can concern anything from `since` (UTC) on, or for all there are."""
        if since is None:
            return cls()
        return cls(time_min=since.replace(microsecond=0) - REACH_BACK)

    @classmethod
    def of_cursor(cls, text: str, since: datetime | None) -> "Query":
        """Return the query for what changed since a cursor.

        Raises `CursorRefused` where it is of another version or shape, or began too late for what is asked from `since`
        on.
        """
        match _parsed(text):
            case {"v": version, "shape": shape, "token": str(token), "since": str(began) | (None as began)} if (
                version,
                shape,
            ) == (POLICY, _SHAPE) and token:
                query = cls(token, _instant(began))
                if query.reaches(since):
                    return query
                raise CursorRefused("the cursor began later than what is asked for")
        raise CursorRefused("the cursor is of another version")

    def reaches(self, since: datetime | None) -> bool:
        """Tell whether all that concerns anything from `since` on is among what it lists."""
        return self.time_min is None or (since is not None and self.time_min <= since)

    def cursor(self, token: str) -> str:
        """Return the cursor that stands for this reading, given the sync token that it ended with."""
        return _written({"shape": _SHAPE, "token": token, "since": _text(self.time_min)})

    def continuation(self) -> str:
        """Return the query as text, to go on from."""
        kept = {"shape": _SHAPE, "token": self.sync_token, "since": _text(self.time_min), "page": self.page}
        return _written(kept)

    def resumed(self, text: str | None, since: datetime | None) -> "Query":
        """Return where a reading that began with this query was cut off; itself where the text is of another one."""
        match _parsed(text or ""):
            case {"v": version, "shape": shape, "token": str(token), "since": str(began) | (None as began),
                  "page": str(page)} if (version, shape, token) == (POLICY, _SHAPE, self.sync_token):  # fmt: skip
                with suppress(CursorRefused):
                    begun = replace(self, time_min=_instant(began), page=page)
                    if begun.reaches(since):
                        return begun
        return self


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _written(kept: Mapping[str, object]) -> str:
    return json.dumps({"v": POLICY, **kept}, separators=(",", ":"))


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def _instant(text: str | None) -> datetime | None:
    """Return the instant of a text of ours; raises `CursorRefused` where it is none."""
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise CursorRefused("the cursor is damaged")
    return instant
