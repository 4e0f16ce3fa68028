"""A whole Kalends that follows feeds: one site, its provider of ICS feeds, and a web server that a test commands."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from kalends.model.connection import Connection
from kalends.model.provider import Provider
from kalends.providers.base import ProviderKind
from kalends.settings import Settings
from kalends.store.runs import Run
from tests.net.loopback import Answer, Server, serve
from tests.providers.feeds import Feed
from tests.world import World, world_on

SECRET = "s3cret-of-the-feed"
"""Part of every address here, in its path and in its query."""
PATH = f"/private/{SECRET}/basic.ics?key={SECRET}"


@dataclass
class Following:
    """A world, its provider of feeds, and the server of one feed."""

    world: World
    provider: Provider
    feed: Feed
    server: Server

    @property
    def url(self) -> str:
        """The feed's address."""
        return f"http://{self.server.place}{PATH}"

    async def connect(self, url: str = "", *, sync: bool = True) -> Connection:
        """Connect the feed, or another address, and import once unless told otherwise."""
        view = await self.world.kalends.connecting.by_feed(
            self.world.admin,
            provider_id=self.provider.id,
            schedule_id=self.world.schedule.id,
            url=url or self.url,
        )
        if sync:
            await self.world.sync(view.connection)
        return await self.world.connection(view.connection.id)

    async def sync(self) -> Run:
        """Sync the feed that was connected first."""
        listed = await self.world.kalends.connections.list(self.world.admin, schedule_ids=None, partial_failure=False)
        return await self.world.sync(listed.connections[0].connection)


@asynccontextmanager
async def following(
    settings: Settings,
    text: str | bytes = "",
    *,
    kinds: Mapping[str, ProviderKind] | None = None,
    answer: Answer | None = None,
) -> AsyncIterator[Following]:
    """Serve a feed beside a Kalends that has a provider of feeds; `answer` serves in place of the feed."""
    feed = Feed()
    feed.says(text)
    async with serve(answer or feed.answer) as server, world_on(settings, kinds=kinds) as world:
        provider = await world.kalends.installation.install(world.site.id, "ics", name="Feeds", config={})
        yield Following(world, provider, feed, server)
