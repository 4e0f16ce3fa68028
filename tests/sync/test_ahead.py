"""Reading ahead: pages in their order, one of them in advance, and nothing left behind."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from kalends.model.calendar import Page
from kalends.providers.errors import Unavailable
from kalends.sync.ahead import read_ahead


class Provider:
    """Hands out pages, of which the last has a cursor, and notes what becomes of that."""

    def __init__(self, count: int, *, fails_at: int | None = None, waits_at: int | None = None) -> None:
        self.count = count
        self.fails_at = fails_at
        self.waits_at = waits_at
        self.fetched = 0
        self.closed = False

    async def pages(self) -> AsyncGenerator[Page]:
        try:
            for number in range(1, self.count + 1):
                await asyncio.sleep(0)
                if number == self.fails_at:
                    raise Unavailable("cut off")
                if number == self.waits_at:
                    await asyncio.Event().wait()
                self.fetched = number
                yield Page(unchanged=(str(number),), cursor="c" if number == self.count else None)
        finally:
            self.closed = True


async def turns() -> None:
    """Let everything that can go on go on."""
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.mark.parametrize("count", [0, 1, 2, 5])
async def test_all_pages_come_in_order(count: int) -> None:
    async with aclosing(read_ahead(Provider(count).pages())) as pages:
        assert [page.unchanged[0] async for page in pages] == [str(number) for number in range(1, count + 1)]


async def test_one_page_is_fetched_while_another_is_worked_on_and_no_more() -> None:
    provider = Provider(5)
    fetched = []
    async with aclosing(read_ahead(provider.pages())) as pages:
        async for _ in pages:
            await turns()
            fetched.append(provider.fetched)
    assert fetched == [2, 3, 4, 5, 5]


async def test_what_goes_wrong_comes_after_the_pages_before_it() -> None:
    async with aclosing(read_ahead(Provider(5, fails_at=3).pages())) as pages:
        for number in ("1", "2"):
            assert (await anext(pages)).unchanged == (number,)
            await turns()
        with pytest.raises(Unavailable, match="cut off"):
            await anext(pages)


@pytest.mark.parametrize("waits", [True, False])
async def test_whoever_stops_early_leaves_nothing_running(waits: bool) -> None:
    provider = Provider(5, waits_at=2 if waits else None)
    source = provider.pages()
    async with aclosing(source), aclosing(read_ahead(source)) as pages:
        async for _ in pages:
            await turns()
            break
    assert provider.closed
    assert asyncio.all_tasks() == {asyncio.current_task()}
