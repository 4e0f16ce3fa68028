"""Connections that should have been read and were not, over all sites."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from kalends.model.connection import Status
from kalends.store.tables import connections


@dataclass(frozen=True, slots=True)
class Late:
    """How many connections are overdue, and since when the first of them."""

    count: int
    since: datetime | None


class Overdue:
    """What is overdue, in an open transaction; it is the same for every site."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def late(self, *, due_before: datetime, now: datetime) -> Late:
        """Return the connections that were due before a time, and are not being read."""
        query = select(func.count(), func.min(connections.c.next_sync_at)).where(
            connections.c.next_sync_at < due_before,
            connections.c.status != Status.DISCONNECTED.value,
            connections.c.credentials.is_not(None),
            or_(connections.c.lease_until.is_(None), connections.c.lease_until < now),
        )
        count, since = (await self._connection.execute(query)).one()
        return Late(int(count), since)

    async def pull_in(self, *, read_after: datetime, now: datetime) -> int:
        """Make due at once what was last read at a time that has not come yet; return how many connections.

        Our clock was set back since: their next reading may lie as far ahead as it was set back.
        """
        ahead = and_(connections.c.last_read_at > read_after, connections.c.next_sync_at > now)
        changed = await self._connection.execute(update(connections).where(ahead).values(next_sync_at=now))
        return changed.rowcount
