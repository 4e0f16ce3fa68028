"""Querying for schedules, a page at a time."""

from datetime import timedelta
from typing import Any

import pytest

from kalends.api.schedule_fields import MOST_VALUES
from kalends.api.schedules import Query
from kalends.model.errors import Invalid, NotFound
from kalends.model.ids import new_id
from kalends.model.schedule import (
    LONGEST_EXTERNAL_ID,
    Schedule,
    ScheduleField,
    ScheduleFilter,
    ScheduleOrder,
    ScheduleStatus,
)
from kalends.schedules.creating import ScheduleDraft
from kalends.schedules.queries import ScheduleQuery
from tests.world import World, populate

ANY_STATUS = tuple(ScheduleStatus)


async def make(world: World, name: str, **draft: Any) -> Schedule:
    return await world.kalends.services.schedule_making.create(world.site.id, ScheduleDraft(name=name, **draft))


async def names(world: World, **query: Any) -> list[str]:
    """Return the names on all pages."""
    reading, found = world.kalends.schedule_reading, []
    asked = ScheduleQuery(**query)
    page = await reading.first(world.site.id, asked)
    while True:
        assert len(page.schedules) <= asked.limit
        found += [one.name for one in page.schedules]
        if page.next_cursor is None:
            return found
        page = await reading.next(world.site.id, page.next_cursor)


async def test_filters_are_conjunctive_and_only_active_ones_are_meant_unless_said(world: World) -> None:
    app = new_id()
    other = await populate(world.kalends, world.clock)
    await make(other, "Elsewhere", external_id="x", app_id=app)
    one = await make(world, "One", external_id="x", app_id=app)
    two = await make(world, "Two", external_id="x")
    gone = await make(world, "Gone", external_id="y", app_id=app)
    await world.kalends.schedule_cancelling.cancel(world.site.id, gone.id)
    for wanted, expected in (
        ({}, {"Ada's chair", "One", "Two"}),
        ({"external_ids": ("x",)}, {"One", "Two"}),
        ({"external_ids": ("x", "y")}, {"One", "Two"}),
        ({"external_ids": ("x", "y"), "statuses": ANY_STATUS}, {"One", "Two", "Gone"}),
        ({"app_ids": (app,)}, {"One"}),
        ({"app_ids": (app,), "statuses": (ScheduleStatus.CANCELLED,)}, {"Gone"}),
        ({"ids": (one.id, two.id, new_id())}, {"One", "Two"}),
        ({"ids": (one.id, two.id), "app_ids": (app,)}, {"One"}),
        ({"ids": (gone.id,)}, set()),
        ({"ids": ()}, set()),
    ):
        assert set(await names(world, wanted=ScheduleFilter(**wanted))) == expected, wanted


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
@pytest.mark.parametrize("by", ScheduleField)
@pytest.mark.parametrize("descending", [False, True])
async def test_pages_join_to_the_whole_in_order(
    sqlite_world: World, limit: int, by: ScheduleField, descending: bool
) -> None:
    await check_pages(sqlite_world, limit, by, descending)


@pytest.mark.parametrize("by", ScheduleField)
@pytest.mark.parametrize("descending", [False, True])
async def test_pages_join_on_either_engine(world: World, by: ScheduleField, descending: bool) -> None:
    await check_pages(world, 2, by, descending)


async def check_pages(world: World, limit: int, by: ScheduleField, descending: bool) -> None:
    made = [world.schedule]
    for number in range(6):  # two at each instant
        if number % 2 == 0:
            world.clock.advance(timedelta(microseconds=1))
        made.append(await make(world, f"{number}"))
    key = (lambda one: (one.created_at, one.id)) if by is ScheduleField.CREATED_DATE else (lambda one: one.id)
    expected = [one.name for one in sorted(made, key=key, reverse=descending)]
    assert await names(world, order=ScheduleOrder(by, descending), limit=limit) == expected


