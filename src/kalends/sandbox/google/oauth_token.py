"""The token endpoint: access tokens for codes, refresh tokens and assertions (RFC 6749 §4.1.3, §6; RFC 7523 §2.1)."""

from base64 import b64decode, urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import unquote_plus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from kalends.sandbox.google import consent_scopes
from kalends.sandbox.google.grants import ACCESS_TOKEN_LIFETIME, Grants
from kalends.sandbox.google.oauth_model import Client, Issued
from kalends.sandbox.google.workspace import GOOGLE
from kalends.sandbox.oauth_forms import read_form, single
from kalends.sandbox.oauth_words import OAuthRefused

PATH = "/token"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_UNCACHED = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class TokenEndpoint:
    """Hands out tokens."""

    def __init__(self, grants: Grants) -> None:
        self._grants = grants

    async def answer(self, request: Request) -> Response:
        """Answer a request for a token."""
        try:
            self._grants.check_failure()
            fields = single(await read_form(request))
            issued = self._issue(request, fields)
        except OAuthRefused as refused:
            return refusal(refused)
        return JSONResponse(self._written(issued, origin(request)), headers=_UNCACHED)

    def _issue(self, request: Request, fields: Mapping[str, str]) -> Issued:
        match fields.get("grant_type"):
            case "authorization_code":
                client = self._client(request.headers.get("authorization", ""), fields)
                code = _required(fields, "code")
                return self._grants.redeem(
                    client, code, redirect_uri=fields.get("redirect_uri"), verifier=fields.get("code_verifier")
                )
            case "refresh_token":
                client = self._client(request.headers.get("authorization", ""), fields)
                return self._grants.refresh(client, _required(fields, "refresh_token"), fields.get("scope"))
            case str() as grant if grant == JWT_BEARER:
                # Google's own libraries name Google's endpoint, whatever `token_uri` says
                audiences = {origin(request) + PATH, GOOGLE + PATH}
                return self._grants.assert_for(_required(fields, "assertion"), audiences)
            case other:
                raise OAuthRefused("unsupported_grant_type", f"Invalid grant_type: {(other or '')[:80]}")

    def _client(self, authorization: str, fields: Mapping[str, str]) -> Client:
        """Return the client that proves itself in the body or by HTTP Basic (RFC 6749 §2.3.1)."""
        scheme, _, given = authorization.strip().partition(" ")
        named, secret = fields.get("client_id"), fields.get("client_secret")
        if scheme.lower() == "basic":
            named, secret = _basic(given)
        if named is None:
            raise OAuthRefused("invalid_request", "Could not determine client ID from request.")
        client = self._grants.client(named)
        if client is None:
            raise OAuthRefused("invalid_client", "The OAuth client was not found.", status=401)
        if not secret:
            raise OAuthRefused("invalid_request", "client_secret is missing.")
        if secret != client.secret:
            raise OAuthRefused("invalid_client", "The provided client secret is invalid.", status=401)
        return client

    def _written(self, issued: Issued, asked_at: str) -> dict[str, Any]:
        access = issued.access_token
        answer: dict[str, Any] = {
            "access_token": access.value,
            "expires_in": int(ACCESS_TOKEN_LIFETIME.total_seconds()),
            "scope": consent_scopes.written(access.scopes),
            "token_type": "Bearer",
        }
        if issued.refresh_token is not None:
            answer["refresh_token"] = issued.refresh_token
        if issued.refresh_token_expires_in is not None:
            answer["refresh_token_expires_in"] = issued.refresh_token_expires_in
        if consent_scopes.OPENID in access.scopes:
            answer["id_token"] = id_token(self._grants, issued, asked_at)
        return answer


def id_token(grants: Grants, issued: Issued, asked_at: str) -> str:
    """Return an ID token (OpenID Connect Core §2) beside an access token; `asked_at` is the sandbox's origin."""
    access, now = issued.access_token, int(grants.clock.now().timestamp())
    half = sha256(access.value.encode()).digest()[:16]
    claims = {
        "iss": grants.issuer or asked_at,
        "azp": access.client_id,
        "aud": access.client_id,
        **profile(grants, issued),
        "at_hash": urlsafe_b64encode(half).rstrip(b"=").decode(),
        "iat": now,
        "exp": now + 3600,
    }
    return grants.keys.sign(claims if issued.nonce is None else {**claims, "nonce": issued.nonce})


def profile(grants: Grants, issued: Issued) -> dict[str, Any]:
    """Return the claims about a user that a token's scopes open (OpenID Connect Core §5.1), and Google's `hd`."""
    user, scopes = issued.access_token.user, issued.access_token.scopes
    claims: dict[str, Any] = {"sub": user.id}
    if domain := grants.workspace.domain_of(user):
        claims["hd"] = domain
    if consent_scopes.EMAIL in scopes:
        claims |= {"email": user.email, "email_verified": True}
    if consent_scopes.PROFILE in scopes:
        given, _, family = user.name.partition(" ")
        claims |= {"name": user.name, "given_name": given}
        if family:
            claims["family_name"] = family
    return claims


def origin(request: Request) -> str:
    """Return the address under which the sandbox was asked, without a path."""
    return f"{request.url.scheme}://{request.url.netloc}"


def refusal(refused: OAuthRefused) -> Response:
    """Return a refusal as Google's endpoints write it (RFC 6749 §5.2)."""
    answer = {"error": refused.error}
    if refused.description is not None:
        answer["error_description"] = refused.description
    return JSONResponse(answer, refused.status, _UNCACHED)


def _basic(given: str) -> tuple[str, str]:
    try:
        name, _, secret = b64decode(given.strip(), validate=True).decode().partition(":")
    except ValueError:
        raise OAuthRefused("invalid_client", "The OAuth client was not found.", status=401) from None
    return unquote_plus(name), unquote_plus(secret)


def _required(fields: Mapping[str, str], name: str) -> str:
    if name not in fields:
        raise OAuthRefused("invalid_request", f"Missing required parameter: {name}")
    return fields[name]
