"""Multi-status answers (RFC 4918 §13) with members taken out or put in twice."""

import random
from xml.etree.ElementTree import Element, fromstring, tostring

EMPTY = b'<?xml version="1.0"?><multistatus xmlns="DAV:"/>'

_RESPONSE, _HREF, _COLLECTION = "{DAV:}response", "{DAV:}href", "{DAV:}collection"


def members(body: bytes) -> int:
    """Return how many members an answer names."""
    return len(_members(fromstring(body)))  # noqa: S314 - from a server of ours - the servers are ours


def without_some(body: bytes, chance: random.Random) -> bytes:
    """Return the answer without some of its members, at least one; what it says of the collection stays."""
    root = fromstring(body)  # noqa: S314 - from a server of ours
    named = _members(root)
    for one in chance.sample(named, chance.randint(1, max(1, len(named) // 2))):
        root.remove(one)
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True))


def doubled(body: bytes) -> bytes:
    """Return the answer with everything in it said twice, but for what there can only be one of."""
    root = fromstring(body)  # noqa: S314 - from a server of ours
    for position, one in enumerate(root.findall(_RESPONSE)):
        root.insert(2 * position, one)
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True))


def _members(root: Element) -> list[Element]:
    return [one for one in root.findall(_RESPONSE) if _is_member(one)]


def _is_member(response: Element) -> bool:
    href = response.find(_HREF)
    is_collection = next(response.iter(_COLLECTION), None) is not None
    return not is_collection and href is not None and not (href.text or "").strip().endswith("/")
