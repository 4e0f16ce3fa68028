"""Which members a calendar has, or which of them changed: by sync-collection (RFC 6578) where that works, else by etag.

A listing is whole or it is an error: nothing here returns part of one.
"""

from dataclasses import dataclass, field

from kalends.providers.caldav import bodies, hrefs
from kalends.providers.caldav import namespaces as ns
from kalends.providers.caldav.client import DavClient
from kalends.providers.caldav.cursor import Cursor, CursorKind
from kalends.providers.caldav.errors import HttpRefusal, Malformed
from kalends.providers.caldav.multistatus import DavResponse, MultiStatus
from kalends.providers.errors import CalendarGone

GONE = frozenset({404, 410})
_INSUFFICIENT_STORAGE = 507
_MOST_ROUNDS = 1_000


@dataclass(slots=True)
class Listing:
    """Members (key → etag, empty where none was told), those known to be gone, and the cursor that stands for both."""

    cursor: Cursor
    members: dict[str, str] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)


class SyncUseless(Exception):
    """The server knows the report, but what it answers leads nowhere."""


async def list_by_sync(dav: DavClient, url: str, token: str) -> Listing:
    """List what changed since the token, or everything where it is empty.

    A 507 for the collection itself means that the answer was cut lawfully (RFC 6578 §3.6): its token is good, and
    asking goes on with it. Raises `SyncUseless` where there is no token or the same one again, and `HttpRefusal`.
    """
    listing = Listing(Cursor(CursorKind.SYNC_TOKEN, token))
    for _ in range(_MOST_ROUNDS):
        answer = await dav.report(url, bodies.sync_collection(token))
        truncated = _take_changes(answer, listing)
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
    answer = await _propfind(dav, url, bodies.propfind(ns.GETETAG, ns.RESOURCETYPE), depth=1)
    collection = hrefs.path_of(answer.url)
    listing = Listing(Cursor(CursorKind.CTAG, tag) if tag else Cursor(CursorKind.ETAGS))
    seen_itself = False
    for response in answer.responses:
        if response.status == _INSUFFICIENT_STORAGE:
            raise Malformed(f"{hrefs.host_of(answer.url)} cut its listing off")
        if hrefs.is_self(response.href, collection):
            seen_itself = True
        elif (key := _member(response, collection)) and response.status not in GONE:
            listing.members[key] = response.text(ns.GETETAG) or ""
    if not seen_itself:
        # An answer about something else must not pass for an empty calendar.
        raise Malformed(f"{hrefs.host_of(answer.url)} answered a listing that does not name the calendar itself")
    return listing


async def collection_tag(dav: DavClient, url: str) -> str | None:
    """Return the collection's `getctag`, None where the server has none."""
    answer = await _propfind(dav, url, bodies.propfind(ns.GETCTAG), depth=0)
    return next((tag for response in answer.responses if (tag := response.text(ns.GETCTAG))), None)


async def _propfind(dav: DavClient, url: str, body: bytes, *, depth: int) -> MultiStatus:
    """Ask about the collection; raises `CalendarGone` where it is not there, in either way of saying so."""
    try:
        answer = await dav.propfind(url, body, depth=depth)
    except HttpRefusal as refusal:
        if refusal.status in GONE:
            raise CalendarGone(f"{hrefs.host_of(url)} does not exist any more") from refusal
        raise
    collection = hrefs.path_of(answer.url)
    if any(response.status in GONE and hrefs.is_self(response.href, collection) for response in answer.responses):
        raise CalendarGone(f"{hrefs.host_of(url)} does not exist any more")
    return answer


def _take_changes(answer: MultiStatus, listing: Listing) -> bool:
    """Add one answer to the listing and tell whether it was cut."""
    collection = hrefs.path_of(answer.url)
    truncated = False
    foreign = 0
    for response in answer.responses:
        key = _member(response, collection)
        if hrefs.is_self(response.href, collection):
            truncated = truncated or response.status == _INSUFFICIENT_STORAGE
        elif key is None:
            foreign += not response.href.endswith("/")
        elif response.status in GONE:
            listing.members.pop(key, None)
            listing.removed.add(key)
        else:
            listing.removed.discard(key)
            listing.members[key] = response.text(ns.GETETAG) or ""
    if foreign and foreign == len(answer.responses):
        raise Malformed(f"{hrefs.host_of(answer.url)} answered about another collection")
    return truncated


def _member(response: DavResponse, collection: str) -> str | None:
    return None if ns.COLLECTION in response.types else hrefs.member_key(response.href, collection)
