"""OAuth 2.0 and OpenID Connect with Google: the way to the consent page, and what a code and a refresh token give.

Sources: "Using OAuth 2.0 for Web Server Applications", "OpenID Connect" (Google Identity); RFC 6749, RFC 7636; OpenID
Connect Core 1.0 §3.1.3.7.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from oauthlib.oauth2 import OAuth2Error, WebApplicationClient
from oauthlib.oauth2.rfc6749.errors import InvalidGrantError

from kalends.net.client import GuardedClient, Response
from kalends.net.errors import NetError
from kalends.net.patience import retry_after
from kalends.providers.base import ConsentAsked, Credentials
from kalends.providers.errors import CredentialsRefused, Unavailable, from_net
from kalends.providers.google import config as settings
from kalends.providers.google.scopes import ASKED

AUTHORIZATION_PATH = "/o/oauth2/v2/auth"
TOKEN_PATH = "/token"  # noqa: S105 - a path
REVOKE_PATH = "/revoke"
CERTS_PATH = "/oauth2/v3/certs"
MAX_BYTES = 65_536
_PLACEHOLDER = "https://accounts.invalid"
CLOCKS_APART_SECONDS = 120
"""By which Google's clock and ours may differ."""
_OK = 200
_DEAD_ALREADY = frozenset({"invalid_token", "invalid_grant"})
_SERVER_ERROR = 500
_TOO_MANY = 429


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
    answer = await _ask(client, "POST", config[settings.OAUTH_URL] + REVOKE_PATH, urlencode({"token": token}))
    if answer.status != _OK and _object(answer).get("error") not in _DEAD_ALREADY:
        raise Unavailable(f"Google answered {answer.status} to a revocation")


def granted(given: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """Return what is kept of Google's answer of that time."""
    kept = {
        "access_token": given["access_token"],
        "expires_at": (at + timedelta(seconds=given.get("expires_in") or 0)).isoformat(),
    }
    if given.get("scope"):
        kept["scopes"] = sorted(scopes_of(given))
    if given.get("refresh_token"):
        kept["refresh_token"] = given["refresh_token"]
    return kept


def scopes_of(given: Mapping[str, Any]) -> frozenset[str]:
    """Return the scopes that an answer says were granted."""
    said = given.get("scope") or ""
    return frozenset(said.split() if isinstance(said, str) else said)


async def verified(
    client: GuardedClient, config: Mapping[str, str], given: Mapping[str, Any], nonce: str, now: datetime
) -> Person:
    """Return whose ID token came along, once signature, issuer, audience, times and nonce were checked.

    Raises `CredentialsRefused` where it is not good, `Unavailable`.
    """
    keys = _object(await _ask(client, "GET", config[settings.API_URL] + CERTS_PATH))
    issuer = config[settings.ACCOUNTS_URL]
    expected = jwt.JWTClaimsRegistry(
        now=lambda: int(now.timestamp()),
        leeway=CLOCKS_APART_SECONDS,
        # Google leaves the scheme out now and then
        iss={"essential": True, "values": [issuer, urlsplit(issuer).netloc]},
        aud={"essential": True, "value": config[settings.CLIENT_ID]},
        sub={"essential": True},
        email={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True, "value": nonce},
    )
    try:
        token = jwt.decode(str(given.get("id_token")), _keys(keys), algorithms=["RS256"])
        expected.validate(token.claims)
    except (JoseError, ValueError) as error:
        raise CredentialsRefused(f"the ID token is not good: {type(error).__name__}") from None
    return Person(f"{issuer} {token.claims['sub']}", str(token.claims["email"]))


def _keys(said: Mapping[str, Any]) -> KeySet:
    try:
        return KeySet.import_key_set({"keys": said["keys"]})
    except (JoseError, KeyError, TypeError, ValueError) as error:
        raise Unavailable(f"Google's public keys cannot be read: {type(error).__name__}") from None


async def _token(client: GuardedClient, config: Mapping[str, str], body: str) -> Mapping[str, Any]:
    answer = await _ask(client, "POST", config[settings.OAUTH_URL] + TOKEN_PATH, body)
    _object(answer)
    try:
        given: Mapping[str, Any] = _client(config).parse_request_body_response(answer.body.decode())
    except InvalidGrantError as error:
        raise CredentialsRefused(f"Google answered {error.error}") from None
    except OAuth2Error as error:
        # a wrong client secret too: nobody's consent is void for it
        raise Unavailable(f"Google's token endpoint answered {answer.status} {error.error}") from None
    return given


def _object(answer: Response) -> Mapping[str, Any]:
    try:
        said = json.loads(answer.body)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise Unavailable(f"Google answered {answer.status} with what is no JSON object")
    return said


def _client(config: Mapping[str, str]) -> WebApplicationClient:
    return WebApplicationClient(config[settings.CLIENT_ID])


async def _ask(client: GuardedClient, method: str, url: str, body: str | None = None) -> Response:
    headers = {"Accept": "application/json"}
    if body is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    try:
        answer = await client.request(
            method, url, headers=headers, content=body.encode() if body is not None else None, max_bytes=MAX_BYTES
        )
    except NetError as error:
        raise from_net(error) from error
    if answer.status >= _SERVER_ERROR or answer.status == _TOO_MANY:
        raise Unavailable(f"Google answered {answer.status}", retry_after=retry_after(answer.headers))
    return answer
