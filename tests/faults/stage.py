"""Setting the scene: people on both real servers, and a Kalends on either database that is connected to all of them."""

import random
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

from kalends.app import assemble
from tests.faults.people import Person
from tests.faults.processes import Workers
from tests.faults.sides import side
from tests.faults.storm import Figures, storm
from tests.servers import CalDavServer

_WORK_AND_HOME = {"work": 40, "home": 20}


def people_on(radicale: CalDavServer, xandikos: CalDavServer, seed: int) -> list[Person]:
    """Make six people with some three hundred events; Xandikos knows one user only, who has three calendars."""
    chance, today = random.Random(seed), datetime.now(UTC).date()
    return [
        *(Person.with_calendars(radicale, _WORK_AND_HOME, today, chance) for _ in range(2)),
        Person.with_calendars(xandikos, {**_WORK_AND_HOME, "club": 10}, today, chance),
        *(Person.with_calendars(radicale, _WORK_AND_HOME, today, chance) for _ in range(2)),
    ]


async def everywhere(
    people: Sequence[Person], sqlite_url: str, postgres_url: str, folder: Path, *, seed: int, seconds: float
) -> Figures:
    """Storm against one process on SQLite and two on PostgreSQL, side by side."""
    async with AsyncExitStack() as stack:
        embedded = await stack.enter_async_context(side("sqlite", sqlite_url, folder / "one", people, seed))
        distributed = await stack.enter_async_context(
            side("postgresql", postgres_url, folder / "two", people, seed + 1)
        )
        shared = distributed.world
        other = await stack.enter_async_context(assemble(shared.kalends.settings, clock=shared.clock))
        embedded.count_syncs(embedded.world.kalends)
        for one in (shared.kalends, other):
            distributed.count_syncs(one)
        return await storm(
            [embedded, distributed], people, seed=seed, seconds=seconds, others={distributed.name: [other]}
        )


async def under_kills(
    people: Sequence[Person], postgres_url: str, folder: Path, *, seed: int, seconds: float
) -> Figures:
    """Storm against worker processes that are killed at any moment and begun anew."""
    async with side("postgresql", postgres_url, folder, people, seed) as one:
        return await storm(
            [one], people, seed=seed, seconds=seconds, others={}, workers=Workers(postgres_url, folder, seed)
        )
