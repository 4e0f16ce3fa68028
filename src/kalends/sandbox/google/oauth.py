"""Google's OAuth 2.0 and OpenID Connect endpoints, all at one origin, under their paths on Google's hosts."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kalends.sandbox.google import consent, consent_scopes, oauth_token
from kalends.sandbox.google.consent import ConsentPage
from kalends.sandbox.google.grants import Grants
from kalends.sandbox.google.oauth_model import Issued
from kalends.sandbox.google.oauth_switches import switches
from kalends.sandbox.google.oauth_token import TokenEndpoint, origin, profile, refusal
from kalends.sandbox.keys import ALGORITHM, SignatureRefused
from kalends.sandbox.oauth_forms import read_form, read_query, single
from kalends.sandbox.oauth_words import OAuthRefused

AUTHORIZE = "/o/oauth2/v2/auth"
REVOKE = "/revoke"
CERTS = "/oauth2/v3/certs"
PEM_CERTS = "/oauth2/v1/certs"
DISCOVERY = "/.well-known/openid-configuration"
USERINFO = "/v1/userinfo"
_CLAIMS = ("iss", "azp", "aud", "sub", "hd", "email", "email_verified", "name", "given_name", "family_name", "at_hash")
_CACHED = {"Cache-Control": "public, max-age=3600"}


def routes(grants: Grants) -> list[Route]:
    """Return the routes of all endpoints, and of the switches under `/_sandbox/oauth`."""
    page, token, about = ConsentPage(grants), TokenEndpoint(grants), _Endpoints(grants)
    return [
        Route(AUTHORIZE, page.show, methods=["GET"]),
        Route(consent.ACTION, page.submit, methods=["POST"]),
        Route(oauth_token.PATH, token.answer, methods=["POST"]),
        Route(REVOKE, about.revoke, methods=["GET", "POST"]),
        Route("/tokeninfo", about.tokeninfo, methods=["GET", "POST"]),
        Route(USERINFO, about.userinfo, methods=["GET", "POST"]),
        Route("/oauth2/v3/userinfo", about.userinfo, methods=["GET", "POST"]),
        Route(CERTS, about.jwks, methods=["GET"]),
        Route(PEM_CERTS, about.certificates, methods=["GET"]),
        Route(DISCOVERY, about.discovery, methods=["GET"]),
        *switches(grants),
    ]


class _Endpoints:
    """What is asked about tokens that exist, and about the keys."""

    def __init__(self, grants: Grants) -> None:
        self._grants = grants

    async def revoke(self, request: Request) -> Response:
        try:
            self._grants.revoke((await _fields(request)).get("token", ""))
        except OAuthRefused as refused:
            return refusal(refused)
        return JSONResponse({})

    async def tokeninfo(self, request: Request) -> Response:
        try:
            fields = await _fields(request)
            if "id_token" in fields:
                return JSONResponse(self._id_token_info(fields["id_token"]))
            return JSONResponse(self._access_token_info(fields.get("access_token", "")))
        except OAuthRefused as refused:
            return refusal(refused)

    async def userinfo(self, request: Request) -> Response:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        access = self._grants.access_token(given.strip()) if scheme.lower() == "bearer" else None
        if access is None:
            refused = refusal(OAuthRefused("invalid_request", "Invalid Credentials", status=401))
            realm = 'Bearer realm="https://accounts.google.com/", error="invalid_request"'
            refused.headers["WWW-Authenticate"] = realm
            return refused
        if consent_scopes.OPENID not in access.scopes:
            return refusal(OAuthRefused("insufficient_scope", "openid, email or profile is needed.", status=403))
        return JSONResponse(profile(self._grants, Issued(access)), headers={"Cache-Control": "no-store"})

    async def jwks(self, _request: Request) -> Response:
        return JSONResponse(self._grants.keys.jwks(), headers=_CACHED)

    async def certificates(self, _request: Request) -> Response:
        return JSONResponse(self._grants.keys.certificates(), headers=_CACHED)

    async def discovery(self, request: Request) -> Response:
        here = origin(request)
        return JSONResponse(_discovery(here, self._grants.issuer or here), headers=_CACHED)

    def _access_token_info(self, token: str) -> dict[str, str]:
        access = self._grants.access_token(token)
        if access is None:
            raise OAuthRefused("invalid_token", "Invalid Value")
        left = access.expires_at - self._grants.clock.now()
        info: dict[str, Any] = {
            "azp": access.client_id,
            "aud": access.client_id,
            "scope": consent_scopes.written(access.scopes),
            "exp": int(access.expires_at.timestamp()),
            "expires_in": int(left.total_seconds()),
            "access_type": "offline" if access.offline else "online",
        }
        if consent_scopes.OPENID in access.scopes:
            info["sub"] = access.user.id
        if consent_scopes.EMAIL in access.scopes:
            info |= {"email": access.user.email, "email_verified": True}
        return _as_texts(info)

    def _id_token_info(self, token: str) -> dict[str, str]:
        try:
            claims = self._grants.keys.verify(token)
        except SignatureRefused:
            raise OAuthRefused("invalid_token", "Invalid Value") from None
        if claims["exp"] <= self._grants.clock.now().timestamp():
            raise OAuthRefused("invalid_token", "Invalid Value")
        return _as_texts(claims)


async def _fields(request: Request) -> Mapping[str, str]:
    """Return what a request names in its query, and in its form if it has one; raises `OAuthRefused`."""
    form = await read_form(request) if "content-type" in request.headers else []
    return single([*read_query(request), *form])


def _as_texts(claims: Mapping[str, Any]) -> dict[str, str]:
    """Write figures and truth values as texts, which is how this endpoint of Google's writes everything."""
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in claims.items()}


def _discovery(here: str, issuer: str) -> dict[str, Any]:
    return {
        "issuer": issuer,
        "authorization_endpoint": here + AUTHORIZE,
        "token_endpoint": here + oauth_token.PATH,
        "userinfo_endpoint": here + USERINFO,
        "revocation_endpoint": here + REVOKE,
        "jwks_uri": here + CERTS,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "scopes_supported": ["openid", "email", "profile"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "claims_supported": list(_CLAIMS),
        "code_challenge_methods_supported": ["plain", "S256"],
        "grant_types_supported": ["authorization_code", "refresh_token", oauth_token.JWT_BEARER],
    }
