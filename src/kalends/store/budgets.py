"""What all processes spent of the budgets for requests to calendar servers; it belongs to no site.

Spending is measured by the clock of the database, in whole microseconds, so that the clocks of the processes need not
agree. Until when a server wants to be left alone is a time like any other, by their own.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, case, delete, literal_column, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from kalends.store.tables import budgets, places

NOT_BELIEVED = timedelta(minutes=10)
"""How far beyond what anybody waits for a budget may seem to be spent; by more, the database's clock was set back."""
LONGEST_REST = timedelta(days=1)
MOST_AT_REST = 10_000
_KEPT = timedelta(hours=1)
_MICROSECOND = timedelta(microseconds=1)
_CLOCKS: Mapping[str, str] = {
    "postgresql": "CAST(extract(epoch FROM statement_timestamp()) * 1000000 AS BIGINT)",
    "sqlite": "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)",
}


class SpentBudgets:
    """The budgets in an open transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._now: ColumnElement[int] = literal_column(_CLOCKS[connection.dialect.name], BigInteger)

    async def reserve(
        self, key: str, *, interval: timedelta, burst: int, count: int, owed: int, longest: timedelta
    ) -> timedelta:
        """Reserve `count` requests and settle `owed` ones; return in how long the first may be sent.

        The answer is negative as far as the burst goes. Nothing is reserved where it is more than `longest`.
        """
        spent = _microseconds(interval) * (owed + count)
        before_first = _microseconds(interval) * (owed - burst + 1)
        standing = self._standing(longest + interval * (burst + owed + count))
        adding = self._insert.values(key=key, spent_until=self._now + spent)
        upsert = adding.on_conflict_do_update(
            index_elements=[budgets.c.key],
            set_={"spent_until": standing + spent},
            where=standing + before_first - self._now <= _microseconds(longest),
        ).returning(budgets.c.spent_until - self._now)
        reserved = (await self._connection.execute(upsert)).scalar_one_or_none()
        if reserved is not None:
            return timedelta(microseconds=reserved - spent + before_first)
        query = select(standing + before_first - self._now).where(budgets.c.key == key)
        return timedelta(microseconds=(await self._connection.execute(query)).scalar_one())

    async def rest(self, keys: Sequence[str], until: datetime) -> None:
        """Note until when nothing is to be sent under some keys; an earlier time does not shorten a later one."""
        adding = self._insert.values([{"key": key, "rests_until": until} for key in sorted(keys)])
        later = or_(budgets.c.rests_until.is_(None), budgets.c.rests_until < until)
        await self._connection.execute(
            adding.on_conflict_do_update(index_elements=[budgets.c.key], set_={"rests_until": until}, where=later)
        )

    async def resting(self, now: datetime) -> Mapping[str, datetime]:
        """Return which keys are at rest and until when; no rest is believed that is longer than any server is given."""
        query = (
            select(budgets.c.key, budgets.c.rests_until)
            .where(budgets.c.rests_until > now, budgets.c.rests_until <= now + LONGEST_REST)
            .limit(MOST_AT_REST)
        )
        return {row.key: row.rests_until for row in await self._connection.execute(query)}

    async def drop_stale(self, now: datetime) -> int:
        """Delete what says no more than a missing row would; return how many rows."""
        long_ago = self._now - _microseconds(_KEPT)
        unspent = or_(budgets.c.spent_until.is_(None), budgets.c.spent_until < long_ago)
        rested = or_(budgets.c.rests_until.is_(None), budgets.c.rests_until < now)
        return (await self._connection.execute(delete(budgets).where(and_(unspent, rested)))).rowcount

    def _standing(self, credible: timedelta) -> ColumnElement[int]:
        """Return until when the budget is spent, no earlier than now."""
        until = budgets.c.spent_until
        too_far = until > self._now + _microseconds(credible + NOT_BELIEVED)
        return case((or_(until.is_(None), until < self._now, too_far), self._now), else_=until)

    @property
    def _insert(self) -> Any:
        dialect = postgresql if self._connection.dialect.name == "postgresql" else sqlite
        return dialect.insert(budgets)


class TakenPlaces:
    """The places of requests that are under way, in an open transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._now: ColumnElement[int] = literal_column(_CLOCKS[connection.dialect.name], BigInteger)

    async def take(self, key: str, count: int, holder: str, *, kept: timedelta) -> bool:
        """Take one of so many places that is free, until it is given back, or for so long at most."""
        dialect = postgresql if self._connection.dialect.name == "postgresql" else sqlite
        until = self._now + _microseconds(kept)
        free = or_(places.c.kept_until < self._now, places.c.kept_until > until + _microseconds(NOT_BELIEVED))
        for number in range(count):
            adding: Any = dialect.insert(places).values(key=key, number=number, holder=holder, kept_until=until)
            taken = await self._connection.execute(
                adding.on_conflict_do_update(
                    index_elements=[places.c.key, places.c.number],
                    set_={"holder": holder, "kept_until": until},
                    where=free,
                ).returning(places.c.number)
            )
            if taken.first() is not None:
                return True
        return False

    async def give_back(self, key: str, holder: str) -> None:
        """Give a place back."""
        await self._connection.execute(delete(places).where(places.c.key == key, places.c.holder == holder))


def _microseconds(span: timedelta) -> int:
    return span // _MICROSECOND
