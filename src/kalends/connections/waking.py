"""Waking a connection: a provider says that something has changed."""

import hmac

from kalends.access.secrets import digest
from kalends.jobs.wanting import Wanting
from kalends.model.connection import ConnectionKey
from kalends.store.channels import Channels
from kalends.store.database import Database


class Waking:
    """Has connections synced whose providers tell of a change."""

    def __init__(self, database: Database, wanting: Wanting) -> None:
        self._database = database
        self._wanting = wanting

    async def wake(self, *, channel_id: str, resource_id: str, token: str) -> bool:
        """Ask for a sync of the connection that a channel is for; tell whether the notification was believed.

        It is where channel, resource and token belong together. What is unknown is no error: a channel that was
        replaced may go on telling for a while, and whoever makes one up learns nothing.
        """
        async with self._database.read() as reader:
            channel = await Channels(reader).get(channel_id)
        proven = hmac.compare_digest(digest(token), channel.token_hash if channel else bytes(32))
        if channel is None or not proven or not hmac.compare_digest(resource_id, channel.resource_id):
            return False
        async with self._database.write() as writer:
            await self._wanting.sync(writer, ConnectionKey(channel.site_id, channel.connection_id))
        return True
