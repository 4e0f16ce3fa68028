"""A time of faults, and what has to be true in it and after it."""

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from structlog.testing import capture_logs

from kalends.app import Kalends
from tests.faults.faults import LIES, Fault
from tests.faults.people import Person
from tests.faults.processes import Workers
from tests.faults.proxy import Choice, at_random, no_fault
from tests.faults.sides import Side, working
from tests.net.loopback import Asked

SHARE = 0.2
"""Of the answers that are spoiled."""
LIES_OFTENER = 5
"""Few answers are such that they can be made into a lie."""
CHANGES_EVERY = 0.15
LOOKS_EVERY = 0.3
RECOVERS_WITHIN = 60.0
"""Seconds; it takes a few."""
A_DAY = timedelta(hours=25)
HONEST = frozenset(Fault) - LIES
UNFORGIVABLE = frozenset({"sync_failed_unexpectedly", "sync_not_finished", "not_reconciled", "no_beat", "no_goodbye"})


SYNCS = {"synced": "done", "sync_failed": "failed"}


@dataclass
class Figures:
    """What there was to be seen; spans in seconds."""

    seed: int
    changes: int = 0
    requests: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    syncs: Counter[str] = field(default_factory=Counter)
    listings: int = 0
    refused_listings: int = 0
    longest_unread: float = 0.0
    """How old the last good read of any connection became."""
    recovery: float = 0.0
    """From the end of the faults until everything was as on the servers, but for who was lied to."""
    recovery_from_lies: float = 0.0
    """The rest, after a day."""
    kills: int = 0


def faults_for(people: Sequence[Person]) -> Choice:
    """Spoil answers; every other account is told no lies, so that it has to be right as soon as all is well."""
    spared = tuple(person.login.home for person in people[::2])
    everything = at_random(SHARE, [*Fault, *(LIES_OFTENER * sorted(LIES))])
    honest = at_random(SHARE, sorted(HONEST))

    def choose(asked: Asked, chance: random.Random) -> Sequence[Fault]:
        return (honest if asked.target.startswith(spared) else everything)(asked, chance)

    return choose


async def storm(
    sides: Sequence[Side],
    people: Sequence[Person],
    *,
    seed: int,
    seconds: float,
    others: Mapping[str, Sequence[Kalends]],
    workers: Workers | None = None,
) -> Figures:
    """Let everything go wrong for a time, then nothing, and see that nothing was lost, doubled or kept for ever.

    `others` are further processes of a side, by its name. With `workers`, processes that are killed do the work
    instead of this one. Raises `AssertionError`, which names the seed.
    """
    figures = Figures(seed)
    with capture_logs() as logs:
        try:
            async with _working(sides, others, workers):
                await _through_faults(sides, people, seconds, workers)
                figures.recovery = await _recovered(sides, lied_to=False)
                _see_nothing_wrong(sides, logs)
            for side in sides:
                side.world.clock.advance(A_DAY)
            async with _working(sides, others, None):
                figures.recovery_from_lies = await _recovered(sides, lied_to=True)
                for side in sides:
                    await side.look()
            _see_nothing_wrong(sides, [*logs, *(workers.logged() if workers else ())])
        except BaseException as error:
            error.add_note(f"The seed was {seed}: KALENDS_TEST_FAULT_SEED={seed} plays the same faults again.")
            raise
    _fill(figures, sides, people, workers)
    return figures


@contextlib.asynccontextmanager
async def _working(
    sides: Sequence[Side], others: Mapping[str, Sequence[Kalends]], workers: Workers | None
) -> AsyncIterator[None]:
    if workers is not None:
        async with workers.running():
            yield
        return
    async with working(*(one for side in sides for one in (side.world.kalends, *others.get(side.name, ())))):
        yield


async def _through_faults(
    sides: Sequence[Side], people: Sequence[Person], seconds: float, workers: Workers | None
) -> None:
    for side in sides:
        side.set_faults(faults_for(people))
    ending = asyncio.Event()
    doing = [_writing(people, ending), *(_looking(side, ending) for side in sides)]
    if workers is not None:
        doing.append(workers.killing(ending))
    async with asyncio.TaskGroup() as group:
        for one in doing:
            group.create_task(one)
        await asyncio.sleep(seconds)
        ending.set()
    for side in sides:
        side.set_faults(no_fault)


async def _writing(people: Sequence[Person], ending: asyncio.Event) -> None:
    while not ending.is_set():
        for person in people:
            await person.change()
            await asyncio.sleep(CHANGES_EVERY)


async def _looking(side: Side, ending: asyncio.Event) -> None:
    while not ending.is_set():
        await side.look()
        assert not side.wrong, side.wrong
        await asyncio.sleep(LOOKS_EVERY)


async def _recovered(sides: Sequence[Side], *, lied_to: bool) -> float:
    """Wait until all is as it should be, also for those who were lied to or not; return the seconds that it took."""
    begun = time.monotonic()
    while True:
        amiss: list[str] = []
        for side in sides:
            amiss += await side.amiss([one for one in side.watched if lied_to or not one.was_lied_to])
            amiss += await side.unhealthy()
        if not amiss:
            return time.monotonic() - begun
        assert time.monotonic() - begun < RECOVERS_WITHIN, amiss
        await asyncio.sleep(0.1)


def _see_nothing_wrong(sides: Sequence[Side], logs: Sequence[Mapping[str, Any]]) -> None:
    unexpected = [one for one in logs if one["event"] in UNFORGIVABLE]
    assert not unexpected, unexpected
    for side in sides:
        assert not side.wrong, side.wrong
        at_once = [one for proxy in side.proxies.values() for one in proxy.at_once]
        assert not at_once, f"questions of two syncs of a connection: {at_once}"


def _fill(figures: Figures, sides: Sequence[Side], people: Sequence[Person], workers: Workers | None) -> None:
    figures.changes = sum(person.changes for person in people)
    if workers is not None:
        assert set(workers.codes) == {0}, "those that were asked to stop did so"
        figures.kills = workers.kills
        figures.syncs.update(word for one in workers.logged() if (word := SYNCS.get(one["event"])) is not None)
    for side in sides:
        figures.syncs += side.syncs
        figures.listings += side.listings
        figures.refused_listings += side.refused
        figures.longest_unread = max(figures.longest_unread, side.longest_unread.total_seconds())
        for proxy in side.proxies.values():
            figures.requests += proxy.requests
            figures.faults.update({fault.value: count for fault, count in proxy.faults.items()})
