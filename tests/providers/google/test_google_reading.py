"""A pass over a calendar: what is asked, what is made of the pages, what is remembered."""

import json
from collections.abc import AsyncIterator, Collection
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kalends.model.calendar import Page
from kalends.providers.errors import CalendarGone, CredentialsRefused, CursorRefused, NotSupported, Unavailable
from kalends.providers.google import reading as module
from kalends.providers.google.cursor import POLICY, STANDING, Query
from kalends.providers.google.payload import item_of
from tests.providers.contract import Mirror
from tests.providers.google.scripted import (
    EVENTS_FIELDS,
    PRIMARY,
    Reader,
    deleted,
    exception,
    listing,
    reading,
    refusal,
    said,
    taken_out,
    timed,
)

SINCE = datetime(2026, 8, 24, tzinfo=UTC)
ALWAYS = {"singleEvents": "false", "maxResults": "2500", "fields": EVENTS_FIELDS}
FIRST, SECOND = "2026-12-01T10:00:00Z", "2026-12-02T10:00:00Z"


def series(**more: Any) -> dict[str, Any]:
    zone = {"timeZone": "UTC"}
    event = timed("s", "Series", recurrence=["RRULE:FREQ=DAILY;COUNT=5"], **more)
    return {**event, "start": event["start"] | zone, "end": event["end"] | zone}


@pytest.fixture
async def reader() -> AsyncIterator[Reader]:
    async with reading(timed("a", "Ada"), timed("b", "Bob")) as one:
        yield one


def keys(pages: list[Page], part: str) -> list[str]:
    found = [key for page in pages for key in getattr(page, part)]
    return sorted(getattr(one, "key", one) for one in found)


# --- what is asked


async def test_a_first_reading_asks_for_all_events_that_ended_at_most_a_year_before_the_window(reader: Reader) -> None:
    await reader.read(since=SINCE)
    (asked,) = reader.google.listings
    assert asked == {**ALWAYS, "timeMin": "2025-08-23T00:00:00Z"}
    assert reader.google.asked[0].path == "/calendar/v3/calendars/ada%40example.org/events"
    assert reader.store.holds("Ada", "Bob")


async def test_without_a_window_all_events_are_asked_for(reader: Reader) -> None:
    await reader.read()
    assert reader.google.listings == [ALWAYS]


async def test_what_changed_is_asked_for_by_the_sync_token_alone(reader: Reader) -> None:
    await reader.read(since=SINCE)
    await reader.read(since=SINCE + timedelta(days=1))
    assert reader.google.listings[1:] == [{**ALWAYS, "syncToken": "sync-2"}]


async def test_pages_are_asked_for_with_the_query_that_they_belong_to(reader: Reader) -> None:
    reader.google.page_size = 1
    await reader.read(since=SINCE)
    for name in ("a", "b"):
        reader.google.mine.put(timed(name, "again"))
    await reader.read(since=SINCE)
    assert reader.google.listings == [
        {**ALWAYS, "timeMin": "2025-08-23T00:00:00Z"},
        {**ALWAYS, "timeMin": "2025-08-23T00:00:00Z", "pageToken": "page-1"},
        {**ALWAYS, "syncToken": "sync-2"},
        {**ALWAYS, "syncToken": "sync-2", "pageToken": "page-2"},
    ]


async def test_one_changed_event_costs_one_request_and_says_nothing_else(reader: Reader) -> None:
    await reader.read(since=SINCE)
    reader.google.mine.put(timed("a", "Ada anew"))
    before = len(reader.client.asked)
    pages = await reader.read(since=SINCE)
    assert len(reader.client.asked) - before == 1
    assert (keys(pages, "changed"), keys(pages, "unchanged"), keys(pages, "removed")) == (["a"], [], [])


# --- what is kept


