"""Secrets at rest: AES-256-GCM with the identity of their row bound in.

A sealed secret copied into another row does not open there, because the row's identity is the associated data.
Layout: format (1 byte), key id (8 bytes), nonce (12 bytes), ciphertext with tag.
"""

import json
import secrets
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kalends.vault.keys import Keyring

FORMAT = b"\x01"
NONCE_BYTES = 12
_HEAD = len(FORMAT) + 8
_NONCE_END = _HEAD + NONCE_BYTES


class SealBroken(Exception):
    """What was sealed does not open: no key of ours fits, or it was changed or moved."""


class Vault:
    """Seals and opens JSON-able secrets."""

    def __init__(self, keyring: Keyring) -> None:
        self._ciphers = {bytes.fromhex(key.id): AESGCM(key.material) for key in keyring.keys("secrets at rest")}
        self._newest = next(iter(self._ciphers))

    def seal(self, secret: Mapping[str, Any], *, row: str) -> bytes:
        """Return the secret sealed for a row; `row` names it for ever, as `table/site/id`."""
        head = FORMAT + self._newest
        nonce = secrets.token_bytes(NONCE_BYTES)
        text = json.dumps(secret, separators=(",", ":")).encode()
        return head + nonce + self._ciphers[self._newest].encrypt(nonce, text, head + row.encode())

    def open(self, sealed: bytes, *, row: str) -> dict[str, Any]:
        """Return what was sealed for the row; raises `SealBroken`."""
        head, nonce, text = sealed[:_HEAD], sealed[_HEAD:_NONCE_END], sealed[_NONCE_END:]
        cipher = self._ciphers.get(head[len(FORMAT) :])
        if head[: len(FORMAT)] != FORMAT or cipher is None:
            raise SealBroken(f"no key opens the secret of {row}")
        try:
            opened: dict[str, Any] = json.loads(cipher.decrypt(nonce, text, head + row.encode()))
        except InvalidTag:
            raise SealBroken(f"the secret of {row} was changed or belongs to another row") from None
        return opened
