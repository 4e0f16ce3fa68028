"""What a listing does not name is asked for before it is taken to be gone."""

import pytest

from kalends.providers.caldav.cursor import Cursor, CursorKind
from kalends.providers.errors import Unavailable
from tests.net.loopback import Asked, raw
from tests.providers.contract import Mirror
from tests.providers.scripted import CALENDAR, TEXTS, Script, about, collection, member, multistatus, scripted

A, B, C = "/c/a.ics", "/c/b.ics", "/c/c.ics"
ETAGS = str(Cursor(CursorKind.ETAGS))
FULL = None


def holding(*hrefs: str, cursor: str | None) -> Mirror:
    mirror = Mirror()
    mirror.items = {href: ('"1"', TEXTS[href].encode()) for href in hrefs}
    mirror.cursor = cursor
    return mirror


def listing_only(script: Script, *hrefs: str, multiget: bytes) -> None:
    """Name only some members in every listing, and answer a multiget as told."""

    def report(asked: Asked) -> bytes:
        if b"multiget" in asked.body:
            return multiget
        return multistatus(*(member(href, '"1"') for href in hrefs), token="t")

    script.on("REPORT", "/c/", report)
    script.on("PROPFIND", "/c/", multistatus(collection("/c/"), *(member(href, '"1"') for href in hrefs)))


@pytest.mark.parametrize("cursor", [FULL, ETAGS])
async def test_what_is_not_listed_but_there_when_asked_for_stays(cursor: str | None) -> None:
    script = Script()
    listing_only(script, A, multiget=multistatus(member(B, '"1"'), about(C, status=404)))
    async with scripted(script) as session:
        mirror = holding(A, B, C, cursor=cursor)
        await mirror.sync(session, CALENDAR)
    assert sorted(mirror.items) == [A, B]
    (asked,) = [one for one in script.asked if b"multiget" in one.body]
    assert b"b.ics" in asked.body
    assert b"a.ics" not in asked.body
    assert b"calendar-data" not in asked.body, "its text is not wanted"


@pytest.mark.parametrize("cursor", [FULL, ETAGS])
async def test_a_server_without_multiget_is_asked_for_each(cursor: str | None) -> None:
    script = Script()
    listing_only(script, A, multiget=raw(500))
    script.on("PROPFIND", B, multistatus(member(B, '"1"')))
    async with scripted(script) as session:
        mirror = holding(A, B, C, cursor=cursor)
        await mirror.sync(session, CALENDAR)
    assert sorted(mirror.items) == [A, B]
    assert [line for line in script.lines() if ".ics" in line] == [f"PROPFIND {B}", f"PROPFIND {C}"]


@pytest.mark.parametrize("cursor", [FULL, ETAGS])
@pytest.mark.parametrize(("status", "each"), [(503, False), (429, False), (501, True)])
async def test_a_server_that_cannot_say_deletes_nothing(cursor: str | None, status: int, *, each: bool) -> None:
    script = Script()
    listing_only(script, A, multiget=raw(status))
    script.on("PROPFIND", B, raw(500))
    async with scripted(script) as session:
        mirror = holding(A, B, cursor=cursor)
        with pytest.raises(Unavailable):
            await mirror.sync(session, CALENDAR)
    assert sorted(mirror.items) == [A, B]
    assert (f"PROPFIND {B}" in script.lines()) is each, "who asks for patience is asked nothing more"
