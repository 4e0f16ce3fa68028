"""The loop that takes up syncs: what is wanted at once, what is due when its time has come."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import structlog

from kalends.model.clock import Clock
from kalends.model.connection import Lease
from kalends.model.ids import new_id
from kalends.store.database import Database
from kalends.store.leases import LeaseLost, Leases
from kalends.store.runs import Run
from kalends.store.servers import Servers
from kalends.sync.connection import ConnectionSync

log = structlog.get_logger(__name__)

LOOK_EVERY = timedelta(seconds=1)
BEAT_EVERY = timedelta(seconds=5)
DEAD_AFTER = timedelta(seconds=15)
"""How long a process may be silent before the others take it for dead."""


class LeasedSync:
    """Runs a sync while keeping its lease alive."""

    def __init__(self, database: Database, sync: ConnectionSync, clock: Clock, lease_time: timedelta) -> None:
        self._database = database
        self._sync = sync
        self._clock = clock
        self._lease_time = lease_time
        self.owner = new_id()

    async def claim(self, site_id: str, connection_id: str) -> Lease | None:
        """Take the lease of one connection, None while somebody else holds it."""
        now = self._clock.now()
        async with self._database.write() as writer:
            return await Leases(writer).claim(site_id, connection_id, self.owner, now=now, until=now + self._lease_time)

    async def claim_due(self, limit: int) -> list[Lease]:
        """Take the leases of connections of which a sync is wanted or due."""
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
                return syncing.result()
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


class SyncLoop:
    """Takes up syncs in this process, some at a time, until it is stopped."""

    def __init__(self, database: Database, leased: LeasedSync, clock: Clock, concurrency: int) -> None:
        self._database = database
        self._leased = leased
        self._clock = clock
        self._concurrency = concurrency
        self._woken = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Look for work now rather than at the next turn."""
        self._woken.set()

    async def run(self) -> None:
        """Work until cancelled; then end what runs, hand its leases back, and say goodbye."""
        beating = asyncio.create_task(self._beat())
        try:
            while True:
                self._woken.clear()
                await self._take_up()
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_EVERY.total_seconds()):
                        await self._woken.wait()
        finally:
            beating.cancel()
            for task in self._running:
                task.cancel()
            await asyncio.gather(beating, *self._running, return_exceptions=True)
            async with self._database.write() as writer:
                await Servers(writer).leave(self._leased.owner, dead_before=self._clock.now() - DEAD_AFTER)

    async def _take_up(self) -> None:
        free = self._concurrency - len(self._running)
        if free <= 0:
            return
        try:
            leases = await self._leased.claim_due(free)
        except Exception:
            log.exception("no_work_taken_up")
            return
        for lease in leases:
            task = asyncio.create_task(self._sync(lease))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _sync(self, lease: Lease) -> None:
        try:
            await self._leased.run(lease)
        except Exception:
            log.exception("sync_not_finished", connection=lease.connection_id)
        finally:
            self.wake()

    async def _beat(self) -> None:
        while True:
            try:
                async with self._database.write() as writer:
                    await Servers(writer).beat(self._leased.owner, self._clock.now())
            except Exception:
                log.exception("no_beat")
            await asyncio.sleep(BEAT_EVERY.total_seconds())
