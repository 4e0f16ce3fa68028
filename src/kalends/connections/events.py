"""List events: what blocks the people of the schedules asked for, a page at a time.

It fails closed: see `kalends.connections.scope`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from kalends.connections.cursors import EventCursors
from kalends.connections.queries import EventQuery
from kalends.connections.scope import Scope, Scopes
from kalends.connections.views import Failures
from kalends.model.connection import Connection
from kalends.model.identity import Identity, Permission
from kalends.model.occurrence import Availability
from kalends.model.provider import CalendarType
from kalends.model.schedule import Schedule, Site, Titles
from kalends.model.time import Window
from kalends.store.database import Database
from kalends.store.events import Events, Position, StoredEvent


@dataclass(frozen=True, slots=True)
class ListedEvent:
    """One event of the answer. The names are None unless the caller asked for them and may see them.

    `start` and `end` are aware: in UTC, for an all-day event in the schedule's zone.
    """

    schedule_id: str
    calendar_type: CalendarType
    start: datetime
    end: datetime
    all_day: bool
    availability: Availability
    owner_id: str | None
    calendar_name: str | None = None
    title: str | None = None
    owner_name: str | None = None


@dataclass(frozen=True, slots=True)
class EventPage:
    """A page of events by start; `next_cursor` only where there are more.

    `failures` name what is missing, possibly nothing, where the query puts up with that; else they are None.
    """

    events: Sequence[ListedEvent]
    next_cursor: str | None
    failures: Failures | None


class EventListing:
    """Answers *list events*."""

    def __init__(self, database: Database, scopes: Scopes, cursors: EventCursors) -> None:
        self._database = database
        self._scopes = scopes
        self._cursors = cursors

    async def first(self, identity: Identity, query: EventQuery) -> EventPage:
        """Return the first page; raises `ProviderUnavailable`."""
        return await self._page(identity, query, None)

    async def next(
        self, identity: Identity, cursor: str, *, limit: int | None = None, partial_failure: bool | None = None
    ) -> EventPage:
        """Return the page after a cursor, which carries the whole query; raises `Invalid`, `ProviderUnavailable`."""
        query, after = self._cursors.read(identity.site_id, cursor)
        if limit is not None:
            query = replace(query, limit=limit)
        if partial_failure is not None:
            query = replace(query, partial_failure=partial_failure)
        return await self._page(identity, query, after)

    async def _page(self, identity: Identity, query: EventQuery, after: Position | None) -> EventPage:
        scope = await self._scopes.of(identity, query)
        found, missing = await self._events(scope, query, after)
        failures = scope.failures(missing, partial=query.partial_failure)
        events = found[: query.limit]
        more = len(found) > query.limit
        return EventPage(
            [listed(identity, query, scope, event) for event in events],
            self._cursors.make(identity.site_id, query, events[-1].position) if more else None,
            failures if query.partial_failure else None,
        )

    async def _events(
        self, scope: Scope, query: EventQuery, after: Position | None
    ) -> tuple[Sequence[StoredEvent], Sequence[Connection]]:
        """Return one event more than the page holds, if there are, and the connections that failed to answer."""
        if not scope.sources:
            return [], []
        kept = self._scopes.kept(scope, query.span)
        async with self._database.read() as reader:
            found = [
                *await Events(reader, scope.site.id).between(
                    query.span,
                    kept,
                    all_day=query.all_day,
                    include_free=query.include_free,
                    after=after,
                    limit=query.limit + 1,
                )
            ]
        if len(kept) == len(scope.sources):
            return found, []
        events, missing = await self._scopes.worked_out(scope, kept, query.span)
        found += [one for one in events if wanted(one, query) and (after is None or one.position > after)]
        return sorted(found, key=lambda one: one.position)[: query.limit + 1], missing


def listed(identity: Identity, query: EventQuery, scope: Scope, event: StoredEvent) -> ListedEvent:
    """Return an event of a calendar in scope as the caller may see it."""
    source = scope.sources[event.calendar_id]
    schedule = source.schedule
    named = query.personal and _sees_names(identity, scope.site, schedule)
    start, end = event.start_at, event.end_at
    if event.all_day:
        zone = ZoneInfo(schedule.time_zone)
        start, end = start.astimezone(zone), end.astimezone(zone)
    return ListedEvent(
        schedule_id=schedule.id,
        calendar_type=source.provider.calendar_type,
        start=start,
        end=end,
        all_day=event.all_day,
        availability=event.availability,
        owner_id=schedule.owner_id,
        calendar_name=source.calendar.calendar.name if named else None,
        title=event.title if named else None,
        owner_name=schedule.owner_name if named else None,
    )


def wanted(event: StoredEvent, query: EventQuery) -> bool:
    """Tell whether an event belongs to the answer of a query, by what it is and when."""
    if query.all_day is not None and query.all_day != event.all_day:
        return False
    return (query.include_free or event.availability.blocks) and _overlaps(event, query.span)


def _overlaps(event: StoredEvent, span: Window) -> bool:
    return event.start_at < span.end and event.end_at > span.start


def _sees_names(identity: Identity, site: Site, schedule: Schedule) -> bool:
    if identity.user_id is not None and identity.user_id == schedule.owner_id:
        return True
    return Permission.READ_ALL_CONNECTIONS in identity.permissions and site.titles is not Titles.OWNER_ONLY
