"""What an operator's check asks of the store: counts and ids, never what is in a calendar, a secret or a name.

It looks at all sites at once, or at one: whoever runs it has the database in their hands.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, inspect, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from kalends.model.connection import Status
from kalends.store.tables import calendars, connections, groups, providers, readings, runs, servers

EXAMPLES = 20
"""How many ids are named where more are concerned."""


@dataclass(frozen=True, slots=True)
class Affected:
    """How many connections something is true of, and which the first of them are."""

    count: int
    ids: Sequence[str]


@dataclass(frozen=True, slots=True)
class Sealed:
    """The sealed credentials of a connection."""

    site_id: str
    connection_id: str
    credentials: bytes


@dataclass(frozen=True, slots=True)
class SealedProvider:
    """The sealed secrets of an installed provider."""

    site_id: str
    provider_id: str
    secrets: bytes


@dataclass(frozen=True, slots=True)
class QuarantinedIn:
    """How many events of a calendar could not be read; `calendar_id` is ours."""

    connection_id: str
    calendar_id: str
    events: int


@dataclass(frozen=True, slots=True)
class UsedProvider:
    """An installed provider; `used` counts the live connections on all the sites that are looked at."""

    id: str
    kind: str
    config: Mapping[str, str]
    used: int


async def holds_credentials(reader: AsyncConnection) -> bool:
    """Tell whether anything is sealed in the database, whatever its schema."""
    if not await reader.run_sync(lambda sync: inspect(sync).has_table(connections.name)):
        return False
    query = select(connections.c.id).where(connections.c.credentials.is_not(None)).limit(1)
    if (await reader.execute(query)).first() is not None:
        return True
    # an earlier schema has no secrets of providers
    known = await reader.run_sync(lambda sync: {one["name"] for one in inspect(sync).get_columns(providers.name)})
    if providers.c.secrets.name not in known:
        return False
    query = select(providers.c.id).where(providers.c.secrets.is_not(None)).limit(1)
    return (await reader.execute(query)).first() is not None


class Findings:
    """Everything that is looked at in one open transaction, of one site or, where `site_id` is None, of all."""

    def __init__(self, connection: AsyncConnection, site_id: str | None = None) -> None:
        self._connection = connection
        self._site_id = site_id

    async def connections(self) -> int:
        """Return how many live connections there are."""
        return (await self._affected()).count

    async def errors(self) -> Mapping[str, Affected]:
        """Return reason → the connections that are in `ERROR` for it."""
        in_error = connections.c.status == Status.ERROR.value
        query = select(connections.c.error_reason).where(in_error, *self._in(connections)).distinct()
        reasons = sorted((await self._connection.execute(query)).scalars(), key=str)
        return {str(one): await self._affected(in_error, connections.c.error_reason == one) for one in reasons}

    async def exports_stopped(self) -> Affected:
        """Return the connections to which nothing is exported until somebody acts, but for those in `ERROR`."""
        return await self._affected(
            connections.c.export_problem.is_not(None), connections.c.status != Status.ERROR.value
        )

    async def stale(self, oldest: datetime) -> Affected:
        """Return the connections whose last good read is not younger than `oldest`, but for those in `ERROR`."""
        return await self._affected(*_reads(), connections.c.last_good_read_at <= oldest)

    async def never_read(self, made_before: datetime) -> Affected:
        """Return the connections that were made before a time and never read, but for those in `ERROR`."""
        return await self._affected(
            *_reads(), connections.c.last_good_read_at.is_(None), connections.c.created_at < made_before
        )

    async def failing(self) -> Affected:
        """Return the connections whose latest sync failed and is tried again, but for those in `ERROR`."""
        return await self._affected(connections.c.status != Status.ERROR.value, connections.c.failures > 0)

    async def amiss(self) -> Affected:
        """Return the connections that are read, though something was amiss: one of their calendars is gone, say."""
        return await self._affected(
            connections.c.status != Status.ERROR.value,
            connections.c.failures == 0,
            connections.c.last_error.is_not(None),
        )

    async def waiting(self, now: datetime, *, due_before: datetime, asked: bool = True) -> Affected:
        """Return the connections that nobody syncs, though it was due before a time or, unless told, asked for."""
        due = connections.c.next_sync_at < due_before
        return await self._affected(
            or_(due, connections.c.wanted_rev > connections.c.done_rev) if asked else due,
            or_(connections.c.lease_until.is_(None), connections.c.lease_until < now),
            connections.c.credentials.is_not(None),
        )

    async def quarantined(self) -> Sequence[QuarantinedIn]:
        """Return how many events could not be read, by calendar."""
        query = (
            select(calendars.c.connection_id, calendars.c.id, func.count())
            .join(groups, (calendars.c.site_id == groups.c.site_id) & (calendars.c.id == groups.c.calendar_id))
            .where(groups.c.problems.is_not(None), *self._in(groups))
            .group_by(calendars.c.site_id, calendars.c.connection_id, calendars.c.id)
            .order_by(func.count().desc(), calendars.c.id)
        )
        return [QuarantinedIn(*row) for row in await self._connection.execute(query)]

    async def sealed_with(self, head: int) -> Mapping[bytes, Affected]:
        """Return the first `head` bytes of sealed credentials → the connections whose credentials begin so."""
        begins = func.substr(connections.c.credentials, 1, head, type_=connections.c.credentials.type)
        query = (
            select(begins.label("head"))
            .where(connections.c.credentials.is_not(None), *self._in(connections))
            .group_by("head")
        )
        heads = [bytes(one) for one in (await self._connection.execute(query)).scalars()]
        return {one: await self._affected(begins == one) for one in heads}

    async def sealed(self, limit: int) -> Sequence[Sealed]:
        """Return the sealed credentials of the latest connections."""
        query = (
            select(connections.c.site_id, connections.c.id, connections.c.credentials)
            .where(connections.c.credentials.is_not(None), *self._in(connections))
            .order_by(connections.c.created_at.desc(), connections.c.id)
            .limit(limit)
        )
        return [Sealed(*row) for row in await self._connection.execute(query)]

    async def sealed_providers(self) -> Sequence[SealedProvider]:
        """Return the sealed secrets of installed providers."""
        query = (
            select(providers.c.site_id, providers.c.id, providers.c.secrets)
            .where(providers.c.secrets.is_not(None), *self._in(providers))
            .order_by(providers.c.created_at, providers.c.id)
        )
        return [SealedProvider(*row) for row in await self._connection.execute(query)]

    async def providers(self) -> Sequence[UsedProvider]:
        """Return the installed providers but for those that were removed and are not used any more."""
        used = await self.used_providers()
        query = select(providers).where(*self._in(providers)).order_by(providers.c.created_at, providers.c.id)
        return [
            UsedProvider(row.id, row.kind, row.config, used.get(row.id, 0))
            for row in await self._connection.execute(query)
            if row.removed_at is None or row.id in used
        ]

    async def used_providers(self) -> Mapping[str, int]:
        """Return provider id → how many live connections it has, built-in ones included."""
        query = (
            select(connections.c.provider_id, func.count())
            .where(connections.c.status != Status.DISCONNECTED.value, *self._in(connections))
            .group_by(connections.c.provider_id)
        )
        return {row[0]: row[1] for row in await self._connection.execute(query)}

    async def heartbeats(self) -> Sequence[datetime]:
        """Return when each process that takes up syncs was last heard of, the latest first."""
        query = select(servers.c.beat_at).order_by(servers.c.beat_at.desc())
        return list((await self._connection.execute(query)).scalars())

    async def newest(self) -> datetime | None:
        """Return the latest of the times at which something is noted to have happened."""
        columns = (
            connections.c.created_at,
            connections.c.last_read_at,
            connections.c.last_good_read_at,
            readings.c.last_good_at,
            runs.c.ended_at,
            servers.c.beat_at,
        )
        times = [(await self._connection.execute(select(func.max(column)))).scalar_one() for column in columns]
        return max((one for one in times if one is not None), default=None)

    async def _affected(self, *conditions: ColumnElement[bool]) -> Affected:
        which = (*self._in(connections), connections.c.status != Status.DISCONNECTED.value, *conditions)
        count = (
            await self._connection.execute(select(func.count()).select_from(connections).where(*which))
        ).scalar_one()
        if not count:
            return Affected(0, ())
        query = select(connections.c.id).where(*which).order_by(connections.c.created_at, connections.c.id)
        return Affected(count, list((await self._connection.execute(query.limit(EXAMPLES))).scalars()))

    def _in(self, table: Any) -> tuple[ColumnElement[bool], ...]:
        return () if self._site_id is None else (table.c.site_id == self._site_id,)


def _reads() -> tuple[ColumnElement[bool], ...]:
    return connections.c.import_enabled, connections.c.status != Status.ERROR.value
