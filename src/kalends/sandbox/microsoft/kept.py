"""The events of a calendar as they are kept: the newest version of each, and what is left of deleted ones."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from kalends.sandbox.microsoft.patterns import Series
from kalends.sandbox.microsoft.times import Moment


@dataclass(frozen=True, slots=True)
class KeptEvent:
    """One version of a single event, a series' master or an exception of a series; never changed, only replaced.

    `fields` are those properties that nothing here computes, `properties` its extended ones. A master has a `series`,
    the days of occurrences that were `cancelled`, and its `exceptions` by the day of their original start, which is
    their `original`. `change` is the number of the change that made this version.
    """

    key: bytes
    fields: Mapping[str, Any]
    start: Moment
    end: Moment
    all_day: bool
    created: datetime
    updated: datetime
    change: int
    properties: Mapping[str, str] = field(default_factory=dict)
    series: Series | None = None
    cancelled: frozenset[date] = frozenset()
    exceptions: Mapping[date, "KeptEvent"] = field(default_factory=dict)
    original: date | None = None

    @property
    def begins(self) -> datetime:
        """The instant (UTC) of the start."""
        return self.start.instant

    @property
    def ends(self) -> datetime:
        """The instant (UTC) of the end."""
        return self.end.instant

    def touches(self, since: datetime, until: datetime) -> bool:
        """Tell whether the event lies in a span, if only in part."""
        return touching(self.begins, self.ends, since, until)

    def occurrence(self, wall: datetime) -> "Occurrence":
        """Return the occurrence of a series that starts at a wall time."""
        start = self.start.at(wall)
        if self.all_day:
            return Occurrence(self, wall.date(), start, self.end.at(wall + (self.end.wall - self.start.wall)))
        return Occurrence(self, wall.date(), start, self.end.on(start.instant + (self.ends - self.begins)))

    def occurrence_on(self, day: date) -> "Occurrence | None":
        """Return the occurrence that the series has on a day, whatever became of it; None where it has none."""
        if self.series is None:
            return None
        wall = datetime.combine(day, self.start.wall.time())
        return self.occurrence(wall) if wall in self.series.walls(self.start.wall, wall, wall) else None

    def instances(self, since: datetime, until: datetime) -> "list[Occurrence | KeptEvent]":
        """Return the occurrences and exceptions of a series that lie in a span, in the order of their starts."""
        if self.series is None:
            return []
        slack = timedelta(days=2)
        size = self.end.wall - self.start.wall + slack
        walls = self.series.walls(
            self.start.wall, self.start.zone.wall(since) - size, self.start.zone.wall(until) + slack
        )
        gone = self.cancelled | set(self.exceptions)
        made = [self.occurrence(wall) for wall in walls if wall.date() not in gone]
        found: list[Occurrence | KeptEvent] = [one for one in made if one.touches(since, until)]
        found += [one for one in self.exceptions.values() if one.touches(since, until)]
        return sorted(found, key=lambda one: (one.begins, one.ends))


@dataclass(frozen=True, slots=True)
class Occurrence:
    """An occurrence where its series puts it; `day` is that of its start, in the zone of the series."""

    master: KeptEvent
    day: date
    start: Moment
    end: Moment

    @property
    def begins(self) -> datetime:
        """The instant (UTC) of the start."""
        return self.start.instant

    @property
    def ends(self) -> datetime:
        """The instant (UTC) of the end."""
        return self.end.instant

    def touches(self, since: datetime, until: datetime) -> bool:
        """Tell whether the occurrence lies in a span, if only in part."""
        return touching(self.begins, self.ends, since, until)


def touching(begins: datetime, ends: datetime, since: datetime, until: datetime) -> bool:
    """Tell whether what begins and ends then lies in a span; what takes no time does where the span begins."""
    return begins < until and (ends > since or begins >= since)


@dataclass
class KeptEvents:
    """All events of a calendar; `gone` maps the keys of deleted ones to the change that deleted them.

    `change` is the number of the latest change of any of them.
    """

    living: dict[bytes, KeptEvent] = field(default_factory=dict)
    gone: dict[bytes, int] = field(default_factory=dict)
    change: int = 0

    def __iter__(self) -> Iterator[KeptEvent]:
        return iter(self.living.values())

    def get(self, key: bytes) -> KeptEvent | None:
        """Return a single event or a master."""
        return self.living.get(key)

    def put(self, event: KeptEvent, change: int) -> KeptEvent:
        """Keep a version of a single event or a master, which a change has made of it or of its instances."""
        self.living[event.key], self.change = event, change
        return event

    def delete(self, key: bytes, change: int) -> None:
        """Forget an event, but for that it was there."""
        del self.living[key]
        self.gone[key] = self.change = change
