"""Cancelling a schedule, for ever."""

from collections.abc import Awaitable
from dataclasses import replace
from typing import Protocol

from kalends.model.clock import Clock
from kalends.model.errors import PreconditionFailed
from kalends.model.schedule import Schedule, ScheduleStatus
from kalends.schedules.changing import Disconnects
from kalends.schedules.finding import find_schedule
from kalends.store.database import Database, Transaction
from kalends.store.schedules import Schedules


class CancelsEvents(Protocol):
    """See `kalends.schedules.event_cancelling.EventCancelling.cancel_of_schedule`."""

    def __call__(
        self, writer: Transaction, site_id: str, schedule_id: str, /, *, preserve_with_participants: bool
    ) -> Awaitable[int]:
        """Cancel the events of a schedule that have not begun; return how many were."""
        ...


class ScheduleCancelling:
    """Cancels schedules. `disconnects` and `cancels_events` take part in the transaction."""

    def __init__(
        self, database: Database, clock: Clock, disconnects: Disconnects, cancels_events: CancelsEvents
    ) -> None:
        self._database = database
        self._clock = clock
        self._disconnects = disconnects
        self._cancels_events = cancels_events

    async def cancel(
        self, site_id: str, schedule_id: str, *, preserve_future_events_with_participants: bool = False
    ) -> Schedule:
        """Cancel a schedule with its events that have not begun, and return it.

        What is connected to it is disconnected, as where the owner changes: nobody can be booked there any more, and
        what was imported would be kept for nothing. Raises `NotFound`, `PreconditionFailed`
        (`SCHEDULE_ALREADY_CANCELLED`).
        """
        async with self._database.write() as writer:
            schedules = Schedules(writer, site_id)
            await schedules.lock(schedule_id.lower())
            before = await find_schedule(writer, site_id, schedule_id)
            if before.status is ScheduleStatus.CANCELLED:
                raise PreconditionFailed("The schedule was cancelled before.", code="SCHEDULE_ALREADY_CANCELLED")
            cancelled = replace(
                before,
                status=ScheduleStatus.CANCELLED,
                revision=before.revision + 1,
                updated_at=self._clock.now(),
            )
            await schedules.update(cancelled)
            await self._cancels_events(
                writer, site_id, cancelled.id, preserve_with_participants=preserve_future_events_with_participants
            )
            await self._disconnects(writer, site_id, cancelled.id)
        return cancelled
