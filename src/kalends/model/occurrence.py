"""What is left of an external event once it has been expanded: concrete spans of time."""

from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from enum import StrEnum
from typing import NamedTuple

from kalends.model.time import Window, midnight


class Availability(StrEnum):
    """What an occurrence says about the person's time. Only the first two block."""

    BUSY = "busy"
    TENTATIVE = "tentative"
    FREE = "free"
    DECLINED = "declined"

    @property
    def blocks(self) -> bool:
        """Whether the person counts as taken."""
        return self in {Availability.BUSY, Availability.TENTATIVE}


class Occurrence(NamedTuple):
    """One concrete span of time of an item. Cancelled ones are not occurrences.

    `key` tells the occurrences of one group apart and stays the same when one is moved: the original start
    (RFC 5545 RECURRENCE-ID) in UTC as `YYYYMMDDTHHMMSSZ`, or `YYYYMMDD` for all-day series; a group in which one
    original start stands twice appends `#2`, `#3`, ….
    `start` (inclusive) and `end` (exclusive) are both aware UTC datetimes, or both dates for an all-day event;
    `start <= end`, and an all-day event has `start < end`. `zone` is the zone in which the wall time was understood
    (IANA name, `UTC`, or a fixed offset as `+HH:MM`), None for all-day. A tuple, for there are many.
    """

    key: str
    uid: str
    start: datetime | date
    end: datetime | date
    zone: str | None
    title: str
    availability: Availability

    @property
    def all_day(self) -> bool:
        """Whether start and end are dates."""
        return not isinstance(self.start, datetime)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why an event of a group could not be read: shown to the operator, never with the event's title.

    `uid` is None where not even that could be read.
    """

    uid: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class ExpansionLimits:
    """How much of one group is looked at, at most."""

    max_bytes: int = 1_048_576
    max_events: int = 2_000
    max_occurrences: int = 5_000
    max_steps: int = 100_000


@dataclass(frozen=True, slots=True)
class ExpansionContext:
    """What the expansion of a group depends on besides its text.

    `floating_zone` is an IANA name: where wall times without a zone, and all-day events at the edge of the
    window, are placed.
    `own_addresses` holds lower-case e-mail addresses of the account: an attendee of that address who
    declined makes the event `DECLINED`.
    """

    window: Window
    floating_zone: str
    own_addresses: frozenset[str] = frozenset()
    limits: ExpansionLimits = field(default_factory=ExpansionLimits)


@dataclass(frozen=True, slots=True)
class Expansion:
    """The occurrences of one group inside a window.

    `expanded_until` is the window's end where more may come after it, None where the group is exhausted. Where the
    limits ended the expansion, `given_up` is True and `expanded_until` the window's end: another window may do better.
    `floating` tells whether a zone of the surroundings (`ExpansionContext.floating_zone`) was used.
    Occurrences that only touch the window are included; those fully outside are not.
    """

    occurrences: tuple[Occurrence, ...] = ()
    expanded_until: datetime | None = None
    floating: bool = False
    given_up: bool = False
    problems: tuple[Problem, ...] = ()


def span_in(zone: tzinfo, occurrence: Occurrence) -> tuple[datetime, datetime]:
    """Return the occurrence's start and end as UTC instants; all-day ones run from midnight to midnight in `zone`."""
    start, end = occurrence.start, occurrence.end
    if isinstance(start, datetime) and isinstance(end, datetime):
        return start, end
    return midnight(start, zone), midnight(end, zone)
