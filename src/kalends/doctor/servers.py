"""The processes that take up syncs, and what waits for one."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from kalends.doctor.finding import Check, Finding, counted, warning, well
from kalends.jobs.hearing import DEAD_AFTER
from kalends.store.findings import Affected, Findings
from kalends.store.readonly import ReadOnlyDatabase

LATE = timedelta(minutes=5)
"""How long after its time a sync may begin, at least; it may be late by some intervals of polling too."""
INTERVALS = 3


async def look_at_syncs(
    database: ReadOnlyDatabase, site_id: str | None, *, now: datetime, poll_interval: timedelta
) -> list[Finding]:
    """Tell whether syncs wait that nobody takes up."""
    due_before = now - max(LATE, poll_interval * INTERVALS)
    async with database.read() as reader:
        found = Findings(reader, site_id)
        waiting, beats = await found.waiting(now, due_before=due_before), await found.heartbeats()
        late = await found.waiting(now, due_before=due_before, asked=False)
    return syncs(waiting, late, alive(beats, now))


async def look_at_servers(database: ReadOnlyDatabase, *, now: datetime) -> list[Finding]:
    """Tell how many processes take up syncs."""
    async with database.read() as reader:
        beats = await Findings(reader).heartbeats()
    return servers(alive(beats, now), embedded=database.embedded)


def alive(beats: Sequence[datetime], now: datetime) -> int:
    """Return how many of the processes that were heard of still live."""
    return sum(one >= now - DEAD_AFTER for one in beats)


def syncs(waiting: Affected, late: Affected, running: int) -> list[Finding]:
    """Return what it means that syncs are wanted or due; one that was only just asked for, a server is about to do."""
    if running == 0 and waiting.count:
        return [
            warning(
                Check.SYNCS,
                f"No process runs that does syncs, and one is waited for by {counted(waiting.count, 'connection')}.",
                "Start `kalends serve`, or on PostgreSQL `kalends worker`; without one, nothing is read.",
                {"connections": waiting.count, "connectionIds": list(waiting.ids)},
            )
        ]
    if running and late.count:
        return [
            warning(
                Check.SYNCS,
                f"The servers do not keep up: a sync is late for {counted(late.count, 'connection')}.",
                "Raise KALENDS_SYNC_CONCURRENCY or KALENDS_POLL_INTERVAL; on PostgreSQL, start another "
                "`kalends worker`.",
                {"connections": late.count, "connectionIds": list(late.ids)},
            )
        ]
    return [well(Check.SYNCS, "No sync waits for longer than it should.")]


def servers(running: int, *, embedded: bool) -> list[Finding]:
    """Return what the number of processes means."""
    if embedded and running > 1:
        summary = f"{running} servers run on one embedded database, and compete for the same syncs."
        advice = "End all but one; several need PostgreSQL (KALENDS_DATABASE_URL)."
        return [warning(Check.SERVERS, summary, advice, {"running": running})]
    said = "No process that does syncs runs at present." if not running else f"At work: {counted(running, 'server')}."
    return [well(Check.SERVERS, said, running=running)]
