"""Keys of copies, and the tags by which they are recognised wherever they come back.

A key is an HMAC over whose copy it is, of what, where, and the how-manieth: computed once, stored before anything is
asked for, and never computed again. A tag goes along with a copy and is signed, so that an event that bears one was
made by us for a site; another site's, or another installation's, says nothing here.
"""

import hmac
from base64 import b32hexencode
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

KEY_LENGTH = 52
"""Characters of a key."""
_LONGEST_TAG = 100
_BEGINNING = 20
"""Characters of the key that a tag begins with."""
_SIGNATURE = 26
"""Characters of a tag's signature: 130 bits."""


@dataclass(frozen=True, slots=True)
class CopyPlace:
    """What a key stands for: the segment of a schedule event, in a calendar of an account that a site has connected.

    `calendar_id` is the provider's id of the calendar. `generation` rises where a copy is known to be gone and wanted
    again, for which no provider has to take the same id a second time.
    """

    site_id: str
    connection_id: str
    calendar_id: str
    event_id: str
    ordinal: int
    generation: int = 1


@dataclass(frozen=True)
class CopyKeys:
    """Makes keys and tags with the secrets of this installation, newest first; tags of all of them are recognised."""

    secrets: Sequence[bytes] = field(repr=False)

    def key(self, place: CopyPlace) -> str:
        """Return the key of a copy: 52 characters of base32hex, in lower case."""
        parts = (place.site_id, place.connection_id, place.calendar_id, place.event_id)
        return _written(self.secrets[0], "copy", *parts, str(place.ordinal), str(place.generation))

    def tag(self, site_id: str, key: str) -> str:
        """Return the tag of a copy."""
        beginning = key[:_BEGINNING]
        return f"{beginning}.{_signature(self.secrets[0], site_id, beginning)}"

    def is_ours(self, site_id: str, tag: str) -> bool:
        """Tell whether a tag was made for a copy of this site's."""
        beginning, _, signature = tag[:_LONGEST_TAG].partition(".")
        given = signature.encode(errors="replace")
        return len(beginning) == _BEGINNING and any(
            hmac.compare_digest(given, _signature(secret, site_id, beginning).encode()) for secret in self.secrets
        )

    def marker(self, site_id: str, connection_id: str) -> str:
        """Return what marks the calendar that is made for the copies of a connection."""
        return _written(self.secrets[0], "calendar", site_id, connection_id)


def _signature(secret: bytes, site_id: str, beginning: str) -> str:
    return _written(secret, "tag", site_id, beginning)[:_SIGNATURE]


def _written(secret: bytes, *parts: str) -> str:
    """Return an HMAC over texts, each of them bounded, so that no two lists of them are the same."""
    message = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)
    return b32hexencode(hmac.new(secret, message, sha256).digest()).decode().rstrip("=").lower()
