from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.export.accounts import Account, caldav_account, google_account, microsoft_account

ACCOUNTS = ("radicale", "xandikos", "google", "microsoft", "radicale-postgresql")
"""The providers; on SQLite, but for one."""


@pytest.fixture(params=ACCOUNTS)
async def account(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Account]:
    """An account at each of the providers, of somebody who owns a schedule."""
    provider, _, engine = request.param.partition("-")
    database_url = request.getfixturevalue(f"{engine or 'sqlite'}_url")
    match provider:
        case "google":
            opened = google_account(database_url, tmp_path)
        case "microsoft":
            opened = microsoft_account(database_url, tmp_path)
        case server:
            opened = caldav_account(request.getfixturevalue(server), database_url, tmp_path)
    async with opened as found:
        yield found
