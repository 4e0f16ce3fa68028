"""A read that failed, or an answer that makes no sense, never passes for an empty calendar."""

import gzip
from datetime import timedelta

import pytest

from kalends.model.calendar import ExternalCalendar
from kalends.providers.caldav.cursor import Cursor, CursorKind
from kalends.providers.errors import CalendarGone, CredentialsRefused, Unavailable
from tests.net.loopback import raw
from tests.providers.contract import Mirror
from tests.providers.scripted import (
    CALENDAR,
    TEXTS,
    TOKEN,
    XML,
    A,
    B,
    Script,
    about,
    by_report,
    collection,
    etag_listing,
    full_of,
    member,
    multistatus,
    scripted,
)

_BOMB = (
    b'<!DOCTYPE m [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'
    b'<d:multistatus xmlns:d="DAV:"><d:sync-token>&b;</d:sync-token></d:multistatus>'
)
_DEEP = b'<d:multistatus xmlns:d="DAV:">' + b"<d:x>" * 100_000 + b"</d:x>" * 100_000 + b"</d:multistatus>"
_WHOLE = multistatus(member(A, '"1"'), token="t").partition(b"\r\n\r\n")[2]
_NUMBERED = (
    b'<d:multistatus xmlns:d="DAV:"><d:response><d:href>/c/a</d:href><d:status>HTTP/1.1 %s</d:status></d:response>'
)
_NONSENSE = {
    "login page": raw(200, b"<html><body>Sign in</body></html>", {"Content-Type": "text/html"}),
    "login page as 207": raw(207, b"<html><body>Sign in</body></html>", {"Content-Type": "text/html"}),
    "login page as xml": raw(207, b"<html><body>Sign in</body></html>", XML),
    "login page of type plain text": raw(207, b"\n<!DOCTYPE html><html>Sign in</html>", {"Content-Type": "text/plain"}),
    "answer cut off under a wrong type": raw(207, _WHOLE[:-20], {"Content-Type": "text/html"}),
    "200 without body": raw(200),
    "204": raw(204),
    "207 without body": raw(207, b"", XML),
    "truncated xml": raw(207, _WHOLE[:-20], XML),
    "xml cut in half": raw(207, _WHOLE[: len(_WHOLE) // 2], XML),
    "two documents": raw(207, _WHOLE + _WHOLE, XML),
    "entity bomb": raw(207, _BOMB, XML),
    "deep nesting": raw(207, _DEEP, XML),
    "another root": raw(207, b'<d:error xmlns:d="DAV:"/>', XML),
    "not xml": raw(207, b"OK", XML),
    "response without href": multistatus("<d:response/>", token="t"),
    "status that is none": multistatus("<d:response><d:href>/c/a</d:href><d:status>OK</d:status></d:response>"),
    "status longer than a number can be": raw(207, _NUMBERED % (5_000 * b"9") + b"</d:multistatus>", XML),
    "an encoding that nobody knows": raw(207, b'<?xml version="1.0" encoding="klingon"?>' + _WHOLE, XML),
    "an encoding that xml parsers do not read": raw(207, b'<?xml version="1.0" encoding="gbk"?>' + _WHOLE, XML),
    "an encoding that is none": raw(207, b'<?xml version="1.0" encoding="undefined"?>' + _WHOLE, XML),
    "about another collection": multistatus(member("/another/a.ics", '"1"'), token="t"),
    "shorter than announced": raw(207, _WHOLE, {**XML, "Content-Length": "100000"}),
    "broken compression": raw(207, gzip.compress(_WHOLE)[:-12], {**XML, "Content-Encoding": "gzip"}),
    "too many redirects": raw(301, b"", {"Location": "/c/"}),
    "unavailable": raw(503),
    "bad gateway": raw(502),
    "too many requests": raw(429),
}


@pytest.mark.parametrize("answer", _NONSENSE.values(), ids=_NONSENSE.keys())
async def test_a_failed_or_truncated_read_is_no_empty_calendar(answer: bytes) -> None:
    script = Script()
    script.on("REPORT", "/c/", answer)
    script.on("PROPFIND", "/c/", answer)
    async with scripted(script, hanging_up_on="REPORT") as session:
        mirror = full_of(A, B)
        with pytest.raises(Unavailable):
            await mirror.sync(session, CALENDAR)
        assert mirror.cursor == TOKEN
        with pytest.raises(Unavailable):
            await mirror.sync(session, CALENDAR, full=True)
    assert mirror.pages == []
    assert mirror.holds("title-a", "title-b")


@pytest.mark.parametrize("full", [False, True])
async def test_a_calendar_at_a_wrong_address_is_gone_and_not_empty(full: bool) -> None:
    async with scripted(Script()) as session:
        mirror = full_of(A, B)
        with pytest.raises(CalendarGone):
            await mirror.sync(session, CALENDAR, full=full)
    assert mirror.holds("title-a", "title-b")


async def test_a_calendar_that_207_says_is_not_there_is_gone() -> None:
    script = Script()
    script.on("REPORT", "/c/", raw(403))
    script.on("PROPFIND", "/c/", multistatus(about("/c", status=404)))
    async with scripted(script) as session:
        with pytest.raises(CalendarGone):
            await Mirror().sync(session, CALENDAR)


async def test_a_changed_password_is_said_in_every_kind_of_reading() -> None:
    script = Script()
    script.on("REPORT", "/c/", raw(401))
    script.on("PROPFIND", "/c/", raw(401))
    async with scripted(script) as session:
        for cursor in (None, TOKEN, str(Cursor(CursorKind.CTAG, "x")), str(Cursor(CursorKind.ETAGS))):
            with pytest.raises(CredentialsRefused):
                await Mirror(cursor=cursor).sync(session, CALENDAR)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "120"}, timedelta(minutes=2)),
        (
            {"Retry-After": "Sun, 22 Nov 2026 10:05:00 GMT", "Date": "Sun, 22 Nov 2026 10:00:00 GMT"},
            timedelta(minutes=5),
        ),
        (
            {"Retry-After": "Sun, 22 Nov 2026 09:00:00 GMT", "Date": "Sun, 22 Nov 2026 10:00:00 GMT"},
            timedelta(),
        ),
        ({"Retry-After": "99999999999999"}, timedelta(days=1)),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "Sun, 22 Nov 2026 10:05:00 +99999999999999", "Date": "Sun, 22 Nov 2026 10:00:00 GMT"}, None),
        ({}, None),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_is_handed_on(status: int, headers: dict[str, str], wait: timedelta | None) -> None:
    script = Script()
    script.on("REPORT", "/c/", raw(status, b"", headers))
    async with scripted(script) as session:
        with pytest.raises(Unavailable) as refusal:
            await full_of(A).sync(session, CALENDAR)
    assert refusal.value.retry_after == wait


