"""The groups of one calendar, and the occurrences that they were expanded to."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, exists, insert, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from kalends.model.occurrence import Expansion, Occurrence, Problem
from kalends.store.bulk import insert_many
from kalends.store.repository import CalendarRepository, chunks
from kalends.store.tables import calendars, groups, items, occurrences

UTC_NAME = "UTC"
"""What the zone of an occurrence is called that no rules place."""


@dataclass(frozen=True, slots=True)
class ExpandedGroup:
    """A group with its expansion; `spans` are the occurrences with their start and end as instants."""

    key: str
    expansion: Expansion
    spans: Sequence[tuple[Occurrence, datetime, datetime]]


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A problem with an event of a calendar, as the operator is shown it."""

    calendar: str
    problem: Problem


class Groups(CalendarRepository):
    """The groups of one calendar of a site."""

    async def put(self, expanded: Sequence[ExpandedGroup], *, fresh: bool = False) -> None:
        """Replace the expansions of groups, or add those of groups of which nothing is stored (`fresh`).

        Of the occurrences, those are written that differ: a day more of a long series is one row.
        """
        rows = {
            (row[_GROUP_KEY], row[_KEY]): row
            for one in expanded
            for row in _occurrence_rows(self._site_id, self._calendar_id, one)
        }
        if not fresh:
            keys = [one.key for one in expanded]
            stored = await self._occurrences(keys)
            await self._drop([key for key, row in stored.items() if rows.get(key) != row])
            rows = {key: row for key, row in rows.items() if stored.get(key) != row}
            for some in chunks(keys):
                await self._connection.execute(delete(groups).where(*self._in(groups), groups.c.group_key.in_(some)))
        await insert_many(self._connection, _ADD_GROUP, [self._group_row(one) for one in expanded])
        await insert_many(self._connection, _ADD_OCCURRENCE, [*rows.values()])

    async def _occurrences(self, group_keys: Collection[str]) -> dict[tuple[str, str], tuple[Any, ...]]:
        """Return the stored occurrences of groups, as their rows."""
        found: dict[tuple[str, str], tuple[Any, ...]] = {}
        for some in chunks(group_keys):
            query = select(*occurrences.c).where(*self._in(occurrences), occurrences.c.group_key.in_(some))
            found |= {(row.group_key, row.key): tuple(row) for row in await self._connection.execute(query)}
        return found

    async def _drop(self, places: Collection[tuple[str, str]]) -> None:
        """Delete occurrences, given their groups and keys."""
        place = tuple_(occurrences.c.group_key, occurrences.c.key)
        for some in chunks(places):
            await self._connection.execute(delete(occurrences).where(*self._in(occurrences), place.in_(some)))

    def _group_row(self, one: ExpandedGroup) -> tuple[Any, ...]:
        expansion = one.expansion
        problems = [{"uid": each.uid, "reason": each.reason} for each in expansion.problems] or None
        return self._site_id, self._calendar_id, one.key, expansion.expanded_until, expansion.floating, problems

    async def drop_empty(self, group_keys: Collection[str]) -> None:
        """Delete those of the groups that have no item any more, and their occurrences."""
        for table in (occurrences, groups):
            for some in chunks(group_keys):
                await self._connection.execute(
                    delete(table).where(*self._in(table), table.c.group_key.in_(some), ~_has_items(table))
                )

    async def empty(self) -> Sequence[str]:
        """Return the groups that have no item any more."""
        return await self._keys(~_has_items(groups))

    async def note_expanded(self, group_keys: Collection[str], until: datetime) -> None:
        """Note up to where groups count as expanded, without touching their occurrences."""
        for some in chunks(group_keys):
            await self._connection.execute(
                update(groups).where(*self._in(groups), groups.c.group_key.in_(some)).values(expanded_until=until)
            )

    async def all_keys(self) -> Sequence[str]:
        """Return the keys of all groups."""
        return await self._keys()

    async def short_of(self, horizon: datetime) -> Sequence[str]:
        """Return the groups that go on beyond where they were expanded to, and were not expanded up to `horizon`."""
        return await self._keys(groups.c.expanded_until < horizon)

    async def placed_by_surroundings(self) -> Sequence[str]:
        """Return the groups that a zone of the surroundings places: with floating times, or with all-day events."""
        all_day = exists().where(
            occurrences.c.site_id == groups.c.site_id,
            occurrences.c.calendar_id == groups.c.calendar_id,
            occurrences.c.group_key == groups.c.group_key,
            occurrences.c.start_date.is_not(None),
        )
        return await self._keys(or_(groups.c.floating, all_day))

    async def placed_by_zones(self) -> Sequence[str]:
        """Return the groups that other rules of zones may place otherwise, or make readable.

        Those are the ones placed by surroundings, those with an event in a zone that has a name, and those with
        problems, for a zone that nobody knew is one.
        """
        in_a_zone = exists().where(
            occurrences.c.site_id == groups.c.site_id,
            occurrences.c.calendar_id == groups.c.calendar_id,
            occurrences.c.group_key == groups.c.group_key,
            or_(occurrences.c.start_date.is_not(None), occurrences.c.zone != UTC_NAME),
        )
        return await self._keys(or_(groups.c.floating, groups.c.problems.is_not(None), in_a_zone))

    async def _keys(self, *conditions: Any) -> Sequence[str]:
        query = select(groups.c.group_key).where(*self._in(groups), *conditions)
        return [row.group_key for row in await self._connection.execute(query)]


async def quarantined(connection: AsyncConnection, site_id: str, connection_id: str) -> Sequence[Quarantined]:
    """Return the problems with events of a connection's calendars, by calendar and group."""
    query = (
        select(calendars.c.name, groups.c.problems)
        .join(calendars, (calendars.c.site_id == groups.c.site_id) & (calendars.c.id == groups.c.calendar_id))
        .where(
            groups.c.site_id == site_id,
            calendars.c.connection_id == connection_id,
            groups.c.problems.is_not(None),
        )
        .order_by(calendars.c.position, groups.c.group_key)
    )
    return [
        Quarantined(row.name, Problem(one["uid"], one["reason"]))
        for row in await connection.execute(query)
        for one in row.problems or ()
    ]


_GROUP_KEY, _KEY = (list(occurrences.c.keys()).index(name) for name in ("group_key", "key"))
_ADD_GROUP = insert(groups)
_ADD_OCCURRENCE = insert(occurrences)


def _has_items(table: Any) -> Any:
    return exists().where(
        items.c.site_id == table.c.site_id,
        items.c.calendar_id == table.c.calendar_id,
        items.c.group_key == table.c.group_key,
    )


def _occurrence_rows(site_id: str, calendar_id: str, one: ExpandedGroup) -> Iterator[tuple[Any, ...]]:
    """Yield what is stored of a group's occurrences, in the order of the table's columns."""
    group_key = one.key
    for (key, uid, start, end, zone, title, availability), start_at, end_at in one.spans:
        dates = (start, end) if zone is None else (None, None)
        yield (
            *(site_id, calendar_id, group_key, key, uid, start_at, end_at),
            *(*dates, zone, title, availability.value),
        )
