"""Places: how many syncs may read much and write at once, shared fairly between sites.

To look whether anything changed takes no place. A sync that finds something takes one, and after each page lets sites
go first that hold fewer: so the large import of one site delays another's by a page, not by the import.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Places:
    """The places of one process."""

    def __init__(self, total: int) -> None:
        self._free = total
        self._held: Counter[str] = Counter()
        self._waiting: list[tuple[str, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def of(self, site_id: str) -> AsyncIterator["Place"]:
        """Yield the place that a sync of a site may take; it is free again at the end."""
        place = Place(self, site_id)
        try:
            yield place
        finally:
            place.leave()

    async def acquire(self, site_id: str) -> None:
        """Wait for a place: first come first served among sites that hold equally many."""
        if self._free:
            self._give(site_id)
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((site_id, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.release(site_id)  # it was given in the same moment
            else:
                self._waiting.remove((site_id, turn))
            raise

    def release(self, site_id: str) -> None:
        """Give a place back, to whoever is next."""
        self._held[site_id] -= 1
        if not self._held[site_id]:
            del self._held[site_id]
        self._free += 1
        if self._waiting:
            # the first of several equals: `min` keeps the order in which they came
            chosen = min(self._waiting, key=lambda one: self._held[one[0]])
            self._waiting.remove(chosen)
            self._give(chosen[0])
            chosen[1].set_result(None)

    def is_wanted_by_others(self, site_id: str) -> bool:
        """Tell whether a site waits that holds fewer places than this one."""
        return any(self._held[one] < self._held[site_id] for one, _ in self._waiting)

    def _give(self, site_id: str) -> None:
        self._free -= 1
        self._held[site_id] += 1


class Place:
    """The place of one sync, from when it first needs one."""

    def __init__(self, places: Places, site_id: str) -> None:
        self._places = places
        self._site_id = site_id
        self._held = False

    async def take(self) -> None:
        """Wait for the place, unless it is held already."""
        if not self._held:
            await self._places.acquire(self._site_id)
            self._held = True

    async def give_way(self) -> None:
        """Where a site with fewer places waits, let it go first."""
        if self._held and self._places.is_wanted_by_others(self._site_id):
            self.leave()
            await self.take()

    def leave(self) -> None:
        """Give the place back, if it is held."""
        if self._held:
            self._held = False
            self._places.release(self._site_id)
