"""The contents of one calendar: how far it was read, its items, their groups and occurrences."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from kalends.store.groups import Groups
from kalends.store.items import Items
from kalends.store.readings import Pass, Readings
from kalends.store.tables import groups, items


class Contents:
    """The repositories of one calendar, in one open transaction."""

    def __init__(self, connection: AsyncConnection, site_id: str, calendar_id: str) -> None:
        self.readings = Readings(connection, site_id, calendar_id)
        self.items = Items(connection, site_id, calendar_id)
        self.groups = Groups(connection, site_id, calendar_id)

    async def are_empty(self) -> bool:
        """Tell whether nothing of the calendar is stored here."""
        return await self.items.is_empty(items) and await self.groups.is_empty(groups)

    async def close_pass(self, current: Pass | None, *, cursor: str, at: datetime) -> int:
        """End a reading: after a full pass, delete what it did not see; store the cursor. Return how many items went.

        An incremental reading that found nothing never began a pass: then `current` is None.
        """
        removed = 0
        if current is not None:
            if current.full:
                removed = await self.items.delete_unseen(current.id)
                await self.groups.drop_empty(await self.groups.empty())
            await self.readings.drop_pass()
        await self.readings.note_good(cursor, at)
        return removed
