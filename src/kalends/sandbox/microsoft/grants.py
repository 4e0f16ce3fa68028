"""What was consented to, and the codes and tokens that came of it; all of it in memory.

The rules are those of https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow and of the page on
refresh tokens beside it.
"""

import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from kalends.sandbox.clock import SandboxClock
from kalends.sandbox.keys import SigningKeys
from kalends.sandbox.microsoft import scopes as known
from kalends.sandbox.microsoft.bearer import Bearer, User
from kalends.sandbox.microsoft.oauth_model import (
    ANYONE,
    AUDIENCES,
    AccessToken,
    AzureRefused,
    Client,
    Code,
    Consent,
    Issued,
    RefreshToken,
)
from kalends.sandbox.microsoft.policies import Policies

CODE_LIFETIME = timedelta(minutes=10)
ACCESS_TOKEN_LIFETIME = timedelta(seconds=3599)
UNUSED_LIFETIME = timedelta(days=90)
"""A refresh token that is not used for so long dies."""
MOST_LIVING = 50_000
"""So many access tokens, or codes, are remembered; then the oldest are forgotten."""

_DEAD = "The provided value for the input parameter 'refresh_token' is not valid."
_UNUSED = "The refresh token has expired due to inactivity."
_NO_CONSENT = (
    "The user or administrator has not consented to use the application with ID '{}' named '{}'. "
    "Send an interactive authorization request for this user and resource."
)


@dataclass(slots=True)
class _Grant:
    """All that one person has ever let one app do, and how often its tokens were refreshed."""

    scopes: frozenset[str] = frozenset()
    refreshes: int = 0


