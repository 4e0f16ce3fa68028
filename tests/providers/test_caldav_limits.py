"""What a server may cost: bytes, elements, time, members, rounds. Beyond it a reading fails; it never stands still."""

import asyncio
import time
from types import SimpleNamespace
from typing import cast

import pytest

from kalends.net.client import Limits
from kalends.providers.caldav import listing, multistatus
from kalends.providers.caldav import namespaces as ns
from kalends.providers.caldav.client import DavClient
from kalends.providers.caldav.cursor import Cursor, CursorKind
from kalends.providers.caldav.errors import Malformed, TooLarge
from kalends.providers.caldav.zones import iana_zone, zone_of_vtimezone
from kalends.providers.errors import Unavailable
from kalends.providers.quirks import Quirks
from tests.net.loopback import Asked, raw
from tests.providers import scripted as answers
from tests.providers.contract import Mirror
from tests.providers.scripted import (
    CALENDAR,
    TEXTS,
    A,
    B,
    Script,
    about,
    by_report,
    etag_listing,
    event,
    member,
    multiget,
    scripted,
)

_HEAD = b'<d:multistatus xmlns:d="DAV:">'
_TAIL = b"</d:multistatus>"


def _response(inside: bytes) -> bytes:
    return b"<d:response><d:href>/c/a</d:href>" + inside + b"</d:response>"


async def _parse(inside: bytes) -> multistatus.MultiStatus:
    return await multistatus.parse(_HEAD + inside + _TAIL, "https://h/")


# XML


@pytest.mark.parametrize(
    ("inside", "says"),
    [
        (_response(b"<a/>" * 2_001), "elements in one response"),
        (_response(b"<d:href>/c/b</d:href>" * 2_001), "elements in one response"),
        (_response(b"<a " + b" ".join(b'a%d=""' % number for number in range(65)) + b"/>"), "attributes"),
        (b"".join(b"<a%d/>" % number for number in range(1_001)), "different names"),
        (_response(b"").replace(b"/c/a", b"/c/" + b"/" * 9_000), "href longer"),
        (b'<a b="' + b"x" * (3 << 20) + b'"/>', "tag or comment longer"),
        (b"<!--" + b"x" * (3 << 20) + b"-->", "tag or comment longer"),
    ],
    ids=["elements", "hrefs", "attributes", "names", "long href", "long attribute", "long comment"],
)
async def test_an_answer_that_would_cost_more_than_it_can_be_worth_is_refused(inside: bytes, says: str) -> None:
    before = time.process_time()
    with pytest.raises(Malformed, match=says):
        await _parse(inside)
    assert time.process_time() - before < 5


async def test_a_long_text_is_no_long_tag() -> None:
    text = b"<d:propstat><d:prop><d:displayname>" + b"x" * (3 << 20) + b"</d:displayname></d:prop></d:propstat>"
    answer = await _parse(_response(text))
    assert len(answer.responses[0].text(ns.DISPLAYNAME) or "") == 3 << 20


async def test_what_was_not_asked_for_is_not_kept() -> None:
    prop = (
        b"<x><d:getetag/>deep<x/></x><d:resourcetype><x>no</x><d:collection/></d:resourcetype><d:getetag>1</d:getetag>"
    )
    answer = await _parse(
        b"<x><d:response/></x>" + _response(b"<d:propstat><d:prop>" + prop + b"</d:prop></d:propstat>")
    )
    (response,) = answer.responses
    assert sorted(response.props) == [ns.GETETAG, ns.RESOURCETYPE]
    assert [child.tag for child in response.props[ns.RESOURCETYPE]] == [ns.COLLECTION]
    assert response.text(ns.GETETAG) == "1"


async def test_reading_an_answer_has_a_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multistatus, "MAX_SECONDS", 0.0)
    with pytest.raises(Malformed, match="takes more than 0 s"):
        await _parse(_response(b"") * 5_000)


# Listings


