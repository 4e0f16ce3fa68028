"""OAuth 2.0 and OpenID Connect with Google: the way to the consent page, and what a code and a refresh token give.

Sources: "Using OAuth 2.0 for Web Server Applications", "OpenID Connect" (Google Identity); RFC 6749, RFC 7636; OpenID
Connect Core 1.0 §3.1.3.7.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from oauthlib.oauth2 import WebApplicationClient

from kalends.net.client import GuardedClient
from kalends.providers.base import ConsentAsked, Credentials
from kalends.providers.errors import CredentialsRefused, Unavailable
from kalends.providers.google import config as settings
from kalends.providers.google.scopes import ASKED
from kalends.providers.oauth.id_token import check_claims, signed_claims
from kalends.providers.oauth.token_endpoint import ask, granted, json_object, tokens

TOKEN_PATH = "/token"  # noqa: S105 - a path
AUTHORIZATION_PATH = "/o/oauth2/v2/auth"
REVOKE_PATH = "/revoke"
CERTS_PATH = "/oauth2/v3/certs"
_PLACEHOLDER = "https://accounts.invalid"
_OK = 200
_DEAD_ALREADY = frozenset({"invalid_token", "invalid_grant"})


@dataclass(frozen=True, slots=True)
class Person:
    """Who consented: `key` is what identifies the account for ever, issuer and subject of the verified ID token."""

    key: str
    email: str


def authorization_url(config: Mapping[str, str], asked: ConsentAsked) -> str:
    """Return Google's page at which consent is given, or the account chosen whose consent there is already."""
    challenge = _client(config).create_code_challenge(asked.verifier, "S256")
    # oauthlib wants https, which a sandbox has not: the origin is put in front afterwards
    url = _client(config).prepare_request_uri(
        _PLACEHOLDER + AUTHORIZATION_PATH,
        redirect_uri=asked.redirect_uri,
        scope=" ".join(ASKED[asked.scopes]),
        state=asked.state,
        code_challenge=challenge,
        code_challenge_method="S256",
        nonce=asked.nonce,
        access_type="offline",
        include_granted_scopes="true",
        prompt="consent" if asked.insists else "select_account",
        **({"login_hint": asked.login_hint} if asked.login_hint else {}),
    )
    return config[settings.ACCOUNTS_URL] + str(url).removeprefix(_PLACEHOLDER)


async def exchange(
    client: GuardedClient, config: Mapping[str, str], code: str, asked: ConsentAsked
) -> Mapping[str, Any]:
    """Return what Google gives for a code (RFC 6749 §4.1.4); raises `ProviderError`."""
    body = _client(config).prepare_request_body(
        code=code,
        redirect_uri=asked.redirect_uri,
        code_verifier=asked.verifier,
        client_secret=config[settings.CLIENT_SECRET],
    )
    return await _token(client, config, body)


async def refresh(client: GuardedClient, config: Mapping[str, str], kept: Credentials, now: datetime) -> Credentials:
    """Return credentials with a new access token (RFC 6749 §6).

    Raises `CredentialsRefused` where the grant is no more (`invalid_grant`), `Unavailable` for everything that may
    pass, which a wrong client secret is too: the operator can mend it, and nobody has to connect again.
    """
    if not kept.get("refresh_token"):
        raise CredentialsRefused("there is no refresh token")
    body = _client(config).prepare_refresh_body(
        refresh_token=kept["refresh_token"],
        client_id=config[settings.CLIENT_ID],
        client_secret=config[settings.CLIENT_SECRET],
    )
    given = await _token(client, config, body)
    return {**kept, **granted(given, now)}


async def revoke(client: GuardedClient, config: Mapping[str, str], kept: Credentials) -> None:
    """Take back what was consented to (RFC 7009): every token of that person and this project dies with this one.

    One that is dead already is fine. Raises `ProviderError`.
    """
    token = kept.get("refresh_token") or kept.get("access_token")
    if not token:
        return
    answer = await ask(client, "POST", config[settings.OAUTH_URL] + REVOKE_PATH, urlencode({"token": token}))
    if answer.status != _OK and json_object(answer).get("error") not in _DEAD_ALREADY:
        raise Unavailable(f"Google answered {answer.status} to a revocation")


async def verified(
    client: GuardedClient, config: Mapping[str, str], given: Mapping[str, Any], nonce: str, now: datetime
) -> Person:
    """Return whose ID token came along, once signature, issuer, audience, times and nonce were checked.

    Raises `CredentialsRefused` where it is not good, `Unavailable`.
    """
    keys = json_object(await ask(client, "GET", config[settings.API_URL] + CERTS_PATH))
    issuer = config[settings.ACCOUNTS_URL]
    claims = signed_claims(given.get("id_token"), keys)
    check_claims(
        claims,
        # Google leaves the scheme out now and then
        issuers=(issuer, urlsplit(issuer).netloc),
        audience=config[settings.CLIENT_ID],
        nonce=nonce,
        now=now,
        essential=("sub", "email"),
    )
    return Person(f"{issuer} {claims['sub']}", str(claims["email"]))


async def _token(client: GuardedClient, config: Mapping[str, str], body: str) -> Mapping[str, Any]:
    return await tokens(client, config[settings.OAUTH_URL] + TOKEN_PATH, body, _client(config))


def _client(config: Mapping[str, str]) -> WebApplicationClient:
    return WebApplicationClient(config[settings.CLIENT_ID])
