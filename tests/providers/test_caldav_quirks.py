"""What servers do differently: found by what they do, remembered by the session, used, and forgotten when mended."""

import asyncio
import importlib
import pkgutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from kalends.net.client import Limits
from kalends.providers.caldav import CALDAV, quirks
from kalends.providers.caldav.cursor import Cursor, CursorKind
from kalends.providers.caldav.errors import NotDav
from kalends.providers.caldav.quirks import (
    empty_first_listings,
    lying_sync_tokens,
    missing_etags_after_put,
    missing_listed_etags,
    odd_percent_encoding,
    omitted_multiget_members,
    refused_gets,
    refused_sync_tokens,
    slow_first_listing,
    wrong_content_types,
)
from kalends.providers.errors import CursorRefused, Unavailable
from kalends.providers.quirks import Quirk, Quirks
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
    etag_listing,
    event,
    full_of,
    member,
    multiget,
    multistatus,
    scripted,
)

_HTML = {"Content-Type": "text/html; charset=UTF-8"}


def _named(*found: Quirk) -> frozenset[str]:
    return frozenset(one.name for one in found)


def _etags(script: Script, *keys: str, ctag: str = "", etag: str = '"1"') -> None:
    """Answer the two PROPFINDs by which members are listed, as often as they are asked."""

    def reply(asked: Asked) -> bytes:
        tag, members = etag_listing(*keys, ctag=ctag or None, etag=etag)
        return members if asked.headers["depth"] == "1" else tag

    script.on("PROPFIND", "/c/", reply)


def _by_token(replies: dict[str, bytes]) -> Callable[[Asked], bytes]:
    """Answer sync-collection by the token that is asked with, "" for the first listing."""

    def reply(asked: Asked) -> bytes:
        if b"calendar-multiget" in asked.body:
            return multiget(TEXTS)(asked)
        token = asked.body.partition(b"<d:sync-token>")[2].partition(b"</d:sync-token>")[0].decode()
        return replies[token]

    return reply


# The data


def test_every_module_of_the_folder_is_one_deviation_and_is_registered() -> None:
    modules = {module.name for module in pkgutil.iter_modules([str(Path(quirks.__file__).parent)])}
    assert modules == set(quirks.QUIRKS)
    for name in modules:
        assert importlib.import_module(f"{quirks.__name__}.{name}").QUIRK is quirks.QUIRKS[name]
    assert CALDAV.quirks is quirks.QUIRKS


@pytest.mark.parametrize("quirk", quirks.QUIRKS.values(), ids=quirks.QUIRKS.keys())
def test_every_deviation_says_what_it_is_in_whole_sentences_and_where_it_is_known_from(quirk: Quirk) -> None:
    for text in (quirk.summary, quirk.found_by, quirk.consequence):
        assert text[0].isupper() or text.startswith("sync-collection")
        assert text.endswith(".")
    assert quirk.known_from
    assert all(known.strip() for known in quirk.known_from)


def test_the_page_for_operators_tells_of_every_deviation() -> None:
    page = (Path(__file__).parents[2] / "docs/connecting-caldav.md").read_text()
    for quirk in quirks.QUIRKS.values():
        assert f"| `{quirk.name}` | {quirk.summary} | {quirk.consequence} |" in page


def test_what_a_session_notes_is_known_until_it_had_its_chance_in_a_full_reading() -> None:
    one, other = refused_gets.QUIRK, wrong_content_types.QUIRK
    noted = Quirks({one.name, "of_another_version"})
    noted.see(one, shown=False)
    noted.see(other, shown=True)
    assert noted.names == {one.name, other.name, "of_another_version"}
    noted.conclude()
    assert noted.names == {other.name, "of_another_version"}
    noted.see(one, shown=True)
    assert one in noted


# Sync tokens that are refused


@pytest.mark.parametrize("status", [403, 415, 418, 501, 507])
async def test_a_refused_report_is_noted_and_not_tried_before_the_next_full_reading(status: int) -> None:
    script = Script()
    script.on("REPORT", "/c/", by_report(raw(status), multiget(TEXTS)))
    _etags(script, A, B, ctag="tag")
    async with scripted(script) as session:
        mirror = Mirror()
        await mirror.sync(session, CALENDAR)
        assert session.quirks == _named(refused_sync_tokens.QUIRK)
        before = len(script.asked)
        await mirror.sync(session, CALENDAR)
        assert script.lines()[before:] == ["PROPFIND /c/"]
        script.on("REPORT", "/c/", by_report(multistatus(member(A, '"1"'), member(B, '"1"'), token="t"), b""))
        await mirror.sync(session, CALENDAR, full=True)
    assert mirror.cursor == str(Cursor(CursorKind.SYNC_TOKEN, "t"))


