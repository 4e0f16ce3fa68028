"""Rule 10: no query without a site; no identity sees what its permission does not cover."""

import re
from datetime import timedelta

import pytest

from kalends.connections.sync_config import ImportChange, SyncConfigChange
from kalends.model.errors import Invalid, KalendsError, NotFound, PermissionDenied
from kalends.model.identity import Identity, IdentityKind, Permission, Role
from kalends.model.ids import new_id
from kalends.model.schedule import ScheduleFilter, Titles
from kalends.schedules.changing import ScheduleChange
from kalends.schedules.creating import ScheduleDraft
from kalends.schedules.queries import ScheduleQuery
from kalends.store.tables import metadata
from tests.rules.conftest import EMAIL, Scripted
from tests.scripted_provider import GUID
from tests.statements import statements
from tests.world import ics, populate

OF_A_SITE = {table.name for table in metadata.tables.values() if "site_id" in table.c}

ACROSS_SITES = (
    # what stands above sites, each a method of its own that says so
    r"FROM api_keys \s*WHERE api_keys\.hash",  # a key proves itself before its site is known
    r"FROM installations JOIN apps .* WHERE apps\.id",  # an app's installations, when it asks for a token
    r"^SELECT connections\.id \s*FROM connections \s*WHERE \(connections\.next_sync_at <=",  # is anything due?
    r"^SELECT connections\.site_id, connections\.id FROM connections WHERE connections\.wanted_rev >",  # or wanted?
    r"^SELECT connections\.site_id, connections\.id FROM connections WHERE connections\.export_due_at <=",  # or due?
    r"^UPDATE connections SET lease_owner=.* WHERE \(connections\.site_id, connections\.id\) IN",  # take it
    # what has had its time
    r"^DELETE FROM \w+ WHERE \w+\.(end_at|ended_at|expires_at) < [^=]+$",
    r"^DELETE FROM connections WHERE connections\.disconnected_at < [^=]+ AND connections\.status = \S+$",
)


def without_site(statement: str) -> bool:
    """Tell whether a statement touches rows of tenants without naming the tenant."""
    text = " ".join(statement.split())
    tables = {name for name in OF_A_SITE if re.search(rf"\b{name}\b", text)}
    if not tables or any(re.search(pattern, text) for pattern in ACROSS_SITES):
        return False
    if text.startswith("INSERT"):
        return "site_id" not in text
    condition = text.partition(" WHERE ")[2]
    return not re.search(r"\bsite_id = (\?|\$\d)|\(\w+\.site_id, [^()]*\) IN \((VALUES )?\(", condition)


async def test_rule_10_every_statement_of_a_whole_life_names_the_site(scripted: Scripted) -> None:
    kalends, world = scripted.world.kalends, scripted.world
    with statements(kalends.database) as heard:
        other = await populate(kalends, world.clock)
        scripted.remote.put("e", ics("e", "Busy", "20261201T090000Z", lines="RRULE:FREQ=DAILY\n"))
        connection = await scripted.connect()
        scripted.remote.delete("e")
        scripted.remote.put("f", ics("f", "Busy", "20261201T090000Z"))
        await world.sync(connection)
        scripted.kind.refuses_cursors = True
        await world.sync(connection)
        world.clock.advance(timedelta(days=2))
        await world.sync(connection)
        first = await world.page(limit=1)
        if first.next_cursor:
            await kalends.events.next(world.admin, first.next_cursor)
        await kalends.services.calendars.list(world.admin, connection.id)
        key, record = await kalends.clients.create_api_key(world.site.id)
        app = await kalends.clients.create_app(world.site.id, name="App")
        await kalends.tokens.by_client_credentials(app.client_id, app.client_secret, app.instance_id)
        token = await kalends.tokens.for_user(world.site.id, world.user.id)
        await kalends.tokens.revoke(token.token)
        await kalends.clients.revoke_app(world.site.id, app.client_id)
        await kalends.clients.revoke_api_key(world.site.id, record.id)
        await kalends.connections.list(world.owner, schedule_ids=[world.schedule.id], partial_failure=True)
        draft = ScheduleDraft("Room", follows_site_zone=True)
        room = await kalends.services.schedule_making.create(world.site.id, draft, idempotency_key=new_id())
        change = ScheduleChange(owner_id=world.user.id, time_zone="Asia/Tokyo")
        await kalends.schedule_changing.update(world.site.id, room.id, change, revision=1)
        await kalends.sites.update(world.site.id, time_zone="America/New_York")
        await kalends.worker._reconciler.ask_again()
        await world.sync(connection)
        wanted = ScheduleFilter((room.id,), ("x",), (new_id(),))
        await kalends.schedule_reading.first(world.site.id, ScheduleQuery(wanted))
        await kalends.schedule_cancelling.cancel(world.site.id, room.id)
        await kalends.users.disable(world.site.id, world.user.id)
        await kalends.users.all(other.site.id)
        await kalends.schedules.all(other.site.id)
        await kalends.retention.once()
        await kalends.leased.claim_due(5)
    assert len(heard) > 100
    assert [one for one in heard if without_site(one)] == []
    assert key


