from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from kalends.providers.caldav import members
from tests.failpoints.child import PAGE, Mortals, mortals
from tests.world import World, settings_for, world_on


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "_FIRST_BATCH", PAGE)
    monkeypatch.setattr(members, "_LARGEST_BATCH", PAGE)


@pytest.fixture(scope="session")
def doomed() -> Iterator[Mortals]:
    with mortals() as made:
        yield made


@pytest.fixture
async def sqlite_world(sqlite_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with world_on(settings_for(sqlite_url, tmp_path)) as made:
        yield made


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with world_on(settings_for(database_url, tmp_path)) as made:
        yield made
