"""What a sync needs to know before it asks anything: read for many connections at once, in two statements."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from sqlalchemy import BindParameter, and_, bindparam, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from kalends.model.connection import Connection, ConnectionKey
from kalends.store.calendars import StoredCalendar, calendars_with_readings, stored_calendar
from kalends.store.connections import connection_of, with_selected_calendars
from kalends.store.providers import Install
from kalends.store.repository import chunks
from kalends.store.tables import calendars, connections, providers, schedules


@dataclass(frozen=True, slots=True)
class Brief:
    """What is stored of a connection when its sync begins.

    `credentials` are sealed, None where they were erased; `install` is None where no provider of that id was
    installed on the site; `calendars` are in the provider's order, those that are gone included.
    """

    connection: Connection
    credentials: bytes | None = field(repr=False)
    schedule_zone: str
    install: Install | None
    calendars: Sequence[StoredCalendar]


class Briefs:
    """The briefs of connections of all sites, in an open transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def of(self, keys: Collection[ConnectionKey]) -> Mapping[ConnectionKey, Brief]:
        """Return key → brief, for the connections that there are."""
        found: dict[ConnectionKey, Brief] = {}
        for some in chunks(keys):
            held = await self._calendars(some)
            for key, brief in (await self._briefs(some)).items():
                found[key] = Brief(*brief, held.get(key, ()))
        return found

    async def _briefs(
        self, keys: Collection[ConnectionKey]
    ) -> dict[ConnectionKey, tuple[Connection, bytes | None, str, Install | None]]:
        rows = (await self._connection.execute(_BRIEFS, {"keys": [tuple(key) for key in keys]})).all()
        found = {}
        for key, group in groupby(rows, key=lambda row: ConnectionKey(row.site_id, row.id)):
            of_one = list(group)
            row = of_one[0]
            install = None
            if row.provider_kind is not None:
                install = Install(
                    row.site_id,
                    row.provider_id,
                    row.provider_kind,
                    row.provider_name,
                    row.provider_config,
                    secrets=row.provider_secrets,
                )
            found[key] = (connection_of(of_one), row.credentials, row.schedule_zone, install)
        return found

    async def _calendars(self, keys: Collection[ConnectionKey]) -> Mapping[ConnectionKey, Sequence[StoredCalendar]]:
        found: dict[ConnectionKey, list[StoredCalendar]] = {}
        for row in await self._connection.execute(_CALENDARS, {"keys": [tuple(key) for key in keys]}):
            found.setdefault(ConnectionKey(row.site_id, row.connection_id), []).append(stored_calendar(row))
        return found


_KEYS: BindParameter[Any] = bindparam("keys", expanding=True)
_BRIEFS = (
    with_selected_calendars()
    .add_columns(
        schedules.c.time_zone.label("schedule_zone"),
        providers.c.kind.label("provider_kind"),
        providers.c.name.label("provider_name"),
        providers.c.config.label("provider_config"),
        providers.c.secrets.label("provider_secrets"),
    )
    .join(
        providers,
        and_(providers.c.site_id == connections.c.site_id, providers.c.id == connections.c.provider_id),
        isouter=True,
    )
    .where(tuple_(connections.c.site_id, connections.c.id).in_(_KEYS))
)
_CALENDARS = calendars_with_readings().where(tuple_(calendars.c.site_id, calendars.c.connection_id).in_(_KEYS))
"""Made once: making them would be a good part of a poll's work."""
