"""Listening for the heartbeats of the other processes, and taking the leases of those that have fallen silent."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from kalends.model.clock import Clock
from kalends.store.database import Database
from kalends.store.leases import Leases
from kalends.store.servers import Servers

log = structlog.get_logger(__name__)

EVERY = timedelta(seconds=1)
LONGEST_PAUSE = 3 * EVERY
"""What the time between two looks counts for at most.

Where this process was held up itself, or the database was away, the others may have beaten in vain or not at all.
"""
DEAD_AFTER = timedelta(seconds=15)
"""How long a process may be silent before the others take it for dead."""


@dataclass(slots=True)
class _Sign:
    """The latest heartbeat of another process, and how long it has been the latest while we listened."""

    beat_at: datetime
    silence: timedelta = timedelta(0)


class Hearing:
    """Listens on behalf of one process, `server_id`.

    Silence is measured by the clock here, from when a heartbeat was first seen: what another machine's clock shows
    says nothing about how long ago it was. A process that has never beaten, such as a command that does one sync,
    keeps its leases until they run out.
    """

    def __init__(self, database: Database, clock: Clock, server_id: str) -> None:
        self._database = database
        self._clock = clock
        self._server_id = server_id
        self._signs: Mapping[str, _Sign] = {}
        self._looked_at: datetime | None = None

    async def once(self) -> int:
        """Look for signs of life, and void the leases of who has given none for `DEAD_AFTER`; return how many."""
        async with self._database.read() as reader:
            beats = await Servers(reader).beats()
        self._signs = self._listened({one: at for one, at in beats.items() if one != self._server_id})
        dead = [(server_id, sign.beat_at) for server_id, sign in self._signs.items() if sign.silence >= DEAD_AFTER]
        return sum([await self._void(server_id, beat_at) for server_id, beat_at in dead])

    def _listened(self, beats: Mapping[str, datetime]) -> Mapping[str, _Sign]:
        now = self._clock.now()
        passed = min(max(now - (self._looked_at or now), timedelta(0)), LONGEST_PAUSE)
        self._looked_at = now
        signs = {}
        for server_id, beat_at in beats.items():
            known = self._signs.get(server_id)
            same = known is not None and known.beat_at == beat_at
            signs[server_id] = _Sign(beat_at, known.silence + passed if known and same else timedelta(0))
        return signs

    async def _void(self, server_id: str, beat_at: datetime) -> int:
        """Void the leases of a dead process, and forget it once it holds none any more.

        Should it live all the same, it goes on under those that nobody has taken; where somebody has, the fence
        keeps it from writing.
        """
        async with self._database.write() as writer:
            servers, leases = Servers(writer), Leases(writer)
            if not await servers.still(server_id, beat_at):
                return 0
            voided = await leases.void(self._clock.now(), of=server_id)
            forgotten = not await leases.of(server_id, self._clock.now())
            if forgotten:
                await servers.leave(server_id)
        if voided or forgotten:
            log.warning("server_died", server=server_id, leases=voided)
        return voided
