"""Secrets that programs hold: 256 random bits, kept as SHA-256, compared in constant time.

A password hash made slow on purpose would add nothing: nobody can try 2^256 values.
"""

import hmac
import secrets
from hashlib import sha256

API_KEY_PREFIX = "KAL."
CLIENT_SECRET_PREFIX = "kals_"  # noqa: S105 - the beginning of every secret, not one


def new_api_key() -> str:
    """Return a fresh API key."""
    return API_KEY_PREFIX + secrets.token_urlsafe(32)


def new_client_secret() -> str:
    """Return a fresh client secret."""
    return CLIENT_SECRET_PREFIX + secrets.token_urlsafe(32)


def digest(secret: str) -> bytes:
    """Return what is stored of a secret."""
    return sha256(secret.encode()).digest()


def matches(secret: str, stored: bytes) -> bool:
    """Tell whether a secret is the one of which `stored` was kept."""
    return hmac.compare_digest(digest(secret), stored)
