"""Group b, lines 10, 11 and 13, for calendar feeds: a failed download that passes for a calendar without events.

What is a failed download at all is in `tests/providers/test_ics_feeds.py`; here is what becomes of stored events.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from kalends.model.connection import Status
from kalends.store.runs import Outcome
from tests.following import Following, following
from tests.net.loopback import Asked, raw
from tests.providers.feeds import calendar, event
from tests.statements import statements, written_tables
from tests.world import settings_for

BOOKKEEPING = {"connections", "readings", "runs", "passes"}


def feed_of(count: int) -> str:
    """Return a feed of that many events, one after the other through December."""
    starts = [f"202612{number // 20 + 1:02}T{number % 20:02}0000Z" for number in range(count)]
    return calendar(*(event(f"e{number}", f"Event {number}", start) for number, start in enumerate(starts)))


def well(text: bytes) -> bytes:
    """Return the message that carries a whole feed."""
    return raw(200, text, {"Content-Type": "text/calendar"})


@dataclass
class Manners:
    """Answers a text well until it is told another way."""

    text: bytes
    message: Callable[[bytes], bytes] = well
    hangs_up: bool = False

    async def answer(self, _: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(self.message(self.text))
        await writer.drain()
        if self.hangs_up:
            writer.close()


@pytest.fixture
async def followed(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Following]:
    async with following(settings_for(sqlite_url, tmp_path)) as made:
        yield made


FAILED: dict[str, tuple[int, bytes]] = {
    "a server error": (500, b"oops"),
    "too many requests": (429, b""),
    "no content": (204, b""),
    "a part of the content": (206, calendar().encode()),
    "a server error with an empty calendar": (503, calendar().encode()),
    "an empty answer": (200, b""),
    "a login page": (200, b"<html><title>Sign in</title></html>"),
}


@pytest.mark.parametrize("what", FAILED)
async def test_a_feed_that_cannot_be_fetched_is_a_failed_run_and_none_of_its_303_events_is_deleted(
    followed: Following, what: str
) -> None:
    world = followed.world
    followed.feed.says(feed_of(303))
    connection = await followed.connect()
    before = await world.titles()
    assert len(before) == 303
    followed.feed.status, followed.feed.body = FAILED[what]
    with statements(world.kalends.database) as heard:
        run = await followed.sync()
    assert run.outcome is Outcome.FAILED
    assert run.error is not None
    assert (run.counts.changed, run.counts.removed, run.counts.doubted) == (0, 0, 0)
    assert written_tables(heard) <= BOOKKEEPING
    assert await world.titles() == before, "they keep blocking"
    assert (await world.connection(connection.id)).failures == 1, "it is no success"


async def test_a_feed_of_303_events_that_is_suddenly_empty_frees_nobody_before_it_is_asked_again(
    followed: Following,
) -> None:
    world = followed.world
    followed.feed.says(feed_of(303))
    connection = await followed.connect()
    followed.feed.says(calendar())
    run = await followed.sync()
    assert (run.outcome, run.counts.removed, run.counts.doubted) == (Outcome.DONE, 0, 303)
    assert len(await world.titles()) == 303
    followed.feed.says(feed_of(303))
    run = await followed.sync()
    assert (run.counts.changed, run.counts.removed, run.counts.doubted) == (0, 0, 0)
    assert len(await world.titles()) == 303
    followed.feed.says(calendar())
    await followed.sync()
    world.clock.advance(world.kalends.settings.doubt_wait + timedelta(seconds=1))
    run = await followed.sync()
    assert (run.outcome, run.counts.removed) == (Outcome.DONE, 303)
    assert await world.titles() == []
    assert (await world.connection(connection.id)).last_error is None


async def test_403_deletes_none_of_241_events_and_the_run_after_it_makes_none_anew(followed: Following) -> None:
    world = followed.world
    followed.feed.says(feed_of(241))
    connection = await followed.connect()
    before = await world.page()
    assert len(before.events) == 241
    followed.feed.status = 403
    for _ in range(2):
        run = await followed.sync()
        assert (run.outcome, run.counts.removed) == (Outcome.FAILED, 0)
        assert run.error == "Unavailable: 127.0.0.1 answered 403 where a feed was due"
        failing = await world.connection(connection.id)
        assert (failing.status, failing.last_error) == (Status.SYNCED, run.error)
    assert (await world.page()).events == before.events
    followed.feed.status = 200
    with statements(world.kalends.database) as heard:
        run = await followed.sync()
    assert (run.outcome, run.counts.changed, run.counts.removed) == (Outcome.DONE, 0, 0)
    assert written_tables(heard) <= BOOKKEEPING
    assert (await world.page()).events == before.events, "the same events under the same ids"


CUT: dict[str, Callable[[bytes], bytes]] = {
    "in an event": lambda text: raw(200, text[: len(text) // 2]),
    "after an event": lambda text: raw(200, text[: text.rindex(b"BEGIN:VEVENT")]),
    "after the header": lambda text: raw(200, text[: text.index(b"BEGIN:VEVENT")]),
    "in the last line": lambda text: raw(200, text.removesuffix(b"AR\r\n")),
    "in an event, and closed": lambda text: raw(
        200, text[: text.rindex(b"END:VEVENT")].rstrip() + b"\r\nEND:VCALENDAR\r\n"
    ),
}
"""Ways of sending a part of a feed as if it were all of it."""

CUT_OFF: dict[str, Callable[[bytes], bytes]] = {
    "before the length that was told": lambda text: raw(
        200, text[: len(text) // 2], {"Content-Length": f"{len(text)}"}
    ),
    "at the end of a calendar, before the length that was told": lambda text: raw(
        200, text, {"Content-Length": f"{len(text) + 100}"}
    ),
    "between chunks": lambda text: (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"%x\r\n%b\r\n" % (len(text), text)
    ),
    "where no length was told": lambda text: b"HTTP/1.1 200 OK\r\n\r\n" + text[: text.rindex(b"BEGIN:VEVENT")],
}
"""The same by a server that hangs up then."""


@pytest.mark.parametrize("how", [*CUT, *CUT_OFF])
async def test_a_feed_that_is_cut_off_is_a_failed_read_and_nothing_of_it_counts(
    sqlite_url: str, tmp_path: Path, how: str
) -> None:
    manners = Manners(feed_of(30).encode())
    async with following(settings_for(sqlite_url, tmp_path), answer=manners.answer) as followed:
        connection = await followed.connect()
        before = (await followed.world.page()).events
        assert len(before) == 30
        manners.text = manners.text.replace(b"Event 0\r", b"Changed\r")
        manners.message, manners.hangs_up = (CUT | CUT_OFF)[how], how in CUT_OFF
        run = await followed.sync()
        assert run.outcome is Outcome.FAILED
        assert (run.counts.changed, run.counts.removed, run.counts.doubted) == (0, 0, 0)
        assert (await followed.world.page()).events == before
        assert (await followed.world.connection(connection.id)).status is Status.SYNCED
        manners.message, manners.hangs_up = well, False
        run = await followed.sync()
        assert (run.outcome, run.counts.changed, run.counts.removed) == (Outcome.DONE, 1, 0)


async def test_a_feed_that_was_cut_off_at_the_first_import_is_imported_whole_later(followed: Following) -> None:
    text = feed_of(30)
    followed.feed.says(text)
    connection = await followed.connect(sync=False)
    followed.feed.says(text[: len(text) // 2])
    assert (await followed.sync()).outcome is Outcome.FAILED
    assert (await followed.world.connection(connection.id)).last_good_read_at is None
    followed.feed.says(text)
    assert (await followed.sync()).outcome is Outcome.DONE
    assert len(await followed.world.titles()) == 30
