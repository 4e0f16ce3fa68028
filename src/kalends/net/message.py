"""A request as its caller means it, and what becomes of it on its way over redirects."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from kalends import __version__
from kalends.net.body import ACCEPT_ENCODING
from kalends.net.credentials import Credentials
from kalends.net.errors import CredentialsWithheld
from kalends.net.url import HttpUrl

_METHOD = re.compile(r"[A-Z][A-Z-]{0,31}")
_FORBIDDEN_METHODS = frozenset({"CONNECT", "TRACE"})
_REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "PROPFIND", "REPORT"})
_SEE_OTHER = 303
_OURS = frozenset(
    {
        "accept-encoding",
        "authorization",
        "connection",
        "content-length",
        "cookie",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Header fields that are the client's own: they say where a message goes, where it ends and who sends it."""


@dataclass(frozen=True, slots=True)
class Message:
    """Method, header fields, body and credentials of a request. Raises `ValueError` for what no caller may send.

    `secret_url` says that the URL itself is a secret.
    """

    method: str
    headers: Mapping[str, str] = field(repr=False)
    content: bytes | None = field(repr=False)
    credentials: Credentials | None
    secret_url: bool = False

    def __post_init__(self) -> None:
        if not _METHOD.fullmatch(self.method) or self.method in _FORBIDDEN_METHODS:
            raise ValueError(f"{self.method!r} is not a method that can be sent")
        taken = sorted(name for name in self.headers if name.lower() in _OURS)
        if taken:
            raise ValueError(f"the client itself sets {', '.join(taken)}")

    @property
    def repeatable(self) -> bool:
        """Whether sending it twice is the same as sending it once, and asks rather than tells."""
        return self.method in _REPEATABLE

    def check(self, url: HttpUrl) -> None:
        """Raise `CredentialsWithheld` where the message carries credentials that this URL is not to be given."""
        if self.credentials is not None and not self.credentials.scope.permits(url):
            raise CredentialsWithheld(
                f"{url.host} is not given the credentials: it is outside their scope or not asked over https.",
                host=url.host,
            )

    def redirected(self, status: int, source: HttpUrl, target: HttpUrl) -> "Message":
        """Return what goes to the target of a redirect: the same message, or a GET after 303 (RFC 9110 §15.4).

        Raises `CredentialsWithheld` where credentials, or a secret URL, would leave https for http.
        """
        if (self.credentials is not None or self.secret_url) and (source.scheme, target.scheme) == ("https", "http"):
            raise CredentialsWithheld(f"{source.host} redirects from https to http.", host=target.host)
        if status != _SEE_OTHER:
            return self
        kept = {name: value for name, value in self.headers.items() if not name.lower().startswith("content-")}
        return replace(self, method="HEAD" if self.method == "HEAD" else "GET", headers=kept, content=None)

    def fields(self, url: HttpUrl) -> dict[str, str]:
        """Return the header fields to send to a URL, but for those that frame the body."""
        fields = {"host": url.authority, "user-agent": f"Kalends/{__version__}", "accept": "*/*"}
        fields |= {name.lower(): value for name, value in self.headers.items()}
        fields["accept-encoding"] = ACCEPT_ENCODING
        if self.credentials is not None:
            fields["authorization"] = self.credentials.authorization
        return fields
