"""Cursors of *list events*: signed, valid for a day, carrying the whole query and where the last page ended."""

from datetime import datetime, timedelta

from kalends.connections.queries import EventQuery
from kalends.model.errors import Invalid, Rule
from kalends.model.time import Window
from kalends.store.events import Position
from kalends.vault.signing import SignatureRefused, Signer

CURSOR_PURPOSE = "event cursors"
CURSOR_FIELD = "cursorPaging.cursor"
LIFETIME = timedelta(hours=24)
LONGEST = 32_768


class EventCursors:
    """Makes and reads cursors."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def make(self, site_id: str, query: EventQuery, after: Position) -> str:
        """Return a cursor that goes on after a position."""
        return self._signer.sign(
            {
                "site": site_id,
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
            LIFETIME,
        )

    def read(self, site_id: str, cursor: str) -> tuple[EventQuery, Position]:
        """Return the query of a cursor and where it goes on; raises `Invalid`, for another site's cursor too."""
        try:
            claims = self._signer.verify(cursor[: LONGEST + 1])
        except SignatureRefused as refused:
            why = "has expired" if refused.expired else "is not one that was handed out here"
            raise _refused(f"The cursor {why}.") from None
        if claims["site"] != site_id:
            raise _refused("The cursor is not one that was handed out here.")
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


def _refused(description: str) -> Invalid:
    return Invalid.one(CURSOR_FIELD, description, Rule.OTHER, name="INVALID_CURSOR")
