"""OAuth 2.0 and OpenID Connect with the Microsoft identity platform v2.0.

Sources: "Microsoft identity platform and OAuth 2.0 authorization code flow", "ID token claims reference", "Microsoft
Entra authentication and authorization error codes"; RFC 6749, RFC 7636; OpenID Connect Core 1.0 §3.1.3.7.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from oauthlib.oauth2 import WebApplicationClient

from kalends.net.client import GuardedClient
from kalends.providers.base import ConsentAsked, Credentials, Refused
from kalends.providers.errors import CredentialsRefused, NotSupported
from kalends.providers.microsoft import config as settings
from kalends.providers.microsoft.scopes import ASKED
from kalends.providers.oauth.id_token import check_claims, signed_claims
from kalends.providers.oauth.token_endpoint import ask, granted, json_object, tokens

AUTHORIZATION_PATH = "/oauth2/v2.0/authorize"
TOKEN_PATH = "/oauth2/v2.0/token"  # noqa: S105 - a path
KEYS_PATH = "/discovery/v2.0/keys"
_PLACEHOLDER = "https://login.invalid"
PERSONAL_TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"
"""The tenant of all personal accounts."""
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_VOID = frozenset({"interaction_required", "consent_required", "login_required"})
"""What the token endpoint says where the person has to come again: also for a new rule of conditional access."""
_REFUSALS: tuple[tuple[str, Refused], ...] = (
    # an administrator's consent is wanted, or the organisation does not let this app, or that account, in
    ("AADSTS90094", Refused.UNSUPPORTED),
    ("AADSTS90095", Refused.UNSUPPORTED),
    ("AADSTS65001", Refused.UNSUPPORTED),
    ("AADSTS50105", Refused.UNSUPPORTED),
    ("AADSTS50020", Refused.UNSUPPORTED),
    ("AADSTS500011", Refused.UNSUPPORTED),
    ("AADSTS65004", Refused.REJECT),
)
_BY_ERROR = {
    "access_denied": Refused.REJECT,
    "consent_required": Refused.UNSUPPORTED,
    "unauthorized_client": Refused.UNSUPPORTED,
    "interaction_required": Refused.UNSUPPORTED,
}


@dataclass(frozen=True, slots=True)
class Person:
    """Who consented: `key` is what identifies the account for ever, issuer and object id of the verified ID token."""

    key: str
    email: str
    addresses: frozenset[str]


def authorization_url(config: Mapping[str, str], asked: ConsentAsked) -> str:
    """Return Microsoft's page at which the account is chosen and, where it was not given before, consent asked for.

    Consent is never insisted on: a refresh token comes with each code, and where an administrator has consented for
    everybody, a person may not be able to.
    """
    # oauthlib wants https, which a sandbox has not: the origin is put in front afterwards
    url = _client(config).prepare_request_uri(
        _PLACEHOLDER,
        redirect_uri=asked.redirect_uri,
        scope=" ".join(ASKED[asked.scopes]),
        state=asked.state,
        code_challenge=_client(config).create_code_challenge(asked.verifier, "S256"),
        code_challenge_method="S256",
        nonce=asked.nonce,
        response_mode="query",
        prompt="select_account",
        **({"login_hint": asked.login_hint} if asked.login_hint else {}),
    )
    return authority(config) + AUTHORIZATION_PATH + str(url).removeprefix(_PLACEHOLDER)


def refusal(error: str, description: str) -> Refused:
    """Return what an error means that the browser brought back; the code in its description says more than its name."""
    for code, meaning in _REFUSALS:
        if code in description:
            return meaning
    return _BY_ERROR.get(error, Refused.INTERNAL)


async def exchange(
    client: GuardedClient, config: Mapping[str, str], code: str, asked: ConsentAsked
) -> Mapping[str, Any]:
    """Return what Microsoft gives for a code (RFC 6749 §4.1.4); raises `ProviderError`."""
    body = _client(config).prepare_request_body(
        code=code,
        redirect_uri=asked.redirect_uri,
        code_verifier=asked.verifier,
        client_secret=config[settings.CLIENT_SECRET],
        scope=" ".join(ASKED[asked.scopes]),
    )
    return await _token(client, config, body)


async def refresh(client: GuardedClient, config: Mapping[str, str], kept: Credentials, now: datetime) -> Credentials:
    """Return credentials with a new access token and, as a rule, a new refresh token in place of the one used.

    Raises `CredentialsRefused` where the person has to come again, `Unavailable` for everything that may pass, which a
    wrong client secret is too: the operator can mend it, and nobody has to connect again.
    """
    if not kept.get("refresh_token"):
        raise CredentialsRefused("there is no refresh token")
    body = _client(config).prepare_refresh_body(
        refresh_token=kept["refresh_token"],
        client_id=config[settings.CLIENT_ID],
        client_secret=config[settings.CLIENT_SECRET],
        scope=" ".join(kept.get("scopes") or ()),
    )
    return {**kept, **granted(await _token(client, config, body), now)}


async def verified(
    client: GuardedClient, config: Mapping[str, str], given: Mapping[str, Any], nonce: str, now: datetime
) -> Person:
    """Return whose ID token came along, once signature, issuer, audience, times, nonce and tenant were checked.

    The issuer names the tenant of the account (`tid`), which is not known beforehand. Raises `CredentialsRefused` where
    the token is not good, `NotSupported` for an account of a tenant that is not wanted, `Unavailable`.
    """
    keys = json_object(await ask(client, "GET", authority(config) + KEYS_PATH))
    claims = signed_claims(given.get("id_token"), keys)
    tenant = str(claims.get("tid"))
    issuer = f"{config[settings.LOGIN_URL]}/{tenant}/v2.0"
    check_claims(
        claims,
        issuers=(issuer,),
        audience=config[settings.CLIENT_ID],
        nonce=nonce,
        now=now,
        essential=("oid", "tid"),
    )
    if not _GUID.fullmatch(tenant):
        raise CredentialsRefused("the ID token is not good: its tenant is none")
    if not _is_wanted(tenant, config[settings.TENANT]):
        raise NotSupported("the account is of another tenant", public="Accounts of this kind cannot be connected here.")
    named_by = [str(claims[name]) for name in ("email", "preferred_username", "upn") if claims.get(name)]
    addresses = frozenset(name.lower() for name in named_by if "@" in name)
    return Person(f"{issuer} {claims['oid']}", named_by[0] if named_by else str(claims["oid"]), addresses)


def _is_wanted(tenant: str, wanted: str) -> bool:
    match wanted:
        case "common":
            return True
        case "organizations":
            return tenant != PERSONAL_TENANT
        case "consumers":
            return tenant == PERSONAL_TENANT
    # of a domain, Microsoft lets nobody else in, and which id it stands for is not known here
    return tenant == wanted.lower() or not _GUID.fullmatch(wanted.lower())


def authority(config: Mapping[str, str]) -> str:
    """Return where the pages and endpoints for a tenant are."""
    return f"{config[settings.LOGIN_URL]}/{config[settings.TENANT]}"


async def _token(client: GuardedClient, config: Mapping[str, str], body: str) -> Mapping[str, Any]:
    return await tokens(client, authority(config) + TOKEN_PATH, body, _client(config), _VOID)


def _client(config: Mapping[str, str]) -> WebApplicationClient:
    return WebApplicationClient(config[settings.CLIENT_ID])
