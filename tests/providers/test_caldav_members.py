"""What a reading makes of members: omitted, broken, too large, unversioned, oddly named, many."""

import asyncio
from contextlib import aclosing

import pytest

from kalends.model.calendar import ExternalCalendar
from kalends.providers.caldav import members
from kalends.providers.caldav.cursor import Cursor, CursorKind
from kalends.providers.caldav.members import MAX_RESOURCE_BYTES
from kalends.providers.errors import CalendarGone, Unavailable
from tests.net.loopback import Asked, raw
from tests.providers.contract import Mirror, changes
from tests.providers.scripted import (
    CALENDAR,
    TEXTS,
    TOKEN,
    A,
    B,
    C,
    Script,
    about,
    by_report,
    collection,
    event,
    full_of,
    member,
    multiget,
    multistatus,
    scripted,
)


async def test_members_that_a_multiget_omits_are_asked_for_singly() -> None:
    script = Script()
    listing = multistatus(*(member(key, '"1"') for key in (A, B, C)), token="t")
    answer = multistatus(member(A, '"1"', TEXTS[A]), member(B, '"1"'))
    script.on("REPORT", "/c/", by_report(listing, answer))
    script.holds(TEXTS)
    async with scripted(script) as session:
        mirror = Mirror()
        await mirror.sync(session, CALENDAR)
    assert mirror.holds("title-a", "title-b", "title-c")


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("status", [404, 410])
async def test_a_member_that_is_listed_and_cannot_be_had_is_quarantined_until_it_is_listed_as_gone(
    full: bool, status: int
) -> None:
    script = Script()
    listing = multistatus(member(A, '"2"'), member(B, '"2"'), about(C, status=404), token="t1")
    later = multistatus(about(A, status=404), token="t2")
    none = multistatus(about(A, status=404), about(B, status=404))
    script.on("REPORT", "/c/", by_report([listing, later], none))
    script.on("GET", A, raw(status))
    script.on("GET", B, raw(200, event("title-new").encode()))
    async with scripted(script) as session:
        mirror = full_of(A, B, C)
        pages = await mirror.sync(session, CALENDAR, full=full)
        assert {key for page in pages for key in page.removed} == (set() if full else {C})
        assert mirror.items == {A: ("", None), B: ('"2"', event("title-new").encode())}
        await mirror.sync(session, CALENDAR)
    assert mirror.holds("title-new")


async def test_a_server_without_multiget_is_read_member_by_member_and_not_asked_for_it_again() -> None:
    texts = {f"/c/{number:03}.ics": event(f"single-{number:03}") for number in range(102)}
    script = Script()
    listing = multistatus(*(member(key, '"1"') for key in texts), token="t")
    script.on("REPORT", "/c/", by_report(listing, raw(501)))
    script.holds(texts)
    async with scripted(script) as session:
        mirror = Mirror()
        await mirror.sync(session, CALENDAR)
    assert len(mirror.items) == len(texts)
    assert script.lines().count("REPORT /c/") == 2


async def test_a_calendar_that_goes_between_listing_and_fetching_is_gone() -> None:
    script = Script()
    listing = multistatus(member(A, '"2"'), member(B, '"2"'), token="t")
    script.on("REPORT", "/c/", by_report(listing, raw(404)))
    async with scripted(script) as session:
        mirror = full_of(A, B)
        with pytest.raises(CalendarGone):
            await mirror.sync(session, CALENDAR)
    assert mirror.holds("title-a", "title-b")


async def test_the_version_of_a_member_fetched_singly_is_the_listed_one_else_the_header_s() -> None:
    script = Script()
    script.on("REPORT", "/c/", by_report(multistatus(member(A, '"1"'), member(B), token="t"), raw(501)))
    for key, text in TEXTS.items():
        script.on("GET", key, raw(200, text.encode(), {"ETag": '"1-gzip"'}))
    async with scripted(script) as session:
        mirror = Mirror()
        await mirror.sync(session, CALENDAR)
    assert {key: version for key, (version, _) in mirror.items.items()} == {A: '"1"', B: '"1-gzip"'}


