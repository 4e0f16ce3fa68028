"""Who asks: what the calendar's side of the sandbox has to know of an access token."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class User:
    """A made-up account. `id` is its subject (`sub`), `email` its address; `name` is shown on the consent page."""

    id: str
    email: str
    name: str


@dataclass(frozen=True, slots=True)
class Bearer:
    """What an access token stands for. `scopes` are full scope URLs (or `openid`, `email`, `profile`)."""

    user: User
    client_id: str
    scopes: frozenset[str]


class Bearers(Protocol):
    """Knows the access tokens that are valid now."""

    def bearer(self, access_token: str) -> Bearer | None:
        """Return what a token stands for, None where it is unknown, has run out, or was revoked."""
        ...
