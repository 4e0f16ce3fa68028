"""What is remembered of a feed between passes: an opaque string of ours, with a version inside."""

import json
from dataclasses import asdict, dataclass

from kalends.providers.errors import CursorRefused

_VERSION = 1
_LONGEST = 1_000


@dataclass(frozen=True, slots=True)
class Cursor:
    """Up to where a feed has been read.

    `feed` is the fingerprint of its address. `etag` and `modified` are what its server calls its state (RFC 9110 §8.8),
    as it wrote them and empty where it does not; `digest` is ours, of the bytes.
    """

    feed: str
    digest: str
    etag: str = ""
    modified: str = ""

    def __str__(self) -> str:
        return json.dumps({"v": _VERSION, **asdict(self)}, separators=(",", ":"))

    def conditions(self) -> dict[str, str]:
        """Return the header fields that ask for the feed only if it changed (RFC 9110 §13.1)."""
        asked = {"If-None-Match": self.etag, "If-Modified-Since": self.modified}
        return {name: value for name, value in asked.items() if value}

    @classmethod
    def parse(cls, text: str, feed: str) -> "Cursor":
        """Read a cursor of the feed with that fingerprint; raises `CursorRefused` where it is none of this version."""
        try:
            match json.loads(text):
                case {"v": version, "feed": str(of), "digest": str(digest), "etag": str(etag),
                      "modified": str(modified)} if version == _VERSION and of == feed:  # fmt: skip
                    return cls(of, digest, etag, modified)
        except ValueError:
            pass
        raise CursorRefused("the cursor is of another version, or of another feed")


def validator(value: str) -> str:
    """Return a validator that can be sent back as it came, else nothing."""
    return value if len(value) <= _LONGEST and value.isascii() and value.isprintable() else ""
