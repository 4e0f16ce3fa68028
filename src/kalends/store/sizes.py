"""How much is stored of each calendar of a connection: counts alone, never what is in them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, func, select

from kalends.store.repository import SiteRepository
from kalends.store.tables import calendars, groups, items


@dataclass(frozen=True, slots=True)
class Size:
    """What is stored of one calendar; `quarantined` are the events that could not be read."""

    items: int = 0
    quarantined: int = 0


class Sizes(SiteRepository):
    """The sizes of one site's calendars."""

    async def of_connection(self, connection_id: str) -> Mapping[str, Size]:
        """Return our id of a calendar → its size, for those that hold anything."""
        stored = await self._counted(items, connection_id)
        problems = await self._counted(groups, connection_id, groups.c.problems.is_not(None))
        return {one: Size(stored.get(one, 0), problems.get(one, 0)) for one in stored.keys() | problems.keys()}

    async def _counted(self, table: Any, connection_id: str, *conditions: Any) -> Mapping[str, int]:
        of_calendar = and_(calendars.c.site_id == table.c.site_id, calendars.c.id == table.c.calendar_id)
        query = (
            select(table.c.calendar_id, func.count())
            .join(calendars, of_calendar)
            .where(table.c.site_id == self._site_id, calendars.c.connection_id == connection_id, *conditions)
            .group_by(table.c.calendar_id)
        )
        return {row[0]: row[1] for row in await self._connection.execute(query)}
