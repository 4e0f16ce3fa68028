"""What a reading makes of servers that list in their own ways: cut, refusing, without sync-collection."""

import pytest

from kalends.providers.caldav.cursor import Cursor, CursorKind
from kalends.providers.errors import CursorRefused, Unavailable
from tests.net.loopback import raw
from tests.providers.contract import Mirror, changes
from tests.providers.scripted import (
    CALENDAR,
    TEXTS,
    TOKEN,
    XML,
    A,
    B,
    C,
    Script,
    about,
    by_report,
    collection,
    etag_listing,
    event,
    full_of,
    member,
    multiget,
    multistatus,
    scripted,
)

# Truncation and refusal of sync-collection


async def test_507_inside_207_is_truncation_with_a_good_token() -> None:
    script = Script()
    cut = about("/c/", status=507)
    listings: list[bytes] = [
        multistatus(member(A, '"1"'), cut, token="t1"),
        multistatus(member(B, '"1"'), cut, token="t2"),
        multistatus(member(C, '"1"'), about(A, status=404), token="t3"),
    ]
    script.on("REPORT", "/c/", by_report([*listings], multiget(TEXTS)))
    async with scripted(script) as session:
        mirror = Mirror()
        await mirror.sync(session, CALENDAR)
    assert mirror.holds("title-b", "title-c")
    assert mirror.cursor == str(Cursor(CursorKind.SYNC_TOKEN, "t3"))
    sent = [asked.body for asked in script.asked[:3]]
    assert [b"t1" in body for body in sent] == [False, True, False]
    assert not any(b"limit" in body for body in sent)


async def test_a_member_that_came_back_between_two_answers_is_not_removed() -> None:
    script = Script()
    first = multistatus(about(A, status=404), about("/c/", status=507), token="t1")
    script.on("REPORT", "/c/", by_report([first, multistatus(member(A, '"2"'), token="t2")], b""))
    script.on("GET", A, raw(200, event("title-new").encode()))
    async with scripted(script) as session:
        mirror = full_of(A)
        pages = await mirror.sync(session, CALENDAR)
    assert not any(page.removed for page in pages)
    assert mirror.holds("title-new")


async def test_507_for_a_member_is_no_truncation() -> None:
    script = Script()
    listing = multistatus(about(A, status=507), member(B, '"1"'), token="t1")
    script.on("REPORT", "/c/", by_report(listing, multiget(TEXTS)))
    async with scripted(script) as session:
        mirror = Mirror()
        await mirror.sync(session, CALENDAR)
    assert len(script.asked) == 2
    assert mirror.holds("title-a", "title-b")


@pytest.mark.parametrize("cursor", [None, TOKEN])
async def test_the_same_token_twice_ends_in_an_etag_listing(cursor: str | None) -> None:
    script = Script()
    script.holds(TEXTS)
    again = multistatus(member(A, '"1"'), about("/c/", status=507), token="old")
    script.on("REPORT", "/c/", by_report(again, multiget(TEXTS)))
    script.on("PROPFIND", "/c/", *etag_listing(A, B))
    async with scripted(script) as session:
        mirror = full_of(A, C) if cursor else Mirror()
        await mirror.sync(session, CALENDAR)
    assert len(script.asked) <= 5
    assert mirror.holds("title-a", "title-b")
    assert mirror.cursor == str(Cursor(CursorKind.ETAGS))


@pytest.mark.parametrize("cursor", [None, TOKEN])
async def test_507_as_status_ends_in_an_etag_listing(cursor: str | None) -> None:
    script = Script()
    script.holds(TEXTS)
    script.on("REPORT", "/c/", by_report(raw(507), multiget(TEXTS)))
    script.on("PROPFIND", "/c/", *etag_listing(A, B, ctag="tag"))
    async with scripted(script) as session:
        mirror = full_of(A, C) if cursor else Mirror()
        await mirror.sync(session, CALENDAR)
    assert mirror.holds("title-a", "title-b")
    assert mirror.cursor == str(Cursor(CursorKind.CTAG, "tag"))


@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 410, 412, 415, 500, 501])
async def test_every_refusal_of_sync_collection_ends_in_an_etag_listing(status: int) -> None:
    script = Script()
    script.on("REPORT", "/c/", by_report(raw(status), multiget(TEXTS)))
    script.on("PROPFIND", "/c/", *etag_listing(A, B))
    async with scripted(script) as session:
        mirror = Mirror()
        await mirror.sync(session, CALENDAR)
    assert mirror.holds("title-a", "title-b")


