"""To which calendar of an account events are exported, and the calendar that is made for them."""

from collections.abc import Sequence

import structlog

from kalends.model.calendar import ExternalCalendar
from kalends.model.connection import Connection, ExportTarget
from kalends.providers.errors import CalendarGone
from kalends.store.calendars import Calendars, StoredCalendar
from kalends.store.database import Database
from kalends.store.standings import Standings
from kalends.sync.export.account import ExportAccount
from kalends.sync.export.keys import CopyKeys

log = structlog.get_logger(__name__)


class Targets:
    """Finds the calendars that copies belong into, and makes and removes those that are made for them."""

    def __init__(self, database: Database, keys: CopyKeys) -> None:
        self._database = database
        self._keys = keys

    async def of(self, account: ExportAccount) -> str:
        """Return the provider's id of the calendar that copies belong into, which is made where it has to be.

        Raises `CalendarGone` where the account has no primary calendar, `CalendarRefused` where it may not make one,
        `ProviderError`, `LeaseLost`.
        """
        if account.connection.export_config.target is ExportTarget.PRIMARY:
            async with self._database.read() as reader:
                stored = await Calendars(reader, account.site_id).of_connection(account.connection.id)
            primary = primary_of(stored)
            if primary is None:
                raise CalendarGone("the account has no primary calendar that can be written to")
            return primary.calendar.id
        known = account.connection.export.dedicated_calendar
        if known is not None:
            return known
        marker = self._keys.marker(account.site_id, account.connection.id)
        made = await account.session.find_calendar(marker)
        if made is None:
            made = await account.session.create_calendar(account.site_name, marker)
        listed = await account.reading.list_calendars()
        async with self._database.write() as writer:
            await Standings(writer, account.lease).set_dedicated(made.id)
            await Calendars(writer, account.site_id).see(account.connection.id, listed, became=account.became)
        log.info("dedicated_calendar", connection=account.connection.id)
        return made.id

    async def clear_up(self, account: ExportAccount) -> None:
        """Delete the calendar that was made for copies, now that there are none; raises as `of` does.

        One in which somebody else keeps events stays, and is theirs from then on.
        """
        made = account.connection.export.dedicated_calendar
        if made is None:
            # it may have been made by who was cut off then
            found = await account.session.find_calendar(self._keys.marker(account.site_id, account.connection.id))
            if found is None:
                return
            made = found.id
        if not account.connection.exports():
            # before it goes: where we are cut off then, it is not taken for one that its owner has deleted
            async with self._database.write() as writer:
                await Standings(writer, account.lease).set_dedicated(None)
        removed = True
        try:
            if await account.session.is_empty(made):
                await account.session.delete_calendar(made)
            else:
                removed = False
                log.warning("dedicated_calendar_kept", connection=account.connection.id)
        except CalendarGone:
            pass  # its owner was first
        async with self._database.write() as writer:
            await Standings(writer, account.lease).set_dedicated(None)
            if removed:
                await Calendars(writer, account.site_id).note_removed(account.connection.id, made, account.since)


def target_of(connection: Connection, calendars: Sequence[StoredCalendar]) -> ExternalCalendar | None:
    """Return the calendar that copies belong into, as far as there is one; `calendars` are the account's."""
    if connection.export_config.target is ExportTarget.PRIMARY:
        primary = primary_of(calendars)
        return None if primary is None else primary.calendar
    made = connection.export.dedicated_calendar
    if made is None:
        return None
    return next((one.calendar for one in calendars if one.calendar.id == made), ExternalCalendar(made, ""))


def primary_of(calendars: Sequence[StoredCalendar]) -> StoredCalendar | None:
    """Return the primary calendar among an account's, where there is one that can be written to."""
    for one in calendars:
        if one.calendar.primary and one.calendar.writable and one.gone_at is None:
            return one
    return None
