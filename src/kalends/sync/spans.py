"""Events that the stored occurrences do not answer for: outside their window, or not yet placed by the present zones.

Where a provider delivers whole series, everything needed is stored: the items are expanded for the span, away from the
event loop and under a deadline.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

from kalends.model.clock import Clock
from kalends.model.connection import Connection
from kalends.model.occurrence import ExpansionContext, span_in
from kalends.model.time import Window
from kalends.providers.base import Delivery, ProviderKind
from kalends.store.calendars import StoredCalendar
from kalends.store.contents import Contents
from kalends.store.database import Database
from kalends.store.events import StoredEvent
from kalends.sync.applying import storable
from kalends.sync.expansion import Group
from kalends.sync.recognition import Recognition
from kalends.sync.subject import ReadingLimits, floating_zone, placing_zones

DEADLINE = timedelta(seconds=30)
SLACK = timedelta(hours=26)
"""How far apart two zones can place the same day."""


class SpanNotReadable(Exception):
    """What lies in the span is not stored, or takes too long to work out."""


class Spans:
    """Knows which spans are kept, and works out the others."""

    def __init__(self, database: Database, recognition: Recognition, clock: Clock, limits: ReadingLimits) -> None:
        self._database = database
        self._recognition = recognition
        self._clock = clock
        self._limits = limits

    def is_kept(self, calendar: StoredCalendar, schedule_zone: str, span: Window) -> bool:
        """Tell whether the stored occurrences of a calendar answer for a span: not where other zones placed them."""
        if calendar.coverage is None or calendar.coverage.zones != placing_zones(calendar, schedule_zone):
            return False
        covers, keeps = calendar.coverage.window, self._limits.window(self._clock.now())
        return max(covers.start, keeps.start) + SLACK <= span.start and span.end <= covers.end - SLACK

    async def events(
        self,
        connection: Connection,
        calendar: StoredCalendar,
        kind: ProviderKind,
        schedule_zone: str,
        span: Window,
    ) -> Sequence[StoredEvent]:
        """Return all events of a calendar around the span, free ones included; raises `SpanNotReadable`."""
        if kind.delivers is Delivery.INSTANCES:
            raise SpanNotReadable(calendar.id)
        async with self._database.read() as reader:
            stored = await Contents(reader, calendar.site_id, calendar.id).items.of_groups(None)
        groups = [Group(key, tuple(items.payloads.values())) for key, items in stored.items() if items.payloads]
        context = ExpansionContext(
            _widened(span), floating_zone(calendar, schedule_zone), connection.addresses, self._limits.expansion
        )
        try:
            async with asyncio.timeout(DEADLINE.total_seconds()):
                expanded = await self._recognition.expand(calendar.site_id, kind, groups, context)
        except TimeoutError:
            raise SpanNotReadable(calendar.id) from None
        zone = ZoneInfo(schedule_zone)
        events = []
        for group_key, expansion in expanded.items():
            for one in map(storable, expansion.occurrences):
                start_at, end_at = span_in(zone, one)
                events.append(
                    StoredEvent(
                        start_at, calendar.id, group_key, one.key, end_at, one.all_day, one.title, one.availability
                    )
                )
        return events


def _widened(span: Window) -> Window:
    """Return the span with what another zone may move into it."""
    try:
        return Window(span.start - SLACK, span.end + SLACK)
    except OverflowError:
        return span
