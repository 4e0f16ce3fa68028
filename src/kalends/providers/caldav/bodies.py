"""The XML that is sent: PROPFIND and PROPPATCH bodies (RFC 4918 §9.1, §9.2), REPORTs (RFC 6578 §3.2, RFC 4791 §7.9).

And MKCALENDAR (RFC 4791 §5.3.1).
"""

import re
from collections.abc import Iterable
from xml.sax.saxutils import escape

from kalends.providers.caldav import namespaces as ns

_PREFIXES = (
    'xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav" '
    'xmlns:s="http://calendarserver.org/ns/" xmlns:a="http://apple.com/ns/ical/" xmlns:k="urn:x-kalends:caldav"'
)
_PREFIX_OF = {
    "DAV:": "d",
    "urn:ietf:params:xml:ns:caldav": "c",
    "http://calendarserver.org/ns/": "s",
    "http://apple.com/ns/ical/": "a",
    "urn:x-kalends:caldav": "k",
}
_NO_XML = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
"""What no XML may hold, not even escaped (XML 1.0 §2.2)."""


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


def mkcalendar(name: str) -> bytes:
    """Ask for a calendar of events under a name."""
    components = '<c:supported-calendar-component-set><c:comp name="VEVENT"/></c:supported-calendar-component-set>'
    named = f"<d:displayname>{_text(name)}</d:displayname>"
    return _document("c:mkcalendar", f"<d:set><d:prop>{named}{components}</d:prop></d:set>")


def mark(marker: str) -> bytes:
    """Ask for our own property to be kept, by which a calendar that was made for copies is found again."""
    marked = f"<k:export-marker>{_text(marker)}</k:export-marker>"
    return _document("d:propertyupdate", f"<d:set><d:prop>{marked}</d:prop></d:set>")


def _text(text: str) -> str:
    return escape(_NO_XML.sub("", text))
