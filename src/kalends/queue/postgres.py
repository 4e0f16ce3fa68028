"""The engine of a distributed installation: PgQueuer's tables beside ours, and LISTEN for waking workers."""

import asyncio
from collections.abc import Collection
from contextlib import suppress
from datetime import timedelta
from typing import Any

import structlog
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder

from kalends.model.connection import ConnectionKey
from kalends.queue.jobs import TellingQueries, hand_out, put
from kalends.queue.names import NAMES
from kalends.queue.port import Ended, Work
from kalends.store.database import Database, Transaction

log = structlog.get_logger(__name__)

TRY_AGAIN_AFTER = timedelta(seconds=1)


class PostgresQueue:
    """Carries jobs between processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ask(self, transaction: Transaction, keys: Collection[ConnectionKey]) -> None:
        """Carry a job for each connection, in the caller's transaction.

        The driver's connection is in that transaction only since SQLAlchemy sent its first statement: before the rows
        are written, a job would be there for good even where the caller rolls back.
        """
        if not keys:
            return
        driver: Any = (await transaction.get_raw_connection()).driver_connection
        if not driver.is_in_transaction():
            raise RuntimeError("asked for a sync before its row was written")
        await put(_queries(driver), keys)

    async def run(self, work: Work, *, concurrency: int, ended: Ended, stopping: asyncio.Event) -> None:
        """Hand out jobs until told to stop, on a connection of its own that is made anew when it is lost."""
        while not stopping.is_set():
            try:
                async with self._database.dedicated() as driver:
                    queries = _queries(driver)
                    queries.ended = ended
                    await hand_out(queries, work, concurrency=concurrency, stopping=stopping)
            except Exception:
                log.exception("queue_lost")
                with suppress(TimeoutError):
                    async with asyncio.timeout(TRY_AGAIN_AFTER.total_seconds()):
                        await stopping.wait()


def _queries(driver: Any) -> TellingQueries:
    return TellingQueries(
        AsyncpgDriver(driver),
        QueryBuilderEnvironment(NAMES),
        QueryQueueBuilder(NAMES),
        QuerySchedulerBuilder(NAMES),
    )
