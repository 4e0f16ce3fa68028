"""What recurrence works on: events as plain values, whatever format they were read from."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from kalends.ical.rules import Rule
from kalends.ical.zones import Zone
from kalends.model.occurrence import Availability


@dataclass(frozen=True, slots=True)
class Stamp:
    """A date (`wall` is its midnight), or a wall time in a zone; `zone` is None for dates and floating times."""

    wall: datetime
    is_date: bool = False
    zone: Zone | None = None

    @property
    def floating(self) -> bool:
        """Whether this is a wall time without a zone."""
        return not self.is_date and self.zone is None


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time (RFC 5545 §3.3.6): `days` are nominal and keep the wall time, `exact` is time that passes."""

    days: int = 0
    exact: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class ExtraStart:
    """A value of RDATE; `end` only where it is a PERIOD."""

    start: Stamp
    end: Stamp | Duration | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One VEVENT: a single event, the master of a series, or (with `recurrence_id`) one changed instance of it.

    `start` may be None only where `cancelled`. `withdrawn` says that it comes with METHOD:CANCEL (RFC 5546 §3.2.5), and
    so is about an event that was sent before. `end` is None where neither DTEND nor DURATION is given.
    `this_and_future` says that the change holds for all later instances too. The rules of an override are not
    looked at.
    """

    uid: str | None
    start: Stamp | None
    end: Stamp | Duration | None = None
    title: str = ""
    availability: Availability = Availability.BUSY
    cancelled: bool = False
    withdrawn: bool = False
    sequence: int = 0
    recurrence_id: Stamp | None = None
    this_and_future: bool = False
    rules: tuple[Rule, ...] = ()
    excluded_rules: tuple[Rule, ...] = ()
    extra: tuple[ExtraStart, ...] = ()
    excluded: tuple[Stamp, ...] = ()
