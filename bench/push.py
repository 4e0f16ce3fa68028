"""How long it takes from a change at Google or Microsoft until it shows in *list events*, with push.

Kalends and the sandbox that stands in are in one process, on SQLite; a worker runs. Changes come one by one.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop
from rich.console import Console
from rich.table import Table

from kalends.api.application import create_api
from kalends.sandbox.serving import listen, serving
from kalends.store.database import Database
from tests.google import stage as google
from tests.microsoft import stage as microsoft
from tests.world import World

PAUSE = 0.3
"""Seconds between two changes, so that each is told by itself."""
LOOK_EVERY = 0.005
DEADLINE = 30


async def lags(world: World, put: Callable[[str, int], Awaitable[object]], changes: int) -> list[float]:
    """Return the seconds that each of some changes took to show."""
    kalends, stopping = world.kalends, asyncio.Event()
    working = asyncio.create_task(kalends.worker.run(stopping))
    found = []
    try:
        async with asyncio.timeout(DEADLINE + changes):
            for number in range(changes):
                await asyncio.sleep(PAUSE)
                title = f"Change {number}"
                await put(title, 8 + number % 12)
                began = time.perf_counter()
                while title not in await world.titles():  # noqa: ASYNC110 - it is in the database
                    await asyncio.sleep(LOOK_EVERY)
                found.append(time.perf_counter() - began)
    finally:
        stopping.set()
        await working
    return found


async def at_google(changes: int, folder: Path) -> list[float]:
    """Measure changes at Google."""
    bound = listen()
    async with (
        google.staged(await database_in(folder), folder, public_url=public_url(bound.getsockname()[1])) as stage,
        serving(create_api(stage.world.kalends.services), bound),
    ):
        await stage.connect()
        await stage.world.kalends.watching.once()

        async def put(title: str, hour: int) -> object:
            return await stage.put(title, f"2026-11-24T{hour:02}:00:00Z", f"2026-11-24T{hour + 1:02}:00:00Z")

        return await lags(stage.world, put, changes)


async def at_microsoft(changes: int, folder: Path) -> list[float]:
    """Measure changes at Microsoft."""
    bound = listen()
    async with (
        microsoft.staged(await database_in(folder), folder, public_url=public_url(bound.getsockname()[1])) as stage,
        serving(create_api(stage.world.kalends.services), bound),
    ):
        await stage.connect()
        await stage.world.kalends.watching.once()

        async def put(title: str, hour: int) -> object:
            return await stage.put(title, f"2026-11-24T{hour:02}:00:00", f"2026-11-24T{hour + 1:02}:00:00")

        return await lags(stage.world, put, changes)


def public_url(port: int) -> str:
    """Return where Kalends is."""
    return f"http://127.0.0.1:{port}"


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
    for name, measure in (("Google", at_google), ("Microsoft", at_microsoft)):
        with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            found = sorted(runner.run(measure(given.changes, Path(folder))))
        cells = (statistics.median(found), found[int(len(found) * 0.95) - 1], found[-1])
        table.add_row(name, *(f"{cell:.2f}" for cell in cells))
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
