"""What monitors and `kalends top` are told of all sites at once."""

from datetime import timedelta

from sqlalchemy import insert

from kalends.cli.overview import ROWS, look
from kalends.model.connection import Connection, ImportChoice, Status
from kalends.model.ids import new_id
from kalends.providers.errors import Unavailable
from kalends.store.overview import AGES, Overview
from kalends.store.tables import connections
from tests.rules.conftest import Scripted, scripted
from tests.scripted_provider import GUID
from tests.statements import statements

__all__ = ["scripted"]


async def another(scripted: Scripted, email: str, *, sync: bool = True) -> Connection:
    world = scripted.world
    view = await world.kalends.connecting.by_credentials(
        world.admin, provider_id=GUID, schedule_id=world.schedule.id, email=email, password=scripted.kind.password
    )
    if sync:
        await world.sync(view.connection)
    return view.connection


async def test_nothing_is_told_of_nothing(scripted: Scripted) -> None:
    async with scripted.world.kalends.database.read() as reader:
        load = await Overview(reader, scripted.world.clock.now()).load()
    assert (load.statuses, load.wanted, load.overdue, load.held, load.failing) == ({}, 0, 0, 0, 0)
    assert (load.ages.total, load.ages.oldest, load.ages.share(0.5)) == (0, None, None)


async def test_each_connection_is_counted_for_what_it_is(scripted: Scripted) -> None:
    world, kalends = scripted.world, scripted.world.kalends
    old = await another(scripted, "old@example.org")
    world.clock.advance(timedelta(minutes=4))
    fresh = await another(scripted, "fresh@example.org")
    held = await another(scripted, "held@example.org")
    assert await kalends.leased.claim(world.site.id, held.id) is not None
    ended = await another(scripted, "ended@example.org")
    await kalends.disconnecting.disconnect(world.admin, ended.id)
    wanted = await another(scripted, "wanted@example.org", sync=False)

    async with kalends.database.read() as reader:
        overview = Overview(reader, world.clock.now())
        load, waiting, under_way = await overview.load(), await overview.waiting(10), await overview.under_way(10)
        assert [one.connection_id for one in await overview.waiting(1)] == [wanted.id]
        runs = await overview.last_runs(world.clock.now() - timedelta(minutes=1), 10)
    assert load.statuses == {("SYNCED", ""): 3, ("CONNECTED", ""): 1, ("DISCONNECTED", ""): 1}
    assert (load.wanted, load.overdue, load.held, load.failing, load.acknowledged) == (1, 1, 1, 0, 0)
    assert [one.connection_id for one in waiting] == [wanted.id, old.id], "what was asked for comes first"
    assert [one.connection_id for one in under_way] == [held.id]
    ages = load.ages
    assert (ages.total, ages.never, ages.oldest) == (4, 1, timedelta(minutes=4))
    by_minute = {int(bound.total_seconds() // 60): count for bound, count in ages.within.items()}
    assert (by_minute[1], by_minute[3], by_minute[5]) == (2, 2, 3)
    assert (ages.share(0.5), ages.share(0.75), ages.share(0.8)) == (AGES[0], timedelta(minutes=5), None)
    assert {one.connection_id for one in runs} == {fresh.id, held.id, ended.id}


async def test_of_a_thousand_connections_the_shares_are_those_of_their_ages(scripted: Scripted) -> None:
    world, now = scripted.world, scripted.world.clock.now()
    ages = [timedelta(seconds=number * 4) for number in range(1_000)]
    rows = [
        {
            "site_id": world.site.id,
            "id": new_id(),
            "provider_id": GUID,
            "schedule_id": world.schedule.id,
            "account_key": str(number),
            "account_email": "",
            "addresses": [],
            "status": Status.SYNCED,
            "import_enabled": True,
            "import_choice": ImportChoice.CALENDARS,
            "created_at": now,
            "wanted_rev": 0,
            "done_rev": 0,
            "fence": 0,
            "failures": 0,
            "last_good_read_at": now - age,
            "next_sync_at": now - age + timedelta(minutes=15),
        }
        for number, age in enumerate(ages)
    ]
    async with world.kalends.database.write() as writer:
        await writer.execute(insert(connections), rows)
    with statements(world.kalends.database) as heard:
        moment = await look(world.kalends.database, now)
    load = moment.load
    assert len([one for one in heard if one.lstrip().upper().startswith("SELECT")]) == 6, "one a question"
    for part in (0.5, 0.95, 0.99):
        bound, exact = load.ages.share(part), ages[int(part * len(ages)) - 1]
        assert bound is not None
        assert exact <= bound
        assert exact > max(one for one in AGES if one < bound)
    assert load.ages.oldest == ages[-1]
    assert (load.overdue, load.longest_overdue) == (775, ages[-1] - timedelta(minutes=15))
    assert [one.since for one in moment.waiting] == [
        now - age + timedelta(minutes=15) for age in ages[: -ROWS - 1 : -1]
    ]


async def test_a_connection_that_is_asked_for_and_one_that_is_due_are_told_apart(scripted: Scripted) -> None:
    world = scripted.world
    due = await another(scripted, "due@example.org")
    world.clock.advance(timedelta(minutes=10))
    wanted = await another(scripted, "wanted@example.org", sync=False)
    async with world.kalends.database.read() as reader:
        waiting = await Overview(reader, world.clock.now()).waiting(10)
    assert [(one.connection_id, one.asked) for one in waiting] == [(wanted.id, True), (due.id, False)]


async def test_what_fails_for_the_longest_time_comes_first(scripted: Scripted) -> None:
    world = scripted.world
    often, once = await another(scripted, "often@example.org"), await another(scripted, "once@example.org")

    def fails(_page: int) -> None:
        raise Unavailable("no answer")

    scripted.kind.fault = fails
    for connection in (often, once, often):
        await world.sync(connection)
    await world.kalends.acknowledging.acknowledge(
        world.admin, (await another(scripted, "new@example.org", sync=False)).id
    )
    async with world.kalends.database.read() as reader:
        overview = Overview(reader, world.clock.now())
        failing, load = await overview.failing(10), await overview.load()
    assert [(one.connection_id, one.failures) for one in failing] == [(often.id, 2), (once.id, 1)]
    assert (load.failing, load.acknowledged) == (2, 1)