class Grants:
    """The state of the stand-in for the identity platform. It implements `Bearers`.

    `keys` sign ID tokens; without them some are made, which takes a noticeable part of a second. `issuer` is where ID
    tokens say they are from (Microsoft's is `https://login.microsoftonline.com`, before the tenant); without one, it is
    the address under which the sandbox was asked.
    """

    def __init__(
        self,
        clock: SandboxClock,
        *,
        users: Iterable[User] = (),
        clients: Iterable[Client] = (),
        keys: SigningKeys | None = None,
        issuer: str | None = None,
    ) -> None:
        self.clock = clock
        self.issuer = issuer
        self.keys = keys or SigningKeys(clock)
        self.policies = Policies()
        self._users = {user.id: user for user in users}
        self._clients = {client.id: client for client in clients}
        self._grants: dict[tuple[str, str], _Grant] = {}
        self._roles: dict[tuple[str, str], frozenset[str]] = {}
        self._codes: dict[str, Code] = {}
        self._refresh_tokens: dict[str, RefreshToken] = {}
        self._access_tokens: dict[str, AccessToken] = {}

    # -- people and apps --

    @property
    def users(self) -> Sequence[User]:
        """Return the made-up accounts, in the order in which they were added."""
        return [*self._users.values()]

    def user(self, named: str) -> User | None:
        """Return the account with an object id or an address."""
        return self._users.get(named) or next((one for one in self.users if one.email.lower() == named.lower()), None)

    def add_user(self, user: User) -> None:
        """Add a made-up account, or change the one with its id."""
        self._users[user.id] = user

    def client(self, client_id: str) -> Client | None:
        """Return the registration of an app."""
        return self._clients.get(client_id)

    def add_client(self, name: str, *, redirect_uris: Collection[str] | None = None, audience: str = ANYONE) -> Client:
        """Register an app under a name that the consent page shows; without redirect URIs any on loopback is right.

        `audience` is one of `AUDIENCES`, or the id of the only tenant whose people may use it.
        """
        uris = None if redirect_uris is None else frozenset(redirect_uris)
        client = Client(str(uuid4()), secrets.token_urlsafe(30), name, uris, audience)
        self._clients[client.id] = client
        return client

    def tenants(self) -> frozenset[str]:
        """Return the ids of all tenants that have users."""
        return frozenset(user.tenant_id for user in self.users)

    # -- consent --

    def consented(self, user: User, client: Client) -> frozenset[str]:
        """Return the scopes, by their short names, that somebody has ever let an app have and has not withdrawn."""
        grant = self._grants.get((user.id, client.id))
        return grant.scopes if grant else frozenset()

    def consent(self, consent: Consent) -> Code:
        """Remember what somebody consented to; return the code that the app redeems."""
        grant = self._grants.setdefault((consent.user.id, consent.client.id), _Grant())
        grant.scopes |= known.shortened(consent.scopes)
        code = Code("M.C5_BL2.2.U." + secrets.token_urlsafe(48), consent, self.clock.now() + CODE_LIFETIME)
        _make_room(self._codes)
        self._codes[code.value] = code
        return code

    def grant_roles(self, tenant_id: str, client: Client, roles: Collection[str]) -> None:
        """Let an app act by itself in a tenant, as its administrator does; no roles takes it back.

        Raises `ValueError` for a role that does not exist.
        """
        if wrong := sorted(set(roles) - known.ROLES):
            raise ValueError(f"There is no application permission {wrong[0]}.")
        self._roles[tenant_id, client.id] = frozenset(roles)

    # -- tokens --

    def redeem(self, client: Client, code: str, *, redirect_uri: str | None, verifier: str | None) -> Issued:
        """Return the tokens for a code; raises `AzureRefused`."""
        found = self._codes.get(code)
        if found is None or found.consent.client.id != client.id:
            raise AzureRefused("invalid_grant", 9002313, "Invalid request. Request is malformed or invalid.")
        if found.used:
            raise AzureRefused("invalid_grant", 54005, "OAuth2 Authorization code was already redeemed.")
        if found.expires_at <= self.clock.now():
            raise AzureRefused("invalid_grant", 70008, "The provided authorization code or refresh token has expired.")
        consent = found.consent
        if redirect_uri != consent.redirect_uri:
            wrong = "The reply address does not match the reply address provided when requesting the code."
            raise AzureRefused("invalid_grant", 500112, wrong)
        _check_verifier(consent, verifier)
        found.used = True
        self._check_user(client, consent.user)
        refresh = self._issue_refresh_token(client, consent.user, consent.scopes)
        return Issued(self._issue(client, consent.user, consent.scopes), refresh, consent.nonce)

    def refresh(self, client: Client, refresh_token: str, scope: str | None = None) -> Issued:
        """Return new tokens, for fewer scopes where the app asks for fewer; raises `AzureRefused`.

        The refresh token is replaced by another; whether it may be used again is a matter of `Policies.grace`.
        """
        found = self._refresh_tokens.get(refresh_token)
        now, grace = self.clock.now(), self.policies.grace
        if found is None or found.client.id != client.id:
            raise AzureRefused("invalid_grant", 70000, _DEAD, suberror="bad_token")
        if found.issued_at + UNUSED_LIFETIME <= now:
            raise AzureRefused("invalid_grant", 700082, _UNUSED)
        if found.replaced_at is not None and grace is not None and now - found.replaced_at >= timedelta(seconds=grace):
            raise AzureRefused("invalid_grant", 70000, _DEAD, suberror="bad_token")
        scopes = found.scopes if scope is None else tuple(dict.fromkeys((*known.asked(scope), known.OFFLINE)))
        self._check_user(client, found.user)
        granted = self.consented(found.user, client)
        if not known.shortened(scopes) <= granted | {known.OFFLINE}:
            raise _no_consent(client)
        found.replaced_at = found.replaced_at or now
        self._grants[found.user.id, client.id].refreshes += 1
        return Issued(self._issue(client, found.user, scopes), self._issue_refresh_token(client, found.user, scopes))

    def for_application(self, client: Client, tenant_id: str, scope: str) -> Issued:
        """Return an access token for an app by itself (RFC 6749 §4.4); raises `AzureRefused`."""
        if scope != known.DEFAULT:
            wrong = "The provided value for scope {} is not valid. Client credential flows must have a scope value "
            wrong += "with /.default suffixed to the resource identifier (application ID URI)."
            raise AzureRefused("invalid_scope", 1002012, wrong.format(scope[:80]))
        if client.audience not in {*AUDIENCES, tenant_id}:
            raise _not_found(client.id, tenant_id)
        roles = self._roles.get((tenant_id, client.id), frozenset())
        return Issued(self._issue(client, None, (), tenant_id=tenant_id, roles=roles))

    def bearer(self, access_token: str) -> Bearer | None:
        """Return what a token stands for, None where it is unknown or has run out."""
        found = self.access_token(access_token)
        if found is None:
            return None
        return Bearer(found.client_id, found.tenant_id, found.user, known.shortened(found.scopes), found.roles)

    def access_token(self, value: str) -> AccessToken | None:
        """Return an access token that is valid now."""
        found = self._access_tokens.get(value)
        return found if found is not None and found.expires_at > self.clock.now() else None

    # -- switches --

    def withdraw(self, user: User, client: Client) -> None:
        """Withdraw all that somebody let an app do, as on the page of their apps; access tokens live on."""
        self._grants.pop((user.id, client.id), None)

    def expire_access_tokens(self) -> None:
        """Let every access token run out now."""
        self._access_tokens.clear()

    def revoke_refresh_tokens(self, user: User) -> None:
        """Let every refresh token of somebody die, as when their password is changed."""
        self._refresh_tokens = {key: one for key, one in self._refresh_tokens.items() if one.user.id != user.id}

    def refreshes(self, user: User, client: Client) -> int:
        """Return how often tokens were refreshed since somebody first consented; 0 without a grant."""
        grant = self._grants.get((user.id, client.id))
        return grant.refreshes if grant else 0

    # -- inside --

    def _check_user(self, client: Client, user: User) -> None:
        if (user.id, client.id) not in self._grants:
            raise _no_consent(client)
        self.policies.check_conditions(user.id)

    def _issue(
        self,
        client: Client,
        user: User | None,
        scopes: tuple[str, ...],
        *,
        tenant_id: str = "",
        roles: frozenset[str] = frozenset(),
    ) -> AccessToken:
        tenant = user.tenant_id if user else tenant_id
        begins = "EwB" if user and user.personal else "eyJ0eXAiOiJKV1Qi"
        value, until = begins + secrets.token_urlsafe(120), self.clock.now() + ACCESS_TOKEN_LIFETIME
        token = AccessToken(value, client.id, tenant, user, scopes, roles, until)
        _make_room(self._access_tokens)
        self._access_tokens[value] = token
        return token

    def _issue_refresh_token(self, client: Client, user: User, scopes: tuple[str, ...]) -> str | None:
        if known.OFFLINE not in scopes:
            return None
        value = ("M.C5_BAY." if user.personal else "1.AX0A") + secrets.token_urlsafe(90)
        _make_room(self._refresh_tokens)
        self._refresh_tokens[value] = RefreshToken(value, client, user, scopes, self.clock.now())
        return value


