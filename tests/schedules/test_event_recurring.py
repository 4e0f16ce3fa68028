"""Series of schedule events: what changing one, an instance, or the rest of one makes of all the others.

It is Sunday, 22 November 2026, ten o'clock in Berlin.
"""

from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest

from kalends.model.errors import Conflict, Invalid, PreconditionFailed
from kalends.model.schedule_event import EventChanged, EventStatus, RecurrenceType, Weekday, WeeklyRule
from kalends.schedules.event_changing import EventChanging
from kalends.schedules.event_creating import EventCreating
from kalends.schedules.event_drafts import AskedRule, AskedTimes, EventChange
from kalends.schedules.event_finding import EventOnSchedule
from kalends.store.database import Transaction
from kalends.store.schedule_events import ScheduleEvents
from tests.schedules.calendar_of_events import Events, asked, wall
from tests.world import World

TUESDAY = ("2026-12-01T09:00", "2026-12-01T10:00")
WEEK = timedelta(weeks=1)


@pytest.fixture
def events(world: World) -> Events:
    return Events(world)


@pytest.fixture
def on_sqlite(sqlite_world: World) -> Events:
    return Events(sqlite_world)


@pytest.fixture
async def series(events: Events) -> str:
    """Four Tuesdays, at nine."""
    return (await events.weekly(*TUESDAY, until="2026-12-22T09:00")).view.id


def on(series_id: str, day: int, *, grid: int = 1, hour: int = 9, month: int = 12) -> str:
    """Return the id of an instance in December."""
    return f"{series_id}_{grid}_2026{month:02}{day:02}T{hour:02}00"


async def test_a_series_and_its_instances(events: Events, series: str) -> None:
    master = (await events.get(series)).view
    assert (master.recurrence, master.times.start, master.times.zone) == (
        RecurrenceType.MASTER,
        wall(TUESDAY[0]),
        "Europe/Berlin",
    )
    assert await events.ids() == [on(series, day) for day in (1, 8, 15, 22)]
    one = (await events.get(on(series, 8))).view
    assert (one.recurrence, one.revision, one.event.id) == (RecurrenceType.INSTANCE, 1, series)
    assert await events.ids(recurrence=(RecurrenceType.MASTER,)) == [series]


@pytest.mark.parametrize(
    ("rule", "field", "name"),
    [
        (AskedRule(day=Weekday.MONDAY), "event.recurrenceRule.days", "DAY_OF_START"),
        (AskedRule(until=wall("2026-11-30T00:00")), "event.recurrenceRule.until.localDate", "UNTIL_BEFORE_START"),
        (AskedRule(0), "event.recurrenceRule.interval", None),
        (AskedRule(53), "event.recurrenceRule.interval", None),
    ],
    ids=["day", "until", "none", "many"],
)
async def test_rules_that_cannot_be(on_sqlite: Events, rule: AskedRule, field: str, name: str | None) -> None:
    series = (await on_sqlite.weekly(*TUESDAY)).view.id
    attempts = (on_sqlite.create(*TUESDAY, rule=rule), on_sqlite.update(series, rule=rule))
    for attempt in attempts:
        with pytest.raises(Invalid) as refused:
            await attempt
        assert [(one.field, one.name) for one in refused.value.violations] == [(field, name)]


async def test_a_series_begins_today_or_later_in_its_own_zone(on_sqlite: Events) -> None:
    assert await on_sqlite.weekly("2026-11-22T08:00", "2026-11-22T09:00")
    # where it is Saturday still
    assert await on_sqlite.weekly("2026-11-21T23:30", "2026-11-21T23:45", zone="Pacific/Niue")
    for start, end, zone in (
        ("2026-11-21T23:30", "2026-11-21T23:45", "Europe/Berlin"),
        ("2026-11-20T23:30", "2026-11-20T23:45", "Pacific/Niue"),
    ):
        with pytest.raises(Invalid) as refused:
            await on_sqlite.weekly(start, end, zone=zone)
        assert [one.name for one in refused.value.violations] == ["START_IN_PAST"]


