# ruff: noqa: DTZ901 - wall times are naive
"""Where an event lies on the time line: stamps → instants, lengths → ends, instances → occurrences."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import NamedTuple

from kalends.ical.event import Duration, Event, Stamp
from kalends.ical.values import Moment, Unreadable
from kalends.ical.zones import Zone
from kalends.model.occurrence import Availability, Occurrence
from kalends.model.time import Window, midnight

_DAY = timedelta(days=1)
_SLACK = 2 * _DAY
"""More than the clocks of two places may differ by (26 hours)."""


def start_of(event: Event) -> Stamp:
    """Return the event's start; raises `Unreadable` where a cancelled event has none."""
    if event.start is None:
        raise Unreadable("DTSTART is missing")
    return event.start


def key_of(point: datetime) -> str:
    """Return the `Occurrence.key` of an original start: an aware instant in UTC, or the naive midnight of a date."""
    written = point.isoformat()[:19].replace("-", "").replace(":", "")
    return written[:8] if point.tzinfo is None else f"{written}Z"


class Instance(NamedTuple):
    """An instance where its rule puts it.

    `point` identifies and orders the instances of one master: the instant in UTC, or for dates the naive midnight.
    `wall` is the same in the master's zone. `length` is set only where a PERIOD of RDATE has one of its own.
    """

    point: datetime
    wall: datetime
    length: Duration | None = None


class Shape(NamedTuple):
    """What the occurrences of one event have in common; `zone` is None for dates.

    They last as many `days` as the calendar says, and `exact` time beyond. Where that is less than nothing, it is none.
    """

    uid: str
    title: str
    availability: Availability
    zone: Zone | None
    days: timedelta
    exact: timedelta

    def at(self, key: str, wall: datetime, instant: datetime | None = None) -> Occurrence:
        """Return the occurrence at a wall time in the event's own zone.

        `instant` says which of two it is where that wall time happens twice; else it is the first.
        """
        uid, title, availability, zone, days, exact = self
        if zone is None:
            day = wall.date()
            return Occurrence(key, uid, day, day + days, None, title, availability)
        begins = instant or zone.instant(wall)
        ends = max(zone.instant(wall + days) + exact, begins) if days else begins + exact
        return Occurrence(key, uid, begins, ends, zone.label(wall), title, availability)


@dataclass(frozen=True, slots=True)
class Placing:
    """Puts events of a group on the time line. `floating` is the zone of wall times without one, and of dates."""

    window: Window
    floating: Zone

    def zone(self, start: Stamp) -> Zone:
        """Return the zone in which an event with that start is understood."""
        return start.zone or self.floating

    def point(self, stamp: Stamp, reference: Stamp) -> datetime:
        """Return the point (see `Instance`) that a stamp means in the series that starts at `reference`.

        A stamp without a zone is in the reference's; a date in a series of times means that day at the reference's
        time of day.
        """
        if reference.is_date:
            return datetime.combine(stamp.wall, time())
        if stamp.is_date:
            return self.zone(reference).instant(datetime.combine(stamp.wall, reference.wall.time()))
        return (stamp.zone or self.zone(reference)).instant(stamp.wall)

    def wall(self, point: datetime, reference: Stamp) -> datetime:
        """Return the wall time of a point in the series that starts at `reference`."""
        return point if reference.is_date else self.zone(reference).wall(point)

    def instances(self, walls: Iterable[datetime], reference: Stamp) -> list[Instance]:
        """Return the instances that begin at wall times of the series."""
        if reference.is_date:
            return [Instance(wall, wall) for wall in walls]
        instant = self.zone(reference).instant
        return [Instance(instant(wall), wall) for wall in walls]

    def allows(self, until: Moment | None, wall: datetime, reference: Stamp) -> bool:
        """Tell whether UNTIL allows a start.

        UNTIL is inclusive (RFC 5545 §3.3.10). As a date it allows the whole day in the series' zone; in a series of
        dates its day counts as written; without a zone it is in the series' zone, though a zoned series should have
        it in UTC.
        """
        if until is None:
            return True
        if until.is_date or reference.is_date:
            return wall.date() <= until.wall.date()
        if until.is_utc:
            if wall.toordinal() + _SLACK.days < until.wall.toordinal():
                return True  # by the clock of any place
            return self.zone(reference).instant(wall).replace(tzinfo=None) <= until.wall
        return wall <= until.wall

    def length(self, start: Stamp, end: Stamp | Duration | None) -> Duration:
        """Return how long an event lasts: for dates at least one whole day; for times it may be less than nothing.

        DTEND gives times an exact length, DURATION a nominal one (§3.8.5.3). An end without a zone is in the start's.
        """
        if start.is_date:
            if end is None:
                return Duration(1)
            size = end.wall - start.wall if isinstance(end, Stamp) else timedelta(days=end.days) + end.exact
            return Duration(max(1, -(-size // _DAY)))
        if isinstance(end, Stamp):
            zone = self.zone(start)
            return Duration(exact=(end.zone or zone).instant(end.wall) - zone.instant(start.wall))
        return end or Duration()

    def shape(self, event: Event, length: Duration) -> "Shape":
        """Return what an event's occurrences of a length have in common."""
        start = start_of(event)
        zone = None if start.is_date else self.zone(start)
        days, exact = timedelta(days=length.days), length.exact
        if not days:
            exact = max(exact, days)
        return Shape(event.uid or "", event.title, event.availability, zone, days, exact)

    def begun(self, point: datetime) -> bool:
        """Tell whether a point (see `Instance`) lies no later than the end of the window."""
        return (point if point.tzinfo else midnight(point.date(), self.floating.rules)) <= self.window.end

    def span(self, reference: Stamp, reach: "Reach") -> tuple[datetime, datetime]:
        """Return between which wall times the instances of a series may touch the window."""
        zone = self.floating if reference.is_date else self.zone(reference)
        back, ahead = reach.back + _SLACK, reach.ahead + _SLACK
        since, until = zone.wall(self.window.start), zone.wall(self.window.end)
        return (
            since - back if since - datetime.min > back else datetime.min,
            until + ahead if datetime.max - until > ahead else datetime.max,
        )


@dataclass(frozen=True, slots=True)
class Reach:
    """How far before the window, and after it, an instance may be to touch it; neither is negative."""

    back: timedelta = timedelta()
    ahead: timedelta = timedelta()

    @classmethod
    def of(cls, length: Duration, shift: timedelta = timedelta()) -> "Reach":
        """Return the reach of instances that last that long, `shift` away from where their rule puts them."""
        size = max(timedelta(), timedelta(days=length.days) + length.exact)
        return cls(max(timedelta(), shift + size), max(timedelta(), -shift))

    def __or__(self, other: "Reach") -> "Reach":
        return Reach(max(self.back, other.back), max(self.ahead, other.ahead))
