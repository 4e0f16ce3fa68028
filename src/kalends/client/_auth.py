"""Who is calling: three kinds of proof, and the token that client credentials are exchanged for.

No proof shows its secret in its text form, and what cannot stand in a header is refused without being quoted.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

from kalends.client._errors import ProtocolError

EARLY = timedelta(seconds=60)
"""How long before its end a token is replaced; of a short-lived one, a tenth of its life."""
LONGEST_LIFE = 10 * 365 * 86_400
"""The seconds for which a token is kept that has no end; if it is refused before, it is replaced then."""


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """An app. Its tokens come from `/oauth2/token` (RFC 6749 §4.4), are kept while valid, and replaced in time.

    `instance_id` names the site on which the app is installed; without one it has to be the only installation.
    """

    client_id: str
    client_secret: str = field(repr=False)
    instance_id: str | None = None

    def to_json(self) -> dict[str, str]:
        """Return what the token endpoint is asked."""
        named = {} if self.instance_id is None else {"instance_id": self.instance_id}
        proof = {"client_id": self.client_id, "client_secret": self.client_secret}
        return {"grant_type": "client_credentials", **proof, **named}


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key of a site."""

    key: str = field(repr=False)
    site_id: str

    def __post_init__(self) -> None:
        header(self.key, "The API key")
        header(self.site_id, "The site id")


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token that somebody else looks after: itself, or a function that is asked for it before every request."""

    token: str | Callable[[], str] = field(repr=False)

    def __post_init__(self) -> None:
        if isinstance(self.token, str):
            header(self.token, "The access token")


Auth: TypeAlias = ClientCredentials | ApiKey | AccessToken


@dataclass(frozen=True, slots=True)
class Token:
    """A token of client credentials, and when to replace it."""

    value: str = field(repr=False)
    good_until: datetime

    @classmethod
    def issued(cls, json: object, now: datetime) -> "Token":
        """Read what the token endpoint answers (RFC 6749 §5.1); raises `ProtocolError`."""
        given = json if isinstance(json, dict) else {}
        value, seconds = given.get("access_token"), given.get("expires_in")
        if seconds is None:
            seconds = LONGEST_LIFE
        # bool is a kind of int in Python, but not in JSON
        numeric = isinstance(seconds, int | float) and not isinstance(seconds, bool) and seconds >= 0
        if not isinstance(value, str) or not _fits_header(value) or not numeric:
            raise ProtocolError("The token endpoint answers without a token.")
        life = timedelta(seconds=min(seconds, LONGEST_LIFE))
        return cls(value, now + life - min(EARLY, life / 10))


class TokenKeeper:
    """Keeps the one token of a client. Callers that need a new one at the same time wait for the first of them."""

    def __init__(self, lock: AbstractAsyncContextManager[object], clock: Callable[[], datetime]) -> None:
        self._lock = lock
        self._clock = clock
        self._token: Token | None = None

    @property
    def valid(self) -> Token | None:
        """The token that is kept, unless it is about to end."""
        kept = self._token
        return kept if kept is not None and self._clock() < kept.good_until else None

    async def fresh(self, fetch: Callable[[], Awaitable[Token]], *, refused: Token | None = None) -> Token:
        """Return a valid token: what another caller has fetched meanwhile, else a new one."""
        async with self._lock:
            kept = self.valid
            if kept is None or kept is refused:
                kept = self._token = await fetch()
            return kept


def own_headers(proof: ApiKey | AccessToken) -> Mapping[str, str]:
    """Return the headers that prove who is calling, where no token has to be fetched for it."""
    if isinstance(proof, ApiKey):
        return {"Authorization": proof.key, "wix-site-id": proof.site_id}
    token = proof.token if isinstance(proof.token, str) else proof.token()
    return {"Authorization": header(token, "The access token")}


def header(value: str, what: str) -> str:
    """Return a value that may stand in a header; raises `ValueError`, which does not show it."""
    if not _fits_header(value):
        raise ValueError(f"{what} is empty, or holds characters that no header may hold, such as a line break.")
    return value


def _fits_header(value: str) -> bool:
    return bool(value) and value.isascii() and value.isprintable()
