"""Group c, lines 14 to 21, as far as they are about what is written: duplicates and loops."""

from datetime import timedelta

from kalends.connections.sync_config import ImportChange, SyncConfigChange
from kalends.jobs.cleaning import GRACE
from kalends.model.connection import ExportTarget
from kalends.providers.errors import CredentialsRefused
from kalends.schedules.event_drafts import AskedRule
from kalends.store.tables import copies, intentions
from tests.export.accounts import Account
from tests.export.fire import EACH_PROVIDER, configure, known, settle_slowly
from tests.export.scripted import ScriptedAccount, nothing
from tests.export.steps import HAIRCUT, asked, at, change, export, instances, make, settle

BEARD_TIMES = asked("2026-12-02T10:00", "2026-12-02T11:00")
BEARD = ("Beard", at("2026-12-02T09:00"), at("2026-12-02T10:00"))
ODD_NOTES = "<p>Bring a   towel &amp; <b>soap</b></p>\r\n\r\n  \tand; comma, back\\slash \u2028 — ü 💈\r\n \r\n"


async def test_line_14_a_work_and_a_personal_calendar_on_one_schedule_never_grow(exporting: ScriptedAccount) -> None:
    world, kind = exporting.world, exporting.kind
    work = await exporting.connect(email="work@example.org")
    personal = await exporting.connect(email="personal@example.org")
    assert work.id != personal.id
    await make(exporting)
    await exporting.put("Dentist", at("2026-12-03T09:00"), at("2026-12-03T10:00"))
    for one, target in ((work, ExportTarget.PRIMARY), (personal, ExportTarget.DEDICATED)):
        await export(exporting, one, target=target)
        everything = SyncConfigChange(ImportChange(enabled=True))
        await world.kalends.services.sync_configs.update(world.admin, one.id, everything)
    sizes = {name: len(calendar.events) for name, calendar in kind.calendars.items()}
    assert sorted(sizes.values()) == [1, 2]
    await exporting.written()
    for _ in range(20):
        world.clock.advance(timedelta(hours=1))
        for one in (work, personal):
            await settle(exporting, one)
    assert await exporting.written() == []
    assert {name: len(calendar.events) for name, calendar in kind.calendars.items()} == sizes
    assert await world.titles() == ["Dentist", "Dentist"]


async def test_line_15_a_copy_of_which_no_digest_is_known_is_written_once_in_place(exporting: ScriptedAccount) -> None:
    connection = await exporting.connect()
    await make(exporting)
    await export(exporting, connection)
    world = exporting.world
    async with world.kalends.database.write() as writer:
        await writer.execute(copies.update().values(written=None))
    await exporting.written()
    for _ in range(5):
        async with world.kalends.database.write() as writer:
            await world.kalends.wanting.export(writer, connection.key)
        await settle(exporting, connection)
    assert await exporting.written() == ["update Haircut"]


@EACH_PROVIDER
async def test_line_16_what_a_provider_stores_differently_is_not_written_again(account: Account) -> None:
    connection = await account.connect()
    world = account.world
    content = {"notes": ODD_NOTES, "location": {"name": "  The <Salon>,\r\n1st floor; left  "}}
    await make(account, title="Cut  & “colour”\t<b>", content=content)
    series = await make(
        account, asked("2026-12-03T18:00", "2026-12-03T19:00"), "Zumba", rule=AskedRule(), content=content
    )
    second = (await instances(account, series))[1]
    await change(account, second, times=asked("2026-12-11T14:00", "2026-12-11T15:30"), content={"notes": ODD_NOTES * 9})
    await export(account, connection)
    await settle(account, connection)
    await account.written()
    for _ in range(3):
        world.clock.advance(timedelta(hours=1))
        # looked at, as after somebody may have changed them
        async with world.kalends.database.write() as writer:
            await world.kalends.wanting.export(writer, connection.key)
        await look(account)
        await settle(account, connection)
    assert await account.written() == []


async def look(account: Account) -> None:
    """Have everything that is meant be looked at."""
    async with account.world.kalends.database.write() as writer:
        await writer.execute(intentions.update().values(look=True))


@EACH_PROVIDER
async def test_line_17_changes_are_made_in_place(account: Account) -> None:
    connection = await account.connect()
    event = await make(account)
    await export(account, connection)
    await settle(account, connection)
    await account.written()
    for hour in range(11, 15):
        times = asked(f"2026-12-01T{hour}:00", f"2026-12-01T{hour + 1}:00")
        event = await change(account, event, times=times, content={"title": f"At {hour}"})
        await settle(account, connection)
    written = [one.split()[0] for one in await account.written()]
    assert len(written) == 4
    assert set(written) <= {"PATCH", "PUT"}


async def test_line_18_a_listing_that_is_suddenly_empty_makes_nothing_anew(exporting: ScriptedAccount) -> None:
    world, kind = exporting.world, exporting.kind
    connection = await exporting.connect()
    await make(exporting)
    await make(exporting, BEARD_TIMES, "Beard")
    await export(exporting, connection, target=ExportTarget.PRIMARY)
    await settle(exporting, connection)
    await exporting.written()
    before = dict(kind.calendars["c"].events)
    # the listing alone is empty: who asks for one of them by its id finds it
    kind.refuses_cursors = kind.lists_nothing = True
    for _ in range(3):
        world.clock.advance(timedelta(hours=1))
        await settle_slowly(exporting, connection)
    kind.lists_nothing = False
    await settle_slowly(exporting, connection)
    assert await exporting.written() == []
    assert kind.calendars["c"].events == before
    await export(exporting, connection, target=ExportTarget.DEDICATED)
    assert await exporting.all() == [HAIRCUT, BEARD]


@EACH_PROVIDER
async def test_line_19_disconnecting_and_connecting_again_doubles_nothing(account: Account) -> None:
    world = account.world
    connection = await account.connect()
    await make(account)
    await export(account, connection)
    for cleaned_up in (False, True):
        await world.kalends.disconnecting.disconnect(world.admin, connection.id)
        if cleaned_up:
            await world.sync(connection)
            world.clock.advance(GRACE)
            await world.kalends.cleaning.once()
            assert await account.all() == []
        again = await account.connect()
        assert again.id == connection.id
        await configure(account, again)
        await settle(account, again)
        assert await account.all() == [HAIRCUT]
    for _ in range(3):
        await settle(account, connection)
    assert await account.all() == [HAIRCUT]
    assert await world.titles() == []


async def test_line_21_what_could_not_be_removed_can_be_once_the_account_is_connected_again(
    exporting: ScriptedAccount,
) -> None:
    world = exporting.world
    connection = await exporting.connect()
    await make(exporting)
    await export(exporting, connection)

    def refused(_asked: str, _about: str) -> None:
        raise CredentialsRefused("withdrawn")

    exporting.kind.before = refused
    await world.kalends.disconnecting.disconnect(world.admin, connection.id)
    await world.sync(connection)
    world.clock.advance(timedelta(days=8))
    await world.kalends.cleaning.once()
    assert len(await known(exporting)) == 1
    assert await exporting.all() == [HAIRCUT]
    exporting.kind.before = nothing
    again = await exporting.connect()
    await configure(exporting, again, enabled=False)
    await settle_slowly(exporting, again)
    if await exporting.all():
        # nobody takes away what somebody may want to keep; to export, and no more, takes it away
        await export(exporting, again)
        assert await exporting.all() == [HAIRCUT]
        await export(exporting, again, enabled=False)
    assert await exporting.all() == []
    assert sorted(exporting.kind.calendars) == ["c"]
