"""Expansion of groups away from the event loop, in worker processes with a hard time limit.

What looks quick is expanded at once, on a small budget of steps; what exceeds it, and everything else, goes to a worker
process in batches. There each group has an alarm that counts CPU time, so that one that takes too long is given up
alone. Should a worker not even answer to its alarm, it is killed, and the batch is tried again group by group.
"""

import asyncio
import multiprocessing
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from types import FrameType
from typing import Any, Protocol

from pebble import ProcessExpired, ProcessPool

from kalends.model.occurrence import Expansion, ExpansionContext, Problem
from kalends.store.items import GroupItems

INLINE_GROUPS = 400
"""As many as a page holds; more at once, as when a window rolls, are work for the other processes."""
INLINE_STEPS = 2_000
BATCH = 50
WORKERS = 2
GRACE = timedelta(seconds=10)
"""What a batch may take beyond the alarms of its groups: the start of a worker on a busy machine."""


class Expands(Protocol):
    """The part of a provider that expansion needs; picklable."""

    def is_tame(self, payloads: Sequence[bytes]) -> bool:
        """Tell cheaply whether expanding the group is sure to be quick."""
        ...

    def expand(self, payloads: Sequence[bytes], context: ExpansionContext) -> Expansion:
        """Expand the items of one group."""
        ...


@dataclass(frozen=True, slots=True)
class Group:
    """The payloads of the items that are expanded together, ordered by item key."""

    key: str
    payloads: tuple[bytes, ...]


class Expander:
    """Expands groups; owns the worker processes, which start when they are first needed."""

    def __init__(self, time_limit: timedelta) -> None:
        self._time_limit = time_limit.total_seconds()
        self._pool: ProcessPool | None = None

    async def expand(
        self, kind: Expands, groups: Sequence[Group], context: ExpansionContext
    ) -> Mapping[str, Expansion]:
        """Return group key → expansion. A group that takes too long has a problem instead of occurrences."""
        expanded: dict[str, Expansion] = {}
        if len(groups) <= INLINE_GROUPS:
            expanded = await _in_place(kind, groups, context)
        rest = [group for group in groups if group.key not in expanded]
        for start in range(0, len(rest), BATCH):
            expanded |= await self._in_worker(kind, rest[start : start + BATCH], context)
        return expanded

    async def _in_worker(
        self, kind: Expands, batch: Sequence[Group], context: ExpansionContext
    ) -> Mapping[str, Expansion]:
        limit = self._time_limit * len(batch) + GRACE.total_seconds()
        try:
            future = self._workers().schedule(
                _expand_batch, args=(kind, batch, context, self._time_limit), timeout=limit
            )
            expanded: Mapping[str, Expansion] = await asyncio.wrap_future(future)
        except (TimeoutError, ProcessExpired):
            if len(batch) == 1:
                return {batch[0].key: _given_up(self._time_limit, context)}
            alone: dict[str, Expansion] = {}
            for group in batch:
                alone |= await self._in_worker(kind, [group], context)
            return alone
        return expanded

    def _workers(self) -> ProcessPool:
        if self._pool is None:
            self._pool = ProcessPool(max_workers=WORKERS, context=multiprocessing.get_context("spawn"))
        return self._pool

    async def close(self) -> None:
        """End the worker processes."""
        if self._pool is not None:
            pool, self._pool = self._pool, None
            await asyncio.to_thread(_end, pool)


def _end(pool: Any) -> None:
    pool.stop()
    pool.join()


def with_unreadable(expanded: Mapping[str, Expansion], groups: Mapping[str, GroupItems]) -> Mapping[str, Expansion]:
    """Return the expansions of groups with a problem for each of their items that could not be read."""
    told = dict(expanded)
    for key, items in groups.items():
        if items.problems:
            whole = told.get(key, Expansion())
            unreadable = (Problem(None, why or "it could not be read") for why in items.problems.values())
            told[key] = replace(whole, problems=(*whole.problems, *unreadable))
    return told


async def _in_place(kind: Expands, groups: Sequence[Group], context: ExpansionContext) -> dict[str, Expansion]:
    """Expand what looks quick, and leave out what turns out not to be, or to be broken.

    The event loop gets its turn after each of them: a page of ordinary events takes a tenth of a second.
    """
    frugal = replace(context, limits=replace(context.limits, max_steps=INLINE_STEPS))
    expanded: dict[str, Expansion] = {}
    for group in groups:
        if kind.is_tame(group.payloads):
            expansion = kind.expand(group.payloads, frugal)
            if not expansion.problems:
                expanded[group.key] = expansion
        await asyncio.sleep(0)
    return expanded


class _TooLong(BaseException):
    """The alarm; no `Exception`, so that no handler for broken events takes it for one."""


def _expand_batch(
    kind: Expands, batch: Sequence[Group], context: ExpansionContext, time_limit: float
) -> Mapping[str, Expansion]:
    expanded = {}
    for group in batch:
        try:
            with _alarm(time_limit):
                expanded[group.key] = kind.expand(group.payloads, context)
        except _TooLong:
            expanded[group.key] = _given_up(time_limit, context)
    return expanded


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    def ring(_signal: int, _frame: FrameType | None) -> None:
        raise _TooLong

    before = signal.signal(signal.SIGPROF, ring)
    # CPU time: a machine that is busy or asleep must not make a healthy event look hostile
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _given_up(seconds: float, context: ExpansionContext) -> Expansion:
    problem = Problem(None, f"expanding it takes longer than {seconds:g} s")
    return Expansion(expanded_until=context.window.end, given_up=True, problems=(problem,))
