"""How many requests a sync sent to the provider: counted, kept with its run, told to people and to programs."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update
from structlog.testing import capture_logs

from kalends.api.health_messages import RunMessage
from kalends.model.connection import Connection
from kalends.store.runs import Run
from kalends.store.tables import runs
from tests.servers import CalDavServer
from tests.world import World, ics, settings_for, world_on


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with world_on(settings_for(database_url, tmp_path)) as world:
        yield world


async def latest(world: World, connection: Connection) -> Run:
    return (await world.kalends.runs.list(world.admin, connection.id)).runs[0]


async def test_a_run_tells_how_many_requests_it_sent(world: World, radicale: CalDavServer) -> None:
    login = radicale.login()
    calendar = f"{login.home}work/"
    radicale.make_calendar(calendar)
    radicale.put(f"{calendar}e.ics", ics("e", "Event", "20261201T090000Z"))
    connection = await world.connect(radicale, login, sync=False)
    for change in ("first", "second"):
        world.clock.advance(timedelta(seconds=1))
        radicale.put(f"{calendar}{change}.ics", ics(change, change, "20261201T090000Z"))
        before = len(radicale.requests())
        with capture_logs() as heard:
            run = await world.sync(connection)
        assert run.requests == len(radicale.requests()) - before > 0
        assert (await latest(world, connection)).requests == run.requests
        assert [one["requests"] for one in heard if one["event"] == "synced"] == [run.requests]
    world.clock.advance(timedelta(seconds=1))
    radicale.set_password(login, "another")
    failed = await world.sync(connection)
    assert failed.error is not None
    assert (await latest(world, connection)).requests == failed.requests == 1


async def test_a_run_of_a_version_that_did_not_count_is_told_without_a_count(
    world: World, radicale: CalDavServer
) -> None:
    login = radicale.login()
    radicale.make_calendar(f"{login.home}work/")
    connection = await world.connect(radicale, login)
    async with world.kalends.database.write() as writer:
        await writer.execute(update(runs).values(requests=None))
    told = RunMessage.of(await latest(world, connection)).model_dump(by_alias=True, exclude_none=True)
    assert "requests" not in told
