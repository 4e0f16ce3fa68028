"""Sync tokens: opaque to those who are given them, and good only for the question that they were given to."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kalends.sandbox.google.errors import invalid

_MAC_BYTES = 12
_LONGEST = 4096


@dataclass(frozen=True, slots=True)
class SyncToken:
    """What a token says: all changes up to `change` have been told, to a question of this shape, when it was issued."""

    change: int
    issued: datetime
    shape: Mapping[str, Any]


class SyncTokens:
    """Writes tokens and reads them back; `key` keeps others from making them up."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def write(self, token: SyncToken) -> str:
        """Return a token as a text."""
        said = json.dumps([token.change, token.issued.timestamp(), token.shape], sort_keys=True).encode()
        return urlsafe_b64encode(self._mac(said) + said).decode()

    def read(self, text: str) -> SyncToken:
        """Return what a token says; raises `Refused` where it is none of ours."""
        try:
            raw = urlsafe_b64decode(text.encode()) if len(text) <= _LONGEST else b""
        except ValueError:
            raw = b""
        mac, said = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not said or not hmac.compare_digest(mac, self._mac(said)):
            raise invalid("Invalid sync token value.", "syncToken")
        change, issued, shape = json.loads(said)
        return SyncToken(change, datetime.fromtimestamp(issued, UTC), shape)

    def _mac(self, said: bytes) -> bytes:
        return hmac.digest(self._key, said, hashlib.sha256)[:_MAC_BYTES]
