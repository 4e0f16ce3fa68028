"""How exporting shows in the health of a connection, and how much copies show, with an account at a real server."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kalends.api.health_messages import ConnectionHealthMessage
from kalends.cli.inspection import inspect, inspection_document
from kalends.cli.shown_connections import shown_status
from kalends.model.connection import Connection, ErrorReason, Status
from kalends.model.copy import Privacy
from kalends.model.errors import NotFound, PermissionDenied, PreconditionFailed
from kalends.model.identity import Identity, IdentityKind, Role
from kalends.model.ids import new_id
from kalends.store.copies import Copies
from kalends.store.overview import Overview
from tests.export.accounts import Account, caldav_account
from tests.export.steps import HAIRCUT, export, make, settle
from tests.servers import CalDavServer


@pytest.fixture
async def account(radicale: CalDavServer, database_url: str, tmp_path: Path) -> AsyncIterator[Account]:
    async with caldav_account(radicale, database_url, tmp_path) as found:
        yield found


async def told(account: Account, connection: Connection) -> dict[str, Any]:
    """Return the health of a connection as it is answered."""
    health = await account.world.kalends.health.get(account.world.owner, connection.id)
    return ConnectionHealthMessage.of(health).model_dump(mode="json", by_alias=True, exclude_none=True)


async def choose(account: Account, connection: Connection, privacy: Privacy) -> Any:
    world = account.world
    return await world.kalends.services.copy_privacy.choose(world.owner, connection.id, privacy)


async def refuse(account: Account, connection: Connection, event_id: str) -> None:
    """Have it that the provider would not take the copy of an event."""
    async with account.world.kalends.database.write() as writer:
        copies = Copies(writer, connection.site_id)
        (copy,) = await copies.of_event(connection.id, event_id)
        await copies.put(replace(copy, error="NotSupported: https://secret.example"))


async def test_what_is_to_be_exported_and_what_is_there_is_told(account: Account) -> None:
    connection = await account.connect()
    nothing = {"enabled": False, "privacy": "full", "pending": 0, "refused": 0, "left": 0, "failures": 0}
    assert (await told(account, connection))["exports"] == nothing
    await export(account, connection)
    event = await make(account)
    meant = (await told(account, connection))["exports"]
    assert meant.pop("dedicatedCalendar")["id"].startswith("/")
    on = {**nothing, "enabled": True, "target": "dedicated"}
    assert meant == {**on, "pending": 1, "dueDate": "2026-11-22T09:00:00Z"}
    await settle(account, connection)
    done = await told(account, connection)
    made = done["exports"].pop("dedicatedCalendar")
    assert done["exports"] == {**on, "left": 1}
    assert done["notChosenCalendars"] == [], "the one that was made for copies is nobody's to choose"

    await refuse(account, connection, event.id)
    inspection = await inspect(account.world.kalends.database, await account.world.connection(connection.id), {})
    assert inspection_document(inspection)["exports"] == {**on, "left": 1, "refused": 1, "dedicatedCalendar": made}


async def test_what_is_left_in_a_disconnected_account_is_told_until_it_is_gone(account: Account) -> None:
    connection = await account.connect()
    await make(account)
    await export(account, connection)
    world = account.world
    await world.kalends.disconnecting.disconnect(world.owner, connection.id)
    left = (await told(account, connection))["exports"]
    assert (left["enabled"], left["pending"], left["left"]) == (False, 1, 1)
    assert left["cleanupUntil"] == "2026-11-29T09:00:00Z"
    assert "dedicatedCalendar" in left
    await world.sync(connection)
    assert await account.all() == []
    gone = (await told(account, connection))["exports"]
    assert (gone["pending"], gone["left"]) == (0, 0)
    assert not gone.keys() & {"cleanupUntil", "dedicatedCalendar", "dueDate"}


async def test_what_was_given_up_is_told_and_nothing_more_is_promised(account: Account) -> None:
    connection = await account.connect()
    await make(account)
    await export(account, connection)
    world = account.world
    await world.kalends.disconnecting.disconnect(world.owner, connection.id)
    world.clock.advance(timedelta(days=7))
    await world.kalends.cleaning.once()
    left = (await told(account, connection))["exports"]
    assert left["left"] == 1
    assert not left.keys() & {"cleanupUntil", "dueDate"}


async def test_what_keeps_from_exporting_shows_and_the_events_can_be_listed(account: Account) -> None:
    connection = await account.connect()
    event = await make(account)
    await export(account, connection)
    await refuse(account, connection, event.id)
    await account.delete_calendar("Salon")
    world = account.world
    world.clock.advance(timedelta(hours=1))
    await world.sync(connection)
    health = await told(account, connection)
    reason = ErrorReason.EXTERNAL_CALENDAR_DELETED
    assert (health["status"], health["errorReason"], health["standing"]) == ("ERROR", reason.value, "READABLE")
    assert (health["exports"]["problem"], health["exports"]["lastError"]) == (reason.value, "CalendarGone")
    assert (health["exports"]["left"], health["exports"]["refused"]) == (0, 0), "they are gone with it"
    found = await world.connection(connection.id)
    assert (shown_status(found), shown_status(found, whole=True)) == (reason, f"ERROR ({reason})")
    async with world.kalends.database.write() as writer:
        await world.kalends.wanting.sync(writer, connection.key)
    async with world.kalends.database.read() as reader:
        (waiting,) = await Overview(reader, world.clock.now()).waiting(10)
    assert waiting.status == Status.ERROR

    shows = await choose(account, connection, Privacy.BUSY)
    assert shows.connection.export.problem is reason, "to show less is no way back"
    assert shows.exports.pending == 0
    await world.kalends.disconnecting.disconnect(world.owner, connection.id)
    ended = await told(account, connection)
    assert (ended["status"], "errorReason" in ended) == ("DISCONNECTED", False)


async def test_copies_that_are_there_show_less_from_then_on(account: Account) -> None:
    connection = await account.connect()
    before = await choose(account, connection, Privacy.TITLE)
    assert (before.exports.pending, before.connection.export.due_at) == (0, None), "nothing is exported yet"
    await make(account, content={"notes": "She is allergic."})
    await export(account, connection)
    assert await account.all() == [HAIRCUT]
    less = await choose(account, connection, Privacy.BUSY)
    assert (less.connection.export_config.privacy, less.exports.pending) == (Privacy.BUSY, 1)
    assert less.connection.export.due_at is not None
    await settle(account, connection)
    assert [title for title, _, _ in await account.all()] == ["Busy"]
    await account.written()
    assert (await choose(account, connection, Privacy.BUSY)).exports.pending == 0, "that is as it was"
    await settle(account, connection)
    assert await account.written() == []


async def test_only_who_may_manage_a_live_connection_says_what_copies_show(account: Account) -> None:
    connection = await account.connect()
    world = account.world
    choosing = world.kalends.services.copy_privacy
    stranger = Identity(IdentityKind.USER, world.site.id, new_id(), Role.STAFF.permissions)
    with pytest.raises(PermissionDenied):
        await choosing.choose(stranger, connection.id, Privacy.BUSY)
    with pytest.raises(NotFound):
        await choosing.choose(world.admin, "unknown", Privacy.BUSY)
    await world.kalends.disconnecting.disconnect(world.owner, connection.id)
    with pytest.raises(PreconditionFailed) as raised:
        await choosing.choose(world.owner, connection.id, Privacy.BUSY)
    assert raised.value.code == "CONNECTION_NOT_CONNECTED"
    assert (await world.connection(connection.id)).export_config.privacy is Privacy.FULL
