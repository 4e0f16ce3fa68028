"""How PgQueuer is used, whichever engine is behind it: jobs in, jobs handed out, jobs ended."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import structlog
from pgqueuer.adapters.inmemory import InMemoryQueries
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.core.qm import QueueManager
from pgqueuer.domain.models import Job, TracebackRecord
from pgqueuer.domain.types import JOB_STATUS

from kalends.model.connection import ConnectionKey
from kalends.queue.names import CHANNEL, ENTRYPOINT
from kalends.queue.port import Ended, Work

log = structlog.get_logger(__name__)

HEARTBEAT_TIMEOUT = timedelta(seconds=12)
"""How long a job may be without a sign of life before it is handed out again."""
DEQUEUE_TIMEOUT = timedelta(seconds=2)
"""How long nobody looks for jobs that nobody told of."""
LOGGED_AT_MOST = 1_000
"""Jobs after whose end PgQueuer's own log is emptied: we keep runs instead."""

EndedJob = tuple[Job, JOB_STATUS, TracebackRecord | None]


async def put(queries: Queries | InMemoryQueries, keys: Collection[ConnectionKey]) -> None:
    """Add a job for each connection that has none."""
    # in one order: two that add the same connections must not wait for each other
    names = [_name(key) for key in sorted(keys)]
    await queries.enqueue(
        [ENTRYPOINT] * len(names),
        [one.encode() for one in names],
        [0] * len(names),
        dedupe_key=[*names],
        on_conflict="skip",
    )


async def hand_out(
    queries: "TellingQueries | TellingMemoryQueries", work: Work, *, concurrency: int, stopping: asyncio.Event
) -> None:
    """Hand out jobs until told to stop, and wait for those under way; raises where the connection is lost."""
    manager = QueueManager(queries, CHANNEL)

    async def execute(job: Job) -> None:
        try:
            await work(_key(job))
        except Exception:
            # PgQueuer would keep what the error says, and try again at once
            log.exception("job_failed")

    manager.entrypoint(ENTRYPOINT, accepts_context=False)(execute)
    batch = max(1, concurrency // 2)
    async with _passed_on(stopping, manager.shutdown):
        await manager.run(
            dequeue_timeout=DEQUEUE_TIMEOUT,
            batch_size=batch,
            max_concurrent_tasks=max(concurrency, 2 * batch),
            shutdown_on_listener_failure=True,
            heartbeat_timeout=HEARTBEAT_TIMEOUT,
            log_aggregation_interval=timedelta(0),
        )


@asynccontextmanager
async def _passed_on(event: asyncio.Event, to: asyncio.Event) -> AsyncIterator[None]:
    """Set another event with one; PgQueuer sets its own for reasons that are not ours."""

    async def pass_on() -> None:
        await event.wait()
        to.set()

    passing = asyncio.create_task(pass_on())
    try:
        yield
    finally:
        passing.cancel()
        with suppress(asyncio.CancelledError):
            await passing


class TellingQueries(Queries):
    """PgQueuer on PostgreSQL, telling when jobs are gone from the queue."""

    ended: Ended
    _logged = 0

    async def log_jobs(self, job_status: list[EndedJob]) -> None:
        """Take ended jobs out of the queue, and only then tell of it."""
        await super().log_jobs(job_status)
        self._logged += len(job_status)
        if self._logged >= LOGGED_AT_MOST:
            await self.clear_queue_log(ENTRYPOINT)
            self._logged = 0
        await _tell(self.ended, job_status)


class TellingMemoryQueries(InMemoryQueries):
    """PgQueuer in memory, telling when jobs are gone from the queue."""

    ended: Ended

    async def log_jobs(self, job_status: list[EndedJob]) -> None:
        """Take ended jobs out of the queue, and only then tell of it."""
        await super().log_jobs(job_status)
        await self.clear_queue_log()
        await _tell(self.ended, job_status)


async def _tell(ended: Ended, jobs: Collection[EndedJob]) -> None:
    try:
        await ended({_key(job) for job, _, _ in jobs})
    except Exception:
        # raised on, it would have the jobs taken out a second time
        log.exception("ended_jobs_not_looked_at")


def _name(key: ConnectionKey) -> str:
    return f"{key.site_id}/{key.connection_id}"


def _key(job: Job) -> ConnectionKey:
    site_id, _, connection_id = (job.payload or b"").decode().partition("/")
    return ConnectionKey(site_id, connection_id)