async def test_instances_last_a_week_at_most(on_sqlite: Events) -> None:
    assert await on_sqlite.weekly("2026-12-01T09:00", "2026-12-08T09:00")
    with pytest.raises(Invalid) as refused:
        await on_sqlite.weekly("2026-12-01T09:00", "2026-12-08T09:01")
    assert [one.name for one in refused.value.violations] == ["RECURRENCE_TOO_LONG"]


# one instance


async def test_a_changed_instance_is_an_exception(events: Events, series: str) -> None:
    changed = (await events.update(on(series, 8), title="Pilates")).view
    assert (changed.id, changed.recurrence, changed.revision) == (on(series, 8), RecurrenceType.EXCEPTION, 2)
    assert (await events.get(changed.id)).view == changed
    moved = (await events.update(changed.id, asked("2026-12-09T14:00", "2026-12-09T15:00"))).view
    assert (moved.content["title"], moved.revision) == ("Pilates", 3)
    assert await events.rows() == [
        ("12-01 09:00", "Zumba", "INSTANCE"),
        ("12-09 14:00", "Pilates", "EXCEPTION"),
        ("12-15 09:00", "Zumba", "INSTANCE"),
        ("12-22 09:00", "Zumba", "INSTANCE"),
    ]
    assert (await events.get(series)).view.revision == 1
    assert (await events.get(on(series, 15))).view.revision == 1


async def test_who_was_not_first_at_an_instance_is_told(events: Events, series: str) -> None:
    changing, site_id = events.world.kalends.event_changing, events.world.site.id
    await events.update(on(series, 8), title="Pilates")
    with pytest.raises(Conflict) as refused:
        await changing.update(site_id, on(series, 8), EventChange(content={"title": "Yoga"}), revision=1)
    assert refused.value.data == {"currentRevision": "2"}
    await changing.update(site_id, on(series, 15), EventChange(content={"title": "Yoga"}), revision=1)


async def test_what_an_exception_takes_back_is_inherited_again(on_sqlite: Events) -> None:
    series = (await on_sqlite.weekly(*TUESDAY, until="2026-12-22T09:00")).view.id
    await on_sqlite.update(on(series, 8), asked("2026-12-09T09:00", "2026-12-09T10:00"), title="Pilates")
    back = (await on_sqlite.update(on(series, 8), asked("2026-12-08T09:00", "2026-12-08T10:00"), title="Zumba")).view
    assert back.overridden == frozenset()
    await on_sqlite.update(series, asked("2026-12-01T11:00", "2026-12-01T12:00"), title="Yoga")
    assert (await on_sqlite.rows())[1] == ("12-08 11:00", "Yoga", "EXCEPTION")


async def test_an_instance_is_cancelled_by_itself(events: Events, series: str) -> None:
    cancelled = (await events.cancel(on(series, 8))).view
    assert (cancelled.status, cancelled.recurrence) == (EventStatus.CANCELLED, RecurrenceType.EXCEPTION)
    assert await events.days() == ["12-01 Zumba", "12-15 Zumba", "12-22 Zumba"]
    assert await events.ids(statuses=(EventStatus.CANCELLED,)) == [on(series, 8)]
    with pytest.raises(PreconditionFailed) as refused:
        await events.cancel(on(series, 8))
    assert refused.value.code == "EVENT_ALREADY_CANCELLED"
    await events.update(series, title="Yoga")
    assert await events.days() == ["12-01 Yoga", "12-15 Yoga", "12-22 Yoga"]


@pytest.mark.parametrize("rule", [AskedRule(2), AskedRule(until=wall("2027-01-01T00:00"))], ids=["interval", "until"])
async def test_an_instance_has_the_rule_of_its_series(on_sqlite: Events, rule: AskedRule) -> None:
    series = (await on_sqlite.weekly(*TUESDAY)).view.id
    with pytest.raises(Invalid) as refused:
        await on_sqlite.update(on(series, 8), rule=rule)
    assert [(one.field, one.name) for one in refused.value.violations] == [("event.recurrenceRule", "IMMUTABLE")]
    await on_sqlite.update(on(series, 8), rule=AskedRule(day=Weekday.TUESDAY))


# the series


async def test_a_series_that_has_not_begun_is_changed_as_a_whole(events: Events, series: str) -> None:
    changed = (await events.update(series, asked(end="2026-12-01T09:30"), title="Yoga")).view
    assert (changed.revision, len(changed.event.segments)) == (2, 1)
    assert await events.days() == ["12-01 Yoga", "12-08 Yoga", "12-15 Yoga", "12-22 Yoga"]
    assert await events.ids() == [on(series, day, grid=2) for day in (1, 8, 15, 22)], "new times are a new grid"


