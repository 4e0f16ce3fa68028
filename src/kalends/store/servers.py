"""Which processes take up syncs at present, so that a command beside them knows whether to wait for one."""

from datetime import datetime

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from kalends.store.tables import servers


class Servers:
    """The processes that take up syncs; they belong to no site."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def beat(self, server_id: str, at: datetime) -> None:
        """Note that a process runs."""
        changed = await self._connection.execute(update(servers).where(servers.c.id == server_id).values(beat_at=at))
        if not changed.rowcount:
            await self._connection.execute(insert(servers).values(id=server_id, beat_at=at))

    async def leave(self, server_id: str, *, dead_before: datetime) -> None:
        """Note that a process ends; those that have not been heard of since `dead_before` go with it."""
        await self._connection.execute(
            delete(servers).where((servers.c.id == server_id) | (servers.c.beat_at < dead_before))
        )

    async def any_since(self, at: datetime) -> bool:
        """Tell whether a process was heard of since a time."""
        query = select(servers.c.id).where(servers.c.beat_at >= at).limit(1)
        return (await self._connection.execute(query)).first() is not None
