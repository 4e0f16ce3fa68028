"""What schedule events ask of the database."""

from datetime import timedelta

import pytest

from kalends.schedules.event_drafts import EventChange
from tests.rules.test_rule_10_tenants import without_site
from tests.schedules.calendar_of_events import Events
from tests.statements import statements
from tests.world import World

TIMES = ("2026-12-01T09:00", "2026-12-01T10:00")


@pytest.fixture
def events(world: World) -> Events:
    return Events(world)


async def test_every_statement_names_the_site(events: Events) -> None:
    world = events.world
    with statements(world.kalends.database) as heard:
        single = (await events.single(*TIMES)).view.id
        await events.update(single, title="Colour")
        await events.cancel(single)
        series = (await events.weekly(*TIMES)).view.id
        await events.update(f"{series}_1_20261208T0900", title="Pilates")
        await events.update_following(f"{series}_1_20261215T0900", title="Yoga")
        world.clock.advance(timedelta(weeks=3))
        await events.update(series, title="Dance")
        await events.ids()
        await world.kalends.schedule_cancelling.cancel(world.site.id, world.schedule.id)
    assert len(heard) > 50
    assert [one for one in heard if without_site(one)] == []


async def test_a_changed_instance_is_one_row_and_a_page_a_handful_of_statements(events: Events) -> None:
    world = events.world
    series = (await events.weekly(*TIMES)).view.id
    for day in ("1208", "1222", "1229"):
        await events.update(f"{series}_1_2026{day}T0900", title="X")
    changing = world.kalends.event_changing
    with statements(world.kalends.database) as heard:
        change = EventChange(content={"title": "Y"})
        await changing.update(world.site.id, f"{series}_1_20261215T0900", change, revision=1)
    writes = [one for one in heard if one.startswith(("INSERT", "DELETE"))]
    assert len(writes) == 1, writes
    for number in range(60):
        await events.single("2026-12-02T09:00", "2026-12-02T10:00", f"single {number}")
    with statements(world.kalends.database) as heard:
        page = await events.page()
    assert len(page.events) == 50
    assert len([one for one in heard if one.startswith("SELECT")]) <= 7, "two slices, and the schedules"
