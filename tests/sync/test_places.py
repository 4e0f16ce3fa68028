"""Places are shared fairly: a site with much to read does not keep the others waiting."""

import asyncio

import pytest

from kalends.sync.places import Place, Places


async def settled() -> None:
    """Let every task go as far as it can."""
    for _ in range(10):
        await asyncio.sleep(0)


class Import:
    """A sync that reads pages for as long as it is let, and counts them."""

    def __init__(self, places: Places, site_id: str) -> None:
        self.pages = 0
        self.place: Place | None = None
        self._go_on = asyncio.Semaphore(0)
        self.task = asyncio.create_task(self._run(places, site_id))

    async def _run(self, places: Places, site_id: str) -> None:
        async with places.of(site_id) as self.place:
            await self.place.take()
            while True:
                self.pages += 1
                await self._go_on.acquire()
                await self.place.give_way()

    async def page(self) -> None:
        self._go_on.release()
        await settled()

    async def end(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


async def test_no_more_hold_a_place_than_there_are() -> None:
    places = Places(2)
    syncs = [Import(places, "a") for _ in range(4)]
    await settled()
    assert [one.pages for one in syncs] == [1, 1, 0, 0]
    await syncs[0].end()
    await settled()
    assert [one.pages for one in syncs] == [1, 1, 1, 0], "who came first is next"
    for one in syncs:
        await one.end()


async def test_a_site_that_holds_all_places_gives_one_up_after_a_page_for_a_site_that_has_none() -> None:
    places = Places(2)
    large = [Import(places, "large") for _ in range(3)]
    await settled()
    small = Import(places, "small")
    await settled()
    assert small.pages == 0
    await large[0].page()
    assert small.pages == 1, "before the third of the large site, which came first"
    assert [one.pages for one in large] == [1, 1, 0]
    await small.end()
    await settled()
    assert [one.pages for one in large] == [1, 1, 1]
    for one in large:
        await one.end()


async def test_sites_that_hold_equally_many_do_not_push_each_other_out() -> None:
    places = Places(1)
    first, second = Import(places, "a"), Import(places, "a")
    await settled()
    await first.page()
    assert (first.pages, second.pages) == (2, 0), "a site's own syncs wait for each other to end"
    await first.end()
    await second.end()


async def test_two_sites_take_turns_on_one_place() -> None:
    places = Places(1)
    one, other = Import(places, "a"), Import(places, "b")
    await settled()
    for turn in range(1, 4):
        assert (one.pages, other.pages) == (turn, turn - 1)
        await one.page()
        assert (one.pages, other.pages) == (turn, turn)
        await other.page()
    await one.end()
    await other.end()


@pytest.mark.parametrize("given", [False, True], ids=["while waiting", "as the place is given"])
async def test_who_is_cancelled_leaves_the_place_to_the_next(given: bool) -> None:
    places = Places(1)
    holder, cancelled, last = (Import(places, site) for site in "abc")
    await settled()
    if given:
        # the place is handed to a task that is told to end before it ran again
        assert holder.place is not None
        holder.place.leave()
    cancelled.task.cancel()
    await settled()
    await holder.end()
    await settled()
    assert (cancelled.pages, last.pages) == (0, 1)
    await last.end()
    async with places.of("d") as place:
        await asyncio.wait_for(place.take(), 1)
