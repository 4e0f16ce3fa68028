"""Upgrading a database that holds data already."""

from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import text

from kalends.model.schedule import ScheduleStatus
from kalends.store.database import Database, _alembic_config, head_revision
from kalends.store.schedules import Schedules

SITE, FOLLOWING, ELSEWHERE = (f"{digit * 8}-0000-4000-8000-000000000000" for digit in "123")

OLD_SITE = text(
    "INSERT INTO sites (id, name, time_zone, titles, redirect_origins, created_at) "
    "VALUES (:site, 'Salon', 'Europe/Berlin', 'admins', '[]', '2026-01-01 00:00:00')"
)
OLD_SCHEDULE = text(
    "INSERT INTO schedules (site_id, id, name, time_zone, revision, created_at, updated_at) "
    "VALUES (:site, :id, 'Room', :zone, 1, '2026-01-01 00:00:00', '2026-01-02 00:00:00')"
)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'kalends.db'}"
    url: str = request.getfixturevalue("empty_postgres_url")
    return url


async def upgrade_to(opened: Database, revision: str) -> None:
    def upgrade(connection: Any) -> None:
        config = _alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)

    async with opened.write() as writer:
        await writer.run_sync(upgrade)


async def test_schedules_that_were_in_the_sites_zone_follow_it_and_the_others_do_not(empty_url: str) -> None:
    opened = Database(empty_url)
    try:
        await upgrade_to(opened, "0001")
        async with opened.write() as writer:
            await writer.execute(OLD_SITE, {"site": SITE})
            for schedule_id, zone in ((FOLLOWING, "Europe/Berlin"), (ELSEWHERE, "Asia/Tokyo")):
                await writer.execute(OLD_SCHEDULE, {"site": SITE, "id": schedule_id, "zone": zone})
        assert await opened.upgrade() == ("0001", head_revision())
        async with opened.read() as reader:
            schedules = Schedules(reader, SITE)
            following, elsewhere = await schedules.get(FOLLOWING), await schedules.get(ELSEWHERE)
    finally:
        await opened.close()
    assert following is not None
    assert elsewhere is not None
    assert (following.time_zone, following.follows_site_zone) == ("Europe/Berlin", True)
    assert (elsewhere.time_zone, elsewhere.follows_site_zone) == ("Asia/Tokyo", False)
    for one in (following, elsewhere):
        assert (one.status, one.revision, one.details) == (ScheduleStatus.ACTIVE, 1, {})
        assert (one.owner_id, one.external_id, one.app_id) == (None, None, None)