@pytest.mark.parametrize("status", [400, 403, 409, 410, 412, 415, 500, 501])
async def test_every_refusal_of_a_token_is_said(status: int) -> None:
    script = Script()
    script.on("REPORT", "/c/", raw(status, b"<d:error xmlns:d='DAV:'><d:valid-sync-token/></d:error>", XML))
    async with scripted(script) as session:
        mirror = full_of(A, B)
        with pytest.raises(CursorRefused):
            await mirror.sync(session, CALENDAR)
    assert mirror.holds("title-a", "title-b")
    assert mirror.cursor == TOKEN


async def test_an_answer_without_a_token_ends_in_an_etag_listing() -> None:
    script = Script()
    script.holds(TEXTS)
    script.on("REPORT", "/c/", by_report(multistatus(), multiget(TEXTS)))
    script.on("PROPFIND", "/c/", *etag_listing(A))
    async with scripted(script) as session:
        mirror = Mirror()
        await mirror.sync(session, CALENDAR)
    assert mirror.holds("title-a")


async def test_an_empty_answer_with_a_token_is_not_believed_to_mean_an_empty_calendar() -> None:
    script = Script()
    script.holds(TEXTS)
    script.on("REPORT", "/c/", by_report(multistatus(token="t"), multiget(TEXTS)))
    script.on("PROPFIND", "/c/", *etag_listing(A, B))
    async with scripted(script) as session:
        mirror = full_of(A, B, C)
        await mirror.sync(session, CALENDAR, full=True)
    assert mirror.holds("title-a", "title-b")
    assert mirror.cursor == str(Cursor(CursorKind.SYNC_TOKEN, "t"))


# Servers without sync-collection


async def test_an_unchanged_collection_tag_costs_one_request() -> None:
    script = Script()
    script.on("PROPFIND", "/c/", etag_listing(ctag="tag")[0])
    async with scripted(script) as session:
        mirror = full_of(A)
        mirror.cursor = str(Cursor(CursorKind.CTAG, "tag"))
        pages = await mirror.sync(session, CALENDAR)
    assert script.lines() == ["PROPFIND /c/"]
    assert changes(pages) == 0
    assert mirror.holds("title-a")


@pytest.mark.parametrize("kind", [CursorKind.CTAG, CursorKind.ETAGS])
async def test_a_listing_by_etag_brings_what_changed_and_removes_what_it_does_not_name(kind: CursorKind) -> None:
    script = Script()
    tag, _ = etag_listing(ctag="new")
    listing = multistatus(collection("/c/"), member(A, '"1"'), member(B, '"2"'), about(C, status=404))
    # Asked whether it changed, a tag is looked at once more before the listing.
    script.on("PROPFIND", "/c/", *([tag, tag] if kind is CursorKind.CTAG else [tag]), listing)
    script.on("GET", B, raw(200, event("title-new").encode()))
    async with scripted(script) as session:
        mirror = full_of(A, B, C)
        mirror.cursor = str(Cursor(kind, "old"))
        pages = await mirror.sync(session, CALENDAR)
    assert changes(pages) == 2
    assert "GET /c/c.ics" not in script.lines()
    assert mirror.holds("title-a", "title-new")
    assert mirror.cursor == str(Cursor(CursorKind.CTAG, "new"))


@pytest.mark.parametrize(
    "listing",
    [
        multistatus(),
        multistatus(member(A, '"1"')),
        multistatus(collection("/another/"), member("/another/a.ics", '"1"')),
        multistatus(collection("/c/"), member(A, '"1"'), about("/c/", status=507)),
        raw(500),
    ],
    ids=["empty", "without itself", "about another", "cut", "500"],
)
async def test_a_listing_that_is_not_whole_deletes_nothing(listing: bytes) -> None:
    script = Script()
    script.on("PROPFIND", "/c/", etag_listing()[0], listing)
    async with scripted(script) as session:
        mirror = full_of(A, B)
        mirror.cursor = str(Cursor(CursorKind.ETAGS))
        with pytest.raises(Unavailable):
            await mirror.sync(session, CALENDAR)
        with pytest.raises(Unavailable):
            await mirror.sync(session, CALENDAR, full=True)
    assert mirror.holds("title-a", "title-b")
