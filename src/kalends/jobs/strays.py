"""Strays: leases that are this process's by the rows, and that it does not work under.

One is left where the database went away while it was taken or given back. Since the process lives, nobody else would
take it before it runs out.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

import structlog

from kalends.jobs.leased import LeasedSync
from kalends.model.clock import Clock
from kalends.store.database import Database
from kalends.store.leases import Held, Leases

log = structlog.get_logger(__name__)

EVERY = timedelta(seconds=2)


class Strays:
    """Hands such leases back. One counts once two looks have found it: in between it may only just have been taken."""

    def __init__(self, database: Database, leased: LeasedSync, clock: Clock) -> None:
        self._database = database
        self._leased = leased
        self._clock = clock
        self._looked_at: datetime | None = None
        self._suspected: Collection[Held] = ()

    async def once(self) -> int:
        """Look, where it is time; return how many leases were handed back."""
        now = self._clock.now()
        if self._looked_at is not None and self._looked_at <= now < self._looked_at + EVERY:
            return 0
        self._looked_at = now
        async with self._database.read() as reader:
            held = await Leases(reader).of(self._leased.owner, now)
        idle = held - self._leased.running
        strays = idle & {*self._suspected}
        self._suspected = idle - strays
        if strays:
            async with self._database.write() as writer:
                await Leases(writer).let_go(self._leased.owner, strays)
            log.warning("strays_handed_back", leases=len(strays))
        return len(strays)
