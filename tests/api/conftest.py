from collections.abc import AsyncIterator

import httpx2
import pytest

from kalends.api.application import create_api
from tests.api.standins import StandIns

BASE = "/bookings/v2/external-calendars"


@pytest.fixture
def standins() -> StandIns:
    return StandIns()


@pytest.fixture
async def client(standins: StandIns) -> AsyncIterator[httpx2.AsyncClient]:
    """A caller who may do everything; paths stand under the public prefix."""
    transport = httpx2.ASGITransport(app=create_api(standins.services))
    async with httpx2.AsyncClient(
        transport=transport, base_url=f"http://kalends.test{BASE}", headers={"Authorization": "all"}
    ) as client:
        yield client
