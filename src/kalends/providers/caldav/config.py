"""What an installation of the CalDAV kind is told: where its server is, what a user name is, how often to ask."""

from collections.abc import Mapping
from enum import StrEnum
from urllib.parse import urlsplit

from kalends.net.errors import BadUrl
from kalends.net.url import HttpUrl, canonical_host, literal
from kalends.providers.caldav.hrefs import normal_url

URL = "url"
USERNAME = "username"
REQUESTS_PER_MINUTE = "requestsPerMinute"

FEWEST_REQUESTS, MOST_REQUESTS = 6, 60_000
"""A minute; with fewer, a sync would spend its time waiting."""


class Username(StrEnum):
    """What is sent as the user name."""

    EMAIL = "email"
    """The e-mail address as it was typed (or whatever name was typed in its place)."""
    LOCAL_PART = "local-part"
    """What stands before the at sign."""

    def of(self, email: str) -> str:
        """Return the user name for an e-mail address."""
        return email.rpartition("@")[0] or email if self is Username.LOCAL_PART else email


def check_config(config: Mapping[str, str]) -> dict[str, str]:
    """Return `url` (an absolute URL, or a bare domain in lower case), `username`, and `requestsPerMinute` if given.

    Raises `ValueError`.
    """
    unknown = sorted(config.keys() - {URL, USERNAME, REQUESTS_PER_MINUTE})
    if unknown:
        raise ValueError(
            f"{', '.join(map(repr, unknown))} is no setting of a CalDAV provider: "
            "it has 'url', 'username' and 'requestsPerMinute'"
        )
    username = config.get(USERNAME, Username.EMAIL)
    if username not in set(Username):
        raise ValueError(f"'username' is 'email' or 'local-part', not {username!r}")
    checked = {URL: _check_url(config.get(URL, "").strip()), USERNAME: str(username)}
    if REQUESTS_PER_MINUTE in config:
        checked[REQUESTS_PER_MINUTE] = str(_check_requests(config[REQUESTS_PER_MINUTE].strip()))
    return checked


def requests_per_minute(config: Mapping[str, str]) -> int | None:
    """Return how often an account may be asked by a checked configuration, None for no limit."""
    return int(config[REQUESTS_PER_MINUTE]) if REQUESTS_PER_MINUTE in config else None


def is_domain(url: str) -> bool:
    """Tell whether a checked `url` is a bare domain, whose server is to be looked up (RFC 6764)."""
    return "://" not in url


def _check_requests(text: str) -> int:
    requests = int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(MOST_REQUESTS)) else 0
    if not FEWEST_REQUESTS <= requests <= MOST_REQUESTS:
        raise ValueError(f"'requestsPerMinute' is a number from {FEWEST_REQUESTS} to {MOST_REQUESTS}, not {text!r}")
    return requests


def _check_url(url: str) -> str:
    if not url:
        raise ValueError("'url' is missing: the https address of a CalDAV server, or a domain that publishes one")
    if "://" not in url:
        try:
            domain = canonical_host(url)
        except ValueError:
            domain = ""
        if "." not in domain or literal(domain) is not None:
            raise ValueError(f"'url' is neither an address that begins with https:// nor a domain: {url!r}")
        return domain
    parts = urlsplit(url)
    if parts.query or parts.fragment:
        raise ValueError("'url' must have no query or fragment")
    try:
        HttpUrl.parse(url)
        return normal_url(url)
    except BadUrl as error:
        raise ValueError(f"'url' cannot be used: {error}") from error
