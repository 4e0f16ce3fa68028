"""Runs: the history of syncs that changed something, failed, or were asked for."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import and_, insert, or_, select

from kalends.model.connection import SyncCounts
from kalends.store.repository import SiteRepository
from kalends.store.tables import runs


class Cause(StrEnum):
    """Why a sync was done."""

    ASKED = "asked"
    POLL = "poll"
    EXPORT = "export"
    """Nothing was read; such a run is not kept."""


class Outcome(StrEnum):
    """How a sync ended."""

    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Run:
    """One sync of one connection. `error` is for the operator and holds nothing personal."""

    id: str
    connection_id: str
    cause: Cause
    started_at: datetime
    ended_at: datetime
    outcome: Outcome
    counts: SyncCounts
    error: str | None
    requests: int | None
    """How many requests it sent to the provider; None for one by a version that did not count them."""


class RunPosition(NamedTuple):
    """Where a page of runs ended: the sort key of its last run."""

    started_at: datetime
    id: str


class Runs(SiteRepository):
    """The runs of one site's connections."""

    async def add(self, run: Run) -> None:
        """Insert a run."""
        await self._connection.execute(
            insert(runs).values(
                site_id=self._site_id,
                id=run.id,
                connection_id=run.connection_id,
                cause=run.cause.value,
                started_at=run.started_at,
                ended_at=run.ended_at,
                outcome=run.outcome.value,
                counts=asdict(run.counts),
                error=run.error,
                requests=run.requests,
            )
        )

    async def latest(self, connection_id: str, limit: int) -> Sequence[Run]:
        """Return a connection's runs, the newest first."""
        return await self.page(connection_id, after=None, limit=limit)

    async def page(self, connection_id: str, *, after: RunPosition | None, limit: int) -> Sequence[Run]:
        """Return a connection's runs after a position, the newest first, `limit` at most."""
        query = (
            select(runs)
            .where(runs.c.site_id == self._site_id, runs.c.connection_id == connection_id)
            .order_by(runs.c.started_at.desc(), runs.c.id)
            .limit(limit)
        )
        if after is not None:
            at_once = and_(runs.c.started_at == after.started_at, runs.c.id > after.id)
            query = query.where(or_(runs.c.started_at < after.started_at, at_once))
        return [
            Run(
                row.id,
                row.connection_id,
                Cause(row.cause),
                row.started_at,
                row.ended_at,
                Outcome(row.outcome),
                SyncCounts(**row.counts),
                row.error,
                row.requests,
            )
            for row in await self._connection.execute(query)
        ]
