"""Writing behind: pages are written while the next ones are expanded."""

import asyncio
from collections import deque
from collections.abc import Coroutine
from types import TracebackType
from typing import Self

MOST = 2
"""Pieces of work that are not done while the next is made ready: the one that goes on, and one that waits."""


class Behind:
    """Pieces of work that go on one after the other, beside what their owner does. After one that failed none begins.

    Its context ends when the work has: whoever leaves it because something else went wrong lets the work be done, and
    whoever is cancelled there cancels it too.
    """

    def __init__(self) -> None:
        self._work: deque[asyncio.Task[None]] = deque()

    async def begin(self, work: Coroutine[None, None, None]) -> None:
        """Have the next piece done, and wait until few enough are left; raises what an earlier one raised."""
        before = self._work[-1] if self._work else None
        self._work.append(asyncio.create_task(_after(before, work)))
        while len(self._work) > MOST:
            await self._first_done()

    async def done(self) -> None:
        """Wait until nothing goes on any more; raises what the work raised."""
        while self._work:
            await self._first_done()

    async def _first_done(self) -> None:
        await asyncio.shield(self._work[0])
        self._work.popleft()

    async def __aenter__(self) -> Self:
        """Begin with nothing going on."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        """Leave nothing behind; raises what the work raised, unless something else is being raised."""
        if kind is None:
            await self.done()
            return
        if issubclass(kind, asyncio.CancelledError):
            for work in self._work:
                work.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)


async def _after(before: "asyncio.Task[None] | None", work: Coroutine[None, None, None]) -> None:
    try:
        if before is not None:
            await asyncio.shield(before)
    except BaseException:
        work.close()
        raise
    await work
