from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.export.accounts import Account, caldav_account, google_account, microsoft_account
from tests.servers import CalDavServer

PLACES = ("radicale", "xandikos", "google", "microsoft", "radicale-postgresql")
"""The providers; on SQLite, but for one."""


@dataclass(frozen=True)
class Place:
    """Where an account is to be: at a provider, or a CalDAV server, and for a Kalends on a database."""

    provider: str | CalDavServer
    database_url: str


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest) -> Place:
    """Each of the places."""
    name, _, engine = request.param.partition("-")
    provider = name if name in {"google", "microsoft"} else request.getfixturevalue(name)
    return Place(provider, request.getfixturevalue(f"{engine or 'sqlite'}_url"))


@pytest.fixture
async def account(place: Place, tmp_path: Path) -> AsyncIterator[Account]:
    """An account at each of the providers, of somebody who owns a schedule."""
    match place.provider:
        case "google":
            opened = google_account(place.database_url, tmp_path)
        case "microsoft":
            opened = microsoft_account(place.database_url, tmp_path)
        case CalDavServer() as server:
            opened = caldav_account(server, place.database_url, tmp_path)
        case other:
            raise LookupError(other)
    async with opened as found:
        yield found