async def test_a_server_that_refuses_each_token_it_gives_is_found_after_the_first_refusal() -> None:
    script = Script()
    listing = multistatus(member(A, '"1"'), member(B, '"1"'), token="fresh")
    script.on("REPORT", "/c/", _by_token({"": listing, "old": raw(403), "fresh": raw(403)}))
    _etags(script, A, B, ctag="tag")
    async with scripted(script) as session:
        mirror = full_of(A, B)
        with pytest.raises(CursorRefused):
            await mirror.sync(session, CALENDAR)
        assert session.quirks == frozenset()
        await mirror.sync(session, CALENDAR, full=True)
        assert session.quirks == _named(refused_sync_tokens.QUIRK)
        assert mirror.cursor == str(Cursor(CursorKind.CTAG, "tag"))
        before = len(script.asked)
        await mirror.sync(session, CALENDAR)
    assert script.lines()[before:] == ["PROPFIND /c/"]


async def test_one_refused_token_is_no_deviation() -> None:
    script = Script()
    listing = multistatus(member(A, '"1"'), token="fresh")
    script.on("REPORT", "/c/", _by_token({"": listing, "old": raw(403), "fresh": multistatus(token="fresh")}))
    async with scripted(script) as session:
        mirror = full_of(A)
        with pytest.raises(CursorRefused):
            await mirror.sync(session, CALENDAR)
        await mirror.sync(session, CALENDAR, full=True)
        assert session.quirks == frozenset()
    assert mirror.cursor == str(Cursor(CursorKind.SYNC_TOKEN, "fresh"))


async def test_refused_tokens_are_forgotten_by_a_full_reading_in_which_a_token_works() -> None:
    script = Script()
    listing = multistatus(member(A, '"1"'), token="t")
    script.on("REPORT", "/c/", _by_token({"": listing, "t": multistatus(token="t")}))
    async with scripted(script, known=_named(refused_sync_tokens.QUIRK)) as session:
        mirror = full_of(A)
        await mirror.sync(session, CALENDAR, full=True)
        assert session.quirks == frozenset()
    assert script.lines() == ["REPORT /c/", "REPORT /c/"]


async def test_what_one_calendar_still_needs_is_not_forgotten_because_of_another() -> None:
    script = Script()
    script.on("REPORT", "/c/", _by_token({"": multistatus(member(A, '"1"'), token="t"), "t": multistatus(token="t")}))
    _etags(script, A, ctag="tag")
    async with scripted(script, known=_named(refused_sync_tokens.QUIRK)) as session:
        by_tag = full_of(A)
        by_tag.cursor = str(Cursor(CursorKind.CTAG, "tag"))
        await by_tag.sync(session, CALENDAR)
        await full_of(A).sync(session, CALENDAR, full=True)
        assert session.quirks == _named(refused_sync_tokens.QUIRK)


# Tags that stand still


def _by_tag(script: Script, *keys: str, ctag: str) -> None:
    script.on("REPORT", "/c/", by_report(raw(501), multiget(TEXTS)))
    script.holds(TEXTS)
    _etags(script, *keys, ctag=ctag)


async def test_a_tag_that_stands_still_is_found_on_the_daily_look_and_not_relied_on_until_it_moves() -> None:
    script = Script()
    _by_tag(script, A, ctag="still")
    async with scripted(script) as session:
        mirror = Mirror()
        await mirror.sync(session, CALENDAR)
        _by_tag(script, A, B, ctag="still")
        await mirror.sync(session, CALENDAR)
        assert mirror.holds("title-a"), "nothing gives it away"
        await mirror.sync(session, CALENDAR, thorough=True)
        assert mirror.holds("title-a", "title-b")
        _by_tag(script, B, C, ctag="still")
        await mirror.sync(session, CALENDAR)
        assert mirror.holds("title-b", "title-c")
        assert mirror.cursor == str(Cursor(CursorKind.ETAGS, "still"))
        _by_tag(script, C, ctag="moved")
        await mirror.sync(session, CALENDAR)
    assert mirror.holds("title-c")
    assert mirror.cursor == str(Cursor(CursorKind.CTAG, "moved"))


