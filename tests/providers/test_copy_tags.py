"""Kinds of providers tell copies from other events by what is stored of them, at next to no cost."""

import json
import re
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalends.providers.apple import APPLE
from kalends.providers.caldav import CALDAV, stored_copies
from kalends.providers.caldav.rendering import TAG_PROPERTY, resource
from kalends.providers.export import TellsCopies
from kalends.providers.google import payload as google
from kalends.providers.google.kind import GOOGLE
from kalends.providers.ics import ICS
from kalends.providers.microsoft import payload as microsoft
from kalends.providers.microsoft.kind import MICROSOFT
from tests.providers.export_contract import TAG, single, weekly, with_exceptions
from tests.providers.feeds import subscribed
from tests.providers.test_caldav_export import CalDavExportWorld
from tests.servers import CalDavServer

CALENDARS = [CALDAV, APPLE, ICS]
OBJECTS: list[TellsCopies] = [GOOGLE, MICROSOFT]
JUNK = [b"", b"\x00", b"\xff\xfe", b"\nX-KALENDS-TAG:", b'{"tag":', b'[{"tag":"0a"}]', b'"tag":']
COPY = resource(with_exceptions(weekly()))
FOLDS = [b"\r\n ", b"\r\n\t", b"\n ", b"\n\t", b"\r ", b"\r\r\n ", b"\r\n \r\n "]


@pytest.mark.parametrize("kind", [*CALENDARS, *OBJECTS], ids=lambda kind: kind.kind)
@pytest.mark.parametrize(
    "junk", [b"", b"\x00", b"\xff\xfe", b"\nX-KALENDS-TAG:", b'{"tag":', b'[{"tag":"0a"}]', b'"tag":']
)
def test_each_kind_tells_and_raises_nothing(kind: object, junk: bytes) -> None:
    assert isinstance(kind, TellsCopies)
    assert kind.tag_of(junk) is None


# iCalendar


@pytest.mark.parametrize("kind", CALENDARS, ids=lambda kind: kind.kind)
def test_a_copy_is_told_by_its_resource(kind: TellsCopies) -> None:
    assert kind.tag_of(COPY) == TAG
    assert kind.tag_of(re.sub(rb"X-KALENDS-TAG:[^\r]*\r\n", b"", COPY)) is None


@pytest.mark.parametrize("fold", FOLDS)
@pytest.mark.parametrize("name", [TAG_PROPERTY, TAG_PROPERTY.lower(), TAG_PROPERTY.title(), "x-Kalends-tAG"])
def test_a_name_is_found_wherever_it_is_folded_and_in_any_case(name: str, fold: bytes) -> None:
    for place in range(1, len(name) + 1):
        folded = name[:place].encode() + fold + name[place:].encode()
        assert CALDAV.tag_of(COPY.replace(TAG_PROPERTY.encode(), folded)) == TAG, place
    everywhere = fold.join(letter.encode() for letter in name)
    assert CALDAV.tag_of(COPY.replace(TAG_PROPERTY.encode(), everywhere)) == TAG


@pytest.mark.parametrize("ending", [b"\n", b"\r", b"\r\r\n"])
def test_a_name_is_found_whatever_ends_the_lines(ending: bytes) -> None:
    assert CALDAV.tag_of(COPY.replace(b"\r\n", ending)) == TAG
    assert CALDAV.tag_of(COPY.replace(b"\r\nX-KALENDS", ending + b"X-KALENDS")) == TAG


@given(st.lists(st.integers(1, 40), min_size=1, max_size=60), st.sampled_from(FOLDS))
def test_a_copy_is_told_however_it_is_folded(widths: list[int], fold: bytes) -> None:
    lines = COPY.replace(b"\r\n ", b"").split(b"\r\n")
    folded = []
    for number, line in enumerate(lines):
        pieces, rest, turn = [], line, number
        while rest:
            width = widths[turn % len(widths)]
            pieces.append(rest[:width])
            rest, turn = rest[width:], turn + 1
        folded.append(fold.join(pieces))
    assert CALDAV.tag_of(b"\r\n".join(folded)) == TAG


