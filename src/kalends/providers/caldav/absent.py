"""Members that a listing does not name any more: asked for before they are taken to be gone.

A listing by etag, and any listing of a whole calendar, says that a member is gone by not naming it, and so does one
that lacks a few for another reason: a replica that lags behind, a file that could not be read for a moment. So the
members themselves are asked about. What a server says of them counts more than that it does not name them.
"""

from collections.abc import Collection, Sequence

from kalends.providers.caldav import bodies, hrefs
from kalends.providers.caldav import namespaces as ns
from kalends.providers.caldav.client import DavClient
from kalends.providers.caldav.cursor import Listed
from kalends.providers.caldav.errors import HttpRefusal, Malformed

_BATCH = 100
_MOST_ASKED_SINGLY = 100
"""A listing that was right about so many is believed about the rest."""
_NOT_NOW = frozenset({429, 502, 503, 504})
_SERVER_AT_FAULT = 500


async def still_there(dav: DavClient, url: str, keys: Collection[str]) -> dict[str, Listed]:
    """Return those of the stored members that the server still has, by key.

    Raises `Unavailable` where it cannot say; a member whose key is no path is not asked for.
    """
    collection = hrefs.path_of(url)
    asked = sorted(key for key in keys if hrefs.member_key(key, collection) == key)
    found: dict[str, Listed] = {}
    for start in range(0, len(asked), _BATCH):
        batch = asked[start : start + _BATCH]
        there = await _together(dav, url, batch)
        if there is None:
            return found | await _singly(dav, url, asked[start:])
        found |= there
    return found


async def _together(dav: DavClient, url: str, keys: Sequence[str]) -> dict[str, Listed] | None:
    """Ask by calendar-multiget, for etags only; None where the server does not do that."""
    try:
        answer = await dav.report(url, bodies.calendar_multiget(keys, text=False))
    except HttpRefusal as refusal:
        if refusal.status in _NOT_NOW:
            raise
        return None
    except Malformed:
        return None
    collection = hrefs.path_of(url)
    found: dict[str, Listed] = {}
    for response in answer.responses:
        key = hrefs.member_key(response.href, collection)
        version = response.text(ns.GETETAG)
        if key is not None and key in keys and version is not None and response.failure(ns.GETETAG) is None:
            found[key] = Listed(version, hrefs.sendable(hrefs.raw_path(response.href.strip(), collection)))
    return found


async def _singly(dav: DavClient, url: str, keys: Sequence[str]) -> dict[str, Listed]:
    """Ask by PROPFIND; a server that refuses the question about one member says nothing for it."""
    found: dict[str, Listed] = {}
    body = bodies.propfind(ns.GETETAG)
    for key in keys[:_MOST_ASKED_SINGLY]:
        try:
            answer = await dav.propfind(hrefs.origin_of(url) + key, body, depth=0)
        except HttpRefusal as refusal:
            if refusal.status >= _SERVER_AT_FAULT or refusal.status in _NOT_NOW:
                raise
            continue
        for response in answer.responses:
            version = response.text(ns.GETETAG)
            if hrefs.same_place(response.href.strip(), key) and version is not None:
                found[key] = Listed(version, key)
    return found
