"""Ask for a sync of a connection now, without waiting for it."""

from dataclasses import dataclass

from kalends.connections.calendars import not_connected
from kalends.connections.finding import find_connection
from kalends.jobs.wanting import Wanting
from kalends.model.clock import Clock
from kalends.model.connection import ConnectionKey, Status
from kalends.model.identity import Identity, Permission
from kalends.store.connections import Connections
from kalends.store.database import Database


@dataclass(frozen=True, slots=True)
class SyncAsked:
    """The sync is done once `done` has reached `wanted`; `under_way` tells whether one was running already."""

    wanted: int
    done: int
    under_way: bool


class SyncRequests:
    """Takes requests for syncs. However many come before a sync begins, one sync answers them all."""

    def __init__(self, database: Database, clock: Clock, wanting: Wanting) -> None:
        self._database = database
        self._clock = clock
        self._wanting = wanting

    async def ask(self, identity: Identity, connection_id: str) -> SyncAsked:
        """Ask for a sync that begins after this; one that is under way may have read already, and does not count.

        Raises `NotFound`, `PermissionDenied`, `PreconditionFailed` (`CONNECTION_NOT_CONNECTED`).
        """
        async with self._database.write() as writer:
            connections = Connections(writer, identity.site_id)
            await connections.lock(connection_id)
            connection = await find_connection(writer, identity, connection_id, Permission.MANAGE_ALL_CONNECTIONS)
            if connection.status is Status.DISCONNECTED:
                raise not_connected()
            under_way = connection.under_way(self._clock.now())
            wanted = connection.wanted_rev
            if under_way or wanted == connection.done_rev:
                wanted = await self._wanting.sync(writer, ConnectionKey(identity.site_id, connection.id))
        return SyncAsked(wanted, connection.done_rev, under_way)
