"""What Microsoft's OAuth deals in: apps, consents, codes and tokens. Secret values stay out of every `repr`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from kalends.sandbox.microsoft.bearer import User
from kalends.sandbox.oauth_words import Challenge, OAuthRefused, is_on_loopback

ANYONE = "AzureADandPersonalMicrosoftAccount"
ORGANIZATIONS = "AzureADMultipleOrgs"
AUDIENCES = (ANYONE, ORGANIZATIONS)
"""Whom an app may sign in, in the words of its manifest (`signInAudience`)."""


class AzureRefused(OAuthRefused):
    """A refusal in Microsoft's words: beside `error`, the number of an AADSTS code, and perhaps `suberror`.

    `description` is what comes after the code. `more` are further fields, such as `claims`.
    """

    def __init__(
        self,
        error: str,
        code: int,
        description: str,
        *,
        suberror: str | None = None,
        status: int = 400,
        more: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(error, f"AADSTS{code}: {description}", status=status)
        self.code = code
        self.suberror = suberror
        self.more = more or {}


@dataclass(frozen=True, slots=True)
class Client:
    """An app's registration; `redirect_uris` None stands for any `http` address of this computer."""

    id: str
    secret: str = field(repr=False)
    name: str
    redirect_uris: frozenset[str] | None = None
    audience: str = ANYONE

    def allows_redirect(self, uri: str) -> bool:
        """Tell whether the app is registered with a redirect URI."""
        return uri in self.redirect_uris if self.redirect_uris is not None else is_on_loopback(uri)


@dataclass(frozen=True, slots=True)
class Consent:
    """What one person let one app do; `scopes` as they were asked for. `tenant` is the one that the app named."""

    client: Client
    user: User
    scopes: tuple[str, ...]
    redirect_uri: str
    tenant: str
    challenge: Challenge | None = None
    nonce: str | None = None


@dataclass(slots=True)
class Code:
    """An authorization code, used at most once."""

    value: str = field(repr=False)
    consent: Consent
    expires_at: datetime
    used: bool = False


@dataclass(slots=True)
class RefreshToken:
    """A refresh token. `replaced_at` is when it was first used, which gave another in its place."""

    value: str = field(repr=False)
    client: Client
    user: User
    scopes: tuple[str, ...]
    issued_at: datetime
    replaced_at: datetime | None = None


@dataclass(slots=True)
class AccessToken:
    """An access token; `user` is None for an application by itself, which has `roles` in the tenant."""

    value: str = field(repr=False)
    client_id: str
    tenant_id: str
    user: User | None
    scopes: tuple[str, ...]
    roles: frozenset[str]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Issued:
    """What the token endpoint hands out."""

    access_token: AccessToken
    refresh_token: str | None = field(default=None, repr=False)
    nonce: str | None = None