async def test_one_member_that_spoils_the_answer_does_not_keep_the_others_back() -> None:
    keys = [f"/c/{number}.ics" for number in range(8)]
    texts = {key: event(f"spoilt-{number}") for number, key in enumerate(keys)}
    texts[keys[5]] = texts[keys[5]].replace("END:VEVENT", "X:\x0b\nEND:VEVENT")
    script = Script()
    script.on(
        "REPORT", "/c/", by_report(multistatus(*(member(key, '"1"') for key in keys), token="t"), multiget(texts))
    )
    script.holds(texts)
    async with scripted(script) as session:
        mirror = Mirror()
        await mirror.sync(session, CALENDAR)
    assert mirror.holds(*(f"spoilt-{number}" for number in range(8)))


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (raw(200, b"BEGIN:VCALENDAR\n" + b"x" * MAX_RESOURCE_BYTES), "larger"),
        (raw(200, b"BEGIN:VCALENDAR\n\xff\xfe\nEND:VCALENDAR"), "utf-8"),
        (raw(200, b"BEGIN:VCALENDAR\n\xff", {"Content-Type": "text/calendar; charset=klingon"}), "klingon"),
        (raw(200, b"\n"), "empty"),
        (raw(403), "403"),
        (raw(500), "500"),
    ],
    ids=["large", "not text", "unknown charset", "empty", "forbidden", "broken at the server"],
)
async def test_a_member_that_cannot_be_taken_is_quarantined_and_the_rest_goes_on(answer: bytes, problem: str) -> None:
    script = Script()
    listing = multistatus(member(A, '"1"'), member(B, '"1"'), token="t")
    script.on("REPORT", "/c/", by_report(listing, multistatus(member(B, '"1"', TEXTS[B]))))
    script.on("GET", A, answer)
    async with scripted(script) as session:
        mirror = Mirror()
        pages = await mirror.sync(session, CALENDAR)
    changed = {change.key: change for page in pages for change in page.changed}
    assert changed[A].payload is None
    assert problem in (changed[A].problem or "")
    assert changed[B].payload == TEXTS[B].encode()
    assert mirror.cursor is not None


async def test_a_member_that_the_server_would_not_hand_over_is_asked_for_again() -> None:
    script = Script()
    script.on("REPORT", "/c/", multistatus(member(A, '"1"'), token="t"))
    script.on("PROPFIND", "/c/", multistatus(collection("/c/")))
    script.on("GET", A, raw(500), raw(200, TEXTS[A].encode()))
    async with scripted(script) as session:
        mirror = Mirror()
        await mirror.sync(session, CALENDAR)
        assert mirror.items[A][1] is None
        await mirror.sync(session, CALENDAR, full=True)
    assert mirror.holds("title-a")


async def test_other_charsets_are_read() -> None:
    script = Script()
    script.on("REPORT", "/c/", multistatus(member(A, '"1"'), token="t"))
    latin = raw(200, event("Größe").encode("latin-1"), {"Content-Type": 'text/calendar; charset="ISO-8859-1"'})
    script.on("GET", A, latin)
    async with scripted(script) as session:
        mirror = Mirror()
        await mirror.sync(session, CALENDAR)
    assert mirror.holds("Größe")


@pytest.mark.parametrize("status", [413, 507])
async def test_a_multiget_that_asks_for_too_much_is_halved(status: int) -> None:
    script = Script()
    listing = multistatus(*(member(key, '"1"') for key in (A, B, C)), token="t")

    def reply(asked: Asked) -> bytes:
        return raw(status) if asked.body.count(b"<d:href>") > 2 else multiget(TEXTS)(asked)

    script.on("REPORT", "/c/", by_report(listing, reply))
    script.holds(TEXTS)
    async with scripted(script) as session:
        mirror = Mirror()
        await mirror.sync(session, CALENDAR)
    assert mirror.holds("title-a", "title-b", "title-c")
    assert script.lines().count("REPORT /c/") == 3


