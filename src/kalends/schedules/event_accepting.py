"""Following what the owner of a calendar did to the copy of an event, where the site wants that."""

from kalends.model.errors import Conflict, Invalid, NotFound, PreconditionFailed
from kalends.model.schedule_event import wall_time
from kalends.schedules.event_cancelling import EventCancelling
from kalends.schedules.event_changing import EventChanging
from kalends.schedules.event_drafts import AskedTimes, EventChange
from kalends.sync.export.convergence import OwnersChange


class EventAccepting:
    """Moves and cancels events as their copies were moved and deleted."""

    def __init__(self, changing: EventChanging, cancelling: EventCancelling) -> None:
        self._changing = changing
        self._cancelling = cancelling

    async def accept(self, change: OwnersChange) -> bool:
        """Change an event as its copy was; tell whether that was possible: not where it is another one by now.

        It stays in its own zone, whatever zone the copy is in; a whole day stays one.
        """
        try:
            if change.times is None:
                await self._cancelling.cancel(change.site_id, change.event_id, revision=change.revision)
            else:
                times, zone = change.times, change.zone
                asked = AskedTimes(times.start, times.end, all_day=True)
                if not times.all_day:
                    asked = AskedTimes(wall_time(times.start_at, zone), wall_time(times.end_at, zone), all_day=False)
                await self._changing.update(
                    change.site_id, change.event_id, EventChange(asked), revision=change.revision
                )
        except (NotFound, PreconditionFailed, Conflict, Invalid):
            return False
        return True
