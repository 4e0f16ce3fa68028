"""Steps of the tests of exporting: what a booking site does, and having it done."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from kalends.connections.sync_config import ExportChange, ImportChange, SyncConfigChange
from kalends.model.connection import Connection, ImportChoice
from kalends.model.copy import Privacy
from kalends.model.event_series import instances as instances_of
from kalends.model.schedule_event import EventStatus, EventView
from kalends.model.time import Window
from kalends.schedules.event_drafts import AskedTimes, EventChange, EventDraft
from kalends.schedules.event_finding import find_event
from kalends.store.connections import Connections
from tests.export.accounts import Account
from tests.providers.export_contract import Seen

HOUR = timedelta(hours=1)
SPAN = Window(datetime(2026, 11, 1, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC))


def wall(text: str) -> datetime:
    return datetime.fromisoformat(text)


def asked(start: str, end: str, **more: Any) -> AskedTimes:
    return AskedTimes(wall(start), wall(end), **more)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


MORNING = asked("2026-12-01T10:00", "2026-12-01T11:00")
HAIRCUT: Seen = ("Haircut", at("2026-12-01T09:00"), at("2026-12-01T10:00"))


async def make(account: Account, times: AskedTimes = MORNING, title: str = "Haircut", **more: Any) -> EventView:
    world = account.world
    content = {"title": title, **more.pop("content", {})}
    draft = EventDraft(world.schedule.id, times, content=content, **more)
    return (await world.kalends.event_creating.create(world.site.id, draft)).view


async def change(account: Account, event: EventView, **more: Any) -> EventView:
    world = account.world
    found = await world.kalends.event_changing.update(
        world.site.id, event.id, EventChange(**more), revision=event.revision
    )
    return found.view


async def export(account: Account, connection: Connection, **config: Any) -> None:
    """Turn the export on, or change what is exported, and have it done."""
    change = SyncConfigChange(exports=ExportChange(**{"enabled": True, **config}))
    await account.world.kalends.services.sync_configs.update(account.world.admin, connection.id, change)
    await settle(account, connection)


async def settle(account: Account, connection: Connection) -> None:
    """Sync until nothing is left to be exported, and read once more."""
    world = account.world
    for _ in range(20):
        await world.sync(connection)
        now = await world.connection(connection.id)
        assert now.export.failures == 0, now.export.error
        if now.export.due_at is None:
            break
        world.clock.advance(timedelta(seconds=30))
    else:
        raise AssertionError("it never ends")


async def instances(account: Account, series: EventView) -> list[EventView]:
    """Return the instances of a series until the end of January."""
    found = await looked_at(account, series.id)
    return [one for one in instances_of(found.event, SPAN) if one.status is not EventStatus.CANCELLED]


async def looked_at(account: Account, event_id: str) -> EventView:
    """Return an event as it is now."""
    async with account.world.kalends.database.read() as reader:
        return await find_event(reader, account.world.site.id, event_id)


async def show(account: Account, connection: Connection, privacy: Privacy) -> None:
    """Have copies show as much as wanted."""
    async with account.world.kalends.database.write() as writer:
        connections = Connections(writer, connection.site_id)
        before = await connections.get(connection.id)
        assert before is not None
        await connections.set_export(connection.id, replace(before.export_config, privacy=privacy))
        await account.world.kalends.wanting.export(writer, connection.key)


async def import_all(account: Account, connection: Connection) -> None:
    """Import all calendars of the account, that of the copies too."""
    world = account.world
    listed = await world.kalends.services.calendars.list(world.admin, connection.id)
    change = ImportChange(True, ImportChoice.CALENDARS, tuple(one.id for one in listed))
    await world.kalends.services.sync_configs.update(world.admin, connection.id, SyncConfigChange(change))
    await settle(account, connection)
