"""What an engine does for Kalends; another one takes its place by doing the same."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Protocol

from kalends.model.connection import ConnectionKey
from kalends.store.database import Transaction

Work = Callable[[ConnectionKey], Awaitable[None]]
"""Does what is wanted of one connection; raises nothing."""

Ended = Callable[[Collection[ConnectionKey]], Awaitable[None]]
"""Is told of connections whose jobs have ended, as soon as the queue would take another job for them."""


class SyncQueue(Protocol):
    """Carries jobs: at most one for each connection, waiting or running."""

    async def ask(self, transaction: Transaction, keys: Collection[ConnectionKey]) -> None:
        """Carry a job for each connection, once the caller's transaction is committed; none where it is not.

        To be called after the rows were written. A connection whose job waits or runs gets no second one, and that
        is no error: the caller's rows are kept.
        """
        ...

    async def run(self, work: Work, *, concurrency: int, ended: Ended, stopping: asyncio.Event) -> None:
        """Hand out jobs, up to `concurrency` at a time, until `stopping`; then return when those under way have ended.

        Comes back by itself where the engine's connection is lost. A job of a process that died is handed out again.
        """
        ...
