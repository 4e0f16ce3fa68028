"""ICS feeds as web servers publish them: how they are asked for, what is made of what comes, which event is which."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import pytest

from kalends.model.calendar import ExternalCalendar
from kalends.model.occurrence import ExpansionContext
from kalends.model.time import Window
from kalends.net.errors import BadUrl
from kalends.providers.errors import (
    AddressRefused,
    CalendarGone,
    CredentialsRefused,
    CursorRefused,
    ProviderError,
    Unavailable,
)
from kalends.providers.ics import ICS
from kalends.providers.ics.address import feed_url
from tests.net.loopback import reply, serve
from tests.providers.contract import CountingClient, Mirror, changes
from tests.providers.feeds import Subscribed, calendar, event, subscribed
from tests.servers import LOOPBACK

WINDOW = Window(datetime(2026, 11, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
TWO = calendar(event("a", "Ada"), event("b", "Bob", "20261202T100000Z"))


@pytest.fixture
async def feed() -> AsyncIterator[Subscribed]:
    async with subscribed(TWO) as one:
        yield one


def busy(feed: Subscribed) -> list[tuple[str, str]]:
    """Return what blocks, as title and start."""
    found = []
    for _, payload in feed.mirror.items.values():
        expansion = ICS.expand([payload or b""], ExpansionContext(WINDOW, "UTC"))
        assert not expansion.problems
        found += [(one.title, f"{one.start:%m-%dT%H:%M}") for one in expansion.occurrences]
    return sorted(found)


# --- the address


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ("webcal://Example.ORG/a b.ics", "https://example.org/a%20b.ics"),
        ("WEBCAL://example.org/x", "https://example.org/x"),
        (" https://example.org:443/any/path?token=%2F#part ", "https://example.org/any/path?token=%2F"),
        ("http://example.org", "http://example.org/"),
    ],
)
def test_an_address_has_one_spelling(given: str, asked: str) -> None:
    assert feed_url(given) == asked


@pytest.mark.parametrize(
    "given", ["", "example.org/a.ics", "ftp://example.org/a", "https://", "https://u:p@example.org"]
)
def test_what_is_no_address_is_refused(given: str) -> None:
    with pytest.raises(BadUrl):
        feed_url(given)


async def test_an_account_gives_its_address_away_neither_in_its_key_nor_in_what_is_shown() -> None:
    async with CountingClient(LOOPBACK) as client:
        url = "https://calendar.example.org/private/s3cret/basic.ics?token=t0ken"
        account = await ICS.connect_by_feed(client, {}, url=url)
        again = await ICS.connect_by_feed(client, {}, url=url.replace("https", "webcal"))
        other = await ICS.connect_by_feed(client, {}, url=url + "1")
    assert (again.key, again.email) == (account.key, account.email)
    assert account.email.startswith("calendar.example.org/")
    assert other.key != account.key
    assert other.email != account.email
    for shown in (account.key, account.email):
        assert "s3cret" not in shown
        assert "t0ken" not in shown
        assert "basic" not in shown


async def test_a_redirect_is_followed_each_time_and_never_from_https_to_http(feed: Subscribed) -> None:
    feed.feed.location = f"http://{feed.server.place}/elsewhere/x.ics"
    feed.feed.etag = '"1"'
    await feed.read()
    assert changes(await feed.read()) == 0
    assert feed.titles() == ["Ada", "Bob"]
    assert [asked.target.split("?")[0] for asked in feed.feed.asked] == [
        "/private/s3cret/basic.ics",
        "/elsewhere/x.ics",
    ] * 2
    assert feed.feed.sent == 1


# --- asking


@pytest.mark.parametrize(
    ("etag", "modified"),
    [('"1"', ""), ('W/"1"', ""), ("", "Sun, 01 Nov 2026 00:00:00 GMT"), ('"1"', "Sun, 01 Nov 2026 00:00:00 GMT")],
)
async def test_a_feed_is_sent_only_if_it_changed(feed: Subscribed, etag: str, modified: str) -> None:
    feed.feed.etag, feed.feed.modified = etag, modified
    await feed.read()
    assert changes(await feed.read()) == 0
    assert (feed.feed.sent, len(feed.feed.asked)) == (1, 2)
    feed.feed.etag = etag and f'{etag[:-1]}2"'
    feed.feed.modified = modified.replace("01 Nov", "02 Nov")
    feed.feed.says(calendar(event("a", "Eve")))
    await feed.read()
    assert feed.titles() == ["Eve"]


async def test_a_thorough_reading_does_not_believe_that_nothing_changed(feed: Subscribed) -> None:
    feed.feed.etag = '"for ever"'
    await feed.read()
    feed.feed.says(calendar(event("a", "Eve")))
    assert changes(await feed.read()) == 0
    await feed.read(thorough=True)
    assert feed.titles() == ["Eve"]


async def test_the_same_bytes_are_not_looked_at_again(feed: Subscribed, monkeypatch: pytest.MonkeyPatch) -> None:
    await feed.read()
    monkeypatch.setattr("kalends.providers.ics.session.calendars_in", None)
    assert changes(await feed.read()) == 0
    assert feed.feed.sent == 2


async def test_a_feed_that_is_packed_is_read(feed: Subscribed) -> None:
    feed.feed.packed = True
    await feed.read()
    assert feed.titles() == ["Ada", "Bob"]
    assert "gzip" in feed.feed.asked[0].headers["accept-encoding"]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, CredentialsRefused),
        (404, CalendarGone),
        (410, CalendarGone),
        *((status, Unavailable) for status in (204, 206, 403, 429, 500, 503)),
    ],
)
@pytest.mark.parametrize("full", [True, False])
async def test_no_status_but_200_says_anything_about_events(
    feed: Subscribed, status: int, error: type[ProviderError], full: bool
) -> None:
    await feed.read()
    feed.feed.status = status
    feed.feed.headers["Retry-After"] = "120"
    feed.feed.says(calendar())
    with pytest.raises(error) as raised:
        await feed.read(full=full)
    assert raised.type is error
    assert "s3cret" not in f"{raised.value!r}{raised.value.public}"
    if status in {429, 503}:
        assert isinstance(raised.value, Unavailable)
        assert raised.value.retry_after is not None
    assert feed.titles() == ["Ada", "Bob"]
    async with feed.session() as session:
        if error is CalendarGone:
            assert await session.list_calendars() == ()


NOT_WHOLE: dict[str, bytes] = {
    "nothing": b"",
    "a blank": b"\r\n\r\n",
    "a login page": b"<!DOCTYPE html><html><title>Sign in</title></html>",
    "another format": b'{"error": "not now"}',
    "an apology": b"Service is busy",
    "an event by itself": event("a", "Ada").encode(),
    "cut before its end": TWO.encode()[:-15],
    "cut in its end": TWO.encode()[:-4],
    "cut in an event": TWO.encode()[:-60],
    "cut and closed": TWO.replace("END:VEVENT\r\nEND:VCALENDAR", "END:VCALENDAR").encode(),
    "cut inside and going on": TWO.replace("END:VEVENT\r\n", "", 1).encode(),
    "two, the first without its end": TWO.replace("END:VCALENDAR\r\n", "").encode() + TWO.encode(),
    "an end too many": TWO.encode() + b"END:VCALENDAR\r\n",
}


@pytest.mark.parametrize("what", NOT_WHOLE)
@pytest.mark.parametrize("full", [True, False])
async def test_what_is_no_whole_calendar_is_a_failed_reading(feed: Subscribed, what: str, full: bool) -> None:
    await feed.read()
    feed.feed.says(NOT_WHOLE[what])
    with pytest.raises(Unavailable):
        await feed.read(full=full)
    assert feed.titles() == ["Ada", "Bob"]
    async with feed.session() as session:
        with pytest.raises(Unavailable):
            await session.list_calendars()


async def test_an_address_inside_the_network_is_not_asked_and_says_nothing(feed: Subscribed) -> None:
    feed.url = "http://169.254.169.254/latest/meta-data/"
    with pytest.raises(AddressRefused) as refused:
        await feed.read()
    feed.url = "http://localhost:1/nobody.ics"
    with pytest.raises(Unavailable) as unreachable:
        await feed.read()
    assert refused.value.public == unreachable.value.public


async def test_a_cursor_of_another_feed_is_refused(feed: Subscribed) -> None:
    await feed.read()
    cursor = feed.mirror.cursor
    feed.url += "1"
    feed.mirror = Mirror(cursor=cursor)
    with pytest.raises(CursorRefused):
        await feed.read()


# --- its text


@pytest.mark.parametrize("ends", ["\r\n", "\n", "\r", "\r\r\n"])
async def test_lines_end_in_any_way_and_are_folded_anywhere(feed: Subscribed, ends: str) -> None:
    feed.feed.says(TWO.replace("SUMMARY:Ada", "SUMMA\r\n RY:Ad\r\n\ta").replace("\r\n", ends))
    await feed.read()
    assert busy(feed) == [("Ada", "12-01T10:00"), ("Bob", "12-02T10:00")]
    assert feed.titles() == ["Ada", "Bob"]


@pytest.mark.parametrize(
    ("encoding", "content_type"),
    [
        ("utf-8", "text/calendar"),
        ("utf-8", "text/calendar; charset=ISO-8859-1"),
        ("utf-8", "text/html"),
        ("utf-8-sig", "text/calendar; charset=utf-8"),
        ("utf-16", "text/calendar; charset=utf-16"),
        ("utf-16", "text/plain"),
        ("iso-8859-1", "text/calendar; charset=iso-8859-1"),
        ("iso-8859-2", 'text/calendar; charset="ISO-8859-2"'),
        ("cp1252", "text/calendar"),
        ("cp1252", "text/calendar; charset=utf-8"),
    ],
)
async def test_text_comes_in_many_character_sets(feed: Subscribed, encoding: str, content_type: str) -> None:
    feed.feed.content_type = content_type
    feed.feed.says(calendar(event("ä", "Frühstück ×")).encode(encoding))
    await feed.read()
    assert feed.titles() == ["Frühstück ×"]


async def test_bytes_that_are_no_text_cost_no_event(feed: Subscribed) -> None:
    feed.feed.content_type = "text/calendar; charset=us-ascii"
    feed.feed.says(TWO.encode().replace(b"Ada", b"Ad\xff\xfe"))
    await feed.read()
    assert len(busy(feed)) == 2


async def test_a_feed_says_what_it_is_called_and_where_its_floating_times_are(feed: Subscribed) -> None:
    about = "X-WR-CALNAME:Ada\\, at work\r\nX-WR-TIMEZONE:Europe/Berlin\r\nX-APPLE-CALENDAR-COLOR:#FF8800FF\r\n"
    feed.feed.says(calendar(event("a", "Ada"), about=about))
    async with feed.session() as session:
        (one,) = await session.list_calendars()
        assert len(feed.feed.asked) == 1
        assert await session.list_calendars() == (one,)
    assert len(feed.feed.asked) == 1
    expected = ExternalCalendar("feed", "Ada, at work", writable=False, color="#ff8800", time_zone="Europe/Berlin")
    assert one == expected
    feed.feed.says(calendar(event("a", "Ada")))
    async with feed.session() as session:
        assert await session.list_calendars() == (ExternalCalendar("feed", "127.0.0.1", writable=False),)


async def test_listing_after_a_reading_costs_no_request(feed: Subscribed) -> None:
    feed.feed.etag = '"1"'
    for _ in range(2):
        async with feed.session() as session:
            known = ExternalCalendar("feed", "Known", writable=False)
            await feed.mirror.sync(session, known)
            (listed,) = await session.list_calendars()
    assert listed == known
    assert len(feed.feed.asked) == 2


ZONE = """\
BEGIN:VTIMEZONE\r
TZID:{name}\r
BEGIN:STANDARD\r
DTSTART:19700101T000000\r
TZOFFSETFROM:{offset}\r
TZOFFSETTO:{offset}\r
END:STANDARD\r
END:VTIMEZONE\r
"""


async def test_each_calendar_of_a_text_has_its_own_zones(feed: Subscribed) -> None:
    def at_home(uid: str, offset: str) -> str:
        text = event(uid, uid, "X").replace("DTSTART:X", "DTSTART;TZID=Home:20261201T100000")
        return calendar(ZONE.format(name="Home", offset=offset), text)

    feed.feed.says(at_home("a", "+0200") + at_home("b", "-0500") + calendar(event("c", "c")))
    await feed.read()
    assert busy(feed) == [("a", "12-01T08:00"), ("b", "12-01T15:00"), ("c", "12-01T10:00")]
    feed.feed.says(at_home("a", "+0300") + at_home("b", "-0500") + calendar(event("c", "c")))
    assert changes(await feed.read()) == 1
    assert busy(feed)[0] == ("a", "12-01T07:00")


async def test_zones_that_are_known_by_name_are_not_kept_with_each_event(feed: Subscribed) -> None:
    text = event("a", "a", "X").replace("DTSTART:X", "DTSTART;TZID=Europe/Berlin:20261201T100000")
    feed.feed.says(calendar(ZONE.format(name="Europe/Berlin", offset="+0000"), text))
    await feed.read()
    ((_, payload),) = feed.mirror.items.values()
    assert b"VTIMEZONE" not in (payload or b"")
    assert busy(feed) == [("a", "12-01T09:00")]


async def test_a_series_and_its_changed_instances_are_one_item_wherever_they_stand(feed: Subscribed) -> None:
    series = event("s", "Series", more=["RRULE:FREQ=DAILY;COUNT=3"])
    moved = event("s", "Moved", "20261202T150000Z", more=["RECURRENCE-ID:20261202T100000Z"])
    feed.feed.says(calendar(event("a", "Ada"), series) + calendar(moved))
    await feed.read()
    assert len(feed.mirror.items) == 2
    assert busy(feed) == [
        ("Ada", "12-01T10:00"),
        ("Moved", "12-02T15:00"),
        ("Series", "12-01T10:00"),
        ("Series", "12-03T10:00"),
    ]


@pytest.mark.parametrize("sequence", [0, 1])
async def test_what_a_cancellation_names_is_free(feed: Subscribed, sequence: int) -> None:
    series = event("s", "Series", more=["RRULE:FREQ=DAILY;COUNT=3"])
    of_one = event("s", "Series", "20261202T100000Z", more=["RECURRENCE-ID:20261202T100000Z", f"SEQUENCE:{sequence}"])
    of_all = event("a", "Ada", more=[f"SEQUENCE:{sequence}"])
    cancelled = calendar(of_one, of_all, event("c", "Never asked for"), about="METHOD:CANCEL\r\n")
    feed.feed.says(calendar(event("a", "Ada"), series, event("b", "Bob"), about="METHOD:REQUEST\r\n") + cancelled)
    await feed.read()
    assert busy(feed) == [("Bob", "12-01T10:00"), ("Series", "12-01T10:00"), ("Series", "12-03T10:00")]


async def test_an_older_cancellation_does_not_cancel_what_was_asked_for_again(feed: Subscribed) -> None:
    cancelled = calendar(event("a", "Ada", more=["SEQUENCE:1"]), about="METHOD:CANCEL\r\n")
    feed.feed.says(cancelled + calendar(event("a", "Ada", more=["SEQUENCE:2"])))
    await feed.read()
    assert busy(feed) == [("Ada", "12-01T10:00")]


# --- which event is which


async def test_only_what_changed_is_handed_on(feed: Subscribed) -> None:
    await feed.read()
    before = feed.keys()
    feed.feed.says(TWO.replace("Bob", "Bill"))
    pages = await feed.read()
    assert [change.key for page in pages for change in page.changed] == [before["Bob"]]
    assert feed.keys() == {"Ada": before["Ada"], "Bill": before["Bob"]}


@pytest.mark.parametrize(
    "line", ["DTSTAMP:20261101T0000{:02}Z", "CREATED:20261101T0000{:02}Z", "LAST-MODIFIED:202611{:02}"]
)
async def test_what_a_feed_writes_anew_each_time_is_no_change(feed: Subscribed, line: str) -> None:
    for number in range(1, 4):
        feed.feed.says(calendar(event("a", "Ada", more=[line.format(number)]), event("b", "Bob", more=["X:1"])))
        pages = await feed.read()
        assert changes(pages) == (2 if number == 1 else 0)


UIDS: dict[str, Callable[[int, int], str | None]] = {
    "missing": lambda _fetch, _number: None,
    "blank": lambda _fetch, _number: "",
    "new at each download": lambda fetch, number: f"{fetch}-{number}",
    "the same for all": lambda _fetch, _number: "one",
    "numbers of the lines": lambda _fetch, number: str(number),
}


@pytest.mark.parametrize("uids", UIDS)
@pytest.mark.parametrize("full", [True, False])
async def test_uids_that_are_no_identity_cause_no_change_where_nothing_changed(
    feed: Subscribed, uids: str, full: bool
) -> None:
    uid = UIDS[uids]

    def publish(fetch: int, *titles: str) -> None:
        starts = {title: f"202612{ord(title[0]) - 64:02}T100000Z" for title in titles}
        texts = [event(uid(fetch, number), title, starts[title]) for number, title in enumerate(titles)]
        feed.feed.says(calendar(*texts))

    publish(1, "A", "B", "C")
    await feed.read()
    before = feed.keys()
    assert len(busy(feed)) == 3

    publish(2, "A", "B", "C")
    assert changes(await feed.read(full=full)) == 0
    publish(3, "New", "A", "B", "C")
    await feed.read(full=full)
    assert changes(feed.mirror.pages) == 1
    publish(4, "New", "A", "C")
    await feed.read(full=full)
    assert feed.titles() == ["A", "C", "New"]
    assert {title: key for title, key in feed.keys().items() if title in before} == {
        title: before[title] for title in "AC"
    }
    publish(5, "New", "A", "Changed")
    await feed.read(full=full)
    assert feed.titles() == ["A", "Changed", "New"]
    assert len(busy(feed)) == 3


async def test_events_that_are_alike_are_as_many_as_there_are(feed: Subscribed) -> None:
    alike = [event(None, "Busy")] * 3
    feed.feed.says(calendar(*alike))
    await feed.read()
    assert len(feed.mirror.items) == 3
    assert changes(await feed.read(full=True)) == 0
    feed.feed.says(calendar(*alike[:2]))
    assert changes(await feed.read()) == 1
    assert busy(feed) == [("Busy", "12-01T10:00")] * 2


async def test_an_event_that_stands_twice_under_its_uid_is_one(feed: Subscribed) -> None:
    feed.feed.says(calendar(event("a", "Ada"), event("a", "Ada"), event("a", "Another")))
    await feed.read()
    assert feed.titles() == ["Ada", "Another"]


async def test_an_alarm_s_uid_is_not_the_event_s(feed: Subscribed) -> None:
    alarm = "BEGIN:VALARM\r\nUID:{}\r\nACTION:DISPLAY\r\nTRIGGER:-PT5M\r\nEND:VALARM"
    feed.feed.says(calendar(*(event(None, title, more=[alarm.format("same")]) for title in ("A", "B"))))
    await feed.read()
    feed.feed.says(calendar(*(event(None, title, more=[alarm.format("other")]) for title in ("A", "B"))))
    assert changes(await feed.read()) == 0
    assert feed.titles() == ["A", "B"]


async def test_an_event_that_is_too_large_is_named_and_the_others_are_read(feed: Subscribed) -> None:
    feed.feed.says(calendar(event("a", "Ada"), event("b", "Bob", more=["DESCRIPTION:" + "x" * 1024 * 1024])))
    pages = await feed.read()
    assert feed.titles() == ["Ada"]
    assert [change.problem for page in pages for change in page.changed if change.payload is None] == [
        "it is larger than is taken"
    ]


async def test_a_feed_without_events_is_empty_and_one_that_is_too_large_is_not_taken(feed: Subscribed) -> None:
    feed.feed.says(calendar() + calendar("BEGIN:VTODO\r\nUID:t\r\nEND:VTODO\r\n"))
    await feed.read()
    assert (feed.titles(), feed.mirror.cursor is not None) == ([], True)
    feed.feed.says(calendar(event("a", "x" * (33 * 1024 * 1024))))
    with pytest.raises(Unavailable) as raised:
        await feed.read()
    assert "larger" in raised.value.public


async def test_a_server_of_its_own_making_is_asked_for_a_calendar() -> None:
    async with serve(reply(200, TWO.encode())) as server, CountingClient(LOOPBACK) as client:
        account = await ICS.connect_by_feed(client, {}, url=f"http://{server.place}/")
        async with ICS.session(client, {}, account.credentials) as session:
            await session.list_calendars()
    assert server.asked[0].headers["accept"].startswith("text/calendar")
