"""Schedules of a site."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, Select, and_, insert, or_, select, update

from kalends.model.schedule import Schedule, ScheduleField, ScheduleFilter, ScheduleOrder, ScheduleStatus
from kalends.store.repository import SiteRepository
from kalends.store.tables import schedules, users


class SchedulePosition(NamedTuple):
    """Where a page ended: the sort key of its last schedule."""

    created_at: datetime
    id: str


class Schedules(SiteRepository):
    """The schedules of one site."""

    async def add(self, schedule: Schedule, *, idempotency_key: str | None = None) -> None:
        """Insert a schedule; raises `AlreadyThere`, after which the transaction is of no more use."""
        await self._insert(
            insert(schedules).values(
                site_id=self._site_id,
                id=schedule.id,
                created_at=schedule.created_at,
                app_id=schedule.app_id,
                idempotency_key=idempotency_key,
                **_values(schedule),
            )
        )

    async def get(self, schedule_id: str) -> Schedule | None:
        """Return a schedule by id."""
        return await self._one(schedules.c.id == schedule_id)

    async def of_key(self, idempotency_key: str) -> Schedule | None:
        """Return the schedule that was made with an idempotency key."""
        return await self._one(schedules.c.idempotency_key == idempotency_key)

    async def lock(self, schedule_id: str, *, shared: bool = False) -> None:
        """Keep everybody else from changing the schedule until the transaction ends.

        What decides a change has to be read after this. `shared` lets others read it under the same kind of lock. On
        SQLite a transaction that writes is alone anyway.
        """
        # no stronger than needed: who writes a connection holds on to the key of its schedule
        query = select(schedules.c.id).where(*self._is(schedule_id))
        await self._connection.execute(query.with_for_update(read=shared, key_share=not shared))

    async def lock_owned(self, owner_id: str) -> None:
        """Keep everybody else from changing the schedules of an owner until the transaction ends, as `lock` does."""
        query = select(schedules.c.id).where(schedules.c.site_id == self._site_id, schedules.c.owner_id == owner_id)
        await self._connection.execute(query.order_by(schedules.c.id).with_for_update(key_share=True))

    async def update(self, schedule: Schedule) -> None:
        """Write what can change of a schedule, its revision included."""
        await self._connection.execute(update(schedules).where(*self._is(schedule.id)).values(**_values(schedule)))

    async def move_followers(self, time_zone: str, at: datetime) -> Sequence[str]:
        """Give the site's new zone to the active schedules that follow it, and return their ids."""
        moved = await self._connection.execute(
            update(schedules)
            .where(
                schedules.c.site_id == self._site_id,
                schedules.c.follows_site_zone,
                schedules.c.status == ScheduleStatus.ACTIVE.value,
                schedules.c.time_zone != time_zone,
            )
            .values(time_zone=time_zone, revision=schedules.c.revision + 1, updated_at=at)
            .returning(schedules.c.id)
        )
        return [row.id for row in moved]

    async def matching(
        self, *, ids: Collection[str] | None = None, owner_ids: Collection[str] | None = None
    ) -> Sequence[Schedule]:
        """Return the schedules that match all filters given, by name, cancelled ones included."""
        query = self._query().order_by(schedules.c.name, schedules.c.id)
        if ids is not None:
            query = query.where(schedules.c.id.in_(ids))
        if owner_ids is not None:
            query = query.where(schedules.c.owner_id.in_(owner_ids))
        return [_schedule(row) for row in await self._connection.execute(query)]

    async def page(
        self, wanted: ScheduleFilter, order: ScheduleOrder, *, after: SchedulePosition | None, limit: int
    ) -> Sequence[Schedule]:
        """Return the schedules that match, in order, after a position, `limit` at most."""
        keys: list[Any] = [schedules.c.id]
        if order.by is ScheduleField.CREATED_DATE:
            keys.insert(0, schedules.c.created_at)
        query = self._query().where(*_conditions(wanted)).limit(limit)
        if after is not None:
            query = query.where(_beyond(order, after))
        query = query.order_by(*(key.desc() if order.descending else key for key in keys))
        return [_schedule(row) for row in await self._connection.execute(query)]

    async def _one(self, condition: ColumnElement[bool]) -> Schedule | None:
        row = (await self._connection.execute(self._query().where(condition))).one_or_none()
        return _schedule(row) if row else None

    def _is(self, schedule_id: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        return schedules.c.site_id == self._site_id, schedules.c.id == schedule_id

    def _query(self) -> Select[Any]:
        owner = and_(users.c.site_id == schedules.c.site_id, users.c.id == schedules.c.owner_id)
        return (
            select(schedules, users.c.name.label("owner_name"))
            .join(users, owner, isouter=True)
            .where(schedules.c.site_id == self._site_id)
        )


def _conditions(wanted: ScheduleFilter) -> list[ColumnElement[bool]]:
    given = (
        (schedules.c.id, wanted.ids),
        (schedules.c.external_id, wanted.external_ids),
        (schedules.c.app_id, wanted.app_ids),
        (schedules.c.status, wanted.statuses),
    )
    return [column.in_(values) for column, values in given if values is not None]


def _beyond(order: ScheduleOrder, after: SchedulePosition) -> ColumnElement[bool]:
    def further(column: Any, value: Any) -> ColumnElement[bool]:
        beyond: ColumnElement[bool] = column < value if order.descending else column > value
        return beyond

    if order.by is ScheduleField.ID:
        return further(schedules.c.id, after.id)
    same = and_(schedules.c.created_at == after.created_at, further(schedules.c.id, after.id))
    return or_(further(schedules.c.created_at, after.created_at), same)


def _values(schedule: Schedule) -> dict[str, Any]:
    return {
        "name": schedule.name,
        "time_zone": schedule.time_zone,
        "owner_id": schedule.owner_id,
        "revision": schedule.revision,
        "updated_at": schedule.updated_at,
        "status": schedule.status.value,
        "follows_site_zone": schedule.follows_site_zone,
        "external_id": schedule.external_id,
        "details": dict(schedule.details),
    }


def _schedule(row: Row[Any]) -> Schedule:
    return Schedule(
        site_id=row.site_id,
        id=row.id,
        name=row.name,
        time_zone=row.time_zone,
        owner_id=row.owner_id,
        owner_name=row.owner_name,
        created_at=row.created_at,
        updated_at=row.updated_at,
        follows_site_zone=row.follows_site_zone,
        status=ScheduleStatus(row.status),
        external_id=row.external_id,
        app_id=row.app_id,
        details=row.details,
        revision=row.revision,
    )
