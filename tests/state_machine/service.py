"""Two workers on one database, each an assembled Kalends, whose runs go the way that their courses say."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest

from kalends import app
from kalends.app import Kalends, assemble
from kalends.model.connection import Lease
from kalends.model.occurrence import Expansion, ExpansionContext
from kalends.settings import Settings
from kalends.store.database import Database, Transaction
from kalends.store.runs import Run
from kalends.sync import timing
from kalends.sync.expansion import Expander, Expands, Group
from tests.state_machine.course import Course, CourseFailPoints, Crash, Place, current
from tests.state_machine.plugin import StagedKind
from tests.state_machine.stored import Looks
from tests.world import NOW, ManualClock

WORKERS = 2
PATIENCE = 60.0
"""Seconds that a run may take to end, or to come to where it pauses, before it counts as stuck."""
T = TypeVar("T")


class HistoryClock(ManualClock):
    """A clock that is set back between two histories."""

    def reset(self) -> None:
        """Begin a history."""
        self._now = NOW


@dataclass
class Service:
    """What the histories have in common: making it takes longer than going through one."""

    runner: asyncio.Runner
    workers: list[Kalends]
    kind: StagedKind
    clock: HistoryClock
    looks: Looks

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Have something done."""
        return self.runner.run(work)


@dataclass
class Errand:
    """A run of one worker under a lease, until it has ended."""

    worker: int
    lease: Lease
    course: Course
    task: asyncio.Task[Run | None]

    @classmethod
    def begin(cls, number: int, kalends: Kalends, lease: Lease, course: Course) -> "Errand":
        """Begin a run, with what it finds on its way."""
        context = copy_context()
        context.run(current.set, course)
        return cls(number, lease, course, asyncio.create_task(kalends.leased.run(lease), context=context))

    async def go(self) -> bool:
        """Let the run go on until it ends or pauses; tell whether it has ended."""
        parked = asyncio.create_task(self.course.parked.wait())
        done, _ = await asyncio.wait({self.task, parked}, return_when=asyncio.FIRST_COMPLETED, timeout=PATIENCE)
        parked.cancel()
        assert done, "a run neither ends nor pauses"
        return self.task.done()

    async def go_on(self) -> None:
        """Let a run that pauses go on to its end."""
        self.course.parked.clear()
        self.course.go_on.set()
        assert await self.go()

    def result(self) -> Run | None:
        """Return what came of it: None where the lease was lost, or where it crashed."""
        try:
            return self.task.result()
        except Crash:
            return None


@asynccontextmanager
async def workers(
    settings: Settings, kind: StagedKind, clock: ManualClock, patch: pytest.MonkeyPatch
) -> AsyncIterator[list[Kalends]]:
    """Assemble the workers."""
    patch.setattr(app, "_fail_points", CourseFailPoints)
    # what is due when is the histories' business, not chance's
    patch.setattr(timing, "JITTER", 0)
    patch.setattr(Expander, "_in_worker", _expand_here)
    async with AsyncExitStack() as stack:
        made = [
            await stack.enter_async_context(assemble(settings, kinds={kind.kind: kind}, clock=clock))
            for _ in range(WORKERS)
        ]
        for one in made:
            _watch(one.database, patch)
        yield made


async def _expand_here(
    _expander: Expander, kind: Expands, batch: Sequence[Group], context: ExpansionContext
) -> Mapping[str, Expansion]:
    """Expand in this process: the way to another one costs much time, and is tested by itself."""
    return {group.key: kind.expand(group.payloads, context) for group in batch}


def _watch(database: Database, patch: pytest.MonkeyPatch) -> None:
    """Stop runs before they write, and those that crashed before they do anything."""
    reads, writes = database.read, database.write

    @asynccontextmanager
    async def read() -> AsyncIterator[Transaction]:
        course = current.get()
        if course is not None:
            course.check_alive()
        async with reads() as transaction:
            yield transaction

    @asynccontextmanager
    async def write() -> AsyncIterator[Transaction]:
        course = current.get()
        if course is not None:
            await course.stop_at(Place.WRITE)
        async with writes() as transaction:
            yield transaction

    patch.setattr(database, "read", read)
    patch.setattr(database, "write", write)
