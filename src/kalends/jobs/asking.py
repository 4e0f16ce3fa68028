"""Asking for a sync: the row says that one is wanted; a wake-up only makes it sooner."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

from kalends.jobs.loop import DEAD_AFTER, LeasedSync
from kalends.model.clock import Clock
from kalends.model.connection import Connection
from kalends.store.connections import Connections
from kalends.store.database import Database
from kalends.store.servers import Servers

Wake = Callable[[], None]
"""Tells the loop of this process, where it has one, that a sync is wanted now."""

LOOK_EVERY = timedelta(milliseconds=100)


def nobody_to_wake() -> None:
    """Stand for the wake-up in a process that has no loop: another one will look at the row."""


class Asking:
    """Asks for a sync from outside the server, and sees that it is done.

    Beside a running server the row is all that is written, and the server does the work. With none running, the
    sync is done here, under the lease.
    """

    def __init__(self, database: Database, leased: LeasedSync, clock: Clock) -> None:
        self._database = database
        self._leased = leased
        self._clock = clock

    async def sync(self, connection: Connection, *, within: timedelta) -> bool:
        """Ask for a sync and wait until it was done; tell whether it was within the time."""
        async with self._database.write() as writer:
            wanted = await Connections(writer, connection.site_id).want_sync(connection.id)
        return await self.wait(connection, wanted, within=within)

    async def wait(self, connection: Connection, wanted: int, *, within: timedelta) -> bool:
        """Wait until the connection's `done_rev` has reached a revision; tell whether it has within the time."""
        deadline = self._clock.now() + within
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