async def test_a_daily_look_at_etags_that_finds_nothing_leaves_the_tag_relied_on() -> None:
    script = Script()
    _by_tag(script, A, ctag="tag")
    async with scripted(script) as session:
        mirror = Mirror()
        await mirror.sync(session, CALENDAR)
        before = len(script.asked)
        assert changes(await mirror.sync(session, CALENDAR, thorough=True)) == 0
        assert script.lines()[before:] == ["PROPFIND /c/", "PROPFIND /c/"]
    assert mirror.cursor == str(Cursor(CursorKind.CTAG, "tag"))


async def test_a_change_between_tag_and_listing_does_not_mean_that_the_tag_stands_still() -> None:
    script = Script()
    _by_tag(script, A, B, ctag="after")
    before_it = etag_listing(ctag="before")[0]
    members = etag_listing(A, B)[1]
    script.on("PROPFIND", "/c/", before_it, members, etag_listing(ctag="after")[0])
    async with scripted(script) as session:
        mirror = full_of(A)
        mirror.cursor = str(Cursor(CursorKind.CTAG, "before"))
        await mirror.sync(session, CALENDAR, thorough=True)
    assert mirror.holds("title-a", "title-b")
    assert mirror.cursor == str(Cursor(CursorKind.CTAG, "before"))


# Sync tokens that lie


def _liar(script: Script, *keys: str, ctag: str, etag: str = '"1"') -> None:
    """Whatever the token, nothing changed; the tag and the etags tell the truth."""
    script.on("REPORT", "/c/", _by_token({"": multistatus(token="stuck"), "stuck": multistatus(token="stuck")}))
    _etags(script, *keys, ctag=ctag, etag=etag)


async def test_a_lie_is_found_by_the_tag_on_the_daily_look_and_what_was_kept_back_is_read() -> None:
    script = Script()
    script.holds(TEXTS)
    _liar(script, A, B, ctag="monday")
    async with scripted(script) as session:
        mirror = Mirror()
        await mirror.sync(session, CALENDAR, thorough=True)
        assert mirror.holds("title-a", "title-b")
        _liar(script, B, C, ctag="tuesday")
        before = len(script.asked)
        assert changes(await mirror.sync(session, CALENDAR)) == 0
        assert script.lines()[before:] == ["REPORT /c/"], "a quiet poll is one request"
        await mirror.sync(session, CALENDAR, thorough=True)
        assert session.quirks >= _named(lying_sync_tokens.QUIRK)
        assert mirror.holds("title-b", "title-c")
        before = len(script.asked)
        await mirror.sync(session, CALENDAR)
        assert script.lines()[before:] == ["PROPFIND /c/"]
    assert mirror.cursor == str(Cursor(CursorKind.CTAG, "tuesday"))


async def test_an_honest_server_costs_one_request_more_on_the_daily_look() -> None:
    script = Script()
    listing = multistatus(member(A, '"1"'), token="t")
    script.on("REPORT", "/c/", _by_token({"": listing, "t": multistatus(token="t")}))
    _etags(script, A, ctag="tag")
    async with scripted(script) as session:
        mirror = full_of(A)
        await mirror.sync(session, CALENDAR, full=True, thorough=True)
        before = len(script.asked)
        await mirror.sync(session, CALENDAR, thorough=True)
        assert script.lines()[before:] == ["PROPFIND /c/", "REPORT /c/"]
        assert session.quirks == frozenset()


async def test_after_a_first_reading_the_first_daily_look_compares_and_the_next_has_a_tag_to_go_by() -> None:
    script = Script()
    listing = multistatus(member(A, '"1"'), token="t")
    script.on("REPORT", "/c/", _by_token({"": listing, "t": multistatus(token="t")}))
    script.holds(TEXTS)
    _etags(script, A, ctag="tag")
    async with scripted(script) as session:
        mirror = Mirror()
        await mirror.sync(session, CALENDAR, full=True, thorough=True)
        asked = [len(script.asked)]
        for _ in range(2):
            await mirror.sync(session, CALENDAR, thorough=True)
            asked.append(len(script.asked))
        assert script.lines()[: asked[0]].count("PROPFIND /c/") == 0
        assert script.lines()[asked[0] : asked[1]] == ["PROPFIND /c/", "REPORT /c/", "PROPFIND /c/", "PROPFIND /c/"]
        assert script.lines()[asked[1] :] == ["PROPFIND /c/", "REPORT /c/"]
        assert session.quirks == frozenset()


