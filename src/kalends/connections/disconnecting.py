"""Disconnect: nothing imported stays here, nothing exported there, and the credentials are erased.

They are kept, sealed, until the copies are taken away (`sync.export`) and what the account's owner has consented to is
taken back (`jobs.cleaning`).
"""

from collections.abc import Sequence
from datetime import timedelta

from kalends.accounts.directory import ProviderDirectory
from kalends.connections.finding import find_connection
from kalends.connections.views import ConnectionView, Failures
from kalends.jobs.wanting import Wanting
from kalends.model.clock import Clock
from kalends.model.connection import Connection, ConnectionKey, Status
from kalends.model.errors import PreconditionFailed
from kalends.model.identity import Identity, Permission
from kalends.store.calendars import Calendars
from kalends.store.channels import Channels
from kalends.store.connections import Connections
from kalends.store.copies import Copies
from kalends.store.database import Database, Transaction
from kalends.store.schedules import Schedules
from kalends.store.sites import Sites

CLEANUP = timedelta(days=7)
"""How long cleaning up at a provider is tried."""


class Disconnecting:
    """Disconnects connections."""

    def __init__(self, database: Database, directory: ProviderDirectory, clock: Clock, wanting: Wanting) -> None:
        self._database = database
        self._directory = directory
        self._clock = clock
        self._wanting = wanting

    async def disconnect(self, identity: Identity, connection_id: str) -> ConnectionView:
        """Disconnect a connection.

        Raises `NotFound`, `PermissionDenied`, `PreconditionFailed` (`CONNECTION_ALREADY_DISCONNECTED`),
        `ProviderUnavailable`.
        """
        everyone = Permission.MANAGE_ALL_CONNECTIONS
        async with self._database.write() as writer:
            await Connections(writer, identity.site_id).lock(connection_id)
            connection = await find_connection(writer, identity, connection_id, everyone)
            provider = (await self._directory.known(writer, identity.site_id)).get(connection.provider_id)
            if provider is None:
                raise Failures.of([connection]).error()
            if connection.status is Status.DISCONNECTED:
                raise PreconditionFailed(
                    "The connection was disconnected before.", code="CONNECTION_ALREADY_DISCONNECTED"
                )
            await self._end(writer, connection)
            ended = await find_connection(writer, identity, connection_id, everyone)
        return ConnectionView(ended, provider)

    async def disconnect_owner(self, writer: Transaction, site_id: str, user_id: str) -> int:
        """Disconnect what belongs to a user's schedules, in the caller's transaction; return how many were.

        Whoever connects an account to one of them at the same time is waited for, or finds the owner as the caller has
        left them.
        """
        # before the schedules, as where a new zone of the site moves many of them: neither then waits for the other
        await Sites(writer).lock(site_id, shared=True)
        await Schedules(writer, site_id).lock_owned(user_id)
        return await self._end_all(writer, await Connections(writer, site_id).matching(owner_ids=[user_id]))

    async def disconnect_schedule(self, writer: Transaction, site_id: str, schedule_id: str) -> int:
        """Disconnect what is connected to a schedule, in the caller's transaction; return how many were."""
        return await self._end_all(writer, await Connections(writer, site_id).matching(schedule_ids=[schedule_id]))

    async def _end_all(self, writer: Transaction, connections: Sequence[Connection]) -> int:
        live = [connection for connection in connections if connection.status is not Status.DISCONNECTED]
        for connection in live:
            await self._end(writer, connection)
        return len(live)

    async def _end(self, writer: Transaction, connection: Connection) -> None:
        now = self._clock.now()
        connections = Connections(writer, connection.site_id)
        calendars = Calendars(writer, connection.site_id)
        await connections.void_lease(connection.id)
        known = await calendars.of_connection(connection.id)
        await calendars.forget_contents([one.id for one in known])
        await Channels(writer).give_up(ConnectionKey(connection.site_id, connection.id), now)
        copied = await has_copies(writer, connection)
        # what cleans up may find nothing to do; it erases the credentials all the same
        cleanup_until = now + CLEANUP if copied or connection.scopes is not None else None
        await connections.disconnect(connection.id, now, cleanup_until=cleanup_until)
        if copied:
            await connections.begin_exporting_anew(connection.id)
            await self._wanting.export(writer, ConnectionKey(connection.site_id, connection.id))


async def has_copies(reader: Transaction, connection: Connection) -> bool:
    """Tell whether something of ours may be in a connection's account: copies, or the calendar made for them."""
    export = connection.export
    if connection.export_config.enabled or export.dedicated_calendar is not None or export.due_at is not None:
        return True
    return await Copies(reader, connection.site_id).left(connection.id) > 0
