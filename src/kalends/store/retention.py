"""Deleting what has had its time, over all sites."""

from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncConnection

from kalends.model.connection import Status
from kalends.store.tables import authorizations, channels, connections, occurrences, revoked_tokens, runs


class Expired:
    """What has had its time, in an open transaction; it is the same for every site."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def drop_occurrences(self, ended_before: datetime) -> int:
        """Delete the occurrences that lie before every window; return how many."""
        return (await self._connection.execute(delete(occurrences).where(occurrences.c.end_at < ended_before))).rowcount

    async def drop_connections(self, disconnected_before: datetime) -> int:
        """Delete the connections that were disconnected long ago; return how many."""
        return (
            await self._connection.execute(
                delete(connections).where(
                    connections.c.disconnected_at < disconnected_before,
                    connections.c.status == Status.DISCONNECTED.value,
                )
            )
        ).rowcount

    async def drop_runs(self, ended_before: datetime) -> int:
        """Delete old runs; return how many."""
        return (await self._connection.execute(delete(runs).where(runs.c.ended_at < ended_before))).rowcount

    async def drop_authorizations(self, expired_before: datetime) -> int:
        """Delete the ways to a provider from which nobody came back in time; return how many."""
        return (
            await self._connection.execute(delete(authorizations).where(authorizations.c.expires_at < expired_before))
        ).rowcount

    async def drop_channels(self, expired_before: datetime) -> int:
        """Delete channels that have run out; return how many."""
        return (await self._connection.execute(delete(channels).where(channels.c.expires_at < expired_before))).rowcount

    async def drop_revoked_tokens(self, expired_before: datetime) -> int:
        """Delete the notes about tokens that have expired anyway; return how many."""
        return (
            await self._connection.execute(delete(revoked_tokens).where(revoked_tokens.c.expires_at < expired_before))
        ).rowcount
