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


@dataclass(frozen=True, slots=True)
class Subject:
    """What is read, for whom: a calendar of a connection, by an open session, under a lease."""

    lease: Lease
    connection: Connection
    calendar: StoredCalendar
    kind: ProviderKind
    session: AccountSession
    schedule_zone: str

    @property
    def floating_zone(self) -> str:
        """The zone of times that name none: the calendar's, else the schedule's."""
        return self.calendar.calendar.time_zone or self.schedule_zone

    @property
    def zones(self) -> str:
        """What places floating and all-day events, to be compared with what placed them before."""
        return f"{self.floating_zone} {self.schedule_zone}"

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which all-day events run from midnight to midnight."""
        return ZoneInfo(self.schedule_zone)

    def context(self, window: Window, limits: ReadingLimits) -> ExpansionContext:
        """Return what the expansion of this calendar's groups depends on."""
        return ExpansionContext(window, self.floating_zone, self.connection.addresses, limits.expansion)

    def contents(self, transaction: Transaction) -> Contents:
        """Return the calendar's contents, to be read."""
        return Contents(transaction, self.lease.site_id, self.calendar.id)

    async def fenced(self, writer: Transaction) -> Contents:
        """Return the calendar's contents, to be written; raises `LeaseLost`."""
        await Leases(writer).check(self.lease)
        return self.contents(writer)
