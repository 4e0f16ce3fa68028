from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.client.calling import Kind
from tests.sdk.live import LiveServer, live_kalends
from tests.servers import CalDavServer


@pytest.fixture(params=["blocking", "awaiting"])
def kind(request: pytest.FixtureRequest) -> Kind:
    """Each test runs with both clients."""
    chosen: Kind = request.param
    return chosen


@pytest.fixture
async def live(sqlite_url: str, tmp_path: Path, radicale: CalDavServer) -> AsyncIterator[LiveServer]:
    """Kalends as it is in production, but for the database file and the loopback address."""
    async with live_kalends(sqlite_url, tmp_path, radicale) as server:
        yield server
