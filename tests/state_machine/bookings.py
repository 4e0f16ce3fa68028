"""What is booked on a person's schedule, and what of it belongs into their calendars."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum

from kalends.connections.sync_config import ExportChange, SyncConfigChange
from kalends.model.connection import ExportTarget
from kalends.model.event_series import instances
from kalends.model.schedule_event import EventStatus, EventView
from kalends.model.time import Window
from kalends.schedules.event_drafts import AskedRule, AskedTimes, EventChange, EventDraft
from kalends.schedules.event_finding import find_event
from tests.providers.export_contract import Seen, in_order
from tests.world import World

FIRST = datetime(2027, 3, 1, 9)  # noqa: DTZ001 - a wall time has no zone
"""So far ahead that nothing of it is over, however long a history waits."""
SPAN = Window(datetime(2027, 2, 1, tzinfo=UTC), datetime(2027, 7, 1, tzinfo=UTC))
WEEKS = 3
HOUR, WEEK = timedelta(hours=1), timedelta(weeks=1)
TITLE = "Booking"


class Booking(StrEnum):
    """What becomes of what is booked."""

    SINGLE = "single"
    WEEKLY = "weekly"
    RETIME = "retime"
    RETITLE = "retitle"
    MOVE_INSTANCE = "move an instance"
    CANCEL_INSTANCE = "cancel an instance"
    CANCEL = "cancel"


class Bookings:
    """The events of one schedule, by name."""

    def __init__(self, world: World, schedule_id: str) -> None:
        self._world = world
        self._schedule_id = schedule_id
        self._events: dict[str, str] = {}
        self._tick = 0
        self.exported = False

    async def book(self, name: str, what: Booking) -> None:
        """Do something with an event; what cannot be done with it makes another one in its place."""
        self._tick += 1
        view = await self._view(name)
        if what in {Booking.SINGLE, Booking.WEEKLY} or view is None:
            await self._cancel(view)
            await self._make(name, weekly=what is Booking.WEEKLY)
            return
        match what:
            case Booking.CANCEL:
                await self._cancel(view)
            case Booking.RETIME:
                await self._change(view, EventChange(times=self._times()))
            case Booking.RETITLE:
                await self._change(view, EventChange(content={"title": self._title()}))
            case _:
                await self._instance(view, what)

    async def export(self, target: ExportTarget | None) -> None:
        """Have what is booked exported to a calendar, or to none."""
        change = ExportChange(enabled=target is not None, target=target)
        world, exported = self._world, SyncConfigChange(exports=change)
        listed = await world.kalends.connections.list(
            world.admin, schedule_ids=[self._schedule_id], partial_failure=False
        )
        (view,) = listed.connections
        await world.kalends.services.sync_configs.update(world.admin, view.connection.id, exported)
        self.exported = target is not None

    async def belong(self) -> list[Seen]:
        """Return what belongs into the person's calendars."""
        if not self.exported:
            return []
        views = [view for name in self._events if (view := await self._view(name)) is not None]
        found = [one for view in views for one in instances(view.event, SPAN)]
        return in_order(
            (str(one.content["title"]), one.times.start_at, one.times.end_at)
            for one in found
            if one.status is not EventStatus.CANCELLED
        )

    async def _view(self, name: str) -> EventView | None:
        """Return an event that was not cancelled."""
        if name not in self._events:
            return None
        async with self._world.kalends.database.read() as reader:
            found = await find_event(reader, self._world.site.id, self._events[name])
        return None if found.status is EventStatus.CANCELLED else found

    async def _make(self, name: str, *, weekly: bool) -> None:
        times = self._times()
        assert times.start is not None
        rule = AskedRule(until=times.start + (WEEKS - 1) * WEEK) if weekly else None
        draft = EventDraft(self._schedule_id, times, rule=rule, content={"title": self._title()})
        made = await self._world.kalends.event_creating.create(self._world.site.id, draft)
        self._events[name] = made.view.id

    async def _instance(self, view: EventView, what: Booking) -> None:
        of_series = [one for one in instances(view.event, SPAN) if one.status is not EventStatus.CANCELLED]
        if not view.event.recurs or not of_series:
            await self._change(view, EventChange(content={"title": self._title()}))
            return
        chosen = of_series[self._tick % len(of_series)]
        if what is Booking.CANCEL_INSTANCE:
            await self._world.kalends.event_cancelling.cancel(self._world.site.id, chosen.id)
            return
        moved = chosen.times.start.replace(hour=12 + self._tick % 9)
        await self._change(chosen, EventChange(times=AskedTimes(moved, moved + HOUR)))

    async def _change(self, view: EventView, change: EventChange) -> None:
        update = self._world.kalends.event_changing.update
        await update(self._world.site.id, view.id, change, revision=view.revision)

    async def _cancel(self, view: EventView | None) -> None:
        if view is not None:
            await self._world.kalends.event_cancelling.cancel(self._world.site.id, view.id)

    def _times(self) -> AskedTimes:
        start = FIRST + timedelta(days=self._tick % 6, hours=self._tick % 3)
        return AskedTimes(start, start + HOUR)

    def _title(self) -> str:
        return f"{TITLE} {self._tick}"
