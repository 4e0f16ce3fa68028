"""The worker: does in this process what the queue hands out and what is due, some syncs at a time."""

import asyncio
import math
import time
from collections.abc import Collection, Coroutine, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import structlog

from kalends.jobs.beating import Beating
from kalends.jobs.cleaning import Cleaning
from kalends.jobs.leased import LeasedSync
from kalends.jobs.reconciler import EVERY, Reconciler
from kalends.jobs.resting import rest
from kalends.jobs.retention import Retention
from kalends.jobs.watchdog import Watchdog
from kalends.jobs.watching import Watching
from kalends.model.connection import ConnectionKey, Lease
from kalends.queue.port import SyncQueue
from kalends.store.briefs import Brief

log = structlog.get_logger(__name__)

KEPT_FREE = 0.1
"""The share of what may be under way at a time that is kept for what is asked for."""
NEARLY_ALL_LANDED = 0.1
"""The share of it that is left under way when more is begun: the more at a time, the less each costs."""
BUSY = timedelta(milliseconds=250)
"""How long that is waited for, while more is due: a few that hang must not hold up the rest."""
FINISH = timedelta(seconds=8)
"""How long syncs under way may take to end once the worker is told to stop."""
HAND_BACK = timedelta(seconds=5)
"""How long the queue, and what else looks at the database, may take to end after that."""


class Worker:
    """Takes up syncs until it is told to stop. What others ask for goes before what is only due.

    `flights` are under way at a time. Of those that find something to do, few work at once: see `sync.places`.
    """

    def __init__(
        self,
        queue: SyncQueue,
        leased: LeasedSync,
        reconciler: Reconciler,
        retention: Retention,
        beating: Beating,
        watchdog: Watchdog,
        cleaning: Cleaning,
        watching: Watching,
        flights: int,
        *,
        look_every: timedelta = EVERY,
    ) -> None:
        self._queue = queue
        self._leased = leased
        self._reconciler = reconciler
        self._retention = retention
        self._beating = beating
        self._watchdog = watchdog
        self._cleaning = cleaning
        self._watching = watching
        self._most = flights
        self._look_every = look_every
        self._flights = asyncio.Semaphore(flights)
        self._stopping = asyncio.Event()
        self._room_made = asyncio.Event()
        self._more_due = False
        self._syncing: set[asyncio.Task[None]] = set()
        self._broken: set[ConnectionKey] = set()

    async def run(self, stopping: asyncio.Event, *, finish: timedelta = FINISH) -> None:
        """Work until told to stop: nothing new is begun then, and what is not done by `finish` is handed back.

        Cancelled, it hands back at once.
        """
        self._stopping = stopping
        await self._beating.begin()
        carrying = asyncio.create_task(
            self._queue.run(self._do, concurrency=self._most, ended=self._look_again, stopping=stopping)
        )
        reconciling = asyncio.create_task(self._reconcile())
        others = [
            asyncio.create_task(self._beating.run(stopping, freed=self._room_made.set)),
            asyncio.create_task(self._retention.run(stopping)),
            asyncio.create_task(self._cleaning.run(stopping)),
            asyncio.create_task(self._watching.run(stopping)),
        ]
        told = asyncio.create_task(stopping.wait())
        try:
            await asyncio.wait({told, carrying, reconciling, *others}, return_when=asyncio.FIRST_COMPLETED)
            stopping.set()
            await self._finish(reconciling, finish)
        finally:
            stopping.set()
            self._room_made.set()
            told.cancel()
            await self._hand_back()
            # what else is under way ends by itself: a transaction that is cut off costs its connection
            await asyncio.wait({carrying, reconciling, *others}, timeout=HAND_BACK.total_seconds())
            for task in (carrying, reconciling, *others):
                task.cancel()
            ended, *_ = await asyncio.gather(carrying, reconciling, *others, told, return_exceptions=True)
            await self._hand_back()
            await self._beating.leave()
        if isinstance(ended, Exception):
            raise ended

    async def _hand_back(self) -> None:
        for task in self._syncing:
            task.cancel()
        await asyncio.gather(*self._syncing, return_exceptions=True)

    async def _finish(self, reconciling: asyncio.Task[None], within: timedelta) -> None:
        """Let what is under way come to its end, but not for longer than told."""
        self._room_made.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(within.total_seconds()):
                await asyncio.wait({reconciling})
                if self._syncing:
                    await asyncio.wait(self._syncing)

    async def _do(self, key: ConnectionKey) -> None:
        """Do a job of the queue: sync until what is wanted is done.

        Where somebody else holds the lease there is nothing to do; should they die, the reconciler sees to it.
        """
        async with self._flights:
            if not self._stopping.is_set():
                await self._in_a_task(self._catch_up(key))

    async def _in_a_task(self, work: Coroutine[Any, Any, None]) -> None:
        """Do work that is cancelled when this worker has no more time, whatever becomes of who waits for it."""
        task = asyncio.create_task(work)
        self._syncing.add(task)
        task.add_done_callback(self._syncing.discard)
        await asyncio.wait({task})

    async def _catch_up(self, key: ConnectionKey) -> None:
        try:
            while not self._stopping.is_set():
                lease = await self._leased.claim_wanted(key)
                if lease is None or await self._leased.run(lease) is None:
                    break
            self._broken.discard(key)
        except Exception:
            log.exception("sync_not_finished", connection=key.connection_id)
            self._broken.add(key)

    async def _look_again(self, ended: Collection[ConnectionKey]) -> None:
        """See whether more was wanted while the queue took no job for it, because one was running.

        What broke is left to the reconciler: done again at once, it would break again at once.
        """
        again = [key for key in ended if key not in self._broken]
        if again:
            await self._reconciler.ask_again(again)

    async def _reconcile(self) -> None:
        """Look for what is wanted every so often, and for what is due as often as there is room for more."""
        looked_at = -math.inf
        while not self._stopping.is_set():
            self._room_made.clear()
            now = time.monotonic()
            try:
                if not self._more_due or now - looked_at >= self._look_every.total_seconds():
                    looked_at = now
                    await self._reconciler.ask_again()
                await self._poll()
            except Exception:
                log.exception("not_reconciled")
                self._more_due = False
            await rest(BUSY if self._more_due else self._look_every, self._room_made)

    async def _poll(self) -> None:
        """Begin reading what is due, but leave some room for what is asked for."""
        room = max(1, self._most - math.ceil(self._most * KEPT_FREE)) - len(self._syncing)
        if room <= 0:
            return
        for _ in range(room):
            await self._flights.acquire()
        leases: Sequence[Lease] = ()
        try:
            leases = await self._reconciler.claim_polls(room, sure=self._more_due)
        finally:
            for _ in range(room - len(leases)):
                self._flights.release()
        self._more_due = len(leases) == room
        briefs = await self._briefs(leases)
        for lease in leases:
            task = asyncio.create_task(self._read(lease, briefs.get(lease.key)))
            self._syncing.add(task)
            task.add_done_callback(self._landed)

    async def _briefs(self, leases: Sequence[Lease]) -> Mapping[ConnectionKey, Brief]:
        try:
            return await self._leased.briefs(leases)
        except Exception:
            # each sync asks for its own then, and comes to grief by itself where it has to
            log.exception("not_briefed")
            return {}

    async def _read(self, lease: Lease, brief: Brief | None) -> None:
        try:
            await self._leased.run(lease, brief)
        except Exception:
            log.exception("sync_not_finished", connection=lease.connection_id)

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._syncing.discard(task)
        self._flights.release()
        if self._more_due and len(self._syncing) <= self._most * NEARLY_ALL_LANDED:
            self._room_made.set()
