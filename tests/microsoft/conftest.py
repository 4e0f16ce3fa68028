from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.microsoft.stage import Stage, staged


@pytest.fixture
async def stage(database_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(database_url, tmp_path) as one:
        yield one