async def test_an_item_keeps_what_blocks_and_nothing_about_anybody_else() -> None:
    told = timed(
        "a",
        "Ada",
        description="secret",
        location="secret",
        organizer={"email": "secret@example.org"},
        attendees=[
            {"email": "secret@example.org", "responseStatus": "accepted"},
            {"email": "ada@example.org", "self": True, "responseStatus": "tentative", "comment": "secret"},
        ],
        conferenceData={"entryPoints": ["secret"]},
        transparency="opaque",
        eventType="default",
    )
    item = item_of(told, "a")
    assert (item.key, item.group_key, item.version, item.recurrence_id) == ("a", "a", '2 "1"', None)
    assert json.loads(item.payload or b"") == {
        "end": {"dateTime": "2026-12-01T11:00:00Z"},
        "eventType": "default",
        "iCalUID": "a@google.com",
        "id": "a",
        "ownAnswer": "tentative",
        "start": {"dateTime": FIRST},
        "status": "confirmed",
        "summary": "Ada",
        "transparency": "opaque",
    }
    assert b"secret" not in (item.payload or b"")
    assert list(json.loads(item.payload or b"")) == sorted(json.loads(item.payload or b""))
    shuffled = dict(reversed({**told, "description": "other", "etag": '"2"'}.items()))
    assert item_of(shuffled, "a").payload == item.payload, "written the same way, whatever else changed"
    assert item_of(shuffled, "a").version != item.version


async def test_an_exception_is_an_item_of_its_masters_group() -> None:
    item = item_of(exception("s", SECOND, "Moved"), "s_20261202T100000Z")
    assert (item.key, item.group_key, item.recurrence_id) == ("s_20261202T100000Z", "s", SECOND)
    day = item_of({"id": "x", "recurringEventId": "s", "originalStartTime": {"date": "2026-12-02"}}, "x")
    assert day.recurrence_id == "2026-12-02"
    assert item_of({"id": "x", "recurringEventId": "s", "originalStartTime": {}}, "x").recurrence_id is None


def test_what_is_too_large_is_kept_without_its_payload_and_says_why() -> None:
    item = item_of(timed("a", "x" * 5_000, recurrence=[f"EXDATE:{'x' * 300_000}"]), "a")
    assert item.payload is None
    assert item.problem == "it takes more than 262144 bytes"
    titled = item_of(timed("a", "x" * 5_000), "a").payload or b""
    assert titled.count(b"x") == 1_000, "no title is longer"


def test_ids_that_are_too_long_for_a_key_are_told_apart_all_the_same() -> None:
    one, other = item_of({}, "x" * 1_000), item_of({}, "x" * 1_001)
    assert len(one.key) < 100
    assert one.key != other.key
    assert item_of({"recurringEventId": "x" * 1_000}, "y").group_key == one.key


def test_what_is_odd_about_an_event_is_kept_out_and_costs_no_more_than_itself() -> None:
    odd = {"id": 1, "summary": 7, "start": "x", "end": {"date": 1}, "attendees": ["x", {"self": True}], "status": None}
    assert json.loads(item_of(odd, "a").payload or b"") == {"id": "a", "end": {}}
    assert item_of(timed("a", "\ud800"), "a").payload is not None


# --- full readings


async def test_a_full_reading_leaves_out_what_is_stored_as_it_is(reader: Reader) -> None:
    await reader.read(since=SINCE)
    reader.google.mine.put(timed("b", "Bob anew"))
    pages = await reader.read(since=SINCE, full=True)
    assert (keys(pages, "changed"), keys(pages, "unchanged"), keys(pages, "removed")) == (["b"], ["a"], [])


async def test_an_event_without_an_etag_is_never_thought_unchanged(reader: Reader) -> None:
    untold = {name: one for name, one in timed("a", "Ada").items() if name != "etag"}
    reader.google.instead = [listing(untold, token="sync-1"), listing(untold, token="sync-1")]
    await reader.read()
    assert keys(await reader.read(full=True), "changed") == ["a"]