ORDINARY = b"""BEGIN:VCALENDAR\r
BEGIN:VEVENT\r
X-APPLE-TRAVEL-DURATION:PT1H\r
x-k:1\r
X-\r
 KALENDAR:1\r
X-KALENDS-\r
 TAX:2\r
X-KALENDS-TA\r
G:3\r
DESCRIPTION:X-KALENDS-TAG:0a\\nX-KALENDS-TAG:0a\r
 X-KALENDS-TAG:0a\r
YX-KALENDS-TAG:0a\r
END:VEVENT\r
END:VCALENDAR\r
"""


@pytest.mark.parametrize("kind", CALENDARS, ids=lambda kind: kind.kind)
def test_an_ordinary_resource_is_not_parsed(kind: TellsCopies, monkeypatch: pytest.MonkeyPatch) -> None:
    assert kind.tag_of(ORDINARY) is None
    monkeypatch.setattr(stored_copies, "_events", lambda _: pytest.fail("it is parsed"))
    monkeypatch.setattr(stored_copies, "unfold", lambda _: pytest.fail("it is unfolded"))
    assert kind.tag_of(ORDINARY) is None


def test_what_does_not_end_costs_no_more_than_its_length() -> None:
    """Nothing is tried twice, however long what looks like a fold is; a minute would not do for the square of it."""
    for part in (b"\n", b"\r", b"\r\n ", b"\nX\r\n ", b"\nX-KALENDS-TA\r\n "):
        assert CALDAV.tag_of(part * (2_000_000 // len(part))) is None
        assert CALDAV.tag_of(b"\nX" + part * (2_000_000 // len(part))) is None


# JSON


def event(**said: object) -> dict[str, object]:
    times = {name: {"dateTime": "2026-12-01T10:00:00", "timeZone": "UTC"} for name in ("start", "end")}
    return {"id": "1", "type": "singleInstance", **times, **said}


TRICKY = ["tag", '"tag":"0a"', '\\"tag\\":', '","tag":"0a', "kalends", "\\", '\\","tag":"0a"']


@pytest.mark.parametrize("title", TRICKY)
def test_an_ordinary_event_is_not_parsed(title: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = [
        google.item_of(event(summary=title, extendedProperties={"private": {"other": title}}), title).payload,
        microsoft.item_of(event(subject=title, transactionId=title), title).payload,
    ]
    monkeypatch.setattr(json, "loads", lambda _: pytest.fail("it is parsed"))
    for kind, payload in zip(OBJECTS, stored, strict=True):
        assert payload is not None
        assert kind.tag_of(payload) is None


@pytest.mark.parametrize("title", TRICKY)
def test_a_copy_is_told_whatever_it_says(title: str) -> None:
    stored = [
        google.item_of(event(summary=title, extendedProperties={"private": {google.TAG: TAG}}), title).payload,
        microsoft.item_of(event(subject=title, transactionId=f"kalends:{TAG}:{'v' * 26}:0"), title).payload,
    ]
    for kind, payload in zip(OBJECTS, stored, strict=True):
        assert payload is not None
        assert kind.tag_of(payload) == TAG


# A feed of a calendar with copies in it


@pytest.fixture
async def world(radicale: CalDavServer) -> AsyncIterator[CalDavExportWorld]:
    world = CalDavExportWorld(radicale)
    async with world.client:
        yield world
    radicale.forget_calendars()


async def test_a_copy_that_comes_back_through_a_feed_is_told(world: CalDavExportWorld) -> None:
    calendar, one, series = await world.calendar(), single(), with_exceptions(weekly())
    async with world.session() as session:
        await session.create(calendar, one)
        await session.create(calendar, series)
    world.server.put(f"{calendar}other.ics", resource(single()).decode().replace("X-KALENDS-TAG", "X-OTHER"))
    async with subscribed(world.server.get(calendar)) as feed:
        await feed.read(full=True)
        told = [ICS.tag_of(payload or b"") for _, payload in feed.mirror.items.values()]
    assert sorted(told, key=str) == [TAG, TAG, None]
