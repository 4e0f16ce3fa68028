"""List events: what blocks the people of the schedules asked for, a page at a time.

It fails closed: a calendar that should be read and cannot be makes the call fail or is named; it never shows the
person as free.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from kalends.accounts.directory import ProviderDirectory
from kalends.connections.cursors import EventCursors
from kalends.connections.finding import owners_reached
from kalends.connections.looking import Looking
from kalends.connections.queries import EventQuery
from kalends.connections.readability import Standing, readability
from kalends.connections.views import Failures
from kalends.model.clock import Clock
from kalends.model.connection import Connection, Status
from kalends.model.identity import Identity, Permission
from kalends.model.occurrence import Availability
from kalends.model.provider import CalendarType, Provider
from kalends.model.schedule import Schedule, Site, Titles
from kalends.model.time import Window
from kalends.store.calendars import Calendars, StoredCalendar
from kalends.store.connections import Connections
from kalends.store.database import Database
from kalends.store.events import Events, Position, StoredEvent
from kalends.store.schedules import Schedules
from kalends.store.sites import Sites
from kalends.sync.spans import SpanNotReadable, Spans

LOOK_EVERY = timedelta(milliseconds=200)


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


@dataclass(frozen=True, slots=True)
class Freshness:
    """From which age a calendar counts as not readable, and how long a first import is waited for."""

    staleness_limit: timedelta
    first_read_wait: timedelta


@dataclass(frozen=True, slots=True)
class _Source:
    """An imported calendar that belongs to the answer, and everything that its events are shown with."""

    calendar: StoredCalendar
    connection: Connection
    provider: Provider
    schedule: Schedule


@dataclass(frozen=True, slots=True)
class _Scope:
    """What a query covers: connections that can answer, from which calendars, and those that cannot.

    What was read of those that are acknowledged to be broken is among the sources, too.
    """

    site: Site
    readable: Sequence[Connection]
    sources: dict[str, _Source]
    unreadable: Sequence[Connection]
    never_read: bool


class EventListing:
    """Answers *list events*."""

    def __init__(
        self,
        database: Database,
        directory: ProviderDirectory,
        cursors: EventCursors,
        spans: Spans,
        clock: Clock,
        freshness: Freshness,
        looking: Looking,
    ) -> None:
        self._database = database
        self._directory = directory
        self._cursors = cursors
        self._spans = spans
        self._clock = clock
        self._freshness = freshness
        self._looking = looking

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
        scope = await self._readable_scope(identity, query)
        await self._looking.note(identity.site_id, [*scope.readable, *scope.unreadable])
        found, missing = await self._events(scope, query, after)
        readable = {one.id for one in scope.readable}
        # of a connection that is acknowledged to be broken, what can be had is enough
        failures = Failures.of([*scope.unreadable, *(one for one in missing if one.id in readable)])
        answered = readable - {one.id for one in missing}
        if failures and not (query.partial_failure and answered):
            raise failures.error()
        events = found[: query.limit]
        more = len(found) > query.limit
        return EventPage(
            [self._listed(identity, query, scope, event) for event in events],
            self._cursors.make(identity.site_id, query, events[-1].position) if more else None,
            failures if query.partial_failure else None,
        )

    async def _readable_scope(self, identity: Identity, query: EventQuery) -> _Scope:
        """Return the scope, after waiting a little for imports that have only just been asked for."""
        deadline = self._clock.now() + self._freshness.first_read_wait
        scope = await self._scope(identity, query)
        while scope.never_read and self._clock.now() < deadline:
            await asyncio.sleep(LOOK_EVERY.total_seconds())
            scope = await self._scope(identity, query)
        return scope

    async def _scope(self, identity: Identity, query: EventQuery) -> _Scope:
        owners = owners_reached(identity, Permission.READ_ALL_CONNECTIONS)
        if query.user_ids is not None:
            owners = [one for one in query.user_ids if owners is None or one in owners]
        async with self._database.read() as reader:
            site = await Sites(reader).get(identity.site_id)
            connections = [
                one
                for one in await Connections(reader, identity.site_id).matching(
                    schedule_ids=query.schedule_ids, owner_ids=owners
                )
                if one.status is not Status.DISCONNECTED and one.import_config.enabled
            ]
            calendars = await Calendars(reader, identity.site_id).of_connections([one.id for one in connections])
            schedules = {
                one.id: one
                for one in await Schedules(reader, identity.site_id).matching(
                    ids={connection.schedule_id for connection in connections}
                )
            }
            providers = await self._directory.known(reader, identity.site_id)
        if site is None:
            raise LookupError(f"site {identity.site_id} vanished")
        sources: dict[str, _Source] = {}
        readable: list[Connection] = []
        unreadable: list[Connection] = []
        never_read = False
        now = self._clock.now()
        for connection in connections:
            provider = providers.get(connection.provider_id)
            found = readability(
                connection,
                calendars.get(connection.id, []),
                has_plugin=provider is not None,
                now=now,
                staleness_limit=self._freshness.staleness_limit,
            )
            if found.standing is Standing.UNREADABLE:
                unreadable.append(connection)
                never_read = never_read or found.awaits_first_read
                continue
            if found.standing is Standing.READABLE:
                readable.append(connection)
            if provider is not None:
                schedule = schedules[connection.schedule_id]
                read = [one for one in found.calendars if one.last_good_read_at is not None]
                sources |= {one.id: _Source(one, connection, provider, schedule) for one in read}
        return _Scope(site, readable, sources, unreadable, never_read)

    async def _events(
        self, scope: _Scope, query: EventQuery, after: Position | None
    ) -> tuple[Sequence[StoredEvent], Sequence[Connection]]:
        """Return one event more than the page holds, if there are, and the connections that failed to answer."""
        if not scope.sources:
            return [], []
        kept = [
            one
            for one, source in scope.sources.items()
            if self._spans.is_kept(source.calendar, source.schedule.time_zone, query.span)
        ]
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
        missing: list[Connection] = []
        for calendar_id, source in scope.sources.items():
            if calendar_id in kept:
                continue
            try:
                events = await self._spans.events(
                    source.connection,
                    source.calendar,
                    self._directory.kind(source.provider),
                    source.schedule.time_zone,
                    query.span,
                )
            except SpanNotReadable:
                missing.append(source.connection)
            else:
                found += [one for one in events if _wanted(one, query) and (after is None or one.position > after)]
        return sorted(found, key=lambda one: one.position)[: query.limit + 1], missing

    def _listed(self, identity: Identity, query: EventQuery, scope: _Scope, event: StoredEvent) -> ListedEvent:
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


def _wanted(event: StoredEvent, query: EventQuery) -> bool:
    if query.all_day is not None and query.all_day != event.all_day:
        return False
    return (query.include_free or event.availability.blocks) and _overlaps(event, query.span)


def _overlaps(event: StoredEvent, span: Window) -> bool:
    return event.start_at < span.end and event.end_at > span.start


def _sees_names(identity: Identity, site: Site, schedule: Schedule) -> bool:
    if identity.user_id is not None and identity.user_id == schedule.owner_id:
        return True
    return Permission.READ_ALL_CONNECTIONS in identity.permissions and site.titles is not Titles.OWNER_ONLY
