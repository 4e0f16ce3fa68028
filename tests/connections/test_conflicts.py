"""List conflicts, below the wire."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from kalends.connections import conflicts as module
from kalends.connections.conflicts import Conflict, ConflictPage
from kalends.connections.queries import EventQuery
from kalends.model.errors import Invalid, ProviderUnavailable
from kalends.model.identity import Identity, IdentityKind, Permission, Role
from kalends.model.ids import new_id
from kalends.model.provider import CalendarType
from kalends.model.schedule import Titles
from kalends.model.schedule_event import EventType
from kalends.model.time import Window
from kalends.schedules.event_drafts import AskedRule, AskedTimes, EventChange, EventDraft
from kalends.schedules.event_finding import EventOnSchedule
from kalends.schedules.event_queries import EventQuery as ScheduleEventQuery
from tests.rules.conftest import Scripted
from tests.scripted_provider import GUID, RemoteCalendar
from tests.world import WEEK, ics

DAY = Window(datetime(2026, 12, 1, tzinfo=UTC), datetime(2026, 12, 2, tzinfo=UTC))


def wall(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def book(scripted: Scripted, start: str, end: str, title: str = "Booking", **said: Any) -> str:
    """Make an event on the schedule, in UTC unless told otherwise; return its id."""
    world = scripted.world
    content = {"title": title, **said.pop("content", {})}
    times = AskedTimes(wall(start), wall(end), said.pop("zone", "UTC"), all_day=said.pop("all_day", None))
    schedule_id = said.pop("schedule_id", world.schedule.id)
    draft = EventDraft(schedule_id, times, content=content, **said)
    return (await world.kalends.event_creating.create(world.site.id, draft)).view.id


def put(remote: RemoteCalendar, title: str, start: str, end: str, lines: str = "") -> None:
    """Put an event into an external calendar, its title being its key."""
    remote.put(title, ics(title, title, start, end=end, lines=lines))


async def page(scripted: Scripted, identity: Identity | None = None, **query: Any) -> ConflictPage:
    asked = EventQuery(**{"span": WEEK, "personal": True, "limit": 1000, **query})
    return await scripted.world.kalends.conflicts.first(identity or scripted.world.admin, asked)


async def found(scripted: Scripted, **query: Any) -> Sequence[tuple[str | None, str | None]]:
    """Return the titles of each pair."""
    return [(one.title, one.external.title) for one in (await page(scripted, **query)).conflicts]


async def test_what_overlaps_is_a_conflict_and_what_touches_is_not(scripted: Scripted) -> None:
    for title, start, end in (
        ("before", "20261201T080000Z", "20261201T090000Z"),
        ("into", "20261201T083000Z", "20261201T093000Z"),
        ("inside", "20261201T091500Z", "20261201T093000Z"),
        ("around", "20261201T000000Z", "20261202T000000Z"),
        ("out of", "20261201T095900Z", "20261201T110000Z"),
        ("after", "20261201T100000Z", "20261201T110000Z"),
        ("another day", "20261203T090000Z", "20261203T100000Z"),
    ):
        put(scripted.remote, title, start, end)
    connection = await scripted.connect()
    event_id = await book(scripted, "2026-12-01T09:00", "2026-12-01T10:00")
    conflicts = (await page(scripted)).conflicts
    assert [one.external.title for one in conflicts] == ["around", "into", "inside", "out of"], "by their starts"
    into = conflicts[1]
    assert (into.view.id, into.title) == (event_id, "Booking")
    assert (into.start, into.end) == (datetime(2026, 12, 1, 9, tzinfo=UTC), datetime(2026, 12, 1, 10, tzinfo=UTC))
    assert into.connection_id == connection.id
    assert into.external.schedule_id == scripted.world.schedule.id
    assert into.external.calendar_type is CalendarType.OTHER
    assert into.external.start == datetime(2026, 12, 1, 8, 30, tzinfo=UTC)
    assert len({one.external_id for one in conflicts}) == 4


async def test_an_external_event_keeps_its_id_until_it_gets_another_start(scripted: Scripted) -> None:
    put(scripted.remote, "key", "20261201T090000Z", "20261201T100000Z")
    connection = await scripted.connect()
    await book(scripted, "2026-12-01T09:00", "2026-12-01T12:00")
    before = (await page(scripted)).conflicts[0]
    for start, end, same in (("09", "11", True), ("10", "11", False)):
        scripted.remote.put("key", ics("key", "Changed", f"20261201T{start}0000Z", end=f"20261201T{end}0000Z"))
        await scripted.world.sync(connection)
        after = (await page(scripted)).conflicts[0]
        assert (after.external.title, after.external.end.hour) == ("Changed", 11)
        assert (after.external_id == before.external_id) is same


async def test_only_what_takes_time_on_both_sides_counts(scripted: Scripted) -> None:
    declined = "ATTENDEE;PARTSTAT=DECLINED:mailto:ada@example.org\n"
    for title, lines in (
        ("busy", ""),
        ("tentative", "STATUS:TENTATIVE\n"),
        ("free", "TRANSP:TRANSPARENT\n"),
        ("declined", declined),
        ("cancelled", "STATUS:CANCELLED\n"),
    ):
        put(scripted.remote, title, "20261201T090000Z", "20261201T100000Z", lines)
    await scripted.connect()
    world = scripted.world
    hours = ("2026-12-01T09:00", "2026-12-01T10:00")
    await book(scripted, *hours, "hours", type=EventType.WORKING_HOURS)
    await book(scripted, *hours, "transparent", content={"transparency": "TRANSPARENT"})
    gone = await book(scripted, *hours, "gone")
    await world.kalends.event_cancelling.cancel(world.site.id, gone)
    assert await found(scripted) == []
    for kind in (EventType.DEFAULT, EventType.APPOINTMENT, EventType.CLASS, EventType.COURSE):
        await book(scripted, *hours, kind.value, type=kind)
    assert sorted(str(title) for title, _ in await found(scripted)) == sorted(
        2 * ["DEFAULT", "APPOINTMENT", "CLASS", "COURSE"]
    )
    assert {title for _, title in await found(scripted)} == {"busy", "tentative"}


async def test_a_series_appears_with_its_instances(scripted: Scripted) -> None:
    weekly = "RRULE:FREQ=WEEKLY\n"
    put(scripted.remote, "Yoga", "20261201T093000Z", "20261201T103000Z", weekly)
    await scripted.connect()
    world = scripted.world
    series = await book(scripted, "2026-12-01T09:00", "2026-12-01T10:00", "Class", rule=AskedRule())
    second, third, fourth = (f"{series}_1_202612{day:02}T0900" for day in (8, 15, 22))
    moved = EventChange(AskedTimes(wall("2026-12-08T12:00"), wall("2026-12-08T13:00")), None, {})
    await world.kalends.event_changing.update(world.site.id, second, moved, revision=1)
    free = EventChange(AskedTimes(), None, {"transparency": "TRANSPARENT"})
    await world.kalends.event_changing.update(world.site.id, third, free, revision=1)
    named = EventChange(AskedTimes(), None, {"title": "Pilates"})
    await world.kalends.event_changing.update(world.site.id, fourth, named, revision=1)
    await world.kalends.event_cancelling.cancel(world.site.id, f"{series}_1_20261229T0900")
    conflicts = (await page(scripted, span=Window(WEEK.start, datetime(2027, 1, 13, tzinfo=UTC)))).conflicts
    assert [(one.view.id, one.title, one.external.start.day) for one in conflicts] == [
        (f"{series}_1_20261201T0900", "Class", 1),
        (fourth, "Pilates", 22),
        (f"{series}_1_20270105T0900", "Class", 5),
        (f"{series}_1_20270112T0900", "Class", 12),
    ]
    assert len({one.external_id for one in conflicts}) == 4, "the instances of a series have ids of their own"


async def test_events_of_another_schedule_are_no_conflict(scripted: Scripted) -> None:
    world = scripted.world
    put(scripted.remote, "Dentist", "20261201T090000Z", "20261201T100000Z")
    await scripted.connect()
    other = await world.kalends.schedules.create(world.site, name="Room")
    await book(scripted, "2026-12-01T09:00", "2026-12-01T10:00", schedule_id=other.id)
    assert await found(scripted) == []


async def test_all_day_events_run_from_midnight_to_midnight(scripted: Scripted) -> None:
    """The external ones in the schedule's zone, Berlin, those of the schedule in their own."""
    put(scripted.remote, "Holiday", "20261202", "20261203")
    await scripted.connect()
    await book(scripted, "2026-12-01T23:30", "2026-12-02T00:00", "late", zone="Europe/Berlin")
    await book(scripted, "2026-12-02T23:30", "2026-12-03T00:30", "over midnight", zone="Europe/Berlin")
    await book(scripted, "2026-12-03", "2026-12-04", "next day", zone="Europe/Berlin", all_day=True)
    await book(scripted, "2026-12-03", "2026-12-04", "Tokyo", zone="Asia/Tokyo", all_day=True)
    conflicts = (await page(scripted)).conflicts
    assert [one.title for one in conflicts] == ["Tokyo", "over midnight"]
    tokyo = conflicts[0]
    assert tokyo.start.isoformat() == "2026-12-03T00:00:00+09:00"
    assert tokyo.end.isoformat() == "2026-12-04T00:00:00+09:00"
    assert tokyo.external.start.isoformat() == "2026-12-02T00:00:00+01:00"


