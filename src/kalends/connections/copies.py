"""Choose how much the copies of events in an account show."""

from dataclasses import replace

from kalends.connections.calendars import not_connected
from kalends.connections.finding import find_connection
from kalends.connections.health import ConnectionHealth, HealthReading
from kalends.jobs.wanting import Wanting
from kalends.model.connection import Status
from kalends.model.copy import Privacy
from kalends.model.identity import Identity, Permission
from kalends.store.connections import Connections
from kalends.store.database import Database


class CopyPrivacy:
    """Changes how much copies show: the privacy of a connection's export config."""

    def __init__(self, database: Database, health: HealthReading, wanting: Wanting) -> None:
        self._database = database
        self._health = health
        self._wanting = wanting

    async def choose(self, identity: Identity, connection_id: str, privacy: Privacy) -> ConnectionHealth:
        """Have copies show so much, those that are there too; return the connection's health.

        It may be chosen before anything is exported, and where nothing can be. Raises `NotFound`, `PermissionDenied`,
        `PreconditionFailed` (`CONNECTION_NOT_CONNECTED`).
        """
        async with self._database.write() as writer:
            connections = Connections(writer, identity.site_id)
            await connections.lock(connection_id)
            before = await find_connection(writer, identity, connection_id, Permission.MANAGE_ALL_CONNECTIONS)
            if before.status is Status.DISCONNECTED:
                raise not_connected()
            config = replace(before.export_config, privacy=privacy)
            if config == before.export_config:
                return await self._health.look(writer, before)
            await connections.set_copy_privacy(before.id, privacy)
            if before.exports() and before.export.problem is None:
                await self._wanting.export(writer, before.key)
            after = await connections.get(before.id)
            return await self._health.look(writer, after or replace(before, export_config=config))
