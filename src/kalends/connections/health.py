"""How a connection is doing, for whoever has to find out what is late or broken, and why."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kalends.accounts.directory import ProviderDirectory
from kalends.connections.exports import ExportHealth, export_health
from kalends.connections.finding import find_connection
from kalends.connections.readability import Readability, readability
from kalends.model.clock import Clock
from kalends.model.connection import Acknowledgement, Connection
from kalends.model.identity import Identity, Permission
from kalends.store.calendars import Calendars, StoredCalendar
from kalends.store.database import Database, Transaction
from kalends.store.sizes import Size, Sizes
from kalends.sync.selection import imported

_KIND = re.compile(r"(?:unexpected )?([A-Z]\w*)(?::|$)")


@dataclass(frozen=True, slots=True)
class ConnectionHealth:
    """A connection at the moment `at`, with all calendars that its account was seen to have.

    `sizes` has our id of a calendar → what is stored of it, for those that hold anything.
    """

    connection: Connection
    readability: Readability
    calendars: Sequence[StoredCalendar]
    sizes: Mapping[str, Size]
    exports: ExportHealth
    at: datetime
    staleness_limit: timedelta

    @property
    def age(self) -> timedelta | None:
        """How long ago it was read well, None where it never was."""
        last = self.connection.last_good_read_at
        return None if last is None else max(self.at - last, timedelta())

    @property
    def lag(self) -> timedelta:
        """By how much its next sync is overdue; nothing while it is being synced."""
        due = self.connection.next_sync_at
        if due is None or self.under_way:
            return timedelta()
        return max(self.at - due, timedelta())

    @property
    def under_way(self) -> bool:
        """Whether it is being synced."""
        return self.connection.under_way(self.at)

    @property
    def imported(self) -> Sequence[StoredCalendar]:
        """The calendars that are chosen for import, those that are gone included."""
        return imported(self.connection, self.calendars)

    @property
    def gone(self) -> Sequence[StoredCalendar]:
        """The chosen calendars that the account no longer has."""
        return [one for one in self.imported if one.gone_at is not None]

    @property
    def not_chosen(self) -> Sequence[StoredCalendar]:
        """The calendars that the account has and that are not chosen: those that were added later among them.

        The one that was made for copies is not: nobody is to choose it.
        """
        chosen = {one.id for one in self.imported}
        made = self.connection.export.dedicated_calendar
        there = [one for one in self.calendars if one.gone_at is None and one.calendar.id != made]
        return [one for one in there if one.id not in chosen]

    @property
    def acknowledgement(self) -> Acknowledgement | None:
        """The acknowledgement, where it still counts."""
        given = self.connection.acknowledgement
        return given if given is not None and given.holds(self.at) else None

    @property
    def last_error(self) -> str | None:
        """The kind of the last error."""
        return error_kind(self.connection.last_error)


class HealthReading:
    """Looks at the health of connections; asks no provider."""

    def __init__(
        self, database: Database, directory: ProviderDirectory, clock: Clock, staleness_limit: timedelta
    ) -> None:
        self._database = database
        self._directory = directory
        self._clock = clock
        self._staleness_limit = staleness_limit

    async def get(self, identity: Identity, connection_id: str) -> ConnectionHealth:
        """Return the health of one connection; raises `NotFound`, `PermissionDenied`."""
        async with self._database.read() as reader:
            connection = await find_connection(reader, identity, connection_id, Permission.READ_ALL_CONNECTIONS)
            return await self.look(reader, connection)

    async def look(self, reader: Transaction, connection: Connection) -> ConnectionHealth:
        """Return the health of a connection that was just read in the same transaction."""
        site_id, now = connection.site_id, self._clock.now()
        calendars = await Calendars(reader, site_id).of_connection(connection.id)
        providers = await self._directory.known(reader, site_id)
        found = readability(
            connection,
            calendars,
            has_plugin=connection.provider_id in providers,
            now=now,
            staleness_limit=self._staleness_limit,
        )
        sizes = await Sizes(reader, site_id).of_connection(connection.id)
        exports = await export_health(reader, connection, calendars)
        return ConnectionHealth(connection, found, calendars, sizes, exports, now, self._staleness_limit)


def error_kind(description: str | None) -> str | None:
    """Return the kind of an error from how a sync described it (`kalends.sync.outcome.describe`), None for a note.

    What follows the kind is for the operator: it may name hosts, calendars and addresses.
    """
    found = _KIND.match(description or "")
    return found[1] if found else None
