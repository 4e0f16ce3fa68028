"""Querying for schedule events: which, in which order, and page by page."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from kalends.model.errors import Invalid
from kalends.model.ids import new_id
from kalends.model.schedule_event import EventStatus, EventTimes, EventType, RecurrenceType, Transparency
from kalends.model.time import Window
from kalends.schedules.creating import ScheduleDraft
from kalends.schedules.event_finding import EventOnSchedule
from kalends.schedules.event_reading import EventPage
from kalends.store.schedule_events import EventFilter
from tests.schedules.calendar_of_events import WINTER, Events, asked
from tests.world import World, populate

YEARS = Window(datetime(2026, 11, 1, tzinfo=UTC), datetime(2029, 11, 1, tzinfo=UTC))


@pytest.fixture
def events(world: World) -> Events:
    return Events(world)


@pytest.fixture
def on_sqlite(sqlite_world: World) -> Events:
    return Events(sqlite_world)


async def walked(events: Events, first: EventPage) -> list[EventOnSchedule]:
    """Return the events of all pages, each of which but the last is full."""
    found, page = list(first.events), first
    while page.next_cursor is not None:
        assert len(page.events) == page.query.limit
        page = await events.world.kalends.event_reading.next(events.world.site.id, page.next_cursor)
        assert page.events
        found += page.events
    return found


def shown(found: Sequence[EventOnSchedule]) -> list[tuple[str, EventTimes, EventStatus]]:
    """Return what is shown of events; how much else of their series was read depends on the page."""
    return [(one.view.id, one.view.times, one.view.status) for one in found]


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


async def test_what_overlaps_a_span_is_meant(events: Events) -> None:
    for start, end, title in (
        ("2026-12-01T08:00", "2026-12-01T09:00", "before"),
        ("2026-12-01T08:00", "2026-12-01T09:01", "into"),
        ("2026-12-01T08:30", "2026-12-01T11:00", "around"),
        ("2026-12-01T09:10", "2026-12-01T09:20", "inside"),
        ("2026-12-01T09:59", "2026-12-01T11:00", "out of"),
        ("2026-12-01T10:00", "2026-12-01T11:00", "after"),
    ):
        await events.single(start, end, title)
    await events.weekly("2026-11-24T08:59", "2026-11-24T09:01", "weekly")
    hour = Window(datetime(2026, 12, 1, 8, tzinfo=UTC), datetime(2026, 12, 1, 9, tzinfo=UTC))
    titles = [title for _, title, _ in await events.rows(hour)]
    assert sorted(titles[:1]) == ["into"]
    assert titles == ["into", "around", "weekly", "inside", "out of"]
    backwards = [title for _, title, _ in await events.rows(hour, descending=True)]
    assert backwards == titles[::-1]


@pytest.fixture
async def crowd(events: Events) -> Events:
    """Singles, series, exceptions and cancelled ones over three years, some of them very long."""
    chance = Random(7)
    first = datetime(2026, 11, 23)  # noqa: DTZ001 - a wall time
    for number in range(30):
        start = first + timedelta(hours=chance.randrange(24 * 1000))
        length = timedelta(hours=chance.choice([1, 2, 30, 24 * 200]))
        await events.single(f"{start:%FT%R}", f"{start + length:%FT%R}", f"single {number}")
    for number in range(4):
        start = first + timedelta(hours=chance.randrange(24 * 300))
        until = start + timedelta(days=chance.randrange(500))
        made = await events.weekly(
            f"{start:%FT%R}", f"{start + timedelta(hours=50):%FT%R}", f"series {number}", until=f"{until:%FT%R}"
        )
        ids = await events.ids(YEARS, wanted=EventFilter(ids=(made.view.id,)), recurrence=(RecurrenceType.INSTANCE,))
        await events.cancel(ids[0])
        if len(ids) > 2:
            far = start + timedelta(days=700)
            await events.update(ids[2], asked(f"{far:%FT%R}", f"{far + timedelta(hours=1):%FT%R}"))
    return events


@pytest.mark.parametrize("descending", [False, True])
async def test_pages_join_to_the_whole_in_order(crowd: Events, descending: bool) -> None:
    everything: dict[str, Any] = {"recurrence": tuple(RecurrenceType), "statuses": tuple(EventStatus)}
    middle = Window(day("2027-06-01"), day("2028-06-01"))
    for span in (YEARS, middle):
        whole = await crowd.page(span, limit=1_000, descending=descending, **everything)
        assert whole.next_cursor is None
        for limit in (1, 7, 50):
            if limit == 1 and span is YEARS:
                continue
            paged = await walked(crowd, await crowd.page(span, limit=limit, descending=descending, **everything))
            assert shown(paged) == shown(whole.events)
        views = [one.view for one in whole.events]
        keys = [(one.times.start_at, one.id) for one in views if one.recurrence is not RecurrenceType.MASTER]
        assert keys == sorted(keys, reverse=descending)
    assert len(views) > 50
    one_by_one = set()
    for month in range(12):
        edges = [day(f"{2027 + (month + 5 + more) // 12}-{(month + 5 + more) % 12 + 1:02}-01") for more in (0, 1)]
        one_by_one |= set(await crowd.ids(Window(*edges), **everything))
    assert one_by_one == {one.id for one in views}


async def test_a_page_is_stable_while_others_change(events: Events) -> None:
    series = (await events.weekly("2026-12-01T09:00", "2026-12-01T10:00", until="2027-01-31T00:00")).view.id
    first = await events.page(limit=3)
    await events.single("2026-11-25T09:00", "2026-11-25T10:00", "behind the page's back")
    await events.cancel(f"{series}_1_20261201T0900")
    rest = (await walked(events, first))[3:]
    assert [f"{one.view.times.start:%m-%d}" for one in rest] == ["12-22", "12-29", "01-05", "01-12", "01-19", "01-26"]


async def test_filters(events: Events) -> None:
    world = events.world
    draft = ScheduleDraft(name="Room", external_id="room 1")
    room = await world.kalends.services.schedule_making.create(world.site.id, draft)
    app_id, times = new_id(), ("2026-12-01T09:00", "2026-12-01T10:00")
    await events.single(*times, "chair")
    await events.single(*times, "room", schedule_id=room.id)
    await events.single(*times, "app", app_id=app_id)
    await events.create(*times, "class", kind=EventType.CLASS)
    await events.create(*times, "hours", kind=EventType.WORKING_HOURS)
    await events.create(*times, "free", content={"transparency": "TRANSPARENT"})
    series = (await events.weekly(*times, "series", until="2026-12-08T09:00")).view.id

    async def titles(wanted: EventFilter | None = None, **query: Any) -> set[str]:
        return {title for _, title, _ in await events.rows(**query, wanted=wanted or EventFilter())}

    assert await titles() == {"chair", "room", "app", "class", "free", "series"}
    assert await titles(EventFilter(schedule_ids=(room.id,))) == {"room"}
    assert await titles(EventFilter(external_schedule_ids=("room 1", "room 2"))) == {"room"}
    assert await titles(EventFilter(app_ids=(app_id,))) == {"app"}
    assert await titles(EventFilter(types=(EventType.CLASS, EventType.WORKING_HOURS))) == {"class", "hours"}
    assert await titles(EventFilter(ids=(series,))) == {"series"}
    assert await titles(EventFilter(schedule_ids=())) == set()
    assert await titles(transparencies=(Transparency.TRANSPARENT,)) == {"free"}
    assert await titles(statuses=(EventStatus.CANCELLED,)) == set()
    await events.update(f"{series}_1_20261208T0900", transparency="TRANSPARENT")
    assert await titles(transparencies=(Transparency.TRANSPARENT,)) == {"free", "series"}
    both = await events.page(wanted=EventFilter(ids=(series,)), recurrence=tuple(RecurrenceType))
    assert [one.view.recurrence.value for one in both.events] == ["MASTER", "INSTANCE", "EXCEPTION"]
    assert (await titles(recurrence=(RecurrenceType.MASTER,))) == {"series"}
    none_of_it = Window(day("2027-01-01"), day("2027-02-01"))
    assert await events.ids(none_of_it, recurrence=(RecurrenceType.MASTER,)) == []


async def test_a_cursor_carries_the_whole_query(on_sqlite: Events) -> None:
    await on_sqlite.weekly("2026-12-01T09:00", "2026-12-01T10:00")
    first = await on_sqlite.page(
        limit=2,
        descending=True,
        statuses=(EventStatus.CONFIRMED,),
        transparencies=(Transparency.OPAQUE,),
        recurrence=(RecurrenceType.INSTANCE,),
        time_zone="Asia/Tokyo",
        wanted=EventFilter((new_id(),), (new_id(),), ("x",), (new_id(),), (EventType.CLASS,)),
    )
    assert first.next_cursor is None
    reading, site_id = on_sqlite.world.kalends.event_reading, on_sqlite.world.site.id
    first = await on_sqlite.page(limit=2, wanted=EventFilter(schedule_ids=(on_sqlite.world.schedule.id,)))
    assert first.next_cursor is not None
    second = await reading.next(site_id, first.next_cursor)
    assert second.query == first.query
    assert len((await reading.next(site_id, first.next_cursor, limit=5)).events) == 5
    other = await populate(on_sqlite.world.kalends, on_sqlite.world.clock)
    on_sqlite.world.clock.advance(timedelta(hours=25))
    for whose, cursor in ((other.site.id, first.next_cursor), (site_id, first.next_cursor), (site_id, "x")):
        with pytest.raises(Invalid) as refused:
            await reading.next(whose, cursor)
        assert [one.name for one in refused.value.violations] == ["INVALID_CURSOR"]


async def test_of_a_series_only_the_overrides_near_the_span_are_read(events: Events) -> None:
    series = (await events.weekly("2026-12-01T09:00", "2026-12-01T10:00")).view.id
    for number in range(8):
        start = datetime(2026, 12, 1, 9) + timedelta(weeks=4 * number)  # noqa: DTZ001 - a wall time
        await events.update(f"{series}_1_{start:%Y%m%dT%H%M}", title=f"number {number}")
    page = await events.page(Window(day("2027-03-01"), day("2027-04-01")))
    found = page.events[0].view.event.overrides
    assert 0 < len(found) < 4
    titles = [one.view.content["title"] for one in page.events]
    assert titles == ["Zumba", "Zumba", "Zumba", "number 4", "Zumba"]


async def test_the_site_says_in_which_zone_a_span_is_understood(on_sqlite: Events) -> None:
    assert await on_sqlite.world.kalends.event_reading.site_zone(on_sqlite.world.site.id) == "Europe/Berlin"
    assert WINTER.start.tzinfo is UTC


async def test_an_exception_is_where_it_was_moved_to_and_not_where_it_was(events: Events) -> None:
    series = (await events.weekly("2026-12-01T09:00", "2026-12-01T10:00", until="2026-12-22T09:00")).view.id
    await events.update(f"{series}_1_20261208T0900", asked("2027-06-01T09:00", "2027-06-01T10:00"))
    december, june = Window(day("2026-12-01"), day("2027-01-01")), Window(day("2027-06-01"), day("2027-07-01"))
    assert await events.days(december) == ["12-01 Zumba", "12-15 Zumba", "12-22 Zumba"]
    assert await events.rows(june) == [("06-01 09:00", "Zumba", "EXCEPTION")]