async def test_a_full_reading_names_what_it_did_not_find(reader: Reader) -> None:
    await reader.read(since=SINCE)
    reader.google.mine.delete("a")
    assert keys(await reader.read(since=SINCE, full=True), "removed") == ["a"]
    assert reader.store.holds("Bob")


async def test_cancelled_instances_are_items_of_a_full_reading_and_deleted_events_are_not() -> None:
    async with reading() as reader:
        hole = taken_out("s", SECOND)
        reader.google.instead = [listing(series(), hole, deleted("x"), token="sync-1")]
        pages = await reader.read()
    assert keys(pages, "changed") == ["s", "s_20261202T100000Z"]


# --- what changed


async def test_a_deleted_event_is_removed_and_an_instance_taken_out_stays_as_a_hole() -> None:
    async with reading(series(), timed("a", "Ada")) as reader:
        await reader.read()
        reader.google.mine.delete("a")
        reader.google.mine.put(taken_out("s", SECOND))
        pages = await reader.read()
    assert (keys(pages, "changed"), keys(pages, "removed")) == (["s_20261202T100000Z"], ["a"])


async def test_a_deleted_series_takes_its_exceptions_with_it_though_google_names_the_master_alone() -> None:
    moved, hole = exception("s", FIRST, "Moved", "2026-12-01T15:00:00Z"), taken_out("s", SECOND)
    async with reading(series(), moved, hole, timed("a", "Ada"), exception("t", FIRST, "Of another")) as reader:
        await reader.read()
        assert len(reader.store.items) == 5
        reader.google.mine.delete("s")
        pages = await reader.read()
        assert reader.store.holds("Ada", "Of another")
    assert keys(pages, "removed") == ["s", "s_20261201T100000Z", "s_20261202T100000Z"]
    assert keys(pages, "changed") == []


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("first", [False, True])
async def test_what_comes_along_with_a_deleted_series_stands_if_it_stands(apart: bool, first: bool) -> None:
    left, hole = exception("s", FIRST, "Left"), taken_out("s", SECOND)
    async with reading(series(), exception("s", FIRST, "Before")) as reader:
        await reader.read()
        told = [deleted("s"), left, hole] if first else [hole, left, deleted("s")]
        if apart:
            pages = [listing(one, page=f"p{number}") for number, one in enumerate(told)]
            reader.google.instead = [*pages, listing(token="sync-9")]
        else:
            reader.google.instead = [listing(*told, token="sync-9")]
        await reader.read()
        assert reader.store.holds("Left"), "an invitation to one instance; the hole went with its series"


async def test_a_hole_that_came_just_before_its_series_went_is_removed_though_it_may_not_be_stored_yet() -> None:
    async with reading() as reader:
        told = [taken_out("s", SECOND), deleted("s")]
        pages = [listing(one, page=f"p{number}") for number, one in enumerate(told)]
        await reader.read()
        reader.google.instead = [*pages, listing(token="sync-9")]
        lagging = _Lagging(items=reader.store.items, cursor=reader.store.cursor)
        found = await lagging.sync(reader.session, PRIMARY)
    assert keys(found, "removed") == ["s", "s_20261202T100000Z"]


class _Lagging(Mirror):
    """A store that is still writing what it was given."""

    async def in_groups(self, group_keys: Collection[str]) -> Collection[str]:
        del group_keys
        return ()


# --- pages


async def test_short_and_empty_pages_are_pages_like_others_as_long_as_another_follows(reader: Reader) -> None:
    for number in range(5):
        reader.google.mine.put(timed(f"e{number}", f"Title-{number}"))
    reader.google.page_size, reader.google.empty_pages = 2, True
    pages = await reader.read()
    assert reader.store.holds("Ada", "Bob", *(f"Title-{number}" for number in range(5)))
    assert [page.cursor is None for page in pages] == [True] * 4 + [False]


