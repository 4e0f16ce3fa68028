"""What a reading is about, and within which limits."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from kalends.model.connection import Connection, Lease
from kalends.model.occurrence import ExpansionContext, ExpansionLimits
from kalends.model.time import Window
from kalends.providers.base import AccountSession, ProviderKind
from kalends.store.calendars import StoredCalendar
from kalends.store.contents import Contents
from kalends.store.database import Transaction
from kalends.store.leases import Leases
from kalends.sync.places import Place

MARGIN = timedelta(days=2)
"""Beyond the window on both sides: all-day events are placed by zones up to 26 hours apart, and days begin anew."""


@dataclass(frozen=True, slots=True)
class ReadingLimits:
    """What is read of a calendar, at most, and for which window occurrences are kept."""

    window_back: timedelta
    window_ahead: timedelta
    max_items: int
    expansion: ExpansionLimits

    def window(self, now: datetime) -> Window:
        """Return the window for which occurrences are kept, with its margins."""
        return Window.around(now, self.window_back + MARGIN, self.window_ahead + MARGIN)


def floating_zone(calendar: StoredCalendar, schedule_zone: str) -> str:
    """Return the zone of times that name none: the calendar's, else the schedule's."""
    return calendar.calendar.time_zone or schedule_zone


def placing_zones(calendar: StoredCalendar, schedule_zone: str) -> str:
    """Return what places a calendar's floating and all-day events, to be compared with what placed them before."""
    return f"{floating_zone(calendar, schedule_zone)} {schedule_zone}"


@dataclass(frozen=True, slots=True)
class StoredSubject:
    """What is stored, for whom: the contents of a connection's calendar, to be written under a lease."""

    lease: Lease
    connection: Connection
    calendar: StoredCalendar
    kind: ProviderKind
    schedule_zone: str
    place: Place

    @property
    def zones(self) -> str:
        """What places floating and all-day events."""
        return placing_zones(self.calendar, self.schedule_zone)

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which all-day events run from midnight to midnight."""
        return ZoneInfo(self.schedule_zone)

    def context(self, window: Window, limits: ReadingLimits) -> ExpansionContext:
        """Return what the expansion of this calendar's groups depends on."""
        zone = floating_zone(self.calendar, self.schedule_zone)
        return ExpansionContext(window, zone, self.connection.addresses, limits.expansion)

    def contents(self, transaction: Transaction) -> Contents:
        """Return the calendar's contents, to be read."""
        return Contents(transaction, self.lease.site_id, self.calendar.id)

    async def fenced(self, writer: Transaction) -> Contents:
        """Return the calendar's contents, to be written; raises `LeaseLost`."""
        await Leases(writer).check(self.lease)
        return self.contents(writer)


@dataclass(frozen=True, slots=True)
class Subject(StoredSubject):
    """What is read, for whom: a calendar of a connection, by an open session."""

    session: AccountSession
