"""Resting between two looks, but not for longer than one is wanted to."""

import asyncio
from contextlib import suppress
from datetime import timedelta


async def rest(span: timedelta, until: asyncio.Event) -> None:
    """Wait for a span of time, or until an event is set."""
    with suppress(TimeoutError):
        async with asyncio.timeout(span.total_seconds()):
            await until.wait()
