"""Cursors of *list events* and *list conflicts*: they carry the whole query and where the last page ended."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from kalends.connections.queries import ConflictPosition, EventQuery
from kalends.model.time import Window
from kalends.store.events import Position
from kalends.vault.cursors import Cursors
from kalends.vault.signing import Signer

CURSOR_PURPOSE = "event cursors"
CONFLICT_CURSOR_PURPOSE = "conflict cursors"
CURSOR_FIELD = "cursorPaging.cursor"


class EventCursors:
    """Makes and reads cursors of events."""

    def __init__(self, signer: Signer) -> None:
        self._cursors = Cursors(signer, CURSOR_FIELD)

    def make(self, site_id: str, query: EventQuery, after: Position) -> str:
        """Return a cursor that goes on after a position."""
        return self._cursors.make(site_id, {**_said(query), "after": [after.start_at.isoformat(), *after[1:]]})

    def read(self, site_id: str, cursor: str) -> tuple[EventQuery, Position]:
        """Return the query of a cursor and where it goes on; raises `Invalid`, for another site's cursor too."""
        claims = self._cursors.read(site_id, cursor)
        start_at, calendar_id, group_key, key = claims["after"]
        return _query(claims), Position(datetime.fromisoformat(start_at), calendar_id, group_key, key)


class ConflictCursors:
    """Makes and reads cursors of conflicts."""

    def __init__(self, signer: Signer) -> None:
        self._cursors = Cursors(signer, CURSOR_FIELD)

    def make(self, site_id: str, query: EventQuery, after: ConflictPosition) -> str:
        """Return a cursor that goes on after a position."""
        position = [after.start_at.isoformat(), after.event_id, after.external_start_at.isoformat(), after.external_id]
        return self._cursors.make(site_id, {**_said(query), "after": position})

    def read(self, site_id: str, cursor: str) -> tuple[EventQuery, ConflictPosition]:
        """Return the query of a cursor and where it goes on; raises `Invalid`, for another site's cursor too."""
        claims = self._cursors.read(site_id, cursor)
        start_at, event_id, external_start_at, external_id = claims["after"]
        return _query(claims), ConflictPosition(
            datetime.fromisoformat(start_at), event_id, datetime.fromisoformat(external_start_at), external_id
        )


def _said(query: EventQuery) -> dict[str, Any]:
    return {
        "span": [query.span.start.isoformat(), query.span.end.isoformat()],
        "schedules": query.schedule_ids,
        "users": query.user_ids,
        "allDay": query.all_day,
        "personal": query.personal,
        "limit": query.limit,
        "partial": query.partial_failure,
        "free": query.include_free,
    }


def _query(claims: Mapping[str, Any]) -> EventQuery:
    start, end = (datetime.fromisoformat(one) for one in claims["span"])
    return EventQuery(
        span=Window(start, end),
        schedule_ids=None if claims["schedules"] is None else tuple(claims["schedules"]),
        user_ids=None if claims["users"] is None else tuple(claims["users"]),
        all_day=claims["allDay"],
        personal=claims["personal"],
        limit=claims["limit"],
        partial_failure=claims["partial"],
        include_free=claims["free"],
    )