# What is said of the calendar itself, and by whom

_CURSORS = [None, TOKEN, str(Cursor(CursorKind.CTAG, "x")), str(Cursor(CursorKind.ETAGS))]
_NO_TYPE = "<d:getetag/><d:resourcetype/>"
_FOLDER = "<d:resourcetype><d:collection/></d:resourcetype>"


async def _reads_nothing(script: Script, cursor: str | None, error: type[Exception]) -> None:
    async with scripted(script) as session:
        mirror = full_of(A, B)
        mirror.cursor = cursor
        with pytest.raises(error):
            await mirror.sync(session, CALENDAR)
    assert mirror.cursor == cursor
    assert mirror.pages == []
    assert mirror.holds("title-a", "title-b")


@pytest.mark.parametrize("cursor", _CURSORS, ids=["full", "sync", "ctag", "etags"])
@pytest.mark.parametrize("status", [300, 401, 403, 404, 410, 423, 500, 503])
async def test_an_error_for_the_calendar_itself_inside_207_is_never_an_answer(status: int, cursor: str | None) -> None:
    script = Script()
    script.on("REPORT", "/c/", multistatus(about("/c/", status=status), token="new"))
    script.on("PROPFIND", "/c/", multistatus(about("/c/", status=status)))
    expected = {401: CredentialsRefused, 404: CalendarGone, 410: CalendarGone}.get(status, Unavailable)
    await _reads_nothing(script, cursor, expected)


@pytest.mark.parametrize("status", [401, 403, 404, 423, 500, 503])
@pytest.mark.parametrize("whole", [True, False], ids=["status", "propstat"])
async def test_without_sync_too_an_error_for_the_calendar_itself_is_no_empty_calendar(status: int, whole: bool) -> None:
    script = Script()
    script.on("REPORT", "/c/", raw(403))
    itself = about("/c/", status=status) if whole else about("/c/", missing=_NO_TYPE, missing_status=status)
    script.on("PROPFIND", "/c/", multistatus(itself))
    expected = {401: CredentialsRefused, 404: CalendarGone if whole else Unavailable}.get(status, Unavailable)
    await _reads_nothing(script, None, expected)


@pytest.mark.parametrize("cursor", _CURSORS, ids=["full", "sync", "ctag", "etags"])
@pytest.mark.parametrize("target", ["/sso/", "/d/", "/"])
async def test_a_redirect_to_another_collection_is_no_empty_calendar(target: str, cursor: str | None) -> None:
    itself = about(target, _FOLDER) if target == "/sso/" else collection(target, "<s:getctag>x</s:getctag>")
    script = Script()
    for method in ("REPORT", "PROPFIND"):
        script.on(method, "/c/", raw(302, b"", {"Location": target}))
        script.on(method, target, multistatus(itself, token="t"))
    await _reads_nothing(script, cursor, Unavailable)


