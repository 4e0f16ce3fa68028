"""Making schedules."""

import asyncio
from typing import Any

import pytest

from kalends.model.errors import Conflict, Invalid, NotFound
from kalends.model.ids import is_guid, new_id
from kalends.model.schedule import Schedule, ScheduleStatus
from kalends.schedules.creating import ScheduleDraft
from kalends.store.schedules import Schedules
from tests.world import NOW, World, populate


async def create(world: World, key: str | None = None, **draft: Any) -> Schedule:
    making = world.kalends.services.schedule_making
    return await making.create(world.site.id, ScheduleDraft(**{"name": "Room", **draft}), idempotency_key=key)


async def stored(world: World, schedule_id: str) -> Schedule:
    return await world.kalends.schedule_reading.get(world.site.id, schedule_id)


async def test_a_schedule_is_kept_as_it_was_made(world: World) -> None:
    details = {"defaultTitle": "Zumba", "extendedFields": {"a": [None, {"b": 1.5}]}}
    app_id = new_id()
    made = await create(world, owner_id=world.user.id, external_id="room 1", app_id=app_id, details=details)
    assert is_guid(made.id)
    assert made == Schedule(
        site_id=world.site.id,
        id=made.id,
        name="Room",
        time_zone="Europe/Berlin",
        owner_id=world.user.id,
        owner_name="Ada",
        created_at=NOW,
        updated_at=NOW,
        follows_site_zone=True,
        status=ScheduleStatus.ACTIVE,
        external_id="room 1",
        app_id=app_id,
        details=details,
        revision=1,
    )
    assert await stored(world, made.id) == made


@pytest.mark.parametrize(
    ("draft", "zone", "follows"),
    [
        ({}, "Europe/Berlin", True),
        ({"follows_site_zone": True}, "Europe/Berlin", True),
        ({"follows_site_zone": False}, "Europe/Berlin", False),
        ({"time_zone": "Europe/Berlin"}, "Europe/Berlin", True),
        ({"time_zone": "Asia/Tokyo"}, "Asia/Tokyo", False),
        ({"time_zone": "Asia/Tokyo", "follows_site_zone": False}, "Asia/Tokyo", False),
        ({"time_zone": "Europe/Berlin", "follows_site_zone": False}, "Europe/Berlin", False),
    ],
)
async def test_the_zone_is_the_sites_unless_another_is_given(
    sqlite_world: World, draft: dict[str, Any], zone: str, follows: bool
) -> None:
    made = await create(sqlite_world, **draft)
    assert (made.time_zone, made.follows_site_zone) == (zone, follows)


async def test_to_follow_the_site_from_another_zone_is_a_contradiction(sqlite_world: World) -> None:
    with pytest.raises(Invalid) as refused:
        await create(sqlite_world, time_zone="Asia/Tokyo", follows_site_zone=True)
    assert [(one.field, one.name) for one in refused.value.violations] == [("schedule.timeZone", "BUSINESS_TIME_ZONE")]


@pytest.mark.parametrize(
    ("draft", "field"),
    [
        ({"name": "  "}, "schedule.name"),
        ({"name": "x" * 201}, "schedule.name"),
        ({"id": "no-guid"}, "schedule.id"),
        ({"time_zone": "Mars/Olympus"}, "schedule.timeZone"),
        ({"external_id": ""}, "schedule.externalId"),
        ({"external_id": "x" * 201}, "schedule.externalId"),
    ],
)
async def test_what_cannot_be_is_refused_by_its_field(sqlite_world: World, draft: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        await create(sqlite_world, **draft)
    assert [one.field for one in refused.value.violations] == [field]


async def test_the_owner_has_to_be_an_active_user_of_the_site(world: World) -> None:
    stranger = (await populate(world.kalends, world.clock)).user
    await world.kalends.users.disable(world.site.id, world.user.id)
    for user_id in (new_id(), stranger.id, world.user.id):
        with pytest.raises(NotFound) as refused:
            await create(world, owner_id=user_id)
        assert refused.value.code == "USER_NOT_FOUND"


async def test_a_chosen_id_can_be_had_once_on_a_site_and_on_another_one(world: World) -> None:
    chosen = new_id()
    assert (await create(world, id=chosen.upper())).id == chosen
    with pytest.raises(Conflict) as refused:
        await create(world, id=chosen)
    assert refused.value.code == "SCHEDULE_ALREADY_EXISTS"
    other = await populate(world.kalends, world.clock)
    assert (await create(other, id=chosen)).site_id == other.site.id


async def test_a_key_that_was_used_answers_with_what_it_made_as_it_is_now(world: World) -> None:
    key = new_id()
    made = await create(world, key, name="First")
    assert await create(world, key, name="Second", owner_id=new_id()) == made
    cancelled = await world.kalends.schedule_cancelling.cancel(world.site.id, made.id)
    assert await create(world, key, name="Third") == cancelled
    assert (await create(world, new_id(), name="First")).id != made.id
    other = await populate(world.kalends, world.clock)
    assert (await create(other, key)).id != made.id


@pytest.fixture
def at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of five transactions none inserts before all have looked: on SQLite one ends before the next begins."""
    together, add = asyncio.Barrier(5), Schedules.add
    first = iter(range(5))

    async def all_have_looked(self: Schedules, schedule: Schedule, *, idempotency_key: str | None = None) -> None:
        if not world.kalends.database.embedded and next(first, None) is not None:
            await together.wait()
        await add(self, schedule, idempotency_key=idempotency_key)

    monkeypatch.setattr(Schedules, "add", all_have_looked)


@pytest.mark.usefixtures("at_once")
async def test_requests_at_once_with_one_key_make_one_schedule(world: World) -> None:
    key = new_id()
    made = await asyncio.gather(*(create(world, key, name=f"Number {number}") for number in range(5)))
    assert len({(one.id, one.name) for one in made}) == 1
    assert len(await world.kalends.schedules.all(world.site.id)) == 2


@pytest.mark.usefixtures("at_once")
async def test_requests_at_once_with_one_id_make_one_schedule(world: World) -> None:
    chosen = new_id()
    made = await asyncio.gather(*(create(world, id=chosen) for _ in range(5)), return_exceptions=True)
    assert sorted(type(one).__name__ for one in made) == ["Conflict"] * 4 + ["Schedule"]