async def test_a_tag_that_changed_for_another_reason_than_a_member_is_no_lie() -> None:
    script = Script()
    script.on("REPORT", "/c/", _by_token({"old": multistatus(token="old")}))
    _etags(script, A, ctag="renamed")
    async with scripted(script) as session:
        mirror = full_of(A)
        mirror.cursor = str(Cursor(CursorKind.SYNC_TOKEN, "old", "before"))
        await mirror.sync(session, CALENDAR, thorough=True)
        assert session.quirks == frozenset()
    assert mirror.cursor == str(Cursor(CursorKind.SYNC_TOKEN, "old", "renamed"))


async def test_a_change_that_comes_during_the_daily_look_is_no_lie() -> None:
    answers = [multistatus(token="old"), multistatus(member(B, '"1"'), token="new")]
    script = Script()
    script.on("REPORT", "/c/", *answers)
    script.holds(TEXTS)
    _etags(script, A, B, ctag="after")
    async with scripted(script) as session:
        mirror = full_of(A)
        mirror.cursor = str(Cursor(CursorKind.SYNC_TOKEN, "old", "before"))
        await mirror.sync(session, CALENDAR, thorough=True)
        assert session.quirks == frozenset()
        await mirror.sync(session, CALENDAR)
    assert mirror.holds("title-a", "title-b")


async def test_what_sync_collection_told_meanwhile_explains_another_tag() -> None:
    script = Script()
    script.on(
        "REPORT", "/c/", _by_token({"old": multistatus(member(B, '"1"'), token="t"), "t": multistatus(token="t")})
    )
    script.holds(TEXTS)
    _etags(script, A, B, ctag="after")
    async with scripted(script) as session:
        mirror = full_of(A)
        mirror.cursor = str(Cursor(CursorKind.SYNC_TOKEN, "old", "before"))
        await mirror.sync(session, CALENDAR)
        assert mirror.cursor == str(Cursor(CursorKind.SYNC_TOKEN, "t", "before"))
        await mirror.sync(session, CALENDAR, thorough=True)
        assert session.quirks == frozenset()
    assert mirror.cursor == str(Cursor(CursorKind.SYNC_TOKEN, "t", "after"))


async def test_what_sync_collection_left_out_among_other_changes_is_found_on_the_daily_look() -> None:
    script = Script()
    told = {"old": multistatus(member(A, '"1"'), token="t"), "t": multistatus(token="t")}
    script.on("REPORT", "/c/", _by_token(told))
    script.holds(TEXTS)
    _etags(script, A, B, ctag="after")
    async with scripted(script) as session:
        mirror = Mirror()
        mirror.cursor = str(Cursor(CursorKind.SYNC_TOKEN, "old", "before"))
        await mirror.sync(session, CALENDAR)
        assert mirror.holds("title-a"), "nobody can know yet"
        await mirror.sync(session, CALENDAR, thorough=True)
    assert mirror.holds("title-a", "title-b")


async def test_a_failed_daily_look_at_the_tag_does_not_fail_the_reading() -> None:
    script = Script()
    script.on("REPORT", "/c/", multistatus(token="old"))
    script.on("PROPFIND", "/c/", raw(500))
    async with scripted(script) as session:
        mirror = full_of(A)
        mirror.cursor = str(Cursor(CursorKind.SYNC_TOKEN, "old", "before"))
        await mirror.sync(session, CALENDAR, thorough=True)
    assert mirror.cursor == str(Cursor(CursorKind.SYNC_TOKEN, "old", "before"))


async def test_a_known_liar_is_listed_by_etag_from_the_first_reading_on() -> None:
    script = Script()
    script.holds(TEXTS)
    _liar(script, A, B, ctag="tag")
    async with scripted(script, known=_named(lying_sync_tokens.QUIRK)) as session:
        mirror = Mirror()
        await mirror.sync(session, CALENDAR)
        assert session.quirks >= _named(lying_sync_tokens.QUIRK)
    assert mirror.cursor == str(Cursor(CursorKind.CTAG, "tag", "stuck"))
    assert mirror.holds("title-a", "title-b")