async def test_a_large_member_in_a_multiget_is_quarantined() -> None:
    large = event("x" * MAX_RESOURCE_BYTES)
    script = Script()
    listing = multistatus(member(A, '"1"'), member(B, '"1"'), token="t")
    script.on("REPORT", "/c/", by_report(listing, multiget({A: large, B: TEXTS[B]})))
    async with scripted(script) as session:
        mirror = Mirror()
        await mirror.sync(session, CALENDAR)
    assert mirror.items[A] == ('"1"', None)
    assert mirror.items[B][1] == TEXTS[B].encode()


@pytest.mark.parametrize(
    "answer",
    [
        raw(200, b"<html>Sign in</html>", {"Content-Type": "text/html; charset=utf-8"}),
        raw(200, TEXTS[A].encode(), {"Content-Length": "5000"}),
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + TEXTS[A].encode()[:40],
        raw(503),
        raw(429),
    ],
    ids=["login page", "shorter than announced", "cut off without saying so", "503", "429"],
)
async def test_a_truncated_member_fails_the_reading(answer: bytes) -> None:
    script = Script()
    script.on("REPORT", "/c/", multistatus(member(A, '"2"'), token="t"))
    script.on("GET", A, answer)
    async with scripted(script, hanging_up_on="GET") as session:
        mirror = full_of(A)
        with pytest.raises(Unavailable):
            await mirror.sync(session, CALENDAR)
    assert mirror.holds("title-a")
    assert mirror.cursor == TOKEN


@pytest.mark.parametrize(
    "answer",
    [
        raw(200, b"Service temporarily unavailable", {"Content-Type": "text/plain"}),
        raw(200, b"<p>Back soon</p>", {"Content-Type": "text/calendar"}),
        raw(200, TEXTS[A].encode()[:60], {"Content-Type": "text/calendar"}),
    ],
    ids=["apology", "part of a page", "half of it"],
)
@pytest.mark.parametrize("together", [True, False])
async def test_what_comes_in_a_member_s_place_does_not_replace_it_and_it_is_asked_for_again(
    together: bool, answer: bytes
) -> None:
    text = answer.partition(b"\r\n\r\n")[2].decode()
    script = Script()
    listing = multistatus(member(A, '"2"'), member(B, '"2"'), token="t")
    script.on("REPORT", "/c/", by_report([listing, multistatus(token="t")], multiget({A: text, B: TEXTS[B]})))
    if not together:
        script.on("REPORT", "/c/", by_report([listing, multistatus(token="t")], raw(501)))
    script.holds(TEXTS)
    script.on("GET", A, answer)
    async with scripted(script) as session:
        mirror = full_of(A, B)
        (page,) = await mirror.sync(session, CALENDAR)
        assert {change.key: change.payload for change in page.changed} == {A: None, B: TEXTS[B].encode()}
        script.holds({A: event("title-new")})
        await mirror.sync(session, CALENDAR, thorough=True)
    assert mirror.holds("title-new", "title-b")


async def test_of_a_new_member_that_is_cut_off_there_is_what_came_until_the_rest_does() -> None:
    script = Script()
    listing = multistatus(member(A, '"1"'), member(B, '"1"'), token="t")
    script.on("REPORT", "/c/", by_report([listing, multistatus(token="t")], multiget({A: TEXTS[A][:70], B: TEXTS[B]})))
    script.holds(TEXTS)
    async with scripted(script) as session:
        mirror = Mirror()
        await mirror.sync(session, CALENDAR)
        assert mirror.items[A] == ("", TEXTS[A].encode()[:70])
        await mirror.sync(session, CALENDAR, thorough=True)
    assert mirror.holds("title-a", "title-b")


# Etags and hrefs