async def test_what_has_begun_stays_and_what_is_to_come_changes(events: Events, series: str) -> None:
    events.world.clock.advance(2 * WEEK + timedelta(days=3))  # Wednesday, 9 December
    await events.update(series, title="Yoga")
    assert await events.days() == ["12-01 Zumba", "12-08 Zumba", "12-15 Yoga", "12-22 Yoga"]
    assert await events.ids() == [on(series, day) for day in (1, 8, 15, 22)], "a title leaves ids as they are"
    evening = asked("2026-12-01T18:00", "2026-12-01T19:30")
    await events.update(series, evening, rule=AskedRule(until=wall("2026-12-22T23:59")))
    assert [row[:2] for row in await events.rows()] == [
        ("12-01 09:00", "Zumba"),
        ("12-08 09:00", "Zumba"),
        ("12-15 18:00", "Yoga"),
        ("12-22 18:00", "Yoga"),
    ]


async def test_the_weekday_of_a_series_changes(events: Events) -> None:
    series = (await events.weekly(*TUESDAY, until="2026-12-24T23:59")).view.id
    events.world.clock.advance(2 * WEEK + timedelta(days=3))
    thursday = asked("2026-12-10T09:00", "2026-12-10T10:00")
    await events.update(series, thursday, rule=AskedRule(day=Weekday.THURSDAY, until=wall("2026-12-24T23:59")))
    assert await events.days() == ["12-01 Zumba", "12-08 Zumba", "12-10 Zumba", "12-17 Zumba", "12-24 Zumba"]


async def test_a_series_may_begin_anew_later_but_not_earlier_than_today(events: Events, series: str) -> None:
    events.world.clock.advance(2 * WEEK + timedelta(days=3))
    with pytest.raises(Invalid) as refused:
        await events.update(series, asked("2026-12-08T09:00", "2026-12-08T10:00"))
    assert [one.name for one in refused.value.violations] == ["START_IN_PAST"]
    await events.update(series, asked("2026-12-22T09:00", "2026-12-22T10:00"))
    assert await events.days() == ["12-01 Zumba", "12-08 Zumba", "12-22 Zumba"]


async def test_exceptions_take_from_a_changed_series_what_they_inherit(events: Events, series: str) -> None:
    await events.update(on(series, 8), title="Pilates")
    await events.update(on(series, 15), asked("2026-12-16T20:00", "2026-12-16T21:00"))
    await events.update(on(series, 22), notes="own")
    await events.update(series, asked("2026-12-02T11:00", "2026-12-02T12:00"), title="Yoga", notes="all")
    assert await events.rows() == [
        ("12-02 11:00", "Yoga", "INSTANCE"),
        ("12-09 11:00", "Pilates", "EXCEPTION"),
        ("12-16 20:00", "Yoga", "EXCEPTION"),
    ], "until is the 22nd at nine, and the instance of that week would be on the 23rd"
    by_the_id_that_it_had = (await events.get(on(series, 8))).view
    assert (by_the_id_that_it_had.content["notes"], by_the_id_that_it_had.revision) == ("all", 3)


async def test_exceptions_that_have_begun_stay_as_they_were(events: Events, series: str) -> None:
    await events.update(on(series, 1), title="Pilates")
    await events.update(on(series, 15), title="Dance")
    events.world.clock.advance(2 * WEEK)
    await events.update(series, title="Yoga", notes="all")
    assert await events.days() == ["12-01 Pilates", "12-08 Yoga", "12-15 Dance", "12-22 Yoga"]
    assert "notes" not in (await events.get(on(series, 1))).view.content
    assert (await events.get(on(series, 15))).view.content["notes"] == "all"


