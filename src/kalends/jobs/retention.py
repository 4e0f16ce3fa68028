"""Retention: what has had its time is deleted once an hour."""

import asyncio
from datetime import timedelta

import structlog

from kalends.jobs.resting import rest
from kalends.model.clock import Clock
from kalends.store.budgets import SpentBudgets
from kalends.store.database import Database
from kalends.store.retention import Expired
from kalends.sync.subject import ReadingLimits

log = structlog.get_logger(__name__)

EVERY = timedelta(hours=1)
DISCONNECTED_KEPT = timedelta(days=90)
RUNS_KEPT = timedelta(days=30)


class Retention:
    """Deletes what has had its time: see `store.retention.Expired`."""

    def __init__(self, database: Database, clock: Clock, limits: ReadingLimits) -> None:
        self._database = database
        self._clock = clock
        self._limits = limits

    async def once(self) -> int:
        """Delete what has had its time; return how many rows."""
        now = self._clock.now()
        async with self._database.write() as writer:
            expired = Expired(writer)
            return (
                await expired.drop_occurrences(self._limits.window(now).start)
                + await expired.drop_runs(now - RUNS_KEPT)
                + await expired.drop_revoked_tokens(now)
                + await expired.drop_authorizations(now)
                + await expired.drop_channels(now)
                + await expired.drop_connections(now - DISCONNECTED_KEPT)
                + await SpentBudgets(writer).drop_stale(now)
            )

    async def run(self, stopping: asyncio.Event) -> None:
        """Do so every hour until told to stop."""
        while not stopping.is_set():
            try:
                dropped = await self.once()
                if dropped:
                    log.info("retention", rows=dropped)
            except Exception:
                log.exception("retention_failed")
            await rest(EVERY, stopping)
