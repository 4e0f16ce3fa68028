"""The external calendars of a connection, as far as they were seen."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, and_, delete, insert, select, update

from kalends.model.calendar import Became, ExternalCalendar
from kalends.model.ids import new_id
from kalends.model.time import Window
from kalends.store.readings import Coverage, Doubt, Pass
from kalends.store.repository import SiteRepository
from kalends.store.tables import calendars, connections, copies, groups, items, occurrences, passes, readings


@dataclass(frozen=True, slots=True)
class StoredCalendar:
    """A calendar's row; `id` is ours, `calendar.id` the provider's."""

    site_id: str
    id: str
    connection_id: str
    calendar: ExternalCalendar
    selected: bool
    gone_at: datetime | None
    cursor: str | None
    last_good_read_at: datetime | None
    coverage: Coverage | None
    doubt: Doubt | None = None
    begun: Pass | None = None
    """The pass that was begun and has not ended, when the calendar was loaded."""
    watched_until: datetime | None = None
    """Until when the provider tells of changes by itself."""

    def covers(self, window: Window) -> bool:
        """Tell whether the occurrences covered exactly this window when the calendar was loaded."""
        return self.coverage is not None and self.coverage.window == window


class Calendars(SiteRepository):
    """The calendars of one site's connections."""

    async def of_connection(self, connection_id: str) -> Sequence[StoredCalendar]:
        """Return the calendars of a connection in the provider's order, those that are gone included."""
        return (await self.of_connections([connection_id])).get(connection_id, [])

    async def of_connections(self, connection_ids: Collection[str]) -> Mapping[str, Sequence[StoredCalendar]]:
        """Return connection id → calendars, for those that have any."""
        query = calendars_with_readings().where(
            calendars.c.site_id == self._site_id, calendars.c.connection_id.in_(connection_ids)
        )
        found: dict[str, list[StoredCalendar]] = {}
        for row in await self._connection.execute(query):
            found.setdefault(row.connection_id, []).append(stored_calendar(row))
        return found

    async def see(
        self,
        connection_id: str,
        seen: Sequence[ExternalCalendar],
        *,
        select_own: bool = False,
        became: Became | None = None,
    ) -> None:
        """Write the account's calendars as the provider lists them now.

        One that it does not list stays as it was: that it is gone is only believed after a reading has said so too.
        New ones are not chosen, but for `select_own`: then the primary calendar is, or where there is none all of the
        account's own. `became` finds those again whose ids have changed: they keep what was chosen and imported.
        """
        stored = {one.calendar.id: one for one in await self.of_connection(connection_id)}
        for before, after in _renamed(stored, seen, became):
            stored[after] = stored.pop(before)
            await self._update(stored[after].id, external_id=after, watched_until=None)
            await self._follow(connection_id, before, after)
            await self._begin_anew(stored[after].id)
        has_primary = any(calendar.primary for calendar in seen)
        for position, calendar in enumerate(seen):
            values = _values(calendar, position)
            if calendar.id not in stored:
                chosen = calendar.primary if has_primary else calendar.own
                await self._connection.execute(
                    insert(calendars).values(
                        site_id=self._site_id,
                        id=new_id(),
                        connection_id=connection_id,
                        external_id=calendar.id,
                        selected=select_own and chosen,
                        **values,
                    )
                )
            elif stored[calendar.id].calendar != calendar or stored[calendar.id].gone_at is not None:
                await self._update(stored[calendar.id].id, gone_at=None, **values)

    async def _follow(self, connection_id: str, before: str, after: str) -> None:
        """Have copies, and what was made for them, be in a calendar under its new id."""
        ours = (copies.c.site_id == self._site_id, copies.c.connection_id == connection_id)
        await self._connection.execute(
            update(copies).where(*ours, copies.c.calendar_id == before).values(calendar_id=after)
        )
        this = (connections.c.site_id == self._site_id, connections.c.id == connection_id)
        await self._connection.execute(
            update(connections)
            .where(*this, connections.c.dedicated_calendar == before)
            .values(dedicated_calendar=after, copies_cursor=None)
        )

    async def _begin_anew(self, calendar_id: str) -> None:
        """Have a calendar read as a whole: what was remembered of its reading was under another id."""
        await self._connection.execute(
            update(readings)
            .where(readings.c.site_id == self._site_id, readings.c.calendar_id == calendar_id)
            .values(cursor=None)
        )
        await self._connection.execute(
            delete(passes).where(passes.c.site_id == self._site_id, passes.c.calendar_id == calendar_id)
        )

    async def select(self, connection_id: str, external_ids: Collection[str]) -> None:
        """Choose exactly these calendars for import."""
        await self._connection.execute(
            update(calendars)
            .where(calendars.c.site_id == self._site_id, calendars.c.connection_id == connection_id)
            .values(selected=calendars.c.external_id.in_(external_ids))
        )

    async def note_gone(self, calendar_id: str, at: datetime) -> None:
        """Mark a calendar as no longer there."""
        await self._update(calendar_id, gone_at=at)

    async def note_removed(self, connection_id: str, external_id: str, at: datetime) -> None:
        """Mark a calendar as no longer there, by the provider's id."""
        await self._connection.execute(
            update(calendars)
            .where(
                calendars.c.site_id == self._site_id,
                calendars.c.connection_id == connection_id,
                calendars.c.external_id == external_id,
            )
            .values(gone_at=at, selected=False)
        )

    async def note_back(self, calendar_id: str) -> None:
        """Take back that a calendar is no longer there."""
        await self._update(calendar_id, gone_at=None)

    async def forget_contents(self, calendar_ids: Collection[str]) -> None:
        """Delete what was imported from calendars, and their cursors: the next reading is a full one."""
        for table in (occurrences, groups, items, passes, readings):
            await self._connection.execute(
                delete(table).where(table.c.site_id == self._site_id, table.c.calendar_id.in_(calendar_ids))
            )

    async def _update(self, calendar_id: str, **values: Any) -> None:
        await self._connection.execute(
            update(calendars)
            .where(calendars.c.site_id == self._site_id, calendars.c.id == calendar_id)
            .values(**values)
        )


