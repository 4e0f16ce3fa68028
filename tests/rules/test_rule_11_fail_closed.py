"""Rule 11: when a calendar that should be read cannot be, list events fails or says whose."""

from datetime import timedelta

import pytest

from kalends.connections.sync_config import ImportChange, SyncConfigChange
from kalends.model.connection import ErrorReason, ImportChoice, Status
from kalends.model.errors import Invalid, PreconditionFailed, ProviderUnavailable
from kalends.providers.errors import Unavailable
from kalends.store.calendars import Calendars
from kalends.store.runs import Outcome
from tests.rules.conftest import Scripted
from tests.scripted_provider import GUID, RemoteCalendar
from tests.world import ics


def busy(scripted: Scripted) -> None:
    scripted.remote.put("e", ics("e", "Busy", "20261201T090000Z", end="20261201T100000Z"))


def unreachable(_page: int) -> None:
    raise Unavailable("no answer")


async def assert_fails_closed(scripted: Scripted, connection_id: str) -> None:
    with pytest.raises(ProviderUnavailable) as raised:
        await scripted.world.page()
    assert raised.value.code == "PROVIDER_UNAVAILABLE"
    assert raised.value.data == {
        "failedProviderIds": [GUID],
        "failedConnectionIds": [connection_id],
        "failedScheduleIds": [scripted.world.schedule.id],
    }
    with pytest.raises(ProviderUnavailable):
        await scripted.world.page(partial_failure=True)  # nothing else could be read either


async def test_rule_11_a_calendar_that_was_never_read_is_not_free(scripted: Scripted) -> None:
    busy(scripted)
    connection = await scripted.connect(sync=False)
    await assert_fails_closed(scripted, connection.id)


async def test_rule_11_refused_credentials_fail_at_once_and_recover(scripted: Scripted) -> None:
    busy(scripted)
    connection = await scripted.connect()
    scripted.kind.password = "changed"
    await scripted.world.sync(connection)
    broken = await scripted.world.connection(connection.id)
    assert (broken.status, broken.error_reason) == (Status.ERROR, ErrorReason.TOKEN_REVOKED)
    await assert_fails_closed(scripted, connection.id)
    scripted.kind.password = "right"
    await scripted.world.sync(connection)
    healed = await scripted.world.connection(connection.id)
    assert (healed.status, healed.error_reason) == (Status.SYNCED, None)
    assert await scripted.world.titles() == ["Busy"]


async def test_rule_11_a_full_reading_that_only_begins_frees_nobody_of_refused_credentials(scripted: Scripted) -> None:
    busy(scripted)
    connection = await scripted.connect()
    scripted.kind.password = "changed"
    await scripted.world.sync(connection)
    scripted.kind.password = "right"
    scripted.kind.refuses_cursors = True
    scripted.kind.fault = unreachable
    await scripted.world.sync(connection)
    broken = await scripted.world.connection(connection.id)
    assert (broken.status, broken.error_reason) == (Status.ERROR, ErrorReason.TOKEN_REVOKED), "only a good read ends it"
    await assert_fails_closed(scripted, connection.id)
    scripted.kind.fault = None
    await scripted.world.sync(connection)
    assert await scripted.world.titles() == ["Busy"]


async def test_rule_11_stored_data_is_served_until_the_staleness_limit(scripted: Scripted) -> None:
    busy(scripted)
    connection = await scripted.connect()
    scripted.kind.fault = unreachable
    limit = scripted.world.kalends.settings.staleness_limit
    scripted.world.clock.advance(limit - timedelta(seconds=1))
    await scripted.world.sync(connection)
    assert await scripted.world.titles() == ["Busy"]
    assert (await scripted.world.connection(connection.id)).status is Status.SYNCED
    scripted.world.clock.advance(timedelta(seconds=1))
    await assert_fails_closed(scripted, connection.id)
    await scripted.world.sync(connection)
    broken = await scripted.world.connection(connection.id)
    assert (broken.status, broken.error_reason) == (Status.ERROR, ErrorReason.UNDEFINED)
    await assert_fails_closed(scripted, connection.id)
    scripted.kind.fault = None
    await scripted.world.sync(connection)
    assert await scripted.world.titles() == ["Busy"]


