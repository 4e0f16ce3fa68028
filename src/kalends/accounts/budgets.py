"""The budgets that all processes share through the database, as `net.budgets` asks for them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from kalends.model.clock import Clock
from kalends.net.allowance import Allowance
from kalends.store.budgets import SpentBudgets
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

        async def work(budgets: SpentBudgets) -> timedelta:
            return await budgets.reserve(
                key, interval=allowance.interval, burst=allowance.burst, count=count, owed=owed, longest=longest
            )

        return await self._answered(self._database.write, work)

    async def rest(self, keys: Sequence[str], until: datetime) -> None:
        """Have everybody send nothing under these keys before a time."""
        await self._answered(self._database.write, lambda budgets: budgets.rest(keys, until))

    async def resting(self) -> Mapping[str, datetime] | None:
        """Return which keys are at rest, and until when."""
        return await self._answered(self._database.read, lambda budgets: budgets.resting(self._clock.now()))

    async def _answered(
        self,
        begin: Callable[[], AbstractAsyncContextManager[Transaction]],
        work: Callable[[SpentBudgets], Awaitable[_T]],
    ) -> _T | None:
        try:
            async with asyncio.timeout(DEADLINE.total_seconds()), begin() as transaction:
                return await work(SpentBudgets(transaction))
        except Exception as error:  # noqa: BLE001 - whatever the database raises, requests go on
            log.warning("budgets_not_shared", error=type(error).__qualname__)
            return None
