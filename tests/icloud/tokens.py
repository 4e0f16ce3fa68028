"""The opaque strings of iCloud: sync tokens, collection tags, etags, in the forms in which they have been seen.

Tokens begin `HwoQEgwAA`, collection tags are like `FT=-@RU=cbff5e64-052c-4025-a68d-e9b07e0a2efe@S=87`
(smarcet/CalDAVClient and others' test logs), etags are quoted and like `"C=11@U=89b5000e-…"`.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from uuid import NAMESPACE_URL, uuid5

_TOKEN = "HwoQEgwAA"
UNKNOWN_TOKEN = _TOKEN + urlsafe_b64encode(b"http://radicale.org/ns/sync/" + 64 * b"0").decode()
"""A token of the right form that was never given out."""


def token_outside(token: str) -> str:
    """Return the token under which iCloud hands out one of the server behind."""
    return _TOKEN + urlsafe_b64encode(token.encode()).decode()


def token_inside(token: str) -> str | None:
    """Return the token of the server behind, empty for an empty one, None where it has no such form."""
    if not token:
        return ""
    if not token.startswith(_TOKEN):
        return None
    try:
        return urlsafe_b64decode(token.removeprefix(_TOKEN)).decode() or None
    except ValueError:
        return None


def tag(text: str) -> str:
    """Return a collection tag."""
    return f"FT=-@RU={uuid5(NAMESPACE_URL, text)}@S={len(text)}"


def etag(text: str) -> str:
    """Return an etag."""
    return f'"C=11@U={uuid5(NAMESPACE_URL, text)}"'
