"""One pass over a feed that was downloaded: compare it with what is stored, and tell what differs, in pages."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping, Sequence

from kalends.model.calendar import ItemChange, Page
from kalends.providers.base import StoredVersions
from kalends.providers.errors import Unavailable
from kalends.providers.ics.cursor import Cursor
from kalends.providers.ics.identity import FeedEvent, events_in, identify
from kalends.providers.ics.splitting import Calendar

MAX_EVENT_BYTES = 1024 * 1024
_MOST_EVENTS = 100_000
_PAGE = 100
_PAGE_OF_UNCHANGED = 500
_PAGE_BYTES = 2 * 1024 * 1024
_GOES_ON = json.dumps({"v": 1})
"""What a reading that was cut off has left to do shows by what is stored; that it was begun is all there is to note."""

Named = tuple[str, FeedEvent]


async def read(
    calendars: Sequence[Calendar], cursor: Cursor, stored: StoredVersions, *, full: bool, begun: bool, host: str
) -> AsyncGenerator[Page]:
    """Yield the pages of a reading as `providers.base.AccountSession.read` describes it, of a feed that has changed.

    Only events that differ from what is stored are handed on. Where a full reading was `begun` earlier, what it handed
    on may be gone by now, and is told. Raises `Unavailable` where there are too many events.
    """
    held = await stored.versions()
    # of a large feed this takes the better part of a second; in a thread it lets others have their turns
    named = await asyncio.to_thread(_named, calendars, held, host)
    changed = [(key, event) for key, event in named if held.get(key) != event.version]
    unchanged = [key for key, event in named if held.get(key) == event.version] if full else []
    removed = () if full and not begun else tuple(sorted(held.keys() - {key for key, _ in named}))
    del named
    while True:
        batch = _batch(changed)
        del changed[len(changed) - len(batch) :]
        seen, unchanged = unchanged[:_PAGE_OF_UNCHANGED], unchanged[_PAGE_OF_UNCHANGED:]
        last = not changed and not unchanged
        yield Page(
            changed=tuple(_change(key, event) for key, event in batch),
            unchanged=tuple(seen),
            removed=removed,
            continuation=None if last else _GOES_ON,
            cursor=str(cursor) if last else None,
        )
        if last:
            return
        removed = ()


def _named(calendars: Sequence[Calendar], held: Mapping[str, str], host: str) -> list[Named]:
    """Return the events of a feed by key, the last one first, so that taking from the end goes by the feed's order."""
    events = list(events_in(calendars))
    if len(events) > _MOST_EVENTS:
        raise Unavailable(f"{host} answered a feed of more than {_MOST_EVENTS} events")
    return list(zip(identify(events, held), events, strict=True))[::-1]


def _batch(changed: Sequence[Named]) -> list[Named]:
    """Return what comes next: a page of events, or fewer where they are large."""
    batch: list[Named] = []
    size = 0
    for key, event in reversed(changed[-_PAGE:]):
        size += event.size
        if batch and size > _PAGE_BYTES:
            break
        batch.append((key, event))
    return batch


def _change(key: str, event: FeedEvent) -> ItemChange:
    if event.size > MAX_EVENT_BYTES:
        return ItemChange(key, key, event.version, None, "it is larger than is taken")
    return ItemChange(key, key, event.version, event.payload())