async def test_a_missing_etag_is_taken_from_the_listing_and_weak_ones_stay_weak() -> None:
    script = Script()
    listing = multistatus(member(A, 'W/"1"'), member(B, '"1"'), token="t")
    script.on("REPORT", "/c/", by_report(listing, multiget({A: TEXTS[A], B: TEXTS[B]}, {B: '"2"'})))
    async with scripted(script) as session:
        mirror = Mirror()
        await mirror.sync(session, CALENDAR)
    assert {key: version for key, (version, _) in mirror.items.items()} == {A: 'W/"1"', B: '"2"'}


async def test_members_without_any_etag_are_versioned_by_their_text() -> None:
    script = Script()
    listing = multistatus(member(A), member(B), token="t")
    script.on("REPORT", "/c/", by_report(listing, multiget(TEXTS)))
    async with scripted(script) as session:
        mirror = Mirror()
        await mirror.sync(session, CALENDAR)
        before = dict(mirror.items)
        await mirror.sync(session, CALENDAR, full=True)
    assert mirror.items == before
    assert mirror.holds("title-a", "title-b")
    assert len({version for version, _ in before.values()}) == 2


@pytest.mark.parametrize(
    "written",
    [
        "/u/ann@example.org/c/a%20b.ics",
        "/u/ann%40example.org/c/a%20b.ics",
        "/u/ann%40example%2eorg/c/a%20b%2eics",
        "http://inner:8008/u/ann%40example.org/c/a%20b.ics",
        "HTTPS://INNER/u/ann@example.org/c/a b.ics",
        "a%20b.ics",
    ],
)
async def test_hrefs_mean_the_same_however_they_are_written(written: str) -> None:
    home = "/u/ann@example.org/c/"
    calendar = ExternalCalendar("/u/ann%40example.org/c/", "Calendar")
    key = f"{home}a%20b.ics"
    script = Script()
    listing = multistatus(collection("/u/ann%40example.org/c"), member(written, '"1"'), token="t1")
    asked = key if written == "a%20b.ics" else "/u" + written.partition("/u")[2]
    script.on("REPORT", calendar.id, by_report([listing, multistatus(about(written, status=404), token="t2")], b""))
    script.on("GET", asked.replace(" ", "%20"), raw(200, event("title").encode()))
    async with scripted(script) as session:
        mirror = Mirror()
        await mirror.sync(session, calendar)
        assert mirror.items == {key: ('"1"', event("title").encode())}
        await mirror.sync(session, calendar)
    assert mirror.holds()


@pytest.mark.parametrize("name", ["a%2Bb", "a%40b", "a%3ab", "%61b", "a+b", "a%21b"])
@pytest.mark.parametrize("together", [True, False])
async def test_members_are_asked_for_as_the_server_wrote_them(name: str, together: bool) -> None:
    odd = f"/c/{name}.ics"
    texts = {odd: event("title-odd"), B: TEXTS[B]}
    script = Script()
    listing = multistatus(*(member(key, '"1"') for key in texts), token="t")
    script.on("REPORT", "/c/", by_report(listing, multiget(texts) if together else raw(501)))
    if not together:
        script.holds(texts)
    async with scripted(script) as session:
        mirror = Mirror()
        await mirror.sync(session, CALENDAR)
    assert mirror.holds("title-odd", "title-b")


async def test_a_resumed_reading_asks_as_the_server_wrote() -> None:
    texts = {f"/c/{number}%2B.ics": event(f"title-{number:03}") for number in range(150)}
    script = Script()
    listing = multistatus(*(member(key, '"1"') for key in texts), token="t")
    script.on("REPORT", "/c/", by_report(listing, multiget(texts)))
    async with scripted(script) as session:
        mirror = Mirror()
        await mirror.sync(session, CALENDAR, cut_after=1)
        await mirror.sync(session, CALENDAR)
    assert mirror.holds(*(f"title-{number:03}" for number in range(150)))


