"""Which processes take up syncs at present, so that a command beside them knows whether to wait for one."""

from collections.abc import Mapping
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

    async def leave(self, server_id: str) -> None:
        """Note that a process has ended."""
        await self._connection.execute(delete(servers).where(servers.c.id == server_id))

    async def forget_others(self, server_id: str) -> None:
        """Note that all processes but one have ended."""
        await self._connection.execute(delete(servers).where(servers.c.id != server_id))

    async def beats(self) -> Mapping[str, datetime]:
        """Return process → when it last said that it runs."""
        return {row.id: row.beat_at for row in await self._connection.execute(select(servers))}

    async def still(self, server_id: str, beat_at: datetime) -> bool:
        """Tell whether a process has not been heard of since a heartbeat; it then is not until the transaction ends."""
        query = select(servers.c.id).where(servers.c.id == server_id, servers.c.beat_at == beat_at).with_for_update()
        return (await self._connection.execute(query)).first() is not None

    async def any_since(self, at: datetime) -> bool:
        """Tell whether a process was heard of since a time."""
        query = select(servers.c.id).where(servers.c.beat_at >= at).limit(1)
        return (await self._connection.execute(query)).first() is not None
