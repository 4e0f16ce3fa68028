"""events.list: filters, order, and pages."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from kalends.sandbox.google.events import EventWriter
from kalends.sandbox.google.state import State
from tests.sandbox.google.stage import EVENTS, OWNER, Stage, all_day, timed, weekly


async def test_pages_hold_250_events_unless_told_otherwise_and_never_more_than_2500(stage: Stage) -> None:
    for _ in range(2501):
        writer_insert(stage.state, timed())
    assert len((await stage.get(EVENTS))["items"]) == 250
    first = await stage.get(EVENTS, maxResults=9999)
    assert len(first["items"]) == 2500
    rest = await stage.get(EVENTS, maxResults=9999, pageToken=first["nextPageToken"])
    assert len(rest["items"]) == 1
    assert "nextPageToken" not in rest


async def test_the_sync_token_stands_on_the_last_page_only(stage: Stage) -> None:
    for _ in range(3):
        await stage.post(EVENTS, timed())
    page = await stage.get(EVENTS, maxResults=2)
    assert "nextSyncToken" not in page
    last = await stage.get(EVENTS, maxResults=2, pageToken=page["nextPageToken"])
    assert last["nextSyncToken"]


async def test_a_page_token_with_other_parameters_is_refused(stage: Stage) -> None:
    for _ in range(3):
        await stage.post(EVENTS, timed())
    token = (await stage.get(EVENTS, maxResults=1, showDeleted=True))["nextPageToken"]
    assert await stage.refused("GET", EVENTS, maxResults=1, pageToken=token) == (400, "invalid")
    changed = {"showDeleted": True, "q": "x", "pageToken": token}
    assert await stage.refused("GET", EVENTS, **changed) == (400, "invalid")
    assert await stage.refused("GET", EVENTS, pageToken="nonsense") == (400, "invalid")
    other = f"/calendars/{(await stage.post('/calendars', {'summary': 'Team'}))['id']}/events"
    assert await stage.refused("GET", other, showDeleted=True, pageToken=token) == (400, "invalid")
    again = [await stage.get(EVENTS, maxResults=1, showDeleted=True, pageToken=token) for _ in range(2)]
    assert again[0]["items"] == again[1]["items"]


async def test_what_changes_between_pages_comes_with_the_next_sync(stage: Stage) -> None:
    made = [(await stage.post(EVENTS, timed()))["id"] for _ in range(2)]
    page = await stage.get(EVENTS, maxResults=1)
    await stage.delete(f"{EVENTS}/{made[1]}")
    last = await stage.get(EVENTS, maxResults=1, pageToken=page["nextPageToken"])
    assert last["items"][0]["status"] == "confirmed"
    changed, _ = await stage.all(syncToken=last["nextSyncToken"])
    assert [(one["id"], one["status"]) for one in changed] == [(made[1], "cancelled")]


async def test_pages_may_be_short_and_empty_with_more_to_come(stage: Stage) -> None:
    made = [(await stage.post(EVENTS, timed()))["id"] for _ in range(5)]
    await stage.listing(mostPerPage=2, emptyPages=1)
    page = await stage.get(EVENTS)
    assert page["items"] == []
    assert page["nextPageToken"]
    second = await stage.get(EVENTS, pageToken=page["nextPageToken"])
    assert len(second["items"]) == 2
    assert await stage.ids() == made


async def test_time_bounds_exclude_what_only_touches_them(stage: Stage) -> None:
    made = await stage.post(EVENTS, timed(hour=9))
    for since, until, there in (
        ("2026-01-05T10:00:00+01:00", "2026-01-06T00:00:00Z", False),
        ("2026-01-05T09:59:59+01:00", "2026-01-06T00:00:00Z", True),
        ("2026-01-01T00:00:00Z", "2026-01-05T08:00:00Z", False),
        ("2026-01-01T00:00:00Z", "2026-01-05T08:00:01Z", True),
    ):
        assert await stage.ids(timeMin=since, timeMax=until) == ([made["id"]] if there else [])
        assert await stage.ids(timeMin=since, timeMax=until, singleEvents=True) == ([made["id"]] if there else [])


async def test_days_begin_at_the_calendars_midnight(stage: Stage) -> None:
    made = await stage.post(EVENTS, all_day(5))
    assert await stage.ids(timeMax="2026-01-04T23:00:00Z") == []
    assert await stage.ids(timeMax="2026-01-04T23:00:01Z") == [made["id"]]


async def test_days_move_with_the_zone_of_the_calendar(stage: Stage) -> None:
    made = await stage.post(EVENTS, all_day(5))
    await stage.patch("/calendars/primary", {"timeZone": "America/New_York"})
    assert await stage.ids(timeMax="2026-01-05T05:00:00Z") == []
    assert await stage.ids(timeMax="2026-01-05T05:00:01Z") == [made["id"]]
    assert (await stage.get(EVENTS))["timeZone"] == "America/New_York"


async def test_filters_find_what_they_name(stage: Stage) -> None:
    plain = await stage.post(EVENTS, timed(location="Blue room"))
    tagged = await stage.post(
        EVENTS, timed(eventType="focusTime", extendedProperties={"private": {"a": "1"}, "shared": {"b": "2"}})
    )
    assert await stage.ids(iCalUID=plain["iCalUID"]) == [plain["id"]]
    assert await stage.ids(q="BLUE meeting") == [plain["id"]]
    assert await stage.ids(q="green") == []
    assert await stage.ids(privateExtendedProperty="a=1", sharedExtendedProperty="b=2") == [tagged["id"]]
    assert await stage.ids(privateExtendedProperty="b=2") == []
    assert await stage.ids(eventTypes=["focusTime"]) == [tagged["id"]]
    assert await stage.ids(eventTypes=["focusTime", "default"]) == [plain["id"], tagged["id"]]


async def test_events_are_ordered_as_asked(stage: Stage) -> None:
    late = (await stage.post(EVENTS, timed(hour=15)))["id"]
    early = (await stage.post(EVENTS, timed(hour=8)))["id"]
    await stage.patch(f"{EVENTS}/{late}", {"summary": "Changed last"})
    assert await stage.ids() == [late, early]
    assert await stage.ids(orderBy="updated") == [early, late]
    assert await stage.ids(orderBy="startTime", singleEvents=True) == [early, late]
    assert await stage.refused("GET", EVENTS, orderBy="startTime") == (400, "badRequest")


async def test_an_ordered_listing_ends_without_a_sync_token(stage: Stage) -> None:
    assert "nextSyncToken" not in await stage.get(EVENTS, orderBy="updated")


async def test_deleted_events_come_only_where_asked_for(stage: Stage) -> None:
    made = await stage.post(EVENTS, timed())
    await stage.delete(f"{EVENTS}/{made['id']}")
    assert await stage.ids() == []
    (shown,), _ = await stage.all(showDeleted=True)
    assert (shown["status"], shown["summary"]) == ("cancelled", "Meeting")


async def test_updated_min_tells_what_was_changed_or_deleted_since(stage: Stage) -> None:
    old = await stage.post(EVENTS, timed())
    gone = await stage.post(EVENTS, timed())
    stage.advance(hours=1)
    bound = (stage.clock.now() - timedelta(minutes=1)).isoformat(timespec="seconds")
    await stage.delete(f"{EVENTS}/{gone['id']}")
    assert await stage.ids(updatedMin=bound) == [gone["id"]]
    await stage.patch(f"{EVENTS}/{old['id']}", {"summary": "New"})
    assert await stage.ids(updatedMin=bound) == [old["id"], gone["id"]]
    stage.advance(days=31)
    assert await stage.refused("GET", EVENTS, updatedMin=bound) == (410, "updatedMinTooLongAgo")


@pytest.mark.parametrize(
    "query",
    [
        {"maxResults": 0},
        {"maxResults": "many"},
        {"singleEvents": "maybe"},
        {"timeMin": "2026-01-05T09:00:00"},
        {"timeMin": "yesterday"},
        {"timeMin": "2026-01-05T09:00:00Z", "timeMax": "2026-01-05T09:00:00Z"},
        {"timeZone": "Mars/Olympus"},
        {"orderBy": "summary"},
        {"eventTypes": "party"},
        {"privateExtendedProperty": "a"},
        {"alt": "xml"},
    ],
)
async def test_a_bad_parameter_is_refused(loose: Stage, query: dict[str, Any]) -> None:
    status, _ = await loose.refused("GET", EVENTS, **query)
    assert status == 400


async def test_twenty_thousand_events_are_listed_2500_a_page_without_delay(stage: Stage) -> None:
    for number in range(20_000):
        writer_insert(stage.state, timed(1 + number % 28))
    writer_insert(stage.state, weekly())
    async with asyncio.timeout(20):
        items, token = await stage.all(maxResults=2500, timeMin="2025-12-01T00:00:00Z")
        assert len(items) == 20_001
        assert (await stage.all(syncToken=token))[0] == []


def writer_insert(state: State, body: dict[str, object]) -> None:
    EventWriter(state, state.calendars[OWNER.email], OWNER.email).insert(body)
