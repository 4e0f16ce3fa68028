"""Waiting for syncs, with a display of how far they are."""

import asyncio
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from kalends.cli.output import Failure, line, plain
from kalends.doctor.finding import counted
from kalends.model.connection import Connection
from kalends.store.calendars import Calendars, StoredCalendar
from kalends.store.contents import Contents
from kalends.store.database import Database
from kalends.store.runs import Outcome, Run, Runs
from kalends.sync.selection import imported

if TYPE_CHECKING:
    from rich.text import Text

LOOK_EVERY = timedelta(milliseconds=250)
T = TypeVar("T")


@dataclass(frozen=True)
class Waited:
    """How a sync that was waited for ended; `run` is None where it has not within the time."""

    connection: Connection
    run: Run | None

    @property
    def failure(self) -> Failure | None:
        """Why it did not succeed, None where it did."""
        if self.run is None:
            return Failure("SYNC_NOT_DONE", "The sync was not done within the time; it stays wanted.")
        if self.run.outcome is Outcome.FAILED:
            return Failure("SYNC_FAILED", f"The sync failed: {self.run.error}")
        return None

    @property
    def summary(self) -> "Text":
        """What it did, in one line."""
        if self.run is None or self.run.outcome is Outcome.FAILED:
            return line("Not synced")
        counts = self.run.counts
        took = (self.run.ended_at - self.run.started_at).total_seconds()
        calendars, items = counted(counts.calendars, "calendar"), counted(counts.changed, "item")
        return line(
            f"Synced in {took:.1f} s: {calendars}, {items} changed, "
            f"{counts.removed} removed, {counts.quarantined} quarantined"
        )


async def waited(database: Database, connection: Connection, *, done: bool) -> Waited:
    """Return how a sync ended that was asked for and is `done`, or was given up."""
    if not done:
        return Waited(connection, None)
    async with database.read() as reader:
        latest = await Runs(reader, connection.site_id).latest(connection.id, 1)
    return Waited(connection, latest[0] if latest else None)


async def watched(
    database: Database, connections: Sequence[Connection], waiting: Awaitable[T], *, console: Console | None
) -> T:
    """Wait, and meanwhile show on a terminal how much of the connections' calendars has been read."""
    if console is None or not console.is_terminal:
        return await waiting
    progress = Progress(
        SpinnerColumn(finished_text="✓"),
        TextColumn("Importing {task.description}", markup=False),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TextColumn("calendars, {task.fields[items]} items"),
        TimeElapsedColumn(),
        console=console,
    )
    with progress:
        displays = [await _Display.begin(progress, database, one) for one in connections]
        following = asyncio.create_task(_follow(displays))
        try:
            return await waiting
        finally:
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following
            for display in displays:
                await display.look()


async def _follow(displays: Sequence["_Display"]) -> None:
    while True:
        for display in displays:
            await display.look()
        await asyncio.sleep(LOOK_EVERY.total_seconds())


@dataclass(frozen=True)
class _Display:
    """One connection's line; a calendar counts as read when its last good read is another than at the beginning."""

    progress: Progress
    task: TaskID
    database: Database
    connection: Connection
    read_before: dict[str, datetime | None]

    @classmethod
    async def begin(cls, progress: Progress, database: Database, connection: Connection) -> "_Display":
        task = progress.add_task(plain(connection.account_email), total=None, items=0)
        calendars, _ = await _state(database, connection)
        before = {one.id: one.last_good_read_at for one in calendars}
        return cls(progress, task, database, connection, before)

    async def look(self) -> None:
        calendars, items = await _state(self.database, self.connection)
        read = sum(one.last_good_read_at != self.read_before.get(one.id) for one in calendars)
        self.progress.update(self.task, total=len(calendars), completed=read, items=items)


async def _state(database: Database, connection: Connection) -> tuple[Sequence[StoredCalendar], int]:
    async with database.read() as reader:
        stored = await Calendars(reader, connection.site_id).of_connection(connection.id)
        calendars = [one for one in imported(connection, stored) if one.gone_at is None]
        counts = [await Contents(reader, connection.site_id, one.id).items.count() for one in calendars]
    return calendars, sum(counts)
