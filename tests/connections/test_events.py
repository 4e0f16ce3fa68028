"""List events, below the wire."""

import asyncio
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from kalends.connections.queries import EventQuery
from kalends.model.errors import Invalid, ProviderUnavailable
from kalends.model.occurrence import Availability, Expansion, Problem
from kalends.model.provider import CalendarType
from kalends.model.time import Window
from tests.rules.conftest import Scripted
from tests.world import ics


def window(start: str, end: str) -> Window:
    return Window(datetime.fromisoformat(start + "+00:00"), datetime.fromisoformat(end + "+00:00"))


async def test_an_event_that_overlaps_either_end_is_included_and_one_that_touches_is_not(scripted: Scripted) -> None:
    for key, start, end in (
        ("before", "20261201T080000Z", "20261201T090000Z"),
        ("into", "20261201T083000Z", "20261201T093000Z"),
        ("inside", "20261201T100000Z", "20261201T101500Z"),
        ("around", "20261201T000000Z", "20261202T000000Z"),
        ("out of", "20261201T115900Z", "20261201T130000Z"),
        ("after", "20261201T120000Z", "20261201T130000Z"),
    ):
        scripted.remote.put(key, ics(key, key, start, end=end))
    await scripted.connect()
    titles = await scripted.world.titles(span=window("2026-12-01T09:00", "2026-12-01T12:00"))
    assert titles == ["around", "into", "inside", "out of"], "sorted by start"


async def test_all_day_events_run_from_midnight_to_midnight_in_the_schedules_zone(scripted: Scripted) -> None:
    scripted.remote.put("day", ics("day", "Holiday", "20261201", end="20261203"))
    scripted.remote.put("timed", ics("timed", "Timed", "20261201T090000Z", end="20261201T100000Z"))
    await scripted.connect()
    day, timed = (await scripted.world.page()).events
    berlin = timezone(timedelta(hours=1))
    assert day.all_day
    assert (day.start, day.end) == (datetime(2026, 12, 1, tzinfo=berlin), datetime(2026, 12, 3, tzinfo=berlin))
    assert day.start.isoformat() == "2026-12-01T00:00:00+01:00"
    assert timed.start.isoformat() == "2026-12-01T09:00:00+00:00"
    assert await scripted.world.titles(all_day=True) == ["Holiday"]
    assert await scripted.world.titles(all_day=False) == ["Timed"]
    assert timed.calendar_type is CalendarType.OTHER
    assert timed.owner_id == scripted.world.user.id


async def test_what_does_not_block_is_left_out_unless_asked_for(scripted: Scripted) -> None:
    declined = "ATTENDEE;PARTSTAT=DECLINED:mailto:ada@example.org\n"
    for key, lines in (
        ("busy", ""),
        ("free", "TRANSP:TRANSPARENT\n"),
        ("declined", declined),
        ("tentative", "STATUS:TENTATIVE\n"),
        ("cancelled", "STATUS:CANCELLED\n"),
    ):
        scripted.remote.put(key, ics(key, key, "20261201T090000Z", end="20261201T100000Z", lines=lines))
    await scripted.connect()
    assert sorted(str(one) for one in await scripted.world.titles()) == ["busy", "tentative"]
    everything = (await scripted.world.page(include_free=True)).events
    assert {one.title: one.availability for one in everything} == {
        "busy": Availability.BUSY,
        "free": Availability.FREE,
        "declined": Availability.DECLINED,
        "tentative": Availability.TENTATIVE,
    }


async def all_pages(scripted: Scripted, limit: int, query: EventQuery) -> list[str]:
    world = scripted.world
    page = await world.kalends.events.first(world.admin, query)
    found = []
    while True:
        assert len(page.events) <= limit
        found += [str(one.title) for one in page.events]
        if page.next_cursor is None:
            return found
        page = await world.kalends.events.next(world.admin, page.next_cursor)


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 1000])
async def test_pages_join_to_the_whole_without_gap_or_repetition(scripted: Scripted, limit: int) -> None:
    for number in range(7):  # several at the same instant
        day = number // 3 + 1
        text = ics(f"e{number}", f"{number}", f"2026120{day}T090000Z", end=f"2026120{day}T100000Z")
        scripted.remote.put(f"e{number}", text)
    await scripted.connect()
    query = EventQuery(window("2026-12-01T00:00", "2026-12-31T00:00"), personal=True, limit=limit)
    assert await all_pages(scripted, limit, query) == [f"{number}" for number in range(7)]


