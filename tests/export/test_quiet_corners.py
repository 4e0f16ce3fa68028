"""What seldom happens to an export, at a provider that does it when the test says so."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from kalends.connections.sync_config import ImportChange, SyncConfigChange
from kalends.model.connection import Connection, ErrorReason, ExportTarget, Status
from kalends.providers.errors import CredentialsRefused, NotSupported, ProviderError, Unavailable
from kalends.providers.export import CalendarRefused
from kalends.store.copies import CopyState
from kalends.store.tables import intentions
from tests.export.fire import configure, known, settle_slowly
from tests.export.scripted import ScriptedAccount, Trouble, nothing, scripted_account
from tests.export.steps import HAIRCUT, asked, at, change, export, make, settle
from tests.providers.export_contract import in_order

BEARD_TIMES = asked("2026-12-02T10:00", "2026-12-02T11:00")
BEARD = ("Beard", at("2026-12-02T09:00"), at("2026-12-02T10:00"))


@pytest.fixture
async def account(sqlite_url: str, tmp_path: Path) -> AsyncIterator[ScriptedAccount]:
    async with scripted_account(sqlite_url, tmp_path) as found:
        yield found


def raising(error: Exception, *what: str, about: str | None = None) -> Trouble:
    """Return a trouble that raises an error wherever something of this is asked for."""

    def raise_it(asked_for: str, title: str) -> None:
        if asked_for in what and about in {None, title}:
            raise error

    return raise_it


async def attempts(account: ScriptedAccount) -> dict[str, int]:
    """Return event id → how often it could not be brought about, for what is still meant."""
    async with account.world.kalends.database.read() as reader:
        return {row.event_id: row.attempts for row in await reader.execute(intentions.select())}


async def now(account: ScriptedAccount, connection: Connection) -> Connection:
    return await account.world.connection(connection.id)


def is_over(account: ScriptedAccount) -> bool:
    """Tell whether others did what they were to do meanwhile."""
    return account.kind.during is None


async def three(account: ScriptedAccount) -> list[str]:
    """Make three events; return the ids in the order in which they are exported."""
    for title, times in (("Haircut", asked("2026-12-01T10:00", "2026-12-01T11:00")), ("Beard", BEARD_TIMES)):
        await make(account, times, title)
    await make(account, asked("2026-12-03T10:00", "2026-12-03T11:00"), "Chin")
    return ["Haircut", "Beard", "Chin"]


@pytest.mark.parametrize("title", ["Haircut", "Beard", "Chin"])
@pytest.mark.parametrize(
    "error", [Unavailable("not now"), KeyError("a bug"), NotSupported("never"), ProviderError("odd")], ids=repr
)
async def test_one_event_that_cannot_be_brought_about_keeps_no_others(
    account: ScriptedAccount, error: Exception, title: str
) -> None:
    connection = await account.connect()
    titles = await three(account)
    account.kind.before = raising(error, "create", about=title)
    await configure(account, connection)
    with capture_logs() as logged:
        await account.world.sync(connection)
    assert [seen for seen, _, _ in await account.all()] == [one for one in titles if one != title]
    assert title not in repr(logged)
    standing = (await now(account, connection)).export
    assert (standing.failures, standing.error, standing.problem) == (0, None, None)
    if isinstance(error, (NotSupported, ProviderError)) and not isinstance(error, Unavailable):
        assert standing.due_at is None, "it would be refused again"
        assert [one.error for one in await known(account) if one.error] == [f"{type(error).__name__}: {error}"]
        health = await account.world.kalends.health.get(account.world.admin, connection.id)
        assert health.exports.refused == 1
    else:
        assert standing.due_at is not None
        assert standing.due_at > account.world.clock.now()
        assert list((await attempts(account)).values()) == [1]
    account.kind.before = nothing
    async with account.world.kalends.database.write() as writer:
        await account.world.kalends.wanting.export(writer, connection.key)
    await settle(account, connection)
    assert [seen for seen, _, _ in await account.all()] == titles
    assert [one.error for one in await known(account)] == [None] * 3


async def test_a_server_that_is_down_is_not_asked_for_each_event(account: ScriptedAccount) -> None:
    connection = await account.connect()
    await export(account, connection)
    for day in range(1, 10):
        await make(account, asked(f"2026-12-{day:02}T10:00", f"2026-12-{day:02}T11:00"), f"Day {day}")
    tried: list[str] = []

    def down(asked_for: str, about: str) -> None:
        if asked_for == "create":
            tried.append(about)
            raise Unavailable("it is down")

    account.kind.before = down
    await account.world.sync(connection)
    assert len(tried) == 3
    account.kind.before = nothing
    await settle_slowly(account, connection)
    assert len(await account.all()) == 9


async def test_a_provider_that_wants_to_be_left_alone_is(account: ScriptedAccount) -> None:
    connection = await account.connect()
    await three(account)
    tried: list[str] = []

    def busy(asked_for: str, about: str) -> None:
        if asked_for == "create":
            tried.append(about)
            raise Unavailable("429", retry_after=timedelta(hours=3))

    account.kind.before = busy
    await configure(account, connection)
    await account.world.sync(connection)
    assert len(tried) == 1
    rests = await now(account, connection)
    assert rests.export.due_at is not None
    assert rests.export.due_at >= account.world.clock.now() + timedelta(hours=3)
    assert rests.export.failures == 1
    account.world.clock.advance(timedelta(hours=2, minutes=59))
    assert await account.world.kalends.leased.claim_wanted(connection.key) is None
    account.kind.before = nothing
    account.world.clock.advance(timedelta(minutes=2))
    lease = await account.world.kalends.leased.claim_wanted(connection.key)
    assert lease is not None
    await account.world.kalends.leased.run(lease)
    assert len(await account.all()) == 3
    assert (await now(account, connection)).export.failures == 0


async def test_what_fails_again_and_again_is_tried_less_and_less_often(account: ScriptedAccount) -> None:
    connection = await account.connect()
    await export(account, connection)
    event = await make(account)
    account.kind.before = raising(Unavailable("not now"), "create")
    waits = []
    for number in range(1, 12):
        await account.world.sync(connection)
        due_at = (await now(account, connection)).export.due_at
        assert due_at is not None
        waits.append(due_at - account.world.clock.now())
        assert await attempts(account) == {event.id: number}
        account.world.clock.advance(waits[-1])
    assert waits[0] < timedelta(seconds=15)
    assert waits[5] > 4 * waits[0]
    assert timedelta(minutes=30) < waits[-1] < timedelta(hours=2)
    account.kind.before = nothing
    await make(account, BEARD_TIMES, "Beard")
    await account.world.sync(connection)
    assert await account.all() == [HAIRCUT, BEARD], "by then its turn has come too"


async def test_a_change_of_config_while_an_export_runs_is_not_lost(account: ScriptedAccount) -> None:
    connection = await account.connect()
    await three(account)

    async def turn_off() -> None:
        await configure(account, connection, enabled=False)

    await configure(account, connection)
    account.kind.during = ("create", turn_off)
    await account.world.sync_under_lease(connection)
    assert is_over(account)
    await settle_slowly(account, connection)
    assert await account.all() == []
    assert sorted(account.kind.calendars) == ["c"]

    async def retarget() -> None:
        await configure(account, connection, target=ExportTarget.PRIMARY)

    await configure(account, connection)
    account.kind.during = ("create", retarget)
    await account.world.sync_under_lease(connection)
    assert is_over(account)
    await settle_slowly(account, connection)
    assert {name: len(seen) for name, seen in (await account.calendars()).items()} == {"c": 3}


async def test_what_copies_look_like_may_change_while_an_export_runs(account: ScriptedAccount) -> None:
    connection = await account.connect()
    await three(account)

    async def retitle() -> None:
        await account.world.kalends.sites.update(account.world.site.id, copy_title="{title} at {service}")

    account.kind.during = ("create", retitle)
    await configure(account, connection)
    await account.world.sync(connection)
    await settle(account, connection)
    assert {title for title, _, _ in await account.all()} == {
        f"{title} at Ada's chair" for title in ("Haircut", "Beard", "Chin")
    }


async def test_an_event_that_is_changed_while_its_copy_is_written_is_written_again(account: ScriptedAccount) -> None:
    connection = await account.connect()
    await export(account, connection)
    event = await make(account)

    async def retitle() -> None:
        await change(account, event, content={"title": "Hair"})

    account.kind.during = ("create", retitle)
    await account.world.sync(connection)
    await settle(account, connection)
    assert (await account.written())[-2:] == ["create Haircut", "update Hair"]
    assert await account.all() == [("Hair", *HAIRCUT[1:])]

    async def cancel() -> None:
        await account.world.kalends.event_cancelling.cancel(account.world.site.id, event.id)

    beard = await make(account, BEARD_TIMES, "Beard")
    await change(account, beard, content={"title": "Chin"})
    account.kind.during = ("create", cancel)
    await account.world.sync(connection)
    await settle(account, connection)
    assert [title for title, _, _ in await account.all()] == ["Chin"]


async def test_an_event_that_is_changed_while_its_copy_fails_is_due_at_once(account: ScriptedAccount) -> None:
    connection = await account.connect()
    await export(account, connection)
    event = await make(account)

    async def retitle() -> None:
        await change(account, event, content={"title": "Hair"})

    account.kind.during = ("create", retitle)
    account.kind.after = raising(Unavailable("lost"), "create")
    await account.world.sync(connection)
    assert await attempts(account) == {}, "it was not put off"
    assert await account.all() == [("Hair", *HAIRCUT[1:])]


async def test_a_calendar_that_may_not_be_made_shows_and_there_is_a_way_back(account: ScriptedAccount) -> None:
    connection = await account.connect()
    await make(account)
    account.kind.before = raising(CalendarRefused("it has as many as it may"), "create_calendar")
    await configure(account, connection)
    await account.world.sync(connection)
    broken = await now(account, connection)
    failed = ErrorReason.EXTERNAL_CALENDAR_CREATION_FAILED
    assert (broken.shown_status, broken.export.problem) == ((Status.ERROR, failed), failed)
    assert (broken.export.due_at, await attempts(account)) == (None, {})
    await make(account, BEARD_TIMES, "Beard")
    await account.world.sync(connection)
    assert (await now(account, connection)).export.due_at is None, "nothing is tried until somebody acts"
    assert await account.all() == []
    assert await account.world.titles() == [], "what is imported can be listed all the same"
    # whoever tries again without anything having changed there
    await configure(account, connection)
    await account.world.sync(connection)
    assert (await now(account, connection)).export.problem is failed
    account.kind.before = nothing
    await export(account, connection)
    assert await account.all() == [HAIRCUT, BEARD]
    assert (await now(account, connection)).shown_status == (Status.SYNCED, None)


async def test_the_way_back_may_lead_to_the_primary_calendar_or_out_of_it(account: ScriptedAccount) -> None:
    connection = await account.connect()
    await make(account)
    account.kind.before = raising(CalendarRefused("it has as many as it may"), "create_calendar")
    await configure(account, connection)
    await account.world.sync(connection)
    await export(account, connection, target=ExportTarget.PRIMARY)
    assert await account.all() == [HAIRCUT]
    await configure(account, connection, target=ExportTarget.DEDICATED)
    await account.world.sync(connection)
    assert (await now(account, connection)).export.problem is ErrorReason.EXTERNAL_CALENDAR_CREATION_FAILED
    assert await account.all() == [HAIRCUT], "what was there stays until there is another place for it"
    await configure(account, connection, enabled=False)
    await settle_slowly(account, connection)
    assert await account.all() == []
    assert (await now(account, connection)).shown_status == (Status.SYNCED, None)


@pytest.mark.parametrize("importing", [True, False])
async def test_credentials_that_are_refused_show_also_where_nothing_is_imported(
    account: ScriptedAccount, importing: bool
) -> None:
    connection = await account.connect()
    await export(account, connection)
    change_of = SyncConfigChange(ImportChange(enabled=importing))
    await account.world.kalends.services.sync_configs.update(account.world.admin, connection.id, change_of)
    await settle(account, connection)
    account.kind.password = "another"
    await make(account)
    lease = await account.world.kalends.leased.claim_wanted(connection.key)
    assert lease is not None
    await account.world.kalends.leased.run(lease)
    broken = await now(account, connection)
    assert (broken.status, broken.error_reason) == (Status.ERROR, ErrorReason.TOKEN_REVOKED)
    again = await account.connect()
    assert again.id == connection.id
    await settle_slowly(account, connection)
    assert await account.all() == [HAIRCUT]
    healed = await now(account, connection)
    assert (healed.status, healed.export.failures) == (Status.SYNCED, 0)


async def test_credentials_that_are_refused_in_the_middle_keep_what_is_meant(account: ScriptedAccount) -> None:
    connection = await account.connect()
    await three(account)
    account.kind.before = raising(CredentialsRefused("withdrawn"), "create", about="Beard")
    await configure(account, connection)
    await account.world.sync(connection)
    assert len(await attempts(account)) >= 1
    account.kind.before = nothing
    await settle_slowly(account, connection)
    assert len(await account.all()) == 3


async def test_a_copy_that_was_refused_for_good_is_tried_again_once_the_event_is_changed(
    account: ScriptedAccount,
) -> None:
    connection = await account.connect()
    await export(account, connection)
    event = await make(account)
    await settle(account, connection)
    account.kind.before = raising(NotSupported("too long"), "update", about="Long")
    event = await change(account, event, content={"title": "Long"})
    await settle(account, connection)
    assert await account.all() == [HAIRCUT]
    (copy,) = await known(account)
    assert (copy.state, copy.error) == (CopyState.THERE, "NotSupported: too long")
    await change(account, event, content={"title": "Short"})
    await settle(account, connection)
    assert await account.all() == [("Short", *HAIRCUT[1:])]
    assert [one.error for one in await known(account)] == [None]


async def test_a_copy_that_cannot_be_deleted_shows_and_keeps_the_calendar(account: ScriptedAccount) -> None:
    connection = await account.connect()
    event = await make(account)
    await make(account, BEARD_TIMES, "Beard")
    await export(account, connection)
    (ref,) = [one.ref for one in await known(account) if one.event_id == event.id]
    account.kind.before = raising(NotSupported("not yours"), "delete", about=ref)
    await configure(account, connection, enabled=False)
    await settle(account, connection)
    assert await account.all() == [HAIRCUT]
    assert [one.error for one in await known(account)] == ["NotSupported: not yours"]
    account.kind.before = nothing
    async with account.world.kalends.database.write() as writer:
        await account.world.kalends.wanting.export(writer, connection.key)
    await settle(account, connection)
    assert await account.all() == []
    assert sorted(account.kind.calendars) == ["c"]


async def test_a_copy_that_changes_as_fast_as_it_is_written_is_left_for_later(account: ScriptedAccount) -> None:
    connection = await account.connect()
    await export(account, connection)
    event = await make(account)
    await settle(account, connection)

    def touched(asked_for: str, _about: str) -> None:
        if asked_for == "update":
            calendar, ref = account.find("Haircut")
            calendar.put(ref, calendar.events[ref][1])

    account.kind.before = touched
    await change(account, event, content={"title": "Hair"})
    await account.world.sync(connection)
    assert await attempts(account) == {event.id: 1}
    account.kind.before = nothing
    await settle_slowly(account, connection)
    assert await account.all() == in_order([("Hair", *HAIRCUT[1:])])
