"""The reconciler: whatever was lost on the way is found in the rows again, within seconds.

Wanted syncs that nobody does are asked for anew: their job may have been lost, or never been made by a program that
only wrote the row. Polls never go through the queue: there are many, and most find nothing.
"""

from collections.abc import Collection, Sequence
from datetime import timedelta

from kalends.jobs.leased import LeasedSync
from kalends.model.clock import Clock
from kalends.model.connection import ConnectionKey, Lease
from kalends.queue.port import SyncQueue
from kalends.store.database import Database, Transaction
from kalends.store.leases import Leases

EVERY = timedelta(seconds=2)
MOST_AT_ONCE = 200
"""Connections in one statement."""


class Reconciler:
    """Looks at the rows for one process that does syncs."""

    def __init__(self, database: Database, queue: SyncQueue, leased: LeasedSync, clock: Clock) -> None:
        self._database = database
        self._queue = queue
        self._leased = leased
        self._clock = clock

    async def ask_again(self, among: Collection[ConnectionKey] | None = None) -> None:
        """Have the queue carry what is wanted and not being done, of all connections or of some."""
        async with self._database.read() as reader:
            wanted = await self._wanted(reader, among)
        if wanted:
            async with self._database.write() as writer:
                # read once more here: PostgreSQL's driver begins its transaction with the first statement only
                await self._queue.ask(writer, await self._wanted(writer, wanted))

    async def claim_polls(self, room: int, *, sure: bool = False) -> Sequence[Lease]:
        """Take what is due to be read, or was left by a process that died: as much as can be begun at once.

        More would be held for nothing, and keep others, and what is asked for meanwhile, from it. Who is `sure` that
        something is due need not look before.
        """
        return await self._leased.claim_due(min(room, MOST_AT_ONCE), sure=sure) if room > 0 else []

    async def _wanted(
        self, transaction: Transaction, among: Collection[ConnectionKey] | None
    ) -> Sequence[ConnectionKey]:
        return await Leases(transaction).wanted(self._clock.now(), limit=MOST_AT_ONCE, among=among)
