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
HEAD_BYTES = len(FORMAT) + 8
_NONCE_END = HEAD_BYTES + NONCE_BYTES


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
        opened: dict[str, Any] = json.loads(self._decrypt(sealed, row))
        return opened

    def opens(self, sealed: bytes, *, row: str) -> bool:
        """Tell whether what was sealed for the row would open; what is in it is neither read nor kept."""
        try:
            self._decrypt(sealed, row)
        except SealBroken:
            return False
        return True

    def _decrypt(self, sealed: bytes, row: str) -> bytes:
        head, nonce, text = sealed[:HEAD_BYTES], sealed[HEAD_BYTES:_NONCE_END], sealed[_NONCE_END:]
        cipher = self._ciphers.get(head[len(FORMAT) :])
        if head[: len(FORMAT)] != FORMAT or cipher is None:
            raise SealBroken(f"no key opens the secret of {row}")
        try:
            return cipher.decrypt(nonce, text, head + row.encode())
        except InvalidTag:
            raise SealBroken(f"the secret of {row} was changed or belongs to another row") from None


def key_id(sealed: bytes) -> str | None:
    """Return the id of the key that something was sealed with, None for what no version of ours has sealed.

    Its first `HEAD_BYTES` bytes are enough.
    """
    return sealed[len(FORMAT) : HEAD_BYTES].hex() if sealed[: len(FORMAT)] == FORMAT else None
