"""How long it takes from a change at Google or Microsoft until it shows in *list events*, with push.

Kalends and the sandbox that stands in are in one process, on SQLite; a worker runs. Changes come one by one.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import uvloop
from rich.console import Console
from rich.table import Table

from kalends.store.database import Database
from tests.google import stage as google
from tests.microsoft import stage as microsoft
from tests.oauth_stage import OAuthStage
from tests.push import reachable, working

PAUSE = 0.3
"""Seconds between two changes, so that each is told by itself."""
LOOK_EVERY = 0.005
DEADLINE = 30
Staged = Callable[..., AbstractAsyncContextManager[OAuthStage]]
PROVIDERS: Mapping[str, tuple[Staged, str]] = {"Google": (google.staged, "Z"), "Microsoft": (microsoft.staged, "")}
"""What a provider is called → a stage with it, and what it has behind a time in UTC."""


async def lags(stage: OAuthStage, zone: str, changes: int) -> list[float]:
    """Return the seconds that each of some changes took to show; `zone` is what the provider has behind a time."""
    found = []
    async with working(stage.world), asyncio.timeout(DEADLINE + changes):
        for number in range(changes):
            await asyncio.sleep(PAUSE)
            title, hour = f"Change {number}", 8 + number % 12
            await stage.put(title, *(f"2026-11-24T{one:02}:00:00{zone}" for one in (hour, hour + 1)))
            began = time.perf_counter()
            while title not in await stage.world.titles():  # noqa: ASYNC110 - it is in the database
                await asyncio.sleep(LOOK_EVERY)
            found.append(time.perf_counter() - began)
    return found


async def measure(staged: Staged, zone: str, changes: int, folder: Path) -> list[float]:
    """Measure changes at a provider."""
    async with reachable(staged, await database_in(folder), folder) as stage:
        await stage.connect()
        await stage.world.kalends.watching.once()
        return await lags(stage, zone, changes)


async def database_in(folder: Path) -> str:
    """Return the URL of a new database."""
    url = f"sqlite:///{folder / 'kalends.db'}"
    database = Database(url)
    await database.upgrade()
    await database.close()
    return url


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench.push", description=__doc__)
    parser.add_argument("--changes", type=int, default=30)
    given = parser.parse_args()
    table = Table("", "median s", "95 %", "most")
    for name, (staged, zone) in PROVIDERS.items():
        with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            found = sorted(runner.run(measure(staged, zone, given.changes, Path(folder))))
        cells = (statistics.median(found), found[int(len(found) * 0.95) - 1], found[-1])
        table.add_row(name, *(f"{cell:.2f}" for cell in cells))
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
