"""The budgets that all processes share through the database, as `net.budgets` asks for them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from kalends.model.clock import Clock
from kalends.net.allowance import Allowance
from kalends.store.budgets import SpentBudgets, TakenPlaces
from kalends.store.database import Database, Transaction

log = structlog.get_logger(__name__)

DEADLINE = timedelta(seconds=2)
"""How long requests to calendar servers may be held up by a database that does not answer."""
_T = TypeVar("_T")


class StoredBudgets:
    """Shares budgets through the database; where it does not answer, says so instead of raising."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def reserve(
        self, key: str, allowance: Allowance, *, count: int, owed: int, longest: timedelta
    ) -> timedelta | None:
        """Reserve requests, and return in how long the first may be sent; see `net.budgets.SharedBudgets`."""

        async def work(transaction: Transaction) -> timedelta:
            return await SpentBudgets(transaction).reserve(
                key, interval=allowance.interval, burst=allowance.burst, count=count, owed=owed, longest=longest
            )

        return await self._answered(self._database.write, work)

    async def rest(self, keys: Sequence[str], until: datetime) -> None:
        """Have everybody send nothing under these keys before a time."""
        await self._answered(self._database.write, lambda transaction: SpentBudgets(transaction).rest(keys, until))

    async def resting(self) -> Mapping[str, datetime] | None:
        """Return which keys are at rest, and until when."""
        return await self._answered(
            self._database.read, lambda transaction: SpentBudgets(transaction).resting(self._clock.now())
        )

    async def take(self, key: str, places: int, holder: str, *, kept: timedelta) -> bool | None:
        """Take one of so many places if one is free; see `net.places.SharedPlaces`."""

        async def work(transaction: Transaction) -> bool:
            return await TakenPlaces(transaction).take(key, places, holder, kept=kept)

        return await self._answered(self._database.write, work)

    async def give_back(self, key: str, holder: str) -> None:
        """Give a place back."""

        async def work(transaction: Transaction) -> None:
            await TakenPlaces(transaction).give_back(key, holder)

        await self._answered(self._database.write, work)

    async def _answered(
        self,
        begin: Callable[[], AbstractAsyncContextManager[Transaction]],
        work: Callable[[Transaction], Awaitable[_T]],
    ) -> _T | None:
        try:
            async with asyncio.timeout(DEADLINE.total_seconds()), begin() as transaction:
                return await work(transaction)
        except Exception as error:  # noqa: BLE001 - whatever the database raises, requests go on
            log.warning("budgets_not_shared", error=type(error).__qualname__)
            return None
