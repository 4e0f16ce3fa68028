"""Single schedule events: made, read, changed, cancelled."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kalends.model.errors import Conflict, Invalid, NotFound, PreconditionFailed
from kalends.model.ids import is_guid, new_id
from kalends.model.schedule_event import EventStatus, EventType, RecurrenceType, Transparency
from kalends.schedules.creating import ScheduleDraft
from kalends.schedules.event_drafts import AskedRule, AskedTimes, EventChange, EventDraft
from kalends.store.schedule_events import ScheduleEvents
from tests.schedules.calendar_of_events import Events, asked, wall
from tests.world import NOW, World, populate

UNKNOWN = "99999999-0000-4000-8000-000000000000"
DAY = ("2026-12-01T09:00", "2026-12-01T10:00")


@pytest.fixture
def events(world: World) -> Events:
    return Events(world)


@pytest.fixture
def on_sqlite(sqlite_world: World) -> Events:
    return Events(sqlite_world)


async def test_an_event_is_kept_as_it_was_made(events: Events) -> None:
    content = {
        "notes": "n",
        "location": {"a": [None, {"b": 1.5}]},
        "participants": {"total": 2},
        "transparency": "TRANSPARENT",
    }
    app_id = new_id()
    made = await events.create(*DAY, "Cut", kind=EventType.APPOINTMENT, content=content, app_id=app_id)
    view = made.view
    assert is_guid(view.id)
    assert (view.recurrence, view.status, view.revision) == (RecurrenceType.NONE, EventStatus.CONFIRMED, 1)
    assert (view.times.start, view.times.end, view.times.zone) == (wall(DAY[0]), wall(DAY[1]), "Europe/Berlin")
    assert view.times.start_at == datetime(2026, 12, 1, 8, tzinfo=UTC)
    assert (view.content, view.transparency) == ({"title": "Cut", **content}, Transparency.TRANSPARENT)
    assert (view.event.app_id, view.event.type, view.created_at) == (app_id, EventType.APPOINTMENT, NOW)
    assert await events.get(view.id.upper()) == made


async def test_what_is_not_said_is_what_the_schedule_says(events: Events) -> None:
    world = events.world
    bare = (await events.create(*DAY)).view
    assert bare.content == {"title": "Ada's chair"}
    assert bare.transparency is Transparency.OPAQUE
    details = {
        "defaultTitle": "Zumba",
        "defaultCapacity": 7,
        "defaultLocation": {"name": "Room"},
        "extendedFields": {"a": 1},
    }
    draft = ScheduleDraft(name="Room", time_zone="Asia/Tokyo", details=details)
    room = await world.kalends.services.schedule_making.create(world.site.id, draft)
    made = (await events.create(*DAY, schedule_id=room.id.upper(), content={"totalCapacity": 3})).view
    assert made.content == {"title": "Zumba", "totalCapacity": 3, "location": {"name": "Room"}}
    assert made.times.zone == "Asia/Tokyo"


async def test_a_time_zone_stays_when_that_of_the_schedule_changes(on_sqlite: Events) -> None:
    world = on_sqlite.world
    made = (await on_sqlite.single(*DAY)).view
    await world.kalends.sites.update(world.site.id, time_zone="America/New_York")
    assert (await on_sqlite.get(made.id)).view.times == made.times


@pytest.mark.parametrize(
    ("times", "found"),
    [
        (asked(DAY[0], DAY[0]), [("event.end.localDate", "END_AFTER_START")]),
        (asked(DAY[0]), [("event.end.localDate", None)]),
        (AskedTimes(), [("event.start.localDate", None), ("event.end.localDate", None)]),
        (asked(*DAY, zone="Mars/Olympus"), [("event.timeZone", None)]),
        (asked(*DAY, start_zone="Asia/Tokyo"), [("event.start.timeZone", "EVENT_TIME_ZONE")]),
        (asked(*DAY, end_zone="Asia/Tokyo"), [("event.end.timeZone", "EVENT_TIME_ZONE")]),
        (asked(*DAY, zone="Asia/Tokyo", end_zone="Asia/Tokyo"), []),
        (asked("2026-12-01T00:00", "2026-12-02T00:00", all_day=True), []),
        (asked("2026-12-01T00:00", "2026-12-01T12:00", all_day=True), [("event.end.localDate", "ALL_DAY_MIDNIGHT")]),
        (asked("1899-12-31T00:00", "1900-01-01T00:00"), [("event.start.localDate", None)]),
        (asked("2100-12-31T00:00", "2101-01-01T00:00"), []),
        (asked("2100-12-31T00:00", "2101-01-01T00:01"), [("event.end.localDate", None)]),
    ],
)
async def test_times_that_cannot_be_are_refused_by_their_field(
    on_sqlite: Events, times: AskedTimes, found: list[tuple[str, str | None]]
) -> None:
    world = on_sqlite.world
    creating = world.kalends.event_creating.create(world.site.id, EventDraft(world.schedule.id, times))
    if not found:
        await creating
        return
    with pytest.raises(Invalid) as refused:
        await creating
    assert [(one.field, one.name) for one in refused.value.violations] == found


async def test_seconds_are_ignored(on_sqlite: Events) -> None:
    made = await on_sqlite.single("2026-12-01T09:00:59", "2026-12-01T10:00:01")
    assert (made.view.times.start, made.view.times.end) == (wall(DAY[0]), wall(DAY[1]))


@pytest.mark.parametrize("content", [{"title": " "}, {"title": "x" * 201}, {"notes": "x" * 5001}])
async def test_texts_that_cannot_be(on_sqlite: Events, content: dict[str, Any]) -> None:
    made = await on_sqlite.single(*DAY)
    (name,) = content
    for attempt in (on_sqlite.create(*DAY, content=content), on_sqlite.update(made.view.id, **content)):
        with pytest.raises(Invalid) as refused:
            await attempt
        assert [one.field for one in refused.value.violations] == [f"event.{name}"]


async def test_a_key_that_was_used_answers_with_what_it_made_as_it_is_now(events: Events) -> None:
    key = new_id()
    made = (await events.single(*DAY, key=key)).view
    changed = (await events.update(made.id, title="Other")).view
    assert (await events.single(*DAY, "Third", key=key, schedule_id=new_id())).view == changed
    assert (await events.single(*DAY, key=new_id())).view.id != made.id
    other = Events(await populate(events.world.kalends, events.world.clock))
    assert (await other.single(*DAY, key=key)).view.id != made.id


async def test_requests_at_once_with_one_key_make_one_event(events: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    key, together, add, first = new_id(), asyncio.Barrier(5), ScheduleEvents.add, iter(range(5))

    async def all_have_looked(self: ScheduleEvents, *given: Any, **named: Any) -> None:
        if not events.world.kalends.database.embedded and next(first, None) is not None:
            await together.wait()
        await add(self, *given, **named)

    monkeypatch.setattr(ScheduleEvents, "add", all_have_looked)
    made = await asyncio.gather(*(events.single(*DAY, f"Number {number}", key=key) for number in range(5)))
    assert len({(one.view.id, one.view.content["title"]) for one in made}) == 1
    assert len(await events.ids()) == 1


async def test_what_is_given_is_changed_and_the_rest_stays(events: Events) -> None:
    made = (await events.create(*DAY, "Cut", content={"notes": "n", "totalCapacity": 3})).view
    events.world.clock.advance(timedelta(minutes=5))
    changed = (await events.update(made.id, asked(end="2026-12-01T11:00"), title="Colour", notes=None)).view
    assert changed.content == {"title": "Colour", "totalCapacity": 3}
    assert (changed.times.start, changed.times.end) == (made.times.start, wall("2026-12-01T11:00"))
    assert (changed.revision, changed.updated_at) == (2, NOW + timedelta(minutes=5))
    assert (await events.get(made.id)).view == changed
    moved = (await events.update(made.id, AskedTimes(zone="Asia/Tokyo"))).view
    assert (moved.times.start, moved.times.start_at) == (made.times.start, datetime(2026, 12, 1, 0, tzinfo=UTC))
    assert await events.days() == ["12-01 Colour"]


async def test_who_was_not_first_is_told_the_present_revision(events: Events) -> None:
    made = (await events.single(*DAY)).view
    changing, site_id = events.world.kalends.event_changing, events.world.site.id
    at_once = [
        changing.update(site_id, made.id, EventChange(content={"title": str(number)}), revision=1)
        for number in range(4)
    ]
    done = await asyncio.gather(*at_once, return_exceptions=True)
    conflicts = [one for one in done if isinstance(one, Conflict)]
    assert len(conflicts) == 3
    assert {(one.code, one.data["currentRevision"]) for one in conflicts} == {("ABORTED", "2")}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (EventChange(schedule_id=UNKNOWN), "event.scheduleId"),
        (EventChange(type=EventType.CLASS), "event.type"),
        (EventChange(app_id=UNKNOWN), "event.appId"),
        (EventChange(rule=AskedRule()), "event.recurrenceRule"),
    ],
    ids=["schedule", "type", "app", "rule"],
)
async def test_what_never_changes(on_sqlite: Events, change: EventChange, field: str) -> None:
    made = (await on_sqlite.single(*DAY)).view
    world = on_sqlite.world
    with pytest.raises(Invalid) as refused:
        await world.kalends.event_changing.update(world.site.id, made.id, change, revision=1)
    assert [(one.field, one.name) for one in refused.value.violations] == [(field, "IMMUTABLE")]
    same = EventChange(schedule_id=world.schedule.id, type=EventType.DEFAULT)
    await world.kalends.event_changing.update(world.site.id, made.id, same, revision=1)


async def test_an_event_is_cancelled_once_and_for_ever(events: Events) -> None:
    made = (await events.single(*DAY)).view
    cancelled = (await events.cancel(made.id)).view
    assert (cancelled.status, cancelled.revision) == (EventStatus.CANCELLED, 2)
    assert (await events.get(made.id)).view == cancelled
    for attempt, code in (
        (events.cancel(made.id), "EVENT_ALREADY_CANCELLED"),
        (events.update(made.id), "EVENT_CANCELLED"),
    ):
        with pytest.raises(PreconditionFailed) as refused:
            await attempt
        assert refused.value.code == code
    assert await events.ids() == []
    assert await events.ids(statuses=(EventStatus.CANCELLED,)) == [made.id]


@pytest.mark.parametrize("event_id", [UNKNOWN, "nothing", "", f"{UNKNOWN}_1_20261201T0900", "ä" * 300, "\0"])
async def test_what_is_not_there_is_not_found(on_sqlite: Events, event_id: str) -> None:
    for attempt in (on_sqlite.get(event_id), on_sqlite.update(event_id), on_sqlite.cancel(event_id)):
        with pytest.raises(NotFound) as refused:
            await attempt
        assert refused.value.code == "EVENT_NOT_FOUND"


async def test_another_sites_schedule_and_events_are_not_there(events: Events) -> None:
    made = (await events.single(*DAY)).view
    other = Events(await populate(events.world.kalends, events.world.clock))
    for attempt in (other.get(made.id), other.cancel(made.id)):
        with pytest.raises(NotFound):
            await attempt
    with pytest.raises(NotFound) as refused:
        await other.single(*DAY, schedule_id=events.world.schedule.id)
    assert refused.value.code == "SCHEDULE_NOT_FOUND"
    assert await other.ids() == []


async def test_a_cancelled_schedule_takes_no_events_and_its_own_to_come_are_cancelled(events: Events) -> None:
    world = events.world
    begun = (await events.single("2026-11-22T09:30", "2026-11-22T11:00", "Begun")).view
    with_people = (await events.create(*DAY, "Class", content={"participants": {"list": [{"id": "x"}]}})).view
    empty = (await events.create(*DAY, "Empty", content={"participants": {"total": 0}})).view
    weekly = (await events.weekly(*DAY)).view
    elsewhere = await world.kalends.schedules.create(world.site, name="Elsewhere")
    other = (await events.single(*DAY, "Other", schedule_id=elsewhere.id)).view
    await world.kalends.schedule_cancelling.cancel(
        world.site.id, world.schedule.id, preserve_future_events_with_participants=True
    )
    kept = {begun.id, with_people.id, other.id}
    assert set(await events.ids()) == kept
    for gone in (empty.id, weekly.id):
        assert (await events.get(gone)).view.status is EventStatus.CANCELLED
    for attempt in (events.single(*DAY), events.update(with_people.id)):
        with pytest.raises(PreconditionFailed) as refused:
            await attempt
        assert refused.value.code == "SCHEDULE_CANCELLED"
    assert (await events.cancel(with_people.id)).view.status is EventStatus.CANCELLED


async def test_without_a_word_events_with_participants_are_cancelled_with_their_schedule(on_sqlite: Events) -> None:
    world = on_sqlite.world
    made = (await on_sqlite.create(*DAY, "Class", content={"participants": {"total": 2}})).view
    await world.kalends.schedule_cancelling.cancel(world.site.id, world.schedule.id)
    assert (await on_sqlite.get(made.id)).view.status is EventStatus.CANCELLED