async def test_a_cursor_carries_the_whole_query_and_is_stable_under_changes(world: World) -> None:
    for number in range(4):
        world.clock.advance(timedelta(seconds=1))
        await make(world, f"{number}", external_id="x")
    reading = world.kalends.schedule_reading
    order = ScheduleOrder(descending=True)
    first = await reading.first(world.site.id, ScheduleQuery(ScheduleFilter(external_ids=("x",)), order, 2))
    assert [one.name for one in first.schedules] == ["3", "2"]
    assert first.next_cursor is not None
    world.clock.advance(timedelta(seconds=1))
    await make(world, "later", external_id="x")
    await world.kalends.schedule_cancelling.cancel(world.site.id, first.schedules[1].id)
    second = await reading.next(world.site.id, first.next_cursor, limit=10)
    assert [one.name for one in second.schedules] == ["1", "0"]
    assert second.next_cursor is None


async def test_a_cursor_of_another_site_of_another_list_or_a_day_old_is_refused(world: World) -> None:
    for number in range(2):
        await make(world, f"{number}")
    reading = world.kalends.schedule_reading
    cursor = (await reading.first(world.site.id, ScheduleQuery(limit=1))).next_cursor
    assert cursor is not None
    other = await populate(world.kalends, world.clock)
    for site, wrong in ((other.site, cursor), (world.site, cursor[:-3] + "AAA"), (world.site, "x")):
        with pytest.raises(Invalid) as refused:
            await reading.next(site.id, wrong)
        assert [one.field for one in refused.value.violations] == ["query.cursorPaging.cursor"]
    with pytest.raises(Invalid):
        await world.kalends.events.next(world.admin, cursor)
    world.clock.advance(timedelta(hours=24))
    with pytest.raises(Invalid, match="has expired"):
        await reading.next(world.site.id, cursor)


async def test_the_largest_query_that_is_taken_leads_on(sqlite_world: World) -> None:
    world = sqlite_world
    external_ids = [f"{number:03}".ljust(LONGEST_EXTERNAL_ID, "\x01") for number in range(MOST_VALUES)]
    app_ids = [new_id() for _ in range(MOST_VALUES)]
    made = [await make(world, f"{number}", external_id=external_ids[number], app_id=app_ids[0]) for number in range(2)]
    ids = [*(one.id for one in made), *(new_id() for _ in range(MOST_VALUES - 2))]
    wanted = {"id": ids, "externalId": external_ids, "appId": app_ids, "status": ANY_STATUS}
    said = {"filter": {name: {"$in": list(values)} for name, values in wanted.items()}, "cursorPaging": {"limit": 1}}
    reading = world.kalends.schedule_reading
    first = await reading.first(world.site.id, Query.model_validate(said).query())
    asked = Query.model_validate({"cursorPaging": {"cursor": first.next_cursor}}).cursor_paging
    assert asked is not None
    assert asked.cursor is not None
    second = await reading.next(world.site.id, asked.cursor)
    assert {one.id for one in (*first.schedules, *second.schedules)} == {one.id for one in made}


async def test_a_schedule_is_got_by_its_id_on_its_site_alone(world: World) -> None:
    other = await populate(world.kalends, world.clock)
    reading = world.kalends.schedule_reading
    assert (await reading.get(world.site.id, world.schedule.id.upper())) == world.schedule
    with pytest.raises(NotFound) as refused:
        await reading.get(other.site.id, world.schedule.id)
    assert refused.value.code == "SCHEDULE_NOT_FOUND"


async def test_all_lists_cancelled_ones_too_by_name(sqlite_world: World) -> None:
    world = sqlite_world
    await make(world, "Zumba")
    await world.kalends.schedule_cancelling.cancel(world.site.id, world.schedule.id)
    assert [one.name for one in await world.kalends.schedules.all(world.site.id)] == ["Ada's chair", "Zumba"]
