from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from scripts.official_sdk import install
from tests.sdk.live import LiveServer, live_kalends
from tests.servers import CalDavServer


@pytest.fixture(scope="session")
def sdk() -> Path:
    """The folder of the scripts, with the packages of the lock file installed."""
    return install()


@pytest.fixture
async def live_server(sqlite_url: str, tmp_path: Path, radicale: CalDavServer) -> AsyncIterator[LiveServer]:
    """Kalends as it is in production, but for the database file and the loopback address."""
    async with live_kalends(sqlite_url, tmp_path, radicale) as live:
        yield live