async def test_a_series_ends_earlier_and_goes_on_again(events: Events, series: str) -> None:
    events.world.clock.advance(2 * WEEK)
    await events.update(series, rule=AskedRule(until=wall("2026-12-08T09:00")))
    assert await events.days() == ["12-01 Zumba", "12-08 Zumba"]
    events.world.clock.advance(WEEK)
    await events.update(series, title="Yoga")
    assert await events.days() == ["12-01 Zumba", "12-08 Zumba"], "nothing is left to be changed"
    await events.update(series, rule=AskedRule(until=wall("2026-12-29T09:00")))
    assert (await events.days())[:2] == ["12-01 Zumba", "12-08 Zumba"]
    assert [one[:5] for one in await events.days()] == ["12-01", "12-08", "12-15", "12-22", "12-29"]


async def test_a_series_that_was_ended_shows_so_and_can_have_its_former_end_again(events: Events, series: str) -> None:
    events.world.clock.advance(2 * WEEK)
    ended = (await events.update(series, rule=AskedRule(until=wall("2026-12-05T00:00")))).view
    assert ended.rule == WeeklyRule(1, wall("2026-12-01T09:00"))
    assert await events.days() == ["12-01 Zumba"]
    await events.update(series, rule=AskedRule(until=wall("2026-12-22T09:00")))
    assert await events.days() == ["12-01 Zumba", "12-08 Zumba", "12-15 Zumba", "12-22 Zumba"]


async def test_what_says_nothing_new_leaves_the_segments_alone(on_sqlite: Events) -> None:
    series = (await on_sqlite.weekly("2026-11-22T09:00", "2026-11-22T10:00")).view.id
    same = (await on_sqlite.update(series, asked("2026-11-22T09:00", "2026-11-22T10:00"), title="Zumba")).view
    assert (same.revision, len(same.event.segments)) == (2, 1)


async def test_a_cancelled_series_keeps_what_has_begun(events: Events, series: str) -> None:
    await events.update(on(series, 1), title="Pilates")
    await events.update(on(series, 22), title="Dance")
    events.world.clock.advance(2 * WEEK)
    cancelled = (await events.cancel(series)).view
    assert (cancelled.status, cancelled.revision) == (EventStatus.CANCELLED, 2)
    assert await events.days() == ["12-01 Pilates"]
    assert await events.days(statuses=(EventStatus.CANCELLED,)) == ["12-08 Zumba", "12-15 Zumba", "12-22 Dance"]
    assert (await events.get(on(series, 22))).view.revision == 3, "it is another one than before"
    for event_id in (series, on(series, 8), on(series, 22)):
        with pytest.raises(PreconditionFailed) as refused:
            await events.cancel(event_id)
        assert refused.value.code == "EVENT_ALREADY_CANCELLED"
    await events.update(on(series, 1), notes="was good")


# from an instance on


async def test_an_instance_and_what_follows_it_change(events: Events, series: str) -> None:
    master = (await events.update_following(on(series, 15), title="Yoga")).view
    assert (master.id, master.recurrence, master.revision) == (series, RecurrenceType.MASTER, 2)
    assert await events.days() == ["12-01 Zumba", "12-08 Zumba", "12-15 Yoga", "12-22 Yoga"]
    assert await events.ids() == [on(series, day) for day in (1, 8, 15, 22)]
    first, second = (await events.get(series)).view.event.segments
    assert first.before_at == second.from_at


async def test_the_rest_of_a_series_moves(events: Events, series: str) -> None:
    await events.update(on(series, 22), title="Dance")
    await events.update(on(series, 8), title="Pilates")
    changed = asked("2026-12-14T18:00", "2026-12-14T19:00")
    await events.update_following(on(series, 15), changed, rule=AskedRule(until=wall("2026-12-28T23:59")))
    assert await events.rows() == [
        ("12-01 09:00", "Zumba", "INSTANCE"),
        ("12-08 09:00", "Pilates", "EXCEPTION"),
        ("12-14 18:00", "Zumba", "INSTANCE"),
        ("12-21 18:00", "Dance", "EXCEPTION"),
        ("12-28 18:00", "Zumba", "INSTANCE"),
    ]


async def test_overrides_move_with_the_rest_by_whole_weeks(events: Events) -> None:
    series = (await events.weekly(*TUESDAY, until="2027-01-05T09:00")).view.id
    await events.update(on(series, 22), title="Dance")
    await events.cancel(on(series, 29))
    await events.update_following(on(series, 15), asked("2026-12-22T09:00", "2026-12-22T10:00"))
    assert await events.days() == ["12-01 Zumba", "12-08 Zumba", "12-22 Zumba", "12-29 Dance"]


