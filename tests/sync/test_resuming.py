"""A reading that is cut off goes on where it was, and asks for nothing twice."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from kalends.model.connection import Status
from kalends.providers.errors import Unavailable
from kalends.store.calendars import Calendars
from kalends.store.contents import Contents
from kalends.store.groups import Groups, quarantined
from kalends.store.runs import Outcome
from tests.rules.conftest import Scripted
from tests.world import ics

EVENTS = 10


class Killed(BaseException):
    """Ends a sync as a kill would: nothing is noted, no lease is given back in good order."""


def fill(scripted: Scripted) -> None:
    for number in range(EVENTS):
        day = number + 1
        text = ics(f"e{day:02}", f"{day}", f"202612{day:02}T090000Z", end=f"202612{day:02}T100000Z")
        scripted.remote.put(f"e{day:02}", text)


async def stored_items(scripted: Scripted, connection_id: str) -> int:
    async with scripted.world.kalends.database.read() as reader:
        (calendar,) = await Calendars(reader, scripted.world.site.id).of_connection(connection_id)
        return await Contents(reader, scripted.world.site.id, calendar.id).items.count()


async def test_a_first_import_that_fails_goes_on_where_it_was(scripted: Scripted) -> None:
    fill(scripted)

    def fail(page: int) -> None:
        if page == 3:
            raise Unavailable("cut off")

    connection = await scripted.connect(sync=False)
    scripted.kind.fault = fail
    assert (await scripted.world.sync(connection)).outcome is Outcome.FAILED
    assert await stored_items(scripted, connection.id) == 4, "two pages of two"
    assert (await scripted.world.connection(connection.id)).status is Status.SYNC_IN_PROGRESS
    scripted.kind.fault = None
    await scripted.world.sync(connection)
    assert scripted.kind.handed_out == EVENTS, "nothing was asked for twice"
    assert await scripted.world.titles() == [f"{number + 1}" for number in range(EVENTS)]
    assert (await scripted.world.connection(connection.id)).status is Status.SYNCED


async def test_what_changed_while_an_import_was_cut_off_is_found(scripted: Scripted) -> None:
    fill(scripted)
    connection = await scripted.connect(sync=False)

    def fail(page: int) -> None:
        if page == 3:
            raise Unavailable("cut off")

    scripted.kind.fault = fail
    await scripted.world.sync(connection)
    scripted.kind.fault = None
    scripted.remote.delete("e01")
    scripted.remote.put("e02", scripted.remote.events["e02"][1].replace("SUMMARY:2", "SUMMARY:two"))
    await scripted.world.sync(connection)
    await scripted.world.sync(connection)
    assert await scripted.world.titles() == ["two", *(f"{number}" for number in range(3, EVENTS + 1))]


async def test_a_kill_at_any_page_loses_and_doubles_nothing(scripted: Scripted) -> None:
    fill(scripted)
    world = scripted.world
    connection = await scripted.connect(sync=False)
    for at in range(1, 6):

        def kill(page: int, at: int = at) -> None:
            if page == at:
                raise Killed

        scripted.kind.fault = kill
        lease = await world.kalends.leased.claim(connection.site_id, connection.id)
        assert lease is not None
        with suppress(Killed):
            await world.kalends.leased._turn.run(lease)
        world.clock.advance(world.kalends.settings.lease_time * 2)
    scripted.kind.fault = None
    await world.sync(connection)
    assert scripted.kind.handed_out == EVENTS
    assert await world.titles() == [f"{number + 1}" for number in range(EVENTS)]


async def test_a_cancelled_sync_hands_its_lease_back(scripted: Scripted) -> None:
    fill(scripted)
    world = scripted.world
    connection = await scripted.connect(sync=False)
    lease = await world.kalends.leased.claim(connection.site_id, connection.id)
    assert lease is not None
    syncing = asyncio.create_task(world.kalends.leased.run(lease))
    await asyncio.sleep(0)
    syncing.cancel()
    with suppress(asyncio.CancelledError):
        await syncing
    assert await world.kalends.leased.claim(connection.site_id, connection.id) is not None


async def test_a_deletion_that_is_cut_off_in_the_middle_leaves_no_ghost(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    daily = "RRULE:FREQ=DAILY\n"
    for key in ("a", "b"):
        scripted.remote.put(key, ics(key, key, "20261201T090000Z", end="20261201T091000Z", lines=daily))
    scripted.remote.put("z", ics("z", "Dentist", "20261201T100000Z", end="20261201T110000Z"))
    connection = await scripted.connect()
    scripted.kind.page_size = 10
    for key in ("a", "b"):
        scripted.remote.put(key, ics(key, f"new {key}", "20261201T090000Z", end="20261201T091000Z", lines=daily))
    scripted.remote.delete("z")
    real = Groups.put
    calls = 0

    async def cut_off(self: Groups, expanded: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise Unavailable("killed between two transactions")
        await real(self, expanded)

    monkeypatch.setattr(Groups, "put", cut_off)
    assert (await scripted.world.sync(connection)).outcome is Outcome.FAILED
    monkeypatch.undo()
    await scripted.world.sync(connection)
    titles = set(await scripted.world.titles())
    assert titles == {"new a", "new b"}


async def test_an_event_that_cannot_be_fetched_any_more_still_blocks_and_is_named(scripted: Scripted) -> None:
    text = ics("e", "Busy", "20261201T090000Z", end="20261201T100000Z")
    scripted.remote.put("e", text)
    connection = await scripted.connect()
    scripted.remote.put("e", text)
    scripted.kind.unreadable.add("e")
    run = await scripted.world.sync(connection)
    assert run.counts.quarantined == 1
    assert await scripted.world.titles() == ["Busy"]
    async with scripted.world.kalends.database.read() as reader:
        (found,) = await quarantined(reader, connection.site_id, connection.id)
    assert found.problem.reason == "it is too large"
    scripted.kind.unreadable.clear()
    scripted.remote.put("e", text.replace("Busy", "Readable"))
    await scripted.world.sync(connection)
    assert await scripted.world.titles() == ["Readable"]
    async with scripted.world.kalends.database.read() as reader:
        assert await quarantined(reader, connection.site_id, connection.id) == []
