"""Asking for a sync in a transaction: the row says that one is wanted, and then the queue is told."""

from collections.abc import Collection

from kalends.model.connection import ConnectionKey
from kalends.queue.port import SyncQueue
from kalends.store.connections import Connections
from kalends.store.database import Transaction


class Wanting:
    """Asks for syncs in the caller's transaction; with it, what was asked is kept or gone."""

    def __init__(self, queue: SyncQueue) -> None:
        self._queue = queue

    async def sync(self, transaction: Transaction, key: ConnectionKey) -> int:
        """Ask for a sync of one connection; return the revision that `done_rev` has to reach."""
        wanted = await Connections(transaction, key.site_id).want_sync(key.connection_id)
        await self._queue.ask(transaction, [key])
        return wanted

    async def syncs(self, transaction: Transaction, site_id: str, schedule_ids: Collection[str]) -> None:
        """Ask for a sync of every live connection of schedules."""
        wanted = await Connections(transaction, site_id).want_syncs(schedule_ids)
        await self._queue.ask(transaction, [ConnectionKey(site_id, one) for one in wanted])
