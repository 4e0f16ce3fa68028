"""How far one calendar was read: the pass under way, the cursor, and what its occurrences cover."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, update

from kalends.model.ids import new_id
from kalends.model.time import Window
from kalends.store.repository import CalendarRepository
from kalends.store.tables import passes, readings


@dataclass(frozen=True, slots=True)
class Pass:
    """A reading under way."""

    id: str
    full: bool
    continuation: str | None


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the occurrences of a calendar cover: a window, with all-day and floating events placed by `zones`.

    The zones are None while those events are being moved from some to others. `rules` is the version of the zone
    database that all of them were placed by, None where that was not noted.
    """

    window: Window
    zones: str | None
    rules: str | None


@dataclass(frozen=True, slots=True)
class Doubt:
    """That most of a calendar was missing from a reading, and is kept until another one says the same.

    `since` when, and how many items it was about.
    """

    since: datetime
    items: int


class Readings(CalendarRepository):
    """The readings of one calendar of a site."""

    async def begin_pass(self, *, full: bool, at: datetime) -> Pass:
        """Begin a pass; one that was under way is dropped, and what it stamped stays."""
        await self.drop_pass()
        begun = Pass(new_id(), full, None)
        kind = "full" if full else "incremental"
        await self._connection.execute(insert(passes).values(**self._whose, id=begun.id, kind=kind, started_at=at))
        return begun

    async def note_continuation(self, continuation: str) -> None:
        """Note where the pass goes on, should it be cut off now."""
        await self._connection.execute(update(passes).where(*self._in(passes)).values(continuation=continuation))

    async def drop_pass(self) -> None:
        """Forget the pass that was under way."""
        await self._connection.execute(delete(passes).where(*self._in(passes)))

    async def note_good(self, cursor: str, at: datetime) -> None:
        """Store the cursor of a reading that has reached its end; what was doubted before is settled by it."""
        await self._put(cursor=cursor, last_good_at=at, doubted_at=None, doubted_items=None)

    async def note_doubt(self, doubt: Doubt, at: datetime) -> None:
        """Note a reading that has reached its end, and of which the deletions are not believed yet.

        The cursor stays, so that the next reading is told of them again.
        """
        await self.drop_pass()
        await self._put(last_good_at=at, doubted_at=doubt.since, doubted_items=doubt.items)

    async def forget_cursor(self) -> None:
        """Drop a cursor that the provider refused, and the pass that used it."""
        await self.drop_pass()
        await self._connection.execute(update(readings).where(*self._in(readings)).values(cursor=None))

    async def note_coverage(self, coverage: Coverage) -> None:
        """Note what the occurrences cover now."""
        await self._put(
            covered_from=coverage.window.start,
            covered_until=coverage.window.end,
            zones=coverage.zones,
            zone_rules=coverage.rules,
        )

    async def _put(self, **values: Any) -> None:
        adding = self._dialect.insert(readings).values(**self._whose, **values)
        await self._connection.execute(
            adding.on_conflict_do_update(index_elements=["site_id", "calendar_id"], set_=values)
        )
