"""Schedules of a site."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, and_, insert, select

from kalends.model.schedule import Schedule
from kalends.store.repository import SiteRepository
from kalends.store.tables import schedules, users

FIRST_REVISION = 1


class Schedules(SiteRepository):
    """The schedules of one site."""

    async def add(self, schedule: Schedule, created_at: datetime) -> None:
        """Insert a schedule; raises `AlreadyThere`, after which the transaction is of no more use."""
        await self._insert(
            insert(schedules).values(
                site_id=self._site_id,
                id=schedule.id,
                name=schedule.name,
                time_zone=schedule.time_zone,
                owner_id=schedule.owner_id,
                revision=FIRST_REVISION,
                created_at=created_at,
                updated_at=created_at,
                status="ACTIVE",
                follows_site_zone=False,
                details={},
            )
        )

    async def get(self, schedule_id: str) -> Schedule | None:
        """Return a schedule by id."""
        row = (await self._connection.execute(self._query().where(schedules.c.id == schedule_id))).one_or_none()
        return _schedule(row) if row else None

    async def matching(
        self, *, ids: Collection[str] | None = None, owner_ids: Collection[str] | None = None
    ) -> Sequence[Schedule]:
        """Return the schedules that match all filters given, by name."""
        query = self._query().order_by(schedules.c.name, schedules.c.id)
        if ids is not None:
            query = query.where(schedules.c.id.in_(ids))
        if owner_ids is not None:
            query = query.where(schedules.c.owner_id.in_(owner_ids))
        return [_schedule(row) for row in await self._connection.execute(query)]

    def _query(self) -> Select[Any]:
        owner = and_(users.c.site_id == schedules.c.site_id, users.c.id == schedules.c.owner_id)
        return (
            select(schedules, users.c.name.label("owner_name"))
            .join(users, owner, isouter=True)
            .where(schedules.c.site_id == self._site_id)
        )


def _schedule(row: Row[Any]) -> Schedule:
    return Schedule(row.site_id, row.id, row.name, row.time_zone, row.owner_id, row.owner_name)
