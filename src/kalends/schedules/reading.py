"""Getting a schedule, and querying for schedules a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from kalends.model.schedule import Schedule, ScheduleStatus
from kalends.schedules.finding import find_schedule
from kalends.schedules.queries import ScheduleCursors, ScheduleQuery
from kalends.store.database import Database
from kalends.store.schedules import SchedulePosition, Schedules


@dataclass(frozen=True, slots=True)
class SchedulePage:
    """A page of schedules; `next_cursor` only where there are more."""

    schedules: Sequence[Schedule]
    next_cursor: str | None


class ScheduleReading:
    """Reads schedules."""

    def __init__(self, database: Database, cursors: ScheduleCursors) -> None:
        self._database = database
        self._cursors = cursors

    async def get(self, site_id: str, schedule_id: str) -> Schedule:
        """Return a schedule, a cancelled one too; raises `NotFound`."""
        async with self._database.read() as reader:
            return await find_schedule(reader, site_id, schedule_id)

    async def first(self, site_id: str, query: ScheduleQuery) -> SchedulePage:
        """Return the first page."""
        if query.wanted.statuses is None:
            query = replace(query, wanted=replace(query.wanted, statuses=(ScheduleStatus.ACTIVE,)))
        return await self._page(site_id, query, None)

    async def next(self, site_id: str, cursor: str, *, limit: int | None = None) -> SchedulePage:
        """Return the page after a cursor, which carries the whole query; raises `Invalid`."""
        query, after = self._cursors.read(site_id, cursor)
        return await self._page(site_id, query if limit is None else replace(query, limit=limit), after)

    async def _page(self, site_id: str, query: ScheduleQuery, after: SchedulePosition | None) -> SchedulePage:
        async with self._database.read() as reader:
            found = await Schedules(reader, site_id).page(query.wanted, query.order, after=after, limit=query.limit + 1)
        schedules = found[: query.limit]
        if len(found) == len(schedules):
            return SchedulePage(schedules, None)
        last = SchedulePosition(schedules[-1].created_at, schedules[-1].id)
        return SchedulePage(schedules, self._cursors.make(site_id, query, last))
