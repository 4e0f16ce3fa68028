"""The ends of syncs that found nothing new, written for many connections at once."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, update
from sqlalchemy.ext.asyncio import AsyncConnection

from kalends.model.connection import ConnectionKey, Lease, Status
from kalends.store.leases import Leases, released
from kalends.store.tables import connections, readings


@dataclass(frozen=True, slots=True)
class QuietEnd:
    """That a sync found nothing new: `cursors` by the ids of the calendars that were read to their end."""

    lease: Lease
    next_sync_at: datetime
    cursors: Mapping[str, str]


class QuietEnds:
    """Ends syncs of all sites, in an open transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def write(self, ends: Collection[QuietEnd], at: datetime) -> Collection[ConnectionKey]:
        """Note good reads and give the leases back; return for which connections that was done.

        Left out are those whose lease was lost, and those that somebody else writes at this moment: nobody who writes
        many rows waits for one of them, or two such could wait for each other.
        """
        held = await Leases(self._connection).standing([one.lease for one in ends])
        written = [one for one in ends if one.lease.key in held]
        if not written:
            return held
        await self._connection.execute(
            _END,
            [
                {"_site": one.lease.key.site_id, "_id": one.lease.key.connection_id, **_values(one, at)}
                for one in written
            ],
        )
        cursors = [
            {"_site": one.lease.key.site_id, "_calendar": calendar_id, "cursor": cursor, "last_good_at": at}
            for one in written
            for calendar_id, cursor in one.cursors.items()
        ]
        if cursors:
            await self._connection.execute(_NOTE_CURSOR, cursors)
        return held


def _values(end: QuietEnd, at: datetime) -> dict[str, object]:
    return {"last_read_at": at, "last_good_read_at": at, **released(end.lease, end.next_sync_at)}


_END = (
    update(connections)
    .where(connections.c.site_id == bindparam("_site"), connections.c.id == bindparam("_id"))
    .values(status=Status.SYNCED.value, error_reason=None, failures=0, last_error=None, acknowledgement=None)
)
_NOTE_CURSOR = (
    update(readings)
    .where(readings.c.site_id == bindparam("_site"), readings.c.calendar_id == bindparam("_calendar"))
    .values(doubted_at=None, doubted_items=None)
)
