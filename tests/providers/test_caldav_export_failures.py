"""What becomes of a copy when the server refuses, keeps silent, or says what cannot be."""

import json

import pytest

from kalends.model.copy import CopyText
from kalends.net.client import Limits
from kalends.providers.caldav.errors import HttpRefusal, Malformed, NotDav, TooSlow
from kalends.providers.caldav.quirks import missing_etags_after_put
from kalends.providers.caldav.rendering import resource
from kalends.providers.errors import CalendarGone, CredentialsRefused, NotSupported, ProviderError, Unavailable
from kalends.providers.export import (
    CalendarRefused,
    CopyChanged,
    CopyGone,
    CopyThere,
    KeyUsedUp,
    StoredCopy,
)
from tests.net.loopback import raw
from tests.providers.export_contract import single
from tests.providers.scripted import Script, about, collection, multistatus, scripted

WANTED = single()
REF = f"/c/{WANTED.key}.ics"
STORED = StoredCopy(REF, '"1"', "echo")
TEXT = resource(WANTED)
HELD = raw(200, TEXT, {"Content-Type": "text/calendar", "ETag": '"1"'})
MARKER = "0a.1"
MADE = f"/kalends-{MARKER}/"


def at(*, put: bytes = raw(201), get: bytes = HELD, calendar: bytes | None = None) -> Script:
    """Return a calendar that answers so about the one copy."""
    script = Script()
    script.on("PUT", REF, put)
    script.on("GET", REF, get)
    script.on("PROPFIND", "/c/", calendar or multistatus(collection("/c/")))
    return script


# Versions and answers


@pytest.mark.parametrize("written", [{}, {"ETag": '"0"'}])
async def test_what_was_written_is_read_back(written: dict[str, str]) -> None:
    script = at(put=raw(201, b"", written))
    async with scripted(script) as session:
        stored = await session.create("/c/", WANTED)
        assert (missing_etags_after_put.QUIRK.name in session.quirks) is not bool(written)
    assert (stored.ref, stored.version) == (REF, '"1"')
    assert script.lines() == [f"PUT {REF}", f"GET {REF}"]
    assert script.asked[0].body == TEXT
    assert script.asked[0].headers["if-none-match"] == "*"
    assert "if-match" not in script.asked[0].headers


@pytest.mark.parametrize(
    ("etag", "version"),
    [
        ('"abc"', '"abc"'),
        ('W/"abc"', '"abc"'),
        ('"abc-gzip"', '"abc"'),
        ('W/"abc;gzip"', '"abc"'),
        ('"abc--gzip"', '"abc"'),
        ("abc", "abc"),
        ("", ""),
    ],
)
async def test_a_version_is_what_the_server_itself_gave(etag: str, version: str) -> None:
    headers = {"ETag": etag} if etag else {}
    script = at(get=raw(200, TEXT, {"Content-Type": "text/calendar", **headers}))
    async with scripted(script) as session:
        stored = await session.look_up("/c/", WANTED.key)
        assert stored is not None
        assert stored.version == version
        await session.update("/c/", WANTED, stored)
    assert script.asked[1].headers["if-match"] == (version or "*")
    assert "if-none-match" not in script.asked[1].headers


@pytest.mark.parametrize(
    "answer",
    [
        raw(200, b"<html>sign in</html>", {"Content-Type": "text/html"}),
        raw(200, TEXT[:-10], {"Content-Type": "text/calendar"}),
        raw(200, b""),
        raw(204),
        raw(500),
        raw(503, b"", {"Retry-After": "7"}),
        raw(429),
    ],
)
async def test_no_sound_answer_is_no_copy_and_no_lack_of_one(answer: bytes) -> None:
    async with scripted(at(get=answer)) as session:
        with pytest.raises(Unavailable):
            await session.look_up("/c/", WANTED.key)
        with pytest.raises(Unavailable):
            await session.create("/c/", WANTED)
        with pytest.raises(Unavailable):
            await session.update("/c/", WANTED, STORED)


# Not known how it ended


@pytest.mark.parametrize("status", [500, 502, 503, 504, 507, 429])
async def test_an_unknown_outcome_is_not_asked_for_again(status: int) -> None:
    script = at(put=raw(status))
    async with scripted(script) as session:
        with pytest.raises(Unavailable):
            await session.create("/c/", WANTED)
        with pytest.raises(Unavailable):
            await session.update("/c/", WANTED, STORED)
    assert script.lines() == 2 * [f"PUT {REF}"]


