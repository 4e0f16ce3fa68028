"""The items of one calendar: what the provider stores and versions."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import Insert, delete, distinct, func, select, update

from kalends.model.calendar import ItemChange
from kalends.store.bulk import insert_many
from kalends.store.repository import CalendarRepository, chunks
from kalends.store.tables import items


@dataclass(frozen=True, slots=True)
class StoredItem:
    """What planning needs to know of an item; `hash` is the SHA-256 of its payload."""

    key: str
    group_key: str
    version: str
    hash: bytes


@dataclass(slots=True)
class GroupItems:
    """The items of a group: key → payload, and key → why there is none."""

    payloads: dict[str, bytes] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


class Items(CalendarRepository):
    """The items of one calendar of a site."""

    async def versions(self, keys: Collection[str] | None = None) -> Mapping[str, str]:
        """Return item key → version, for the given keys or all."""
        query = select(items.c.item_key, items.c.version).where(*self._in(items))
        return {row.item_key: row.version for row in await self._by_keys(query, items.c.item_key, keys)}

    async def in_groups(self, group_keys: Collection[str]) -> Collection[str]:
        """Return the keys of the items of groups."""
        query = select(items.c.item_key).where(*self._in(items))
        return [row.item_key for row in await self._by_keys(query, items.c.group_key, group_keys)]

    async def stored(self, keys: Collection[str]) -> Mapping[str, StoredItem]:
        """Return item key → item, for those of the keys that are stored."""
        query = select(items.c.item_key, items.c.group_key, items.c.version, items.c.hash).where(*self._in(items))
        rows = await self._by_keys(query, items.c.item_key, keys)
        return {row.item_key: StoredItem(row.item_key, row.group_key, row.version, row.hash) for row in rows}

    async def of_groups(self, group_keys: Collection[str] | None) -> Mapping[str, GroupItems]:
        """Return group key → its items, for what is stored of the groups, or of all."""
        query = (
            select(items.c.group_key, items.c.item_key, items.c.payload, items.c.problem)
            .where(*self._in(items))
            .order_by(items.c.item_key)
        )
        found: dict[str, GroupItems] = {}
        for row in await self._by_keys(query, items.c.group_key, group_keys):
            group = found.setdefault(row.group_key, GroupItems())
            if row.problem is not None:
                group.problems[row.item_key] = row.problem
            if row.payload is not None:
                group.payloads[row.item_key] = row.payload
        return found

    async def count(self, *, seen_in: str | None = None) -> int:
        """Return how many items the calendar has here, or how many of them a pass has seen."""
        query = select(func.count()).where(*self._in(items))
        if seen_in is not None:
            query = query.where(items.c.seen_pass == seen_in)
        return int((await self._connection.execute(query)).scalar_one())

    async def count_groups(self, *, seen_in: str | None = None) -> int:
        """Return how many groups the items are of, or those of them that a pass has seen."""
        query = select(func.count(distinct(items.c.group_key))).where(*self._in(items))
        if seen_in is not None:
            query = query.where(items.c.seen_pass == seen_in)
        return int((await self._connection.execute(query)).scalar_one())

    async def put(self, changes: Sequence[tuple[ItemChange, bytes]], pass_id: str) -> None:
        """Insert or replace items, given with the hash of their payload.

        An item that comes without a payload keeps the one that it had: what cannot be read now was there before.
        """
        whose = (self._site_id, self._calendar_id)
        rows = [
            (
                *(*whose, change.key, change.group_key, change.recurrence_id),
                *(change.version, change.payload, change.problem, digest, pass_id),
            )
            for change, digest in changes
        ]
        await insert_many(self._connection, _put(self._dialect), rows)

    async def set_version(self, key: str, version: str, pass_id: str) -> None:
        """Write a new version of an item whose payload stayed the same."""
        await self._connection.execute(
            update(items).where(*self._in(items), items.c.item_key == key).values(version=version, seen_pass=pass_id)
        )

    async def stamp(self, keys: Collection[str], pass_id: str) -> None:
        """Note that a full pass saw items as they are stored."""
        for some in chunks(keys):
            await self._connection.execute(
                update(items).where(*self._in(items), items.c.item_key.in_(some)).values(seen_pass=pass_id)
            )

    async def delete(self, keys: Collection[str]) -> None:
        """Delete items; their groups are the caller's to expand again or to drop."""
        for some in chunks(keys):
            await self._connection.execute(delete(items).where(*self._in(items), items.c.item_key.in_(some)))

    async def delete_unseen(self, pass_id: str) -> int:
        """Delete the items that a full pass did not see; return how many."""
        gone = await self._connection.execute(delete(items).where(*self._in(items), items.c.seen_pass != pass_id))
        return gone.rowcount


@cache
def _put(dialect: Any) -> Insert:
    """Return what inserts an item, or replaces all of it but its key, and a payload only by another one."""
    adding = dialect.insert(items)
    key = {"site_id", "calendar_id", "item_key"}
    replaced = {column.name: adding.excluded[column.name] for column in items.columns if column.name not in key}
    replaced["payload"] = func.coalesce(adding.excluded.payload, items.c.payload)
    put: Insert = adding.on_conflict_do_update(index_elements=sorted(key), set_=replaced)
    return put
