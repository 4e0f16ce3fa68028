"""Asking for a sync or an export in a transaction: the rows say what is wanted, and then the queue is told."""

from collections.abc import Collection, Sequence

from kalends.model.clock import Clock
from kalends.model.connection import ConnectionKey
from kalends.model.schedule_event import EventChanged
from kalends.queue.port import SyncQueue
from kalends.store.connections import Connections
from kalends.store.database import Transaction
from kalends.store.intentions import Intentions


class Wanting:
    """Asks for syncs and exports in the caller's transaction; with it, what was asked is kept or gone."""

    def __init__(self, queue: SyncQueue, clock: Clock) -> None:
        self._queue = queue
        self._clock = clock

    async def sync(self, transaction: Transaction, key: ConnectionKey) -> int:
        """Ask for a sync of one connection; return the revision that `done_rev` has to reach."""
        wanted = await Connections(transaction, key.site_id).want_sync(key.connection_id)
        await self._queue.ask(transaction, [key])
        return wanted

    async def syncs(self, transaction: Transaction, site_id: str, schedule_ids: Collection[str]) -> None:
        """Ask for a sync of every live connection of schedules."""
        wanted = await Connections(transaction, site_id).want_syncs(schedule_ids)
        await self._queue.ask(transaction, [ConnectionKey(site_id, one) for one in wanted])

    async def export(self, transaction: Transaction, key: ConnectionKey) -> None:
        """Have everything of a connection's schedule exported, or taken away where that is what is wanted."""
        await Intentions(transaction, key.site_id).mean_all(key.connection_id, self._clock.now())
        await self._queue.ask(transaction, [key])

    async def export_event(self, transaction: Transaction, changed: EventChanged) -> None:
        """Have an event that was changed exported to all connections of its schedule that export."""
        meaning = Intentions(transaction, changed.site_id)
        meant = await meaning.mean(changed.schedule_id, changed.event_id, self._clock.now())
        await self._tell(transaction, changed.site_id, meant)

    async def export_site(self, transaction: Transaction, site_id: str) -> None:
        """Have everything of a site exported anew, because copies are to look otherwise."""
        await self._tell(transaction, site_id, await Intentions(transaction, site_id).of_site(self._clock.now()))

    async def export_schedule(self, transaction: Transaction, site_id: str, schedule_id: str) -> None:
        """Have everything of a schedule exported anew."""
        meant = await Intentions(transaction, site_id).of_schedule(schedule_id, self._clock.now())
        await self._tell(transaction, site_id, meant)

    async def _tell(self, transaction: Transaction, site_id: str, connection_ids: Sequence[str]) -> None:
        if connection_ids:
            await self._queue.ask(transaction, [ConnectionKey(site_id, one) for one in connection_ids])
