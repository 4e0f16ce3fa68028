"""Getting a schedule event, and querying for events a page at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from kalends.model.event_series import extent, instances, whole
from kalends.model.schedule_event import EventView, RecurrenceType, ScheduleEvent
from kalends.model.time import Window
from kalends.schedules.event_finding import EventOnSchedule, find_event
from kalends.schedules.event_queries import USUAL_TYPES, EventPosition, EventQuery, ScheduleEventCursors
from kalends.schedules.finding import find_schedule
from kalends.store.database import Database, Transaction
from kalends.store.schedule_events import ScheduleEvents
from kalends.store.schedules import Schedules
from kalends.store.sites import Sites

_STEP = timedelta(days=31)
_MOMENT = timedelta(microseconds=1)
_EVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class EventPage:
    """A page of events; `next_cursor` only where there are more."""

    events: Sequence[EventOnSchedule]
    next_cursor: str | None
    query: EventQuery


class EventReading:
    """Reads schedule events."""

    def __init__(self, database: Database, cursors: ScheduleEventCursors) -> None:
        self._database = database
        self._cursors = cursors

    async def get(self, site_id: str, event_id: str) -> EventOnSchedule:
        """Return an event, a cancelled one too; raises `NotFound`."""
        async with self._database.read() as reader:
            view = await find_event(reader, site_id, event_id)
            return EventOnSchedule(view, await find_schedule(reader, site_id, view.event.schedule_id))

    async def site_zone(self, site_id: str) -> str:
        """Return the time zone of the site, in which a span is understood that says nothing else."""
        async with self._database.read() as reader:
            site = await Sites(reader).get(site_id)
        if site is None:
            raise LookupError(f"site {site_id} vanished")
        return site.time_zone

    async def first(self, site_id: str, query: EventQuery) -> EventPage:
        """Return the first page."""
        if query.wanted.types is None:
            query = replace(query, wanted=replace(query.wanted, types=USUAL_TYPES))
        return await self._page(site_id, query, None)

    async def next(self, site_id: str, cursor: str, *, limit: int | None = None) -> EventPage:
        """Return the page after a cursor, which carries the whole query; raises `Invalid`."""
        query, after = self._cursors.read(site_id, cursor)
        return await self._page(site_id, query if limit is None else replace(query, limit=limit), after)

    async def _page(self, site_id: str, query: EventQuery, after: EventPosition | None) -> EventPage:
        async with self._database.read() as reader:
            found = await _found(reader, site_id, query, after)
            views = found[: query.limit]
            ids = {one.event.schedule_id for one in views}
            schedules = {one.id: one for one in await Schedules(reader, site_id).matching(ids=ids)}
        events = [EventOnSchedule(one, schedules[one.event.schedule_id]) for one in views]
        if len(found) == len(views):
            return EventPage(events, None, query)
        return EventPage(events, self._cursors.make(site_id, query, _position(views[-1])), query)


async def _found(
    reader: Transaction, site_id: str, query: EventQuery, after: EventPosition | None
) -> Sequence[EventView]:
    """Return the events after a position in order, one more than the limit where there are more.

    The span is looked at slice by slice, so that a page costs what stands on it and not what is in the whole span.
    """
    events = ScheduleEvents(reader, site_id)
    found: list[EventView] = []
    for piece, begins in _slices(query, after):
        views = [
            view
            for event in await events.overlapping(query.wanted, piece)
            for view in _views(event, piece, query)
            if begins <= _position(view).start_at < piece.end and _is_beyond(view, query, after)
        ]
        found += sorted(views, key=_position, reverse=query.descending)
        if len(found) > query.limit:
            break
    return found[: query.limit + 1]


def _slices(query: EventQuery, after: EventPosition | None) -> Iterator[tuple[Window, datetime]]:
    """Yield pieces of the span in order, each with the instant from which on its events start.

    The piece at the beginning of the span has what started before it, too.
    """
    start, end, step = query.span.start, query.span.end, _STEP
    if query.descending:
        if after is not None:
            end = max(min(end, after.start_at + _MOMENT), start + _MOMENT)
        while end > start:
            begins = max(start, end - step)
            yield Window(begins, end), _EVER if begins == start else begins
            end, step = begins, step * 2
        return
    first = True
    if after is not None:
        start = max(start, after.start_at)
    while start < end:
        ends = min(end, start + step)
        yield Window(start, ends), _EVER if first else start
        start, step, first = ends, step * 2, False


def _views(event: ScheduleEvent, piece: Window, query: EventQuery) -> Iterator[EventView]:
    views = [whole(event)]
    if event.recurs and query.recurrence != (RecurrenceType.MASTER,):
        views += instances(event, piece)
    for view in views:
        begins, ends = _span(view)
        if (
            begins < piece.end
            and ends > piece.start
            and view.recurrence in query.recurrence
            and view.status in query.statuses
            and view.transparency in query.transparencies
        ):
            yield view


def _span(view: EventView) -> tuple[datetime, datetime]:
    """Return when an event begins and ends; a series, from its first instance to its last."""
    if view.recurrence is RecurrenceType.MASTER:
        return extent(replace(view.event, overrides=()))
    return view.times.start_at, view.times.end_at


def _position(view: EventView) -> EventPosition:
    return EventPosition(_span(view)[0], view.id)


def _is_beyond(view: EventView, query: EventQuery, after: EventPosition | None) -> bool:
    if after is None:
        return True
    return _position(view) < after if query.descending else _position(view) > after