@pytest.mark.parametrize("cursor", _CURSORS, ids=["full", "sync", "ctag", "etags"])
async def test_a_redirect_to_nowhere_does_not_mean_that_the_calendar_is_gone(cursor: str | None) -> None:
    script = Script()
    for method in ("REPORT", "PROPFIND"):
        script.on(method, "/c/", raw(302, b"", {"Location": "/nowhere/"}))
    await _reads_nothing(script, cursor, Unavailable)


async def test_a_folder_in_the_calendar_s_place_is_no_empty_calendar() -> None:
    script = Script()
    script.on("REPORT", "/c/", raw(403))
    script.on("PROPFIND", "/c/", multistatus(about("/c/", _FOLDER)))
    await _reads_nothing(script, None, Unavailable)


@pytest.mark.parametrize("cursor", [None, TOKEN, str(Cursor(CursorKind.ETAGS))], ids=["full", "sync", "etags"])
@pytest.mark.parametrize("sync", [True, False])
async def test_a_calendar_whose_members_are_all_named_elsewhere_is_not_empty(sync: bool, cursor: str | None) -> None:
    listing = multistatus(collection("/c/"), member("/owner/c/a.ics", '"1"'), token="t")
    script = Script()
    script.on("REPORT", "/c/", listing if sync else raw(501))
    script.on("PROPFIND", "/c/", listing)
    if cursor == TOKEN and not sync:
        cursor = str(Cursor(CursorKind.CTAG, "x"))
    await _reads_nothing(script, cursor, Unavailable)


async def test_that_everything_is_gone_has_to_be_said_twice() -> None:
    script = Script()
    tag, full = etag_listing(A, B)
    tag, none = etag_listing()
    script.on("PROPFIND", "/c/", tag, none, tag, full, tag, none)
    async with scripted(script) as session:
        mirror = full_of(A, B)
        mirror.cursor = str(Cursor(CursorKind.ETAGS))
        await mirror.sync(session, CALENDAR)
        assert mirror.holds("title-a", "title-b")
        await mirror.sync(session, CALENDAR)
    assert mirror.holds()


@pytest.mark.parametrize(
    "answer",
    [
        raw(500),
        raw(403),
        raw(404),
        raw(200, b"Sorry!", {"Content-Type": "text/plain"}),
        raw(200, TEXTS[A].encode()[:60]),
    ],
    ids=["500", "403", "404", "apology", "half"],
)
async def test_a_calendar_that_hands_over_none_of_its_members_was_not_read(answer: bytes) -> None:
    script = Script()
    script.on("REPORT", "/c/", by_report(multistatus(member(A, '"1"'), member(B, '"1"'), token="t"), raw(501)))
    script.on("PROPFIND", "/c/", multistatus(collection("/c/")))
    script.on("GET", A, answer)
    script.on("GET", B, answer)
    async with scripted(script) as session:
        mirror = Mirror()
        with pytest.raises(Unavailable):
            await mirror.sync(session, CALENDAR)
        assert mirror.cursor is None
        script.on("GET", B, raw(200, TEXTS[B].encode()))
        await mirror.sync(session, CALENDAR)
    assert mirror.cursor is not None, "one that is had shows that the others are the trouble"


@pytest.mark.parametrize("cursor", [None, TOKEN], ids=["full", "sync"])
@pytest.mark.parametrize(("status", "error"), [(403, Unavailable), (404, CalendarGone), (500, Unavailable)])
async def test_a_calendar_that_is_refused_between_listing_and_fetching_is_not_one_of_bad_members(
    status: int, error: type[Exception], cursor: str | None
) -> None:
    script = Script()
    script.on("REPORT", "/c/", by_report(multistatus(member(A, '"2"'), token="t"), raw(403)))
    for method, target in (("GET", A), ("PROPFIND", "/c/")):
        script.on(method, target, raw(status))
    await _reads_nothing(script, cursor, error)


@pytest.mark.parametrize("target", ["/u/ann@example.org/c/", "/u/ann%40example.org/c"])
async def test_a_redirect_to_another_spelling_of_the_calendar_is_followed(target: str) -> None:
    calendar = ExternalCalendar("/u/ann%40example.org/c/", "Calendar")
    event_of = f"{calendar.id}a.ics"
    script = Script()
    for method in ("REPORT", "PROPFIND"):
        script.on(method, calendar.id, raw(301, b"", {"Location": target}))
    script.on("REPORT", target, raw(403))
    script.on("PROPFIND", target, multistatus(collection(target), member(event_of, '"1"')))
    script.holds({event_of: TEXTS[A]})
    async with scripted(script) as session:
        mirror = Mirror()
        await mirror.sync(session, calendar)
    assert mirror.holds("title-a")
