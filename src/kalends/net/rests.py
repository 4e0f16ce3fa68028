"""Who is not asked for a while, because a server wants it so (Retry-After, RFC 9110 §10.2.3)."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kalends.model.clock import Clock
from kalends.net.patience import LONGEST_REST
from kalends.net.sharing import Sharing

KNOWN_FOR = timedelta(seconds=2)
"""How soon a process minds what a server told another one. It asks at most that often, for everybody at once."""


@dataclass(frozen=True, slots=True)
class Rest:
    """Until when somebody is not asked, and how long that is from now."""

    until: datetime
    left: timedelta


class Rests:
    """Until when each owner of a budget is at rest, as this process and the others were told."""

    def __init__(self, clock: Clock, steady: Clock, others: Sharing) -> None:
        self._clock = clock
        self._steady = steady
        self._others = others
        self._until: dict[str, datetime] = {}
        self._learning = asyncio.Lock()
        self._known_until = steady.now()

    def need_a_look(self, owners: Iterable[str]) -> bool:
        """Tell whether `of` may have anything to say of these owners."""
        now = self._steady.now()
        unsure = now >= self._known_until and self._others.is_on(now)
        return unsure or any(owner in self._until for owner in owners)

    async def learn(self) -> None:
        """Learn what the others were told, where that is not known yet."""
        async with self._learning:
            now = self._steady.now()
            if now >= self._known_until and self._others.is_on(now):
                self._note(await self._others.resting())
                self._known_until = self._steady.now() + KNOWN_FOR

    def of(self, owner: str) -> Rest | None:
        """Return the rest of an owner, None where it has none."""
        until = self._until.get(owner)
        if until is None:
            return None
        left = until - self._clock.now()
        if timedelta() < left <= LONGEST_REST:
            return Rest(until, left)
        del self._until[owner]  # it is over, or our clock was set back
        return None

    async def add(self, owners: Sequence[str], wait: timedelta) -> None:
        """Let owners rest for a time, and tell the others."""
        until = self._clock.now() + min(wait, LONGEST_REST)
        self._note(dict.fromkeys(owners, until))
        await self._others.rest(owners, until)

    def _note(self, found: Mapping[str, datetime]) -> None:
        now = self._clock.now()
        kept = {owner: until for owner, until in self._until.items() if until > now}
        self._until = kept | {owner: max(until, kept.get(owner, until)) for owner, until in found.items()}