async def test_a_series_with_several_segments_changes_in_all_that_are_to_come(events: Events, series: str) -> None:
    await events.update_following(on(series, 8), title="Yoga")
    await events.update_following(on(series, 22), notes="last")
    assert len((await events.get(series)).view.event.segments) == 3
    events.world.clock.advance(2 * WEEK)
    await events.update(series, location={"name": "Room 2"})
    views = [one.view for one in (await events.page()).events]
    assert [one.content.get("location") for one in views] == [None, *[{"name": "Room 2"}] * 3]
    assert [one.content["title"] for one in views] == ["Zumba", "Yoga", "Yoga", "Yoga"]
    assert [one.content.get("notes") for one in views] == [None, None, None, "last"]
    earlier = asked("2026-12-01T08:00", "2026-12-01T08:30")
    await events.update(series, earlier)
    assert [row[:2] for row in await events.rows()] == [
        ("12-01 09:00", "Zumba"),
        ("12-08 08:00", "Yoga"),
        ("12-15 08:00", "Yoga"),
        ("12-22 08:00", "Yoga"),
    ]
    assert len((await events.get(series)).view.event.segments) == 3, "each keeps what it says"


Ask = Callable[[Events, str], Coroutine[Any, Any, EventOnSchedule]]


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        (lambda events, series: events.update_following(series), "NOT_AN_INSTANCE"),
        (lambda events, series: events.update_following(on(series, 22, month=11)), "INSTANCE_HAS_BEGUN"),
    ],
    ids=["series", "begun"],
)
async def test_where_there_is_no_rest(on_sqlite: Events, ask: Ask, code: str) -> None:
    series = (await on_sqlite.weekly("2026-11-22T09:00", "2026-11-22T10:00")).view.id
    with pytest.raises(PreconditionFailed) as refused:
        await ask(on_sqlite, series)
    assert refused.value.code == code


@pytest.mark.parametrize("start", ["2026-12-08T09:00", "2026-12-07T09:00"])
async def test_the_rest_begins_after_what_is_before_it(on_sqlite: Events, start: str) -> None:
    series = (await on_sqlite.weekly(*TUESDAY)).view.id
    with pytest.raises(Invalid) as refused:
        await on_sqlite.update_following(on(series, 15), asked(start, "2026-12-08T12:00"))
    assert [one.name for one in refused.value.violations] == ["BEFORE_EARLIER_INSTANCE"]


# others are told


async def test_each_change_is_told_in_its_own_transaction(events: Events) -> None:
    told: list[EventChanged] = []

    async def hears(transaction: Transaction, changed: EventChanged) -> None:
        assert transaction.in_transaction()
        assert await ScheduleEvents(transaction, changed.site_id).get(changed.event_id) is not None
        told.append(changed)

    world = events.world
    kalends, site_id = world.kalends, world.site.id
    for part in (kalends.event_creating, kalends.event_changing, kalends.event_cancelling):
        part._publish = hears
    series = (await events.weekly(*TUESDAY)).view.id
    await events.update(on(series, 8), title="Pilates")
    await events.update_following(on(series, 15), title="Yoga")
    await events.update(series, title="Dance")
    await events.cancel(on(series, 8))
    await kalends.schedule_cancelling.cancel(site_id, world.schedule.id)
    assert told == [EventChanged(site_id, world.schedule.id, series)] * 6


async def test_a_change_that_cannot_be_told_is_none(events: Events, series: str) -> None:
    async def fails(_transaction: Transaction, _changed: EventChanged) -> None:
        raise RuntimeError("no room")

    kalends, world = events.world.kalends, events.world
    changing = EventChanging(kalends.database, world.clock, fails)
    with pytest.raises(RuntimeError, match="no room"):
        await changing.update(world.site.id, series, EventChange(AskedTimes(), None, {"title": "Yoga"}), revision=1)
    creating = EventCreating(kalends.database, world.clock, fails)
    kalends.event_creating._publish = creating._publish
    with pytest.raises(RuntimeError, match="no room"):
        await events.single(*TUESDAY)
    assert (await events.get(series)).view.content["title"] == "Zumba"
    assert len(await events.ids()) == 4
