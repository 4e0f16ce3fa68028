"""Syncs under their leases, which are kept alive while they last."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import timedelta

import structlog

from kalends.model.clock import Clock
from kalends.model.connection import ConnectionKey, Lease
from kalends.model.ids import new_id
from kalends.store.briefs import Brief
from kalends.store.database import Database
from kalends.store.leases import Held, LeaseLost, Leases
from kalends.store.runs import Run
from kalends.sync.turn import Turn

log = structlog.get_logger(__name__)


class LeasedSync:
    """Runs syncs while keeping their leases alive. Whoever counts runs is told of each by `noted`."""

    def __init__(
        self,
        database: Database,
        turn: Turn,
        clock: Clock,
        lease_time: timedelta,
        noted: "Callable[[Run], None] | None" = None,
    ) -> None:
        self._database = database
        self._turn = turn
        self._clock = clock
        self._lease_time = lease_time
        self._noted = noted
        self._running: dict[Lease, asyncio.Task[Run]] = {}
        self._renewing: asyncio.Task[None] | None = None
        self.owner = new_id()

    @property
    def running(self) -> set[Held]:
        """The leases that a sync runs under at present."""
        return {(lease.key, lease.fence) for lease in self._running}

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

    async def claim_due(self, limit: int, *, sure: bool = False) -> list[Lease]:
        """Take the leases of connections that are due to be read, or that somebody died over.

        Unless one is `sure` that there are any, nothing is written to find it out.
        """
        now = self._clock.now()
        if not sure:
            async with self._database.read() as reader:
                if not await Leases(reader).any_due(now):
                    return []
        async with self._database.write() as writer:
            return [*await Leases(writer).claim_due(self.owner, now=now, until=now + self._lease_time, limit=limit)]

    async def briefs(self, leases: Collection[Lease]) -> Mapping[ConnectionKey, Brief]:
        """Read what syncs under leases that were just taken need to know, for `run`."""
        return await self._turn.briefs(leases)

    async def run(self, lease: Lease, brief: Brief | None = None) -> Run | None:
        """Sync under a lease that was taken; None where it was lost meanwhile. Cancelled, it hands the lease back."""
        syncing = asyncio.ensure_future(self._turn.run(lease, brief))
        self._keep(lease, syncing)
        try:
            await asyncio.wait({syncing})
            run = None if syncing.cancelled() else syncing.result()
        except LeaseLost:
            run = None
        except BaseException:
            syncing.cancel()
            await asyncio.gather(syncing, return_exceptions=True)
            await asyncio.shield(self._hand_back(lease))
            raise
        finally:
            self._keep_no_more(lease)
        if run is None:
            log.info("lease_lost", connection=lease.connection_id)
        elif self._noted is not None:
            self._noted(run)
        return run

    def _keep(self, lease: Lease, syncing: "asyncio.Task[Run]") -> None:
        self._running[lease] = syncing
        if self._renewing is None:
            self._renewing = asyncio.create_task(self._renew())

    def _keep_no_more(self, lease: Lease) -> None:
        del self._running[lease]
        if not self._running and self._renewing is not None:
            self._renewing.cancel()
            self._renewing = None

    async def _renew(self) -> None:
        """Renew the leases of what runs, again and again."""
        while True:
            await asyncio.sleep(self._lease_time.total_seconds() / 3)
            try:
                await self.renew()
            except Exception:
                log.exception("leases_not_renewed")

    async def renew(self) -> None:
        """Renew the leases of what runs, all in one transaction, and end what has lost its own.

        A large import writes nearly all the time. Its connection is waited for, in a transaction of its own: else its
        lease might run out because it is never found at rest.
        """
        until = self._clock.now() + self._lease_time
        async with self._database.write() as writer:
            rest = await Leases(writer).renew_all([*self._running], until)
        for lease in rest:
            try:
                async with self._database.write() as writer:
                    await Leases(writer).renew(lease, until)
            except LeaseLost:
                with suppress(KeyError):
                    self._running[lease].cancel()

    async def _hand_back(self, lease: Lease) -> None:
        async with self._database.write() as writer:
            await Leases(writer).hand_back(lease)
