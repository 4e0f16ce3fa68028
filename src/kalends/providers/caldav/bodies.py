"""The XML that is sent: PROPFIND bodies (RFC 4918 §9.1) and two REPORTs (RFC 6578 §3.2, RFC 4791 §7.9)."""

from collections.abc import Iterable
from xml.sax.saxutils import escape

from kalends.providers.caldav import namespaces as ns

_PREFIXES = (
    'xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav" '
    'xmlns:s="http://calendarserver.org/ns/" xmlns:a="http://apple.com/ns/ical/"'
)
_PREFIX_OF = {
    "DAV:": "d",
    "urn:ietf:params:xml:ns:caldav": "c",
    "http://calendarserver.org/ns/": "s",
    "http://apple.com/ns/ical/": "a",
}


def _prop(tags: Iterable[str]) -> str:
    parts = (tag.removeprefix("{").split("}") for tag in tags)
    return "<d:prop>" + "".join(f"<{_PREFIX_OF[space]}:{name}/>" for space, name in parts) + "</d:prop>"


def _document(root: str, inner: str) -> bytes:
    return f'<?xml version="1.0" encoding="utf-8"?>\n<{root} {_PREFIXES}>{inner}</{root}>'.encode()


def propfind(*tags: str) -> bytes:
    """Ask for the named properties."""
    return _document("d:propfind", _prop(tags))


def sync_collection(token: str) -> bytes:
    """Ask what changed since the token, or for everything where it is empty.

    There is never a `limit`: some servers cut the answer there and hand out the final token all the same.
    """
    inner = f"<d:sync-token>{escape(token)}</d:sync-token><d:sync-level>1</d:sync-level>"
    return _document("d:sync-collection", inner + _prop((ns.GETETAG, ns.RESOURCETYPE)))


def calendar_multiget(hrefs: Iterable[str], *, text: bool = True) -> bytes:
    """Ask for the text of the named members, or only for their etags."""
    named = "".join(f"<d:href>{escape(href)}</d:href>" for href in hrefs)
    return _document("c:calendar-multiget", _prop((ns.GETETAG, ns.CALENDAR_DATA) if text else (ns.GETETAG,)) + named)
