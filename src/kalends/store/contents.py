"""The contents of one calendar: items, groups, occurrences, and the pass that reads them."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, delete, exists, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from kalends.model.calendar import ItemChange
from kalends.model.ids import new_id
from kalends.model.occurrence import Expansion, Occurrence, Problem
from kalends.store.repository import SiteRepository
from kalends.store.tables import calendars, groups, items, occurrences, passes, readings

KEYS_PER_STATEMENT = 500
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StoredItem:
    """What planning needs to know of an item; `hash` is the SHA-256 of its payload."""

    key: str
    group_key: str
    version: str
    hash: bytes


@dataclass(frozen=True, slots=True)
class Pass:
    """A reading under way."""

    id: str
    full: bool
    continuation: str | None


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A problem with an event of a calendar, as the operator is shown it."""

    calendar: str
    problem: Problem


class Contents(SiteRepository):
    """The contents of one calendar of a site."""

    def __init__(self, connection: AsyncConnection, site_id: str, calendar_id: str) -> None:
        super().__init__(connection, site_id)
        self._calendar_id = calendar_id

    # -- the pass

    async def current_pass(self) -> Pass | None:
        """Return the pass that was begun and has not ended."""
        row = (await self._connection.execute(select(passes).where(*self._in(passes)))).one_or_none()
        return Pass(row.id, row.kind == "full", row.continuation) if row else None

    async def begin_pass(self, *, full: bool, at: datetime) -> Pass:
        """Begin a pass; one that was under way is dropped, and what it stamped stays."""
        await self._connection.execute(delete(passes).where(*self._in(passes)))
        begun = Pass(new_id(), full, None)
        await self._connection.execute(
            insert(passes).values(
                site_id=self._site_id,
                calendar_id=self._calendar_id,
                id=begun.id,
                kind="full" if full else "incremental",
                started_at=at,
            )
        )
        return begun

    async def note_continuation(self, continuation: str) -> None:
        """Note where the pass goes on, should it be cut off now."""
        await self._connection.execute(update(passes).where(*self._in(passes)).values(continuation=continuation))

    async def end_pass(self, current: Pass | None, *, cursor: str, at: datetime) -> int:
        """End the pass: after a full one, delete what it did not see; store the cursor. Return how many items went.

        An incremental reading that found nothing never began a pass: then `current` is None.
        """
        removed = 0
        if current is not None and current.full:
            unseen = await self._connection.execute(
                delete(items)
                .where(*self._in(items), items.c.seen_pass != current.id)
                .returning(items.c.item_key, items.c.group_key)
            )
            gone = unseen.all()
            removed = len(gone)
            await self.drop_empty_groups({row.group_key for row in gone})
        if current is not None:
            await self._connection.execute(delete(passes).where(*self._in(passes)))
        values = {"cursor": cursor, "last_good_at": at}
        statement = self._dialect.insert(readings).values(
            site_id=self._site_id, calendar_id=self._calendar_id, **values
        )
        await self._connection.execute(
            statement.on_conflict_do_update(index_elements=[readings.c.site_id, readings.c.calendar_id], set_=values)
        )
        return removed

    async def forget_cursor(self) -> None:
        """Drop a cursor that the provider refused, and the pass that used it."""
        await self._connection.execute(delete(passes).where(*self._in(passes)))
        await self._connection.execute(update(readings).where(*self._in(readings)).values(cursor=None))

    # -- items

    async def versions(self, keys: Collection[str] | None = None) -> Mapping[str, str]:
        """Return item key → version, for the given keys or all."""
        query = select(items.c.item_key, items.c.version).where(*self._in(items))
        return {row.item_key: row.version for row in await self._by_keys(query, items.c.item_key, keys)}

    async def stored(self, keys: Collection[str]) -> Mapping[str, StoredItem]:
        """Return item key → item, for those of the keys that are stored."""
        query = select(items.c.item_key, items.c.group_key, items.c.version, items.c.hash).where(*self._in(items))
        rows = await self._by_keys(query, items.c.item_key, keys)
        return {row.item_key: StoredItem(row.item_key, row.group_key, row.version, row.hash) for row in rows}

    async def payloads(self, group_keys: Collection[str] | None) -> Mapping[str, Mapping[str, bytes]]:
        """Return group key → item key → payload, for what is stored of the groups, or of all."""
        query = (
            select(items.c.group_key, items.c.item_key, items.c.payload)
            .where(*self._in(items), items.c.payload.is_not(None))
            .order_by(items.c.item_key)
        )
        found: dict[str, dict[str, bytes]] = {}
        for row in await self._by_keys(query, items.c.group_key, group_keys):
            found.setdefault(row.group_key, {})[row.item_key] = row.payload
        return found

    async def count_items(self) -> int:
        """Return how many items the calendar has here."""
        return int((await self._connection.execute(select(func.count()).where(*self._in(items)))).scalar_one())

    async def put_item(self, change: ItemChange, digest: bytes, pass_id: str) -> None:
        """Insert or replace an item."""
        values = {
            "group_key": change.group_key,
            "recurrence_id": change.recurrence_id,
            "version": change.version,
            "payload": change.payload,
            "problem": change.problem,
            "hash": digest,
            "seen_pass": pass_id,
        }
        statement = self._dialect.insert(items).values(
            site_id=self._site_id, calendar_id=self._calendar_id, item_key=change.key, **values
        )
        await self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=[items.c.site_id, items.c.calendar_id, items.c.item_key], set_=values
            )
        )

    async def set_version(self, key: str, version: str, pass_id: str) -> None:
        """Write a new version of an item whose payload stayed the same."""
        await self._connection.execute(
            update(items).where(*self._in(items), items.c.item_key == key).values(version=version, seen_pass=pass_id)
        )

    async def stamp(self, keys: Collection[str], pass_id: str) -> None:
        """Note that a full pass saw items as they are stored."""
        for some in _chunks(keys):
            await self._connection.execute(
                update(items).where(*self._in(items), items.c.item_key.in_(some)).values(seen_pass=pass_id)
            )

    async def delete_items(self, keys: Collection[str]) -> None:
        """Delete items; their groups are the caller's to expand again or to drop."""
        for some in _chunks(keys):
            await self._connection.execute(delete(items).where(*self._in(items), items.c.item_key.in_(some)))

    async def drop_empty_groups(self, group_keys: Collection[str]) -> None:
        """Delete those of the groups that have no item any more, and their occurrences."""
        for some in _chunks(group_keys):
            for table in (occurrences, groups):
                left = exists().where(
                    items.c.site_id == table.c.site_id,
                    items.c.calendar_id == table.c.calendar_id,
                    items.c.group_key == table.c.group_key,
                )
                await self._connection.execute(
                    delete(table).where(*self._in(table), table.c.group_key.in_(some), ~left)
                )

    # -- groups and occurrences

    async def put_group(
        self,
        group_key: str,
        expansion: Expansion,
        spans: Sequence[tuple[Occurrence, datetime, datetime]],
    ) -> None:
        """Replace a group's expansion; `spans` are its occurrences with their start and end as instants."""
        await self._connection.execute(
            delete(occurrences).where(*self._in(occurrences), occurrences.c.group_key == group_key)
        )
        await self._connection.execute(delete(groups).where(*self._in(groups), groups.c.group_key == group_key))
        whose = {"site_id": self._site_id, "calendar_id": self._calendar_id, "group_key": group_key}
        await self._connection.execute(
            insert(groups).values(
                **whose,
                expanded_until=expansion.expanded_until,
                floating=expansion.floating,
                problems=[{"uid": one.uid, "reason": one.reason} for one in expansion.problems] or None,
            )
        )
        rows = [{**whose, **_occurrence_values(*span)} for span in spans]
        for some in _chunks(rows):
            await self._connection.execute(insert(occurrences), some)

    async def note_expanded(self, group_keys: Collection[str], until: datetime) -> None:
        """Note up to where groups count as expanded, without touching their occurrences."""
        for some in _chunks(group_keys):
            await self._connection.execute(
                update(groups).where(*self._in(groups), groups.c.group_key.in_(some)).values(expanded_until=until)
            )

    async def groups_to_roll(self, horizon: datetime) -> Sequence[str]:
        """Return the groups that go on beyond where they were expanded to, and were not expanded up to `horizon`."""
        query = select(groups.c.group_key).where(*self._in(groups), groups.c.expanded_until < horizon)
        return [row.group_key for row in await self._connection.execute(query)]

    @property
    def _dialect(self) -> Any:
        """What both engines spell alike, each in a module of its own: INSERT … ON CONFLICT."""
        return postgresql if self._connection.dialect.name == "postgresql" else sqlite

    def _in(self, table: Any) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        return table.c.site_id == self._site_id, table.c.calendar_id == self._calendar_id

    async def _by_keys(self, query: Any, column: Any, keys: Collection[str] | None) -> list[Any]:
        if keys is None:
            return list(await self._connection.execute(query))
        found: list[Any] = []
        for some in _chunks(keys):
            found.extend(await self._connection.execute(query.where(column.in_(some))))
        return found


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


def _occurrence_values(occurrence: Occurrence, start: datetime, end: datetime) -> dict[str, Any]:
    return {
        "key": occurrence.key,
        "uid": occurrence.uid,
        "start_at": start,
        "end_at": end,
        "start_date": occurrence.start if occurrence.all_day else None,
        "end_date": occurrence.end if occurrence.all_day else None,
        "zone": occurrence.zone,
        "title": occurrence.title,
        "availability": occurrence.availability.value,
    }


def _chunks(values: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(values)
    while chunk := list(islice(rest, KEYS_PER_STATEMENT)):
        yield chunk
