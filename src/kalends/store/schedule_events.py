"""Schedule events of a site."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, delete, insert, or_, select, update

from kalends.model.event_series import extent
from kalends.model.schedule_event import (
    LONGEST_INSTANCE,
    EventTimes,
    EventType,
    Override,
    ScheduleEvent,
    Segment,
    WeeklyRule,
)
from kalends.model.time import Window
from kalends.store.repository import SiteRepository, chunks
from kalends.store.tables import schedule_event_overrides as overrides
from kalends.store.tables import schedule_event_segments as segments
from kalends.store.tables import schedule_events as events
from kalends.store.tables import schedules

_SLACK = timedelta(days=2)
"""More than new zone rules ever move an instant that was stored."""
_EVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are looked at. Filters that are None leave everything in; those given must all match."""

    ids: tuple[str, ...] | None = None
    schedule_ids: tuple[str, ...] | None = None
    external_schedule_ids: tuple[str, ...] | None = None
    app_ids: tuple[str, ...] | None = None
    types: tuple[EventType, ...] | None = None


class ScheduleEvents(SiteRepository):
    """The schedule events of one site."""

    async def add(self, event: ScheduleEvent, *, idempotency_key: str | None = None) -> None:
        """Insert an event; raises `AlreadyThere`, after which the transaction is of no more use."""
        await self._insert(
            insert(events).values(
                site_id=self._site_id,
                id=event.id,
                schedule_id=event.schedule_id,
                type=event.type.value,
                app_id=event.app_id,
                created_at=event.created_at,
                idempotency_key=idempotency_key,
                **_values(event),
            )
        )
        await self._add_parts(event.id, event.segments, event.overrides, event)

    async def get(self, event_id: str) -> ScheduleEvent | None:
        """Return an event by its id, with everything that belongs to it."""
        return await self._one(events.c.id == event_id)

    async def of_key(self, idempotency_key: str) -> ScheduleEvent | None:
        """Return the event that was made with an idempotency key."""
        return await self._one(events.c.idempotency_key == idempotency_key)

    async def lock(self, event_id: str) -> None:
        """Keep everybody else from changing the event until the transaction ends; what decides is read after this."""
        query = select(events.c.id).where(*self._in(events), events.c.id == event_id)
        await self._connection.execute(query.with_for_update())

    async def save(self, before: ScheduleEvent, after: ScheduleEvent) -> None:
        """Write what differs of an event from what was read."""
        await self._connection.execute(
            update(events).where(*self._in(events), events.c.id == after.id).values(**_values(after))
        )
        gone = [one for one in before.segments if one not in after.segments]
        dropped = [one for one in before.overrides if one not in after.overrides]
        for some in chunks(one.ordinal for one in gone):
            await self._drop(segments, after.id, segments.c.ordinal.in_(some))
        for override in dropped:
            where = and_(overrides.c.ordinal == override.ordinal, overrides.c.original == override.original)
            await self._drop(overrides, after.id, where)
        await self._add_parts(
            after.id,
            [one for one in after.segments if one not in before.segments],
            [one for one in after.overrides if one not in before.overrides],
            after,
        )

    async def to_come(self, schedule_id: str, now: datetime) -> Sequence[ScheduleEvent]:
        """Return the events of a schedule that are not cancelled and have not begun, or not all of them, if they recur.

        What began is told by the instants that were stored.
        """
        recurring = (
            select(segments.c.event_id)
            .where(*self._in(segments), segments.c.event_id == events.c.id, segments.c.interval.is_not(None))
            .exists()
        )
        query = select(events).where(
            *self._in(events),
            events.c.schedule_id == schedule_id,
            events.c.cancelled_at.is_(None),
            or_(events.c.starts_at >= now, and_(recurring, events.c.ends_at > now)),
        )
        rows = (await self._connection.execute(query.order_by(events.c.id).with_for_update())).all()
        return await self._whole(rows, None)

    async def overlapping(self, wanted: EventFilter, window: Window) -> Sequence[ScheduleEvent]:
        """Return the events that match and may overlap a window, in no order.

        Of the overrides of a series only those are there whose original or present times are near the window.
        """
        query = (
            select(events)
            .where(*self._in(events), *_conditions(wanted))
            .where(events.c.starts_at < window.end + _SLACK, events.c.ends_at > window.start - _SLACK)
        )
        if wanted.external_schedule_ids is not None:
            theirs = select(schedules.c.id).where(
                *self._in(schedules), schedules.c.external_id.in_(wanted.external_schedule_ids)
            )
            query = query.where(events.c.schedule_id.in_(theirs))
        rows = (await self._connection.execute(query)).all()
        return await self._whole(rows, window)

    async def _one(self, condition: ColumnElement[bool]) -> ScheduleEvent | None:
        query = select(events).where(*self._in(events), condition)
        row = (await self._connection.execute(query)).one_or_none()
        if row is None:
            return None
        (event,) = await self._whole([row], None)
        return event

    async def _whole(self, rows: Sequence[Row[Any]], window: Window | None) -> Sequence[ScheduleEvent]:
        """Return the events of rows with their segments, and all overrides or those near a window."""
        found_segments: dict[str, list[Segment]] = {}
        found_overrides: dict[str, list[Override]] = {}
        for some in chunks(row.id for row in rows):
            query = select(segments).where(*self._in(segments), segments.c.event_id.in_(some))
            for row in await self._connection.execute(query):
                found_segments.setdefault(row.event_id, []).append(_segment(row))
            recurring = [one for one in some if found_segments[one][0].rule is not None]
            if recurring:
                for row in await self._connection.execute(_near(window).where(*self._of(overrides, recurring))):
                    found_overrides.setdefault(row.event_id, []).append(_override(row))
        return [_event(row, found_segments[row.id], found_overrides.get(row.id, ())) for row in rows]

    async def _add_parts(
        self, event_id: str, some_segments: Iterable[Segment], some_overrides: Iterable[Override], event: ScheduleEvent
    ) -> None:
        whose = {"site_id": self._site_id, "event_id": event_id}
        by_ordinal = {one.ordinal: one for one in event.segments}
        for rows in chunks({**whose, **_segment_values(one)} for one in some_segments):
            await self._connection.execute(insert(segments), rows)
        for rows in chunks({**whose, **_override_values(one, by_ordinal[one.ordinal])} for one in some_overrides):
            await self._connection.execute(insert(overrides), rows)

    async def _drop(self, table: Any, event_id: str, condition: ColumnElement[bool]) -> None:
        await self._connection.execute(delete(table).where(*self._of(table, [event_id]), condition))

    def _in(self, table: Any) -> tuple[ColumnElement[bool]]:
        return (table.c.site_id == self._site_id,)

    def _of(self, table: Any, event_ids: Collection[str]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        return table.c.site_id == self._site_id, table.c.event_id.in_(event_ids)


def _near(window: Window | None) -> Any:
    query = select(overrides).order_by(overrides.c.event_id, overrides.c.ordinal, overrides.c.original)
    if window is None:
        return query
    begins, ends = window.start - LONGEST_INSTANCE - 2 * _SLACK, window.end + 2 * _SLACK
    # wall times of a zone are less than two days from the same reading in UTC
    original = overrides.c.original.between(begins.replace(tzinfo=None), ends.replace(tzinfo=None))
    return query.where(or_(original, and_(overrides.c.starts_at < ends, overrides.c.ends_at > begins)))


def _conditions(wanted: EventFilter) -> list[ColumnElement[bool]]:
    given: tuple[tuple[Any, tuple[str, ...] | None], ...] = (
        (events.c.id, wanted.ids),
        (events.c.schedule_id, wanted.schedule_ids),
        (events.c.app_id, wanted.app_ids),
        (events.c.type, None if wanted.types is None else tuple(one.value for one in wanted.types)),
    )
    return [column.in_(values) for column, values in given if values is not None]


def _values(event: ScheduleEvent) -> dict[str, Any]:
    starts_at, ends_at = extent(event)
    return {
        "revision": event.revision,
        "updated_at": event.updated_at,
        "cancelled_at": event.cancelled_at,
        "starts_at": starts_at,
        "ends_at": ends_at,
    }


def _times(times: EventTimes | None) -> dict[str, Any]:
    if times is None:
        return dict.fromkeys(("starts", "ends", "time_zone", "all_day"))
    return {"starts": times.start, "ends": times.end, "time_zone": times.zone, "all_day": times.all_day}


def _segment_values(segment: Segment) -> dict[str, Any]:
    return {
        "ordinal": segment.ordinal,
        "grid": segment.grid,
        **_times(segment.times),
        "interval": segment.rule.interval if segment.rule else None,
        "until": segment.rule.until if segment.rule else None,
        "from_at": segment.from_at,
        "before_at": segment.before_at,
        "content": dict(segment.content),
    }


def _override_values(override: Override, segment: Segment) -> dict[str, Any]:
    present = override.times or segment.times.at(override.original)
    return {
        "ordinal": override.ordinal,
        "original": override.original,
        "id": override.id,
        "cancelled": override.cancelled,
        **_times(override.times),
        "changes": dict(override.changes),
        "revision": override.revision,
        "created_at": override.created_at,
        "updated_at": override.updated_at,
        "starts_at": present.start_at,
        "ends_at": present.end_at,
    }


def _event(row: Row[Any], its: Sequence[Segment], differing: Sequence[Override]) -> ScheduleEvent:
    return ScheduleEvent(
        site_id=row.site_id,
        id=row.id,
        schedule_id=row.schedule_id,
        type=EventType(row.type),
        app_id=row.app_id,
        created_at=row.created_at,
        updated_at=row.updated_at,
        segments=tuple(sorted(its, key=lambda one: (one.from_at or _EVER, one.ordinal))),
        overrides=tuple(differing),
        cancelled_at=row.cancelled_at,
        revision=row.revision,
    )


def _segment(row: Row[Any]) -> Segment:
    return Segment(
        ordinal=row.ordinal,
        grid=row.grid,
        times=EventTimes(row.starts, row.ends, row.time_zone, row.all_day),
        content=row.content,
        rule=None if row.interval is None else WeeklyRule(row.interval, row.until),
        from_at=row.from_at,
        before_at=row.before_at,
    )


def _override(row: Row[Any]) -> Override:
    changes: Mapping[str, Any] = row.changes
    return Override(
        id=row.id,
        ordinal=row.ordinal,
        original=row.original,
        created_at=row.created_at,
        updated_at=row.updated_at,
        times=None if row.starts is None else EventTimes(row.starts, row.ends, row.time_zone, row.all_day),
        changes=changes,
        cancelled=row.cancelled,
        revision=row.revision,
    )
