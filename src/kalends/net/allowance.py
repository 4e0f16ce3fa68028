"""How often somebody may be asked: an amount for a time, and how much of it at once."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from math import ceil

_SECOND = timedelta(seconds=1)
_MINUTE = timedelta(minutes=1)
_MICROSECOND = timedelta(microseconds=1)
_FREE = 2
"""Requests of an ordinary poll."""


class Scope(StrEnum):
    """Whose requests count together, the narrowest first."""

    ACCOUNT = "account"
    """One account of a kind of provider, whatever sites it is connected on (Google: user; Microsoft: mailbox)."""
    PROJECT = "project"
    """All accounts of a kind of provider, asked as one client of it (Google: project)."""
    HOST = "host"
    """One host and port that is really asked, whoever asks it, and wherever a redirect came from."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """`requests` for each `per`, and up to `burst` of them at once after a pause (a token bucket of that depth).

    In any span of time `t` there are at most `burst` + `requests` × `t` / `per`. `at_once` says how many may be under
    way at once, 0 that nobody counts them. Raises `ValueError` for what allows nothing.
    """

    scope: Scope
    requests: float
    per: timedelta
    burst: int
    at_once: int = 0

    def __post_init__(self) -> None:
        if not (self.requests > 0 and self.per > timedelta() and self.burst > 0 and self.at_once >= 0):
            raise ValueError("an allowance allows something")

    @property
    def interval(self) -> timedelta:
        """The time between two requests of a steady stream, rounded up to microseconds."""
        return spacing(self.per, self.requests)

    @property
    def slab(self) -> int:
        """How many requests one process reserves at a time, at most: a second's worth, and at least one."""
        return max(1, _SECOND // self.interval)

    @property
    def free(self) -> int:
        """How many requests a minute a process may send before it tells the others.

        A hundredth of what is allowed; or up to two, as far as these are no more than a thirtieth of it. So an ordinary
        poll need not ask anybody, and narrow limits are kept all the same.
        """
        each_minute = _MINUTE // self.interval
        return max(min(_FREE, each_minute // 30), each_minute // 100)


def spacing(per: timedelta, requests: float) -> timedelta:
    """Return the time between requests that are spread evenly, rounded up to microseconds."""
    return ceil(per / _MICROSECOND / requests) * _MICROSECOND
