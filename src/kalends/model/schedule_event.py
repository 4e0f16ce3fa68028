"""Schedule events: bookings, classes and blocks on a schedule, alone or as a weekly series (contract §9).

A series is one event. What it looks like over time is kept in segments: a change from some instance on ends one and
begins the next, so that what has been stays as it was. Single instances that differ are overrides.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

LONGEST_TITLE = 200
LONGEST_NOTES = 5_000
FIRST_YEAR = 1900
LAST_YEAR = 2100
"""No event ends after this year, and every series ends in it at the latest."""
LONGEST_INTERVAL = 52
LONGEST_INSTANCE = timedelta(days=7)
"""An event that recurs is no longer than this, so that no two of its instances overlap."""
WEEK = timedelta(weeks=1)

CONTENT = (
    "title",
    "transparency",
    "notes",
    "location",
    "resources",
    "totalCapacity",
    "conferencingDetails",
    "participants",
    "extendedFields",
)
"""What an event says, by the names on the wire: what an instance inherits from its series beside its times."""
TIMES = ("start", "end", "timeZone", "allDay")


class EventType(StrEnum):
    """What an event is; it never changes."""

    DEFAULT = "DEFAULT"
    WORKING_HOURS = "WORKING_HOURS"
    APPOINTMENT = "APPOINTMENT"
    CLASS = "CLASS"
    COURSE = "COURSE"


class EventStatus(StrEnum):
    """Status of an event; `CANCELLED` is final."""

    CONFIRMED = "CONFIRMED"
    CANCELLED = "CANCELLED"


class Transparency(StrEnum):
    """Whether an event blocks the time of its schedule."""

    OPAQUE = "OPAQUE"
    TRANSPARENT = "TRANSPARENT"


class RecurrenceType(StrEnum):
    """How an event belongs to a series: not at all, as the series itself, as one of its instances, as a changed one."""

    NONE = "NONE"
    MASTER = "MASTER"
    INSTANCE = "INSTANCE"
    EXCEPTION = "EXCEPTION"


class Weekday(StrEnum):
    """A day of the week."""

    MONDAY = "MONDAY"
    TUESDAY = "TUESDAY"
    WEDNESDAY = "WEDNESDAY"
    THURSDAY = "THURSDAY"
    FRIDAY = "FRIDAY"
    SATURDAY = "SATURDAY"
    SUNDAY = "SUNDAY"

    @classmethod
    def of(cls, wall: datetime) -> "Weekday":
        """Return the day of a wall time."""
        return tuple(cls)[wall.weekday()]


@dataclass(frozen=True, slots=True)
class EventTimes:
    """When an event is: naive wall times in an IANA zone, `end` exclusive. An all-day one runs from 0:00 to 0:00."""

    start: datetime
    end: datetime
    zone: str
    all_day: bool = False

    @property
    def start_at(self) -> datetime:
        """The instant (UTC) of the start: see `instant`."""
        return instant(self.start, self.zone)

    @property
    def end_at(self) -> datetime:
        """The instant (UTC) of the end, after the start.

        Where a gap skips the start, nothing or less may be left until the end: then the event lasts as long as its
        wall times say.
        """
        start_at, end_at = self.start_at, instant(self.end, self.zone)
        return end_at if end_at > start_at else start_at + self.length

    @property
    def length(self) -> timedelta:
        """How long it lasts by its wall times."""
        return self.end - self.start

    def at(self, start: datetime) -> "EventTimes":
        """Return the same at another start."""
        return replace(self, start=start, end=start + self.length)


def instant(wall: datetime, zone: str) -> datetime:
    """Return the instant (UTC) of a naive wall time in an IANA zone.

    As in RFC 5545 §3.3.5: a wall time that a change of offset skips is understood with the offset before the gap, one
    that comes twice is the first.
    """
    return wall.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)


def wall_time(at: datetime, zone: str) -> datetime:
    """Return the naive wall time of an aware instant in an IANA zone."""
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0)


@dataclass(frozen=True, slots=True)
class WeeklyRule:
    """Each `interval` weeks, on the weekday of the start; `until` is the latest naive wall time at which one starts."""

    interval: int = 1
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """What an event looks like for some time; a single event has exactly one, without a rule.

    `ordinal` names and orders the segments of one event. `times` are those of the rule's first instance, which may lie
    before the segment: only instances that start at `from_at` or later, and before `before_at`, are its own; None
    leaves a side open. Segments with the same times and rule have the same `grid`, so that the ids of instances outlive
    a change of title. `content` holds `CONTENT` as on the wire; what is absent was never given.
    """

    ordinal: int
    grid: int
    times: EventTimes
    content: Mapping[str, Any]
    rule: WeeklyRule | None = None
    from_at: datetime | None = None
    before_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Override:
    """An instance that differs from its series: `original` is the naive wall time at which its segment puts it.

    `id` is the id that the instance had when it was changed, and goes on having. `changes` holds what differs of
    `CONTENT`, None for what was taken away; `times`, if they differ, differ as a whole.
    """

    id: str
    ordinal: int
    original: datetime
    created_at: datetime
    updated_at: datetime
    times: EventTimes | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    cancelled: bool = False
    revision: int = 1

    @property
    def key(self) -> tuple[int, datetime]:
        """What tells the overrides of one event apart."""
        return self.ordinal, self.original


@dataclass(frozen=True, slots=True)
class ScheduleEvent:
    """An event as it is kept. `revision` rises with each change; `cancelled_at` is from when on it is cancelled.

    `app_id` is the app that made it. The segments are in the order of time, and there is at least one.
    """

    site_id: str
    id: str
    schedule_id: str
    type: EventType
    app_id: str | None
    created_at: datetime
    updated_at: datetime
    segments: tuple[Segment, ...]
    overrides: tuple[Override, ...] = ()
    cancelled_at: datetime | None = None
    revision: int = 1

    @property
    def recurs(self) -> bool:
        """Whether it is a series."""
        return self.segments[0].rule is not None

    @property
    def last(self) -> Segment:
        """The segment that the series shows as its own: what holds in the end."""
        return self.segments[-1]


@dataclass(frozen=True, slots=True)
class EventChanged:
    """A schedule event was made, changed or cancelled; `event_id` is that of the series, whichever instance it was."""

    site_id: str
    schedule_id: str
    event_id: str


@dataclass(frozen=True, slots=True)
class EventView:
    """An event as it is shown: a single one, a series, or one instance of it.

    `rule` is there for a series, `original` (naive wall time) for its instances. `overridden` are the fields of an
    exception, of `CONTENT` and `TIMES`, that it does not inherit.
    """

    event: ScheduleEvent
    id: str
    recurrence: RecurrenceType
    segment: Segment
    times: EventTimes
    content: Mapping[str, Any]
    status: EventStatus
    revision: int
    created_at: datetime
    updated_at: datetime
    rule: WeeklyRule | None = None
    original: datetime | None = None
    overridden: frozenset[str] = frozenset()

    @property
    def transparency(self) -> Transparency:
        """Whether it blocks."""
        return Transparency(self.content.get("transparency") or Transparency.OPAQUE)

    @property
    def inherited(self) -> tuple[str, ...]:
        """What an exception inherits from its series."""
        if self.recurrence is not RecurrenceType.EXCEPTION:
            return ()
        return tuple(name for name in (*CONTENT, *TIMES) if name not in self.overridden)
