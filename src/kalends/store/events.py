"""What *list events* reads: occurrences over the calendars of many connections, in order, a page at a time."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import and_, or_, select, tuple_

from kalends.model.occurrence import Availability
from kalends.model.time import Window
from kalends.store.repository import SiteRepository
from kalends.store.tables import occurrences


class Position(NamedTuple):
    """Where a page ended: the sort key of its last event."""

    start_at: datetime
    calendar_id: str
    group_key: str
    key: str


class StoredEvent(NamedTuple):
    """One occurrence, with its span as instants. In the order of its columns, for a page holds many."""

    start_at: datetime
    calendar_id: str
    group_key: str
    key: str
    end_at: datetime
    all_day: bool
    title: str
    availability: Availability

    @property
    def position(self) -> Position:
        """Where a page that ends with this event goes on."""
        return Position(*self[:4])


_AVAILABILITY = {one.value: one for one in Availability}


class Events(SiteRepository):
    """The occurrences of one site."""

    async def between(
        self,
        span: Window,
        calendar_ids: Collection[str],
        *,
        all_day: bool | None,
        include_free: bool,
        after: Position | None,
        limit: int | None,
    ) -> Sequence[StoredEvent]:
        """Return the events of the calendars that overlap the span, by start, after a position.

        They are `limit` at most, all where it is None.
        """
        conditions: list[Any] = [
            occurrences.c.site_id == self._site_id,
            occurrences.c.calendar_id.in_(calendar_ids),
            occurrences.c.start_at < span.end,
            occurrences.c.end_at > span.start,
        ]
        if all_day is not None:
            conditions.append(occurrences.c.start_date.is_not(None) if all_day else occurrences.c.start_date.is_(None))
        if not include_free:
            blocking = [one.value for one in Availability if one.blocks]
            conditions.append(occurrences.c.availability.in_(blocking))
        if after is not None:
            rest = tuple_(occurrences.c.calendar_id, occurrences.c.group_key, occurrences.c.key)
            conditions.append(
                or_(
                    occurrences.c.start_at > after.start_at,
                    and_(occurrences.c.start_at == after.start_at, rest > tuple_(*after[1:])),
                )
            )
        query = (
            select(
                occurrences.c.start_at,
                occurrences.c.calendar_id,
                occurrences.c.group_key,
                occurrences.c.key,
                occurrences.c.end_at,
                occurrences.c.start_date.is_not(None),
                occurrences.c.title,
                occurrences.c.availability,
            )
            .where(*conditions)
            .order_by(occurrences.c.start_at, occurrences.c.calendar_id, occurrences.c.group_key, occurrences.c.key)
            .limit(limit)
        )
        rows = (await self._connection.execute(query)).all()
        return [StoredEvent._make((*row[:-1], _AVAILABILITY[row[-1]])) for row in rows]
