from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.rules.conftest import Scripted
from tests.scripted_provider import ScriptedKind
from tests.world import World, settings_for, world_on


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
