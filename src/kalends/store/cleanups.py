"""Disconnected connections of which something is left at the provider, over all sites."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, literal, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from kalends.store.columns import UtcDateTime
from kalends.store.tables import connections


@dataclass(frozen=True, slots=True)
class Cleanup:
    """A disconnected connection whose credentials are kept, sealed, for nothing but this."""

    site_id: str
    connection_id: str
    provider_id: str
    account_key: str
    until: datetime
    credentials: bytes = field(repr=False)


class Cleanups:
    """What is left to be taken away, in an open transaction; it is the same for every site."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def left(
        self, now: datetime, *, disconnected_before: datetime, limit: int, after: Cleanup | None = None
    ) -> Sequence[Cleanup]:
        """Return some of what is left, the earliest first, once there are no copies any more, or time is up.

        Of connections by OAuth, those count that were disconnected before a moment. `after` is the last one of those
        that were returned before.
        """
        place = (connections.c.cleanup_until, connections.c.site_id, connections.c.id)
        query = (
            select(connections)
            .where(
                connections.c.cleanup_until.is_not(None),
                connections.c.credentials.is_not(None),
                or_(connections.c.disconnected_at <= disconnected_before, connections.c.scopes.is_(None)),
                or_(connections.c.export_due_at.is_(None), connections.c.cleanup_until <= now),
            )
            .order_by(*place)
            .limit(limit)
        )
        if after is not None:
            reached = tuple_(literal(after.until, UtcDateTime), literal(after.site_id), literal(after.connection_id))
            query = query.where(tuple_(*place) > reached)
        return [
            Cleanup(row.site_id, row.id, row.provider_id, row.account_key, row.cleanup_until, row.credentials)
            for row in await self._connection.execute(query)
        ]

    async def is_left(self, cleanup: Cleanup) -> bool:
        """Tell whether it is still to be done: not where somebody has connected the account again."""
        query = select(connections.c.id).where(*self._is(cleanup))
        return (await self._connection.execute(query)).first() is not None

    async def is_in_use(self, cleanup: Cleanup) -> bool:
        """Tell whether another connection of the account keeps credentials, on whatever site, or is cleaned up too."""
        query = (
            select(connections.c.id)
            .where(
                connections.c.account_key == cleanup.account_key,
                connections.c.credentials.is_not(None),
                connections.c.id != cleanup.connection_id,
            )
            .limit(1)
        )
        return (await self._connection.execute(query)).first() is not None

    async def end(self, cleanup: Cleanup) -> None:
        """Erase the credentials: nothing is left to be done, or nothing more will be tried."""
        await self._connection.execute(
            update(connections)
            .where(*self._is(cleanup))
            .values(
                credentials=None,
                cleanup_until=None,
                export_due_at=None,
                lease_owner=None,
                lease_until=None,
                fence=connections.c.fence + 1,
            )
        )

    def _is(self, cleanup: Cleanup) -> tuple[ColumnElement[bool], ...]:
        return (
            connections.c.site_id == cleanup.site_id,
            connections.c.id == cleanup.connection_id,
            connections.c.cleanup_until.is_not(None),
            connections.c.credentials == cleanup.credentials,
        )
