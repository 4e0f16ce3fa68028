"""Group i: identity and deletion, at the providers that copies are written to."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kalends.model.connection import ExportTarget
from tests.export.accounts import Account, MicrosoftAccount
from tests.export.fire import EACH_PROVIDER, known
from tests.export.steps import HAIRCUT, change, export, make, settle
from tests.microsoft.stage import ANN, Stage, staged


@pytest.fixture
async def stage(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(sqlite_url, tmp_path) as one:
        yield one


async def test_line_44_a_calendar_that_is_posted_with_another_id_gets_its_copies_once(stage: Stage) -> None:
    account = MicrosoftAccount(stage)
    await stage.press("/oddities", {"otherPostedIds": True})
    connection = await account.connect()
    event = await make(account)
    await export(account, connection)
    assert (await account.calendars())["Salon"] == [HAIRCUT]
    await change(account, event, content={"title": "Hair"})
    await settle(account, connection)
    assert await account.all() == [("Hair", *HAIRCUT[1:])]
    await export(account, connection, enabled=False)
    assert "Salon" not in await account.calendars()


async def test_line_44_a_calendar_whose_id_changes_is_not_made_twice(stage: Stage) -> None:
    account = MicrosoftAccount(stage)
    connection = await account.connect()
    event = await make(account)
    await export(account, connection)
    made = (await account.world.connection(connection.id)).export.dedicated_calendar
    await stage.press(f"/users/{ANN.email}/calendars/{made}/changeId", {})
    await change(account, event, content={"title": "Hair"})
    await account.world.sync(connection)
    await export(account, connection)
    assert len(await account.calendars()) == 2
    assert await account.all() == [("Hair", *HAIRCUT[1:])]


async def test_line_44_an_event_keeps_its_id_wherever_it_is(stage: Stage) -> None:
    account = MicrosoftAccount(stage)
    connection = await account.connect()
    await make(account)
    await export(account, connection, target=ExportTarget.PRIMARY)
    (before,) = await known(account)
    said = await stage.press("/requests", verb="GET")
    assert said["requests"]
    await export(account, connection, target=ExportTarget.DEDICATED)
    await export(account, connection, target=ExportTarget.PRIMARY)
    (after,) = await known(account)
    assert after.generation > before.generation, "a key is used once, also where the copy comes back"
    assert await account.all() == [HAIRCUT]


@EACH_PROVIDER
async def test_line_45_deleting_what_is_deleted_is_done(account: Account) -> None:
    connection = await account.connect()
    event = await make(account)
    await export(account, connection)
    await account.remove("Haircut")
    await account.world.kalends.event_cancelling.cancel(account.world.site.id, event.id)
    await settle(account, connection)
    after = await account.world.connection(connection.id)
    assert (after.export.failures, after.export.error, after.last_error) == (0, None, None)
    assert await known(account) == []
    await account.written()
    await settle(account, connection)
    assert await account.written() == []
