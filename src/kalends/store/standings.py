"""How exporting stands, written under the lease of a sync."""

from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from kalends.model.connection import ErrorReason, Lease
from kalends.store.connections import NOTHING_WRONG
from kalends.store.leases import LeaseLost, held
from kalends.store.tables import connections


class Standings:
    """How exporting stands with a connection whose lease is held, in an open transaction."""

    def __init__(self, connection: AsyncConnection, lease: Lease) -> None:
        self._connection = connection
        self._lease = lease

    async def exported(self, due_at: datetime | None) -> None:
        """Note that exporting went well, and when the next of it is due; raises `LeaseLost`."""
        await self._update(export_due_at=due_at, **NOTHING_WRONG)

    async def put_off(self, due_at: datetime, error: str) -> None:
        """Note that exporting failed, and when to try again; raises `LeaseLost`."""
        await self._update(export_due_at=due_at, export_failures=connections.c.export_failures + 1, export_error=error)

    async def waits(self) -> None:
        """Note that nothing is exported before somebody acts, unless somebody has by now."""
        stopped = (*held(self._lease), connections.c.export_problem.is_not(None))
        await self._connection.execute(update(connections).where(*stopped).values(export_due_at=None))

    async def failures(self) -> int:
        """Return how often in a row exporting failed."""
        query = select(connections.c.export_failures).where(*held(self._lease))
        return int((await self._connection.execute(query)).scalar_one_or_none() or 0)

    async def stopped(self, problem: ErrorReason, error: str) -> None:
        """Note that nothing is exported until somebody acts; raises `LeaseLost`."""
        await self._update(export_due_at=None, export_problem=problem.value, export_error=error)

    async def set_dedicated(self, calendar_id: str | None) -> None:
        """Write which calendar was made for copies; raises `LeaseLost`."""
        await self._update(dedicated_calendar=calendar_id, copies_cursor=None)

    async def watched(self, calendar_id: str, cursor: str) -> None:
        """Note how far the calendar that copies go to was watched; raises `LeaseLost`."""
        await self._update(copies_cursor=[calendar_id, cursor])

    async def copies_cursor(self, calendar_id: str) -> str | None:
        """Return how far a calendar that copies go to was watched, None where that is not known."""
        query = select(connections.c.copies_cursor).where(*held(self._lease))
        kept = (await self._connection.execute(query)).scalar_one_or_none()
        return kept[1] if kept is not None and kept[0] == calendar_id else None

    async def _update(self, **values: Any) -> None:
        changed = await self._connection.execute(update(connections).where(*held(self._lease)).values(**values))
        if changed.rowcount != 1:
            raise LeaseLost(self._lease.connection_id)
