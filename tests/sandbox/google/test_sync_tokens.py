"""Sync tokens: what they bring, what they are good for, and when they run out."""

from typing import Any

import pytest

from tests.sandbox.google.stage import EVENTS, OWNER, Stage, timed, weekly


async def test_a_sync_token_brings_what_was_made_changed_and_deleted_since(stage: Stage) -> None:
    kept, changed, gone = [(await stage.post(EVENTS, timed()))["id"] for _ in range(3)]
    _, token = await stage.all()
    made = (await stage.post(EVENTS, timed()))["id"]
    await stage.patch(f"{EVENTS}/{changed}", {"summary": "New"})
    await stage.patch(f"{EVENTS}/{changed}", {"summary": "Newer"})
    await stage.delete(f"{EVENTS}/{gone}")
    told, following = await stage.all(syncToken=token)
    assert [(one["id"], one["status"]) for one in told] == [
        (made, "confirmed"),
        (changed, "confirmed"),
        (gone, "cancelled"),
    ]
    assert told[1]["summary"] == "Newer"
    assert set(told[2]) == {"kind", "etag", "id", "status"}
    assert kept not in {one["id"] for one in told}
    assert (await stage.all(syncToken=following))[0] == []
    assert [one["id"] for one in (await stage.all(syncToken=token))[0]] == [made, changed, gone], "tokens stay good"


async def test_details_of_deleted_events_come_only_with_show_deleted(stage: Stage) -> None:
    _, token = await stage.all()
    gone = (await stage.post(EVENTS, timed()))["id"]
    await stage.delete(f"{EVENTS}/{gone}")
    (told,), _ = await stage.all(syncToken=token, showDeleted=True)
    assert (told["status"], told["summary"]) == ("cancelled", "Meeting")


@pytest.mark.parametrize(
    "query",
    [
        {"timeMin": "2026-01-01T00:00:00Z"},
        {"timeMax": "2026-01-01T00:00:00Z"},
        {"updatedMin": "2026-01-01T00:00:00Z"},
        {"q": "x"},
        {"iCalUID": "x"},
        {"orderBy": "updated"},
        {"privateExtendedProperty": "a=1"},
        {"sharedExtendedProperty": "a=1"},
        {"showDeleted": False},
    ],
)
async def test_a_sync_token_goes_with_no_filter(stage: Stage, query: dict[str, Any]) -> None:
    _, token = await stage.all()
    assert await stage.refused("GET", EVENTS, syncToken=token, **query) == (400, "invalid")


async def test_a_sync_token_is_bound_to_its_calendar_and_query(stage: Stage) -> None:
    _, token = await stage.all()
    other = f"/calendars/{(await stage.post('/calendars', {'summary': 'Team'}))['id']}/events"
    assert await stage.refused("GET", other, syncToken=token) == (400, "invalid")
    for query in ({"singleEvents": True}, {"eventTypes": "default"}, {"showHiddenInvitations": True}):
        assert await stage.refused("GET", EVENTS, syncToken=token, **query) == (400, "invalid")
    for wrong in ("nonsense", token[:-2], token[4:], "A" * 5000, "ä"):
        assert await stage.refused("GET", EVENTS, syncToken=wrong) == (400, "invalid")
    assert await stage.get(EVENTS, syncToken=token, maxResults=7)


async def test_a_token_that_has_run_out_asks_for_a_full_sync_without_tombstones(stage: Stage) -> None:
    gone = (await stage.post(EVENTS, timed()))["id"]
    _, token = await stage.all()
    await stage.press(f"/users/{OWNER.email}/calendars/primary/expireSyncTokens")
    await stage.delete(f"{EVENTS}/{gone}")
    assert await stage.refused("GET", EVENTS, syncToken=token) == (410, "fullSyncRequired")
    items, fresh = await stage.all()
    assert items == []
    assert (await stage.all(syncToken=fresh))[0] == []


async def test_a_token_runs_out_with_time(stage: Stage) -> None:
    _, token = await stage.all()
    stage.advance(days=29)
    assert await stage.get(EVENTS, syncToken=token)
    stage.advance(days=2)
    assert await stage.refused("GET", EVENTS, syncToken=token) == (410, "fullSyncRequired")


@pytest.mark.parametrize("page", [1, 3])
async def test_a_sync_may_end_in_410_on_any_page(stage: Stage, page: int) -> None:
    _, token = await stage.all()
    for _ in range(5):
        await stage.post(EVENTS, timed())
    await stage.listing(mostPerPage=1, goneOnPage=page)
    assert len((await stage.all())[0]) == 5, "a full sync is spared"
    query: dict[str, Any] = {"syncToken": token}
    for _ in range(page - 1):
        query["pageToken"] = (await stage.get(EVENTS, **query))["nextPageToken"]
    assert await stage.refused("GET", EVENTS, **query) == (410, "fullSyncRequired")
    assert await stage.refused("GET", EVENTS, syncToken=token) == (410, "fullSyncRequired"), "the token is gone"
    _, fresh = await stage.all()
    assert await stage.get(EVENTS, syncToken=fresh), "it happens once"


async def test_time_max_of_the_first_listing_freezes_the_horizon(stage: Stage) -> None:
    _, token = await stage.all(timeMax="2026-01-10T00:00:00Z")
    await stage.post(EVENTS, timed(20))
    near = (await stage.post(EVENTS, timed(5)))["id"]
    told, following = await stage.all(syncToken=token)
    assert [one["id"] for one in told] == [near]
    await stage.patch(f"{EVENTS}/{near}", timed(20))
    told, _ = await stage.all(syncToken=following)
    assert [one["id"] for one in told] == [near], "who has it must hear that it left"


async def test_other_filters_are_forgotten_by_the_token(stage: Stage) -> None:
    _, token = await stage.all(q="nothing like that")
    made = (await stage.post(EVENTS, timed()))["id"]
    assert [one["id"] for one in (await stage.all(syncToken=token))[0]] == [made]


async def test_with_single_events_a_changed_series_brings_its_instances_and_cancels_those_it_lost(stage: Stage) -> None:
    made = (await stage.post(EVENTS, weekly(3)))["id"]
    _, token = await stage.all(singleEvents=True)
    await stage.patch(f"{EVENTS}/{made}", {"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=2"]})
    told, following = await stage.all(singleEvents=True, syncToken=token)
    assert {one["id"][-16:-8]: one["status"] for one in told} == {
        "20260105": "confirmed",
        "20260112": "confirmed",
        "20260119": "cancelled",
    }
    await stage.delete(f"{EVENTS}/{made}")
    told, _ = await stage.all(singleEvents=True, syncToken=following)
    assert {one["id"][-16:-8]: one["status"] for one in told} == {"20260105": "cancelled", "20260112": "cancelled"}
    assert made not in {one["id"] for one in told}


async def test_a_changed_exception_comes_alone(stage: Stage) -> None:
    made = (await stage.post(EVENTS, weekly(3)))["id"]
    _, token = await stage.all()
    await stage.delete(f"{EVENTS}/{made}_20260112T080000Z")
    (told,), _ = await stage.all(syncToken=token)
    assert set(told) == {"kind", "etag", "id", "status", "recurringEventId", "originalStartTime"}
    assert told["recurringEventId"] == made