async def test_rule_11_a_calendar_that_was_just_chosen_is_not_free_until_it_was_read(scripted: Scripted) -> None:
    busy(scripted)
    other = scripted.kind.calendars["d"] = RemoteCalendar()
    other.put("f", ics("f", "Also busy", "20261202T090000Z", end="20261202T100000Z"))
    connection = await scripted.connect()
    configs = scripted.world.kalends.services.sync_configs
    for chosen in (("c",), ("c", "d")):
        change = ImportChange(choice=ImportChoice.CALENDARS, calendar_ids=chosen)
        await configs.update(scripted.world.admin, connection.id, SyncConfigChange(imports=change))
    await assert_fails_closed(scripted, connection.id)
    await scripted.world.sync(connection)
    assert await scripted.world.titles() == ["Busy", "Also busy"]


async def test_rule_11_all_chosen_calendars_gone_is_an_error_and_one_of_several_is_not(scripted: Scripted) -> None:
    busy(scripted)
    other = scripted.kind.calendars["d"] = RemoteCalendar()
    other.put("f", ics("f", "Elsewhere", "20261202T090000Z", end="20261202T100000Z"))
    connection = await scripted.connect()
    del scripted.kind.calendars["d"]
    await scripted.world.sync(connection)
    halved = await scripted.world.connection(connection.id)
    assert halved.status is Status.SYNCED
    assert halved.last_error == "1 of the chosen calendars no longer exist"
    assert await scripted.world.titles() == ["Busy"]
    del scripted.kind.calendars["c"]
    await scripted.world.sync(connection)
    gone = await scripted.world.connection(connection.id)
    assert (gone.status, gone.error_reason) == (Status.ERROR, ErrorReason.EXTERNAL_CALENDAR_DELETED)
    await assert_fails_closed(scripted, connection.id)


async def test_rule_11_partial_failure_names_whose_calendar_is_missing(scripted: Scripted) -> None:
    busy(scripted)
    world = scripted.world
    broken = await scripted.connect()
    second = await world.kalends.schedules.create(world.site, name="Room", time_zone="Europe/Berlin")
    view = await world.kalends.connecting.by_credentials(
        world.admin, provider_id=GUID, schedule_id=second.id, email="room@example.org", password="right"
    )
    scripted.kind.password = "changed"
    await world.sync(broken)
    scripted.kind.password = "right"
    await world.sync(view.connection)
    page = await world.page(partial_failure=True)
    assert page.failures is not None
    assert page.failures.connection_ids == (broken.id,)
    assert page.failures.schedule_ids == (world.schedule.id,)
    assert {one.schedule_id for one in page.events} == {second.id}
    with pytest.raises(ProviderUnavailable):
        await world.page()
    assert (await world.page(schedule_ids=(second.id,))).events, "who is not asked for does not matter"


async def test_rule_11_what_is_not_imported_does_not_matter(scripted: Scripted) -> None:
    busy(scripted)
    connection = await scripted.connect()
    scripted.kind.password = "changed"
    await scripted.world.sync(connection)
    await scripted.world.kalends.services.sync_configs.update(
        scripted.world.admin, connection.id, SyncConfigChange(imports=ImportChange(enabled=False))
    )
    assert await scripted.world.titles() == []


async def test_rule_11_a_calendar_that_a_listing_forgets_is_not_believed_to_be_gone(scripted: Scripted) -> None:
    busy(scripted)
    connection = await scripted.connect()
    hidden = scripted.kind.calendars.pop("c")
    configs = scripted.world.kalends.services.sync_configs
    change = ImportChange(choice=ImportChoice.CALENDARS, calendar_ids=("c", "unknown"))
    with pytest.raises(Invalid):
        await configs.update(scripted.world.admin, connection.id, SyncConfigChange(imports=change))
    scripted.kind.calendars["other"] = RemoteCalendar()
    again = await scripted.connect(sync=False)
    assert again.id == connection.id
    assert await scripted.world.titles() == ["Busy"]
    scripted.kind.calendars["c"] = hidden
    await scripted.world.sync(connection)
    assert await scripted.world.titles() == ["Busy"]