async def test_a_connection_that_is_cut_leaves_it_open_how_it_ended() -> None:
    script = at(put=b"HTTP/1.1 201 Cre")
    async with scripted(script, hanging_up_on="PUT") as session:
        with pytest.raises(Unavailable):
            await session.create("/c/", WANTED)
    assert script.lines() == [f"PUT {REF}"]


async def test_silence_leaves_it_open_how_it_ended() -> None:
    script = at(put=b"")
    async with scripted(script, limits=Limits(read=0.2, total=0.2)) as session:
        with pytest.raises(TooSlow):
            await session.create("/c/", WANTED)
    assert script.lines() == [f"PUT {REF}"]


async def test_what_is_said_to_be_stored_and_is_not_there_is_left_open() -> None:
    async with scripted(at(get=raw(404))) as session:
        with pytest.raises(Malformed):
            await session.create("/c/", WANTED)


async def test_a_page_for_signing_in_is_no_outcome() -> None:
    script = at(put=raw(307, b"", {"Location": "/login"}))
    script.on("PUT", "/login", raw(200, b"<html>"))
    async with scripted(script) as session:
        with pytest.raises(NotDav):
            await session.create("/c/", WANTED)


# Refusals


async def test_a_copy_that_is_there_is_told_by_any_refusal() -> None:
    for status in (412, 409, 403, 400):
        async with scripted(at(put=raw(status))) as session:
            with pytest.raises(CopyThere):
                await session.create("/c/", WANTED)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (403, b'<d:error xmlns:d="DAV:"><c:no-uid-conflict xmlns:c="urn:ietf:params:xml:ns:caldav"/></d:error>'),
        (409, b'<D:error xmlns:D="DAV:"><C:no-uid-conflict xmlns:C="urn:ietf:params:xml:ns:caldav"/></D:error>'),
        (400, b"<s:message>Deleted calendar object with uid already exists in this calendar collection.</s:message>"),
    ],
)
async def test_a_uid_in_the_trash_uses_the_key_up(status: int, body: bytes) -> None:
    async with scripted(at(put=raw(status, body), get=raw(404))) as session:
        with pytest.raises(KeyUsedUp):
            await session.create("/c/", WANTED)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (403, NotSupported),
        (405, NotSupported),
        (400, ProviderError),
        (413, ProviderError),
        (415, ProviderError),
        (404, HttpRefusal),
        (301, HttpRefusal),
        (423, HttpRefusal),
        (401, CredentialsRefused),
    ],
)
async def test_a_refusal_is_told_for_what_it_is(status: int, error: type[ProviderError]) -> None:
    async with scripted(at(put=raw(status), get=raw(404))) as session:
        with pytest.raises(ProviderError) as raised:
            await session.create("/c/", WANTED)
    assert type(raised.value) is error


async def test_a_calendar_that_is_gone_is_told() -> None:
    script = at(put=raw(409), get=raw(404), calendar=raw(404))
    script.on("DELETE", REF, raw(404))
    async with scripted(script) as session:
        with pytest.raises(CalendarGone):
            await session.create("/c/", WANTED)
        with pytest.raises(CalendarGone):
            await session.update("/c/", WANTED, STORED)
        with pytest.raises(CalendarGone):
            await session.look_up("/c/", WANTED.key)
        with pytest.raises(CalendarGone):
            await session.delete("/c/", REF)


@pytest.mark.parametrize("status", [412, 404, 410, 409])
async def test_a_copy_that_is_gone_is_told(status: int) -> None:
    async with scripted(at(put=raw(status), get=raw(404))) as session:
        with pytest.raises(CopyGone):
            await session.update("/c/", WANTED, STORED)


async def test_a_copy_in_another_version_is_told() -> None:
    async with scripted(at(put=raw(412))) as session:
        with pytest.raises(CopyChanged):
            await session.update("/c/", WANTED, STORED)
    async with scripted(at(put=raw(403))) as session:
        with pytest.raises(NotSupported):
            await session.update("/c/", WANTED, STORED)


@pytest.mark.parametrize("status", [200, 202, 204, 404, 410])
async def test_a_copy_is_deleted_by_any_of_these(status: int) -> None:
    script = at()
    script.on("DELETE", REF, raw(status))
    async with scripted(script) as session:
        await session.delete("/c/", REF)
    assert "if-match" not in script.asked[0].headers


