"""Noting that somebody looks at connections: what is looked at is read more often.

A note is a row that was loaded anyway and is written again once in some minutes, not once a request.
"""

from collections.abc import Collection
from datetime import timedelta

import structlog

from kalends.model.clock import Clock
from kalends.model.connection import Connection
from kalends.store.connections import Connections
from kalends.store.database import Database

log = structlog.get_logger(__name__)

NOTED_EVERY = timedelta(minutes=5)


class Looking:
    """Notes for which connections events were asked for. `poll_interval` is how soon they are then read at most."""

    def __init__(self, database: Database, clock: Clock, poll_interval: timedelta) -> None:
        self._database = database
        self._clock = clock
        self._poll_interval = poll_interval

    async def note(self, site_id: str, looked_at: Collection[Connection]) -> None:
        """Note a look at connections as they were loaded; that it cannot be noted is nobody's failure."""
        now = self._clock.now()
        noted_before = now - NOTED_EVERY
        due = [one.id for one in looked_at if one.looked_at is None or one.looked_at <= noted_before]
        if not due:
            return
        try:
            async with self._database.write() as writer:
                await Connections(writer, site_id).note_look(
                    due, now=now, noted_before=noted_before, due_by=now + self._poll_interval
                )
        except Exception:
            log.exception("look_not_noted")