async def test_two_members_whose_names_are_compared_as_equal_are_quarantined_and_not_taken_for_one() -> None:
    twins = {"/c/a%2Bb.ics": event("title-1"), "/c/a+b.ics": event("title-2")}
    script = Script()
    listing = multistatus(*(member(key, '"1"') for key in (*twins, B)), token="t")
    script.on("REPORT", "/c/", by_report(listing, multiget({**twins, B: TEXTS[B]})))
    script.holds({**twins, B: TEXTS[B]})
    async with scripted(script) as session:
        mirror = Mirror()
        await mirror.sync(session, CALENDAR)
    assert mirror.items == {"/c/a+b.ics": ("-", None), B: ('"1"', TEXTS[B].encode())}


async def test_a_name_too_long_to_be_kept_is_quarantined_under_a_digest_of_it() -> None:
    long = f"/c/{'x' * 998}"
    script = Script()
    listing = multistatus(member(long, '"1"'), member(B, '"1"'), token="t1")
    script.on("REPORT", "/c/", by_report([listing, multistatus(about(long, status=404), token="t2")], b""))
    script.holds({long: TEXTS[A], B: TEXTS[B]})
    async with scripted(script) as session:
        mirror = Mirror()
        pages = await mirror.sync(session, CALENDAR)
        quarantined, taken = sorted(pages[0].changed, key=lambda change: change.key, reverse=True)
        assert quarantined.key.startswith("sha256-")
        assert quarantined.payload is None
        assert "too long" in (quarantined.problem or "")
        assert taken.key == B
        await mirror.sync(session, CALENDAR)
    assert mirror.holds("title-b")
    assert script.lines().count(f"GET {long}") == 0


async def test_what_is_no_member_is_ignored() -> None:
    script = Script()
    listing = multistatus(
        collection("/c/"),
        collection("/c/sub/"),
        collection("/c/sub"),
        member("/c/sub/deeper.ics", '"1"'),
        member("/elsewhere.ics", '"1"'),
        member("/c/../elsewhere.ics", '"1"'),
        member("/c/%2e%2e", '"1"'),
        member(A, '"1"'),
        token="t",
    )
    script.on("REPORT", "/c/", listing)
    script.holds(TEXTS)
    async with scripted(script) as session:
        mirror = Mirror()
        await mirror.sync(session, CALENDAR)
    assert mirror.items.keys() == {A}
    assert script.lines() == ["REPORT /c/", "GET /c/a.ics"]


async def test_what_is_stored_already_is_not_fetched_again() -> None:
    script = Script()
    script.on("REPORT", "/c/", multistatus(member(A, '"1"'), member(B, '"1"'), token="t"))
    async with scripted(script) as session:
        mirror = full_of(A, B)
        pages = await mirror.sync(session, CALENDAR)
    assert changes(pages) == 0
    assert script.lines() == ["REPORT /c/"]


async def test_large_members_are_asked_for_in_smaller_batches() -> None:
    keys = [f"/c/{number:03}.ics" for number in range(150)]
    texts = {key: event("x" * 100_000) for key in keys}
    script = Script()
    listing = multistatus(*(member(key, '"1"') for key in keys), token="t")
    script.on("REPORT", "/c/", by_report(listing, multiget(texts)))
    async with scripted(script) as session:
        mirror = Mirror()
        pages = await mirror.sync(session, CALENDAR)
    assert [len(page.changed) for page in pages] == [100, 10, 10, 10, 10, 10]
    assert len(mirror.items) == 150


@pytest.mark.parametrize(
    ("quick", "slow", "sizes"),
    [
        pytest.param(60, 60, [100, 200, 200, 400, 100], id="as long as answers come quickly, to a limit"),
        pytest.param(0, 60, [100] * 10, id="or stay as they are"),
        pytest.param(0, 0, [100, 50, 50, 25, 25, 12, 12, 10, 10, 10], id="or become smaller where answers take long"),
    ],
)
async def test_batches_grow(quick: float, slow: float, sizes: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "_QUICK", quick)
    monkeypatch.setattr(members, "_SLOW", slow)
    script = Script()
    texts = {f"/c/{number:04}.ics": event(f"title-{number}") for number in range(1_000)}
    listing = multistatus(*(member(key, '"1"') for key in texts), token="t")
    script.on("REPORT", "/c/", by_report(listing, multiget(texts)))
    async with scripted(script) as session:
        mirror = Mirror()
        pages = await mirror.sync(session, CALENDAR)
    assert [len(page.changed) for page in pages][: len(sizes)] == sizes
    assert len(mirror.items) == len(texts)


