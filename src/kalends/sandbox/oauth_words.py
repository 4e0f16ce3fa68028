"""What OAuth 2.0 deals in, whoever grants: refusals, proof keys, and addresses to come back to."""

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from ipaddress import ip_address
from urllib.parse import quote, urlencode, urlsplit, urlunsplit


class OAuthRefused(Exception):
    """A refusal: an HTTP status, `error` (RFC 6749 §5.2), and perhaps `error_description`."""

    def __init__(self, error: str, description: str | None = None, *, status: int = 400) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.description = description


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a code may only be redeemed with (PKCE, RFC 7636); `method` is `S256` or `plain`."""

    value: str
    method: str

    def fits(self, verifier: str) -> bool:
        """Tell whether a code verifier is the one that the challenge was made of."""
        given = verifier.encode()
        if self.method == "S256":
            given = urlsafe_b64encode(sha256(given).digest()).rstrip(b"=")
        return compare_digest(given, self.value.encode())


def is_on_loopback(uri: str) -> bool:
    """Tell whether a redirect URI is a plain `http` address of this computer."""
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname or "", parts.port
        plain = parts.scheme == "http" and "@" not in parts.netloc and "#" not in uri and uri.isprintable()
        return plain and (host == "localhost" or ip_address(host).is_loopback)
    except ValueError:
        return False


def redirect(redirect_uri: str, state: str | None, parameters: Mapping[str, str]) -> str:
    """Return a redirect URI with parameters added to those that it has, `state` among them, and without empty ones."""
    parts = urlsplit(redirect_uri)
    added = urlencode(
        [(name, value) for name, value in {"state": state, **parameters}.items() if value], quote_via=quote
    )
    return urlunsplit(parts._replace(query="&".join(filter(None, [parts.query, added]))))
