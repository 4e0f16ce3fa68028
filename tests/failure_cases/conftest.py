from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.export.conftest import account, place
from tests.export.scripted import ScriptedAccount, scripted_account
from tests.rules.conftest import Scripted
from tests.scripted_provider import ScriptedKind
from tests.world import World, settings_for, world_on

__all__ = ["account", "exporting", "place", "real_world", "scripted"]


@pytest.fixture
async def scripted(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Scripted]:
    """A world on SQLite whose only provider does what the test says; what the engines do apart is tested elsewhere."""
    kind = ScriptedKind()
    async with world_on(settings_for(sqlite_url, tmp_path), kinds={kind.kind: kind}) as world:
        yield Scripted(world, kind)


@pytest.fixture
async def real_world(sqlite_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with world_on(settings_for(sqlite_url, tmp_path)) as world:
        yield world


@pytest.fixture
async def exporting(sqlite_url: str, tmp_path: Path) -> AsyncIterator[ScriptedAccount]:
    """An account in memory that copies go to."""
    async with scripted_account(sqlite_url, tmp_path) as found:
        yield found
