"""Fail points: named places of a sync at which a test can end the process. In production they do nothing.

A test process names one in the environment variable `KALENDS_TEST_FAILPOINT`, as `name` or `name:n` for the n-th time
that it is reached. The composition root reads it once, at the start.
"""

import os
import signal
from collections.abc import Callable, Mapping
from enum import StrEnum

VARIABLE = "KALENDS_TEST_FAILPOINT"


class Point(StrEnum):
    """Where a sync can be cut off, in the order in which a sync passes by."""

    AFTER_BEGIN = "after-begin"
    """A pass was begun, and nothing of it is stored."""
    AFTER_PAGE_READ = "after-page-read"
    """The provider gave a page, and nothing was made of it."""
    BEFORE_APPLY = "before-apply"
    """A page was planned and expanded."""
    INSIDE_APPLY = "inside-apply"
    """A part of a page was written, in a transaction that has not ended."""
    BETWEEN_PARTS = "between-parts"
    """A part of a page is stored, which may not have been its last."""
    AFTER_APPLY = "after-apply"
    """A page is stored, with the place where its pass goes on."""
    BEFORE_CLOSE = "before-close"
    """Everything was read and stored, but for the deletions of a full pass and the cursor."""
    INSIDE_CLOSE = "inside-close"
    """The closing transaction has written everything, and has not ended."""
    AFTER_CLOSE = "after-close"
    """The pass has ended, and its connection does not know."""
    BEFORE_COPY_WRITTEN = "before-copy-written"
    """A copy is written down with its key, and the provider was not asked for it."""
    AFTER_COPY_WRITTEN = "after-copy-written"
    """The provider has written, moved or deleted a copy, and nobody knows of it here."""
    BEFORE_RELEASE = "before-release"
    """All calendars were read, and the lease is still held."""
    AFTER_RELEASE = "after-release"
    """The connection knows how it went, and the lease was given back."""


class FailPoints:
    """Ends the process at one point, once it was reached often enough; without one it does nothing.

    `end` is called there; it raises, or does not return.
    """

    def __init__(self, point: Point | None = None, *, times: int = 1, end: Callable[[], None] | None = None) -> None:
        self._point = point
        self._left = times
        self._end = end or kill

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "FailPoints":
        """Return what the environment asks for: as a rule nothing. Raises `ValueError` for a point that is not one."""
        text = environment.get(VARIABLE)
        if not text:
            return cls()
        name, _, times = text.partition(":")
        return cls(Point(name), times=int(times or 1))

    def reach(self, point: Point) -> None:
        """Say that a sync has come to a point."""
        if point is not self._point:
            return
        self._left -= 1
        if self._left == 0:
            self._end()


def kill() -> None:
    """End this process as a machine that fails would: nothing is cleaned up."""
    os.kill(os.getpid(), signal.SIGKILL)
