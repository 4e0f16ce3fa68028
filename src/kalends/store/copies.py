"""Copies of schedule events in people's calendars, as far as they are known here."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Row, func, select, update

from kalends.store.repository import SiteRepository, chunks
from kalends.store.tables import copies, items


class CopyState(StrEnum):
    """What is known of a copy."""

    UNSURE = "unsure"
    """It was asked for, and how that ended is not known."""
    THERE = "there"
    GONE = "gone"
    """It is not there, and its key is used up."""


@dataclass(frozen=True, slots=True)
class KnownCopy:
    """A copy of a segment of an event, in a calendar of a connection's account.

    `key`, `generation` and `calendar_id` were settled before it was asked for; a copy that was moved keeps the key that
    it was made with. `ref`, `version` and `echo` are as in `providers.export.StoredCopy`; `written` is a digest of what
    was last written, None while that is in doubt, `revision` that of the event then. `error` says why it is not as it
    should be.
    """

    connection_id: str
    event_id: str
    ordinal: int
    generation: int
    key: str
    calendar_id: str
    state: CopyState = CopyState.UNSURE
    ref: str | None = None
    version: str = ""
    echo: str = ""
    written: bytes | None = None
    revision: int | None = None
    error: str | None = None
    moving_to: str | None = None
    """The calendar to which it is being moved, and in which it may be already."""


class Copies(SiteRepository):
    """The copies of one site."""

    async def of_event(self, connection_id: str, event_id: str) -> Sequence[KnownCopy]:
        """Return what a connection's account has, or had, of an event; the latest generations last."""
        query = (
            select(copies)
            .where(*self._of(connection_id), copies.c.event_id == event_id)
            .order_by(copies.c.ordinal, copies.c.generation)
        )
        return [_known(row) for row in await self._connection.execute(query)]

    async def put(self, copy: KnownCopy) -> None:
        """Insert a copy, or replace what was known of it."""
        adding = self._dialect.insert(copies).values(site_id=self._site_id, **_values(copy))
        replaced = {column.name: adding.excluded[column.name] for column in copies.c if not column.primary_key}
        await self._connection.execute(adding.on_conflict_do_update(index_elements=["site_id", "key"], set_=replaced))

    async def among(self, refs: Collection[str]) -> set[str]:
        """Return those of the ids of items or groups that are those of copies, whichever connection made them."""
        found: set[str] = set()
        for some in chunks(refs):
            query = select(copies.c.ref).where(copies.c.site_id == self._site_id, copies.c.ref.in_(some))
            found |= {row.ref for row in await self._connection.execute(query)}
        return found

    async def there(
        self, connection_id: str, calendar_id: str, refs: Collection[str] | None = None
    ) -> Mapping[str, tuple[str, str]]:
        """Return ref → event and version, of the copies that are in a calendar as far as is known, or of some refs."""
        query = select(copies.c.ref, copies.c.event_id, copies.c.version).where(
            *self._of(connection_id), copies.c.calendar_id == calendar_id, copies.c.state == CopyState.THERE.value
        )
        queries = [query] if refs is None else [query.where(copies.c.ref.in_(some)) for some in chunks(refs)]
        rows = [row for one in queries for row in await self._connection.execute(one)]
        return {row.ref: (row.event_id, row.version) for row in rows}

    async def with_keys(self, keys: Collection[str]) -> set[str]:
        """Return those of some texts that are keys of copies, known to be there or not."""
        found: set[str] = set()
        for some in chunks(keys):
            query = select(copies.c.key).where(copies.c.site_id == self._site_id, copies.c.key.in_(some))
            found |= {row.key for row in await self._connection.execute(query)}
        return found

    async def unseen(self, connection_id: str, calendar_id: str, stored_calendar: str, pass_id: str) -> set[str]:
        """Return the events of copies in a calendar of which a full pass has seen nothing.

        `calendar_id` is the provider's id, `stored_calendar` ours.
        """
        seen = (
            select(items.c.item_key)
            .where(
                items.c.site_id == copies.c.site_id,
                items.c.calendar_id == stored_calendar,
                items.c.group_key == copies.c.ref,
                items.c.seen_pass == pass_id,
            )
            .exists()
        )
        query = select(copies.c.event_id).where(
            *self._of(connection_id),
            copies.c.calendar_id == calendar_id,
            copies.c.state == CopyState.THERE.value,
            ~seen,
        )
        return {row.event_id for row in await self._connection.execute(query)}

    async def lose(self, connection_id: str, calendar_id: str) -> set[str]:
        """Note that a calendar is gone with all copies in it; return the events that they were of."""
        lost = await self._connection.execute(
            update(copies)
            .where(*self._of(connection_id), copies.c.calendar_id == calendar_id, _LEFT)
            .values(state=CopyState.GONE.value, ref=None, written=None)
            .returning(copies.c.event_id)
        )
        return set(lost.scalars())

    async def left(self, connection_id: str, calendar_id: str | None = None) -> int:
        """Return how many copies are, or may be, there, in all or in one of the account's calendars."""
        query = select(func.count()).where(*self._of(connection_id), _LEFT)
        if calendar_id is not None:
            query = query.where(copies.c.calendar_id == calendar_id)
        return int((await self._connection.execute(query)).scalar_one())

    async def failing(self, connection_id: str) -> int:
        """Return how many copies, of those that are left, are not as they should be, for reasons of their own."""
        query = select(func.count()).where(*self._of(connection_id), _LEFT, copies.c.error.is_not(None))
        return int((await self._connection.execute(query)).scalar_one())

    def _of(self, connection_id: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        return copies.c.site_id == self._site_id, copies.c.connection_id == connection_id


_LEFT = copies.c.state != CopyState.GONE.value


def _values(copy: KnownCopy) -> dict[str, Any]:
    return {
        "key": copy.key,
        "connection_id": copy.connection_id,
        "event_id": copy.event_id,
        "ordinal": copy.ordinal,
        "generation": copy.generation,
        "calendar_id": copy.calendar_id,
        "state": copy.state.value,
        "ref": copy.ref,
        "version": copy.version,
        "echo": copy.echo,
        "written": copy.written,
        "revision": copy.revision,
        "error": copy.error,
        "moving_to": copy.moving_to,
    }


def _known(row: Row[Any]) -> KnownCopy:
    return KnownCopy(
        connection_id=row.connection_id,
        event_id=row.event_id,
        ordinal=row.ordinal,
        generation=row.generation,
        key=row.key,
        calendar_id=row.calendar_id,
        state=CopyState(row.state),
        ref=row.ref,
        version=row.version,
        echo=row.echo,
        written=row.written,
        revision=row.revision,
        error=row.error,
        moving_to=row.moving_to,
    )
