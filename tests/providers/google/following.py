"""A connection that follows a scripted Google, through all of Kalends."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from kalends.model.connection import Connection
from kalends.settings import Settings
from kalends.store.groups import quarantined
from kalends.store.runs import Run
from tests.net.loopback import serve
from tests.providers.google.scripted import ME, Google, GoogleKindForTests
from tests.scripted_provider import GUID
from tests.world import World, world_on


@dataclass
class GoogleFollowing:
    """A world whose only provider is a Google, and what is there."""

    world: World
    google: Google

    async def connect(self, *, sync: bool = True) -> Connection:
        """Connect the account, and import its primary calendar once unless told otherwise."""
        view = await self.world.kalends.connecting.by_credentials(
            self.world.admin, provider_id=GUID, schedule_id=self.world.schedule.id, email=ME, password="right"
        )
        if sync:
            await self.world.sync(view.connection)
        return await self.world.connection(view.connection.id)

    async def sync(self, connection: Connection) -> Run:
        """Sync the connection here and now."""
        return await self.world.sync(connection)

    async def problems(self, connection: Connection) -> list[tuple[str | None, str]]:
        """Return UID and reason of what is in quarantine."""
        async with self.world.kalends.database.read() as reader:
            found = await quarantined(reader, self.world.site.id, connection.id)
        return [(one.problem.uid, one.problem.reason) for one in found]

    async def listed(self) -> list[tuple[str | None, datetime, datetime]]:
        """Return title, start and end of what blocks in the test's span."""
        return list(await self.world.events())


@asynccontextmanager
async def following_google(settings: Settings) -> AsyncIterator[GoogleFollowing]:
    """Serve a Google without events, beside a world on a migrated database."""
    google = Google()
    async with serve(google.answer) as server:
        kind = GoogleKindForTests(url=f"http://{server.place}/calendar/v3")
        async with world_on(settings, kinds={kind.kind: kind}) as world:
            yield GoogleFollowing(world, google)