async def test_some_of_the_overlap_has_to_lie_in_the_span(scripted: Scripted) -> None:
    put(scripted.remote, "Long", "20261130T120000Z", "20261202T120000Z")
    put(scripted.remote, "Early", "20261130T180000Z", "20261201T000000Z")
    put(scripted.remote, "Late", "20261202T000000Z", "20261202T060000Z")
    await scripted.connect()
    await book(scripted, "2026-11-30T12:00", "2026-12-01T01:00", "into")
    await book(scripted, "2026-11-29T12:00", "2026-12-05T00:00", "around")
    await book(scripted, "2026-11-30T20:00", "2026-12-01T00:00", "before")
    await book(scripted, "2026-12-02T00:00", "2026-12-02T01:00", "after")
    assert await found(scripted, span=DAY) == [("around", "Long"), ("into", "Long")]


async def test_lists_are_narrowed_to_schedules_and_owners(scripted: Scripted) -> None:
    put(scripted.remote, "Dentist", "20261201T090000Z", "20261201T100000Z")
    await scripted.connect()
    await book(scripted, "2026-12-01T09:00", "2026-12-01T10:00")
    world, nobody = scripted.world, new_id()
    for query, expected in (
        ({"schedule_ids": (world.schedule.id,)}, 1),
        ({"schedule_ids": (nobody,)}, 0),
        ({"user_ids": (world.user.id,)}, 1),
        ({"user_ids": (nobody,)}, 0),
        ({"user_ids": (world.user.id,), "schedule_ids": (nobody,)}, 0),
    ):
        assert len(await found(scripted, **query)) == expected, query


