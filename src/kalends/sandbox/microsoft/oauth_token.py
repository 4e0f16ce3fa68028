"""The token endpoint: tokens for codes, refresh tokens, and for apps by themselves (RFC 6749 §4.1.3, §6, §4.4)."""

from base64 import b64decode, urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import unquote_plus
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from kalends.sandbox.clock import SandboxClock
from kalends.sandbox.microsoft import scopes as known
from kalends.sandbox.microsoft.grants import ACCESS_TOKEN_LIFETIME, Grants, app_unknown, tenant_unknown, written_at
from kalends.sandbox.microsoft.oauth_authorization import COMMON, CONSUMERS, WORK, check_scopes, missing, tenant_named
from kalends.sandbox.microsoft.oauth_model import AzureRefused, Client, Issued
from kalends.sandbox.oauth_forms import read_form, single
from kalends.sandbox.oauth_words import OAuthRefused

_UNCACHED = {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache"}
_NOT_THE_APPS = (
    "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the "
    "client secret ID, for a secret added to app '{}'."
)


class TokenEndpoint:
    """Hands out tokens."""

    def __init__(self, grants: Grants) -> None:
        self._grants = grants

    async def answer(self, request: Request) -> Response:
        """Answer a request for a token."""
        try:
            self._grants.policies.check_failure()
            fields = single(await read_form(request))
            issued = self._issue(request, fields)
        except OAuthRefused as refused:
            return refusal(refused, self._grants.clock)
        return JSONResponse(self._written(issued, origin(request)), headers=_UNCACHED)

    def _issue(self, request: Request, fields: Mapping[str, str]) -> Issued:
        named = request.path_params["tenant"]
        tenant = tenant_named(named, self._grants)
        grant = _required(fields, "grant_type")
        client = self._client(request.headers.get("authorization", ""), fields, named)
        match grant:
            case "authorization_code":
                code = _required(fields, "code")
                if "scope" in fields:
                    check_scopes(known.asked(fields["scope"]))
                return self._grants.redeem(
                    client, code, redirect_uri=fields.get("redirect_uri"), verifier=fields.get("code_verifier")
                )
            case "refresh_token":
                if "scope" in fields:
                    check_scopes(known.asked(fields["scope"]))
                return self._grants.refresh(client, _required(fields, "refresh_token"), fields.get("scope"))
            case "client_credentials":
                if tenant in {COMMON, WORK, CONSUMERS}:
                    raise tenant_unknown(named)
                return self._grants.for_application(client, tenant, _required(fields, "scope"))
            case _:
                wrong = "The app requested an unsupported grant type."
                raise AzureRefused("unsupported_grant_type", 70003, wrong)

    def _client(self, authorization: str, fields: Mapping[str, str], tenant: str) -> Client:
        """Return the client that proves itself in the body or by HTTP Basic (RFC 6749 §2.3.1)."""
        scheme, _, given = authorization.strip().partition(" ")
        named, secret = fields.get("client_id"), fields.get("client_secret")
        if scheme.lower() == "basic":
            named, secret = _basic(given)
        if not named:
            raise missing("client_id")
        client = self._grants.client(named)
        if client is None:
            raise app_unknown(named, tenant)
        if not secret:
            wrong = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
            raise AzureRefused("invalid_client", 7000218, wrong, status=401)
        if secret != client.secret:
            raise AzureRefused("invalid_client", 7000215, _NOT_THE_APPS.format(client.id), status=401)
        return client

    def _written(self, issued: Issued, here: str) -> dict[str, Any]:
        access, seconds = issued.access_token, int(ACCESS_TOKEN_LIFETIME.total_seconds())
        answer: dict[str, Any] = {
            "token_type": "Bearer",
            "expires_in": seconds,
            "ext_expires_in": seconds,
            "access_token": access.value,
        }
        if access.user is None:
            return answer
        answer["scope"] = known.granted(access.scopes)
        if issued.refresh_token is not None:
            answer["refresh_token"] = issued.refresh_token
        if known.OPENID in access.scopes:
            answer["id_token"] = id_token(self._grants, issued, here)
        return answer


def id_token(grants: Grants, issued: Issued, here: str) -> str:
    """Return an ID token beside an access token; `here` is the sandbox's origin.

    See https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference.
    """
    access, now = issued.access_token, int(grants.clock.now().timestamp())
    user = access.user
    if user is None:
        raise ValueError("an application by itself has no ID token")
    pairwise = sha256(f"{user.id} {access.client_id}".encode()).digest()
    claims: dict[str, Any] = {
        "aud": access.client_id,
        "iss": issuer(grants.issuer or here, access.tenant_id),
        "iat": now,
        "nbf": now,
        "exp": now + 3600,
        "sub": urlsafe_b64encode(pairwise).rstrip(b"=").decode(),
        "tid": access.tenant_id,
        "ver": "2.0",
    }
    if issued.nonce is not None:
        claims["nonce"] = issued.nonce
    if known.PROFILE in access.scopes:
        claims |= {"name": user.name, "oid": user.id, "preferred_username": user.email}
    if known.EMAIL in access.scopes:
        claims["email"] = user.email
    return grants.keys.sign(claims)


def issuer(authority: str, tenant_id: str) -> str:
    """Return who issues the ID tokens of a tenant."""
    return f"{authority}/{tenant_id}/v2.0"


def origin(request: Request) -> str:
    """Return the address under which the sandbox was asked, without a path."""
    return f"{request.url.scheme}://{request.url.netloc}"


def refusal(refused: OAuthRefused, clock: SandboxClock) -> Response:
    """Return a refusal as the identity platform writes it."""
    azure = refused if isinstance(refused, AzureRefused) else _in_azures_words(refused)
    now, trace, correlation = written_at(clock.now()), str(uuid4()), str(uuid4())
    told = f"{azure.description} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {now}"
    answer: dict[str, Any] = {
        "error": azure.error,
        "error_description": told,
        "error_codes": [azure.code],
        "timestamp": now,
        "trace_id": trace,
        "correlation_id": correlation,
        **azure.more,
    }
    if azure.suberror is not None:
        answer["suberror"] = azure.suberror
    return JSONResponse(answer, azure.status, _UNCACHED)


def _in_azures_words(refused: OAuthRefused) -> AzureRefused:
    return AzureRefused(refused.error, 900144, refused.description or "", status=refused.status)


def _basic(given: str) -> tuple[str, str]:
    try:
        name, _, secret = b64decode(given.strip(), validate=True).decode().partition(":")
    except ValueError:
        raise missing("client_id") from None
    return unquote_plus(name), unquote_plus(secret)


def _required(fields: Mapping[str, str], name: str) -> str:
    if name not in fields:
        raise missing(name)
    return fields[name]