def _no_consent(client: Client) -> AzureRefused:
    return AzureRefused("invalid_grant", 65001, _NO_CONSENT.format(client.id, client.name), suberror="consent_required")


def _not_found(client_id: str, tenant_id: str) -> AzureRefused:
    text = f"Application with identifier '{client_id[:80]}' was not found in the directory '{tenant_id[:80]}'."
    return AzureRefused("unauthorized_client", 700016, text)


def _check_verifier(consent: Consent, verifier: str | None) -> None:
    if consent.challenge is None:
        if verifier is not None:
            wrong = "A code_verifier was given, but no code_challenge came with the authorization request."
            raise AzureRefused("invalid_grant", 501481, wrong)
        return
    if verifier is None or not consent.challenge.fits(verifier):
        wrong = "The Code_Verifier does not match the code_challenge supplied in the authorization request."
        raise AzureRefused("invalid_grant", 501481, wrong)


def _make_room(living: dict[str, Code] | dict[str, AccessToken] | dict[str, RefreshToken]) -> None:
    while len(living) >= MOST_LIVING:
        living.pop(next(iter(living)))


def tenant_unknown(tenant: str) -> AzureRefused:
    """Return the refusal of a tenant that does not exist."""
    return AzureRefused("invalid_request", 90002, f"Tenant '{tenant[:80]}' not found.")


def app_unknown(client_id: str, tenant_id: str) -> AzureRefused:
    """Return the refusal of an app that a tenant does not know."""
    return _not_found(client_id, tenant_id)


def written_at(instant: datetime) -> str:
    """Return an instant as errors of the identity platform show it."""
    return f"{instant:%Y-%m-%d %H:%M:%SZ}"