@pytest.mark.parametrize(("status", "error"), [(403, NotSupported), (500, Unavailable), (423, Unavailable)])
async def test_a_copy_is_not_deleted_by_these(status: int, error: type[ProviderError]) -> None:
    script = at()
    script.on("DELETE", REF, raw(status))
    script.on("DELETE", "/c/", raw(status))
    async with scripted(script) as session:
        with pytest.raises(error):
            await session.delete("/c/", REF)


async def test_no_text_of_a_copy_stands_in_an_error() -> None:
    secret = single(text=CopyText("Nobody may read this", "nor this"))
    script = Script()
    path = f"/c/{secret.key}.ics"
    script.on("PUT", path, raw(400, b"Nobody may read this"))
    script.on("PROPFIND", "/c/", multistatus(collection("/c/")))
    async with scripted(script) as session:
        with pytest.raises(ProviderError) as raised:
            await session.create("/c/", secret)
    said = json.dumps([str(raised.value), raised.value.public])
    assert "this" not in said.replace("this event", "")
    assert secret.key not in said


# Calendars


def home(*calendars: str) -> bytes:
    return multistatus(about("/"), *calendars)


@pytest.mark.parametrize("status", [403, 405, 501, 507])
async def test_an_account_that_may_not_make_calendars_is_told(status: int) -> None:
    script = Script()
    script.on("PROPFIND", "/", home(collection("/work/")))
    script.on("MKCALENDAR", MADE, raw(status))
    async with scripted(script) as session:
        with pytest.raises(CalendarRefused):
            await session.create_calendar("Bookings", MARKER)


@pytest.mark.parametrize("status", [500, 503, 400, 409])
async def test_a_calendar_that_may_come_later_is_left_open(status: int) -> None:
    script = Script()
    script.on("PROPFIND", "/", home(collection("/work/")))
    script.on("MKCALENDAR", MADE, raw(status))
    async with scripted(script) as session:
        with pytest.raises(HttpRefusal):
            await session.create_calendar("Bookings", MARKER)


@pytest.mark.parametrize("status", [201, 405, 409, 507])
async def test_a_calendar_that_is_there_afterwards_is_taken(status: int) -> None:
    script = Script()
    script.on("PROPFIND", "/", home(), home(collection(MADE)))
    script.on("MKCALENDAR", MADE, raw(status))
    async with scripted(script) as session:
        assert (await session.create_calendar("Bookings", MARKER)).id == MADE
    assert script.lines() == ["PROPFIND /", f"MKCALENDAR {MADE}", "PROPFIND /", f"PROPPATCH {MADE}"]
    assert b"<k:export-marker>0a.1</k:export-marker>" in script.asked[3].body


async def test_a_calendar_that_is_not_listed_is_not_taken_for_made() -> None:
    script = Script()
    script.on("PROPFIND", "/", home())
    script.on("MKCALENDAR", MADE, raw(201))
    async with scripted(script) as session:
        with pytest.raises(Malformed):
            await session.create_calendar("Bookings", MARKER)


async def test_a_calendar_is_found_by_the_property_where_the_server_chose_its_path() -> None:
    script = Script()
    marked = [
        collection(f"/{name}/", f'<k:export-marker xmlns:k="urn:x-kalends:caldav">{marker}</k:export-marker>')
        for name, marker in (("one", "0a.2"), ("two", MARKER))
    ]
    script.on("PROPFIND", "/", home(*marked, collection("/three/")))
    async with scripted(script) as session:
        made = await session.create_calendar("Bookings", MARKER)
        assert made.id == "/two/"
        assert await session.find_calendar("0a.3") is None
        assert await session.find_calendar("0a") is None
    assert b"export-marker" in script.asked[0].body
    assert script.lines() == 3 * ["PROPFIND /"]


async def test_a_home_that_cannot_be_listed_makes_no_second_calendar() -> None:
    script = Script()
    script.on("PROPFIND", "/", raw(500))
    script.on("MKCALENDAR", MADE, raw(201))
    async with scripted(script) as session:
        with pytest.raises(Unavailable):
            await session.create_calendar("Bookings", MARKER)
    assert script.lines() == ["PROPFIND /"]


@pytest.mark.parametrize(
    ("status", "error"), [(200, None), (204, None), (404, None), (410, None), (403, NotSupported), (500, Unavailable)]
)
async def test_a_calendar_is_deleted_or_not(status: int, error: type[ProviderError] | None) -> None:
    script = Script()
    script.on("DELETE", "/c/", raw(status))
    async with scripted(script) as session:
        if error is None:
            await session.delete_calendar("/c/")
        else:
            with pytest.raises(error):
                await session.delete_calendar("/c/")
