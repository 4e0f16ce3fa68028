"""Which spans of time of two lots overlap. Pure."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Protocol, TypeVar


class Spanned(Protocol):
    """Something that lasts from one aware instant to another, which is exclusive and not earlier."""

    @property
    def start_at(self) -> datetime:
        """When it begins."""
        ...

    @property
    def end_at(self) -> datetime:
        """When it has ended."""
        ...


OneT = TypeVar("OneT", bound=Spanned)
OtherT = TypeVar("OtherT", bound=Spanned)


def overlap(one: Spanned, other: Spanned) -> bool:
    """Tell whether two spans overlap; those whose ends touch do not. One without length overlaps what is around it."""
    return one.start_at < other.end_at and other.start_at < one.end_at


def overlapping(ones: Iterable[OneT], others: Iterable[OtherT]) -> Iterator[tuple[OneT, OtherT]]:
    """Yield each pair of two lots whose spans overlap, in no order that could be relied on.

    It takes time for sorting both lots and for the pairs that there are, not for all that there could be.
    """
    left = sorted(ones, key=_start)
    right = sorted(others, key=_start)
    open_left: list[OneT] = []
    open_right: list[OtherT] = []
    at_left = at_right = 0
    while at_left < len(left) or at_right < len(right):
        if at_right == len(right) or (at_left < len(left) and left[at_left].start_at <= right[at_right].start_at):
            one = left[at_left]
            at_left += 1
            open_right = [other for other in open_right if other.end_at > one.start_at]
            yield from ((one, other) for other in open_right if overlap(one, other))
            open_left.append(one)
        else:
            other = right[at_right]
            at_right += 1
            open_left = [one for one in open_left if one.end_at > other.start_at]
            yield from ((one, other) for one in open_left if overlap(one, other))
            open_right.append(other)


def _start(one: Spanned) -> datetime:
    return one.start_at
