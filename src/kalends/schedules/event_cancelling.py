"""Cancelling schedule events, for ever."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from kalends.model.clock import Clock
from kalends.model.errors import PreconditionFailed
from kalends.model.event_revision import overridden
from kalends.model.event_series import shown
from kalends.model.schedule_event import EventChanged, EventStatus, EventView, ScheduleEvent, instant
from kalends.schedules.event_changes import Publish
from kalends.schedules.event_finding import EventOnSchedule, check_state, find_to_change
from kalends.store.database import Database, Transaction
from kalends.store.schedule_events import ScheduleEvents


class EventCancelling:
    """Cancels schedule events. `publish` takes part in the transaction."""

    def __init__(self, database: Database, clock: Clock, publish: Publish) -> None:
        self._database = database
        self._clock = clock
        self._publish = publish

    async def cancel(self, site_id: str, event_id: str, *, revision: int | None = None) -> EventOnSchedule:
        """Cancel an event and return it: a single one, one instance, or a series with all that has not begun of it.

        Where a revision is given, it has to be the event's. Raises `NotFound`, `PreconditionFailed`
        (`EVENT_ALREADY_CANCELLED`), `Conflict`.
        """
        async with self._database.write() as writer:
            found = await find_to_change(writer, site_id, event_id)
            view = found.view
            if view.status is EventStatus.CANCELLED:
                raise PreconditionFailed("The event was cancelled before.", code="EVENT_ALREADY_CANCELLED")
            if revision is not None:
                check_state(found, revision)
            after = self._cancelled(view)
            await ScheduleEvents(writer, site_id).save(view.event, after)
            await self._publish(writer, EventChanged(site_id, after.schedule_id, after.id))
        cancelled = shown(after, view.id)
        if cancelled is None:
            raise LookupError(f"event {view.id} vanished")
        return EventOnSchedule(cancelled, found.schedule)

    async def cancel_of_schedule(
        self, writer: Transaction, site_id: str, schedule_id: str, *, preserve_with_participants: bool
    ) -> int:
        """Cancel the events of a schedule that have not begun, in the caller's transaction; return how many were.

        Of series, all instances that have not begun are. Those with participants can be preserved: a series counts as
        having some where any of its instances has.
        """
        now = self._clock.now()
        events = ScheduleEvents(writer, site_id)
        cancelled = 0
        for event in await events.to_come(schedule_id, now):
            if preserve_with_participants and _has_participants(event):
                continue
            await events.save(event, _cancelled_from(event, now))
            await self._publish(writer, EventChanged(site_id, schedule_id, event.id))
            cancelled += 1
        return cancelled

    def _cancelled(self, view: EventView) -> ScheduleEvent:
        now = self._clock.now()
        if view.original is None:
            return _cancelled_from(view.event, now)
        return overridden(view, times=view.times, content={}, now=now, cancelled=True)


def _cancelled_from(event: ScheduleEvent, now: datetime) -> ScheduleEvent:
    """Return an event that is cancelled; exceptions that are cancelled with it have another revision, too."""
    zones = {one.ordinal: one.times.zone for one in event.segments}
    overrides = tuple(
        replace(one, revision=one.revision + 1, updated_at=now)
        if not one.cancelled and instant(one.original, zones[one.ordinal]) >= now
        else one
        for one in event.overrides
    )
    return replace(event, cancelled_at=now, overrides=overrides, revision=event.revision + 1, updated_at=now)


def _has_participants(event: ScheduleEvent) -> bool:
    contents = [one.content for one in event.segments] + [one.changes for one in event.overrides]
    return any(participants(one.get("participants")) for one in contents)


def participants(kept: Any) -> int:
    """Return how many participants there are, by what is kept of them: their `total`, else the length of their list."""
    if not isinstance(kept, dict):
        return 0
    total, listed = kept.get("total"), kept.get("list")
    if isinstance(total, int) and not isinstance(total, bool):
        return max(total, 0)
    return len(listed) if isinstance(listed, list) else 0
