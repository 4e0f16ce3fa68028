"""Disconnecting a Google account: its consent is taken back when the last connection of it goes, and not before."""

from datetime import timedelta

import pytest

from kalends.connections.disconnecting import CLEANUP
from kalends.jobs.cleaning import GRACE
from kalends.model.connection import Connection, Status
from kalends.store.connections import Connections
from tests.google.stage import ANN, Stage


async def disconnect(stage: Stage, connection: Connection) -> None:
    """Disconnect, and let so much time pass that nobody is on the way to connect again."""
    await stage.world.kalends.disconnecting.disconnect(stage.world.admin, connection.id)
    stage.world.clock.advance(GRACE)


async def keeps_credentials(stage: Stage, connection: Connection) -> bool:
    async with stage.world.kalends.database.read() as reader:
        return await Connections(reader, connection.site_id).sealed_credentials(connection.id) is not None


def consented(stage: Stage) -> bool:
    client = stage.grants.client(stage.client_id)
    user = stage.grants.user(ANN.email)
    assert client is not None
    assert user is not None
    return bool(stage.grants.consented(user, client))


async def beside(stage: Stage) -> Connection:
    """Connect the same account to another schedule."""
    own = stage.world.schedule
    stage.world.schedule = await stage.world.kalends.schedules.create(stage.world.site, name="Another")
    try:
        return await stage.connect()
    finally:
        stage.world.schedule = own


async def test_the_consent_goes_with_the_last_connection_and_so_do_the_credentials(stage: Stage) -> None:
    connection = await stage.connect()
    await disconnect(stage, connection)
    assert (await stage.world.connection(connection.id)).status is Status.DISCONNECTED
    assert await stage.world.kalends.cleaning.once() is False
    assert not consented(stage)
    assert not await keeps_credentials(stage, connection)


async def test_a_consent_that_another_connection_needs_stays(stage: Stage) -> None:
    first, second = await stage.connect(), await beside(stage)
    await disconnect(stage, first)
    await stage.world.kalends.cleaning.once()
    assert consented(stage)
    assert not await keeps_credentials(stage, first)
    stage.world.clock.advance(timedelta(hours=2))
    assert (await stage.world.sync(second)).error is None
    await disconnect(stage, second)
    await stage.world.kalends.cleaning.once()
    assert not consented(stage)


async def test_of_two_that_go_at_once_one_takes_the_consent_back(stage: Stage) -> None:
    both = [await stage.connect(), await beside(stage)]
    for connection in both:
        await disconnect(stage, connection)
    await stage.world.kalends.cleaning.once()
    assert not consented(stage)
    assert [await keeps_credentials(stage, one) for one in both] == [False, False]


async def test_who_connects_again_before_it_was_taken_back_keeps_it(stage: Stage) -> None:
    connection = await stage.connect()
    await stage.world.kalends.disconnecting.disconnect(stage.world.admin, connection.id)
    await stage.world.kalends.cleaning.once()
    assert consented(stage), "somebody may be on the way"
    again = await stage.connect()
    assert again.id == connection.id
    stage.world.clock.advance(GRACE)
    await stage.world.kalends.cleaning.once()
    stage.world.clock.advance(timedelta(hours=2))
    assert (await stage.world.sync(again)).error is None


async def test_what_cannot_be_taken_back_is_tried_for_a_week(stage: Stage) -> None:
    connection = await stage.connect()
    await disconnect(stage, connection)
    await stage.press("/faults", {"method": "POST", "path": "^/revoke$", "times": 2, "status": 503})
    assert await stage.world.kalends.cleaning.once() is True
    assert await keeps_credentials(stage, connection)
    stage.world.clock.advance(CLEANUP)
    assert await stage.world.kalends.cleaning.once() is False
    assert not await keeps_credentials(stage, connection)
    assert consented(stage), "it could not be had"


async def test_a_consent_that_its_owner_has_withdrawn_is_no_work(stage: Stage) -> None:
    connection = await stage.connect()
    await stage.withdraw()
    await disconnect(stage, connection)
    assert await stage.world.kalends.cleaning.once() is False
    assert not await keeps_credentials(stage, connection)


@pytest.mark.parametrize("how", ["owner", "schedule"])
async def test_consent_goes_too_where_the_schedule_or_its_owner_does(stage: Stage, how: str) -> None:
    connection = await stage.connect()
    kalends, world = stage.world.kalends, stage.world
    if how == "owner":
        await kalends.users.disable(world.site.id, world.user.id)
    else:
        await kalends.schedule_cancelling.cancel(world.site.id, world.schedule.id)
    world.clock.advance(GRACE)
    await kalends.cleaning.once()
    assert not consented(stage)
    assert not await keeps_credentials(stage, connection)
