"""Which members a calendar has, or which of them changed: by sync-collection (RFC 6578) where that works, else by etag.

A listing is whole or it is an error: nothing here returns part of one, and nothing is believed of an answer that is
about another collection, or that says of the calendar itself that it cannot be read.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol
from urllib.parse import urlsplit

from kalends.providers.caldav import bodies, hrefs
from kalends.providers.caldav import namespaces as ns
from kalends.providers.caldav.client import DavClient
from kalends.providers.caldav.cursor import Cursor, CursorKind, Listed
from kalends.providers.caldav.errors import HttpRefusal, Malformed
from kalends.providers.caldav.multistatus import DavResponse, MultiStatus
from kalends.providers.caldav.quirks import missing_listed_etags, odd_percent_encoding, slow_first_listing
from kalends.providers.errors import CalendarGone, Unavailable

GONE = frozenset({404, 410})
MAX_MEMBERS = 200_000
MAX_ROUNDS = 100
_UNAUTHORIZED = 401
_INSUFFICIENT_STORAGE = 507
_TURN = 50_000
"""Characters of hrefs, some 500 members, after which the event loop has its turn."""


@dataclass(slots=True)
class Listing:
    """Members by key, the keys of those known to be gone, and the cursor that stands for both.

    `collection` is the calendar's path as `hrefs.path_of` returns it. A member's key is its normal path; where that is
    too long to be kept, a digest of it.
    """

    collection: str
    cursor: Cursor
    members: dict[str, Listed] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)

    def add(self, name: str, response: DavResponse) -> None:
        """Take in the member of this normal name, as a response describes it."""
        path = self.collection + name
        key = _key(path)
        href = hrefs.sendable(hrefs.raw_path(response.href.strip(), self.collection))
        before = self.members.get(key)
        # Of two members whose names are compared as equal, reading one would pass over the other.
        readable = key == path and (before is None or before.href == href)
        self.members[key] = Listed(response.text(ns.GETETAG) or "", href) if readable else Listed("", "")
        self.removed.discard(key)

    def remove(self, name: str) -> None:
        """Note that the member of this normal name is gone."""
        key = _key(self.collection + name)
        self.members.pop(key, None)
        self.removed.add(key)


class SyncUseless(Exception):
    """The server knows the report, but what it answers leads nowhere."""


async def list_by_sync(dav: DavClient, url: str, token: str) -> Listing:
    """List what changed since the token, or everything where it is empty.

    A 507 for the collection itself means that the answer was cut lawfully (RFC 6578 §3.6): its token is good, and
    asking goes on with it. Raises `SyncUseless` where there is no token or the same one again, `HttpRefusal`,
    `CalendarGone`.
    """
    listing = Listing(hrefs.path_of(url), Cursor(CursorKind.SYNC_TOKEN, token))
    whole = not token
    for _ in range(MAX_ROUNDS):
        body = bodies.sync_collection(token)
        answer = await (_patiently(dav, partial(dav.report, url, body)) if whole else dav.report(url, body))
        truncated = await _take_changes(dav, url, answer, listing)
        if len(listing.members) + len(listing.removed) > MAX_MEMBERS:
            raise Unavailable(f"{hrefs.host_of(url)} lists more than {MAX_MEMBERS} members of one calendar")
        if not answer.sync_token:
            raise SyncUseless(f"{hrefs.host_of(answer.url)} answers sync-collection without a token")
        if not truncated:
            listing.cursor = Cursor(CursorKind.SYNC_TOKEN, answer.sync_token)
            return listing
        if answer.sync_token == token:
            raise SyncUseless(f"{hrefs.host_of(answer.url)} cuts the answer and gives the same token again")
        token = answer.sync_token
    raise SyncUseless(f"{hrefs.host_of(url)} cuts its answers for ever")


async def list_by_etag(dav: DavClient, url: str) -> Listing:
    """List all members with their etags by PROPFIND.

    The collection's tag is asked for first: what changes between the two requests is seen again, never missed.
    """
    tag = await collection_tag(dav, url)
    body = bodies.propfind(ns.GETETAG, ns.RESOURCETYPE)
    answer = await _patiently(dav, partial(_propfind, dav, url, body, depth=1))
    listing = Listing(hrefs.path_of(url), Cursor(CursorKind.CTAG, tag) if tag else Cursor(CursorKind.ETAGS))
    cut = seen_itself = foreign = False
    async for name, response in _named(dav, url, answer):
        cut = cut or response.status == _INSUFFICIENT_STORAGE
        if name is None:
            foreign = foreign or _is_elsewhere(response)
        elif not name:
            seen_itself = seen_itself or ns.CALENDAR in response.types
        elif response.status not in GONE:
            listing.add(name, response)
    if foreign and not listing.members:
        raise Malformed(f"{hrefs.host_of(answer.url)} names members of another collection in place of this calendar's")
    if cut:
        raise Malformed(f"{hrefs.host_of(url)} cut its listing off")
    if not seen_itself:
        # An answer about something else must not pass for an empty calendar.
        raise Malformed(f"{hrefs.host_of(url)} answered a listing that does not name the calendar itself")
    return listing


async def collection_tag(dav: DavClient, url: str) -> str | None:
    """Return the collection's `getctag`, None where the server has none."""
    answer = await _propfind(dav, url, bodies.propfind(ns.GETCTAG), depth=0)
    tags = [response.text(ns.GETCTAG) async for name, response in _named(dav, url, answer) if name == ""]
    return next(filter(None, tags), None)


