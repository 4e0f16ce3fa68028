"""Waking a connection: a provider says that something has changed."""

import hmac
from datetime import datetime

from kalends.access.secrets import digest
from kalends.jobs.wanting import Wanting
from kalends.model.clock import Clock
from kalends.model.connection import Connection, Status
from kalends.store.channels import Channel, Channels
from kalends.store.connections import Connections
from kalends.store.database import Database, Transaction


class Waking:
    """Has connections synced whose providers tell of a change."""

    def __init__(self, database: Database, clock: Clock, wanting: Wanting) -> None:
        self._database = database
        self._clock = clock
        self._wanting = wanting

    async def wake(self, *, channel_id: str, resource_id: str, token: str) -> bool:
        """Ask for a sync of the connection that a channel is for, where that is worth it; tell whether it was done.

        It is where channel, resource and token belong together. What is unknown is no error: a channel that was
        replaced may go on telling for a while, and whoever makes one up learns nothing.
        """
        async with self._database.read() as reader:
            channel = await self._proven(reader, channel_id, resource_id, token)
            connection = await Connections(reader, channel.site_id).get(channel.connection_id) if channel else None
        if channel is None or connection is None or not _is_worth_it(connection, self._clock.now()):
            return False
        async with self._database.write() as writer:
            await self._wanting.sync(writer, channel.connection)
        return True

    async def opened(self, *, channel_id: str, resource_id: str, token: str) -> bool:
        """Note that a channel's first notification has come: others will reach us too. Tell whether it was one of ours.

        It may come before the provider has said that the channel is open.
        """
        async with self._database.read() as reader:
            channel = await self._proven(reader, channel_id, resource_id, token)
        if channel is None:
            return False
        async with self._database.write() as writer:
            await Channels(writer).prove(channel, resource_id, self._clock.now())
        return True

    async def ending(self, *, channel_id: str, resource_id: str, token: str) -> bool:
        """Have a channel seen to at once that tells nothing more, and its calendar read: something may be missed."""
        async with self._database.read() as reader:
            channel = await self._proven(reader, channel_id, resource_id, token)
        if channel is None:
            return False
        async with self._database.write() as writer:
            await Channels(writer).see_to(channel, self._clock.now())
            await self._wanting.sync(writer, channel.connection)
        return True

    async def _proven(self, reader: Transaction, channel_id: str, resource_id: str, token: str) -> Channel | None:
        """Return the channel that a notification is of, where channel, resource and token belong together."""
        channel = await Channels(reader).get(channel_id)
        right_token = hmac.compare_digest(digest(token), channel.token_hash if channel else bytes(32))
        if channel is None or not right_token or channel.stop_after is not None:
            return None
        if channel.resource_id is None:
            return channel
        return channel if hmac.compare_digest(resource_id.encode(), channel.resource_id.encode()) else None


def _is_worth_it(connection: Connection, now: datetime) -> bool:
    """Tell whether a sync more would find out anything.

    Not where one is wanted that has not begun; nor where the last ones failed, for then the next is due soon enough,
    and sooner would be against what the provider asked for.
    """
    if connection.status in {Status.DISCONNECTED, Status.ERROR} or connection.failures:
        return False
    return connection.wanted_rev == connection.done_rev or connection.under_way(now)
