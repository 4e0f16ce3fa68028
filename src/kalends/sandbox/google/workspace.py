"""Google Workspace: domains, and the service accounts that may act for their users (domain-wide delegation).

See https://developers.google.com/identity/protocols/oauth2/service-account, "HTTP/REST".
"""

import json
import secrets
from base64 import urlsafe_b64decode
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from joserfc.jwk import RSAKey

from kalends.sandbox.clock import SandboxClock
from kalends.sandbox.google import consent_scopes
from kalends.sandbox.google.bearer import User
from kalends.sandbox.keys import SignatureRefused, new_key_id, new_private_key, pem, verified
from kalends.sandbox.oauth_words import OAuthRefused

GOOGLE = "https://oauth2.googleapis.com"
LONGEST_ASSERTION = timedelta(hours=1)
SKEW = timedelta(minutes=5)
"""So much may a service account's clock be ahead or behind."""

_TIMEFRAME = (
    "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
    "Check your iat and exp values in the JWT claim."
)
_UNAUTHORIZED = (
    "Client is unauthorized to retrieve access tokens using this method, "
    "or client not authorized for any of the scopes requested."
)


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """An account of a program. `client_id` is what a domain's administrator names when delegating."""

    email: str
    client_id: str
    key: RSAKey


@dataclass(frozen=True, slots=True)
class Asserted:
    """What an assertion asks for: a token of the service account, for itself or for the user that it acts for."""

    account: ServiceAccount
    user: User
    scopes: frozenset[str]


class Workspace:
    """Knows domains, service accounts, and what was delegated to whom."""

    def __init__(self, clock: SandboxClock, domains: Iterable[str] = ()) -> None:
        self._clock = clock
        self._delegated: dict[str, dict[str, frozenset[str]]] = {}
        self._accounts: dict[str, ServiceAccount] = {}
        for domain in domains:
            self.add_domain(domain)

    def add_domain(self, domain: str) -> None:
        """Make a Workspace domain; every user with an address in it belongs to it."""
        self._delegated.setdefault(domain.lower(), {})

    def domain_of(self, user: User) -> str | None:
        """Return the domain that a user belongs to, None for a consumer's account."""
        domain = user.email.rpartition("@")[2].lower()
        return domain if domain in self._delegated else None

    def add_service_account(self, name: str, *, project_id: str, origin: str = GOOGLE) -> dict[str, str]:
        """Make a service account; return its key file (JSON object) as Google Cloud hands it out.

        `origin` is where its endpoints are. Raises `ValueError` for a name that is taken.
        """
        email = f"{name}@{project_id}.iam.gserviceaccount.com"
        if email in self._accounts:
            raise ValueError(f"There is a service account {email} already.")
        private, key_id = pem(new_private_key()), new_key_id()
        client_id = "1" + "".join(secrets.choice("0123456789") for _ in range(20))
        self._accounts[email] = ServiceAccount(email, client_id, RSAKey.import_key(private, {"kid": key_id}))
        return {
            "type": "service_account",
            "project_id": project_id,
            "private_key_id": key_id,
            "private_key": private,
            "client_email": email,
            "client_id": client_id,
            "auth_uri": f"{origin}/o/oauth2/auth",
            "token_uri": f"{origin}/token",
            "auth_provider_x509_cert_url": f"{origin}/oauth2/v1/certs",
            "universe_domain": "googleapis.com",
        }

    def delegate(self, domain: str, client_id: str, scopes: Collection[str]) -> None:
        """Let a service account act for every user of a domain, within these scopes only; none takes it back.

        Raises `ValueError` for a domain or a client id that is not there.
        """
        if domain.lower() not in self._delegated:
            raise ValueError(f"There is no domain {domain}.")
        if client_id not in {account.client_id for account in self._accounts.values()}:
            raise ValueError(f"There is no service account with the client id {client_id}.")
        self._delegated[domain.lower()][client_id] = consent_scopes.parse(" ".join(scopes))

    def check(self, assertion: str, audiences: Collection[str], users: Collection[User]) -> Asserted:
        """Return what an assertion asks for (RFC 7523 §2.1); raises `OAuthRefused` where Google would not grant it."""
        account = self._account(assertion)
        try:
            claims = verified(assertion, account.key)
        except SignatureRefused:
            raise OAuthRefused("invalid_grant", "Invalid JWT Signature.") from None
        audience = claims.get("aud")
        if not isinstance(audience, str) or audience not in audiences:
            raise OAuthRefused("invalid_grant", "Invalid JWT: Failed audience check.")
        self._check_timeframe(claims)
        scope = claims.get("scope")
        scopes = consent_scopes.parse(scope) if isinstance(scope, str) else frozenset()
        if not scopes or consent_scopes.unknown(scopes):
            raise OAuthRefused("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
        subject = claims.get("sub")
        if subject is None or subject == account.email:
            return Asserted(account, User(account.client_id, account.email, account.email), scopes)
        user = next((one for one in users if one.email == subject), None)
        if user is None:
            raise OAuthRefused("invalid_grant", "Invalid email or User ID")
        if not scopes <= self._delegated.get(self.domain_of(user) or "", {}).get(account.client_id, frozenset()):
            raise OAuthRefused("unauthorized_client", _UNAUTHORIZED, status=401)
        return Asserted(account, user, scopes)

    def _account(self, assertion: str) -> ServiceAccount:
        # the issuer is read before anything is verified: it says with which key to verify
        try:
            part = assertion.split(".")[1].encode("ascii")
            claims = json.loads(urlsafe_b64decode(part + b"=" * (-len(part) % 4)))
            issuer = claims["iss"]
        except (ValueError, LookupError, TypeError, RecursionError):
            raise OAuthRefused("invalid_grant", "Invalid JWT: not a JWT with an issuer.") from None
        account = self._accounts.get(issuer) if isinstance(issuer, str) else None
        if account is None:
            raise OAuthRefused("invalid_grant", "Invalid grant: account not found")
        return account

    def _check_timeframe(self, claims: dict[str, Any]) -> None:
        now, begin, end = self._clock.now(), _moment(claims.get("iat")), _moment(claims.get("exp"))
        if end - begin > LONGEST_ASSERTION or begin > now + SKEW or end < now - SKEW or end < begin:
            raise OAuthRefused("invalid_grant", _TIMEFRAME)


def _moment(seconds: object) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)  # type: ignore[arg-type]  # what is no number is refused below
    except (ValueError, TypeError, OverflowError, OSError):
        raise OAuthRefused("invalid_grant", _TIMEFRAME) from None
