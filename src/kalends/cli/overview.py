"""How everything is doing at one moment, as `kalends top` prints it: counts, ids and kinds of errors."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from rich.console import Group

from kalends.cli.output import facts, instant, line, table
from kalends.connections.health import error_kind
from kalends.store.database import Database
from kalends.store.overview import AGES, Busy, LastRun, Load, Overview

if TYPE_CHECKING:
    from rich.console import RenderableType

ROWS = 8
"""How many connections and runs each table holds."""
SUMMARY_LINES, FRAME_LINES = 6, 5
"""Lines of a screen that stand above the tables, and that each table takes besides its rows."""
RUNS_SINCE = timedelta(hours=1)
SHARES = (("half", 0.5), ("95 %", 0.95), ("99 %", 0.99))


@dataclass(frozen=True)
class Moment:
    """What was read at the moment `at`."""

    at: datetime
    load: Load
    quarantined: int
    under_way: Sequence[Busy]
    waiting: Sequence[Busy]
    failing: Sequence[Busy]
    runs: Sequence[LastRun]


async def look(database: Database, at: datetime) -> Moment:
    """Read everything, in one transaction."""
    async with database.read() as reader:
        overview = Overview(reader, at)
        return Moment(
            at,
            await overview.load(),
            await overview.quarantined(),
            await overview.under_way(ROWS),
            await overview.waiting(ROWS),
            await overview.failing(ROWS),
            await overview.last_runs(at - RUNS_SINCE, ROWS),
        )


def moment_document(moment: Moment) -> dict[str, Any]:
    """Return a moment as JSON documents write it; spans of time are in seconds."""
    load, ages = moment.load, moment.load.ages
    return {
        "date": instant(moment.at),
        "connections": [
            {"status": status, "reason": reason or None, "count": count}
            for (status, reason), count in sorted(load.statuses.items())
        ],
        "syncs": {
            "underWay": load.held,
            "wanted": load.wanted,
            "overdue": load.overdue,
            "longestOverdue": _seconds(load.longest_overdue),
        },
        "failing": load.failing,
        "acknowledged": load.acknowledged,
        "quarantined": moment.quarantined,
        "age": {
            "imported": ages.total,
            "neverRead": ages.never,
            "oldest": _seconds(ages.oldest),
            "atMost": [{"share": part, "seconds": _seconds(ages.share(part))} for _, part in SHARES],
        },
        "underWay": [_busy_document(one) for one in moment.under_way],
        "waiting": [_busy_document(one) for one in moment.waiting],
        "failures": [_busy_document(one) for one in moment.failing],
        "runs": [
            {
                "connectionId": one.connection_id,
                "cause": one.cause.value,
                "outcome": one.outcome.value,
                "startedDate": instant(one.started_at),
                "endedDate": instant(one.ended_at),
                "counts": dict(one.counts),
                "error": error_kind(one.error),
            }
            for one in moment.runs
        ],
    }


def shown_moment(moment: Moment, *, height: int | None = None) -> "RenderableType":
    """Return a moment as people are shown it; tables are shortened where a terminal has only so many lines."""
    load, ages = moment.load, moment.load.ages
    statuses = ", ".join(f"{count} {reason or status}" for (status, reason), count in sorted(load.statuses.items()))
    oldest = "–" if ages.oldest is None else _span(ages.oldest)
    shares = ", ".join(f"{name} {_share(ages.share(part))}" for name, part in SHARES) if ages.total else None
    longest = f", the first for {_span(load.longest_overdue)}" if load.overdue else ""
    tables = sum(bool(one) for one in (moment.under_way, moment.waiting, moment.failing, moment.runs))
    rows_shown = ROWS if height is None or not tables else max((height - SUMMARY_LINES) // tables - FRAME_LINES, 1)
    parts: list[RenderableType] = [
        line("Kalends at", instant(moment.at), style="bold"),
        facts(
            connections=statuses or "none",
            syncs=f"{load.held} under way, {load.wanted} asked for, {load.overdue} overdue{longest}",
            last_good_read=f"{shares}; oldest {oldest} ago, {ages.never} never" if shares else None,
            trouble=f"{load.failing} failing, {load.acknowledged} acknowledged",
            quarantined=f"{moment.quarantined} events",
        ),
    ]
    for title, busy in (("Under way", moment.under_way), ("Waiting", moment.waiting), ("Failing", moment.failing)):
        if busy:
            rows = [
                (
                    one.connection_id,
                    one.status,
                    "yes" if one.asked else None,
                    _when(moment.at, one.since),
                    _ago(moment.at, one.last_good_read_at),
                    one.failures,
                    error_kind(one.last_error),
                )
                for one in busy[:rows_shown]
            ]
            columns = ("connection", "status", "asked for", "due", "last good read", "failures", "error")
            parts.append(table(columns, rows, title=title))
    if moment.runs:
        rows_of_runs = [
            (
                _ago(moment.at, one.ended_at),
                one.connection_id,
                one.cause,
                one.outcome,
                f"{(one.ended_at - one.started_at).total_seconds():.1f} s",
                one.counts.get("changed"),
                one.counts.get("removed"),
                error_kind(one.error),
            )
            for one in moment.runs[:rows_shown]
        ]
        of_runs = ("ended", "connection", "cause", "outcome", "took", "changed", "removed", "error")
        parts.append(table(of_runs, rows_of_runs, title="Latest syncs"))
    return Group(*parts)


def _busy_document(one: Busy) -> dict[str, Any]:
    return {
        "connectionId": one.connection_id,
        "status": one.status,
        "asked": one.asked,
        "dueDate": instant(one.since),
        "lastGoodReadDate": instant(one.last_good_read_at),
        "failures": one.failures,
        "error": error_kind(one.last_error),
    }


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds()


def _share(bound: timedelta | None) -> str:
    return f"within {_span(bound)}" if bound is not None else f"longer than {_span(AGES[-1])}"


def _ago(now: datetime, then: datetime | None) -> str | None:
    return None if then is None else f"{_span(max(now - then, timedelta()))} ago"


def _when(now: datetime, due: datetime | None) -> str | None:
    return f"in {_span(due - now)}" if due is not None and due > now else _ago(now, due)


def _span(span: timedelta) -> str:
    """Return a span of time in its two largest units."""
    seconds = int(span.total_seconds())
    units = [(seconds // 86_400, "d"), (seconds // 3_600 % 24, "h"), (seconds // 60 % 60, "min"), (seconds % 60, "s")]
    found = [f"{count} {unit}" for count, unit in units if count]
    return " ".join(found[:2]) or "0 s"
