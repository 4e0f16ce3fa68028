"""How exporting to the account of a connection is doing: what is still to be written there, and what is there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from kalends.model.calendar import ExternalCalendar
from kalends.model.connection import Connection
from kalends.store.calendars import StoredCalendar
from kalends.store.copies import Copies
from kalends.store.database import Transaction
from kalends.store.intentions import Intentions


@dataclass(frozen=True, slots=True)
class ExportHealth:
    """How exporting is doing.

    `pending` events are still to be brought about in the account. `left` copies are there, or may be: each that was
    asked for counts until it is known to be gone. `refused` are those of them that the provider would not take as they
    should be, or would not give up. `made` is the calendar that was made for copies, as long as it is known to be
    there.
    """

    connection: Connection
    pending: int = 0
    refused: int = 0
    left: int = 0
    made: ExternalCalendar | None = None

    @property
    def anything_left(self) -> bool:
        """Whether something of ours is in the account, or may be."""
        return self.left > 0 or self.made is not None

    @property
    def cleanup_until(self) -> datetime | None:
        """Until when what is left is tried to be taken away; None where nothing is left, or it was given up."""
        return self.connection.cleanup_until if self.anything_left else None


async def export_health(
    reader: Transaction, connection: Connection, calendars: Sequence[StoredCalendar]
) -> ExportHealth:
    """Return how exporting to a connection's account is doing; `calendars` are all that it was seen to have."""
    copies = Copies(reader, connection.site_id)
    known, made = connection.export.dedicated_calendar, None
    if known is not None:
        seen = (one.calendar for one in calendars if one.calendar.id == known)
        made = next(seen, ExternalCalendar(known, ""))
    return ExportHealth(
        connection,
        await Intentions(reader, connection.site_id).count(connection.id),
        await copies.failing(connection.id),
        await copies.left(connection.id),
        made,
    )
