"""Who else is told that a schedule event was changed, in the transaction that changes it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from kalends.store.database import Transaction


@dataclass(frozen=True, slots=True)
class EventChanged:
    """A schedule event was made, changed or cancelled; `event_id` is that of the series, whichever instance it was."""

    site_id: str
    schedule_id: str
    event_id: str


Publish = Callable[[Transaction, EventChanged], Awaitable[None]]
"""Told of each change with the open transaction: what it writes is kept if and only if the change is."""


async def to_nobody(_transaction: Transaction, _changed: EventChanged) -> None:
    """Tell nobody."""