def _renamed(
    stored: Mapping[str, StoredCalendar], seen: Sequence[ExternalCalendar], became: Became | None
) -> list[tuple[str, str]]:
    """Return the ids, before and after, of calendars that came to have another one."""
    if became is None:
        return []
    listed = {calendar.id for calendar in seen}
    others = [calendar for calendar in seen if calendar.id not in stored]
    found = []
    for one in stored.values():
        if one.calendar.id in listed:
            continue
        after = became(one.calendar, others)
        if after is not None:
            others.remove(after)
            found.append((one.calendar.id, after.id))
    return found


def _values(calendar: ExternalCalendar, position: int) -> dict[str, Any]:
    return {
        "name": calendar.name,
        "color": calendar.color,
        "time_zone": calendar.time_zone,
        "is_primary": calendar.primary,
        "own": calendar.own,
        "writable": calendar.writable,
        "position": position,
    }


def calendars_with_readings() -> Select[Any]:
    """Return the query for calendars of all sites with how far they were read, in the provider's order."""
    read = and_(readings.c.site_id == calendars.c.site_id, readings.c.calendar_id == calendars.c.id)
    begun = and_(passes.c.site_id == calendars.c.site_id, passes.c.calendar_id == calendars.c.id)
    return (
        select(
            calendars,
            readings.c.cursor,
            readings.c.last_good_at,
            readings.c.covered_from,
            readings.c.covered_until,
            readings.c.zones,
            readings.c.zone_rules,
            readings.c.doubted_at,
            readings.c.doubted_items,
            passes.c.id.label("pass_id"),
            passes.c.kind.label("reading_kind"),
            passes.c.continuation,
        )
        .join(readings, read, isouter=True)
        .join(passes, begun, isouter=True)
        .order_by(calendars.c.connection_id, calendars.c.position, calendars.c.external_id)
    )


def stored_calendar(row: Row[Any]) -> StoredCalendar:
    """Return the calendar that a row of `calendars_with_readings` is about."""
    calendar = ExternalCalendar(
        row.external_id, row.name, row.is_primary, row.own, row.writable, row.color, row.time_zone
    )
    return StoredCalendar(
        row.site_id,
        row.id,
        row.connection_id,
        calendar,
        row.selected,
        row.gone_at,
        row.cursor,
        row.last_good_at,
        Coverage(Window(row.covered_from, row.covered_until), row.zones, row.zone_rules) if row.covered_from else None,
        Doubt(row.doubted_at, row.doubted_items) if row.doubted_at else None,
        Pass(row.pass_id, row.reading_kind == "full", row.continuation) if row.pass_id else None,
        row.watched_until,
    )
