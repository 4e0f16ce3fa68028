"""Rule 14: updates happen in place; only where a target changes a copy is made anew, and then made first."""

from kalends.model.connection import ExportTarget
from kalends.model.copy import Privacy
from kalends.providers.errors import NotSupported
from kalends.schedules.event_drafts import AskedRule
from tests.export.accounts import Account
from tests.export.fire import EACH_PROVIDER, configure, known, wire
from tests.export.scripted import ScriptedAccount
from tests.export.steps import HAIRCUT, asked, change, export, instances, make, settle, show


@EACH_PROVIDER
async def test_rule_14_whatever_changes_of_an_event_its_copy_stays_the_same_one(account: Account) -> None:
    connection = await account.connect()
    event = await make(account)
    series = await make(account, asked("2026-12-03T18:00", "2026-12-03T19:00"), "Zumba", rule=AskedRule())
    await export(account, connection)
    before = [(one.key, one.ref) for one in await known(account, gone=True)]
    assert len(before) == 2
    with wire() as between:
        event = await change(account, event, times=asked("2026-12-02T10:00", "2026-12-02T10:30"))
        await settle(account, connection)
        event = await change(account, event, times=asked("2026-12-24T00:00", "2026-12-26T00:00", all_day=True))
        await change(account, series, times=asked("2026-12-03T19:00", "2026-12-03T20:30"))
        await settle(account, connection)
        second = (await instances(account, series))[1]
        await change(account, second, times=asked("2026-12-11T14:00", "2026-12-11T15:30"))
        await settle(account, connection)
        await show(account, connection, Privacy.TITLE)
        await settle(account, connection)
    assert [(one.key, one.ref) for one in await known(account, gone=True)] == before
    assert between.wrote
    assert not {"DELETE", "POST", "MKCALENDAR"} & {method for method, _, _ in between.wrote}


async def test_rule_14_a_copy_in_another_calendar_is_made_before_the_first_is_deleted(
    exporting: ScriptedAccount,
) -> None:
    connection = await exporting.connect()
    await make(exporting)
    await export(exporting, connection)
    await exporting.written()
    await export(exporting, connection, target=ExportTarget.PRIMARY)
    assert await exporting.written() == ["create Haircut", "delete Haircut", "delete_calendar"]
    await export(exporting, connection, target=ExportTarget.DEDICATED)
    assert await exporting.written() == ["create_calendar Salon", "create Haircut", "delete Haircut"]
    exporting.kind.can_move = True
    await export(exporting, connection, target=ExportTarget.PRIMARY)
    assert await exporting.written() == ["move Haircut", "delete_calendar"]


@EACH_PROVIDER
async def test_rule_14_at_each_provider_nothing_goes_before_something_has_come(account: Account) -> None:
    connection = await account.connect()
    if not account.has_primary:
        return
    await make(account)
    await export(account, connection, target=ExportTarget.PRIMARY)
    before = (await known(account))[0]
    with wire() as between:
        await configure(account, connection, target=ExportTarget.DEDICATED)
        await settle(account, connection)
    methods = [method for method, url, _ in between.wrote if "/events" in url]
    (after,) = await known(account)
    moved = any("/move" in url for _, url, _ in between.wrote)
    assert methods == (["POST"] if moved else ["POST", "DELETE"])
    assert (after.key == before.key) is moved
    assert await account.all() == [HAIRCUT]


async def test_rule_14_where_the_new_calendar_does_not_take_a_copy_the_old_one_keeps_it(
    exporting: ScriptedAccount,
) -> None:
    connection = await exporting.connect()
    await make(exporting)
    await export(exporting, connection, target=ExportTarget.PRIMARY)

    def refused(asked_for: str, _about: str) -> None:
        if asked_for == "create":
            raise NotSupported("not here")

    exporting.kind.before = refused
    await configure(exporting, connection, target=ExportTarget.DEDICATED)
    await exporting.world.sync(connection)
    assert await exporting.all() == [HAIRCUT]
    exporting.kind.before = lambda _asked, _about: None
    await configure(exporting, connection, target=ExportTarget.PRIMARY)
    await settle(exporting, connection)
    assert await exporting.all() == [HAIRCUT]
