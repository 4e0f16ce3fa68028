"""Group a, lines 1 to 3 and 7 to 9: tokens, cursors and pages; with clocks that are wrong.

A sync in the middle of another one (line 7) is in `tests/rules/test_rule_07…` and `tests/jobs`.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from kalends.model.calendar import ItemChange, Page
from kalends.model.connection import Status
from kalends.providers.caldav.cursor import Cursor, CursorKind, Listed, Plan
from kalends.providers.errors import CursorRefused, Unavailable
from kalends.store.runs import Outcome
from kalends.sync import guards
from tests.rules.conftest import Scripted
from tests.world import ics


def event(key: str, day: int = 1) -> str:
    return ics(key, key, f"202612{day:02}T090000Z", end=f"202612{day:02}T100000Z")


def answering(
    monkeypatch: pytest.MonkeyPatch, scripted: Scripted, pages: Callable[[str | None], AsyncGenerator[Page]]
) -> None:
    """Let the provider answer every reading with these pages, given where it goes on from."""
    real = scripted.kind.session

    class Session:
        quirks: frozenset[str] = frozenset()

        def read(self, *_: object, continuation: str | None, **__: object) -> AsyncGenerator[Page]:
            return pages(continuation)

        async def list_calendars(self) -> list[Any]:
            return []

    @asynccontextmanager
    async def session(*args: Any) -> AsyncIterator[Any]:
        async with real(*args):
            yield Session()

    monkeypatch.setattr(scripted.kind, "session", session)


@pytest.mark.parametrize("page", [0, 2])
async def test_a_cursor_refused_on_any_page_leads_to_a_full_pass_that_finds_what_was_deleted_meanwhile(
    scripted: Scripted, page: int
) -> None:
    for day in range(1, 7):
        scripted.remote.put(f"e{day}", event(f"e{day}", day))
    connection = await scripted.connect()
    for day in range(1, 6):
        scripted.remote.put(f"e{day}", event(f"e{day}", day).replace("SUMMARY:", "SUMMARY:new "))
    del scripted.remote.events["e6"]  # no tombstone will ever tell
    seen: list[Status] = []

    def refuse(number: int) -> None:
        if number == page and scripted.kind.readings[-1] is not None:
            raise CursorRefused("410")

    scripted.kind.fault = refuse
    run = await scripted.world.sync(connection)
    seen.append((await scripted.world.connection(connection.id)).status)
    assert run.outcome is Outcome.DONE
    assert scripted.kind.readings[-2:] == ["6", None]
    assert await scripted.world.titles() == [f"new e{day}" for day in range(1, 6)]
    assert seen == [Status.SYNCED]


async def test_a_full_pass_that_is_refused_too_is_a_failure_and_no_success(scripted: Scripted) -> None:
    scripted.remote.put("e", event("e"))
    connection = await scripted.connect()

    def refuse(_number: int) -> None:
        raise CursorRefused("410")

    scripted.kind.fault = refuse
    assert (await scripted.world.sync(connection)).outcome is Outcome.FAILED
    assert (await scripted.world.connection(connection.id)).status is not Status.SYNCED
    assert await scripted.world.titles() == ["e"]


@pytest.mark.parametrize("cursor", ['{"v":99,"kind":"sync-token","value":"t"}', "", "not ours", '{"v":1}', "[]"])
def test_a_cursor_of_another_version_is_refused_so_that_everything_is_read_again(cursor: str) -> None:
    with pytest.raises(CursorRefused):
        Cursor.parse(cursor)
    assert Cursor.parse(str(Cursor(CursorKind.CTAG, "7"))) == Cursor(CursorKind.CTAG, "7")


def test_a_place_to_go_on_from_of_another_version_is_not_gone_on_from() -> None:
    text = Plan(full=True, cursor="c", members={"/c/a": Listed("1", "/c/a")}).continuation()
    assert text is not None
    assert Plan.resume(text, full=True) is not None
    assert Plan.resume(text.replace('"v":2', '"v":99'), full=True) is None
    assert Plan.resume(text, full=False) is None, "it belongs to another kind of reading"


async def test_a_server_that_gives_the_same_page_for_ever_is_a_failure(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted.remote.put("kept", event("kept"))
    connection = await scripted.connect()

    async def same(_: str | None) -> AsyncGenerator[Page]:
        while True:
            yield Page(changed=(ItemChange("e", "e", "1", event("e", 2).encode()),), continuation="next")

    answering(monkeypatch, scripted, same)
    run = await scripted.world.sync(connection)
    assert run.outcome is Outcome.FAILED
    assert run.error == "Unavailable: the provider gives the same page again"
    assert "kept" in await scripted.world.titles()


@pytest.mark.parametrize("empty", [True, False])
async def test_pages_without_end_are_a_failure_that_keeps_what_was_read(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch, empty: bool
) -> None:
    monkeypatch.setattr(guards, "MAX_PAGES", 5)
    connection = await scripted.connect()

    async def ever_more(_: str | None) -> AsyncGenerator[Page]:
        number = 0
        while True:
            number += 1
            change = ItemChange(f"e{number}", f"e{number}", "1", event(f"e{number}", number).encode())
            yield Page(changed=() if empty else (change,), continuation=str(number))

    answering(monkeypatch, scripted, ever_more)
    run = await scripted.world.sync(connection)
    assert (run.outcome, run.error) == (Outcome.FAILED, "Unavailable: the answer has more than 5 pages")
    assert len(await scripted.world.titles()) == (0 if empty else 5)


async def test_a_token_that_never_changes_is_asked_with_again_and_writes_nothing(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = await scripted.connect()

    async def stuck(_: str | None) -> AsyncGenerator[Page]:
        yield Page(changed=(ItemChange("e", "e", "1", event("e").encode()),), cursor="0")

    answering(monkeypatch, scripted, stuck)
    runs = [await scripted.world.sync(connection) for _ in range(3)]
    assert [run.counts.changed for run in runs] == [1, 0, 0]
    assert await scripted.world.titles() == ["e"]


async def test_thousands_of_events_on_short_and_empty_pages_all_arrive(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = await scripted.connect()
    total = 2_600

    async def short(_: str | None) -> AsyncGenerator[Page]:
        for start in range(0, total, 130):
            keys = [f"e{number:04}" for number in range(start, start + 130)]
            yield Page(changed=tuple(ItemChange(key, key, "1", event(key).encode()) for key in keys))
            yield Page(continuation=str(start))
        yield Page(cursor="end")

    answering(monkeypatch, scripted, short)
    run = await scripted.world.sync(connection)
    assert (run.outcome, run.counts.changed) == (Outcome.DONE, total)


async def test_an_event_that_is_taken_away_and_comes_back_on_a_later_page_stays(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted.remote.put("e", event("e"))
    connection = await scripted.connect()

    async def back_again(_: str | None) -> AsyncGenerator[Page]:
        yield Page(removed=("e",), continuation="1")
        yield Page(changed=(ItemChange("e", "e", "2", event("e", 3).encode()),), cursor="9")

    answering(monkeypatch, scripted, back_again)
    await scripted.world.sync(connection)
    assert await scripted.world.titles() == ["e"]


@pytest.mark.parametrize("step", [timedelta(days=-400), timedelta(hours=-7), timedelta(hours=7)])
async def test_a_clock_that_jumps_starves_no_poll_and_deletes_nothing(scripted: Scripted, step: timedelta) -> None:
    world = scripted.world
    scripted.remote.put("e", event("e"))
    connection = await scripted.connect()
    world.clock.advance(step)
    assert (await world.kalends.watchdog.once()).count == (1 if step > timedelta() else 0)
    (lease,) = await world.kalends.leased.claim_due(1)
    await world.kalends.leased.run(lease)
    assert await world.kalends.leased.claim_due(1) == [], "it is read once, and then in its turn"
    await world.kalends.watchdog.once()
    assert await world.kalends.leased.claim_due(1) == []
    read = (await world.connection(connection.id)).last_good_read_at
    assert read == world.clock.now()
    if step > timedelta(days=-1):
        assert await world.titles() == ["e"]


async def test_a_lease_of_a_clock_that_ran_ahead_is_not_kept_for_ever(scripted: Scripted) -> None:
    world = scripted.world
    connection = await scripted.connect(sync=False)
    assert await world.kalends.leased.claim(connection.site_id, connection.id) is not None
    world.clock.advance(-timedelta(days=3))
    assert len(await world.kalends.leased.claim_due(1)) == 1


async def test_a_poll_is_put_off_while_a_connection_is_quiet_and_a_look_at_it_brings_it_forward(
    scripted: Scripted,
) -> None:
    world, settings = scripted.world, scripted.world.kalends.settings
    connection = await scripted.connect()
    world.clock.advance(timedelta(days=1))
    await world.sync(connection)
    quiet = await world.connection(connection.id)
    assert quiet.next_sync_at is not None
    assert quiet.next_sync_at - world.clock.now() >= settings.longest_poll_interval * 0.9
    await world.page()
    looked = await world.connection(connection.id)
    assert looked.looked_at == world.clock.now()
    assert looked.next_sync_at == world.clock.now() + settings.poll_interval
    world.clock.advance(timedelta(minutes=1))
    await world.page()
    assert await world.connection(connection.id) == looked, "not a write a request"


async def test_a_deletion_on_a_page_before_the_answer_was_cut_off_is_not_forgotten(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted.remote.put("gone", event("gone"))
    connection = await scripted.connect()
    pages = [
        Page(removed=("gone",), continuation="1"),
        Page(changed=(ItemChange("new", "new", "1", event("new", 2).encode()),), continuation="2"),
        Page(cursor="9"),
    ]
    cut_off = True

    async def by_page_token(continuation: str | None) -> AsyncGenerator[Page]:
        for number, page in enumerate(pages):
            if number >= int(continuation or 0):
                if number == 2 and cut_off:
                    raise Unavailable("cut off")
                yield page

    answering(monkeypatch, scripted, by_page_token)
    assert (await scripted.world.sync(connection)).outcome is Outcome.FAILED
    cut_off = False
    assert (await scripted.world.sync(connection)).outcome is Outcome.DONE
    assert await scripted.world.titles() == ["new"]
