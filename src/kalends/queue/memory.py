"""The engine of an embedded installation: one process, and a queue that is empty at start.

What was wanted before is found in the rows.
"""

import asyncio
from collections.abc import Collection

from pgqueuer.adapters.inmemory import InMemoryDriver
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder

from kalends.model.connection import ConnectionKey
from kalends.queue.jobs import TellingMemoryQueries, hand_out, put
from kalends.queue.names import NAMES
from kalends.queue.port import Ended, Work
from kalends.store.database import Transaction, after_commit


class MemoryQueue:
    """Carries jobs inside this process."""

    def __init__(self) -> None:
        self._queries = TellingMemoryQueries(
            InMemoryDriver(), QueryBuilderEnvironment(NAMES), QueryQueueBuilder(NAMES), QuerySchedulerBuilder(NAMES)
        )
        self._putting: set[asyncio.Task[None]] = set()

    async def ask(self, transaction: Transaction, keys: Collection[ConnectionKey]) -> None:
        """Carry a job for each connection once the transaction is committed."""
        if keys:
            after_commit(transaction, lambda: self._put(keys))

    def _put(self, keys: Collection[ConnectionKey]) -> None:
        putting = asyncio.get_running_loop().create_task(put(self._queries, keys))
        self._putting.add(putting)
        putting.add_done_callback(self._putting.discard)

    async def run(self, work: Work, *, concurrency: int, ended: Ended, stopping: asyncio.Event) -> None:
        """Hand out jobs until told to stop."""
        self._queries.ended = ended
        await hand_out(self._queries, work, concurrency=concurrency, stopping=stopping)