@pytest.fixture
async def busy(scripted: Scripted) -> Scripted:
    """Two schedules full of events of all lengths."""
    random, world = Random(7), scripted.world
    other = await world.kalends.schedules.create(world.site, name="Room")
    view = await world.kalends.connecting.by_credentials(
        world.admin, provider_id=GUID, schedule_id=other.id, email="room@example.org", password=scripted.kind.password
    )
    for number in range(60):
        start = WEEK.start + timedelta(hours=random.randrange(59 * 24))
        end = start + timedelta(hours=random.choice((0, 1, 2, 30, 300)))
        put(scripted.remote, f"{number}", f"{start:%Y%m%dT%H%M%SZ}", f"{end:%Y%m%dT%H%M%SZ}")
    await scripted.connect()
    await world.sync(view.connection)
    for number in range(40):
        start = WEEK.start + timedelta(hours=random.randrange(-48, 59 * 24))
        end = start + timedelta(hours=random.choice((1, 2, 30, 400)))
        times = f"{start:%Y-%m-%dT%H:%M}", f"{end:%Y-%m-%dT%H:%M}"
        await book(scripted, *times, f"{number}", schedule_id=random.choice((world.schedule, other)).id)
    await book(scripted, "2026-11-24T09:00", "2026-11-24T15:00", "weekly", rule=AskedRule())
    return scripted


async def all_pages(scripted: Scripted, limit: int, **query: Any) -> list[Conflict]:
    kalends, admin = scripted.world.kalends, scripted.world.admin
    one = await page(scripted, admin, limit=limit, **query)
    conflicts = list(one.conflicts)
    while one.next_cursor is not None:
        one = await kalends.conflicts.next(admin, one.next_cursor)
        assert len(one.conflicts) <= limit
        conflicts += one.conflicts
    return conflicts


def keys(conflicts: Sequence[Conflict]) -> list[tuple[Any, ...]]:
    return [(one.start, one.view.id, one.external.start, one.external_id) for one in conflicts]


