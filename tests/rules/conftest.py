from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from kalends.model.connection import Connection
from tests.export.conftest import account, place
from tests.export.scripted import ScriptedAccount, scripted_account
from tests.scripted_provider import GUID, RemoteCalendar, ScriptedKind
from tests.world import World, settings_for, world_on

__all__ = ["EMAIL", "Scripted", "account", "exporting", "place", "real_world", "scripted"]

EMAIL = "ada@example.org"


@dataclass
class Scripted:
    """A world whose only provider does what the test says, and one connection to it."""

    world: World
    kind: ScriptedKind

    @property
    def remote(self) -> RemoteCalendar:
        """The provider's calendar `c`."""
        return self.kind.calendars["c"]

    async def connect(self, *, sync: bool = True) -> Connection:
        """Connect the account and import once unless told otherwise."""
        view = await self.world.kalends.connecting.by_credentials(
            self.world.admin,
            provider_id=GUID,
            schedule_id=self.world.schedule.id,
            email=EMAIL,
            password=self.kind.password,
        )
        if sync:
            await self.world.sync(view.connection)
        return await self.world.connection(view.connection.id)


@pytest.fixture
async def scripted(database_url: str, tmp_path: Path) -> AsyncIterator[Scripted]:
    kind = ScriptedKind()
    async with world_on(settings_for(database_url, tmp_path), kinds={kind.kind: kind}) as world:
        yield Scripted(world, kind)


@pytest.fixture
async def real_world(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with world_on(settings_for(database_url, tmp_path)) as world:
        yield world


@pytest.fixture
async def exporting(sqlite_url: str, tmp_path: Path) -> AsyncIterator[ScriptedAccount]:
    """An account in memory that copies go to."""
    async with scripted_account(sqlite_url, tmp_path) as found:
        yield found