async def test_a_liar_is_relied_on_again_once_its_token_on_trial_told_the_truth() -> None:
    script = Script()
    script.holds(TEXTS)
    told = multistatus(member(C, '"1"'), about(A, status=404), token="honest")
    script.on("REPORT", "/c/", _by_token({"trial": told}))
    _etags(script, B, C, ctag="new")
    async with scripted(script, known=_named(lying_sync_tokens.QUIRK)) as session:
        mirror = full_of(A, B)
        mirror.cursor = str(Cursor(CursorKind.CTAG, "old", "trial"))
        await mirror.sync(session, CALENDAR)
        assert session.quirks == frozenset()
    assert mirror.holds("title-b", "title-c")
    assert mirror.cursor == str(Cursor(CursorKind.SYNC_TOKEN, "honest"))


@pytest.mark.parametrize(
    "answer",
    [multistatus(token="trial"), multistatus(member(C, '"1"'), token="n"), raw(403)],
    ids=["no", "half", "403"],
)
async def test_a_token_on_trial_that_does_not_tell_all_is_dropped(answer: bytes) -> None:
    script = Script()
    script.holds(TEXTS)
    script.on("REPORT", "/c/", _by_token({"trial": answer}))
    _etags(script, B, C, ctag="new")
    async with scripted(script, known=_named(lying_sync_tokens.QUIRK)) as session:
        mirror = full_of(A, B)
        mirror.cursor = str(Cursor(CursorKind.CTAG, "old", "trial"))
        await mirror.sync(session, CALENDAR)
        assert session.quirks == _named(lying_sync_tokens.QUIRK)
    assert mirror.holds("title-b", "title-c")
    assert mirror.cursor == str(Cursor(CursorKind.CTAG, "new"))


async def test_a_token_stays_on_trial_while_there_is_nothing_to_tell() -> None:
    script = Script()
    script.on("REPORT", "/c/", multistatus(token="trial"))
    _etags(script, A, ctag="new")
    async with scripted(script, known=_named(lying_sync_tokens.QUIRK)) as session:
        mirror = full_of(A)
        mirror.cursor = str(Cursor(CursorKind.CTAG, "old", "trial"))
        await mirror.sync(session, CALENDAR)
    assert mirror.cursor == str(Cursor(CursorKind.CTAG, "new", "trial"))


# Listings


async def test_an_empty_first_listing_is_noted_where_there_are_members_and_forgotten_when_it_is_not_empty() -> None:
    script = Script()
    script.holds(TEXTS)
    _liar(script, A, ctag="tag")
    async with scripted(script) as session:
        mirror = Mirror()
        await mirror.sync(session, CALENDAR)
        assert session.quirks == _named(empty_first_listings.QUIRK)
        met = session.quirks
    script.on("REPORT", "/c/", multistatus(member(A, '"1"'), token="t"))
    async with scripted(script, known=met) as session:
        await mirror.sync(session, CALENDAR, full=True)
        assert session.quirks == frozenset()


async def test_an_empty_calendar_is_no_deviation() -> None:
    script = Script()
    _liar(script, ctag="tag")
    async with scripted(script) as session:
        await Mirror().sync(session, CALENDAR)
        assert session.quirks == frozenset()


async def test_a_listing_that_takes_too_long_is_waited_for_longer_the_next_time() -> None:
    limits = Limits(read=0.2, total=0.5)
    late = asyncio.Event()

    async def slow(_: Asked) -> bytes:
        await late.wait()
        return multistatus(member(A, '"1"'), member(B, '"1"'), token="t")

    script = SlowScript(slow)
    script.on("REPORT", "/c/", multiget(TEXTS))
    script.holds(TEXTS)
    async with scripted(script, limits=limits) as session:
        mirror = Mirror()
        with pytest.raises(Unavailable):
            await mirror.sync(session, CALENDAR)
        met = session.quirks
    assert met == _named(slow_first_listing.QUIRK)
    async with scripted(script, limits=limits, known=met) as session:
        reading = asyncio.create_task(mirror.sync(session, CALENDAR))
        finished, _ = await asyncio.wait({reading}, timeout=2 * limits.total)
        assert not finished, "it waits beyond both of the usual limits"
        late.set()
        await reading
        assert session.quirks == met, "it was slow this time too"
    assert mirror.holds("title-a", "title-b")
    async with scripted(script, limits=limits, known=met) as session:
        await mirror.sync(session, CALENDAR, full=True)
        assert session.quirks == frozenset(), "a listing in the usual time ends it"


