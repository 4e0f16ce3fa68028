"""Real processes of Kalends on one database, each with a folder and a log of its own."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from kalends.model.connection import Connection
from kalends.store.tables import items, occurrences
from tests.cli.operator import Operator, Started
from tests.jobs.vast import PASSWORD, Account, VastServer
from tests.world import SECRET_KEY, World


@dataclass
class Crew:
    """Starts `kalends` commands; what a process is told beside the database is its own."""

    database_url: str
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    @asynccontextmanager
    async def started(self, name: str, *arguments: str) -> AsyncIterator["Member"]:
        """Start a command and wait until it says that it runs; it is ended with the test however that ends."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        environment = {
            "KALENDS_DATABASE_URL": self.database_url,
            "KALENDS_SECRET_KEY": SECRET_KEY,
            "KALENDS_NET_ALLOW": "127.0.0.0/8",
            "KALENDS_LOG_FORMAT": "json",
            "KALENDS_WINDOW_BACK_DAYS": "3650",  # these processes go by the clock on the wall
            **self.environment,
        }
        with Operator(folder, environment).started(*arguments, "--json") as started:
            yield Member(started, await asyncio.to_thread(started.document))


@dataclass(frozen=True)
class Member:
    """One process, and the document that it printed at its start."""

    started: Started
    said: Any

    def signal(self, number: int) -> None:
        self.started.process.send_signal(number)

    async def ended(self) -> int:
        """Wait for its end and return the exit code."""
        return await asyncio.to_thread(self.started.process.wait, 60)

    @property
    def runs(self) -> bool:
        return self.started.process.poll() is None

    def log(self, event: str) -> list[dict[str, Any]]:
        """Return its log's lines about an event, without what is still being written."""
        text = self.started.errors.read_text()
        lines = [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == event]

    @property
    def errors(self) -> str:
        return self.started.errors.read_text()


async def connect(world: World, server: VastServer, account: Account) -> Connection:
    """Connect an account and ask for its first import."""
    provider = await world.install(server.url)
    view = await world.kalends.connecting.by_credentials(
        world.admin,
        provider_id=provider.id,
        schedule_id=world.schedule.id,
        email=f"{account.user}@example.org",
        password=PASSWORD,
    )
    return view.connection


def is_done(world: World, *connections: Connection) -> Callable[[], Awaitable[bool]]:
    """Return whether all that is wanted of connections is done."""

    async def check() -> bool:
        found = [await world.connection(one.id) for one in connections]
        return all(one.done_rev == one.wanted_rev for one in found)

    return check


async def holds_exactly(world: World, *accounts: Account) -> None:
    """See that what is stored is what the accounts hold: nothing lost, nothing doubled."""
    async with world.kalends.database.read() as reader:
        titles = (await reader.execute(select(occurrences.c.title))).scalars().all()
        count = (await reader.execute(select(func.count()).select_from(items))).scalar_one()
    assert sorted(one or "" for one in titles) == sorted(title for one in accounts for title in one.titles)
    assert count == sum(one.size for one in accounts)
