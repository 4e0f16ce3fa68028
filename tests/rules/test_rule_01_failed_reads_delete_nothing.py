"""Rule 1: a failed, partial or truncated read deletes nothing and never counts as success."""

from collections.abc import Callable

import pytest

from kalends.model.connection import Status
from kalends.providers.errors import Unavailable
from kalends.store.calendars import Calendars
from kalends.store.runs import Outcome
from tests.rules.conftest import Scripted
from tests.world import ics


def fail_at(page: int) -> Callable[[int], None]:
    def fault(number: int) -> None:
        if number == page:
            raise Unavailable("the answer was cut short")

    return fault


def fill(scripted: Scripted, count: int) -> list[str]:
    for number in range(count):
        start, end = f"202612{number + 1:02}T090000Z", f"202612{number + 1:02}T100000Z"
        scripted.remote.put(f"e{number}", ics(f"e{number}", f"Event {number}", start, end=end))
    return [f"Event {number}" for number in range(count)]


@pytest.mark.parametrize("page", [0, 1, 2])
async def test_rule_1_a_full_pass_that_fails_on_any_page_deletes_nothing(scripted: Scripted, page: int) -> None:
    titles = fill(scripted, 5)
    connection = await scripted.connect()
    good_read_at = connection.last_good_read_at

    scripted.kind.refuses_cursors = True
    for key in ("e0", "e1", "e2"):
        scripted.remote.put(key, scripted.remote.events[key][1].replace("Event", "Changed"))
    scripted.remote.delete("e4")
    scripted.kind.fault = fail_at(page)
    scripted.world.clock.advance(scripted.world.kalends.settings.poll_interval)
    run = await scripted.world.sync(connection)

    assert run.outcome is Outcome.FAILED
    now = await scripted.world.titles()
    assert now[3:] == titles[3:], "what the pass did not reach stands, the deleted one too"
    failed = await scripted.world.connection(connection.id)
    assert failed.last_good_read_at == good_read_at
    assert failed.status is Status.SYNC_IN_PROGRESS, "a full read is going on, and did not succeed"
    assert failed.failures == 1

    scripted.kind.fault = None
    assert (await scripted.world.sync(connection)).outcome is Outcome.DONE
    assert await scripted.world.titles() == ["Changed 0", "Changed 1", "Changed 2", "Event 3"]


async def test_rule_1_a_reading_without_its_end_is_a_failure(scripted: Scripted) -> None:
    titles = fill(scripted, 3)
    connection = await scripted.connect()
    scripted.remote.delete("e0")
    scripted.kind.refuses_cursors = True
    scripted.kind.cut_off = True
    run = await scripted.world.sync(connection)
    assert run.outcome is Outcome.FAILED
    assert await scripted.world.titles() == titles


async def test_rule_1_an_incremental_reading_that_fails_keeps_its_cursor(scripted: Scripted) -> None:
    fill(scripted, 3)
    connection = await scripted.connect()
    before = await cursor_of(scripted, connection.id)
    scripted.remote.put("e9", ics("e9", "Late", "20261220T090000Z", end="20261220T100000Z"))
    scripted.kind.fault = fail_at(1)
    assert (await scripted.world.sync(connection)).outcome is Outcome.FAILED
    assert await cursor_of(scripted, connection.id) == before
    assert (await scripted.world.connection(connection.id)).status is Status.SYNCED
    scripted.kind.fault = None
    await scripted.world.sync(connection)
    assert (await scripted.world.titles())[-1] == "Late"
    assert await cursor_of(scripted, connection.id) != before


async def cursor_of(scripted: Scripted, connection_id: str) -> str | None:
    async with scripted.world.kalends.database.read() as reader:
        (calendar,) = await Calendars(reader, scripted.world.site.id).of_connection(connection_id)
    return calendar.cursor