async def test_rule_11_chosen_calendars_that_are_all_gone_are_not_free(scripted: Scripted) -> None:
    busy(scripted)
    connection = await scripted.connect()
    async with scripted.world.kalends.database.write() as writer:
        calendars = Calendars(writer, scripted.world.site.id)
        for one in await calendars.of_connection(connection.id):
            await calendars.note_gone(one.id, scripted.world.clock.now())
    await assert_fails_closed(scripted, connection.id)


async def test_rule_11_a_sync_that_fails_before_it_begins_is_no_success(scripted: Scripted) -> None:
    busy(scripted)
    connection = await scripted.connect()
    scripted.kind.password = "changed"
    await scripted.world.sync(connection)
    directory = scripted.world.kalends.directory
    known = directory._kinds
    directory._kinds = {}  # the plugin is not installed any more
    run = await scripted.world.sync_under_lease(connection)
    assert run is not None
    assert run.outcome is Outcome.FAILED
    directory._kinds = known
    broken = await scripted.world.connection(connection.id)
    assert (broken.status, broken.error_reason) == (Status.ERROR, ErrorReason.TOKEN_REVOKED)
    assert broken.failures == 2
    await assert_fails_closed(scripted, connection.id)


async def test_rule_11_a_primary_calendar_that_is_no_more_is_not_free(scripted: Scripted) -> None:
    busy(scripted)
    scripted.kind.calendars["d"] = RemoteCalendar()
    scripted.kind.primary = "c"
    connection = await scripted.connect()
    assert await scripted.world.titles() == ["Busy"]
    scripted.kind.primary = None
    await scripted.connect(sync=False)
    await assert_fails_closed(scripted, connection.id)
    await scripted.world.sync(connection)
    gone = await scripted.world.connection(connection.id)
    assert (gone.status, gone.error_reason) == (Status.ERROR, ErrorReason.EXTERNAL_CALENDAR_DELETED)
    await assert_fails_closed(scripted, connection.id)


async def test_rule_11_an_account_without_calendars_is_not_connected(scripted: Scripted) -> None:
    scripted.kind.calendars.clear()
    with pytest.raises(PreconditionFailed) as refused:
        await scripted.connect(sync=False)
    assert refused.value.code == "NOT_SUPPORTED_BY_PROVIDER"


async def test_rule_11_where_no_calendar_is_chosen_the_account_is_asked_all_the_same(scripted: Scripted) -> None:
    connection = await scripted.connect()
    async with scripted.world.kalends.database.write() as writer:
        await Calendars(writer, connection.site_id).select(connection.id, [])
    assert (await scripted.world.sync(connection)).outcome is Outcome.DONE
    scripted.kind.password = "changed"
    assert (await scripted.world.sync(connection)).outcome is Outcome.FAILED
    broken = await scripted.world.connection(connection.id)
    assert (broken.status, broken.error_reason) == (Status.ERROR, ErrorReason.TOKEN_REVOKED)
    await assert_fails_closed(scripted, connection.id)


async def test_rule_11_a_calendar_that_was_added_is_shown_within_a_day(scripted: Scripted) -> None:
    connection = await scripted.connect()
    scripted.kind.calendars["new"] = RemoteCalendar()
    scripted.world.clock.advance(timedelta(days=1))
    await scripted.world.sync(connection)
    async with scripted.world.kalends.database.read() as reader:
        known = await Calendars(reader, connection.site_id).of_connection(connection.id)
    assert [(one.calendar.id, one.selected) for one in known] == [("c", True), ("new", False)]
