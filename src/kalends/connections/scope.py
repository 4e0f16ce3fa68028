"""What a question about imported events covers: the calendars that can answer it, and the connections that cannot.

It fails closed: a calendar that should be read and cannot be makes the call fail or is named; it never shows the
person as free.
"""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from kalends.accounts.directory import ProviderDirectory
from kalends.connections.finding import owners_reached
from kalends.connections.looking import Looking
from kalends.connections.queries import EventQuery
from kalends.connections.readability import Standing, readability
from kalends.connections.views import Failures
from kalends.model.clock import Clock
from kalends.model.connection import Connection, Status
from kalends.model.identity import Identity, Permission
from kalends.model.provider import Provider
from kalends.model.schedule import Schedule, Site
from kalends.model.time import Window
from kalends.store.calendars import Calendars, StoredCalendar
from kalends.store.connections import Connections
from kalends.store.database import Database
from kalends.store.events import StoredEvent
from kalends.store.schedules import Schedules
from kalends.store.sites import Sites
from kalends.sync.spans import SpanNotReadable, Spans

LOOK_EVERY = timedelta(milliseconds=200)


@dataclass(frozen=True, slots=True)
class Freshness:
    """From which age a calendar counts as not readable, and how long a first import is waited for."""

    staleness_limit: timedelta
    first_read_wait: timedelta


@dataclass(frozen=True, slots=True)
class Source:
    """An imported calendar that belongs to the answer, and everything that its events are shown with."""

    calendar: StoredCalendar
    connection: Connection
    provider: Provider
    schedule: Schedule


@dataclass(frozen=True, slots=True)
class Scope:
    """What a query covers: connections that can answer, from which calendars, and those that cannot.

    What was read of those that are acknowledged to be broken is among the sources, too.
    """

    site: Site
    readable: Sequence[Connection]
    sources: dict[str, Source]
    unreadable: Sequence[Connection]
    never_read: bool

    def failures(self, missing: Sequence[Connection], *, partial: bool) -> Failures:
        """Return what the answer lacks, possibly nothing; `missing` are sources that failed to answer after all.

        Raises `ProviderUnavailable` where something is lacking, unless a part is enough and there is one.
        """
        readable = {one.id for one in self.readable}
        # of a connection that is acknowledged to be broken, what can be had is enough
        failures = Failures.of([*self.unreadable, *(one for one in missing if one.id in readable)])
        answered = readable - {one.id for one in missing}
        if failures and not (partial and answered):
            raise failures.error()
        return failures


class Scopes:
    """Works out what queries cover, and has those calendars answer that are not stored as they are asked for."""

    def __init__(
        self,
        database: Database,
        directory: ProviderDirectory,
        spans: Spans,
        clock: Clock,
        freshness: Freshness,
        looking: Looking,
    ) -> None:
        self._database = database
        self._directory = directory
        self._spans = spans
        self._clock = clock
        self._freshness = freshness
        self._looking = looking

    async def of(self, identity: Identity, query: EventQuery) -> Scope:
        """Return the scope, after waiting a little for imports that have only just been asked for.

        That somebody looks is noted.
        """
        deadline = self._clock.now() + self._freshness.first_read_wait
        scope = await self._read(identity, query)
        while scope.never_read and self._clock.now() < deadline:
            await asyncio.sleep(LOOK_EVERY.total_seconds())
            scope = await self._read(identity, query)
        await self._looking.note(identity.site_id, [*scope.readable, *scope.unreadable])
        return scope

    def kept(self, scope: Scope, span: Window) -> Sequence[str]:
        """Return the ids of the calendars whose stored occurrences answer for a span."""
        return [
            one
            for one, source in scope.sources.items()
            if self._spans.is_kept(source.calendar, source.schedule.time_zone, span)
        ]

    async def worked_out(
        self, scope: Scope, kept: Collection[str], span: Window
    ) -> tuple[list[StoredEvent], list[Connection]]:
        """Return all events around a span of the calendars that are not kept, free ones included, in no order.

        Beside them are the connections whose calendars failed to answer.
        """
        found: list[StoredEvent] = []
        missing: list[Connection] = []
        for calendar_id, source in scope.sources.items():
            if calendar_id in kept:
                continue
            try:
                found += await self._spans.events(
                    source.connection,
                    source.calendar,
                    self._directory.kind(source.provider),
                    source.schedule.time_zone,
                    span,
                )
            except SpanNotReadable:
                missing.append(source.connection)
        return found, missing

    async def _read(self, identity: Identity, query: EventQuery) -> Scope:
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
        sources: dict[str, Source] = {}
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
                sources |= {one.id: Source(one, connection, provider, schedule) for one in read}
        return Scope(site, readable, sources, unreadable, never_read)
