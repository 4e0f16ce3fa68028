"""A stage on which the provider reaches Kalends to tell of changes, and what can be seen there of being told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TypeVar

from kalends.api.application import create_api
from kalends.model.connection import Connection
from kalends.sandbox.serving import HOST, listen, serving
from kalends.store.calendars import Calendars
from kalends.store.channels import Channel, Channels
from kalends.store.tables import channels
from kalends.sync.selection import imported
from tests.oauth_stage import OAuthStage
from tests.world import World

DEADLINE = 30
StageT = TypeVar("StageT", bound=OAuthStage)


@asynccontextmanager
async def reachable(
    staged: Callable[..., AbstractAsyncContextManager[StageT]], database_url: str, folder: Path
) -> AsyncIterator[StageT]:
    """Set a stage, and serve its Kalends at an address of which the provider is told."""
    bound = listen()
    public_url = f"http://{HOST}:{bound.getsockname()[1]}"
    async with (
        staged(database_url, folder, public_url=public_url) as stage,
        serving(create_api(stage.world.kalends.services), bound),
    ):
        yield stage


async def until(holds: Callable[[], Awaitable[bool]], *, within: float = DEADLINE) -> None:
    """Wait until something holds; `within` is in seconds."""
    async with asyncio.timeout(within):
        while not await holds():  # noqa: ASYNC110 - what is waited for is in the database, or in another task
            await asyncio.sleep(0.02)


@asynccontextmanager
async def working(world: World) -> AsyncIterator[None]:
    """Have a worker run."""
    stopping = asyncio.Event()
    running = asyncio.create_task(world.kalends.worker.run(stopping))
    try:
        yield
    finally:
        stopping.set()
        await running


async def shows_while_a_worker_runs(stage: OAuthStage, title: str, start: str, end: str) -> None:
    """Make an event at the provider, and wait until it alone is listed, with nothing due to be polled."""

    async def shows() -> bool:
        return await stage.world.titles() == [title]

    async with working(stage.world):
        await stage.put(title, start, end)
        await until(shows)


async def is_wanted(stage: OAuthStage, connection: Connection) -> bool:
    """Tell whether a sync was asked for that has not been yet."""
    now = await stage.world.connection(connection.id)
    return now.wanted_rev > now.done_rev


async def is_told(stage: OAuthStage, connection: Connection) -> bool:
    """Tell whether all that is imported of a connection counts as watched."""
    async with stage.world.kalends.database.read() as reader:
        stored = await Calendars(reader, connection.site_id).of_connection(connection.id)
    return all(one.watched_until for one in imported(connection, stored))


async def kept(stage: OAuthStage) -> list[Channel]:
    """Return the channels that are of use."""
    async with stage.world.kalends.database.read() as reader:
        ids = [row.id for row in await reader.execute(channels.select()) if row.stop_after is None]
        return [found for one in ids if (found := await Channels(reader).get(one))]
