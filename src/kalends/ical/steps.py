"""How much work the expansion of one group may be: an allowance that all its events and time zones draw on."""

from collections.abc import Iterator
from contextlib import contextmanager

from kalends.ical.values import Unreadable


class LimitReached(Unreadable):
    """A limit ended the expansion of an event; inside another window it may do."""


class TooManySteps(LimitReached):
    """An event, or its zone, needs more steps than are left to it."""


class Steps:
    """An allowance of steps; a step is a period entered, a day looked at, a start made, or the like."""

    def __init__(self, allowance: int) -> None:
        self._left = allowance
        self._kept = 0

    @property
    def left(self) -> int:
        """How many steps nobody has taken yet."""
        return self._left

    def spend(self, number: int) -> None:
        """Take steps, before the work is done; raises `TooManySteps` where fewer may be taken, and takes those."""
        if number > self._left - self._kept:
            self._left = min(self._left, self._kept)
            raise TooManySteps("takes too many steps to expand")
        self._left -= number

    @contextmanager
    def keeping(self, number: int) -> Iterator[None]:
        """Keep that many steps, or what is left of them, from what is done meanwhile."""
        before, self._kept = self._kept, min(self._left, number)
        try:
            yield
        finally:
            self._kept = before
