"""Whatever goes wrong on the way, each account holds exactly the right copies in the end."""

import os
from pathlib import Path

import pytest

from tests.faults.fire import under_fire
from tests.servers import CalDavServer

SEED = int(os.environ.get("KALENDS_TEST_FAULT_SEED", "1"))


@pytest.mark.timeout(480)
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_each_account_holds_exactly_the_right_copies_whatever_goes_wrong_on_the_way(
    database_url: str, tmp_path: Path, radicale: CalDavServer, xandikos: CalDavServer
) -> None:
    try:
        figures = await under_fire(
            database_url, tmp_path, radicale, xandikos, seed=SEED, each=1, changes=40, seconds=6, wild=False
        )
    finally:
        radicale.forget_calendars()
        xandikos.forget_calendars()
    assert figures.changes.total() == 40
    assert figures.faults.total() > 0
    assert figures.kills + figures.deaths == 1
    assert figures.copies > 10
