"""Succession on an embedded database: who comes to it alone takes over from processes that were killed on it."""

import asyncio

import structlog

from kalends.model.clock import Clock
from kalends.store.database import Database
from kalends.store.leases import Leases
from kalends.store.occupancy import Occupancy
from kalends.store.servers import Servers

log = structlog.get_logger(__name__)


class Succession:
    """Voids what dead processes hold, before this one takes its first lease. Without `occupancy` it does nothing.

    On PostgreSQL processes run on many machines, and who died there is known by their silence alone.
    """

    def __init__(self, database: Database, occupancy: Occupancy | None, clock: Clock, owner: str) -> None:
        self._database = database
        self._occupancy = occupancy
        self._clock = clock
        self._owner = owner
        self._entering = asyncio.Lock()

    async def enter(self) -> None:
        """Enter, unless this process has; where nobody else is there, nobody but it holds a lease from then on."""
        occupancy = self._occupancy
        if occupancy is None:
            return
        async with self._entering:
            if not await asyncio.to_thread(occupancy.enter):
                return
            try:
                async with self._database.write() as writer:
                    await Servers(writer).forget_others(self._owner)
                    leases = await Leases(writer).void(self._clock.now(), all_but=self._owner)
            finally:
                await asyncio.to_thread(occupancy.settle)
        if leases:
            log.warning("took_over", leases=leases)
