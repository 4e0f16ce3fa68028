"""What transactions must survive: cancellation, and each other."""

import asyncio
import gc
import time
from typing import Any

import pytest
from aiosqlite import core
from sqlalchemy import text

from kalends.model.errors import Conflict, KalendsError
from kalends.model.identity import Role
from kalends.model.ids import new_id
from kalends.store.database import Database
from tests.rules.conftest import Scripted

AT_ONCE = 5.0
"""Seconds; a lock that is kept is waited for twice as long."""


async def test_a_cancelled_transaction_gives_its_lock_back(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    database = Database(sqlite_url)
    real = core.Connection._execute
    writing: list[asyncio.Task[None]] = []

    async def cancelled_meanwhile(self: core.Connection, fn: Any, *args: Any, **named: Any) -> Any:
        if args and str(args[0]).startswith("SELECT id FROM sites WHERE"):
            writing[0].cancel()  # arrives while the statement runs in its thread
        return await real(self, fn, *args, **named)  # type: ignore[no-untyped-call]  # the driver has no types

    async def write() -> None:
        async with database.write() as writer:
            await writer.execute(text("SELECT id FROM sites WHERE name = 'x'"))

    monkeypatch.setattr(core.Connection, "_execute", cancelled_meanwhile)
    gc.disable()  # an idle process collects nothing for a long time
    try:
        writing.append(asyncio.create_task(write()))
        await asyncio.gather(*writing, return_exceptions=True)
        monkeypatch.undo()
        began = time.monotonic()
        async with database.write() as writer:
            await writer.execute(text("DELETE FROM sites"))
        assert time.monotonic() - began < AT_ONCE
    finally:
        gc.enable()
        await database.close()


async def test_of_many_who_make_the_same_one_succeeds(scripted: Scripted) -> None:
    kalends, site = scripted.world.kalends, scripted.world.site
    schedule_id = new_id()
    users = await asyncio.gather(
        *(kalends.users.create(site.id, email="x@example.org", name="X", role=Role.STAFF) for _ in range(5)),
        return_exceptions=True,
    )
    schedules = await asyncio.gather(
        *(kalends.schedules.create(site, name="X", schedule_id=schedule_id) for _ in range(5)),
        return_exceptions=True,
    )
    for made in (users, schedules):
        refused = [one for one in made if isinstance(one, BaseException)]
        assert len(refused) == 4
        assert all(isinstance(one, Conflict) for one in refused), refused


async def test_of_many_who_disconnect_one_does(scripted: Scripted) -> None:
    connection = await scripted.connect()
    world = scripted.world
    ends = await asyncio.gather(
        *(world.kalends.disconnecting.disconnect(world.admin, connection.id) for _ in range(4)),
        return_exceptions=True,
    )
    refused = [one for one in ends if isinstance(one, KalendsError)]
    assert [one.code for one in refused] == ["CONNECTION_ALREADY_DISCONNECTED"] * 3
