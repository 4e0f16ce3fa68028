"""The other processes that spend the same budgets, as far as they can be reached."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from kalends.model.clock import Clock
from kalends.net.allowance import Allowance

ALONE_FOR = timedelta(seconds=10)
"""How long nobody asks for what could not be reached."""


class SharedBudgets(Protocol):
    """What all processes together have spent. Nothing is raised; None says that it cannot be told at present."""

    async def reserve(
        self, key: str, allowance: Allowance, *, count: int, owed: int, longest: timedelta
    ) -> timedelta | None:
        """Reserve `count` requests, besides `owed` ones that were sent, and return when the first may be sent from now.

        It may be negative, as far as the burst goes; the others follow at intervals. Where it is more than `longest`,
        nothing was reserved.
        """
        ...

    async def rest(self, keys: Sequence[str], until: datetime) -> None:
        """Have everybody send nothing under these keys before a time; an earlier one does not shorten a later one."""
        ...

    async def resting(self) -> Mapping[str, datetime] | None:
        """Return which keys are at rest, and until when."""
        ...


class Sharing:
    """Shares with others through what is given; without it, or for a while after it failed, a process is alone."""

    def __init__(self, shared: SharedBudgets | None, steady: Clock) -> None:
        self._shared = shared
        self._steady = steady
        self._alone_until = steady.now()

    def is_on(self, now: datetime) -> bool:
        """Tell whether there is anybody to share with."""
        return self._shared is not None and now >= self._alone_until

    async def reserve(
        self, key: str, allowance: Allowance, *, count: int, owed: int, longest: timedelta
    ) -> timedelta | None:
        """Reserve requests as `SharedBudgets` does; None where this process is alone from now on."""
        if self._shared is None:
            return None
        first = await self._shared.reserve(key, allowance, count=count, owed=owed, longest=longest)
        if first is None:
            self._note_failure()
        return first

    async def rest(self, keys: Sequence[str], until: datetime) -> None:
        """Tell the others what is not to be asked before a time."""
        if self._shared is not None and self.is_on(self._steady.now()):
            await self._shared.rest(keys, until)

    async def resting(self) -> Mapping[str, datetime]:
        """Return what the others were told not to ask, and until when; nothing where that cannot be known."""
        found = None if self._shared is None else await self._shared.resting()
        if found is None:
            self._note_failure()
        return found or {}

    def _note_failure(self) -> None:
        self._alone_until = self._steady.now() + ALONE_FOR
