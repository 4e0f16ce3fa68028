"""What exporting is about: an account that a session is open for, under a lease."""

from dataclasses import dataclass
from datetime import datetime

from kalends.model.calendar import Became
from kalends.model.connection import Connection, Lease
from kalends.model.copy import CopyChanges
from kalends.providers.base import AccountSession
from kalends.providers.export import Exports
from kalends.store.copies import Copies, KnownCopy
from kalends.store.database import Database
from kalends.store.leases import Leases
from kalends.sync.export.wanted import CopyStyle


@dataclass(frozen=True, slots=True)
class ExportAccount:
    """An account, with what its copies look like.

    `session` and `reading` are the same session: by the one copies are written, by the other calendars are read.
    `since` is when what ends by then is over; `became` finds calendars again whose ids have changed, where they do.
    """

    database: Database
    lease: Lease
    connection: Connection
    session: Exports
    reading: AccountSession
    site_name: str
    style: CopyStyle
    changes: CopyChanges
    since: datetime
    became: Became | None

    @property
    def site_id(self) -> str:
        """Whose it is."""
        return self.connection.site_id

    async def keep(self, copy: KnownCopy) -> None:
        """Write what is known of a copy; raises `LeaseLost`."""
        async with self.database.write() as writer:
            await Leases(writer).check(self.lease)
            await Copies(writer, self.site_id).put(copy)