@pytest.mark.parametrize(
    "answers",
    [
        (listing(timed("a", "Ada")),),
        (listing(timed("a", "Ada"), page="p"), listing()),
        (said(items={}, nextSyncToken="t"),),
        (said(items=[{}], nextSyncToken="t"),),
        (said(items=["x"], nextSyncToken="t"),),
        (said(items=[timed("a", "Ada") | {"id": 7}], nextSyncToken="t"),),
        (said(items=[], nextSyncToken=7),),
        (said(items=[], nextPageToken=7),),
        (listing(page="p"), refusal(500, "backendError")),
        (listing(page="p"), listing(page="p")),
        (listing(page="p"), listing(page="q"), listing(page="p")),
    ],
)
async def test_a_listing_that_is_cut_off_or_goes_in_circles_is_no_reading(
    reader: Reader, answers: tuple[bytes, ...]
) -> None:
    await reader.read()
    reader.google.instead = list(answers)
    cursor = reader.store.cursor
    with pytest.raises(Unavailable):
        await reader.read()
    assert reader.store.cursor == cursor
    assert reader.store.holds("Ada", "Bob")


async def test_a_listing_without_items_is_an_empty_one(reader: Reader) -> None:
    await reader.read()
    reader.google.instead = [said(nextSyncToken="sync-2")]
    (page,) = await reader.read()
    assert page.is_empty


