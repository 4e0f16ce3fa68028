"""Copies in one calendar: each is a resource of its own, whose name and UID are its key.

So one key makes one copy, however often it is asked for (`If-None-Match: *`), and nobody's change is written over
(`If-Match`). What was written is read back: only that tells what the server has stored.
"""

import re

from kalends.model.copy import WantedCopy
from kalends.net.client import Response
from kalends.providers import content
from kalends.providers.caldav import hrefs
from kalends.providers.caldav.client import DavClient
from kalends.providers.caldav.errors import HttpRefusal, Malformed, NotDav
from kalends.providers.caldav.listing import GONE, collection_tag
from kalends.providers.caldav.members import MAX_RESOURCE_BYTES
from kalends.providers.caldav.quirks import missing_etags_after_put
from kalends.providers.caldav.rendering import resource
from kalends.providers.caldav.stored_copies import echo_of, times_of
from kalends.providers.errors import NotSupported, ProviderError
from kalends.providers.export import CopyChanged, CopyGone, CopyThere, KeyUsedUp, StoredCopy

_DONE = range(200, 300)
_PRECONDITION_FAILED = 412
_MAY_NOT = frozenset({403, 405, 501})
_NOT_TAKEN = frozenset({400, 403, 409, 413, 415, 422})
"""Statuses by which servers refuse a resource for what it says."""
_UID_TAKEN = re.compile(rb"no-uid-conflict|object with uid already exists", re.IGNORECASE)
"""RFC 4791 §5.3.2.1; and Nextcloud, of what lies in its trash (nextcloud/server issue 30096)."""
_ENDINGS = re.compile(r'(?:W/)?("?.*?)(?:-gzip|--gzip|;gzip)?("?)')
"""What proxies that compress make of an etag: a weak one, or one with an ending."""


async def look_up(dav: DavClient, url: str, key: str) -> StoredCopy | None:
    """Return the copy under a key in the calendar at a URL, None where there is none; raises `CalendarGone`."""
    return await _read(dav, url, _ref(url, key))


async def create(dav: DavClient, url: str, wanted: WantedCopy) -> StoredCopy:
    """Make a copy; raises what `providers.export.Exports.create` does."""
    ref = _ref(url, wanted.key)
    answer = await _put(dav, url, ref, wanted, {"If-None-Match": "*"})
    host = hrefs.host_of(url)
    if answer.status == _PRECONDITION_FAILED:
        raise CopyThere(f"{host} has a copy under this key already")
    if answer.status not in _DONE:
        there = await _read(dav, url, ref)
        if there is not None:
            raise CopyThere(f"{host} has a copy under this key already")
        if answer.status in _NOT_TAKEN and _UID_TAKEN.search(answer.body):
            raise KeyUsedUp(f"{host} does not take the key of a copy that was deleted again")
        raise _refusal(url, "PUT", answer.status)
    return await _read_back(dav, url, ref)


async def update(dav: DavClient, url: str, wanted: WantedCopy, stored: StoredCopy) -> StoredCopy:
    """Make a copy what it should be; raises what `providers.export.Exports.update` does."""
    answer = await _put(dav, url, stored.ref, wanted, {"If-Match": stored.version or "*"})
    if answer.status not in _DONE:
        if await _read(dav, url, stored.ref) is None:
            raise CopyGone(f"{hrefs.host_of(url)} has this copy no more")
        if answer.status == _PRECONDITION_FAILED:
            raise CopyChanged(f"{hrefs.host_of(url)} has this copy in another version")
        raise _refusal(url, "PUT", answer.status)
    return await _read_back(dav, url, stored.ref)


async def delete(dav: DavClient, url: str, ref: str) -> None:
    """Delete a copy, whatever its version; one that is no more is fine. Raises `CalendarGone`."""
    answer = await dav.delete(hrefs.origin_of(url) + ref)
    if answer.status in GONE:
        await collection_tag(dav, url)
    elif answer.status not in _DONE:
        raise _refusal(url, "DELETE", answer.status)


def _ref(url: str, key: str) -> str:
    """Return the path of a copy's resource: the key that the import has of it."""
    return f"{hrefs.path_of(url)}{key}.ics"


async def _put(dav: DavClient, url: str, ref: str, wanted: WantedCopy, only_if: dict[str, str]) -> Response:
    answer = await dav.put(hrefs.origin_of(url) + ref, resource(wanted), only_if=only_if)
    if answer.status in _DONE:
        unversioned = missing_etags_after_put.written_version(answer.headers) is None
        dav.quirks.see(missing_etags_after_put.QUIRK, shown=unversioned)
    return answer


async def _read_back(dav: DavClient, url: str, ref: str) -> StoredCopy:
    stored = await _read(dav, url, ref)
    if stored is None:
        # Whether it was not stored, or was deleted since, or comes later from elsewhere: a look-up will tell.
        raise Malformed(f"{hrefs.host_of(url)} has not what it said to have stored")
    return stored


async def _read(dav: DavClient, url: str, ref: str) -> StoredCopy | None:
    """Return the resource at a path of the calendar, None where there is none; raises `CalendarGone`."""
    host = hrefs.host_of(url)
    try:
        answer = await dav.get(hrefs.origin_of(url) + ref, max_bytes=MAX_RESOURCE_BYTES)
    except HttpRefusal as refusal:
        if refusal.status in GONE:
            await collection_tag(dav, url)
            return None
        if refusal.status in _MAY_NOT:
            raise NotSupported(f"{host} answered {refusal.status} to GET") from refusal
        raise
    if not content.is_calendar(answer.body):
        raise NotDav(f"{host} answered something else where a calendar resource was due")
    if not answer.body.rstrip().lower().endswith(b"end:vcalendar"):
        raise Malformed(f"{host} answered a calendar resource that is cut off")
    version = _version(answer.headers.get("etag", ""))
    return StoredCopy(ref, version, echo_of(answer.body), times_of(answer.body))


def _version(etag: str) -> str:
    """Return the etag that the server itself has given, which alone it will know again."""
    found = _ENDINGS.fullmatch(etag.strip())
    return found[1] + found[2] if found else etag


def _refusal(url: str, method: str, status: int) -> ProviderError:
    message = f"{hrefs.host_of(url)} answered {status} to {method}"
    if status in _MAY_NOT:
        return NotSupported(message, public="The account may not write to this calendar.")
    if status in _NOT_TAKEN:
        return ProviderError(message, public="The calendar server does not take this event.")
    return HttpRefusal(message, status=status)
