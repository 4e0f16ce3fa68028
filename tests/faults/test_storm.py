"""No fault between Kalends and real servers loses, doubles or wrongly deletes anything."""

import os
from pathlib import Path

import pytest

from tests.faults.stage import everywhere, people_on
from tests.servers import CalDavServer

SECONDS = float(os.environ.get("KALENDS_TEST_FAULT_SECONDS", "30"))
SEED = int(os.environ.get("KALENDS_TEST_FAULT_SEED", "1"))


@pytest.mark.timeout(SECONDS + 240)
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_nothing_is_lost_doubled_or_kept_for_ever_whatever_goes_wrong_on_the_way(
    sqlite_url: str, database_url: str, tmp_path: Path, radicale: CalDavServer, xandikos: CalDavServer
) -> None:
    people = people_on(radicale, xandikos, SEED)
    try:
        figures = await everywhere(people, sqlite_url, database_url, tmp_path, seed=SEED, seconds=SECONDS)
    finally:
        radicale.forget_calendars()
        xandikos.forget_calendars()
    assert figures.changes > SECONDS / 5, "people went on with their lives"
    assert figures.syncs["done"] > len(people)
    assert figures.faults.total() > SECONDS / 5
