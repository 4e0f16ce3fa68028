"""One sync of one connection under its lease, which is kept alive while it lasts."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import structlog

from kalends.model.clock import Clock
from kalends.model.connection import ConnectionKey, Lease
from kalends.model.ids import new_id
from kalends.store.database import Database
from kalends.store.leases import LeaseLost, Leases
from kalends.store.runs import Run
from kalends.sync.connection import ConnectionSync

log = structlog.get_logger(__name__)


class LeasedSync:
    """Runs a sync while keeping its lease alive. Whoever counts runs is told of each by `noted`."""

    def __init__(
        self,
        database: Database,
        sync: ConnectionSync,
        clock: Clock,
        lease_time: timedelta,
        noted: "Callable[[Run], None] | None" = None,
    ) -> None:
        self._database = database
        self._sync = sync
        self._clock = clock
        self._lease_time = lease_time
        self._noted = noted
        self.owner = new_id()

    async def claim(self, site_id: str, connection_id: str) -> Lease | None:
        """Take the lease of one connection, None while somebody else holds it."""
        now = self._clock.now()
        async with self._database.write() as writer:
            return await Leases(writer).claim(site_id, connection_id, self.owner, now=now, until=now + self._lease_time)

    async def claim_wanted(self, key: ConnectionKey) -> Lease | None:
        """Take the lease of one connection if a sync of it is wanted, and nobody does it."""
        now = self._clock.now()
        async with self._database.write() as writer:
            return await Leases(writer).claim_wanted(key, self.owner, now=now, until=now + self._lease_time)

    async def claim_due(self, limit: int) -> list[Lease]:
        """Take the leases of connections that are due to be read, or that somebody died over."""
        now = self._clock.now()
        async with self._database.read() as reader:
            if not await Leases(reader).any_due(now):
                return []
        async with self._database.write() as writer:
            return [*await Leases(writer).claim_due(self.owner, now=now, until=now + self._lease_time, limit=limit)]

    async def run(self, lease: Lease) -> Run | None:
        """Sync under a lease that was taken; None where it was lost meanwhile. Cancelled, it hands the lease back."""
        syncing = asyncio.ensure_future(self._sync.run(lease))
        renewing = asyncio.ensure_future(self._renew(lease))
        try:
            await asyncio.wait({syncing, renewing}, return_when=asyncio.FIRST_COMPLETED)
            if syncing.done():
                run = syncing.result()
                if self._noted is not None:
                    self._noted(run)
                return run
            renewing.result()
        except LeaseLost:
            log.info("lease_lost", connection=lease.connection_id)
            return None
        finally:
            for task in (renewing, syncing):
                task.cancel()
            await asyncio.gather(syncing, renewing, return_exceptions=True)
            await asyncio.shield(self._hand_back(lease))
        return None

    async def _renew(self, lease: Lease) -> None:
        while True:
            await asyncio.sleep(self._lease_time.total_seconds() / 3)
            async with self._database.write() as writer:
                await Leases(writer).renew(lease, self._clock.now() + self._lease_time)

    async def _hand_back(self, lease: Lease) -> None:
        async with self._database.write() as writer:
            await Leases(writer).hand_back(lease)
