"""One pass over one calendar: `events.list`, page by page.

What is read of a series is its master and its exceptions, each an item of its own (`singleEvents=false`): so that one
change is one item, and the rule can be expanded as far ahead as the window will ever roll.

A full reading leaves out what ended a year and more before the window (`timeMin`). What is stored of such events goes
with it, as whatever a full reading does not name: none of it reaches into the window, so nobody can miss it, and what
does reach into it is listed. The same holds for an exception that is left out for having been moved, or standing, so
far back. A full reading that begins from its first page names what it did not find as removed, too: what an earlier
attempt of the same pass has seen may be deleted by now, and the new sync token would not tell of it.
"""

import asyncio
from collections.abc import AsyncGenerator, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from kalends.model.calendar import ItemChange, Page
from kalends.providers.base import StoredVersions
from kalends.providers.errors import CursorRefused, Unavailable
from kalends.providers.google.client import CalendarApi
from kalends.providers.google.cursor import Query
from kalends.providers.google.payload import CANCELLED, item_of, key_of

PAGE = 250
"""Items of a page of ours: one of Google's is cut, so that it is expanded and written in bearable pieces."""


async def read(
    api: CalendarApi, calendar_id: str, begins: Query, begun: Query, stored: StoredVersions
) -> AsyncGenerator[Page]:
    """Yield the pages of a reading as `providers.base.AccountSession.read` describes it.

    `begins` is its query, and `begun` the same at the page where it goes on; where that page's token is not honoured
    any more, it starts from the first. Reading what changed since a cursor costs a request for each of Google's pages,
    which is one where less than 2,500 events changed. Raises `CursorRefused` on whichever page Google refuses the sync
    token, and `Unavailable` where the answer goes in circles or ends before its end.
    """
    query = begun
    try:
        answer = await _list(api, calendar_id, query)
    except CursorRefused:
        if not query.page:
            raise
        query = begins
        answer = await _list(api, calendar_id, query)
    judge = _Everything(await stored.versions(), whole=not query.page) if query.full else _Changes(stored)
    asked: set[str] = set()
    while True:
        asked.add(query.page)
        following = answer.next_page
        if following in asked:
            raise Unavailable(f"{api.host} names the same page again as the next one")
        if following is None and not answer.sync_token:
            raise Unavailable(f"{api.host} ended a listing without a sync token")
        pages = [await judge.page(some) for some in _pieces(answer.events)]
        here = query.continuation()
        for page in pages[:-1]:
            yield replace(page, continuation=here)
        if following is None:
            removed = (*pages[-1].removed, *judge.missing())
            yield replace(pages[-1], removed=removed, cursor=query.cursor(answer.sync_token))
            return
        query = replace(query, page=following)
        yield replace(pages[-1], continuation=query.continuation())
        answer = await _list(api, calendar_id, query)


@dataclass(frozen=True, slots=True)
class _Listed:
    """A page of Google's: its events by id, and what comes after it, if anything does."""

    events: Sequence[tuple[str, Mapping[str, Any]]]
    next_page: str | None
    sync_token: str


async def _list(api: CalendarApi, calendar_id: str, query: Query) -> _Listed:
    """Ask for a page. Pages may be short, or empty: only a missing `nextPageToken` says that it is the last."""
    said = await api.get("calendars", calendar_id, "events", **query.parameters)
    items = said.get("items", [])
    following, token = said.get("nextPageToken") or None, said.get("nextSyncToken") or ""
    if not isinstance(items, list) or not isinstance(following, str | None) or not isinstance(token, str):
        raise Unavailable(f"{api.host} answered a listing that makes no sense")
    return _Listed([(_id_of(event, api.host), event) for event in items], following, token)


def _id_of(event: object, host: str) -> str:
    """Return an event's id; one without would be missed by whoever believes the listing to be whole."""
    found = event.get("id") if isinstance(event, dict) else None
    if not isinstance(found, str) or not found:
        raise Unavailable(f"{host} lists an event without an id")
    return found


def _pieces(events: Sequence[tuple[str, Mapping[str, Any]]]) -> Iterator[Sequence[tuple[str, Mapping[str, Any]]]]:
    """Cut a page, into at least one piece."""
    for start in range(0, max(len(events), 1), PAGE):
        yield events[start : start + PAGE]


def _is_deleted(event: Mapping[str, Any]) -> bool:
    """Tell whether the event is gone: an exception that is cancelled stays, and takes an instance out of its series."""
    return event.get("status") == CANCELLED and not event.get("recurringEventId")


class _Everything:
    """Judges a full reading: what is listed with the version that is stored need not be stored again."""

    def __init__(self, held: Mapping[str, str], *, whole: bool) -> None:
        self._held = held
        self._whole = whole
        self._named: set[str] = set()

    async def page(self, events: Sequence[tuple[str, Mapping[str, Any]]]) -> Page:
        """Return what a piece of the listing means."""
        await asyncio.sleep(0)
        items = [item_of(event, event_id) for event_id, event in events if not _is_deleted(event)]
        self._named.update(item.key for item in items)
        same = {item.key for item in items if item.version and self._held.get(item.key) == item.version}
        return Page(
            changed=tuple(item for item in items if item.key not in same),
            unchanged=tuple(key for key in dict.fromkeys(item.key for item in items) if key in same),
        )

    def missing(self) -> Collection[str]:
        """Return what is stored and was not listed, as far as this reading has seen all of the listing."""
        return sorted(self._held.keys() - self._named) if self._whole else ()


@dataclass(slots=True)
class _Changes:
    """Judges an incremental reading.

    Of a deleted series Google names the master and, of its exceptions, some, all or none: they go with it, but for
    those that the same reading names as standing, which are what is left to a guest who is invited to nothing else.
    """

    _stored: StoredVersions
    _standing: set[str] = field(default_factory=set)
    _holes: dict[str, list[str]] = field(default_factory=dict)
    """Group key → the cancelled exceptions that came."""
    _deleted: set[str] = field(default_factory=set)

    async def page(self, events: Sequence[tuple[str, Mapping[str, Any]]]) -> Page:
        """Return what a piece of the listing means."""
        await asyncio.sleep(0)
        deleted = dict.fromkeys(key_of(event_id) for event_id, event in events if _is_deleted(event))
        changed: list[ItemChange] = []
        leaving = dict(deleted)
        self._deleted.update(deleted)
        for event_id, event in events:
            if _is_deleted(event):
                continue
            item = item_of(event, event_id)
            if event.get("status") != CANCELLED:
                self._standing.add(item.key)
            elif item.group_key in self._deleted:
                leaving[item.key] = None
                continue
            else:
                self._holes.setdefault(item.group_key, []).append(item.key)
            changed.append(item)
        if deleted:
            leaving |= dict.fromkeys(sorted(await self._stored.in_groups(deleted.keys())))
            leaving |= dict.fromkeys(key for group in deleted for key in self._holes.get(group, ()))
        return Page(changed=tuple(changed), removed=tuple(key for key in leaving if key not in self._standing))

    def missing(self) -> Collection[str]:
        """Return nothing: what is gone was named."""
        return ()
