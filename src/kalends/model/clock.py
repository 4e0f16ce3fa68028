"""The clock is handed in, never read deep inside, so that tests own the time."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the present as an aware datetime in UTC."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the present as an aware datetime in UTC."""
        return datetime.now(UTC)


class SteadyClock:
    """A clock that nobody sets: right when it was made, and never put back or forward since. For measuring waits."""

    def __init__(self) -> None:
        self._made, self._began = datetime.now(UTC), time.monotonic()

    def now(self) -> datetime:
        """Return the present as an aware datetime in UTC."""
        return self._made + timedelta(seconds=time.monotonic() - self._began)
