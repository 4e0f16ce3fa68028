"""Rule 5: our own copies are never imported, even when the export target is also an import source.

That a target that is a source does not grow at any provider is in `tests/export/test_contract.py`.
"""

from dataclasses import replace
from datetime import timedelta

from kalends.connections.sync_config import ImportChange, SyncConfigChange
from kalends.model.connection import Connection, ExportTarget, ImportChoice
from kalends.schedules.event_drafts import AskedRule
from kalends.sync.export.keys import CopyKeys
from tests.export.accounts import Account
from tests.export.fire import EACH_PROVIDER, configure, known
from tests.export.scripted import ScriptedAccount
from tests.export.steps import HAIRCUT, asked, at, change, export, import_all, instances, make, settle, wall
from tests.world import World, ics, populate

ROUNDS = 20


def strip(account: ScriptedAccount, title: str, new_title: str | None = None) -> None:
    """Have something take everything out of a copy that says whose it is."""
    calendar, ref = account.find(title)
    text = calendar.events[ref][1].replace(title, new_title or title)
    calendar.put(ref, "\r\n".join(line for line in text.split("\r\n") if not line.startswith("X-")))


async def into_primary(account: Account, connection: Connection) -> None:
    await configure(account, connection, target=ExportTarget.PRIMARY)
    await settle(account, connection)


@EACH_PROVIDER
async def test_rule_5_no_instance_of_a_series_is_imported(account: Account) -> None:
    connection = await account.connect()
    ends = wall("2026-12-31T00:00")
    series = await make(account, asked("2026-12-01T10:00", "2026-12-01T11:00"), "Zumba", rule=AskedRule(until=ends))
    await export(account, connection, target=ExportTarget.PRIMARY if account.has_primary else ExportTarget.DEDICATED)
    await import_all(account, connection)
    assert await account.world.titles() == []
    second, third = (await instances(account, series))[1:3]
    await change(account, second, times=asked("2026-12-09T14:00", "2026-12-09T15:30"), content={"title": "Salsa"})
    await account.world.kalends.event_cancelling.cancel(account.world.site.id, third.id)
    for _ in range(2):
        await settle(account, connection)
        assert await account.world.titles() == []
    assert len(await account.all()) == 4
    await account.put("Dentist", at("2026-12-03T09:00"), at("2026-12-03T10:00"))
    await settle(account, connection)
    assert await account.world.titles() == ["Dentist"], "what is theirs is imported all the same"


async def test_rule_5_a_copy_that_lost_its_tag_is_recognised_by_its_id(exporting: ScriptedAccount) -> None:
    connection = await exporting.connect()
    await make(exporting)
    await into_primary(exporting, connection)
    for title in ("Haircut", "Somebody's"):
        strip(exporting, "Haircut", title)
        # the reading comes before the export that puts it right
        await exporting.world.sync(connection)
        assert await exporting.world.titles() == []
        await settle(exporting, connection)
        assert await exporting.all() == [HAIRCUT]


async def test_rule_5_a_copy_that_came_to_another_id_is_recognised_by_its_tag(exporting: ScriptedAccount) -> None:
    connection = await exporting.connect()
    await make(exporting)
    await into_primary(exporting, connection)
    calendar, ref = exporting.find("Haircut")
    calendar.put("elsewhere.ics", calendar.events[ref][1])
    await settle(exporting, connection)
    assert await exporting.world.titles() == []


async def test_rule_5_two_staff_who_share_one_calendar_do_not_block_each_other(exporting: ScriptedAccount) -> None:
    world = exporting.world
    first = await exporting.connect()
    await make(exporting)
    ben = await world.kalends.schedules.create(world.site, name="Ben's chair")
    exporting.world = replace(world, schedule=ben)
    second = await exporting.connect(email="ben@example.org")
    await make(exporting, asked("2026-12-02T10:00", "2026-12-02T11:00"), "Beard")
    await exporting.put("Dentist", at("2026-12-03T09:00"), at("2026-12-03T10:00"))
    for one in (first, second):
        await into_primary(exporting, one)
    there = await exporting.all()
    assert len(there) == 3
    for number in range(ROUNDS):
        world.clock.advance(timedelta(hours=1))
        if number == ROUNDS // 2:
            exporting.kind.refuses_cursors = True
        for one in (first, second):
            await settle(exporting, one)
    assert await exporting.all() == there
    assert await world.titles() == ["Dentist", "Dentist"], "each of them imports what is nobody's copy"


async def others(account: ScriptedAccount) -> tuple[World, Connection]:
    """Have another site connect the same account, and export and import too."""
    own = account.world
    other = await populate(own.kalends, own.clock)
    account.world = other
    try:
        connection = await account.connect()
        await make(account, asked("2026-12-02T10:00", "2026-12-02T11:00"), "Massage")
        await into_primary(account, connection)
    finally:
        account.world = own
    return other, connection


async def test_rule_5_copies_of_another_site_are_ordinary_events_and_nothing_grows(exporting: ScriptedAccount) -> None:
    world = exporting.world
    connection = await exporting.connect()
    await make(exporting)
    await into_primary(exporting, connection)
    other, theirs = await others(exporting)
    there = await exporting.all()
    assert len(there) == 2
    for _ in range(ROUNDS):
        world.clock.advance(timedelta(hours=1))
        for place, one in ((world, connection), (other, theirs)):
            exporting.world = place
            await settle(exporting, one)
    exporting.world = world
    assert await exporting.all() == there
    assert await world.titles() == ["Massage"]
    assert await other.titles() == ["Haircut"]


async def test_rule_5_a_tag_that_is_not_ours_hides_nothing(exporting: ScriptedAccount) -> None:
    world = exporting.world
    connection = await exporting.connect()
    await make(exporting)
    await into_primary(exporting, connection)
    (copy,) = await known(exporting)
    forger = CopyKeys([b"somebody else's secret"])
    ours = exporting.kind.tag_of(exporting.find("Haircut")[0].events[copy.ref or ""][1].encode())
    assert ours is not None
    tags = [
        forger.tag(world.site.id, copy.key),
        f"{copy.key[:20]}.",
        copy.key,
        f"{'0' * 20}.{ours.partition('.')[2]}",
        "",
        "." * 30,
        "é" * 50,
    ]
    for number, tag in enumerate(tags):
        text = ics(f"f{number}", "Forged", "20261203T090000Z", end="20261203T100000Z", lines=f"X-KALENDS-TAG:{tag}\n")
        exporting.kind.calendars["c"].put(f"f{number}.ics", text)
    await world.sync(connection)
    assert await world.titles() == ["Forged"] * len(tags)


async def test_rule_5_copies_stay_hidden_when_they_are_read_anew(exporting: ScriptedAccount) -> None:
    """The choice of calendars is changed, and the zone of the schedule: what is stored is expanded again."""
    world = exporting.world
    connection = await exporting.connect()
    await make(exporting, rule=AskedRule())
    await into_primary(exporting, connection)
    assert await world.titles() == []
    configs = world.kalends.services.sync_configs
    for change_of in (ImportChange(enabled=False), ImportChange(True, ImportChoice.CALENDARS, ("c",))):
        await configs.update(world.admin, connection.id, SyncConfigChange(change_of))
        await settle(exporting, connection)
        assert await world.titles() == []
    for _ in range(3):
        # so long that the window has rolled
        world.clock.advance(timedelta(days=2))
        await settle(exporting, connection)
        assert await world.titles() == []