async def test_a_cursor_is_stable_while_events_come_and_go(scripted: Scripted) -> None:
    for number in range(4):
        day = number + 1
        scripted.remote.put(f"e{day}", ics(f"e{day}", f"{day}", f"2026120{day}T090000Z", end=f"2026120{day}T100000Z"))
    connection = await scripted.connect()
    first = await scripted.world.page(limit=2)
    assert [one.title for one in first.events] == ["1", "2"]
    scripted.remote.delete("e1")
    scripted.remote.put("e0", ics("e0", "0", "20261130T090000Z", end="20261130T100000Z"))
    scripted.remote.put("e9", ics("e9", "between", "20261203T000000Z", end="20261203T010000Z"))
    await scripted.world.sync(connection)
    assert first.next_cursor is not None
    rest = await scripted.world.kalends.events.next(scripted.world.admin, first.next_cursor, limit=10)
    assert [one.title for one in rest.events] == ["between", "3", "4"]
    assert rest.next_cursor is None


async def test_a_cursor_that_was_changed_or_is_a_day_old_is_refused(scripted: Scripted) -> None:
    for day in (1, 2):
        scripted.remote.put(f"e{day}", ics(f"e{day}", "x", f"2026120{day}T090000Z", end=f"2026120{day}T100000Z"))
    connection = await scripted.connect()
    world = scripted.world
    cursor = (await world.page(limit=1)).next_cursor
    assert cursor is not None
    token = (await world.kalends.tokens.for_user(world.site.id, world.user.id)).token
    for wrong in ("", "x", cursor[:-3] + "AAA", cursor * 1000, token):
        with pytest.raises(Invalid) as raised:
            await world.kalends.events.next(world.admin, wrong)
        assert raised.value.violations[0].field == "cursorPaging.cursor"
    world.clock.advance(timedelta(hours=24, seconds=1))
    await world.sync(connection)
    with pytest.raises(Invalid, match="has expired"):
        await world.kalends.events.next(world.admin, cursor)


async def test_filters_are_conjunctive_and_unknown_ids_match_nothing(scripted: Scripted) -> None:
    scripted.remote.put("e", ics("e", "Busy", "20261201T090000Z", end="20261201T100000Z"))
    await scripted.connect()
    world = scripted.world
    mine, nobody = world.user.id, "00000000-0000-4000-8000-000000000000"
    for query, expected in (
        ({"schedule_ids": (world.schedule.id,)}, 1),
        ({"schedule_ids": (nobody,)}, 0),
        ({"schedule_ids": (nobody, world.schedule.id)}, 1),
        ({"user_ids": (mine,)}, 1),
        ({"user_ids": (nobody,)}, 0),
        ({"user_ids": (mine,), "schedule_ids": (nobody,)}, 0),
        ({"user_ids": (mine,), "schedule_ids": (world.schedule.id,)}, 1),
    ):
        assert len(await world.titles(**query)) == expected, query


@pytest.mark.parametrize("year", [2019, 2031])
async def test_a_span_outside_the_window_is_answered_from_what_is_stored(scripted: Scripted, year: int) -> None:
    scripted.remote.put("once", ics("once", "Once", f"{year}0301T090000Z", end=f"{year}0301T100000Z"))
    yearly = "RRULE:FREQ=YEARLY\nTRANSP:OPAQUE\n"
    scripted.remote.put("yearly", ics("yearly", "Yearly", "20190302T090000Z", end="20190302T100000Z", lines=yearly))
    scripted.remote.put("free", ics("free", "Free", f"{year}0303T090000Z", lines="TRANSP:TRANSPARENT\n"))
    scripted.remote.put("day", ics("day", "Day", f"{year}0304", end=f"{year}0305"))
    await scripted.connect()
    span = window(f"{year}-01-01T00:00", f"{year + 1}-01-01T00:00")
    assert await scripted.world.titles(span=span) == ["Once", "Yearly", "Day"]
    assert await scripted.world.titles(span=span, all_day=False) == ["Once", "Yearly"]
    assert len(await scripted.world.titles(span=span, include_free=True)) == 4
    query = EventQuery(span, personal=True, limit=1)
    assert await all_pages(scripted, 1, query) == ["Once", "Yearly", "Day"]


