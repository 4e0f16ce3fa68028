"""Intentions: which events are to be brought about in which accounts, written with what makes it necessary.

An intention names an event, not what is to be done: whoever carries it out looks at what is wanted by then, and at what
is there. So it does not matter how often it is carried out, nor how many changes one of them stands for.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, literal, or_, select, update

from kalends.model.connection import Status
from kalends.store.columns import UtcDateTime
from kalends.store.copies import CopyState
from kalends.store.repository import SiteRepository, chunks
from kalends.store.tables import connections, copies, intentions, schedule_events


@dataclass(frozen=True, slots=True)
class Intention:
    """That an event is to be brought about; `look` where somebody may have changed a copy of it at the provider."""

    event_id: str
    rev: int
    attempts: int
    look: bool


class Intentions(SiteRepository):
    """The intentions of one site."""

    async def mean(self, schedule_id: str, event_id: str, at: datetime) -> Sequence[str]:
        """Mean an event for each connection of its schedule that exports; return the connections' ids."""
        query = (
            select(connections.c.id)
            .where(
                connections.c.site_id == self._site_id,
                connections.c.schedule_id == schedule_id,
                _EXPORTING,
            )
            .order_by(connections.c.id)
        )
        ids = list((await self._connection.execute(query)).scalars())
        for connection_id in ids:
            await self._mean(connection_id, [event_id], at, look=False)
        return ids

    async def look(self, connection_id: str, event_ids: Collection[str], at: datetime) -> None:
        """Have copies of events compared with what they should be."""
        await self._mean(connection_id, event_ids, at, look=True)

    async def mean_all(self, connection_id: str, at: datetime) -> None:
        """Mean all events of a connection's schedule that are not over, and all that have copies."""
        schedule = select(connections.c.schedule_id).where(*self._is(connection_id)).scalar_subquery()
        to_come = select(schedule_events.c.id).where(
            schedule_events.c.site_id == self._site_id,
            schedule_events.c.schedule_id == schedule,
            schedule_events.c.ends_at > at,
        )
        copied = select(copies.c.event_id).where(
            copies.c.site_id == self._site_id,
            copies.c.connection_id == connection_id,
            copies.c.state != CopyState.GONE.value,
        )
        events = to_come.union(copied).subquery()
        await self._meaning(connection_id, select(events.c.id), at, look=False)

    async def of_site(self, at: datetime) -> Sequence[str]:
        """Mean everything for each connection of the site that exports; return the connections' ids."""
        return await self._all_of(at)

    async def of_schedule(self, schedule_id: str, at: datetime) -> Sequence[str]:
        """Mean everything for each connection of a schedule that exports; return the connections' ids."""
        return await self._all_of(at, connections.c.schedule_id == schedule_id)

    async def due(self, connection_id: str, now: datetime, *, limit: int) -> Sequence[Intention]:
        """Return what is to be carried out by now, the earliest first."""
        query = (
            select(intentions)
            .where(*self._of(connection_id), intentions.c.due_at <= now)
            .order_by(intentions.c.due_at, intentions.c.event_id)
            .limit(limit)
        )
        return [
            Intention(row.event_id, row.rev, row.attempts, row.look) for row in await self._connection.execute(query)
        ]

    async def done(self, connection_id: str, intention: Intention) -> None:
        """Note that an intention was carried out; one that was meant anew meanwhile stays."""
        await self._connection.execute(delete(intentions).where(*self._this(connection_id, intention)))

    async def put_off(self, connection_id: str, intention: Intention, until: datetime) -> None:
        """Note that carrying out an intention failed; unless it was meant anew meanwhile, it is due again later."""
        await self._connection.execute(
            update(intentions)
            .where(*self._this(connection_id, intention))
            .values(due_at=until, attempts=intention.attempts + 1)
        )

    async def next_due(self, connection_id: str) -> datetime | None:
        """Return when the next intention is due, None where there is none."""
        query = select(func.min(intentions.c.due_at)).where(*self._of(connection_id))
        found: datetime | None = (await self._connection.execute(query)).scalar_one_or_none()
        return found

    async def count(self, connection_id: str) -> int:
        """Return how many there are."""
        query = select(func.count()).where(*self._of(connection_id))
        return int((await self._connection.execute(query)).scalar_one())

    async def drop(self, connection_id: str) -> None:
        """Give all intentions of a connection up."""
        await self._connection.execute(delete(intentions).where(*self._of(connection_id)))

    async def _all_of(self, at: datetime, *conditions: ColumnElement[bool]) -> Sequence[str]:
        query = select(connections.c.id).where(connections.c.site_id == self._site_id, _EXPORTING, *conditions)
        query = query.order_by(connections.c.id)
        ids = list((await self._connection.execute(query)).scalars())
        for connection_id in ids:
            await self.mean_all(connection_id, at)
        return ids

    async def _mean(self, connection_id: str, event_ids: Collection[str], at: datetime, *, look: bool) -> None:
        if event_ids:
            await self._due_from(connection_id, at)
        for some in chunks(sorted(event_ids)):
            rows = [
                {
                    "site_id": self._site_id,
                    "connection_id": connection_id,
                    "event_id": event_id,
                    "rev": 1,
                    "due_at": at,
                    "attempts": 0,
                    "look": look,
                }
                for event_id in some
            ]
            await self._upsert(self._dialect.insert(intentions).values(rows))

    async def _meaning(self, connection_id: str, events: Select[Any], at: datetime, *, look: bool) -> None:
        """Mean the events that a query names."""
        await self._due_from(connection_id, at)
        columns = ["site_id", "connection_id", "event_id", "rev", "due_at", "attempts", "look"]
        rows = events.add_columns(literal(1), literal(at, UtcDateTime), literal(0), literal(look))
        named = rows.subquery()
        whole = select(literal(self._site_id), literal(connection_id), *named.c).where(
            literal(1) == 1
        )  # SQLite takes what follows a bare query for a part of it
        await self._upsert(self._dialect.insert(intentions).from_select(columns, whole))

    async def _upsert(self, adding: Any) -> None:
        await self._connection.execute(
            adding.on_conflict_do_update(
                index_elements=["site_id", "connection_id", "event_id"],
                set_={
                    "rev": intentions.c.rev + 1,
                    "due_at": adding.excluded.due_at,
                    "attempts": 0,
                    "look": or_(intentions.c.look, adding.excluded.look),
                },
            )
        )

    async def _due_from(self, connection_id: str, at: datetime) -> None:
        """Have a connection export; before anything else, for whoever carries intentions out locks it first too."""
        await self._connection.execute(update(connections).where(*self._is(connection_id)).values(export_due_at=at))

    def _is(self, connection_id: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        return connections.c.site_id == self._site_id, connections.c.id == connection_id

    def _of(self, connection_id: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        return intentions.c.site_id == self._site_id, intentions.c.connection_id == connection_id

    def _this(self, connection_id: str, intention: Intention) -> tuple[ColumnElement[bool], ...]:
        return (
            *self._of(connection_id),
            intentions.c.event_id == intention.event_id,
            intentions.c.rev == intention.rev,
        )


_EXPORTING = (connections.c.export_enabled) & (connections.c.status != Status.DISCONNECTED.value)
