"""What Google's OAuth deals in: clients, consents, codes and tokens. Secret values stay out of every `repr`."""

from dataclasses import dataclass, field
from datetime import datetime

from kalends.sandbox.google.bearer import User
from kalends.sandbox.oauth_words import Challenge, is_on_loopback


@dataclass(frozen=True, slots=True)
class Client:
    """An app's registration.

    `project` is the number that its id begins with: clients of one project share what somebody consented to.
    `redirect_uris` are compared letter by letter; None stands for any `http` address of this computer.
    """

    id: str
    secret: str = field(repr=False)
    name: str
    redirect_uris: frozenset[str] | None = None

    @property
    def project(self) -> str:
        """Return the number of the Google Cloud project."""
        return self.id.partition("-")[0]

    def allows_redirect(self, uri: str) -> bool:
        """Tell whether the app is registered with a redirect URI."""
        return uri in self.redirect_uris if self.redirect_uris is not None else is_on_loopback(uri)


@dataclass(frozen=True, slots=True)
class Consent:
    """What one person let one client do, and what the client had asked for.

    `asked` and `ticked` are full scope names. `offline` asks for a refresh token, `ask_again` (`prompt=consent`) for
    one although there was an earlier consent, `include_granted` for everything that was ever consented to.
    """

    client: Client
    user: User
    asked: frozenset[str]
    ticked: frozenset[str]
    redirect_uri: str
    challenge: Challenge | None = None
    offline: bool = False
    ask_again: bool = False
    include_granted: bool = False
    nonce: str | None = None


@dataclass(slots=True)
class Code:
    """An authorization code, used at most once."""

    value: str = field(repr=False)
    consent: Consent
    scopes: frozenset[str]
    gives_refresh_token: bool
    expires_at: datetime
    used: bool = False


@dataclass(slots=True)
class RefreshToken:
    """A refresh token, which does not rotate. `expires_at` is None outside a project in testing."""

    value: str = field(repr=False)
    client: Client
    user: User
    scopes: frozenset[str]
    code: str = field(repr=False)
    used_at: datetime
    expires_at: datetime | None


@dataclass(slots=True)
class AccessToken:
    """An access token. `project` is None for a service account's; `code` is the one that it came from, if any."""

    value: str = field(repr=False)
    client_id: str
    project: str | None
    user: User
    scopes: frozenset[str]
    expires_at: datetime
    offline: bool = False
    code: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Issued:
    """What the token endpoint hands out. `refresh_token_expires_in` counts seconds."""

    access_token: AccessToken
    refresh_token: str | None = field(default=None, repr=False)
    refresh_token_expires_in: int | None = None
    nonce: str | None = None