async def test_a_first_import_is_waited_for(scripted: Scripted) -> None:
    scripted.remote.put("e", ics("e", "Busy", "20261201T090000Z", end="20261201T100000Z"))
    world = scripted.world
    scopes = world.kalends.events._scopes
    scopes._freshness = type(scopes._freshness)(scopes._freshness.staleness_limit, timedelta(seconds=10))
    connection = await scripted.connect(sync=False)
    listing = asyncio.create_task(world.titles())
    await asyncio.sleep(0)
    await world.sync(connection)
    assert await asyncio.wait_for(listing, 20) == ["Busy"]


async def test_the_window_rolls_on_without_asking_the_provider(scripted: Scripted) -> None:
    scripted.remote.put("e", ics("e", "Daily", "20261201T090000Z", end="20261201T100000Z", lines="RRULE:FREQ=DAILY\n"))
    connection = await scripted.connect()
    world = scripted.world
    handed_out = scripted.kind.handed_out
    world.clock.advance(timedelta(days=30))
    await world.sync(connection)
    horizon = world.clock.now() + world.kalends.settings.window_ahead
    span = Window(horizon - timedelta(days=2), horizon - timedelta(days=1, hours=12))
    assert len(await world.titles(span=span)) == 1
    assert scripted.kind.handed_out == handed_out


async def test_nothing_connected_is_no_failure(scripted: Scripted) -> None:
    page = await scripted.world.page(partial_failure=True)
    assert (list(page.events), page.next_cursor, bool(page.failures)) == ([], None, False)


async def test_a_disconnected_owner_is_no_failure_either(scripted: Scripted) -> None:
    connection = await scripted.connect(sync=False)
    with pytest.raises(ProviderUnavailable):
        await scripted.world.page()
    assert await scripted.world.kalends.users.disable(scripted.world.site.id, scripted.world.user.id) == 1
    assert await scripted.world.titles() == []
    assert (await scripted.world.connection(connection.id)).status.value == "DISCONNECTED"


async def test_the_window_rolls_past_an_event_that_is_given_up_this_time(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted.remote.put("e", ics("e", "Daily", "20261201T090000Z", end="20261201T100000Z", lines="RRULE:FREQ=DAILY\n"))
    connection = await scripted.connect()
    world = scripted.world
    before = len(await world.titles())
    real = world.kalends.events._scopes._spans._recognition._expander
    given_up = Expansion(given_up=True, problems=(Problem(None, "it takes too long"),))

    async def gives_up(_kind: Any, groups: Any, _context: Any) -> dict[str, Expansion]:
        return {one.key: given_up for one in groups}

    with monkeypatch.context() as patch:
        patch.setattr(real, "expand", gives_up)
        world.clock.advance(timedelta(days=1))
        await world.sync(connection)
        assert len(await world.titles()) == before, "what stood stands"
    world.clock.advance(timedelta(days=1))
    await world.sync(connection)
    horizon = world.clock.now() + world.kalends.settings.window_ahead
    span = Window(horizon - timedelta(days=2), horizon - timedelta(days=1, hours=12))
    assert len(await world.titles(span=span)) == 1, "and it is made up for when the window moves on"


async def test_long_titles_are_cut(scripted: Scripted) -> None:
    scripted.remote.put("e", ics("e", "x" * 50_000, "20261201T090000Z", end="20261201T100000Z"))
    await scripted.connect()
    assert await scripted.world.titles() == ["x" * 1000]
