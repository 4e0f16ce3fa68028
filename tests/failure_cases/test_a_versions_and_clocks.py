"""Group a, lines 3, 7 and 9: what was stored by other programs, in other times, or by machines whose clocks differ.

Pages and refused cursors are in `test_a_tokens_and_cursors.py`. That occurrences follow the window without asking (line
5, as far as providers deliver whole series) is in `tests/connections/test_events.py` and `tests/sync/test_rolling.py`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update
from structlog.testing import capture_logs

from kalends.app import assemble
from kalends.model.connection import ErrorReason, Status
from kalends.providers.base import AccountSession
from kalends.store.runs import Outcome, Run
from kalends.store.tables import items, occurrences, passes, readings
from tests.rules.conftest import Scripted
from tests.servers import CalDavServer
from tests.world import ManualClock, World, ics


def event(key: str, day: int = 1) -> str:
    return ics(key, key, f"202612{day:02}T090000Z", end=f"202612{day:02}T100000Z")


async def rows(world: World) -> dict[str, int]:
    """Return how much there is of what a reading writes."""
    async with world.kalends.database.read() as reader:
        return {
            table.name: (await reader.execute(select(func.count()).select_from(table))).scalar_one()
            for table in (items, occurrences, readings, passes)
        }


@pytest.mark.parametrize("cursor", ['{"v":99,"kind":"sync-token","value":"t"}', "what nobody wrote"])
async def test_a_cursor_of_another_code_version_leads_to_a_full_reading_and_is_replaced(
    real_world: World, radicale: CalDavServer, cursor: str
) -> None:
    login = radicale.login()
    calendar = f"{login.home}work/"
    radicale.make_calendar(calendar)
    radicale.put_many(calendar, {f"{key}.ics": event(key) for key in ("kept", "gone")})
    connection = await real_world.connect(radicale, login)
    radicale.delete(f"{calendar}gone.ics")
    async with real_world.kalends.database.write() as writer:
        await writer.execute(update(readings).values(cursor=cursor))
    with capture_logs() as heard:
        run = await real_world.sync(connection)
    assert run.outcome is Outcome.DONE
    assert [one["event"] for one in heard if one["event"] == "cursor_refused"] == ["cursor_refused"]
    assert await real_world.titles() == ["kept"]
    async with real_world.kalends.database.read() as reader:
        assert (await reader.execute(select(readings.c.cursor))).scalar_one() != cursor
    assert (await real_world.sync(connection)).requests == 1, "the new cursor is used"


async def test_access_that_was_revoked_frees_nobody_and_leaves_nothing_once_the_connection_is_ended(
    scripted: Scripted,
) -> None:
    world = scripted.world
    for day in (1, 2):
        scripted.remote.put(f"e{day}", event(f"e{day}", day))
    connection = await scripted.connect()
    scripted.kind.password = "withdrawn"
    await world.sync(connection)
    broken = await world.connection(connection.id)
    assert (broken.status, broken.error_reason) == (Status.ERROR, ErrorReason.TOKEN_REVOKED)
    assert (await rows(world))["items"] == 2, "what was read is known to be old, and is not thrown away"
    await world.kalends.disconnecting.disconnect(world.admin, connection.id)
    assert await rows(world) == {"items": 0, "occurrences": 0, "readings": 0, "passes": 0}


@pytest.mark.parametrize(("ahead", "doubted"), [(timedelta(seconds=90), False), (timedelta(minutes=10), True)])
async def test_of_two_machines_whose_clocks_differ_only_one_writes_at_a_time(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch, ahead: timedelta, doubted: bool
) -> None:
    world, settings = scripted.world, scripted.world.kalends.settings
    scripted.remote.put("first", event("first", 1))
    connection = await scripted.connect()
    scripted.remote.put("second", event("second", 2))
    real, done = scripted.kind.session, list[Run | None]()
    async with assemble(
        settings, kinds={scripted.kind.kind: scripted.kind}, clock=ManualClock(world.clock.now() + ahead)
    ) as hasty:

        @asynccontextmanager
        async def overtaken(*args: Any) -> AsyncIterator[AccountSession]:
            monkeypatch.setattr(scripted.kind, "session", real)
            lease = await hasty.leased.claim(connection.site_id, connection.id)
            assert lease is not None, "by that clock the lease has run out"
            done.append(await hasty.leased.run(lease))
            async with real(*args) as session:
                yield session

        monkeypatch.setattr(scripted.kind, "session", overtaken)
        assert await world.sync_under_lease(connection) is None, "what it read is not written"
    (theirs,) = done
    assert theirs is not None
    assert (theirs.outcome, theirs.counts.changed) == (Outcome.DONE, 1)
    assert await world.titles() == ["first", "second"]
    assert (await rows(world))["items"] == 2
    await world.kalends.watchdog.once()
    leases = await world.kalends.leased.claim_due(1)
    assert len(leases) == int(doubted), "a good read that is yet to come says that a clock is wrong"
    for lease in leases:
        await world.kalends.leased.run(lease)
    assert await world.kalends.leased.claim_due(1) == [], "and then in its turn"
    due = (await world.connection(connection.id)).next_sync_at
    assert due is not None
    assert due - world.clock.now() <= settings.poll_interval * 1.1 + timedelta(minutes=2)
