"""The token endpoint: client credentials for a token (RFC 6749 §4.4; contract §7).

It takes JSON, as the official SDK sends it, or a form, as RFC 6749 has it; the client proves itself in the body or
by HTTP Basic (§2.3.1). Errors are those of §5.2, not the envelopes of the calendar methods.
"""

import json
from base64 import b64decode
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote_plus

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from kalends.access.tokens import ClientRefused
from kalends.api.reading import parse_object, read_body
from kalends.api.refusals import Malformed
from kalends.api.services import Services

PATH = "/oauth2/token"
FORM = "application/x-www-form-urlencoded"
GRANT = "client_credentials"
LONGEST_VALUE = 1_000
MOST_FIELDS = 20


class TokenAnswer(BaseModel):
    """A token and its validity in seconds (RFC 6749 §5.1)."""

    model_config = ConfigDict(frozen=True)

    access_token: str = Field(description="The token, for the header `Authorization`.")
    token_type: str = Field(description="`Bearer`.")
    expires_in: int = Field(description="For how many seconds it is valid.")


class TokenError(BaseModel):
    """Why there is no token (RFC 6749 §5.2)."""

    model_config = ConfigDict(frozen=True)

    error: str = Field(description="Why, for programs.")
    error_description: str = Field(description="Why, for people.")


class TokenRefusal(NamedTuple):
    """A refusal: its status, the code of RFC 6749 §5.2, and when it is given."""

    status: int
    error: str
    when: str


REFUSALS = (
    TokenRefusal(400, "invalid_request", "The body cannot be read, or something is missing, twice there or too much."),
    TokenRefusal(400, "unsupported_grant_type", "Another grant is asked for than that of client credentials."),
    TokenRefusal(400, "invalid_grant", "The app is not installed under the instance id."),
    TokenRefusal(401, "invalid_client", "The client id or the client secret is wrong."),
)


class _Client(NamedTuple):
    id: str
    secret: str


class TokenEndpoint:
    """Gives apps their access tokens."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def answer(self, request: Request) -> Response:
        """Answer a request for a token; raises `TooLarge`."""
        try:
            asked = _asked(request.headers.get("content-type", ""), await read_body(request, self._limit))
            _check_grant(asked)
            client = _client(request.headers.get("authorization", ""), asked)
            issued = await self._services.tokens.by_client_credentials(
                client.id, client.secret, _value(asked, "instance_id")
            )
        except ClientRefused as refused:
            return _refusal(refused)
        seconds = int(issued.lifetime.total_seconds())
        return _written(TokenAnswer(access_token=issued.token, token_type="Bearer", expires_in=seconds))  # noqa: S106 - a word of RFC 6749

    @property
    def _limit(self) -> int:
        return self._services.max_request_bytes


def _asked(content_type: str, body: bytes) -> Mapping[str, Any]:
    if content_type.partition(";")[0].strip().lower() != FORM:
        try:
            return parse_object(body)
        except Malformed:
            raise ClientRefused("invalid_request", f"The body must be a JSON object, or {FORM}.") from None
    try:
        fields = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise ClientRefused("invalid_request", "The form cannot be read.") from None
    if len({name for name, _ in fields}) < len(fields):
        raise ClientRefused("invalid_request", "The form holds a field more than once.")
    return dict(fields)


def _check_grant(asked: Mapping[str, Any]) -> None:
    # other grants of the SDK's clients spell the name in camelCase; they are to hear that it is the grant
    grant = _value(asked, "grant_type") or _value(asked, "grantType")
    if grant is None:
        raise ClientRefused("invalid_request", "grant_type is missing.")
    if grant != GRANT:
        raise ClientRefused("unsupported_grant_type", f"The only grant type here is {GRANT}.")


def _client(authorization: str, asked: Mapping[str, Any]) -> _Client:
    scheme, _, given = authorization.strip().partition(" ")
    named, secret = _value(asked, "client_id"), _value(asked, "client_secret")
    if scheme.lower() != "basic":
        if named is None or secret is None:
            raise ClientRefused("invalid_request", "client_id and client_secret are needed.")
        return _Client(named, secret)
    if secret is not None:
        raise ClientRefused("invalid_request", "The client may prove itself in one way only.")
    try:
        pair = b64decode(given.strip(), validate=True).decode()
    except ValueError:
        raise ClientRefused("invalid_client", "The Authorization header cannot be read.") from None
    identifier, _, secret = pair.partition(":")
    checked = {"client_id": unquote_plus(identifier), "client_secret": unquote_plus(secret)}
    found = _Client(_value(checked, "client_id") or "", _value(checked, "client_secret") or "")
    if named not in {None, found.id}:
        raise ClientRefused("invalid_request", "The body names another client than the Authorization header.")
    return found


def _value(asked: Mapping[str, Any], name: str) -> str | None:
    value = asked.get(name)
    if value is None or (isinstance(value, str) and len(value) <= LONGEST_VALUE and value.isprintable()):
        return value or None
    raise ClientRefused("invalid_request", f"{name} must be a string of at most {LONGEST_VALUE} printable characters.")


def _refusal(refused: ClientRefused) -> Response:
    error = TokenError(error=refused.error, error_description=refused.description)
    if refused.error == "invalid_client":
        return _written(error, 401, {"WWW-Authenticate": 'Basic realm="kalends"'})
    return _written(error, 400)


def _written(message: BaseModel, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    sent = {"Cache-Control": "no-store", "Pragma": "no-cache", **(headers or {})}
    return Response(json.dumps(message.model_dump()), status, sent, "application/json")
