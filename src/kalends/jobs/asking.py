"""Asking for a sync from outside the server, and seeing that it is done."""

import asyncio
from datetime import timedelta

from kalends.jobs.hearing import DEAD_AFTER
from kalends.jobs.leased import LeasedSync
from kalends.jobs.succession import Succession
from kalends.jobs.wanting import Wanting
from kalends.model.clock import Clock
from kalends.model.connection import Connection, ConnectionKey
from kalends.store.connections import Connections
from kalends.store.database import Database
from kalends.store.servers import Servers

LOOK_EVERY = timedelta(milliseconds=100)


class Asking:
    """Asks for a sync and waits for it.

    Beside a running server the row and its job are all that is written, and the server does the work. With none
    running, the sync is done here, under the lease.
    """

    def __init__(
        self, database: Database, wanting: Wanting, leased: LeasedSync, succession: Succession, clock: Clock
    ) -> None:
        self._database = database
        self._wanting = wanting
        self._leased = leased
        self._succession = succession
        self._clock = clock

    async def sync(self, connection: Connection, *, within: timedelta) -> bool:
        """Ask for a sync and wait until it was done; tell whether it was within the time."""
        async with self._database.write() as writer:
            wanted = await self._wanting.sync(writer, ConnectionKey(connection.site_id, connection.id))
        return await self.wait(connection, wanted, within=within)

    async def wait(self, connection: Connection, wanted: int, *, within: timedelta) -> bool:
        """Wait until the connection's `done_rev` has reached a revision; tell whether it has within the time."""
        deadline = self._clock.now() + within
        await self._succession.enter()
        while await self._done(connection) < wanted:
            if self._clock.now() >= deadline:
                return False
            if not await self._server_runs():
                lease = await self._leased.claim(connection.site_id, connection.id)
                if lease is not None:
                    await self._leased.run(lease)
                    continue
            await asyncio.sleep(LOOK_EVERY.total_seconds())
        return True

    async def _done(self, connection: Connection) -> int:
        async with self._database.read() as reader:
            now = await Connections(reader, connection.site_id).get(connection.id)
        return now.done_rev if now else connection.wanted_rev

    async def _server_runs(self) -> bool:
        async with self._database.read() as reader:
            return await Servers(reader).any_since(self._clock.now() - DEAD_AFTER)
