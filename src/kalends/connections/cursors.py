"""Cursors of *list events*: they carry the whole query and where the last page ended."""

from datetime import datetime

from kalends.connections.queries import EventQuery
from kalends.model.time import Window
from kalends.store.events import Position
from kalends.vault.cursors import Cursors
from kalends.vault.signing import Signer

CURSOR_PURPOSE = "event cursors"
CURSOR_FIELD = "cursorPaging.cursor"


class EventCursors:
    """Makes and reads cursors."""

    def __init__(self, signer: Signer) -> None:
        self._cursors = Cursors(signer, CURSOR_FIELD)

    def make(self, site_id: str, query: EventQuery, after: Position) -> str:
        """Return a cursor that goes on after a position."""
        return self._cursors.make(
            site_id,
            {
                "span": [query.span.start.isoformat(), query.span.end.isoformat()],
                "schedules": query.schedule_ids,
                "users": query.user_ids,
                "allDay": query.all_day,
                "personal": query.personal,
                "limit": query.limit,
                "partial": query.partial_failure,
                "free": query.include_free,
                "after": [after.start_at.isoformat(), *after[1:]],
            },
        )

    def read(self, site_id: str, cursor: str) -> tuple[EventQuery, Position]:
        """Return the query of a cursor and where it goes on; raises `Invalid`, for another site's cursor too."""
        claims = self._cursors.read(site_id, cursor)
        start, end = (datetime.fromisoformat(one) for one in claims["span"])
        start_at, calendar_id, group_key, key = claims["after"]
        query = EventQuery(
            span=Window(start, end),
            schedule_ids=None if claims["schedules"] is None else tuple(claims["schedules"]),
            user_ids=None if claims["users"] is None else tuple(claims["users"]),
            all_day=claims["allDay"],
            personal=claims["personal"],
            limit=claims["limit"],
            partial_failure=claims["partial"],
            include_free=claims["free"],
        )
        return query, Position(datetime.fromisoformat(start_at), calendar_id, group_key, key)
