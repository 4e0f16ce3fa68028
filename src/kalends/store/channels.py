"""Channels by which providers tell of changes, and the calendars that should have one; over all sites."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, case, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from kalends.model.connection import ConnectionKey, ImportChoice, Status
from kalends.store.tables import calendars, channels, connections


@dataclass(frozen=True, slots=True)
class Channel:
    """A push subscription for one calendar. `token_hash` is of the token that comes with each notification."""

    site_id: str
    id: str
    calendar_id: str
    connection_id: str
    resource_id: str
    token_hash: bytes
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Unwatched:
    """A calendar that should have a channel, or a newer one; `connection` says whose it is."""

    connection: ConnectionKey
    calendar_id: str


_COLUMNS = [channels.c[name] for name in Channel.__annotations__]


class Channels:
    """All channels, in an open transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def due(self, provider_ids: Collection[str], *, now: datetime, limit: int) -> Sequence[Unwatched]:
        """Return some calendars that should have a channel: imported ones of connections that are read well."""
        imported = case(
            (connections.c.import_choice == ImportChoice.PRIMARY.value, calendars.c.is_primary),
            else_=calendars.c.selected,
        )
        query = (
            select(calendars.c.site_id, calendars.c.connection_id, calendars.c.id)
            .join(
                connections,
                and_(connections.c.site_id == calendars.c.site_id, connections.c.id == calendars.c.connection_id),
            )
            .where(
                connections.c.provider_id.in_(provider_ids),
                connections.c.status == Status.SYNCED.value,
                connections.c.import_enabled,
                imported,
                calendars.c.gone_at.is_(None),
                calendars.c.watch_after <= now,
            )
            .order_by(calendars.c.site_id, calendars.c.connection_id)
            .limit(limit)
        )
        return [
            Unwatched(ConnectionKey(row.site_id, row.connection_id), row.id)
            for row in await self._connection.execute(query)
        ]

    async def claim(self, due: Sequence[Unwatched], *, now: datetime, again_at: datetime) -> Sequence[Unwatched]:
        """See that nobody else asks for a channel of calendars until `again_at`; return those that are left to us."""
        claimed = []
        for one in due:
            changed = await self._connection.execute(
                update(calendars)
                .where(
                    calendars.c.site_id == one.connection.site_id,
                    calendars.c.id == one.calendar_id,
                    calendars.c.watch_after <= now,
                )
                .values(watch_after=again_at)
            )
            claimed += [one] if changed.rowcount else []
        return claimed

    async def opened(self, channel: Channel, *, renew_at: datetime) -> Sequence[Channel]:
        """Keep a channel that was opened; return those before it, which are of no more use."""
        before = await self.of_calendar(channel.site_id, channel.calendar_id)
        await self._connection.execute(
            insert(channels).values(
                site_id=channel.site_id,
                id=channel.id,
                calendar_id=channel.calendar_id,
                connection_id=channel.connection_id,
                resource_id=channel.resource_id,
                token_hash=channel.token_hash,
                expires_at=channel.expires_at,
            )
        )
        await self._note(channel.site_id, channel.calendar_id, channel.expires_at, renew_at)
        return before

    async def refused(self, one: Unwatched, *, again_at: datetime) -> None:
        """Note that a calendar cannot be watched now."""
        await self._note(one.connection.site_id, one.calendar_id, None, again_at)

    async def _note(self, site_id: str, calendar_id: str, until: datetime | None, again_at: datetime) -> None:
        await self._connection.execute(
            update(calendars)
            .where(calendars.c.site_id == site_id, calendars.c.id == calendar_id)
            .values(watched_until=until, watch_after=again_at)
        )

    async def of_calendar(self, site_id: str, calendar_id: str) -> Sequence[Channel]:
        """Return the channels of a calendar."""
        query = select(*_COLUMNS).where(channels.c.site_id == site_id, channels.c.calendar_id == calendar_id)
        return [Channel(*row) for row in await self._connection.execute(query)]

    async def get(self, channel_id: str) -> Channel | None:
        """Return a channel, of whichever site: a notification names nothing else."""
        query = select(*_COLUMNS).where(channels.c.id == channel_id)
        row = (await self._connection.execute(query)).one_or_none()
        return Channel(*row) if row else None

    async def forget(self, key: ConnectionKey) -> None:
        """Forget the channels of a connection, and wish for no others."""
        await self._connection.execute(
            delete(channels).where(channels.c.site_id == key.site_id, channels.c.connection_id == key.connection_id)
        )
        await self._connection.execute(
            update(calendars)
            .where(calendars.c.site_id == key.site_id, calendars.c.connection_id == key.connection_id)
            .values(watched_until=None, watch_after=None)
        )

    async def wish(self, key: ConnectionKey, at: datetime) -> None:
        """Wish for channels for those calendars of a connection that were never to have one, or were to no more."""
        await self._connection.execute(
            update(calendars)
            .where(
                calendars.c.site_id == key.site_id,
                calendars.c.connection_id == key.connection_id,
                calendars.c.watch_after.is_(None),
            )
            .values(watch_after=at)
        )

    async def drop(self, channel: Channel) -> None:
        """Forget a channel."""
        await self._connection.execute(
            delete(channels).where(channels.c.site_id == channel.site_id, channels.c.id == channel.id)
        )
