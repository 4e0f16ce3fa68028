"""List conflicts: which imported events overlap schedule events that take time on the same schedule, page by page.

What blocks is what *list events* would tell, and it fails closed as that does. See `kalends.connections.scope`.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from kalends.connections.cursors import ConflictCursors
from kalends.connections.events import ListedEvent, listed, wanted
from kalends.connections.overlaps import overlapping
from kalends.connections.queries import ConflictPosition, EventQuery
from kalends.connections.scope import Scope, Scopes
from kalends.connections.views import Failures
from kalends.model.event_series import instances, whole
from kalends.model.identity import Identity, Permission
from kalends.model.schedule import Schedule
from kalends.model.schedule_event import (
    FIRST_YEAR,
    LAST_YEAR,
    LONGEST_INSTANCE,
    EventStatus,
    EventType,
    EventView,
    Transparency,
)
from kalends.model.time import Window
from kalends.store.database import Database
from kalends.store.events import Events, StoredEvent
from kalends.store.schedule_events import EventFilter, ScheduleEvents

MOST_LOOKED_AT = 10_000
"""How many events, of both sorts, a page looks at before it ends early, at the next slice of the span."""
PLENTY = 1_000
"""From so many events in a slice on, the next one is no longer: for each slice, the event loop stands still."""
TAKING_TIME = tuple(one for one in EventType if one is not EventType.WORKING_HOURS)
FIRST_SLICE = timedelta(days=1)
_EVER = Window(datetime(FIRST_YEAR - 1, 1, 1, tzinfo=UTC), datetime(LAST_YEAR + 2, 1, 1, tzinfo=UTC))
"""No schedule event lies outside."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """An imported event that overlaps a schedule event: `view` is a single event, or one instance of a series.

    `start` and `end` of it are aware: in UTC, for an all-day event in its own zone. `title` is None unless the caller
    asked for it and may see it. `external_id` stays the same until the event, or its series, gets another start.
    """

    view: EventView
    start: datetime
    end: datetime
    title: str | None
    external_id: str
    connection_id: str
    external: ListedEvent


@dataclass(frozen=True, slots=True)
class ConflictPage:
    """A page of conflicts by start of the schedule event; `next_cursor` where there is more of the span to look at.

    `failures` name what is missing, possibly nothing, where the query puts up with that; else they are None.
    """

    conflicts: Sequence[Conflict]
    next_cursor: str | None
    failures: Failures | None


class _Ours(NamedTuple):
    """A schedule event, or an instance, that takes time."""

    start_at: datetime
    end_at: datetime
    view: EventView


class _Pair(NamedTuple):
    """A conflict as it was found; pairs are sorted by their position, of which no two are the same."""

    position: ConflictPosition
    ours: _Ours
    theirs: StoredEvent


class ConflictListing:
    """Answers *list conflicts*."""

    def __init__(self, database: Database, scopes: Scopes, cursors: ConflictCursors) -> None:
        self._database = database
        self._scopes = scopes
        self._cursors = cursors

    async def first(self, identity: Identity, query: EventQuery) -> ConflictPage:
        """Return the first page; raises `ProviderUnavailable`."""
        return await self._page(identity, query, None)

    async def next(
        self, identity: Identity, cursor: str, *, limit: int | None = None, partial_failure: bool | None = None
    ) -> ConflictPage:
        """Return the page after a cursor, which carries the whole query; raises `Invalid`, `ProviderUnavailable`."""
        query, after = self._cursors.read(identity.site_id, cursor)
        if limit is not None:
            query = replace(query, limit=limit)
        if partial_failure is not None:
            query = replace(query, partial_failure=partial_failure)
        return await self._page(identity, query, after)

    async def _page(self, identity: Identity, query: EventQuery, after: ConflictPosition | None) -> ConflictPage:
        scope = await self._scopes.of(identity, query)
        kept = self._scopes.kept(scope, query.span)
        others, missing = await self._scopes.worked_out(scope, kept, query.span)
        failures = scope.failures(missing, partial=query.partial_failure)
        others = [one for one in others if wanted(one, query)]
        pairs, goes_on = await self._pairs(scope, query, after, kept, others)
        return ConflictPage(
            [_conflict(identity, query, scope, one) for one in pairs],
            None if goes_on is None else self._cursors.make(identity.site_id, query, goes_on),
            failures if query.partial_failure else None,
        )

    async def _pairs(
        self,
        scope: Scope,
        query: EventQuery,
        after: ConflictPosition | None,
        kept: Collection[str],
        others: Sequence[StoredEvent],
    ) -> tuple[Sequence[_Pair], ConflictPosition | None]:
        """Return the pairs of a page in order, and where the next one goes on, if there is one.

        The span is looked at slice by slice, so that a page costs what stands on it, and never more than
        `MOST_LOOKED_AT` and one slice.
        """
        found: list[_Pair] = []
        if not scope.sources:
            return found, None
        begins = _EVER.start if after is None else after.start_at
        start, end, step, looked_at = max(query.span.start, begins), min(query.span.end, _EVER.end), FIRST_SLICE, 0
        async with self._database.read() as reader:
            while start < end:
                piece = Window(start, min(end, start + step))
                ours = await _taking_time(ScheduleEvents(reader, scope.site.id), scope, piece, begins)
                theirs = await _beside(Events(reader, scope.site.id), ours, scope, query, kept)
                pairs = _meeting(ours, [*theirs, *others], scope)
                found += sorted((one for one in pairs if after is None or one.position > after), key=_position)
                if len(found) > query.limit:
                    return found[: query.limit], found[query.limit - 1].position
                seen = len(ours) + len(theirs)
                looked_at += seen
                if looked_at >= MOST_LOOKED_AT and piece.end < end:
                    return found, ConflictPosition(piece.end, "", piece.end, "")
                start = begins = piece.end
                step = step if seen > PLENTY else step * 2
        return found, None


async def _taking_time(events: ScheduleEvents, scope: Scope, piece: Window, begins: datetime) -> Sequence[_Ours]:
    """Return what takes time in a slice on the schedules in scope, and starts at an instant or later.

    What started before that was in an earlier slice.
    """
    schedules = tuple(sorted({one.schedule.id for one in scope.sources.values()}))
    found: list[_Ours] = []
    for event in await events.overlapping(EventFilter(schedule_ids=schedules, types=TAKING_TIME), piece):
        for view in instances(event, piece) if event.recurs else [whole(event)]:
            if view.status is EventStatus.CONFIRMED and view.transparency is Transparency.OPAQUE:
                one = _Ours(view.times.start_at, view.times.end_at, view)
                if begins <= one.start_at < piece.end and one.end_at > piece.start:
                    found.append(one)
    return found


async def _beside(
    events: Events, ours: Sequence[_Ours], scope: Scope, query: EventQuery, kept: Collection[str]
) -> Collection[StoredEvent]:
    """Return what is stored of the schedules of some events at their time.

    One that lasts long is asked for by itself, so that it does not bring a year of everybody else with it.
    """
    calendars: dict[str, list[str]] = {}
    for calendar_id in kept:
        calendars.setdefault(scope.sources[calendar_id].schedule.id, []).append(calendar_id)
    usual = [one for one in ours if one.end_at - one.start_at <= LONGEST_INSTANCE]
    lots = [usual] if usual else []
    lots += [[one] for one in ours if one.end_at - one.start_at > LONGEST_INSTANCE]
    found: dict[tuple[object, ...], StoredEvent] = {}
    for lot in lots:
        schedules = {one.view.event.schedule_id for one in lot}
        theirs = await events.between(
            Window(
                max(query.span.start, min(one.start_at for one in lot)),
                min(query.span.end, max(one.end_at for one in lot)),
            ),
            [calendar_id for one in schedules for calendar_id in calendars.get(one, ())],
            all_day=query.all_day,
            include_free=query.include_free,
            after=None,
            limit=None,
        )
        found |= {one.position: one for one in theirs}
    return found.values()


def _position(found: _Pair) -> ConflictPosition:
    return found.position


def _meeting(ours: Iterable[_Ours], theirs: Iterable[StoredEvent], scope: Scope) -> Iterator[_Pair]:
    """Yield the pairs of the same schedule that overlap."""
    by_schedule: dict[str, tuple[list[_Ours], list[StoredEvent]]] = {}
    for one in ours:
        by_schedule.setdefault(one.view.event.schedule_id, ([], []))[0].append(one)
    for other in theirs:
        lots = by_schedule.get(scope.sources[other.calendar_id].schedule.id)
        if lots is not None:
            lots[1].append(other)
    for lots in by_schedule.values():
        for one, other in overlapping(*lots):
            position = ConflictPosition(one.start_at, one.view.id, other.start_at, external_id(other))
            yield _Pair(position, one, other)


def external_id(event: StoredEvent) -> str:
    """Return the id of an imported event, or of one instance of a series: a GUID that says nothing about it."""
    return str(uuid5(UUID(event.calendar_id), f"{event.group_key}\n{event.key}"))


def _conflict(identity: Identity, query: EventQuery, scope: Scope, found: _Pair) -> Conflict:
    source, view = scope.sources[found.theirs.calendar_id], found.ours.view
    zone = ZoneInfo(view.times.zone) if view.times.all_day else UTC
    titled = query.personal and _sees_titles(identity, source.schedule)
    return Conflict(
        view=view,
        start=found.ours.start_at.astimezone(zone),
        end=found.ours.end_at.astimezone(zone),
        title=view.content.get("title") if titled else None,
        external_id=found.position.external_id,
        connection_id=source.connection.id,
        external=listed(identity, query, scope, found.theirs),
    )


def _sees_titles(identity: Identity, schedule: Schedule) -> bool:
    """Tell whether the caller sees the titles of schedule events, which may name people: their owner, and managers."""
    owns = identity.user_id is not None and identity.user_id == schedule.owner_id
    return owns or Permission.MANAGE_SCHEDULES in identity.permissions
