"""Who asks: accounts and their tenants, and what Graph has to know of an access token."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol
from uuid import UUID

PERSONAL_TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"
"""The tenant of all personal accounts, at Microsoft and here."""
PERSONAL_DOMAINS = frozenset({"outlook.com", "hotmail.com", "live.com", "msn.com"})
"""Domains of addresses that are personal accounts; every other domain is a tenant of its own."""


@dataclass(frozen=True, slots=True)
class User:
    """A made-up account. `id` is its object id (`oid`), `email` its address and user principal name."""

    id: str
    email: str
    name: str
    tenant_id: str

    @classmethod
    def of(cls, email: str, name: str) -> "User":
        """Return the account of an address, always with the same ids; its domain is its tenant."""
        return cls(made_up_id(f"user {email.lower()}"), email, name, tenant_of(email.rpartition("@")[2]))

    @property
    def personal(self) -> bool:
        """Whether this is a personal account, and not one of work or school."""
        return self.tenant_id == PERSONAL_TENANT


def tenant_of(domain: str) -> str:
    """Return the tenant id of a domain."""
    lower = domain.lower()
    return PERSONAL_TENANT if lower in PERSONAL_DOMAINS else made_up_id(f"tenant {lower}")


def made_up_id(seed: str) -> str:
    """Return a UUID that is always the same for a text."""
    return str(UUID(bytes=sha256(seed.encode()).digest()[:16], version=4))


@dataclass(frozen=True, slots=True)
class Bearer:
    """What an access token stands for.

    `user` is None for a token of an application by itself, whose `roles` say what it may do in its tenant. `scopes` are
    the delegated permissions of a user's token, by their short names.
    """

    client_id: str
    tenant_id: str
    user: User | None = None
    scopes: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()


class Bearers(Protocol):
    """Knows the access tokens that are valid now."""

    def bearer(self, access_token: str) -> Bearer | None:
        """Return what a token stands for, None where it is unknown, has run out, or was revoked."""
        ...
