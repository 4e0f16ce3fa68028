from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.rules.conftest import scripted
from tests.servers import CalDavServer
from tests.world import World, settings_for, world_on


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with world_on(settings_for(database_url, tmp_path)) as made:
        yield made


@pytest.fixture
async def sqlite_world(sqlite_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with world_on(settings_for(sqlite_url, tmp_path)) as made:
        yield made


@pytest.fixture(params=["radicale", "xandikos"])
def server(request: pytest.FixtureRequest) -> CalDavServer:
    found: CalDavServer = request.getfixturevalue(request.param)
    return found


__all__ = ["scripted", "server", "sqlite_world", "world"]