async def naive(scripted: Scripted, span: Window) -> set[tuple[str, str, str | None]]:
    """Return the pairs as two lists give them, each with each."""
    world = scripted.world
    theirs = (await world.page(span=span)).events
    pairs = set()
    for one in await every_event(scripted, span):
        for other in theirs:
            if other.schedule_id != one.schedule.id:
                continue
            if one.view.times.start_at < other.end and other.start < one.view.times.end_at:
                pairs.add((one.schedule.id, one.view.id, other.title))
    return pairs


async def every_event(scripted: Scripted, span: Window) -> Sequence[EventOnSchedule]:
    site_id = scripted.world.site.id
    asked = await scripted.world.kalends.event_reading.first(site_id, ScheduleEventQuery(span, limit=1000))
    assert asked.next_cursor is None
    return asked.events


@pytest.mark.parametrize("span", [WEEK, DAY], ids=["two months", "a day"])
async def test_they_are_the_pairs_of_two_lists(busy: Scripted, span: Window) -> None:
    conflicts = await all_pages(busy, 1000, span=span)
    pairs = {(one.external.schedule_id, one.view.id, one.external.title) for one in conflicts}
    assert pairs == await naive(busy, span)
    assert len(pairs) == len(conflicts) > 0
    assert keys(conflicts) == sorted(keys(conflicts))


async def test_pages_join_to_the_whole_without_gap_or_repetition(busy: Scripted) -> None:
    whole = keys(await all_pages(busy, 1000))
    assert len(whole) > 50
    for limit in (7, 50, len(whole)):
        assert keys(await all_pages(busy, limit)) == whole, limit


async def test_a_page_ends_early_rather_than_look_at_too_much(busy: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = keys(await all_pages(busy, 1000))
    monkeypatch.setattr(module, "MOST_LOOKED_AT", 10)
    first = await page(busy)
    assert len(first.conflicts) < len(whole)
    assert first.next_cursor is not None
    assert keys(await all_pages(busy, 1000)) == whole
    assert keys(await all_pages(busy, 3)) == whole


async def test_pages_are_as_they_were_while_others_come_and_go(scripted: Scripted) -> None:
    for day in range(1, 5):
        put(scripted.remote, f"{day}", f"2026120{day}T090000Z", f"2026120{day}T100000Z")
    connection = await scripted.connect()
    events = [await book(scripted, f"2026-12-0{day}T09:00", f"2026-12-0{day}T10:00", f"{day}") for day in range(1, 5)]
    first = await page(scripted, limit=2)
    assert [one.title for one in first.conflicts] == ["1", "2"]
    world = scripted.world
    await world.kalends.event_cancelling.cancel(world.site.id, events[0])
    scripted.remote.delete("2")
    put(scripted.remote, "more", "20261203T093000Z", "20261203T100000Z")
    await world.sync(connection)
    assert first.next_cursor is not None
    rest = await world.kalends.conflicts.next(world.admin, first.next_cursor, limit=10)
    assert [(one.title, one.external.title) for one in rest.conflicts] == [("3", "3"), ("3", "more"), ("4", "4")]
    assert rest.next_cursor is None


async def test_a_cursor_of_something_else_is_refused(scripted: Scripted) -> None:
    for number in range(2):
        put(scripted.remote, f"{number}", "20261201T090000Z", "20261201T100000Z")
    connection = await scripted.connect()
    await book(scripted, "2026-12-01T09:00", "2026-12-01T10:00")
    world = scripted.world
    cursor, of_events = (await page(scripted, limit=1)).next_cursor, (await world.page(limit=1)).next_cursor
    assert cursor is not None
    assert of_events is not None
    for wrong in ("", "x", cursor[:-3] + "AAA", of_events):
        with pytest.raises(Invalid) as raised:
            await world.kalends.conflicts.next(world.admin, wrong)
        assert raised.value.violations[0].field == "cursorPaging.cursor"
    with pytest.raises(Invalid):
        await world.kalends.events.next(world.admin, cursor)
    world.clock.advance(timedelta(hours=24, seconds=1))
    await world.sync(connection)
    with pytest.raises(Invalid, match="has expired"):
        await world.kalends.conflicts.next(world.admin, cursor)


async def test_it_fails_closed(scripted: Scripted) -> None:
    put(scripted.remote, "Dentist", "20261201T090000Z", "20261201T100000Z")
    connection = await scripted.connect()
    await book(scripted, "2026-12-01T09:00", "2026-12-01T10:00")
    world = scripted.world
    view = await world.kalends.connecting.by_credentials(
        world.admin,
        provider_id=GUID,
        schedule_id=world.schedule.id,
        email="other@example.org",
        password=scripted.kind.password,
    )
    with pytest.raises(ProviderUnavailable) as raised:
        await page(scripted)
    assert raised.value.data == {
        "failedProviderIds": [GUID],
        "failedConnectionIds": [view.connection.id],
        "failedScheduleIds": [world.schedule.id],
    }
    partial = await page(scripted, partial_failure=True)
    assert [one.connection_id for one in partial.conflicts] == [connection.id]
    assert partial.failures is not None
    assert partial.failures.connection_ids == (view.connection.id,)
    await world.kalends.acknowledging.acknowledge(world.admin, view.connection.id)
    assert await found(scripted) == [("Booking", "Dentist")]
    assert (await page(scripted, partial_failure=True)).failures is not None
    assert (await page(scripted)).failures is None
    world.clock.advance(timedelta(days=3))
    with pytest.raises(ProviderUnavailable):
        await page(scripted, partial_failure=True)


async def test_nothing_connected_is_no_failure(scripted: Scripted) -> None:
    await book(scripted, "2026-12-01T09:00", "2026-12-01T10:00")
    nothing = await page(scripted, partial_failure=True)
    assert (list(nothing.conflicts), nothing.next_cursor, bool(nothing.failures)) == ([], None, False)


@pytest.mark.parametrize("year", [2019, 2031])
async def test_a_span_outside_the_window_is_answered_from_what_is_stored(scripted: Scripted, year: int) -> None:
    put(scripted.remote, "Yearly", "20190302T090000Z", "20190302T100000Z", "RRULE:FREQ=YEARLY\n")
    put(scripted.remote, "Free", f"{year}0302T090000Z", f"{year}0302T100000Z", "TRANSP:TRANSPARENT\n")
    await scripted.connect()
    await book(scripted, f"{year}-03-02T09:30", f"{year}-03-02T11:00")
    span = Window(datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC))
    assert await found(scripted, span=span) == [("Booking", "Yearly")]


