"""Cancelling a schedule, for ever."""

from dataclasses import replace

from kalends.model.clock import Clock
from kalends.model.errors import PreconditionFailed
from kalends.model.schedule import Schedule, ScheduleStatus
from kalends.schedules.changing import Disconnects
from kalends.schedules.finding import find_schedule
from kalends.store.database import Database
from kalends.store.schedules import Schedules


class ScheduleCancelling:
    """Cancels schedules. `disconnects` takes part in the transaction."""

    def __init__(self, database: Database, clock: Clock, disconnects: Disconnects) -> None:
        self._database = database
        self._clock = clock
        self._disconnects = disconnects

    async def cancel(self, site_id: str, schedule_id: str) -> Schedule:
        """Cancel a schedule and return it.

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
            await self._disconnects(writer, site_id, cancelled.id)
        return cancelled
