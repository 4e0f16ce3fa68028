"""The watchdog: says so when connections are not read although they should be, and mends what a clock has done."""

import asyncio
from datetime import timedelta

import structlog

from kalends.model.clock import Clock
from kalends.store.database import Database
from kalends.store.overdue import Late, Overdue
from kalends.sync.timing import CLOCKS_APART

log = structlog.get_logger(__name__)

EVERY = timedelta(minutes=1)
LATE_AFTER = timedelta(minutes=10)
"""How long after its time a connection counts as forgotten: longer than a busy process takes to come round to it."""


class Watchdog:
    """Looks for connections that nobody reads. `late` is what it found last, for metrics."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self.late = Late(0, None)

    async def once(self) -> Late:
        """Look, and say what is late; what a clock that was set back has put off for long is made due."""
        now = self._clock.now()
        async with self._database.write() as writer:
            pulled_in = await Overdue(writer).pull_in(read_after=now + CLOCKS_APART, now=now)
        async with self._database.read() as reader:
            self.late = await Overdue(reader).late(due_before=now - LATE_AFTER, now=now)
        if pulled_in:
            log.warning("clock_was_set_back", connections=pulled_in)
        if self.late.since is not None:
            seconds = round((now - self.late.since).total_seconds())
            log.warning("connections_not_read", connections=self.late.count, longest_seconds=seconds)
        return self.late

    async def run(self) -> None:
        """Do so every minute until cancelled."""
        while True:
            try:
                await self.once()
            except Exception:
                log.exception("watchdog_failed")
            await asyncio.sleep(EVERY.total_seconds())
