"""A worker that is about to be killed: syncs one connection, once, in a process of its own.

A fork server loads its modules ahead, so that a kill costs some tenths of a second.
"""

import asyncio
import multiprocessing
import os
from dataclasses import dataclass
from datetime import datetime

from kalends.app import assemble
from kalends.model.connection import Connection
from kalends.providers.caldav import members
from kalends.settings import Settings
from kalends.sync.failpoints import VARIABLE

PAGE = 3
"""Members of a page, so that small calendars have several."""
PATIENCE = 60.0


@dataclass(frozen=True)
class StoppedClock:
    """A clock that shows the same time for ever: a process that is killed needs no other."""

    time: datetime

    def now(self) -> datetime:
        """Return that time."""
        return self.time


def run_until_it_dies(settings: Settings, connection: Connection, now: datetime, failpoint: str) -> int | None:
    """Sync in a process of its own that ends at the fail point; return how it ended: a negative signal, or 0."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    where = (settings, connection.site_id, connection.id)
    process = context.Process(target=_work, args=(*where, StoppedClock(now), failpoint))
    process.start()
    process.join(PATIENCE)
    try:
        return process.exitcode
    finally:
        process.kill()
        process.join()
        process.close()


def _work(settings: Settings, site_id: str, connection_id: str, clock: StoppedClock, failpoint: str) -> None:
    os.environ[VARIABLE] = failpoint
    members._BATCH = PAGE
    asyncio.run(_sync(settings, site_id, connection_id, clock))


async def _sync(settings: Settings, site_id: str, connection_id: str, clock: StoppedClock) -> None:
    async with assemble(settings, clock=clock) as kalends:
        lease = await kalends.leased.claim(site_id, connection_id)
        assert lease is not None
        await kalends.leased.run(lease)
