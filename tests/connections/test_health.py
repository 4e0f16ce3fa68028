"""The health of connections, their history, syncs on request, and acknowledgements, below the wire."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kalends.api.health_messages import ConnectionHealthMessage
from kalends.cli.inspection import inspect, inspection_document
from kalends.connections.health import error_kind
from kalends.connections.readability import Obstacle, Standing
from kalends.model.connection import Connection
from kalends.model.errors import Invalid, NotFound, PermissionDenied, PreconditionFailed, ProviderUnavailable
from kalends.model.identity import Identity, IdentityKind, Role
from kalends.model.ids import new_id
from kalends.model.time import Window
from kalends.providers.errors import Unavailable
from kalends.store.audit import Act, Action, Audit
from kalends.store.runs import Run
from kalends.sync.spans import SpanNotReadable
from tests.rules.conftest import Scripted
from tests.scripted_provider import RemoteCalendar
from tests.world import ics


def busy(scripted: Scripted) -> None:
    scripted.remote.put("e", ics("e", "Busy", "20261201T090000Z", end="20261201T100000Z"))


async def broken(scripted: Scripted) -> Connection:
    """Return a connection that was read once, and whose password then changed."""
    busy(scripted)
    connection = await scripted.connect()
    scripted.kind.password = "changed"
    await scripted.world.sync(connection)
    return connection


def stranger(scripted: Scripted) -> Identity:
    return Identity(IdentityKind.USER, scripted.world.site.id, new_id(), Role.STAFF.permissions)


async def acts(scripted: Scripted, connection: Connection) -> list[Act]:
    async with scripted.world.kalends.database.read() as reader:
        return [*await Audit(reader, scripted.world.site.id).latest(connection.id, 10)]


async def test_a_connection_that_is_well_says_so(scripted: Scripted) -> None:
    busy(scripted)
    scripted.remote.put("bad", ics("bad", "Bad", "20261201T090000Z", lines="RRULE:FREQ=DAILY;INTERVAL=0\n"))
    connection = await scripted.connect()
    world = scripted.world
    world.clock.advance(timedelta(seconds=30))
    health = await world.kalends.health.get(world.owner, connection.id)
    assert (health.readability.standing, list(health.readability.obstacles)) == (Standing.READABLE, [])
    assert (health.age, health.lag, health.under_way, health.last_error) == (
        timedelta(seconds=30),
        timedelta(0),
        False,
        None,
    )
    ((calendar, size),) = health.sizes.items()
    assert calendar == health.calendars[0].id
    assert (size.items, size.quarantined) == (2, 1)
    assert health.connection.wanted_rev == health.connection.done_rev


async def test_what_is_late_is_seen_until_somebody_takes_it_up(scripted: Scripted) -> None:
    connection = await scripted.connect()
    world = scripted.world
    due = (await world.connection(connection.id)).next_sync_at
    assert due is not None
    world.clock.advance(due - world.clock.now() + timedelta(minutes=5))
    assert (await world.kalends.health.get(world.admin, connection.id)).lag == timedelta(minutes=5)
    assert await world.kalends.leased.claim(world.site.id, connection.id) is not None
    taken_up = await world.kalends.health.get(world.admin, connection.id)
    assert (taken_up.lag, taken_up.under_way) == (timedelta(0), True)


async def test_old_gone_and_new_calendars_are_told_apart(scripted: Scripted) -> None:
    scripted.kind.calendars["d"] = RemoteCalendar()
    connection = await scripted.connect()
    world = scripted.world
    del scripted.kind.calendars["d"]
    scripted.kind.calendars["new"] = RemoteCalendar()
    world.clock.advance(timedelta(days=1))
    await world.sync(connection)
    health = await world.kalends.health.get(world.admin, connection.id)
    assert [one.calendar.id for one in health.gone] == ["d"]
    assert [one.calendar.id for one in health.not_chosen] == ["new"]
    assert health.readability.standing is Standing.READABLE
    assert health.last_error is None, "a note is no error"
    world.clock.advance(timedelta(hours=6))
    stale = await world.kalends.health.get(world.admin, connection.id)
    assert list(stale.readability.obstacles) == [Obstacle.STALE]
    del scripted.kind.calendars["c"]
    await world.sync(connection)
    gone = await world.kalends.health.get(world.admin, connection.id)
    assert list(gone.readability.obstacles) == [Obstacle.ERROR, Obstacle.CALENDARS_GONE]


async def test_a_calendar_that_is_suddenly_empty_is_told_until_that_is_certain(scripted: Scripted) -> None:
    for day in (1, 2, 3):
        scripted.remote.put(f"e{day}", ics(f"e{day}", "Busy", f"2026120{day}T090000Z"))
    connection = await scripted.connect()
    world = scripted.world
    assert (await told(scripted, connection))["doubts"] == []
    scripted.remote.events.clear()
    scripted.kind.refuses_cursors = True
    await world.sync(connection)
    world.clock.advance(timedelta(minutes=1))
    doubts = [{"calendarId": "c", "calendarName": "C", "missing": 3, "sinceDate": "2026-11-22T09:00:00Z"}]
    assert (await told(scripted, connection))["doubts"] == doubts
    inspection = await inspect(world.kalends.database, connection, {})
    assert inspection_document(inspection)["doubts"] == doubts
    assert len(await world.titles()) == 3
    world.clock.advance(world.kalends.settings.doubt_wait)
    await world.sync(connection)
    assert (await told(scripted, connection))["doubts"] == []
    assert await world.titles() == []


async def told(scripted: Scripted, connection: Connection) -> dict[str, Any]:
    """Return the health of a connection as it is answered."""
    health = await scripted.world.kalends.health.get(scripted.world.owner, connection.id)
    return ConnectionHealthMessage.of(health).model_dump(mode="json", by_alias=True, exclude_none=True)


async def test_only_the_kind_of_an_error_is_told(scripted: Scripted) -> None:
    connection = await scripted.connect()
    world = scripted.world

    def fails(_page: int) -> None:
        raise Unavailable("no answer from https://secret.example/ada")

    scripted.kind.fault = fails
    await world.sync(connection)
    health = await world.kalends.health.get(world.owner, connection.id)
    assert (health.last_error, health.connection.failures) == ("Unavailable", 1)


@pytest.mark.parametrize(
    ("described", "kind"),
    [
        ("CredentialsRefused: no", "CredentialsRefused"),
        ("Unavailable", "Unavailable"),
        ("unexpected KeyError", "KeyError"),
        ("2 of the chosen calendars no longer exist", None),
        ("Ada's calendar: gone", None),
        ("unexpected", None),
        ("", None),
        (None, None),
    ],
)
def test_the_kind_of_an_error_is_its_first_word(described: str | None, kind: str | None) -> None:
    assert error_kind(described) == kind


async def test_health_and_runs_are_the_owners_and_the_administrators_business(scripted: Scripted) -> None:
    connection = await scripted.connect()
    kalends = scripted.world.kalends
    for asking in (kalends.health.get, kalends.runs.list, kalends.services.sync_requests.ask):
        await asking(scripted.world.owner, connection.id)
        with pytest.raises(PermissionDenied):
            await asking(stranger(scripted), connection.id)
        with pytest.raises(NotFound):
            await asking(scripted.world.admin, "unknown")
    await broken(scripted)
    with pytest.raises(NotFound):
        await kalends.acknowledging.acknowledge(scripted.world.admin, "unknown")


async def test_runs_join_to_the_whole_history_the_newest_first(scripted: Scripted) -> None:
    connection = await scripted.connect()
    world = scripted.world
    for number in range(4):
        if number % 2:  # two at the same instant
            world.clock.advance(timedelta(minutes=1))
        scripted.remote.put(f"{number}", ics(f"{number}", "Busy", "20261201T090000Z"))
        await world.sync(connection)
    whole = [one.id for one in (await world.kalends.runs.list(world.owner, connection.id)).runs]
    assert len(whole) == 5
    found: list[Run] = []
    cursor: str | None = None
    while True:
        page = await world.kalends.runs.list(world.owner, connection.id, cursor=cursor, limit=2)
        found += page.runs
        cursor = page.next_cursor
        if cursor is None:
            break
    assert [one.id for one in found] == whole
    started = [one.started_at for one in found]
    assert started == sorted(started, reverse=True)


async def test_a_cursor_of_another_connection_is_refused(scripted: Scripted) -> None:
    connection = await scripted.connect()
    world = scripted.world
    await world.sync(connection)
    scripted.remote.put("e", ics("e", "Busy", "20261201T090000Z"))
    await world.sync(connection)
    cursor = (await world.kalends.runs.list(world.admin, connection.id, limit=1)).next_cursor
    assert cursor is not None
    with pytest.raises(Invalid) as raised:
        await world.kalends.runs.list(world.admin, "another", cursor=cursor)
    assert raised.value.violations[0].name == "INVALID_CURSOR"


async def test_requests_that_come_before_a_sync_begins_are_answered_by_one(scripted: Scripted) -> None:
    connection = await scripted.connect()
    world = scripted.world
    requests = world.kalends.services.sync_requests
    first = await requests.ask(world.owner, connection.id)
    assert (first.wanted, first.done, first.under_way) == (2, 1, False)
    assert await requests.ask(world.admin, connection.id) == first
    lease = await world.kalends.leased.claim(world.site.id, connection.id)
    assert lease is not None
    meanwhile = await requests.ask(world.admin, connection.id)
    assert (meanwhile.wanted, meanwhile.under_way) == (3, True), "what runs may have read already"
    await world.kalends.leased.run(lease)
    assert (await world.connection(connection.id)).done_rev == first.wanted
    await world.sync(connection)
    assert (await world.connection(connection.id)).done_rev == meanwhile.wanted


async def test_an_acknowledged_connection_does_not_count_until_it_is_read_well(scripted: Scripted) -> None:
    connection = await broken(scripted)
    world = scripted.world
    with pytest.raises(ProviderUnavailable):
        await world.page()
    health = await world.kalends.acknowledging.acknowledge(world.admin, connection.id, note="on leave")
    assert health.readability.standing is Standing.ACKNOWLEDGED
    assert await world.titles() == ["Busy"], "what was read before still blocks"
    page = await world.page(partial_failure=True)
    assert page.failures is not None
    assert not page.failures
    await world.sync(connection)
    assert await world.titles() == ["Busy"], "another failure changes nothing"
    scripted.kind.password = "right"
    await world.sync(connection)
    assert (await world.connection(connection.id)).acknowledgement is None
    scripted.kind.password = "changed again"
    await world.sync(connection)
    with pytest.raises(ProviderUnavailable):
        await world.page()


async def test_an_acknowledged_connection_does_not_hide_another_broken_one(scripted: Scripted) -> None:
    known = await broken(scripted)
    world = scripted.world
    await world.kalends.acknowledging.acknowledge(world.admin, known.id)
    other = await world.kalends.connecting.by_credentials(
        world.admin,
        provider_id=known.provider_id,
        schedule_id=world.schedule.id,
        email="other@example.org",
        password=scripted.kind.password,
    )
    with pytest.raises(ProviderUnavailable) as raised:
        await world.page(partial_failure=True)
    assert raised.value.data["failedConnectionIds"] == [other.connection.id], "nothing that counts could be read"


async def test_what_cannot_be_worked_out_of_an_acknowledged_connection_is_done_without(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = await broken(scripted)
    world = scripted.world

    async def gives_up(*_given: Any) -> None:
        raise SpanNotReadable

    monkeypatch.setattr(world.kalends.events._scopes._spans, "events", gives_up)
    beyond = Window(datetime(2031, 1, 1, tzinfo=UTC), datetime(2032, 1, 1, tzinfo=UTC))
    with pytest.raises(ProviderUnavailable):
        await world.page(span=beyond)
    await world.kalends.acknowledging.acknowledge(world.admin, connection.id)
    assert await world.titles(span=beyond) == []


async def test_an_acknowledgement_ends_at_its_time(scripted: Scripted) -> None:
    connection = await broken(scripted)
    world = scripted.world
    until = world.clock.now() + timedelta(hours=1)
    await world.kalends.acknowledging.acknowledge(world.admin, connection.id, until=until)
    world.clock.advance(timedelta(minutes=59))
    assert await world.titles() == ["Busy"]
    world.clock.advance(timedelta(minutes=1))
    with pytest.raises(ProviderUnavailable):
        await world.page()
    with pytest.raises(PreconditionFailed):
        await world.kalends.acknowledging.withdraw(world.admin, connection.id)
    assert (await world.kalends.health.get(world.admin, connection.id)).acknowledgement is None


async def test_who_acknowledges_is_audited_and_the_audit_outlives_it(scripted: Scripted) -> None:
    connection = await broken(scripted)
    world = scripted.world
    acknowledging = world.kalends.acknowledging
    first, second = world.admin, world.admin
    await acknowledging.acknowledge(first, connection.id, note="on leave")
    world.clock.advance(timedelta(minutes=1))
    await acknowledging.withdraw(second, connection.id)
    with pytest.raises(ProviderUnavailable):
        await world.page()
    withdrawn, acknowledged = await acts(scripted, connection)
    assert (acknowledged.action, acknowledged.by.id) == (Action.ACKNOWLEDGED, first.id)
    assert acknowledged.details == {"until": None, "note": "on leave"}
    assert (withdrawn.action, withdrawn.by.id) == (Action.ACKNOWLEDGEMENT_WITHDRAWN, second.id)
    assert withdrawn.at - acknowledged.at == timedelta(minutes=1)


async def test_only_administrators_acknowledge_and_only_what_is_broken(scripted: Scripted) -> None:
    connection = await scripted.connect()
    world = scripted.world
    acknowledging = world.kalends.acknowledging
    with pytest.raises(PreconditionFailed) as raised:
        await acknowledging.acknowledge(world.admin, connection.id)
    assert raised.value.code == "CONNECTION_NOT_BROKEN"
    await broken(scripted)
    for somebody in (world.owner, stranger(scripted)):
        with pytest.raises(PermissionDenied):
            await acknowledging.acknowledge(somebody, connection.id)
    with pytest.raises(Invalid) as invalid:
        await acknowledging.acknowledge(world.admin, connection.id, until=world.clock.now())
    assert invalid.value.violations[0].name == "UNTIL_PASSED"
    assert await acts(scripted, connection) == []


async def test_disconnecting_ends_an_acknowledgement(scripted: Scripted) -> None:
    connection = await broken(scripted)
    world = scripted.world
    await world.kalends.acknowledging.acknowledge(world.admin, connection.id)
    await world.kalends.disconnecting.disconnect(world.admin, connection.id)
    ended = await world.kalends.health.get(world.admin, connection.id)
    assert (ended.readability.standing, ended.acknowledgement) == (Standing.NOT_COUNTED, None)
