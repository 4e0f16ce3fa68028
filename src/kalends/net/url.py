"""One reading of a URL, so that what is checked, what is dialled and what is sent cannot differ."""

import re
import socket
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, ip_address
from urllib.parse import quote, urljoin, urlsplit

import idna

from kalends.net.address import IPAddress, plain
from kalends.net.errors import BadUrl

DEFAULT_PORTS = {"http": 80, "https": 443}

_MAX_LENGTH = 8192
_REMEMBERED = 1024
"""URLs that were read last: one request has the same few read again and again."""
_MAX_HOST = 253
_STRAY = re.compile(r"[\x00-\x1f\x7f\\]")
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:@%/\\ ]+)(?::([0-9]{0,5}))?")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_VISIBLE = "".join(map(chr, range(0x21, 0x7F)))


@lru_cache(maxsize=4096)
def canonical_host(text: str) -> str:
    """Return the one spelling of a host: a name in lower-case ASCII (IDNA, UTS #46), or an IP address, unbracketed.

    A trailing dot is dropped; IPv4 addresses in decimal, octal, hexadecimal or short form, and IPv4-mapped IPv6
    addresses, become dotted quads. Raises `ValueError` for what is neither a name nor an address.
    """
    if text.startswith("[") and text.endswith("]"):
        return str(plain(ip_address(text[1:-1])))
    host = text if text.isascii() else idna.encode(text, uts46=True).decode("ascii")
    host = host.lower().removesuffix(".")
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _dotted_quad(host)
    if len(host) > _MAX_HOST or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError("not a host name")
    return host


def _dotted_quad(host: str) -> str:
    try:
        return str(IPv4Address(socket.inet_aton(host)))
    except OSError:
        raise ValueError("neither a host name nor an address") from None


def literal(host: str) -> IPAddress | None:
    """Return the address that a canonical host is, None where it is a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class HttpUrl:
    """An absolute http or https URL. `host` is canonical, `target` is path and query as they are sent."""

    scheme: str
    host: str
    port: int
    target: str

    @classmethod
    def parse(cls, text: str) -> "HttpUrl":
        """Read a URL (RFC 3986). A fragment is dropped; the path stays as it is written, but for what must be escaped.

        Raises `BadUrl`: not http or https, no host, a user or password in it, control characters, backslashes,
        a zone id, an escaped host, over 8192 characters.
        """
        return _parse(text)

    def join(self, reference: str) -> "HttpUrl":
        """Return where a reference found here, such as a Location header, leads. Raises `BadUrl`."""
        try:
            # urljoin drops line breaks in silence, so they are looked for first.
            return HttpUrl.parse(reference if _STRAY.search(reference) else urljoin(str(self), reference))
        except (BadUrl, ValueError):
            raise BadUrl(f"{self.host} redirects to what is not a usable http or https URL.", host=self.host) from None

    @property
    def authority(self) -> str:
        """Host and, where it is not the scheme's own, port, as in a Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"


@lru_cache(maxsize=_REMEMBERED)
def _parse(text: str) -> HttpUrl:
    if len(text) > _MAX_LENGTH:
        raise BadUrl(f"A URL is longer than {_MAX_LENGTH} characters.")
    if _STRAY.search(text):
        raise BadUrl("A URL holds control characters or backslashes.")
    try:
        parts = urlsplit(text)
    except ValueError:
        raise BadUrl("A URL cannot be read.") from None
    if parts.scheme not in DEFAULT_PORTS:
        raise BadUrl("A URL is not an absolute http or https address.")
    if "@" in parts.netloc:
        raise BadUrl("A URL holds a user name or password; credentials are given apart from it.")
    authority = _AUTHORITY.fullmatch(parts.netloc)
    if authority is None:
        raise BadUrl("A URL has no usable host and port.")
    try:
        host = canonical_host(authority[1])
        path, query = quote(parts.path, safe=_VISIBLE), quote(parts.query, safe=_VISIBLE)
    except ValueError:
        raise BadUrl("A URL has no usable host, or characters that cannot be sent.") from None
    port = int(authority[2] or DEFAULT_PORTS[parts.scheme])
    if not 0 < port < 1 << 16:
        raise BadUrl(f"A URL at {host} has no usable port.", host=host)
    return HttpUrl(parts.scheme, host, port, (path or "/") + (f"?{query}" if query else ""))
