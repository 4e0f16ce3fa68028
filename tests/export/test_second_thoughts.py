"""What is wanted changes back before anybody knows whether the change was written: the copy is looked at again."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kalends.model.connection import ExportTarget
from kalends.providers.errors import Unavailable
from tests.export.fire import configure, settle_slowly
from tests.export.scripted import ScriptedAccount, Trouble, nothing, scripted_account
from tests.export.steps import HAIRCUT, MORNING, asked, change, export, make


@pytest.fixture
async def account(sqlite_url: str, tmp_path: Path) -> AsyncIterator[ScriptedAccount]:
    async with scripted_account(sqlite_url, tmp_path) as found:
        # nothing is learnt from a reading
        found.kind.lists_nothing = True
        yield found


def lost(what: str) -> Trouble:
    """Return a trouble that loses the answers to what was done."""

    def lose(asked_for: str, _about: str) -> None:
        if asked_for == what:
            raise Unavailable("the answer was lost")

    return lose


async def test_a_copy_that_was_deleted_without_an_answer_comes_back_once_it_is_wanted(account: ScriptedAccount) -> None:
    connection = await account.connect()
    await make(account)
    await export(account, connection)
    account.kind.after = lost("delete")
    await configure(account, connection, enabled=False)
    await account.world.sync(connection)
    assert await account.all() == []
    account.kind.after = nothing
    await configure(account, connection)
    await account.world.sync(connection)
    assert await account.all() == [HAIRCUT]


async def test_a_copy_that_was_changed_without_an_answer_is_changed_back(account: ScriptedAccount) -> None:
    connection = await account.connect()
    event = await make(account)
    await export(account, connection)
    account.kind.after = lost("update")
    event = await change(account, event, times=asked("2026-12-01T14:00", "2026-12-01T15:00"))
    await account.world.sync(connection)
    assert await account.all() != [HAIRCUT]
    account.kind.after = nothing
    await change(account, event, times=MORNING)
    await settle_slowly(account, connection)
    assert await account.all() == [HAIRCUT]
    account.kind.asked.clear()
    await configure(account, connection, enabled=True)
    await settle_slowly(account, connection)
    assert account.kind.asked == [], "what is as it should be is not written again"


async def test_a_copy_that_was_moved_without_an_answer_is_found_where_it_went(account: ScriptedAccount) -> None:
    account.kind.can_move = True
    connection = await account.connect()
    await make(account)
    await export(account, connection, target=ExportTarget.PRIMARY)
    account.kind.after = lost("move")
    await configure(account, connection, target=ExportTarget.DEDICATED)
    await account.world.sync(connection)
    account.kind.after = nothing
    await configure(account, connection, target=ExportTarget.PRIMARY)
    await settle_slowly(account, connection)
    assert {name: its for name, its in (await account.calendars()).items() if its} == {"c": [HAIRCUT]}
