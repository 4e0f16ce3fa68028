"""Requests to the OAuth endpoints of a provider, and what their answers hold (RFC 6749 §5)."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from oauthlib.oauth2 import Client, OAuth2Error
from oauthlib.oauth2.rfc6749.errors import InvalidGrantError

from kalends.net.client import GuardedClient, Response
from kalends.net.errors import NetError
from kalends.net.patience import retry_after
from kalends.providers.errors import CredentialsRefused, Unavailable, from_net
from kalends.providers.oauth.json_api import object_in

MAX_BYTES = 65_536
_SERVER_ERROR = 500
_TOO_MANY = 429


async def ask(client: GuardedClient, method: str, url: str, body: str | None = None) -> Response:
    """Send a form, or nothing, and return the answer; raises `Unavailable` where the server fails or wants a rest."""
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
        raise Unavailable(f"{host_of(answer)} answered {answer.status}", retry_after=retry_after(answer.headers))
    return answer


def host_of(answer: Response) -> str:
    """Return who answered, to be named in messages."""
    return urlsplit(answer.url).hostname or ""


def json_object(answer: Response) -> Mapping[str, Any]:
    """Return the JSON object that an answer is, whatever its status; raises `Unavailable` where it is none."""
    said = object_in(answer.body)
    if said is None:
        raise Unavailable(f"{host_of(answer)} answered {answer.status} with what is no JSON object")
    return said


async def tokens(
    client: GuardedClient, url: str, body: str, parser: Client, void: Collection[str] = ()
) -> Mapping[str, Any]:
    """Return what a token endpoint gives for a request that `parser` prepared.

    Raises `CredentialsRefused` where the grant is no more: for `invalid_grant`, and the errors that are `void` besides;
    `Unavailable` for everything that may pass, which a wrong client secret is too: the operator can mend it, and nobody
    has to consent anew for it.
    """
    answer = await ask(client, "POST", url, body)
    json_object(answer)
    try:
        given: Mapping[str, Any] = parser.parse_request_body_response(answer.body.decode())
    except OAuth2Error as error:
        if isinstance(error, InvalidGrantError) or error.error in void:
            raise CredentialsRefused(f"{host_of(answer)} answered {error.error}") from None
        raise Unavailable(f"{host_of(answer)} answered {answer.status} {error.error}") from None
    return given


def granted(given: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """Return what is kept of an answer of that time."""
    kept: dict[str, Any] = {
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
