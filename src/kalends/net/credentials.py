"""Credentials, and the hosts that may be given them."""

import re
from base64 import b64encode
from dataclasses import dataclass, field
from functools import cache

from publicsuffixlist import PublicSuffixList

from kalends.net.errors import CredentialsWithheld
from kalends.net.policy import NetPolicy
from kalends.net.url import HttpUrl, literal

_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")


class CredentialScope:
    """The servers that one account's credentials may be sent to.

    It begins with the server that was configured (scheme, host, port) and the operator's trusted hosts, and grows only
    by `learn`. A redirect teaches it nothing. Credentials go over https; over http only where the configured server
    itself is an http one, and then the client dials nothing but addresses that `NetPolicy.allow` names.
    """

    def __init__(self, origin: str, policy: NetPolicy) -> None:
        self._origin = HttpUrl.parse(origin)
        self._policy = policy
        self._places = {_place(self._origin)}

    def learn(self, url: str) -> None:
        """Admit the server of a URL that an authenticated answer named (RFC 4791 §6.2.1, RFC 5397 §3).

        Raises `CredentialsWithheld` where it is neither trusted nor of the configured server's host or registrable
        domain, or not as safe a connection; `BadUrl`.
        """
        named = HttpUrl.parse(url)
        if not self._safe(named) or not (self._trusted(named) or _related(named.host, self._origin.host)):
            raise CredentialsWithheld(
                f"{self._origin.host} names {named.host}, which is not given the credentials: it is of another domain, "
                "or not asked over https. Plain http and private addresses need KALENDS_NET_ALLOW; another domain "
                "needs KALENDS_NET_TRUSTED_HOSTS.",
                host=named.host,
            )
        self._places.add(_place(named))

    def permits(self, url: str | HttpUrl) -> bool:
        """Tell whether a request for this URL may carry the credentials. Raises `BadUrl`."""
        asked = HttpUrl.parse(url) if isinstance(url, str) else url
        return self._safe(asked) and (_place(asked) in self._places or self._trusted(asked))

    def _safe(self, url: HttpUrl) -> bool:
        return url.scheme == "https" or (self._origin.scheme == "http" and bool(self._policy.allow))

    def _trusted(self, url: HttpUrl) -> bool:
        return url.host in self._policy.trusted_hosts


@dataclass(frozen=True, slots=True)
class BasicCredentials:
    """User and password for HTTP Basic authentication (RFC 7617), and where they may go."""

    user: str
    password: str = field(repr=False)
    scope: CredentialScope = field(repr=False)

    @property
    def authorization(self) -> str:
        """The value of the Authorization header."""
        return "Basic " + b64encode(f"{self.user}:{self.password}".encode()).decode("ascii")


@dataclass(frozen=True, slots=True)
class BearerCredentials:
    """An access token (RFC 6750), and where it may go. Raises `ValueError` for what is none (§2.1)."""

    token: str = field(repr=False)
    scope: CredentialScope = field(repr=False)

    def __post_init__(self) -> None:
        if not _TOKEN.fullmatch(self.token):
            raise ValueError("an access token holds a character that none may hold")

    @property
    def authorization(self) -> str:
        """The value of the Authorization header."""
        return f"Bearer {self.token}"


Credentials = BasicCredentials | BearerCredentials


def _place(url: HttpUrl) -> tuple[str, int]:
    return url.host, url.port


def _related(host: str, other: str) -> bool:
    if host == other:
        return True
    if literal(host) is not None or literal(other) is not None:
        return False
    domain: str | None = _suffixes().privatesuffix(host)
    return domain is not None and domain == _suffixes().privatesuffix(other)


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()
