"""What *query events* is asked, and its cursors."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from kalends.model.schedule_event import EventStatus, EventType, RecurrenceType, Transparency
from kalends.model.time import Window
from kalends.store.schedule_events import EventFilter
from kalends.vault.cursors import Cursors
from kalends.vault.signing import Signer

DEFAULT_LIMIT = 50
CURSOR_PURPOSE = "schedule event cursors"
CURSOR_FIELD = "query.cursorPaging.cursor"
USUAL_TYPES = tuple(one for one in EventType if one is not EventType.WORKING_HOURS)
USUAL_RECURRENCE = (RecurrenceType.NONE, RecurrenceType.INSTANCE, RecurrenceType.EXCEPTION)


class EventPosition(NamedTuple):
    """Where a page ended: the sort key of its last event."""

    start_at: datetime
    id: str


@dataclass(frozen=True, slots=True)
class EventQuery:
    """A query for events that overlap a span.

    Where nothing is said, that is what is confirmed, series as their instances, and no working hours.
    """

    span: Window
    wanted: EventFilter = field(default_factory=EventFilter)
    statuses: tuple[EventStatus, ...] = (EventStatus.CONFIRMED,)
    transparencies: tuple[Transparency, ...] = tuple(Transparency)
    recurrence: tuple[RecurrenceType, ...] = USUAL_RECURRENCE
    descending: bool = False
    limit: int = DEFAULT_LIMIT
    time_zone: str | None = None
    """The zone that times are shown in beside their own; carried for whoever shows them."""


class ScheduleEventCursors:
    """Makes and reads cursors, which carry the whole query and where the last page ended."""

    def __init__(self, signer: Signer) -> None:
        self._cursors = Cursors(signer, CURSOR_FIELD)

    def make(self, site_id: str, query: EventQuery, after: EventPosition) -> str:
        """Return a cursor that goes on after a position."""
        wanted = query.wanted
        return self._cursors.make(
            site_id,
            {
                "span": [query.span.start.isoformat(), query.span.end.isoformat()],
                "ids": wanted.ids,
                "schedules": wanted.schedule_ids,
                "externalSchedules": wanted.external_schedule_ids,
                "apps": wanted.app_ids,
                "types": wanted.types,
                "statuses": query.statuses,
                "transparencies": query.transparencies,
                "recurrence": query.recurrence,
                "descending": query.descending,
                "limit": query.limit,
                "zone": query.time_zone,
                "after": [after.start_at.isoformat(), after.id],
            },
        )

    def read(self, site_id: str, cursor: str) -> tuple[EventQuery, EventPosition]:
        """Return the query of a cursor and where it goes on; raises `Invalid`, for another site's cursor too."""
        claims = self._cursors.read(site_id, cursor)
        start, end = (datetime.fromisoformat(one) for one in claims["span"])
        types = _several(claims, "types")
        query = EventQuery(
            span=Window(start, end),
            wanted=EventFilter(
                ids=_several(claims, "ids"),
                schedule_ids=_several(claims, "schedules"),
                external_schedule_ids=_several(claims, "externalSchedules"),
                app_ids=_several(claims, "apps"),
                types=None if types is None else tuple(EventType(one) for one in types),
            ),
            statuses=tuple(EventStatus(one) for one in claims["statuses"]),
            transparencies=tuple(Transparency(one) for one in claims["transparencies"]),
            recurrence=tuple(RecurrenceType(one) for one in claims["recurrence"]),
            descending=claims["descending"],
            limit=claims["limit"],
            time_zone=claims["zone"],
        )
        start_at, event_id = claims["after"]
        return query, EventPosition(datetime.fromisoformat(start_at), event_id)


def _several(claims: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    return None if claims[name] is None else tuple(claims[name])
