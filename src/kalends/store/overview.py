"""How all connections of all sites are doing, in counts: what monitors and `kalends top` are shown.

Each question is one statement that reads each row at most once and answers with a bounded number of rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from kalends.model.connection import Status
from kalends.store.runs import Cause, Outcome
from kalends.store.tables import connections, groups, runs

AGES = tuple(
    timedelta(minutes=minutes) for minutes in (1, 2, 3, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 4320, 10080)
)
"""The bounds by which ages of last good reads are counted."""


@dataclass(frozen=True, slots=True)
class Ages:
    """The ages of the last good reads of what is imported.

    `within` has a bound of `AGES` → how many are at most that old; `total` counts those too that were never read.
    """

    within: Mapping[timedelta, int]
    total: int
    never: int
    oldest: timedelta | None

    def share(self, part: float) -> timedelta | None:
        """Return the least bound that at least this part of them keeps to; None where not even the last one is."""
        return next((bound for bound, count in self.within.items() if self.total and count >= part * self.total), None)


@dataclass(frozen=True, slots=True)
class Load:
    """How many connections are in which state; disconnected ones count by their status alone.

    `wanted` were asked for and nobody does it, `overdue` are due and nobody reads them, `held` are being synced.
    """

    statuses: Mapping[tuple[str, str], int]
    """(status, reason or nothing) → connections."""
    wanted: int
    overdue: int
    held: int
    failing: int
    acknowledged: int
    ages: Ages
    longest_overdue: timedelta = timedelta()
    """For how long the first of the overdue ones has been due."""


@dataclass(frozen=True, slots=True)
class Busy:
    """A connection that waits for a sync, is being synced, or fails. `since` is when it was due, where it is known.

    `status` is the one that is shown on the wire: `ERROR` too where something keeps from exporting alone. `asked` tells
    whether a sync of it was asked for and is not done.
    """

    connection_id: str
    status: str
    asked: bool
    since: datetime | None
    last_good_read_at: datetime | None
    failures: int
    last_error: str | None


@dataclass(frozen=True, slots=True)
class LastRun:
    """A run as the overview shows it; `error` is as the sync described it."""

    connection_id: str
    cause: Cause
    outcome: Outcome
    started_at: datetime
    ended_at: datetime
    counts: Mapping[str, int] = field(default_factory=dict)
    error: str | None = None


class Overview:
    """Looks at everything at one moment, in an open transaction."""

    def __init__(self, connection: AsyncConnection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def load(self) -> Load:
        """Return how many connections are in which state."""
        read_at = connections.c.last_good_read_at
        imports = and_(connections.c.import_enabled, _LIVE)
        due_at = connections.c.next_sync_at
        overdue = and_(due_at <= self._now, _LIVE, self._free)
        counted = {
            "wanted": and_(_WANTED, self._free),
            "overdue": overdue,
            "held": self._held,
            "failing": and_(connections.c.failures > 0, _LIVE),
            "acknowledged": connections.c.acknowledgement.is_not(None),
            "imports": imports,
            "never": and_(imports, read_at.is_(None)),
        }
        bounds = [_sum(and_(imports, read_at >= self._now - bound)) for bound in AGES]
        oldest = func.min(case((imports, read_at), else_=None), type_=read_at.type)
        first_due = func.min(case((overdue, due_at), else_=None), type_=due_at.type)
        query = select(
            connections.c.status,
            connections.c.error_reason,
            func.count(),
            *(_sum(condition) for condition in counted.values()),
            *bounds,
            oldest,
            first_due,
        ).group_by(connections.c.status, connections.c.error_reason)
        rows = [tuple(row) for row in await self._connection.execute(query)]
        sums = [sum(column) for column in zip(*(row[3:-2] for row in rows), strict=True)] or [0] * (
            len(counted) + len(AGES)
        )
        by_name = dict(zip(counted, sums[: len(counted)], strict=True))
        read = min((row[-2] for row in rows if row[-2] is not None), default=None)
        due = min((row[-1] for row in rows if row[-1] is not None), default=self._now)
        ages = Ages(
            dict(zip(AGES, sums[len(counted) :], strict=True)),
            by_name["imports"],
            by_name["never"],
            None if read is None else max(self._now - read, timedelta()),
        )
        return Load(
            {(row[0], row[1] or ""): row[2] for row in rows},
            by_name["wanted"],
            by_name["overdue"],
            by_name["held"],
            by_name["failing"],
            by_name["acknowledged"],
            ages,
            self._now - due,
        )

    async def quarantined(self) -> int:
        """Return how many events could not be read."""
        query = select(func.count()).select_from(groups).where(groups.c.problems.is_not(None))
        return int((await self._connection.execute(query)).scalar_one())

    async def under_way(self, limit: int) -> Sequence[Busy]:
        """Return connections that are being synced."""
        return await self._busy(self._held, limit=limit, order=connections.c.lease_until)

    async def waiting(self, limit: int) -> Sequence[Busy]:
        """Return connections that nobody syncs although it was asked for or is due; what was asked for comes first."""
        due = and_(or_(_WANTED, connections.c.next_sync_at <= self._now), _LIVE, self._free)
        return await self._busy(
            due, limit=limit, order=(case((_WANTED, 0), else_=1), connections.c.next_sync_at.asc().nulls_first())
        )

    async def failing(self, limit: int) -> Sequence[Busy]:
        """Return connections whose latest sync failed, those that fail for the longest time first."""
        failing = and_(connections.c.failures > 0, _LIVE)
        return await self._busy(failing, limit=limit, order=connections.c.failures.desc())

    async def last_runs(self, since: datetime, limit: int) -> Sequence[LastRun]:
        """Return what ended since a time, the newest first."""
        query = (
            select(
                runs.c.connection_id,
                runs.c.cause,
                runs.c.outcome,
                runs.c.started_at,
                runs.c.ended_at,
                runs.c.counts,
                runs.c.error,
            )
            .where(runs.c.ended_at >= since)
            .order_by(runs.c.ended_at.desc(), runs.c.id)
            .limit(limit)
        )
        return [
            LastRun(row[0], Cause(row[1]), Outcome(row[2]), *row[3:]) for row in await self._connection.execute(query)
        ]

    async def _busy(self, which: ColumnElement[bool], *, limit: int, order: Any) -> Sequence[Busy]:
        query = (
            select(
                connections.c.id,
                _SHOWN_STATUS,
                _WANTED,
                connections.c.next_sync_at,
                connections.c.last_good_read_at,
                connections.c.failures,
                connections.c.last_error,
            )
            .where(which)
            .order_by(*(order if isinstance(order, tuple) else (order,)), connections.c.id)
            .limit(limit)
        )
        return [Busy(row[0], row[1], bool(row[2]), *row[3:]) for row in await self._connection.execute(query)]

    @property
    def _held(self) -> ColumnElement[bool]:
        return connections.c.lease_until >= self._now

    @property
    def _free(self) -> ColumnElement[bool]:
        return or_(connections.c.lease_until.is_(None), connections.c.lease_until < self._now)


_LIVE = connections.c.status != Status.DISCONNECTED.value
_SHOWN_STATUS = case(
    (
        and_(
            connections.c.export_problem.is_not(None),
            connections.c.status.not_in([Status.ERROR.value, Status.DISCONNECTED.value]),
        ),
        Status.ERROR.value,
    ),
    else_=connections.c.status,
)
"""As `Connection.shown_status` has it."""
_WANTED = and_(connections.c.wanted_rev > connections.c.done_rev, _LIVE)


def _sum(condition: ColumnElement[bool]) -> Any:
    return func.sum(case((condition, 1), else_=0))
