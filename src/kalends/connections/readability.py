"""Whether *list events* can answer for a connection, and where it cannot, why. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from kalends.model.connection import Connection, Status
from kalends.store.calendars import StoredCalendar
from kalends.sync.selection import imported, lacks_primary


class Obstacle(StrEnum):
    """Why a connection cannot be read."""

    ERROR = "ERROR"
    NO_PLUGIN = "NO_PLUGIN"
    CALENDARS_GONE = "CALENDARS_GONE"
    NEVER_READ = "NEVER_READ"
    STALE = "STALE"


class Standing(StrEnum):
    """What a connection is to *list events*."""

    READABLE = "READABLE"
    UNREADABLE = "UNREADABLE"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    NOT_COUNTED = "NOT_COUNTED"


@dataclass(frozen=True, slots=True)
class Readability:
    """What a connection can answer: `calendars` are those chosen for import that still exist."""

    standing: Standing
    calendars: Sequence[StoredCalendar]
    obstacles: Sequence[Obstacle]

    @property
    def awaits_first_read(self) -> bool:
        """Whether there is hope that a little patience is all it takes."""
        return Obstacle.NEVER_READ in self.obstacles and Obstacle.ERROR not in self.obstacles


def readability(
    connection: Connection,
    calendars: Sequence[StoredCalendar],
    *,
    has_plugin: bool,
    now: datetime,
    staleness_limit: timedelta,
) -> Readability:
    """Return how a connection stands; `calendars` are all of its account that were ever seen.

    A disconnected one, and one of which nothing is to be imported, count neither way.
    """
    wanted = imported(connection, calendars)
    chosen = [one for one in wanted if one.gone_at is None]
    if connection.status is Status.DISCONNECTED or not connection.import_config.enabled:
        return Readability(Standing.NOT_COUNTED, chosen, ())
    obstacles = []
    if connection.status is Status.ERROR:
        obstacles.append(Obstacle.ERROR)
    if not has_plugin:
        obstacles.append(Obstacle.NO_PLUGIN)
    if (wanted and not chosen) or lacks_primary(connection, wanted):
        obstacles.append(Obstacle.CALENDARS_GONE)
    if any(one.last_good_read_at is None for one in chosen):
        obstacles.append(Obstacle.NEVER_READ)
    oldest = now - staleness_limit
    if any(one.last_good_read_at is not None and one.last_good_read_at <= oldest for one in chosen):
        obstacles.append(Obstacle.STALE)
    if not obstacles:
        return Readability(Standing.READABLE, chosen, ())
    known = connection.acknowledgement is not None and connection.acknowledgement.holds(now)
    return Readability(Standing.ACKNOWLEDGED if known else Standing.UNREADABLE, chosen, obstacles)
