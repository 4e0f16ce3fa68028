"""Making schedule events."""

from typing import Any

from kalends.model.clock import Clock
from kalends.model.errors import Invalid, Rule
from kalends.model.event_series import whole
from kalends.model.ids import new_id
from kalends.model.schedule import Schedule
from kalends.model.schedule_event import EventChanged, EventTimes, ScheduleEvent, Segment, wall_time
from kalends.schedules.event_changes import Publish
from kalends.schedules.event_drafts import START, EventDraft, checked_content, checked_rule, checked_times
from kalends.schedules.event_finding import EventOnSchedule, check_schedule
from kalends.schedules.finding import find_schedule
from kalends.store.database import Database, Transaction
from kalends.store.repository import AlreadyThere
from kalends.store.schedule_events import ScheduleEvents
from kalends.store.schedules import Schedules

_DEFAULTS = {
    "title": "defaultTitle",
    "location": "defaultLocation",
    "totalCapacity": "defaultCapacity",
    "conferencingDetails": "defaultConferencingDetails",
}
"""What an event says where nothing is said → the schedule's default for it."""


class EventCreating:
    """Makes schedule events. `publish` takes part in the transaction."""

    def __init__(self, database: Database, clock: Clock, publish: Publish) -> None:
        self._database = database
        self._clock = clock
        self._publish = publish

    async def create(self, site_id: str, draft: EventDraft, *, idempotency_key: str | None = None) -> EventOnSchedule:
        """Make an event, by default in the schedule's time zone as it is now, and with the schedule's defaults.

        A key that was used before answers with the event that was made then, as it is now, whatever the draft says.
        Raises `Invalid`, `NotFound` for the schedule, `PreconditionFailed` (`SCHEDULE_CANCELLED`).
        """
        checked_content(draft.content)
        event_id = new_id()
        try:
            return await self._write(site_id, event_id, draft, idempotency_key)
        except AlreadyThere:
            # another request used the key in this moment: its row is there now
            return await self._write(site_id, event_id, draft, idempotency_key)

    async def _write(
        self, site_id: str, event_id: str, draft: EventDraft, idempotency_key: str | None
    ) -> EventOnSchedule:
        async with self._database.write() as writer:
            events = ScheduleEvents(writer, site_id)
            made = await events.of_key(idempotency_key) if idempotency_key else None
            if made is not None:
                return EventOnSchedule(whole(made), await find_schedule(writer, site_id, made.schedule_id))
            schedule = await self._schedule(writer, site_id, draft.schedule_id)
            event = self._event(site_id, event_id, draft, schedule)
            await events.add(event, idempotency_key=idempotency_key)
            await self._publish(writer, EventChanged(site_id, schedule.id, event.id))
        return EventOnSchedule(whole(event), schedule)

    @staticmethod
    async def _schedule(writer: Transaction, site_id: str, schedule_id: str) -> Schedule:
        await Schedules(writer, site_id).lock(schedule_id.lower(), shared=True)
        schedule = await find_schedule(writer, site_id, schedule_id)
        check_schedule(schedule)
        return schedule

    def _event(self, site_id: str, event_id: str, draft: EventDraft, schedule: Schedule) -> ScheduleEvent:
        now = self._clock.now()
        times = checked_times(draft.times, schedule.time_zone)
        rule = None
        if draft.rule is not None:
            rule = checked_rule(draft.rule, times)
            check_not_before_today(times, self._clock)
        return ScheduleEvent(
            site_id=site_id,
            id=event_id,
            schedule_id=schedule.id,
            type=draft.type,
            app_id=draft.app_id,
            created_at=now,
            updated_at=now,
            segments=(Segment(1, 1, times, _content(draft, schedule), rule),),
        )


def check_not_before_today(times: EventTimes, clock: Clock) -> None:
    """Raise `Invalid` where a series would begin before today, as its own zone has it."""
    if times.start.date() < wall_time(clock.now(), times.zone).date():
        raise Invalid.one(START, "must not be before today, for the event recurs", Rule.OTHER, name="START_IN_PAST")


def _content(draft: EventDraft, schedule: Schedule) -> dict[str, Any]:
    given = {name: value for name, value in draft.content.items() if value is not None}
    defaults = {name: schedule.details[default] for name, default in _DEFAULTS.items() if default in schedule.details}
    return {"title": schedule.name, **defaults, **given}
