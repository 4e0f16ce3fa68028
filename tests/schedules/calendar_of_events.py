"""Asking for schedule events in tests, in few words."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from kalends.model.schedule_event import EventType
from kalends.model.time import Window
from kalends.schedules.event_drafts import AskedRule, AskedTimes, EventChange, EventDraft
from kalends.schedules.event_finding import EventOnSchedule
from kalends.schedules.event_queries import EventQuery
from kalends.schedules.event_reading import EventPage
from tests.world import World

WINTER = Window(datetime(2026, 11, 1, tzinfo=UTC), datetime(2027, 3, 1, tzinfo=UTC))
Row = tuple[str, str, str]


def wall(text: str) -> datetime:
    """Return a wall time."""
    return datetime.fromisoformat(text)


def asked(start: str | None = None, end: str | None = None, **more: Any) -> AskedTimes:
    """Return what is said of times, from texts such as `2026-12-01T09:00`."""
    return AskedTimes(wall(start) if start else None, wall(end) if end else None, **more)


class Events:
    """The events of a world's schedule."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._site_id = world.site.id

    async def single(self, start: str, end: str, title: str = "Cut", **more: Any) -> EventOnSchedule:
        """Make a single event."""
        return await self.create(start, end, title, **more)

    async def weekly(
        self, start: str, end: str, title: str = "Zumba", *, interval: int = 1, until: str | None = None, **more: Any
    ) -> EventOnSchedule:
        """Make a series."""
        rule = AskedRule(interval, until=wall(until) if until else None)
        return await self.create(start, end, title, rule=rule, **more)

    async def create(
        self,
        start: str,
        end: str,
        title: str | None = None,
        *,
        rule: AskedRule | None = None,
        key: str | None = None,
        kind: EventType = EventType.DEFAULT,
        content: Mapping[str, Any] | None = None,
        schedule_id: str | None = None,
        app_id: str | None = None,
        **times: Any,
    ) -> EventOnSchedule:
        """Make an event."""
        said = {**({"title": title} if title else {}), **(content or {})}
        draft = EventDraft(schedule_id or self.world.schedule.id, asked(start, end, **times), kind, app_id, rule, said)
        return await self.world.kalends.event_creating.create(self._site_id, draft, idempotency_key=key)

    async def get(self, event_id: str) -> EventOnSchedule:
        """Return an event as it is now."""
        return await self.world.kalends.event_reading.get(self._site_id, event_id)

    async def update(
        self, event_id: str, times: AskedTimes | None = None, *, rule: AskedRule | None = None, **content: Any
    ) -> EventOnSchedule:
        """Change an event by its present revision."""
        change = EventChange(times or AskedTimes(), rule, content)
        revision = (await self.get(event_id)).view.revision
        return await self.world.kalends.event_changing.update(self._site_id, event_id, change, revision=revision)

    async def update_following(
        self, event_id: str, times: AskedTimes | None = None, *, rule: AskedRule | None = None, **content: Any
    ) -> EventOnSchedule:
        """Change an instance and what follows it, by its present revision."""
        change = EventChange(times or AskedTimes(), rule, content)
        revision = (await self.get(event_id)).view.revision
        changing = self.world.kalends.event_changing
        return await changing.update_following(self._site_id, event_id, change, revision=revision)

    async def cancel(self, event_id: str) -> EventOnSchedule:
        """Cancel an event."""
        return await self.world.kalends.event_cancelling.cancel(self._site_id, event_id)

    async def page(self, span: Window = WINTER, **query: Any) -> EventPage:
        """Return the first page of a query."""
        return await self.world.kalends.event_reading.first(self._site_id, EventQuery(span, **query))

    async def ids(self, span: Window = WINTER, **query: Any) -> list[str]:
        """Return the ids of the events of a query, which has to fit on a page."""
        page = await self.page(span, **{"limit": 1_000, **query})
        assert page.next_cursor is None
        return [one.view.id for one in page.events]

    async def rows(self, span: Window = WINTER, **query: Any) -> list[Row]:
        """Return start, title and sort of the events of a query."""
        page = await self.page(span, **{"limit": 1_000, **query})
        return [
            (f"{one.view.times.start:%m-%d %H:%M}", one.view.content["title"], one.view.recurrence.value)
            for one in page.events
        ]

    async def days(self, span: Window = WINTER, **query: Any) -> list[str]:
        """Return the days and titles of the events of a query."""
        return [f"{start[:5]} {title}" for start, title, _ in await self.rows(span, **query)]
