"""Heartbeats: each process that takes up syncs says every few seconds that it runs, and listens for the others."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from kalends.jobs import hearing
from kalends.jobs.hearing import Hearing
from kalends.jobs.resting import rest
from kalends.jobs.strays import Strays
from kalends.jobs.succession import Succession
from kalends.model.clock import Clock
from kalends.store.database import Database
from kalends.store.servers import Servers

log = structlog.get_logger(__name__)

EVERY = timedelta(seconds=5)


class Beating:
    """Says that this process runs, and goodbye when it ends."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        server_id: str,
        listening: Hearing,
        strays: Strays,
        succession: Succession,
    ) -> None:
        self._database = database
        self._clock = clock
        self._server_id = server_id
        self._hearing = listening
        self._strays = strays
        self._succession = succession
        self._said_at: datetime | None = None

    async def begin(self) -> None:
        """Say so for the first time: before the first lease, which nobody would know to be that of a dead process."""
        try:
            await self._succession.enter()
            await self._say()
        except Exception:
            log.exception("no_beat")

    async def run(self, stopping: asyncio.Event, *, freed: Callable[[], None]) -> None:
        """Say so, listen, and look after our own leases, until told to stop; `freed` is called when some got free."""
        while not stopping.is_set():
            try:
                await self._say()
                if await self._hearing.once() + await self._strays.once():
                    freed()
            except Exception:
                log.exception("no_beat")
            await rest(hearing.EVERY, stopping)

    async def leave(self) -> None:
        """Say goodbye."""
        try:
            async with self._database.write() as writer:
                await Servers(writer).leave(self._server_id)
            self._said_at = None
        except Exception:
            log.exception("no_goodbye")

    async def _say(self) -> None:
        """Say so where it is time; a clock that was set back is no reason to keep silent."""
        now = self._clock.now()
        if self._said_at is not None and self._said_at <= now < self._said_at + EVERY:
            return
        async with self._database.write() as writer:
            await Servers(writer).beat(self._server_id, now)
        self._said_at = now
