"""What the use cases around schedule events look up and check in the same way."""

from typing import NamedTuple

from kalends.model.errors import Conflict, NotFound, PreconditionFailed, schedule_cancelled
from kalends.model.event_series import LONGEST_ID, parse_id, shown
from kalends.model.schedule import Schedule, ScheduleStatus
from kalends.model.schedule_event import EventStatus, EventView
from kalends.schedules.finding import find_schedule
from kalends.store.database import Transaction
from kalends.store.schedule_events import ScheduleEvents
from kalends.store.schedules import Schedules


class EventOnSchedule(NamedTuple):
    """An event as it is shown, and the schedule that it is on."""

    view: EventView
    schedule: Schedule


async def find_event(connection: Transaction, site_id: str, event_id: str) -> EventView:
    """Return an event of the site: a single one, a series, or an instance of one; raises `NotFound`."""
    missing = NotFound(f"There is no event {ascii(event_id[:LONGEST_ID])[1:-1]}.", code="EVENT_NOT_FOUND")
    try:
        whole_id, _ = parse_id(event_id)
    except ValueError:
        raise missing from None
    event = await ScheduleEvents(connection, site_id).get(whole_id)
    view = shown(event, event_id) if event else None
    if view is None:
        raise missing
    return view


async def find_to_change(writer: Transaction, site_id: str, event_id: str) -> EventOnSchedule:
    """Return an event that nobody else changes until the transaction ends; raises `NotFound`."""
    found = await find_event(writer, site_id, event_id)
    # in this order everywhere: first the schedule, then its event
    await Schedules(writer, site_id).lock(found.event.schedule_id, shared=True)
    await ScheduleEvents(writer, site_id).lock(found.event.id)
    view = await find_event(writer, site_id, event_id)
    return EventOnSchedule(view, await find_schedule(writer, site_id, view.event.schedule_id))


def check_schedule(schedule: Schedule) -> None:
    """Raise `PreconditionFailed` where a schedule takes no events any more."""
    if schedule.status is ScheduleStatus.CANCELLED:
        raise schedule_cancelled(schedule.id)


def check_state(found: EventOnSchedule, revision: int) -> None:
    """Raise `PreconditionFailed` or `Conflict` where an event cannot be changed, or is not the one that was read."""
    view, schedule = found
    check_schedule(schedule)
    if view.status is EventStatus.CANCELLED:
        raise PreconditionFailed("The event was cancelled, which is final.", code="EVENT_CANCELLED")
    if view.revision != revision:
        raise Conflict(
            f"The event was changed meanwhile: its revision is {view.revision}, not {revision}.",
            code="ABORTED",
            data={"currentRevision": str(view.revision)},
        )
