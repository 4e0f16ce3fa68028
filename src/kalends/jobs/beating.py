"""Heartbeats: each process that takes up syncs says every few seconds that it runs."""

import asyncio
from datetime import timedelta

import structlog

from kalends.jobs.resting import rest
from kalends.model.clock import Clock
from kalends.store.database import Database
from kalends.store.servers import Servers

log = structlog.get_logger(__name__)

EVERY = timedelta(seconds=5)
DEAD_AFTER = timedelta(seconds=15)
"""How long a process may be silent before the others take it for dead."""


class Beating:
    """Says that this process runs, and goodbye when it ends."""

    def __init__(self, database: Database, clock: Clock, server_id: str) -> None:
        self._database = database
        self._clock = clock
        self._server_id = server_id

    async def run(self, stopping: asyncio.Event) -> None:
        """Say so until told to stop."""
        while not stopping.is_set():
            try:
                async with self._database.write() as writer:
                    await Servers(writer).beat(self._server_id, self._clock.now())
            except Exception:
                log.exception("no_beat")
            await rest(EVERY, stopping)

    async def leave(self) -> None:
        """Say goodbye, for those too that did not come to it."""
        try:
            async with self._database.write() as writer:
                await Servers(writer).leave(self._server_id, dead_before=self._clock.now() - DEAD_AFTER)
        except Exception:
            log.exception("no_goodbye")
