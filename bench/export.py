"""How long it takes from a change of a schedule event until its copy is there, at each provider.

Kalends is in one process, on SQLite, with its worker, as `kalends serve` runs it by default. The sandboxes are in the
same process, the CalDAV servers are processes of their own. Changes come one by one; what counts is when the provider
has the copy as it should be, as its owner sees it.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvloop
from rich.console import Console
from rich.table import Table

from bench.push import database_in
from kalends.model.schedule_event import EventView
from kalends.schedules.event_drafts import AskedTimes
from tests.export.accounts import Account, caldav_account, google_account, microsoft_account
from tests.export.steps import change, export, make
from tests.push import working
from tests.servers import running_radicale, running_xandikos

PAUSE = 0.3
"""Seconds between two changes."""
LOOK_EVERY = 0.005
DEADLINE = 30
Opened = Callable[[str, Path], AbstractAsyncContextManager[Account]]
FIRST = datetime(2026, 12, 1, 8, tzinfo=UTC)


async def lags(account: Account, changes: int) -> list[float]:
    """Return the seconds that each of some changes of an event took to show."""
    connection = await account.connect()
    await export(account, connection)
    event: EventView | None = None
    found = []
    async with working(account.world), asyncio.timeout(DEADLINE + 2 * changes):
        for number in range(changes):
            await asyncio.sleep(PAUSE)
            start, end = FIRST + timedelta(hours=number), FIRST + timedelta(hours=number + 1)
            times = AskedTimes(start.replace(tzinfo=None), end.replace(tzinfo=None), zone="UTC")
            began = time.perf_counter()
            event = await make(account, times) if event is None else await change(account, event, times=times)
            while [start] != [one for _, one, _ in await account.all()]:  # noqa: ASYNC110 - it is at the provider
                await asyncio.sleep(LOOK_EVERY)
            found.append(time.perf_counter() - began)
    return found


async def measure(opened: Opened, changes: int, folder: Path) -> list[float]:
    """Measure changes at a provider."""
    async with opened(await database_in(folder), folder) as account:
        return await lags(account, changes)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench.export", description=__doc__)
    parser.add_argument("--changes", type=int, default=30)
    given = parser.parse_args()
    table = Table("", "median s", "95 %", "most")
    with running_radicale() as radicale, running_xandikos() as xandikos:
        providers: Mapping[str, Opened] = {
            "Google": google_account,
            "Microsoft": microsoft_account,
            "Radicale": lambda url, folder: caldav_account(radicale, url, folder),
            "Xandikos": lambda url, folder: caldav_account(xandikos, url, folder),
        }
        for name, opened in providers.items():
            with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                found = sorted(runner.run(measure(opened, given.changes, Path(folder))))
            cells = (statistics.median(found), found[int(len(found) * 0.95) - 1], found[-1])
            table.add_row(name, *(f"{cell:.2f}" for cell in cells))
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