async def test_a_large_page_is_cut_and_can_be_gone_on_from_in_its_middle(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE", 2)
    for number in range(4):
        reader.google.mine.put(timed(f"e{number}", f"Title-{number}"))
    await reader.read(cut_after=2, since=SINCE)
    assert len(reader.store.items) == 4
    reader.google.mine.delete("a")
    pages = await reader.read(since=SINCE)
    assert keys(pages, "unchanged") == ["b", "e0", "e1"]
    assert keys(pages, "changed") == ["e2", "e3"]
    assert keys(pages, "removed") == ["a"], "it was seen before the reading was cut off, and no token will tell of it"
    assert reader.store.holds("Bob", *(f"Title-{number}" for number in range(4)))


# --- going on


@pytest.mark.parametrize("full", [True, False])
async def test_a_reading_that_was_cut_off_goes_on_at_its_page(reader: Reader, full: bool) -> None:
    if not full:
        await reader.read(since=SINCE)
    for number in range(3):
        reader.google.mine.put(timed(f"e{number}", f"Title-{number}"))
    reader.google.page_size = 2
    await reader.read(since=SINCE, cut_after=1)
    done = len(reader.google.listings)
    await reader.read(since=SINCE)
    assert reader.google.listings[done]["pageToken"] == reader.google.listings[done - 1].get("pageToken", "page-1")
    assert reader.store.holds("Ada", "Bob", "Title-0", "Title-1", "Title-2")


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("answer", [refusal(400, "invalid", location="pageToken"), refusal(410, "fullSyncRequired")])
async def test_a_page_that_is_not_honoured_any_more_is_begun_anew_from_the_first(
    reader: Reader, full: bool, answer: bytes
) -> None:
    reader.google.mine.put(timed("c", "Cyd"))
    if not full:
        await reader.read(since=SINCE)
        for name in ("a", "b", "c"):
            reader.google.mine.put(timed(name, f"new-{name}"))
    reader.google.page_size = 2
    await reader.read(since=SINCE, cut_after=1)
    reader.google.mine.delete("a")
    reader.google.instead = [answer]
    await reader.read(since=SINCE)
    assert reader.store.holds(*(("Bob", "Cyd") if full else ("new-b", "new-c")))


async def test_a_sync_token_that_is_refused_too_when_begun_anew_is_said(reader: Reader) -> None:
    await reader.read()
    for name in ("a", "b"):
        reader.google.mine.put(timed(name, "again"))
    reader.google.page_size = 1
    await reader.read(cut_after=1)
    reader.google.instead = [refusal(410, "fullSyncRequired")] * 2
    with pytest.raises(CursorRefused):
        await reader.read()


@pytest.mark.parametrize(
    "text",
    ["", "nonsense", "[]", "[" * 5_000, '{"v": 0}', '{"v":2,"shape":"x","token":"","since":null,"page":"p"}'],
)
async def test_a_continuation_of_another_shape_is_not_gone_on_from(reader: Reader, text: str) -> None:
    reader.store.continuation = text
    await reader.read(since=SINCE)
    assert "pageToken" not in reader.google.listings[0]


def test_a_continuation_belongs_to_its_cursor_and_reaches_as_far_back_as_it_must() -> None:
    begins = Query.everything(SINCE)
    place = Query(time_min=begins.time_min, page="p").continuation()
    assert begins.resumed(place, SINCE).page == "p"
    assert begins.resumed(place, SINCE + timedelta(days=3)).time_min == begins.time_min, "as it was begun"
    assert begins.resumed(place, SINCE - timedelta(days=400)) == begins
    assert begins.resumed(place.replace("2025-08-23", "2025-08-xx"), SINCE) == begins
    assert Query("other", begins.time_min).resumed(place, SINCE).page == ""


# --- cursors


@pytest.mark.parametrize(
    "change",
    [
        {"v": POLICY + 1},
        {"shape": "maxResults,q,singleEvents"},
        {"token": ""},
        {"token": None},
        {"since": "yesterday"},
        {"since": "2025-08-23T00:00:00"},
        {"since": 7},
    ],
)
async def test_a_cursor_of_another_shape_is_refused_without_asking(reader: Reader, change: dict[str, Any]) -> None:
    await reader.read(since=SINCE)
    reader.store.cursor = json.dumps({**json.loads(reader.store.cursor or ""), **change})
    with pytest.raises(CursorRefused):
        await reader.read(since=SINCE)
    assert len(reader.google.listings) == 1


async def test_a_cursor_names_the_parameters_and_from_when_on_it_knows_all(reader: Reader) -> None:
    await reader.read(since=SINCE)
    assert json.loads(reader.store.cursor or "") == {
        "v": POLICY,
        "shape": "fields,maxResults,singleEvents",
        "token": "sync-2",
        "since": "2025-08-23T00:00:00+00:00",
    }
    assert sorted(STANDING) == ["fields", "maxResults", "singleEvents"]
    await reader.read(since=SINCE + timedelta(days=100))
    assert json.loads(reader.store.cursor or "")["since"] == "2025-08-23T00:00:00+00:00", "a sync keeps its beginning"


async def test_a_cursor_that_began_later_than_a_wider_window_needs_is_refused(reader: Reader) -> None:
    await reader.read(since=SINCE)
    await reader.read(since=SINCE - timedelta(days=366))
    with pytest.raises(CursorRefused):
        await reader.read(since=SINCE - timedelta(days=367))
    with pytest.raises(CursorRefused):
        await reader.read()


async def test_a_cursor_of_a_reading_of_everything_reaches_back_as_far_as_anybody_wants(reader: Reader) -> None:
    await reader.read()
    await reader.read(since=SINCE)
    await reader.read()
    assert len(reader.google.listings) == 3


# --- refusals


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refusal(404, "notFound"), CalendarGone),
        (refusal(403, "forbidden"), NotSupported),
        (refusal(403, "insufficientPermissions"), CredentialsRefused),
        (refusal(410, "updatedMinTooLongAgo"), CursorRefused),
        (refusal(403, "rateLimitExceeded"), Unavailable),
    ],
)
@pytest.mark.parametrize("page", [0, 2])
async def test_a_refusal_on_any_page_ends_the_reading_and_removes_nothing(
    reader: Reader, answer: bytes, kind: type[Exception], page: int
) -> None:
    await reader.read()
    reader.google.instead = [*(listing(page=f"p{number}") for number in range(page)), answer]
    with pytest.raises(kind):
        await reader.read()
    assert reader.store.holds("Ada", "Bob")


async def test_the_session_knows_no_quirks(reader: Reader) -> None:
    assert reader.session.quirks == frozenset()
    assert [calendar.id for calendar in await reader.session.list_calendars()] == ["ada@example.org"]
