"""XML as iCloud writes it: no prefixes, and a namespace said anew on each element that leaves its parent's."""

from collections.abc import Iterable, Mapping
from xml.etree.ElementTree import Element, SubElement
from xml.sax.saxutils import escape, quoteattr

DAV = "{DAV:}"
CALDAV = "{urn:ietf:params:xml:ns:caldav}"
CALENDARSERVER = "{http://calendarserver.org/ns/}"
APPLE = "{http://apple.com/ns/ical/}"

HREF, STATUS, PROPSTAT, PROP = (f"{DAV}{name}" for name in ("href", "status", "propstat", "prop"))
RESPONSE, MULTISTATUS, SYNC_TOKEN = (f"{DAV}{name}" for name in ("response", "multistatus", "sync-token"))
RESOURCETYPE, GETETAG = f"{DAV}resourcetype", f"{DAV}getetag"
COLLECTION = f"{DAV}collection"

_REASONS = {200: "OK", 403: "Forbidden", 404: "Not Found"}


def element(tag: str, *children: Element, text: str | None = None, **attributes: str) -> Element:
    """Return an element with what is in it."""
    made = Element(tag, attributes)
    made.text = text
    made.extend(children)
    return made


def href(path: str) -> Element:
    """Return a DAV:href."""
    return element(HREF, text=path)


def status(number: int) -> Element:
    """Return a DAV:status."""
    return element(STATUS, text=f"HTTP/1.1 {number} {_REASONS[number]}")


def described(path: str, asked: Iterable[str], known: Mapping[str, Element]) -> Element:
    """Return a response with the properties that were asked for; the unknown ones stand empty under a 404."""
    response = element(RESPONSE, href(path))
    wanted = list(asked)
    parts = (
        (200, [known[tag] for tag in wanted if tag in known]),
        (404, [Element(t) for t in wanted if t not in known]),
    )
    for number, properties in parts:
        if properties:
            SubElement(response, PROPSTAT).extend([element(PROP, *properties), status(number)])
    return response


def written(root: Element) -> bytes:
    """Return a document."""
    return ('<?xml version="1.0" encoding="UTF-8"?>\n' + _written(root, "")).encode()


def _written(one: Element, around: str) -> str:
    namespace, _, name = one.tag.removeprefix("{").rpartition("}")
    said = f" xmlns={quoteattr(namespace)}" if namespace != around else ""
    said += "".join(f" {key}={quoteattr(value)}" for key, value in one.attrib.items())
    inner = escape(one.text or "", {"\r": "&#13;"}) + "".join(_written(child, namespace) for child in one)
    return f"<{name}{said}>{inner}</{name}>" if inner else f"<{name}{said}/>"
