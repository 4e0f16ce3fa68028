"""Group b, lines 10 to 13 and 18: data loss by false emptiness.

A failed read of every kind is in `tests/rules/test_rule_01…` and `tests/providers/test_caldav_false_emptiness.py`; here
are the answers that look right and are not.
"""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from kalends.model.connection import Connection, Status
from kalends.providers.errors import Unavailable
from kalends.store.calendars import Calendars, StoredCalendar
from kalends.store.runs import Outcome, Run
from kalends.sync.guards import is_sudden
from tests.providers.scripted import (
    CALENDAR,
    A,
    B,
    Script,
    by_report,
    etag_listing,
    full_of,
    member,
    multiget,
    multistatus,
)
from tests.providers.scripted import TEXTS as MEMBERS
from tests.providers.scripted import scripted as scripted_caldav
from tests.rules.conftest import Scripted
from tests.world import ics

MANY = 20


def fill(scripted: Scripted, count: int = MANY) -> list[str]:
    for number in range(count):
        day = f"202612{number + 1:02}"
        scripted.remote.put(f"e{number:02}", ics(f"e{number}", f"Day {number}", f"{day}T090000Z", end=f"{day}T100000Z"))
    return [f"Day {number}" for number in range(count)]


def lose(scripted: Scripted, keys: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Let events vanish from the provider's listings, without a word about them, and return them."""
    return {key: scripted.remote.events.pop(key) for key in keys}


async def stored(scripted: Scripted, connection: Connection) -> StoredCalendar:
    async with scripted.world.kalends.database.read() as reader:
        (calendar,) = await Calendars(reader, connection.site_id).of_connection(connection.id)
    return calendar


async def poll(scripted: Scripted, connection: Connection) -> Run:
    """Let the doubt's time pass, and read as a poll would; it is due by then."""
    world = scripted.world
    world.clock.advance(world.kalends.settings.doubt_wait + timedelta(seconds=1))
    (lease,) = await world.kalends.leased.claim_due(1)
    assert lease.connection_id == connection.id
    run = await world.kalends.leased.run(lease)
    assert run is not None
    return run


@pytest.mark.parametrize("left", [0, 1])
@pytest.mark.parametrize("full", [True, False])
async def test_a_provider_that_suddenly_lists_nothing_or_hardly_anything_frees_nobody(
    scripted: Scripted, full: bool, left: int
) -> None:
    titles = fill(scripted)
    connection = await scripted.connect()
    keys = sorted(scripted.remote.events)[left:]
    scripted.kind.refuses_cursors = full
    if full:
        kept = lose(scripted, keys)
    else:
        kept = {key: scripted.remote.events[key] for key in keys}
        for key in keys:
            scripted.remote.delete(key)
    run = await scripted.world.sync(connection)
    assert (run.outcome, run.counts.removed, run.counts.doubted) == (Outcome.DONE, 0, len(keys))
    assert await scripted.world.titles() == titles, "they keep blocking"
    now = await scripted.world.connection(connection.id)
    assert (now.status, now.failures) == (Status.SYNCED, 0), "nothing is a failure of the connection"
    assert now.last_error is not None
    assert f"{len(keys)} events are suddenly missing" in now.last_error
    # the server comes to its senses
    scripted.remote.events |= kept
    if not full:
        scripted.remote.history.extend(kept)
    run = await poll(scripted, connection)
    assert (run.counts.removed, run.counts.doubted) == (0, 0)
    assert await scripted.world.titles() == titles
    assert (await stored(scripted, connection)).doubt is None
    assert (await scripted.world.connection(connection.id)).last_error is None


@pytest.mark.parametrize("full", [True, False])
async def test_a_calendar_that_a_person_really_emptied_is_empty_after_a_second_full_reading(
    scripted: Scripted, full: bool
) -> None:
    fill(scripted)
    connection = await scripted.connect()
    scripted.kind.refuses_cursors = full
    for key in list(scripted.remote.events):
        scripted.remote.delete(key)
    await scripted.world.sync(connection)
    assert (await scripted.world.page()).events
    run = await poll(scripted, connection)
    assert run.counts.removed == MANY
    assert await scripted.world.titles() == []
    assert scripted.kind.readings[-1] is None, "asked for everything, whatever was asked before"
    assert scripted.kind.doubted[-1], "by every way of asking"
    assert (await stored(scripted, connection)).doubt is None
    assert (await scripted.world.connection(connection.id)).last_error is None


async def test_asking_again_at_once_confirms_nothing(scripted: Scripted) -> None:
    titles = fill(scripted)
    connection = await scripted.connect()
    scripted.kind.refuses_cursors = True
    lose(scripted, list(scripted.remote.events))
    for _ in range(3):
        await scripted.world.sync(connection)
        scripted.world.clock.advance(timedelta(minutes=1))
    assert await scripted.world.titles() == titles
    doubt = (await stored(scripted, connection)).doubt
    assert doubt is not None
    assert doubt.since == scripted.world.clock.now() - timedelta(minutes=3), "the first time counts"
    assert doubt.items == MANY


async def test_a_confirmation_that_fails_deletes_nothing_and_the_next_one_may(scripted: Scripted) -> None:
    titles = fill(scripted)
    connection = await scripted.connect()
    scripted.kind.refuses_cursors = True
    lose(scripted, list(scripted.remote.events))
    await scripted.world.sync(connection)

    def fail(_page: int) -> None:
        raise Unavailable("cut short")

    scripted.kind.fault = fail
    assert (await poll(scripted, connection)).outcome is Outcome.FAILED
    assert await scripted.world.titles() == titles
    scripted.kind.fault = None
    await scripted.world.sync(connection)
    assert await scripted.world.titles() == []


async def test_new_and_changed_events_come_in_while_missing_ones_are_doubted(scripted: Scripted) -> None:
    fill(scripted)
    connection = await scripted.connect()
    for key in list(scripted.remote.events):
        scripted.remote.delete(key)
    scripted.remote.put("new", ics("new", "New", "20261130T090000Z", end="20261130T100000Z"))
    await scripted.world.sync(connection)
    assert len(await scripted.world.titles()) == MANY + 1
    await poll(scripted, connection)
    assert await scripted.world.titles() == ["New"]


async def test_a_calendar_whose_events_were_all_replaced_is_not_empty(scripted: Scripted) -> None:
    titles = fill(scripted)
    connection = await scripted.connect()
    scripted.kind.refuses_cursors = True
    for key, (_, text) in lose(scripted, list(scripted.remote.events)).items():
        scripted.remote.put(f"moved-{key}", text)
    run = await scripted.world.sync(connection)
    assert (run.counts.removed, run.counts.doubted) == (MANY, 0)
    assert await scripted.world.titles() == titles


async def test_the_only_event_of_a_calendar_can_be_deleted_at_once(scripted: Scripted) -> None:
    fill(scripted, 1)
    connection = await scripted.connect()
    scripted.remote.delete("e00")
    await scripted.world.sync(connection)
    assert await scripted.world.titles() == []


async def test_a_clock_that_was_set_back_does_not_keep_a_doubt_for_ever(scripted: Scripted) -> None:
    fill(scripted)
    connection = await scripted.connect()
    scripted.kind.refuses_cursors = True
    lose(scripted, list(scripted.remote.events))
    await scripted.world.sync(connection)
    scripted.world.clock.advance(-timedelta(days=1))
    await scripted.world.sync(connection)
    assert await scripted.world.titles() == []


@pytest.mark.parametrize(
    ("gone", "left", "sudden"),
    [
        (1, 0, False),
        (2, 0, False),
        (3, 0, True),
        (9, 1, False),
        (10, 1, True),
        (10, 2, False),
        (18, 2, False),
        (19, 2, True),
        (900, 100, False),
        (901, 99, True),
        (0, 0, False),
    ],
)
def test_what_counts_as_sudden(gone: int, left: int, sudden: bool) -> None:
    assert is_sudden(gone, left) is sudden


async def test_caldav_settles_a_doubt_by_both_of_its_listings() -> None:
    script = Script()
    script.on(
        "REPORT", "/c/", by_report(multistatus(member(A, '"1"'), token="new"), multiget(MEMBERS, {A: '"1"', B: '"1"'}))
    )
    script.on("PROPFIND", "/c/", *etag_listing(A, B))
    async with scripted_caldav(script) as session:
        store = full_of(A, B)
        pages = [
            page async for page in session.read(CALENDAR, cursor=None, continuation=None, stored=store, doubted=True)
        ]
    assert {key for page in pages for key in page.unchanged} == {A, B}, "what one of them names is there"