@pytest.mark.parametrize("removed", [False, True])
async def test_a_listing_has_a_most_of_members_over_all_its_rounds(
    monkeypatch: pytest.MonkeyPatch, removed: bool
) -> None:
    monkeypatch.setattr(listing, "MAX_MEMBERS", 25)
    rounds = iter(range(1_000))

    def cut(_: Asked) -> bytes:
        number = next(rounds)
        paths = [f"/c/{number}-{index}" for index in range(10)]
        members = (about(path, status=404) if removed else member(path, '"1"') for path in paths)
        return answers.multistatus(*members, about("/c/", status=507), token=f"t{number}")

    script = Script()
    script.on("REPORT", "/c/", cut)
    async with scripted(script) as session:
        with pytest.raises(Unavailable, match="more than 25 members"):
            await Mirror(cursor=str(Cursor(CursorKind.SYNC_TOKEN, "old"))).sync(session, CALENDAR)
    assert len(script.asked) == 3


async def test_an_answer_that_is_cut_for_ever_ends_in_an_etag_listing() -> None:
    rounds = iter(range(1_000))

    def reply(_: Asked) -> bytes:
        return answers.multistatus(member(A, '"1"'), about("/c/", status=507), token=f"t{next(rounds)}")

    script = Script()
    script.on("REPORT", "/c/", by_report(reply, multiget(TEXTS)))
    script.on("PROPFIND", "/c/", *etag_listing(A, B))
    async with scripted(script) as session:
        mirror = Mirror()
        await mirror.sync(session, CALENDAR)
    assert next(rounds) == 100
    assert mirror.holds("title-a", "title-b")


async def test_the_event_loop_has_its_turn_while_a_long_listing_is_taken_in() -> None:
    url = "https://h/c/"
    text = "".join(member(f"/c/{number:060}", '"1"') for number in range(10_000)).encode()
    answer = await multistatus.parse(f"<d:multistatus {answers.NAMESPACES}>".encode() + text + _TAIL, url)
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count_turns())
    taken = listing.Listing("/c/", Cursor(CursorKind.ETAGS))
    noting = cast("DavClient", SimpleNamespace(quirks=Quirks()))
    await listing._take_changes(noting, url, answer, taken)
    counting.cancel()
    assert len(taken.members) == 10_000
    assert turns >= 10


# Bytes


async def test_a_member_above_the_client_s_own_limit_is_quarantined() -> None:
    large = event("x" * 100_000)
    script = Script()
    script.on("REPORT", "/c/", by_report(answers.multistatus(member(A, '"1"'), member(B, '"1"'), token="t"), raw(501)))
    script.holds({A: large, B: TEXTS[B]})
    async with scripted(script, limits=Limits(max_bytes=50_000)) as session:
        mirror = Mirror()
        await mirror.sync(session, CALENDAR)
    assert mirror.items == {A: ('"1"', None), B: ('"1"', TEXTS[B].encode())}


@pytest.mark.parametrize("method", ["REPORT", "PROPFIND"])
async def test_a_listing_above_the_client_s_own_limit_is_not_taken(method: str) -> None:
    script = Script()
    script.on("REPORT", "/c/", raw(403))
    script.on(
        method, "/c/", answers.multistatus(*(member(f"/c/{number}", '"1"') for number in range(1_000)), token="t")
    )
    async with scripted(script, limits=Limits(max_bytes=50_000)) as session:
        with pytest.raises(TooLarge):
            await Mirror().sync(session, CALENDAR)


# Zones


def test_a_zone_definition_is_read_in_no_time_whatever_it_holds() -> None:
    before = time.process_time()
    assert zone_of_vtimezone("TZID:" + " " * 60_000 + "x") is None
    assert zone_of_vtimezone("TZID:" + "a/" * 30_000) is None
    assert iana_zone("/" + "a/" * 120 + "x" * 20 + "/Europe/Paris") is None
    assert time.process_time() - before < 1
    assert zone_of_vtimezone("TZID;X=1:  Europe/Paris \r\n") == "Europe/Paris"
