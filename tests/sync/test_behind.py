"""Writing behind: one piece after the other, nothing lost, nothing left behind."""

import asyncio

import pytest

from kalends.sync.behind import MOST, Behind


class Pages:
    """Pieces of work that each wait until they are let go, and note that they were done."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.done: list[int] = []
        self.let_go = asyncio.Event()

    async def write(self, number: int, *, fails: bool = False) -> None:
        self.begun.append(number)
        await self.let_go.wait()
        if fails:
            raise ValueError(number)
        self.done.append(number)


async def turns() -> None:
    """Let everything that can go on go on."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_pieces_are_done_one_after_the_other_and_few_are_held() -> None:
    pages = Pages()
    async with Behind() as behind:
        for number in range(MOST):
            await behind.begin(pages.write(number))
        third = asyncio.create_task(behind.begin(pages.write(MOST)))
        await turns()
        assert (pages.begun, third.done()) == ([0], False)
        pages.let_go.set()
        await third
        await behind.done()
        assert pages.done == [0, 1, 2]
        await behind.begin(pages.write(3))
    assert pages.done == [0, 1, 2, 3]


async def test_after_a_failure_nothing_more_is_begun() -> None:
    pages = Pages()
    pages.let_go.set()

    async def owner() -> None:
        async with Behind() as behind:
            await behind.begin(pages.write(0, fails=True))
            await behind.begin(pages.write(1))
            await behind.begin(pages.write(2))
            await behind.done()

    with pytest.raises(ValueError, match="0"):
        await owner()
    assert (pages.begun, pages.done) == ([0], [])
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_what_was_begun_is_finished_where_something_else_goes_wrong() -> None:
    pages = Pages()

    async def owner() -> None:
        async with Behind() as behind:
            await behind.begin(pages.write(0))
            await behind.begin(pages.write(1))
            pages.let_go.set()
            raise KeyError

    with pytest.raises(KeyError):
        await owner()
    assert pages.done == [0, 1]


async def test_whoever_is_cancelled_cancels_what_goes_on() -> None:
    pages = Pages()

    async def owner() -> None:
        async with Behind() as behind:
            await behind.begin(pages.write(0))
            await behind.begin(pages.write(1))
            await behind.done()

    owning = asyncio.create_task(owner())
    await turns()
    owning.cancel()
    with pytest.raises(asyncio.CancelledError):
        await owning
    assert (pages.begun, pages.done) == ([0], [])
    assert asyncio.all_tasks() == {asyncio.current_task()}
