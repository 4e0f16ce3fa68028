"""Connecting, reconnecting, configuring and disconnecting, below the wire."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from kalends.connections.sync_config import ExportChange, ImportChange, SyncConfigChange
from kalends.model.connection import Connection, ErrorReason, ExportTarget, ImportChoice, Status
from kalends.model.errors import Invalid, KalendsError, PermissionDenied, PreconditionFailed, Unauthenticated
from kalends.model.ids import new_id
from kalends.store.calendars import Calendars
from kalends.store.connections import Connections
from tests.rules.conftest import EMAIL, Scripted
from tests.scripted_provider import GUID, RemoteCalendar
from tests.world import ics


async def refusal(call: Awaitable[object]) -> KalendsError:
    with pytest.raises(KalendsError) as raised:
        await call
    return raised.value


async def test_a_new_connection_imports_all_own_calendars_where_none_is_primary(scripted: Scripted) -> None:
    scripted.kind.calendars["d"] = RemoteCalendar()
    connection = await scripted.connect(sync=False)
    assert connection.status is Status.CONNECTED
    assert connection.import_config.enabled
    assert connection.import_config.choice is ImportChoice.CALENDARS
    assert [one.id for one in connection.import_config.calendars] == ["c", "d"]
    assert connection.account_email == EMAIL
    assert connection.owner_id == scripted.world.user.id


async def test_a_new_connection_imports_the_primary_calendar_where_there_is_one(scripted: Scripted) -> None:
    other = scripted.kind.calendars["d"] = RemoteCalendar()
    scripted.kind.primary = "d"
    scripted.remote.put("e", ics("e", "Side", "20261201T090000Z", end="20261201T100000Z"))
    other.put("e", ics("e", "Main", "20261202T090000Z", end="20261202T100000Z"))
    connection = await scripted.connect()
    assert connection.import_config.choice is ImportChoice.PRIMARY
    assert await scripted.world.titles() == ["Main"]


async def test_wrong_credentials_connect_nothing(scripted: Scripted) -> None:
    world = scripted.world
    refused = await refusal(
        world.kalends.connecting.by_credentials(
            world.admin, provider_id=GUID, schedule_id=world.schedule.id, email=EMAIL, password="wrong"
        )
    )
    assert isinstance(refused, Unauthenticated)
    assert refused.code == "BAD_CREDENTIALS"
    listed = await world.kalends.connections.list(world.admin, schedule_ids=None, partial_failure=False)
    assert listed.connections == []


async def test_who_may_connect_what(scripted: Scripted) -> None:
    world, connecting = scripted.world, scripted.world.kalends.connecting
    nobodys = await world.kalends.schedules.create(world.site, name="Room")
    mine = await connecting.by_credentials(
        world.owner, provider_id=GUID, schedule_id=world.schedule.id, email=EMAIL, password="right"
    )
    assert mine.connection.app_id is None
    refused = await refusal(
        connecting.by_credentials(world.owner, provider_id=GUID, schedule_id=nobodys.id, email=EMAIL, password="right")
    )
    assert isinstance(refused, PermissionDenied)
    admin = world.admin
    rooms = await connecting.by_credentials(
        admin, provider_id=GUID, schedule_id=nobodys.id, email=EMAIL, password="right"
    )
    assert rooms.connection.app_id == admin.id
    for provider_id, schedule_id, code in (
        (new_id(), nobodys.id, "PROVIDER_NOT_FOUND"),
        (GUID, new_id(), "SCHEDULE_NOT_FOUND"),
    ):
        missing = await refusal(
            connecting.by_credentials(
                admin, provider_id=provider_id, schedule_id=schedule_id, email=EMAIL, password="right"
            )
        )
        assert missing.code == code


async def test_the_premium_gate_is_shut_only_where_a_site_shuts_it(scripted: Scripted) -> None:
    world = scripted.world
    connection = await scripted.connect(sync=False)
    gated = replace(world.admin, premium=False)
    by_credentials = await refusal(
        world.kalends.connecting.by_credentials(
            gated, provider_id=GUID, schedule_id=world.schedule.id, email=EMAIL, password="right"
        )
    )
    listing = await refusal(world.kalends.services.calendars.list(gated, connection.id))
    await world.kalends.schedule_cancelling.cancel(world.site.id, world.schedule.id)
    cancelled = await refusal(
        world.kalends.connecting.by_credentials(
            gated, provider_id=GUID, schedule_id=world.schedule.id, email=EMAIL, password="right"
        )
    )
    assert [one.code for one in (by_credentials, listing, cancelled)] == ["PREMIUM_FEATURE_NOT_ENABLED"] * 3


async def test_oauth_is_not_supported_by_a_provider_of_credentials(scripted: Scripted) -> None:
    world = scripted.world
    refused = await refusal(
        world.kalends.authorizing.begin(
            world.admin, provider_id=GUID, schedule_id=world.schedule.id, redirect_url="https://example.org/back"
        )
    )
    assert isinstance(refused, PreconditionFailed)
    assert refused.code == "NOT_SUPPORTED_BY_PROVIDER"


async def test_reconnecting_keeps_id_and_choices_and_heals_an_error(scripted: Scripted) -> None:
    world = scripted.world
    scripted.kind.calendars["d"] = RemoteCalendar()
    first = await scripted.connect()
    change = SyncConfigChange(imports=ImportChange(choice=ImportChoice.CALENDARS, calendar_ids=("d",)))
    await world.kalends.services.sync_configs.update(world.admin, first.id, change)
    scripted.kind.password = "changed"
    await world.sync(first)
    broken = await world.connection(first.id)
    assert (broken.status, broken.error_reason) == (Status.ERROR, ErrorReason.TOKEN_REVOKED)
    again = await scripted.connect()
    assert again.id == first.id
    assert again.status is Status.SYNCED
    assert [one.id for one in again.import_config.calendars] == ["d"]


async def test_two_requests_that_connect_the_same_account_make_one_connection(scripted: Scripted) -> None:
    made = await asyncio.gather(*(scripted.connect(sync=False) for _ in range(4)))
    assert len({one.id for one in made}) == 1


async def test_a_side_or_arm_that_is_absent_stays_as_it_was(scripted: Scripted) -> None:
    scripted.kind.calendars["d"] = RemoteCalendar()
    world, configs = scripted.world, scripted.world.kalends.services.sync_configs
    connection = await scripted.connect()
    select = SyncConfigChange(imports=ImportChange(choice=ImportChoice.CALENDARS, calendar_ids=("d",)))
    await configs.update(world.admin, connection.id, select)
    for change in (
        SyncConfigChange(),
        SyncConfigChange(imports=ImportChange()),
        SyncConfigChange(imports=ImportChange(enabled=True)),
        SyncConfigChange(exports=ExportChange(enabled=False, target=ExportTarget.DEDICATED)),
    ):
        view = await configs.update(world.admin, connection.id, change)
        assert view.connection.import_config.enabled
        assert [one.id for one in view.connection.import_config.calendars] == ["d"]
    off = await configs.update(world.admin, connection.id, SyncConfigChange(imports=ImportChange(enabled=False)))
    assert not off.connection.import_config.enabled
    assert [one.id for one in off.connection.import_config.calendars] == ["d"]
    on = await configs.update(world.admin, connection.id, SyncConfigChange(imports=ImportChange(enabled=True)))
    assert on.connection.status is Status.SYNC_IN_PROGRESS
    await world.sync(connection)
    assert (await world.connection(connection.id)).status is Status.SYNCED


async def test_config_that_the_provider_cannot_do_changes_nothing(scripted: Scripted) -> None:
    world, configs = scripted.world, scripted.world.kalends.services.sync_configs
    connection = await scripted.connect()
    exporting = await refusal(
        configs.update(
            world.admin,
            connection.id,
            SyncConfigChange(imports=ImportChange(enabled=False), exports=ExportChange(enabled=True)),
        )
    )
    primary = await refusal(
        configs.update(world.admin, connection.id, SyncConfigChange(imports=ImportChange(choice=ImportChoice.PRIMARY)))
    )
    assert [one.code for one in (exporting, primary)] == ["NOT_SUPPORTED_BY_PROVIDER"] * 2
    unknown = await refusal(
        configs.update(
            world.admin,
            connection.id,
            SyncConfigChange(imports=ImportChange(choice=ImportChoice.CALENDARS, calendar_ids=("c", "nope"))),
        )
    )
    assert isinstance(unknown, Invalid)
    assert unknown.violations[0].field == "syncConfig.listEventFromCalendars.calendars.calendars[1].id"
    assert (await world.connection(connection.id)).import_config == connection.import_config


async def test_a_calendar_that_was_made_since_can_be_chosen(scripted: Scripted) -> None:
    world = scripted.world
    connection = await scripted.connect()
    new = scripted.kind.calendars["new"] = RemoteCalendar()
    new.put("e", ics("e", "New", "20261201T090000Z", end="20261201T100000Z"))
    change = SyncConfigChange(imports=ImportChange(choice=ImportChoice.CALENDARS, calendar_ids=("new",)))
    await world.kalends.services.sync_configs.update(world.admin, connection.id, change)
    await world.sync(connection)
    assert await world.titles() == ["New"]


async def test_a_new_calendar_can_be_chosen_twice_at_once(scripted: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    world = scripted.world
    connection = await scripted.connect()
    scripted.kind.calendars["new"] = RemoteCalendar()
    together, of_connection = asyncio.Barrier(2), Calendars.of_connection

    async def both_have_looked(self: Calendars, connection_id: str) -> Any:
        found = await of_connection(self, connection_id)
        # were they not to wait for each other, both would get here long before the time is up
        with suppress(TimeoutError, asyncio.BrokenBarrierError):
            await asyncio.wait_for(together.wait(), timeout=1)
        return found

    monkeypatch.setattr(Calendars, "of_connection", both_have_looked)
    change = SyncConfigChange(imports=ImportChange(choice=ImportChoice.CALENDARS, calendar_ids=("new",)))
    configs = world.kalends.services.sync_configs
    views = await asyncio.gather(*(configs.update(world.admin, connection.id, change) for _ in range(2)))
    assert [[one.id for one in view.connection.import_config.calendars] for view in views] == [["new"]] * 2


async def test_a_new_calendar_is_shown_and_neither_blocks_nor_is_chosen(scripted: Scripted) -> None:
    world = scripted.world
    connection = await scripted.connect()
    new = scripted.kind.calendars["new"] = RemoteCalendar()
    new.put("e", ics("e", "New", "20261201T090000Z", end="20261201T100000Z"))
    await world.sync(connection)
    assert await world.titles() == []
    listed = await world.kalends.services.calendars.list(world.admin, connection.id)
    assert [one.id for one in listed] == ["c", "new"]


async def test_disconnecting_leaves_nothing_imported_and_no_credentials(scripted: Scripted) -> None:
    world = scripted.world
    scripted.remote.put("e", ics("e", "Busy", "20261201T090000Z", end="20261201T100000Z"))
    connection = await scripted.connect()
    ended = await world.kalends.disconnecting.disconnect(world.owner, connection.id)
    assert ended.connection.status is Status.DISCONNECTED
    twice = await refusal(world.kalends.disconnecting.disconnect(world.admin, connection.id))
    assert twice.code == "CONNECTION_ALREADY_DISCONNECTED"
    calendars = await refusal(world.kalends.services.calendars.list(world.admin, connection.id))
    assert calendars.code == "CONNECTION_NOT_CONNECTED"
    config = await refusal(world.kalends.services.sync_configs.update(world.admin, connection.id, SyncConfigChange()))
    assert config.code == "CONNECTION_NOT_CONNECTED"
    assert await world.kalends.leased.claim(connection.site_id, connection.id) is None
    listed = await world.kalends.connections.list(world.admin, schedule_ids=None, partial_failure=False)
    assert [one.connection.status for one in listed.connections] == [Status.DISCONNECTED]
    async with world.kalends.database.read() as reader:
        (calendar,) = await Calendars(reader, world.site.id).of_connection(connection.id)
        assert (calendar.cursor, calendar.last_good_read_at) == (None, None)


async def test_an_owner_who_is_disabled_while_the_provider_is_asked_is_not_connected(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = scripted.world
    real = scripted.kind.connect_with_credentials

    async def slow(*args: Any, **named: Any) -> Any:
        await world.kalends.users.disable(world.site.id, world.user.id)
        return await real(*args, **named)

    monkeypatch.setattr(scripted.kind, "connect_with_credentials", slow)
    refused = await refusal(
        world.kalends.connecting.by_credentials(
            world.admin, provider_id=GUID, schedule_id=world.schedule.id, email=EMAIL, password="right"
        )
    )
    assert isinstance(refused, PermissionDenied)
    listed = await world.kalends.connections.list(world.admin, schedule_ids=None, partial_failure=False)
    assert listed.connections == []


async def test_a_connection_that_is_made_while_its_owner_is_disabled_is_disconnected(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = scripted.world
    add = Connections.add
    disabling: list[asyncio.Task[int]] = []

    async def meanwhile(self: Connections, connection: Connection, *, credentials: bytes) -> None:
        disabling.append(asyncio.create_task(world.kalends.users.disable(world.site.id, world.user.id)))
        # were it not to wait for the connection, it would be done long before
        await asyncio.wait(disabling, timeout=1)
        await add(self, connection, credentials=credentials)

    monkeypatch.setattr(Connections, "add", meanwhile)
    connection = await scripted.connect(sync=False)
    assert await disabling[0] == 1
    assert (await world.connection(connection.id)).status is Status.DISCONNECTED


async def test_a_failing_provider_fails_the_list_or_is_named(scripted: Scripted) -> None:
    world = scripted.world
    connection = await scripted.connect()

    class Down:
        async def connections(self, *_: object) -> list[object]:
            raise ConnectionError

    class Slow:
        async def connections(self, *_: object) -> list[object]:
            await asyncio.sleep(3600)
            return []

    down, slow = new_id(), new_id()
    sources: dict[str, Any] = {down: Down(), slow: Slow()}
    world.kalends.connections._sources.update(sources)
    world.kalends.connections._deadline = world.kalends.connections._deadline / 20
    failed = await refusal(world.kalends.connections.list(world.admin, schedule_ids=None, partial_failure=False))
    assert failed.code == "PROVIDER_UNAVAILABLE"
    assert failed.data["failedProviderIds"] == sorted([down, slow])
    listed = await world.kalends.connections.list(world.admin, schedule_ids=None, partial_failure=True)
    assert [one.connection.id for one in listed.connections] == [connection.id]
    assert listed.failures.provider_ids == tuple(sorted([down, slow]))
    nothing_read = world.kalends.connections.list(world.admin, schedule_ids=[new_id()], partial_failure=True)
    assert (await refusal(nothing_read)).code == "PROVIDER_UNAVAILABLE"


async def test_a_revived_connection_is_not_purged_for_its_earlier_end(scripted: Scripted) -> None:
    world = scripted.world
    first = await scripted.connect()
    await world.kalends.disconnecting.disconnect(world.admin, first.id)
    scripted.kind.fault = None
    again = await scripted.connect()
    assert (again.failures, again.status) == (0, Status.SYNCED)
    world.clock.advance(timedelta(days=91))
    await world.kalends.retention.once()
    assert (await world.connection(again.id)).id == first.id
    await world.kalends.disconnecting.disconnect(world.admin, first.id)
    world.clock.advance(timedelta(days=89))
    await world.kalends.retention.once()
    assert (await world.connection(again.id)).status is Status.DISCONNECTED
    world.clock.advance(timedelta(days=2))
    await world.kalends.retention.once()
    assert (await refusal(world.kalends.connections.get(world.admin, first.id))).code == "CONNECTION_NOT_FOUND"


@pytest.mark.parametrize("what", ["config", "reconnect"])
async def test_a_disconnect_in_the_middle_of_another_change_waits_or_wins(
    scripted: Scripted, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = scripted.world
    scripted.kind.calendars["d"] = RemoteCalendar()
    connection = await scripted.connect()
    ending: list[asyncio.Task[object]] = []
    step = "set_import" if what == "config" else "void_lease"
    real = getattr(Connections, step)

    async def meanwhile(self: Connections, *args: Any, **named: Any) -> Any:
        if not ending:
            ending.append(asyncio.create_task(world.kalends.disconnecting.disconnect(world.admin, connection.id)))
            await asyncio.sleep(0.2)  # what it would need to slip in between
        return await real(self, *args, **named)

    monkeypatch.setattr(Connections, step, meanwhile)
    if what == "config":
        change = SyncConfigChange(imports=ImportChange(choice=ImportChoice.CALENDARS, calendar_ids=("d",)))
        await world.kalends.services.sync_configs.update(world.admin, connection.id, change)
    else:
        await scripted.connect(sync=False)
    await ending[0]
    ended = await world.connection(connection.id)
    assert ended.status is Status.DISCONNECTED
    async with world.kalends.database.read() as reader:
        assert await Connections(reader, world.site.id).sealed_credentials(connection.id) is None
