"""Who else is told that a schedule event was changed, in the transaction that changes it."""

from collections.abc import Awaitable, Callable

from kalends.model.schedule_event import EventChanged
from kalends.store.database import Transaction

Publish = Callable[[Transaction, EventChanged], Awaitable[None]]
"""Told of each change with the open transaction: what it writes is kept if and only if the change is."""