@pytest.mark.parametrize("year", [1, 9998])
async def test_there_is_nothing_at_the_ends_of_time(scripted: Scripted, year: int) -> None:
    await scripted.connect()
    ends = datetime(year + 1, 1, 1, tzinfo=UTC) - timedelta(days=1)
    assert await found(scripted, span=Window(datetime(year, 1, 1, tzinfo=UTC), ends)) == []


def caller(scripted: Scripted, *permissions: Permission) -> Identity:
    return Identity(IdentityKind.APP, scripted.world.site.id, new_id(), frozenset(permissions))


async def test_each_title_is_told_to_those_who_may_see_it(scripted: Scripted) -> None:
    put(scripted.remote, "Dentist", "20261201T090000Z", "20261201T100000Z")
    await scripted.connect()
    await book(scripted, "2026-12-01T09:00", "2026-12-01T10:00")
    world = scripted.world
    staff = replace(world.owner, id=new_id())
    reader = caller(scripted, Permission.READ_EVENTS, Permission.READ_ALL_CONNECTIONS)
    manager = caller(scripted, Permission.READ_EVENTS, Permission.READ_ALL_CONNECTIONS, Permission.MANAGE_SCHEDULES)
    narrow = caller(scripted, Permission.READ_EVENTS, Permission.MANAGE_SCHEDULES)

    async def told(identity: Identity, *, personal: bool = True) -> Sequence[tuple[str | None, ...]]:
        conflicts = (await page(scripted, identity, personal=personal)).conflicts
        return [(one.title, one.external.title, one.external.calendar_name) for one in conflicts]

    assert await told(world.owner) == [("Booking", "Dentist", "C")]
    assert await told(manager) == [("Booking", "Dentist", "C")]
    assert await told(reader) == [(None, "Dentist", "C")], "who may not read the booking does not read its title"
    assert await told(staff) == []
    assert await told(narrow) == [], "it is nobody's schedule that is reached"
    for one in (world.owner, manager):
        assert await told(one, personal=False) == [(None, None, None)]
    await world.kalends.sites.update(world.site.id, titles=Titles.OWNER_ONLY)
    assert await told(manager) == [("Booking", None, None)]
    assert await told(world.owner) == [("Booking", "Dentist", "C")]
    assert Role.STAFF.permissions == world.owner.permissions
