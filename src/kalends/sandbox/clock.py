"""The time in a sandbox, which can be moved on, so that tokens, channels and cursors run out without waiting."""

from datetime import UTC, datetime, timedelta


class SandboxClock:
    """Runs like the system's clock, ahead of it by as much as it was moved on."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        """Return the time, in UTC."""
        return datetime.now(UTC) + self._ahead

    def advance(self, by: timedelta) -> None:
        """Move the time on; raises `ValueError` for a step back."""
        if by < timedelta():
            raise ValueError("time goes forward only")
        self._ahead += by
