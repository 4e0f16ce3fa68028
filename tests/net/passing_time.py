"""Time that passes only while everybody waits, so that hours of waiting cost a test nothing."""

import asyncio
from collections.abc import Coroutine
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from typing import Any, TypeVar

from tests.world import ManualClock

T = TypeVar("T")
TURNS = 8
"""Turns of the event loop after which nothing moves any more, until time passes."""


class PassingTime(ManualClock):
    """A clock whose time goes on to the next moment at which somebody has slept enough."""

    def __init__(self) -> None:
        super().__init__()
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._order = count()

    async def sleep(self, seconds: float) -> None:
        """Sleep, in this time."""
        until = self.now() + timedelta(seconds=seconds)
        sleeper = asyncio.get_running_loop().create_future()
        heappush(self._sleepers, (until, next(self._order), sleeper))
        await sleeper

    async def settle(self) -> None:
        """Let all that can happen at this moment happen."""
        for _ in range(TURNS):
            await asyncio.sleep(0)

    async def until_done(self, *work: Coroutine[Any, Any, T]) -> list[T | BaseException]:
        """Let time pass until all work is done; return what came of each, exceptions included."""
        doing = asyncio.gather(*work, return_exceptions=True)
        await self.settle()
        while not doing.done():
            assert self._sleepers, "nobody sleeps, and nothing happens"
            self.wake_next()
            await self.settle()
        return await doing

    def wake_next(self) -> None:
        """Let time pass until the next sleeper wakes."""
        until, _, sleeper = heappop(self._sleepers)
        if not sleeper.done():
            self.advance(max(until - self.now(), timedelta()))
            sleeper.set_result(None)
