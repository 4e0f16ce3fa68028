"""The keys of `KALENDS_SECRET_KEY`, and the keys made from them for one purpose each."""

import base64
import os
import secrets
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from kalends.settings import KEY_BYTES, Settings, SettingsError, decode_secret_keys

KEY_FILE = "secret.key"


@dataclass(frozen=True, slots=True)
class Key:
    """A key for one purpose; `id` names the secret key that it was made from, without telling anything about it."""

    id: str
    material: bytes

    def __repr__(self) -> str:
        """Name the key without showing it."""
        return f"Key({self.id})"


class Keyring:
    """The secret keys, newest first: the newest seals and signs, all of them open and verify."""

    def __init__(self, secret_keys: list[bytes]) -> None:
        self._secret_keys = secret_keys

    @classmethod
    def of(cls, settings: Settings) -> "Keyring":
        """Return the keyring of the settings.

        Without a secret key, embedded mode keeps one in the data folder (made at first use, readable by its owner
        only); with PostgreSQL, where several processes must share one, `SettingsError` is raised.
        """
        found = cls.existing(settings)
        if found is not None:
            return found
        path = key_path(settings)
        _make(path)
        return cls(_read(path))

    @classmethod
    def existing(cls, settings: Settings) -> "Keyring | None":
        """Return the keyring of the settings as far as there is one: None where embedded mode has not made a key yet.

        Raises `SettingsError` as `of` does.
        """
        if settings.secret_key is not None:
            return cls(decode_secret_keys(settings.secret_key.get_secret_value()))
        if not settings.embedded:
            raise SettingsError(
                "KALENDS_SECRET_KEY must be set where the database is PostgreSQL: 32 random bytes as base64, "
                "the same for every process (for instance from `openssl rand -base64 32`)"
            )
        try:
            return cls(_read(key_path(settings)))
        except FileNotFoundError:
            return None

    def keys(self, purpose: str) -> list[Key]:
        """Return the keys for a purpose, the newest first (HKDF, RFC 5869)."""
        return [
            Key(
                sha256(b"kalends key id" + secret).hexdigest()[:16],
                HKDF(SHA256(), KEY_BYTES, salt=None, info=f"kalends {purpose}".encode()).derive(secret),
            )
            for secret in self._secret_keys
        ]


def key_path(settings: Settings) -> Path:
    """Return where embedded mode keeps the key that it made."""
    return settings.data_dir / KEY_FILE


def _read(path: Path) -> list[bytes]:
    try:
        return decode_secret_keys(path.read_text(encoding="ascii").strip())
    except ValueError as error:
        raise SettingsError(f"{path}: {error}") from None


def _make(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(made + "\n")
        # a link never replaces a key that another process wrote meanwhile
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink(missing_ok=True)