def test_rule_10_the_check_itself_sees_a_statement_without_a_site() -> None:
    assert without_site("SELECT items.item_key FROM items WHERE items.calendar_id = ?")
    assert without_site("DELETE FROM occurrences WHERE occurrences.calendar_id = $1")
    assert without_site("UPDATE connections SET status=? WHERE connections.id = ?")
    assert without_site("SELECT * FROM readings WHERE (readings.calendar_id, readings.cursor) IN (VALUES (?, ?))")
    assert not without_site("SELECT 1")
    assert not without_site("SELECT * FROM readings WHERE (readings.site_id, readings.calendar_id) IN (($1, $2))")


async def test_rule_10_another_sites_ids_are_not_found(scripted: Scripted) -> None:
    kalends = scripted.world.kalends
    connection = await scripted.connect()
    stranger = (await populate(kalends, scripted.world.clock)).admin
    config = SyncConfigChange(imports=ImportChange(enabled=False))
    calls = [
        kalends.connections.get(stranger, connection.id),
        kalends.services.calendars.list(stranger, connection.id),
        kalends.services.sync_configs.update(stranger, connection.id, config),
        kalends.disconnecting.disconnect(stranger, connection.id),
        kalends.connecting.by_credentials(
            stranger, provider_id=GUID, schedule_id=scripted.world.schedule.id, email=EMAIL, password="right"
        ),
        kalends.authorizing.begin(
            stranger, provider_id=GUID, schedule_id=scripted.world.schedule.id, redirect_url="https://example.org"
        ),
    ]
    for call in calls:
        with pytest.raises(NotFound):
            await call
    listed = await kalends.connections.list(stranger, schedule_ids=None, partial_failure=False)
    assert listed.connections == []
    by_schedule = await kalends.connections.list(
        stranger, schedule_ids=[scripted.world.schedule.id], partial_failure=False
    )
    assert by_schedule.connections == []


async def test_rule_10_a_cursor_of_another_site_is_refused(scripted: Scripted) -> None:
    for day in (1, 2):
        scripted.remote.put(f"e{day}", ics(f"e{day}", "Busy", f"2026120{day}T090000Z"))
    await scripted.connect()
    cursor = (await scripted.world.page(limit=1)).next_cursor
    assert cursor is not None
    stranger = (await populate(scripted.world.kalends, scripted.world.clock)).admin
    with pytest.raises(Invalid):
        await scripted.world.kalends.events.next(stranger, cursor)


async def test_rule_10_own_reaches_only_what_one_owns(scripted: Scripted) -> None:
    world, kalends = scripted.world, scripted.world.kalends
    scripted.remote.put("e", ics("e", "Busy", "20261201T090000Z", end="20261201T100000Z"))
    connection = await scripted.connect()
    colleague = await kalends.users.create(world.site.id, email="bob@example.org", name="Bob", role=Role.STAFF)
    bob = Identity(IdentityKind.USER, world.site.id, colleague.id, Role.STAFF.permissions)
    own_only_app = Identity(
        IdentityKind.APP, world.site.id, new_id(), frozenset({Permission.READ_OWN_CONNECTIONS, Permission.READ_EVENTS})
    )
    for caller in (bob, own_only_app):
        with pytest.raises(PermissionDenied):
            await kalends.connections.get(caller, connection.id)
        listed = await kalends.connections.list(caller, schedule_ids=None, partial_failure=False)
        assert listed.connections == []
        assert (await world.page(caller)).events == []
    assert (await kalends.connections.get(world.owner, connection.id)).connection.id == connection.id
    assert [one.title for one in (await world.page(world.owner)).events] == ["Busy"]
    assert (await world.page(world.owner, user_ids=(colleague.id,))).events == []
    ending: list[KalendsError] = []
    for call in (
        kalends.disconnecting.disconnect(bob, connection.id),
        kalends.services.calendars.list(bob, connection.id),
        kalends.services.sync_configs.update(bob, connection.id, SyncConfigChange()),
    ):
        try:
            await call
        except KalendsError as error:
            ending.append(error)
    assert [type(one) for one in ending] == [PermissionDenied] * 3


async def test_rule_10_names_are_shown_to_the_owner_and_as_the_site_says_to_others(scripted: Scripted) -> None:
    world = scripted.world
    scripted.remote.put("e", ics("e", "Doctor", "20261201T090000Z", end="20261201T100000Z"))
    await scripted.connect()
    (seen,) = (await world.page()).events
    assert (seen.title, seen.calendar_name, seen.owner_name) == ("Doctor", "C", "Ada")
    (without,) = (await world.page(personal=False)).events
    assert (without.title, without.calendar_name, without.owner_name) == (None, None, None)
    await world.kalends.sites.update(world.site.id, titles=Titles.OWNER_ONLY)
    (hidden,) = (await world.page()).events
    assert (hidden.title, hidden.calendar_name, hidden.owner_name) == (None, None, None)
    (own,) = (await world.page(world.owner)).events
    assert own.title == "Doctor"