class _Asked(Protocol):
    def __call__(self, *, patience: float | None) -> Awaitable[MultiStatus]: ...


async def _patiently(dav: DavClient, ask: _Asked) -> MultiStatus:
    """Ask for a whole listing and wait for as long as this server is known to need; raises `TooSlow`."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    try:
        return await ask(patience=slow_first_listing.limit(dav.quirks))
    finally:
        dav.quirks.see(slow_first_listing.QUIRK, shown=loop.time() - begun >= dav.silence)


async def _propfind(dav: DavClient, url: str, body: bytes, *, depth: int, patience: float | None = None) -> MultiStatus:
    """Ask about the collection; raises `CalendarGone` where it is not there."""
    try:
        return await dav.propfind(url, body, depth=depth, patience=patience)
    except HttpRefusal as refusal:
        if refusal.status in GONE:
            raise CalendarGone(f"{hrefs.host_of(url)} does not exist any more") from refusal
        raise


async def _take_changes(dav: DavClient, url: str, answer: MultiStatus, listing: Listing) -> bool:
    """Add one answer to the listing and tell whether it was cut."""
    truncated = foreign = own = False
    async for name, response in _named(dav, url, answer):
        if name is None:
            foreign = foreign or _is_elsewhere(response)
        elif not name:
            truncated = truncated or response.status == _INSUFFICIENT_STORAGE
        elif response.status in GONE:
            own = True
            listing.remove(name)
        else:
            own = True
            listing.add(name, response)
    if foreign and not own:
        raise Malformed(f"{hrefs.host_of(answer.url)} answered about another collection")
    return truncated


def _is_elsewhere(response: DavResponse) -> bool:
    """Tell of what is no member whether it could be one of another collection, and not a collection itself."""
    return not response.href.endswith("/") and ns.COLLECTION not in response.types


async def _named(dav: DavClient, url: str, answer: MultiStatus) -> AsyncIterator[tuple[str | None, DavResponse]]:
    """Go through an answer about a calendar: each response with the member's name, "" for the calendar itself.

    None stands for what is no member. The event loop has its turn meanwhile. Raises `Malformed` where the answer comes
    from another place, and what `_check_itself` raises.
    """
    collection = hrefs.path_of(url)
    if not hrefs.same_place(answer.url, url):
        raise Malformed(f"{hrefs.host_of(url)} redirects to what is not this calendar")
    asked = hrefs.sendable(urlsplit(answer.url).path).rstrip("/")
    respelled = unversioned = named = False
    work = 0
    for response in answer.responses:
        work += len(response.href) + 1
        if work > _TURN:
            await asyncio.sleep(0)
            work = 0
        name = hrefs.name_in(response.href, collection)
        if name == "":
            _check_itself(dav, url, response)
        elif name and ns.COLLECTION in response.types:
            name = None
        if name is not None:
            respelled = respelled or odd_percent_encoding.calendar_respelled(response.href, asked)
        if name and response.failure(ns.GETETAG) is None:
            named = True
            unversioned = unversioned or response.text(ns.GETETAG) is None
        yield name, response
    if named:
        dav.quirks.see(odd_percent_encoding.QUIRK, shown=respelled)
        dav.quirks.see(missing_listed_etags.QUIRK, shown=unversioned)


def _check_itself(dav: DavClient, url: str, response: DavResponse) -> None:
    """Raise what it means that a response refuses the calendar itself: an answer that does so is about nothing else.

    A 507 passes: it is about the answer's length (RFC 6578 §3.6).
    """
    status = response.failure(ns.RESOURCETYPE)
    host = hrefs.host_of(url)
    if status in GONE:
        raise CalendarGone(f"{host} does not exist any more")
    if status == _UNAUTHORIZED:
        raise dav.refused(f"{host} answered 401 for the calendar inside an answer")
    if status is not None and status != _INSUFFICIENT_STORAGE:
        raise Malformed(f"{host} answered {status} for the calendar inside an answer")


def _key(path: str) -> str:
    if len(path) <= hrefs.LONGEST_KEPT:
        return path
    return "sha256-" + hashlib.sha256(path.encode()).hexdigest()
