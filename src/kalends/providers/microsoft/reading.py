"""One pass over one calendar: `calendarView/delta`, page by page.

Graph expands series: a view holds single events, occurrences and exceptions, and the masters of the series beside them.
Occurrences come slim, with nothing but their times; they are understood by their master, which is asked for where it
is neither in the view nor stored.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from kalends.model.calendar import ItemChange, Page
from kalends.providers.base import StoredVersions
from kalends.providers.errors import CalendarGone, CursorRefused, Unavailable
from kalends.providers.microsoft.client import GraphApi
from kalends.providers.microsoft.cursor import View
from kalends.providers.microsoft.payload import KEPT_FIELDS, MASTER, OCCURRENCE, item_of, key_of

PAGE = 250
"""Events of a page, as far as Graph heeds it."""
_PREFERENCE = f"odata.maxpagesize={PAGE}"


async def read(
    api: GraphApi, calendar_id: str, begins: View, begun: View, stored: StoredVersions
) -> AsyncGenerator[Page]:
    """Yield the pages of a reading as `providers.base.AccountSession.read` describes it.

    `begins` is the reading, and `begun` the same at the page where it goes on; where that page's link is not honoured
    any more, it starts from the first. One that goes on asks in the end for what came since it was begun. What changed
    costs a request for each of Graph's pages, and one for each master that nobody knows yet. Raises `CursorRefused` on
    whichever page Graph refuses the link, and `Unavailable` where the answer goes in circles or ends before its end.
    """
    view = begun
    try:
        listed = await _list(api, calendar_id, view)
    except CursorRefused:
        if view.link == begins.link:
            raise
        view = begins
        listed = await _list(api, calendar_id, view)
    # a round shows what there was when it was begun, which may be long ago
    is_old = view.link != begins.link
    judge = _Judge(api, stored, full=not view.delta, whole=not is_old)
    await judge.begin()
    asked: set[str] = set()
    while True:
        asked.add(view.link)
        page = await judge.page(listed.events)
        if listed.next_link is None and is_old:
            is_old, view = False, replace(view, link=listed.delta_link)
            yield replace(page, continuation=view.continuation())
            listed = await _list(api, calendar_id, view)
            continue
        if listed.next_link is None:
            end = await judge.end()
            yield replace(
                page,
                changed=(*page.changed, *end.changed),
                unchanged=(*page.unchanged, *end.unchanged),
                removed=(*page.removed, *end.removed),
                cursor=view.cursor(listed.delta_link),
            )
            return
        if listed.next_link in asked:
            raise Unavailable(f"{api.host} names the same page again as the next one")
        view = replace(view, link=listed.next_link)
        yield replace(page, continuation=view.continuation())
        listed = await _list(api, calendar_id, view)


@dataclass(frozen=True, slots=True)
class _Listed:
    """A page of Graph's: its events by id, and what comes after it: another page, or the link for the next time."""

    events: Sequence[tuple[str, Mapping[str, Any]]]
    next_link: str | None
    delta_link: str


async def _list(api: GraphApi, calendar_id: str, view: View) -> _Listed:
    """Ask for a page. Pages may be short, or empty: only the delta link says that it was the last."""
    url = view.link or api.url(
        "calendars",
        calendar_id,
        "calendarView",
        "delta",
        startDateTime=view.span.start.strftime("%Y-%m-%dT%H:%M:%SZ"),
        endDateTime=view.span.end.strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
    said = await api.get(url, prefer=_PREFERENCE, followed=bool(view.link))
    events = said.get("value")
    following, delta = api.link(said, "@odata.nextLink"), api.link(said, "@odata.deltaLink")
    if not isinstance(events, list):
        raise Unavailable(f"{api.host} answered a listing that makes no sense")
    if following is None and delta is None:
        raise Unavailable(f"{api.host} ended a listing without a delta link")
    return _Listed([(_id_of(event, api.host), event) for event in events], following, delta or "")


def _id_of(event: object, host: str) -> str:
    """Return an event's id; one without would be missed by whoever believes the listing to be whole."""
    found = event.get("id") if isinstance(event, dict) else None
    if not isinstance(found, str) or not found:
        raise Unavailable(f"{host} lists an event without an id")
    return found


def _is_gone(event: Mapping[str, Any]) -> bool:
    """Tell whether an event is not in the view any more: Graph says so, or names it and says nothing else of it."""
    return "@removed" in event or all(event.get(name) is None for name in ("type", "start", "subject"))


@dataclass(slots=True)
class _Judge:
    """Judges a reading. What is listed with the version that is stored need not be stored again.

    Of a series that is deleted Graph may name the master alone: what belongs to it goes with it, but for what the same
    reading names as standing. `whole` tells that a full reading began at its first page: what it did not find is gone.
    """

    api: GraphApi
    stored: StoredVersions
    full: bool
    whole: bool
    held: Mapping[str, str] = field(default_factory=dict)
    named: set[str] = field(default_factory=set)
    wanting: dict[str, str] = field(default_factory=dict)
    """Master's key → its id, of occurrences that came slim."""

    async def begin(self) -> None:
        """Learn what is stored, where all of it will be asked about."""
        if self.full:
            self.held = await self.stored.versions()

    async def page(self, events: Sequence[tuple[str, Mapping[str, Any]]]) -> Page:
        """Return what a page of the listing means."""
        await asyncio.sleep(0)
        leaving = dict.fromkeys(key_of(event_id) for event_id, event in events if _is_gone(event))
        items = [item_of(event, event_id) for event_id, event in events if not _is_gone(event)]
        self.named.update(item.key for item in items)
        for _, event in events:
            master = event.get("seriesMasterId")
            if event.get("type") == OCCURRENCE and isinstance(master, str) and master:
                self.wanting[key_of(master)] = master
        if leaving:
            leaving |= dict.fromkeys(sorted(await self.stored.in_groups(leaving.keys())))
        judged = await self._judged(items)
        return replace(judged, removed=tuple(key for key in leaving if key not in self.named))

    async def _judged(self, items: Sequence[ItemChange]) -> Page:
        held = self.held if self.full else await self.stored.versions([item.key for item in items])
        same = {item.key for item in items if held.get(item.key) == item.version}
        return Page(
            changed=tuple(item for item in items if item.key not in same),
            unchanged=tuple(dict.fromkeys(item.key for item in items if item.key in same)),
        )

    async def end(self) -> Page:
        """Return what there is to say when all was listed: the masters that nobody knows yet, and what is gone."""
        unknown = {key: master for key, master in self.wanting.items() if key not in self.named}
        known = {} if self.full else await self.stored.versions(unknown.keys())
        fetched = [await self._master(master) for key, master in unknown.items() if key not in known]
        masters = [item for item in fetched if item is not None]
        self.named.update(item.key for item in masters)
        gone = sorted(self.held.keys() - self.named) if self.whole and self.full else ()
        return replace(await self._judged(masters), removed=tuple(gone))

    async def _master(self, event_id: str) -> ItemChange | None:
        """Ask for a master; None where it is gone: what belongs to it blocks all the same, and has no title."""
        try:
            said = await self.api.get(self.api.url("events", event_id, **{"$select": KEPT_FIELDS}))
        except (CalendarGone, CursorRefused):
            return None
        return item_of({**said, "type": MASTER}, event_id)
