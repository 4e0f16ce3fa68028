"""Places: how many requests of one account are under way at once, over all processes.

Who is served gets a place and keeps it until its answer is there. Within a process, places go to those who came first;
between processes, to whoever finds one free. A place that nobody gave back, because its process died, is free again
after a while.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Protocol

from kalends.model.clock import Clock

LOOK_AGAIN = timedelta(milliseconds=50)
"""How long is waited before a place is looked for again that others may have given back; each time twice as long."""
LOOK_AGAIN_MOST = timedelta(milliseconds=400)
HANDED_ON_FOR = timedelta(seconds=5)
"""How long a process that has more to ask hands a place on among its own, before others get their chance."""
KEPT = timedelta(minutes=3)
"""After how long a place is free again though nobody gave it back: longer than any request may take."""


class SharedPlaces(Protocol):
    """The places of all processes. Nothing is raised; None says that it cannot be told at present."""

    async def take(self, key: str, places: int, holder: str, *, kept: timedelta) -> bool | None:
        """Take one of so many places if one is free; tell whether one was."""
        ...

    async def give_back(self, key: str, holder: str) -> None:
        """Give a place back."""
        ...


class NoPlace(Exception):
    """There was no free place for too long."""


@dataclass(frozen=True, slots=True)
class _Held:
    """A place that this process has among all processes, under a name, since some time."""

    name: str
    since: datetime


@dataclass(slots=True)
class _Here:
    """The places of one key in this process: who may ask, and the places that wait for the next of our own."""

    free: asyncio.Semaphore
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    handed_on: list[_Held] = field(default_factory=list)
    users: int = 0
    served: int = 0

    @property
    def others_wait(self) -> bool:
        """Whether somebody else in this process wants a place."""
        return self.users > self.served


@dataclass
class Places:
    """The places of one process, shared with others where it is given `shared`."""

    steady: Clock
    shared: SharedPlaces | None = None
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    _here: dict[str, _Here] = field(default_factory=dict)

    @asynccontextmanager
    async def taken(self, key: str, places: int, longest: timedelta) -> AsyncIterator[None]:
        """Hold one of so many places; raises `NoPlace` where none gets free in time."""
        deadline = self.steady.now() + longest
        here = self._here.setdefault(key, _Here(asyncio.Semaphore(places)))
        here.users += 1
        try:
            async with here.free:
                held = await self._take(here, key, places, deadline)
                here.served += 1
                try:
                    yield
                finally:
                    if held is not None:
                        # whoever is cancelled gives its place back all the same
                        await asyncio.shield(self._leave(here, key, held))
                    here.served -= 1
        finally:
            here.users -= 1
            if not here.users:
                del self._here[key]
                await asyncio.shield(self._give_back(key, here.handed_on))

    async def _take(self, here: _Here, key: str, places: int, deadline: datetime) -> _Held | None:
        """Take a place among all processes, one of our own where there is one; None where nobody can tell.

        Of a process, one at a time looks for each key: the others would only find the same.
        """
        if self.shared is None:
            return None
        pause = LOOK_AGAIN
        async with here.asking:
            while not here.handed_on:
                held = _Held(token_hex(8), self.steady.now())
                taken = await self.shared.take(key, places, held.name, kept=KEPT)
                if taken is None:
                    return None
                if taken:
                    return held
                if self.steady.now() > deadline:
                    raise NoPlace
                await self.sleep(pause.total_seconds())
                pause = min(2 * pause, LOOK_AGAIN_MOST)
            return here.handed_on.pop()

    async def _leave(self, here: _Here, key: str, held: _Held) -> None:
        """Leave a place to the next of our own for a while, then to everybody."""
        if here.others_wait and self.steady.now() - held.since < HANDED_ON_FOR:
            here.handed_on.append(held)
        elif self.shared is not None:
            await self.shared.give_back(key, held.name)

    async def _give_back(self, key: str, left: Sequence[_Held]) -> None:
        """Give back what was left to the next of our own, where nobody comes any more."""
        for held in left:
            if self.shared is not None:
                await self.shared.give_back(key, held.name)
