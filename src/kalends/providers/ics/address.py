"""The address of a feed. Whoever knows it can read the calendar, so that it is a secret like a password."""

import hashlib
from urllib.parse import urlsplit

from kalends.net.url import HttpUrl

_SUBSCRIPTION = "webcal"
"""The scheme by which web pages ask a calendar program to subscribe. It does not say whether http or https is meant."""


def feed_url(text: str) -> str:
    """Return the address in its one spelling; `webcal:` is asked over https. Raises `net.errors.BadUrl`."""
    text = text.strip()
    scheme, colon, rest = text.partition(":")
    return str(HttpUrl.parse(("https" if scheme.lower() == _SUBSCRIPTION else scheme) + colon + rest))


def fingerprint(url: str) -> str:
    """Return what tells one address from another and gives none away (64 characters)."""
    return hashlib.sha256(url.encode()).hexdigest()


def masked(url: str) -> str:
    """Return an address as it may be shown: its host, and a few characters that tell feeds of one host apart."""
    return f"{urlsplit(url).netloc}/… ({fingerprint(url)[:6]})"
