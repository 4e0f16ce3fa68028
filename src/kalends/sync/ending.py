"""Ending syncs that found nothing new, many in one transaction: most syncs are such, and most of their cost is this."""

import asyncio
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta

from kalends.model.clock import Clock
from kalends.model.connection import ConnectionKey
from kalends.store.database import Database
from kalends.store.quiet import QuietEnd, QuietEnds

MOST_AT_ONCE = 100
LINGER = timedelta(milliseconds=100)
"""How long an end waits for others, while other syncs are under way that may come to theirs."""


@dataclass(slots=True)
class _Batch:
    """Ends that are written together: `full` is set once there is nothing more to wait for."""

    ends: list[QuietEnd] = field(default_factory=list)
    full: asyncio.Event = field(default_factory=asyncio.Event)


class Endings:
    """Gathers the quiet ends of one process."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._coming = 0
        self._batch: _Batch | None = None
        self._writing: asyncio.Task[Collection[ConnectionKey]] | None = None

    @contextmanager
    def under_way(self) -> Iterator["Ending"]:
        """Yield the end of a sync that begins; the ends of others may wait for it."""
        ending = Ending(self)
        self._coming += 1
        try:
            yield ending
        finally:
            if not ending.come:
                self._come()

    async def write(self, end: QuietEnd) -> bool:
        """Write an end together with others; see `Ending.quietly`."""
        if self._batch is None or self._writing is None:
            self._batch = _Batch()
            self._writing = asyncio.create_task(self._write(self._batch))
            self._writing.add_done_callback(_heard)
        writing = self._writing
        self._batch.ends.append(end)
        self._come()
        return end.lease.key in await asyncio.shield(writing)

    def _come(self) -> None:
        self._coming -= 1
        if self._batch is not None and (not self._coming or len(self._batch.ends) >= MOST_AT_ONCE):
            self._batch.full.set()

    async def _write(self, batch: _Batch) -> Collection[ConnectionKey]:
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER.total_seconds()):
                await batch.full.wait()
        self._batch = None
        async with self._database.write() as writer:
            return await QuietEnds(writer).write(batch.ends, self._clock.now())


class Ending:
    """The end that one sync may come to."""

    def __init__(self, endings: Endings) -> None:
        self._endings = endings
        self.come = False

    async def quietly(self, end: QuietEnd) -> bool:
        """Note that a sync found nothing; tell whether that was done.

        Where it was not, the lease was lost, or somebody writes the connection at this moment. Raises what the
        database raises.
        """
        self.come = True
        return await self._endings.write(end)


def _heard(writing: "asyncio.Task[Collection[ConnectionKey]]") -> None:
    """Take note of an error, which everybody who waits gets, also where nobody waits any more."""
    if not writing.cancelled():
        writing.exception()
