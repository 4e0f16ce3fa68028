"""The identity platform's OAuth 2.0 and OpenID Connect endpoints, under their paths at Microsoft, of every tenant."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kalends.sandbox.keys import ALGORITHM
from kalends.sandbox.microsoft.bearer import PERSONAL_TENANT
from kalends.sandbox.microsoft.consent_page import ACTION, ADMIN_ACTION, AdminConsentPage, ConsentPage
from kalends.sandbox.microsoft.grants import Grants
from kalends.sandbox.microsoft.oauth_authorization import COMMON, CONSUMERS, WORK, tenant_named
from kalends.sandbox.microsoft.oauth_switches import switches
from kalends.sandbox.microsoft.oauth_token import TokenEndpoint, issuer, origin, refusal
from kalends.sandbox.oauth_words import OAuthRefused

_TENANT = "/{tenant}"
_OAUTH = f"{_TENANT}/oauth2/v2.0"
_CACHED = {"Cache-Control": "max-age=86400, private"}
_CLAIMS = ("sub", "iss", "aud", "exp", "iat", "nonce", "preferred_username", "name", "tid", "ver", "oid", "email")


def routes(grants: Grants) -> list[Route]:
    """Return the routes of all endpoints, and of the switches under `/_sandbox/oauth`."""
    page, admin, token, about = ConsentPage(grants), AdminConsentPage(grants), TokenEndpoint(grants), _Keys(grants)
    return [
        *switches(grants),
        Route(f"{_OAUTH}/authorize", page.show, methods=["GET"]),
        Route(ACTION, page.submit, methods=["POST"]),
        Route(f"{_OAUTH}/token", token.answer, methods=["POST"]),
        Route(f"{_TENANT}/v2.0/adminconsent", admin.show, methods=["GET"]),
        Route(f"{_TENANT}/adminconsent", admin.show, methods=["GET"]),
        Route(ADMIN_ACTION, admin.submit, methods=["POST"]),
        Route(f"{_TENANT}/v2.0/.well-known/openid-configuration", about.discovery, methods=["GET"]),
        Route(f"{_TENANT}/discovery/v2.0/keys", about.jwks, methods=["GET"]),
        Route("/discovery/v2.0/keys", about.jwks, methods=["GET"]),
    ]


class _Keys:
    """What is asked about the keys, and about the endpoints."""

    def __init__(self, grants: Grants) -> None:
        self._grants = grants

    async def jwks(self, _request: Request) -> Response:
        return JSONResponse(self._grants.keys.jwks(), headers=_CACHED)

    async def discovery(self, request: Request) -> Response:
        named = request.path_params["tenant"]
        try:
            tenant = tenant_named(named, self._grants)
        except OAuthRefused as refused:
            return refusal(refused, self._grants.clock)
        return JSONResponse(_discovery(origin(request), named, self._issuer(request, tenant)), headers=_CACHED)

    def _issuer(self, request: Request, tenant: str) -> str:
        # the documents of the common tenants hold a word in braces, which stands for the tenant of each token
        written = {COMMON: "{tenantid}", WORK: "{tenantid}", CONSUMERS: PERSONAL_TENANT}.get(tenant, tenant)
        return issuer(self._grants.issuer or origin(request), written)


def _discovery(here: str, tenant: str, issued_by: str) -> dict[str, Any]:
    return {
        "issuer": issued_by,
        "authorization_endpoint": f"{here}/{tenant}/oauth2/v2.0/authorize",
        "token_endpoint": f"{here}/{tenant}/oauth2/v2.0/token",
        "jwks_uri": f"{here}/{tenant}/discovery/v2.0/keys",
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "response_modes_supported": ["query"],
        "response_types_supported": ["code"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "claims_supported": list(_CLAIMS),
        "code_challenge_methods_supported": ["plain", "S256"],
    }
