"""One budget as one process knows it: what may be sent now, and what has to be reserved with the others first.

Time is that of a clock that nobody sets. Nothing here waits; `budgets` does.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from kalends.net.allowance import Allowance, spacing

_MINUTE = timedelta(minutes=1)
_NOW = timedelta()
_SHARE = 10


class Pace:
    """Spaces requests evenly after a first burst: the generic cell rate algorithm (ITU-T I.371, annex A).

    All there is to know is when the next request would arrive in a steady stream, the theoretical arrival time. One
    that comes earlier than that is allowed while the burst makes up for it.
    """

    __slots__ = ("_arrival", "_interval", "_ready", "_tolerance")

    def __init__(self, interval: timedelta, burst: int, now: datetime) -> None:
        self._arrival = self._ready = now
        self._interval = interval
        self._tolerance = (burst - 1) * interval

    def wait(self, now: datetime) -> timedelta:
        """Return how long the next request has to wait, zero where it need not."""
        return _NOW if self._ready <= now else self._ready - now

    def spend(self, now: datetime) -> None:
        """Count a request that is sent now."""
        self._arrival = max(now, self._arrival) + self._interval
        self._ready = self._arrival - self._tolerance

    def is_full(self, now: datetime) -> bool:
        """Tell whether all of the burst is there again, as if nothing had ever been sent."""
        return self._arrival <= now


@dataclass(slots=True)
class Slab:
    """Requests that were reserved together: the next may be sent `at` a time, and the others at intervals after it.

    They may be sent later than that, but for no longer than `lasting`: a process that kept them for hours would add
    them to what the others send by then.
    """

    at: datetime
    left: int
    reserved: datetime
    interval: timedelta
    lasting: timedelta
    whole: bool = True
    """Whether none of them was lost so far."""

    def wait(self, now: datetime) -> timedelta | None:
        """Return how long the next request has to wait; None where none is left."""
        if not self.left:
            return None
        while self.left and max(self.at, self.reserved) + self.lasting < now:
            self.spend()
            self.whole = False
        return max(self.at - now, _NOW) if self.left else None

    def spend(self) -> None:
        """Count a request that is sent."""
        self.left -= 1
        self.at += self.interval

    def was_quick(self, now: datetime) -> bool:
        """Tell whether all were sent as soon as they might be, or nearly so: then more are wanted."""
        return self.whole and not self.left and now <= max(self.at, self.reserved) + self.lasting


class Bucket:
    """What one process may send under one allowance, and who waits for it.

    A process that is alone keeps the allowance by itself, exactly. One that shares it with others keeps it for itself
    as well, and beyond a few free requests sends only what it has reserved with them.
    """

    def __init__(self, allowance: Allowance, now: datetime) -> None:
        self.turn = asyncio.Lock()
        """Held by the one that is next; the others get it in the order in which they came."""
        self.waiting = 0
        """How many requests wait, the next one included."""
        self.owed = 0
        """How many free requests the others were not told of."""
        self._interval, self._most, self._free_most = allowance.interval, allowance.slab, allowance.free
        self._pace = Pace(self._interval, allowance.burst, now)
        self._free = Pace(spacing(_MINUTE, self._free_most), self._free_most, now) if self._free_most else None
        self._slab = Slab(now, 0, now, self._interval, self._most * self._interval, whole=False)
        self._size = 1
        self._is_scarce = False
        self._refused_until = now

    def spend_alone(self, now: datetime) -> timedelta:
        """Count a request if it may be sent now, by what this process knows; return how long it has to wait if not."""
        wait = self._pace.wait(now)
        if not wait:
            self._pace.spend(now)
        return wait

    def spend(self, now: datetime) -> timedelta | None:
        """Count a request if it may be sent now, as one of several processes; return how long it has to wait if not.

        None: some have to be reserved first.
        """
        wait = self._pace.wait(now)
        if wait:
            return wait
        reserved = self._slab.wait(now)
        if reserved is not None and not reserved:
            self._slab.spend()
        elif self._free is not None and not self._free.wait(now):
            self._free.spend(now)
            self.owed = min(self.owed + 1, self._free_most)
        else:
            return reserved
        self._pace.spend(now)
        return _NOW

    def expected(self, now: datetime) -> timedelta:
        """Return how long a request that comes now has to wait behind the others, as far as this process can tell."""
        ahead = max(self._pace.wait(now), self._slab.wait(now) or _NOW)
        return max(ahead + self.waiting * self._interval, self._refused_until - now)

    def wanted(self, now: datetime) -> int:
        """Return how many to reserve: as many as wait, and twice as many as last time where those were soon gone.

        While there are none to be had at once, no more than a tenth of a slab: who takes much at a time would leave
        those that begin behind.
        """
        self._size = self._size * 2 if self._slab.was_quick(now) else 1
        self._size = min(self._size, self._most // _SHARE if self._is_scarce else self._most)
        self._size = min(max(self._size, self.waiting), self._most)
        return self._size

    def reserved(self, count: int, first: timedelta, now: datetime) -> None:
        """Note that requests were reserved, and that the first of them may be sent in a while, or since a while ago.

        The others have been told of all that was owed.
        """
        self.owed = 0
        self._is_scarce = first > _NOW
        self._slab = Slab(now + first, count, now, self._interval, self._most * self._interval)

    def refused(self, until: datetime) -> None:
        """Note that the others have spent what there is for longer than anybody waits: until the given time."""
        self._refused_until = until

    def is_idle(self, now: datetime) -> bool:
        """Tell whether nothing would be forgotten with this bucket."""
        full = self._pace.is_full(now) and (self._free is None or self._free.is_full(now))
        return full and not self.waiting and self._refused_until <= now