async def test_only_whole_listings_are_waited_for_longer() -> None:
    async def silent(_: Asked) -> bytes:
        await asyncio.Event().wait()
        return b""

    async with scripted(SlowScript(silent), limits=Limits(read=0.1), known=_named(slow_first_listing.QUIRK)) as session:
        with pytest.raises(Unavailable):
            await full_of(A).sync(session, CALENDAR)


class SlowScript(Script):
    """Takes its time for sync-collection."""

    def __init__(self, listing: Callable[[Asked], Awaitable[bytes]]) -> None:
        super().__init__()
        self._listing = listing

    async def answer(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        if b"sync-collection" not in asked.body:
            await super().answer(asked, writer)
            return
        self.asked.append(asked)
        writer.write(await self._listing(asked))
        await writer.drain()


async def test_a_listing_without_etags_is_noted_and_forgotten() -> None:
    script = Script()
    script.on("REPORT", "/c/", by_report(multistatus(member(A), member(B), token="t"), multiget(TEXTS)))
    async with scripted(script) as session:
        mirror = Mirror()
        await mirror.sync(session, CALENDAR)
        met = session.quirks
        assert met == _named(missing_listed_etags.QUIRK)
    script.on("REPORT", "/c/", by_report(multistatus(member(A, '"1"'), token="t"), multiget(TEXTS)))
    script.holds(TEXTS)
    async with scripted(script, known=met) as session:
        mirror.cursor = TOKEN
        await mirror.sync(session, CALENDAR)
        assert session.quirks == met, "an incremental reading does not end it"
        await mirror.sync(session, CALENDAR, full=True)
        assert session.quirks == frozenset()


@pytest.mark.parametrize("written", ["/u/ann@example.org/c/a%20b.ics", "/u/ann@example.org/c/a b.ics"])
async def test_another_spelling_of_the_calendar_is_noted(written: str) -> None:
    calendar = CALENDAR.__class__("/u/ann%40example.org/c/", "Calendar")
    script = Script()
    script.on("REPORT", calendar.id, multistatus(collection(calendar.id), member(written, '"1"'), token="t"))
    script.on("GET", "/u/ann@example.org/c/a%20b.ics", raw(200, event("title").encode()))
    async with scripted(script) as session:
        mirror = Mirror()
        await mirror.sync(session, calendar)
        assert session.quirks == _named(odd_percent_encoding.QUIRK)
    assert mirror.holds("title")


@pytest.mark.parametrize(
    "href", ["http://inner:8008/u/ann%40example.org/c/a.ics", "a.ics", "/u/ann%40example.org/c/a.ics"]
)
async def test_a_whole_url_or_a_relative_one_is_no_other_spelling(href: str) -> None:
    calendar = CALENDAR.__class__("/u/ann%40example.org/c/", "Calendar")
    script = Script()
    script.on("REPORT", calendar.id, multistatus(collection(calendar.id[:-1]), member(href, '"1"'), token="t"))
    for target in (f"{calendar.id}a.ics", "/u/ann@example.org/c/a.ics"):
        script.on("GET", target, raw(200, event("title").encode()))
    async with scripted(script) as session:
        await Mirror().sync(session, calendar)
        assert session.quirks == frozenset()


# Members


async def test_another_spelling_in_a_multiget_is_noted_and_the_members_are_taken() -> None:
    written = {"/c/a%2Bb.ics": TEXTS[A], B: TEXTS[B]}
    script = Script()
    listing = multistatus(*(member(key, '"1"') for key in written), token="t")
    script.on(
        "REPORT",
        "/c/",
        by_report(listing, multistatus(member("/c/a+b.ics", '"1"', TEXTS[A]), member(B, '"1"', TEXTS[B]))),
    )
    async with scripted(script) as session:
        mirror = Mirror()
        await mirror.sync(session, CALENDAR)
        assert session.quirks == _named(odd_percent_encoding.QUIRK)
    assert mirror.holds("title-a", "title-b")


async def test_members_left_out_of_a_multiget_are_noted_fetched_and_forgotten() -> None:
    script = Script()
    listing = multistatus(*(member(key, '"1"') for key in (A, B, C)), token="t")
    script.on("REPORT", "/c/", by_report(listing, multiget({A: TEXTS[A]})))
    script.holds(TEXTS)
    async with scripted(script) as session:
        mirror = Mirror()
        await mirror.sync(session, CALENDAR)
        met = session.quirks
        assert met == _named(omitted_multiget_members.QUIRK)
    assert mirror.holds("title-a", "title-b", "title-c")
    script.on("REPORT", "/c/", by_report(listing, multiget(TEXTS)))
    async with scripted(script, known=met) as session:
        await mirror.sync(session, CALENDAR, full=True)
        assert session.quirks == met, "where nothing had to be fetched, nothing could be left out"
        await Mirror().sync(session, CALENDAR)
        assert session.quirks == frozenset()


async def test_a_member_that_a_multiget_names_as_missing_is_not_left_out() -> None:
    script = Script()
    listing = multistatus(member(A, '"1"'), member(B, '"1"'), token="t")
    script.on("REPORT", "/c/", by_report(listing, multistatus(about(A, status=404), member(B, '"1"', TEXTS[B]))))
    async with scripted(script) as session:
        await Mirror().sync(session, CALENDAR)
        assert session.quirks == frozenset()


async def test_a_member_whose_get_is_refused_is_had_by_multiget_and_asked_for_so_from_then_on() -> None:
    script = Script()
    script.on("REPORT", "/c/", by_report(multistatus(member(A, '"2"'), token="t"), multiget(TEXTS, {A: '"2"'})))
    script.on("GET", A, raw(403))
    async with scripted(script) as session:
        mirror = full_of(A)
        await mirror.sync(session, CALENDAR)
        met = session.quirks
        assert met == _named(refused_gets.QUIRK)
        assert mirror.items == {A: ('"2"', TEXTS[A].encode())}
    before = len(script.asked)
    async with scripted(script, known=met) as session:
        await full_of(A).sync(session, CALENDAR)
        assert script.lines()[before:] == ["REPORT /c/", "REPORT /c/"]
        assert session.quirks == met
        script.holds(TEXTS)
        await Mirror().sync(session, CALENDAR)
        assert session.quirks == frozenset(), "a full reading tries GET again"


async def test_a_member_that_no_way_brings_is_quarantined() -> None:
    script = Script()
    script.on("REPORT", "/c/", by_report(multistatus(member(A, '"2"'), token="t"), multistatus(about(A, status=403))))
    script.on("PROPFIND", "/c/", multistatus(collection("/c/")))
    script.on("GET", A, raw(403))
    async with scripted(script) as session:
        mirror = full_of(A)
        await mirror.sync(session, CALENDAR)
        assert session.quirks == frozenset()
    assert mirror.items == {A: ("", None)}


async def test_a_member_that_could_not_be_had_is_asked_for_again_at_once() -> None:
    script = Script()
    script.on("REPORT", "/c/", by_report([multistatus(member(A, '"2"'), token="t"), multistatus(token="t")], raw(501)))
    script.on("PROPFIND", "/c/", multistatus(collection("/c/")))
    script.on("GET", A, raw(200, b"\xff\xfe"))
    async with scripted(script) as session:
        mirror = full_of(A, B)
        await mirror.sync(session, CALENDAR)
        assert mirror.items[A] == ("", None)
        script.holds(TEXTS)
        await mirror.sync(session, CALENDAR)
        assert mirror.holds("title-a", "title-b"), "the server did not call it a change"
        before = len(script.asked)
        await mirror.sync(session, CALENDAR)
        assert script.lines()[before:] == ["REPORT /c/"], "and now it is had"


async def test_a_member_that_came_in_an_older_version_than_was_listed_is_asked_for_again() -> None:
    script = Script()
    script.on("REPORT", "/c/", by_report([multistatus(member(A, '"2"'), token="t"), multistatus(token="t")], raw(501)))
    script.on("PROPFIND", "/c/", multistatus(collection("/c/")))
    stale = {"Content-Type": "text/calendar", "ETag": '"1"'}
    script.on("GET", A, raw(200, TEXTS[B].encode(), stale), raw(200, TEXTS[A].encode(), stale | {"ETag": '"2"'}))
    async with scripted(script) as session:
        mirror = full_of(A)
        for _ in range(3):
            await mirror.sync(session, CALENDAR)
    assert mirror.holds("title-a")
    assert script.lines().count(f"GET {A}") == 2


async def test_a_member_that_cannot_be_had_is_asked_for_a_few_times_and_then_on_the_daily_look() -> None:
    script = Script()
    script.on("REPORT", "/c/", by_report([multistatus(member(A, '"2"'), token="t"), multistatus(token="t")], raw(501)))
    script.on("PROPFIND", "/c/", multistatus(collection("/c/")))
    script.on("GET", A, raw(500))
    async with scripted(script) as session:
        mirror = full_of(A, B)
        await mirror.sync(session, CALENDAR)
        for _ in range(10):
            await mirror.sync(session, CALENDAR)
        assert script.lines().count(f"GET {A}") == 6
        script.holds(TEXTS)
        await mirror.sync(session, CALENDAR)
        assert mirror.items[A] == ("", None), "the server did not call it a change"
        await mirror.sync(session, CALENDAR, thorough=True)
    assert mirror.holds("title-a", "title-b")


# Media types


@pytest.mark.parametrize("claimed", ["text/html; charset=UTF-8", "text/plain", "application/octet-stream"])
async def test_a_multi_status_of_a_wrong_type_is_taken_and_noted(claimed: str) -> None:
    script = Script()
    listing = multistatus(member(A, '"1"'), token="t").partition(b"\r\n\r\n")[2]
    script.on("REPORT", "/c/", raw(207, listing, {"Content-Type": claimed}))
    script.holds(TEXTS)
    async with scripted(script) as session:
        mirror = Mirror()
        await mirror.sync(session, CALENDAR)
        assert session.quirks == _named(wrong_content_types.QUIRK)
    assert mirror.holds("title-a")


@pytest.mark.parametrize("claimed", ["text/html; charset=utf-8", "text/plain", "application/octet-stream"])
async def test_a_calendar_of_a_wrong_type_is_taken_and_noted_and_forgotten(claimed: str) -> None:
    script = Script()
    script.on("REPORT", "/c/", multistatus(member(A, '"1"'), token="t"))
    script.on("GET", A, raw(200, b"\xef\xbb\xbf\n" + TEXTS[A].encode(), {"Content-Type": claimed}))
    async with scripted(script) as session:
        mirror = Mirror()
        await mirror.sync(session, CALENDAR)
        met = session.quirks
        assert met == _named(wrong_content_types.QUIRK)
    assert mirror.holds("title-a")
    script.holds(TEXTS)
    async with scripted(script, known=met) as session:
        await Mirror().sync(session, CALENDAR)
        assert session.quirks == frozenset()


@pytest.mark.parametrize(
    "page",
    [
        raw(200, b"<html>Sign in</html>", _HTML),
        raw(200, b"Sign in", _HTML),
        raw(200, b" <!DOCTYPE HTML>", {"Content-Type": "text/plain"}),
    ],
)
async def test_a_web_page_is_no_member_whatever_it_is_called(page: bytes) -> None:
    script = Script()
    script.on("REPORT", "/c/", multistatus(member(A, '"2"'), token="t"))
    script.on("GET", A, page)
    async with scripted(script) as session:
        mirror = full_of(A)
        with pytest.raises(Unavailable):
            await mirror.sync(session, CALENDAR)
        assert session.quirks == frozenset()
    assert mirror.holds("title-a")


async def test_a_web_page_with_the_status_of_a_multi_status_says_that_there_is_no_webdav() -> None:
    script = Script()
    script.on("PROPFIND", "/c/", raw(207, b"<!DOCTYPE html><html/>", _HTML))
    async with scripted(script) as session:
        with pytest.raises(NotDav):
            await session._dav.propfind(f"{session._origin}/c/", b"", depth=0)


# What is written


@pytest.mark.parametrize(
    ("headers", "version"), [({"etag": '"1"'}, '"1"'), ({"etag": " "}, None), ({"oc-etag": '"1"'}, None), ({}, None)]
)
def test_the_version_that_a_put_made_is_the_etag_or_unknown(headers: dict[str, str], version: str | None) -> None:
    assert missing_etags_after_put.written_version(headers) == version