async def test_after_a_refusal_as_too_much_no_batch_is_as_large_again() -> None:
    script = Script()
    texts = {f"/c/{number:04}.ics": event(f"title-{number}") for number in range(500)}
    listing = multistatus(*(member(key, '"1"') for key in texts), token="t")
    refused: list[int] = []

    def reply(asked: Asked) -> bytes:
        count = asked.body.count(b"<d:href>")
        if count <= 60:
            return multiget(texts)(asked)
        refused.append(count)
        return raw(507)

    script.on("REPORT", "/c/", by_report(listing, reply))
    async with scripted(script) as session:
        mirror = Mirror()
        await mirror.sync(session, CALENDAR)
    assert len(mirror.items) == len(texts)
    assert refused == [100]


class _Pairing(Script):
    """Answers the first multiget, and each later one once the next has been asked, or it is the last, or never."""

    def __init__(self, batches: int, *, never: bool = False) -> None:
        super().__init__()
        self._batches = batches
        self._never = never
        self._asked = 0
        self._came = asyncio.Condition()

    async def answer(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        if b"calendar-multiget" in asked.body:
            async with self._came:
                self._asked += 1
                number = self._asked
                self._came.notify_all()
                if 1 < number < self._batches:
                    await self._came.wait_for(lambda: self._asked > number and not self._never)
        await super().answer(asked, writer)


async def test_the_next_batch_is_asked_for_before_one_has_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "_LARGEST_BATCH", 100)
    texts = {f"/c/{number:04}.ics": event(f"title-{number}") for number in range(500)}
    script = _Pairing(5)
    script.on("REPORT", "/c/", by_report(multistatus(*(member(k, '"1"') for k in texts), token="t"), multiget(texts)))
    async with asyncio.timeout(30), scripted(script) as session:
        mirror = Mirror()
        pages = await mirror.sync(session, CALENDAR)
    assert [len(page.changed) for page in pages] == [100] * 5
    assert len(mirror.items) == len(texts)


async def test_whoever_stops_reading_leaves_no_request_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "_LARGEST_BATCH", 100)
    texts = {f"/c/{number:04}.ics": event(f"title-{number}") for number in range(500)}
    script = _Pairing(5, never=True)
    script.on("REPORT", "/c/", by_report(multistatus(*(member(k, '"1"') for k in texts), token="t"), multiget(texts)))
    async with asyncio.timeout(30), scripted(script) as session:
        reading = session.read(CALENDAR, cursor=None, continuation=None, stored=Mirror())
        before = asyncio.all_tasks()
        async with aclosing(reading) as pages:
            page = await anext(pages)
            assert len(page.changed) == 100
            assert [one for one in asyncio.all_tasks() - before if "fetch" in repr(one)]
        assert not [one for one in asyncio.all_tasks() - before if "fetch" in repr(one)]


async def test_an_interrupted_reading_goes_on_without_listing_again() -> None:
    keys = [f"/c/{number:03}.ics" for number in range(250)]
    texts = {key: event(key) for key in keys}
    script = Script()
    listing = multistatus(*(member(key, '"1"') for key in keys), token="t")
    script.on("REPORT", "/c/", by_report(listing, multiget(texts)))
    async with scripted(script) as session:
        mirror = Mirror()
        await mirror.sync(session, CALENDAR, cut_after=1)
        before = len(script.asked)
        await mirror.sync(session, CALENDAR)
    assert mirror.cursor == str(Cursor(CursorKind.SYNC_TOKEN, "t"))
    assert mirror.items.keys() == set(keys)
    assert all(b"calendar-multiget" in asked.body for asked in script.asked[before:])
    assert len(script.asked) - before == 2
