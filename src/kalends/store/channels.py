"""Channels by which providers tell of changes, and the calendars that should have one; over all sites."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Update, and_, case, delete, exists, func, insert, null, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from kalends.model.connection import ConnectionKey, ImportChoice, Status
from kalends.store.tables import calendars, channels, connections


@dataclass(frozen=True, slots=True)
class Channel:
    """A push subscription for one calendar. `token_hash` is of the token that comes with each notification.

    It is written before the provider is asked for it, whose first notification may come before its answer does: until
    then `resource_id` is None. A channel with a `stop_after` is of no more use, and is to be stopped from then on.
    """

    site_id: str
    id: str
    calendar_id: str
    connection_id: str
    resource_id: str | None
    token_hash: bytes
    expires_at: datetime
    proven_at: datetime | None = None
    stop_after: datetime | None = None

    @property
    def connection(self) -> ConnectionKey:
        """Whose channel it is."""
        return ConnectionKey(self.site_id, self.connection_id)


@dataclass(frozen=True, slots=True)
class Unwatched:
    """A calendar that should have a channel, or a newer one; `connection` says whose it is."""

    connection: ConnectionKey
    calendar_id: str


_COLUMNS = [channels.c[name] for name in Channel.__annotations__]
_OF_CONNECTION = and_(connections.c.site_id == calendars.c.site_id, connections.c.id == calendars.c.connection_id)
_IS_IMPORTED = and_(
    connections.c.import_enabled,
    connections.c.status != Status.DISCONNECTED.value,
    case(
        (connections.c.import_choice == ImportChoice.PRIMARY.value, calendars.c.is_primary), else_=calendars.c.selected
    ),
    calendars.c.gone_at.is_(None),
)


class Channels:
    """All channels, in an open transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def settle(self, key: ConnectionKey, now: datetime) -> None:
        """Wish for channels for the calendars of a connection that are imported, and have those of others stopped."""
        is_imported = exists().where(_OF_CONNECTION, _IS_IMPORTED)
        await self._connection.execute(
            update(calendars)
            .where(*_are_of(key), or_(calendars.c.watch_after.is_(None), ~is_imported))
            .values(
                watch_after=case((is_imported, now), else_=null()),
                watched_until=case((is_imported, calendars.c.watched_until), else_=null()),
            )
        )
        unwanted = select(calendars.c.id).where(*_are_of(key), calendars.c.watch_after.is_(None))
        await self._stop(now, *_are_channels_of(key), channels.c.calendar_id.in_(unwanted))

    async def give_up(self, key: ConnectionKey, now: datetime) -> None:
        """Have the channels of a connection stopped, and wish for no others."""
        await self._stop(now, *_are_channels_of(key))
        await self._connection.execute(
            update(calendars).where(*_are_of(key)).values(watched_until=None, watch_after=None)
        )

    async def _stop(self, now: datetime, *which: ColumnElement[bool]) -> None:
        await self._connection.execute(
            update(channels).where(*which, channels.c.stop_after.is_(None)).values(stop_after=now)
        )

    async def due(self, provider_ids: Collection[str], *, now: datetime, limit: int) -> Sequence[Unwatched]:
        """Return some calendars that should have a channel: imported ones of connections that are read well."""
        query = (
            select(calendars.c.site_id, calendars.c.connection_id, calendars.c.id)
            .join(connections, _OF_CONNECTION)
            .where(
                connections.c.provider_id.in_(provider_ids),
                connections.c.status == Status.SYNCED.value,
                _IS_IMPORTED,
                calendars.c.watch_after <= now,
            )
            .order_by(calendars.c.watch_after)
            .limit(limit)
        )
        return [
            Unwatched(ConnectionKey(row.site_id, row.connection_id), row.id)
            for row in await self._connection.execute(query)
        ]

    async def claim(self, due: Sequence[Unwatched], *, now: datetime, again_at: datetime) -> Sequence[Unwatched]:
        """See that nobody else asks for a channel of calendars until `again_at`; return those that are left to us."""
        return [
            one
            for one in due
            if await self._changed(
                update(calendars).where(*_is(one), calendars.c.watch_after <= now).values(watch_after=again_at)
            )
        ]

    async def ask(self, channel: Channel) -> None:
        """Keep a channel that the provider is about to be asked for."""
        await self._connection.execute(
            insert(channels).values({name: getattr(channel, name) for name in Channel.__annotations__})
        )

    async def opened(
        self, channel: Channel, resource_id: str, *, expires_at: datetime, renew_at: datetime, now: datetime
    ) -> None:
        """Note that a channel was opened, and have those before it stopped.

        One that nobody wishes for any more, because the calendar was deselected or the connection disconnected
        meanwhile, is to be stopped itself.
        """
        await self._connection.execute(
            update(channels).where(*_is_channel(channel)).values(resource_id=resource_id, expires_at=expires_at)
        )
        wished = await self._changed(
            update(calendars)
            .where(*_is_calendar_of(channel), calendars.c.watch_after.is_not(None))
            .values(watch_after=renew_at)
        )
        if not wished:
            await self._stop(now, *_is_channel(channel))
            return
        await self._stop(
            now,
            channels.c.site_id == channel.site_id,
            channels.c.calendar_id == channel.calendar_id,
            channels.c.id != channel.id,
        )
        await self._watched(channel)

    async def prove(self, channel: Channel, resource_id: str, now: datetime) -> None:
        """Note that a channel's notifications reach us."""
        await self._connection.execute(
            update(channels)
            .where(*_is_channel(channel))
            .values(
                proven_at=func.coalesce(channels.c.proven_at, now),
                resource_id=func.coalesce(channels.c.resource_id, resource_id),
            )
        )
        await self._watched(channel)

    async def _watched(self, channel: Channel) -> None:
        """Note until when a calendar is watched: where a channel is both opened and proven, in whichever order."""
        until = (
            select(func.max(channels.c.expires_at))
            .where(
                channels.c.site_id == channel.site_id,
                channels.c.calendar_id == channel.calendar_id,
                channels.c.proven_at.is_not(None),
                channels.c.stop_after.is_(None),
            )
            .scalar_subquery()
        )
        await self._connection.execute(
            update(calendars)
            .where(*_is_calendar_of(channel), calendars.c.watch_after.is_not(None))
            .values(watched_until=until)
        )

    async def see_to(self, channel: Channel, now: datetime) -> None:
        """Have a channel that tells nothing more seen to now; until then its calendar does not count as watched."""
        await self._connection.execute(
            update(calendars)
            .where(*_is_calendar_of(channel), calendars.c.watch_after.is_not(None))
            .values(watched_until=None, watch_after=now)
        )

    async def failed(self, channel: Channel, *, stop_after: datetime) -> None:
        """Note that nobody knows whether a channel was opened: if its first notification comes, it can be stopped."""
        await self._stop(stop_after, *_is_channel(channel))
        await self._watched(channel)

    async def refused(self, channel: Channel, *, again_at: datetime) -> None:
        """Note that a calendar cannot be watched now."""
        await self.drop(channel)
        await self._connection.execute(
            update(calendars)
            .where(*_is_calendar_of(channel), calendars.c.watch_after.is_not(None))
            .values(watched_until=None, watch_after=again_at)
        )

    async def get(self, channel_id: str) -> Channel | None:
        """Return a channel, of whichever site: a notification names nothing else."""
        query = select(*_COLUMNS).where(channels.c.id == channel_id)
        row = (await self._connection.execute(query)).one_or_none()
        return Channel(*row) if row else None

    async def of_use(self, site_id: str, calendar_id: str) -> Channel | None:
        """Return the channel that a calendar has."""
        query = (
            select(*_COLUMNS)
            .where(
                channels.c.site_id == site_id, channels.c.calendar_id == calendar_id, channels.c.stop_after.is_(None)
            )
            .order_by(channels.c.expires_at.desc())
            .limit(1)
        )
        row = (await self._connection.execute(query)).one_or_none()
        return Channel(*row) if row else None

    async def of_no_use(self, *, now: datetime, limit: int) -> Sequence[Channel]:
        """Return some channels that are to be stopped."""
        query = select(*_COLUMNS).where(channels.c.stop_after <= now).order_by(channels.c.stop_after).limit(limit)
        return [Channel(*row) for row in await self._connection.execute(query)]

    async def claim_stop(self, channel: Channel, *, again_at: datetime) -> bool:
        """See that nobody else stops a channel until `again_at`; tell whether it is left to us."""
        return await self._changed(
            update(channels)
            .where(*_is_channel(channel), channels.c.stop_after == channel.stop_after)
            .values(stop_after=again_at)
        )

    async def drop(self, channel: Channel) -> None:
        """Forget a channel."""
        await self._connection.execute(delete(channels).where(*_is_channel(channel)))

    async def _changed(self, statement: Update) -> bool:
        return bool((await self._connection.execute(statement)).rowcount)


def _are_of(key: ConnectionKey) -> tuple[ColumnElement[bool], ...]:
    return calendars.c.site_id == key.site_id, calendars.c.connection_id == key.connection_id


def _are_channels_of(key: ConnectionKey) -> tuple[ColumnElement[bool], ...]:
    return channels.c.site_id == key.site_id, channels.c.connection_id == key.connection_id


def _is(one: Unwatched) -> tuple[ColumnElement[bool], ...]:
    return calendars.c.site_id == one.connection.site_id, calendars.c.id == one.calendar_id


def _is_channel(channel: Channel) -> tuple[ColumnElement[bool], ...]:
    return channels.c.site_id == channel.site_id, channels.c.id == channel.id


def _is_calendar_of(channel: Channel) -> tuple[ColumnElement[bool], ...]:
    return calendars.c.site_id == channel.site_id, calendars.c.id == channel.calendar_id
