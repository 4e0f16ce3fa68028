"""Switches of the identity platform, under `/_sandbox/oauth`: what people, administrators or bad luck do to tokens.

All are pressed by POST with a JSON object, but the last.

    /_sandbox/oauth/withdraw               {"user", "client_id"}: consent is taken back
    /_sandbox/oauth/expire-access-tokens   {}
    /_sandbox/oauth/revoke-refresh-tokens  {"user"}: as when a password is changed
    /_sandbox/oauth/rotation               {"graceSeconds": 0}: how long a refresh token lives on after its exchange
    /_sandbox/oauth/admin-consent          {"tenant", "on": true}: people of a tenant (id or domain) may not consent
    /_sandbox/oauth/conditional-access     {"user", "on": true}: refreshing needs the person, until they sign in again
    /_sandbox/oauth/app-roles              {"tenant", "client_id", "roles": ["Calendars.ReadWrite"]}
    /_sandbox/oauth/fail-token-requests    {"error", "code": 70000, "status": 400, "suberror", "times": 1}
    /_sandbox/oauth/clients                {"name", "redirectUris", "audience"}: registers an app
    /_sandbox/oauth/rotate-keys            {}
    /_sandbox/oauth/refreshes?user=&client_id=    GET: {"refreshes": 2}
"""

from collections.abc import Callable, Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kalends.sandbox.microsoft.bearer import User
from kalends.sandbox.microsoft.grants import Grants
from kalends.sandbox.microsoft.oauth_authorization import tenant_named
from kalends.sandbox.microsoft.oauth_model import ANYONE, AzureRefused, Client
from kalends.sandbox.microsoft.oauth_token import refusal
from kalends.sandbox.oauth_forms import read_query, single
from kalends.sandbox.oauth_switching import json_object, text, texts
from kalends.sandbox.oauth_words import OAuthRefused

PREFIX = "/_sandbox/oauth"
Answer = dict[str, Any]


def switches(grants: Grants) -> list[Route]:
    """Return the routes of the switches."""
    pressed = _Switches(grants)
    return [
        _post(grants, "/withdraw", pressed.withdraw),
        _post(grants, "/expire-access-tokens", pressed.expire_access_tokens),
        _post(grants, "/revoke-refresh-tokens", pressed.revoke_refresh_tokens),
        _post(grants, "/rotation", pressed.rotation),
        _post(grants, "/admin-consent", pressed.admin_consent),
        _post(grants, "/conditional-access", pressed.conditional_access),
        _post(grants, "/app-roles", pressed.app_roles),
        _post(grants, "/fail-token-requests", pressed.fail_token_requests),
        _post(grants, "/clients", pressed.clients),
        _post(grants, "/rotate-keys", pressed.rotate_keys, slow=True),
        Route(PREFIX + "/refreshes", pressed.refreshes, methods=["GET"]),
    ]


def _post(grants: Grants, path: str, press: Callable[[Answer], Answer], *, slow: bool = False) -> Route:
    async def answer(request: Request) -> Response:
        try:
            body = await json_object(request)
            # making a key takes long enough to hold up everybody else
            return JSONResponse(await run_in_threadpool(press, body) if slow else press(body))
        except OAuthRefused as refused:
            return refusal(refused, grants.clock)
        except ValueError as wrong:
            return refusal(OAuthRefused("invalid_request", str(wrong)), grants.clock)

    return Route(PREFIX + path, answer, methods=["POST"])


class _Switches:
    """One method for each switch, from the body to the answer."""

    def __init__(self, grants: Grants) -> None:
        self._grants = grants

    def withdraw(self, body: Answer) -> Answer:
        self._grants.withdraw(self._user(body), self._client(body))
        return {}

    def expire_access_tokens(self, _body: Answer) -> Answer:
        self._grants.expire_access_tokens()
        return {}

    def revoke_refresh_tokens(self, body: Answer) -> Answer:
        self._grants.revoke_refresh_tokens(self._user(body))
        return {}

    def rotation(self, body: Answer) -> Answer:
        seconds = body.get("graceSeconds")
        if seconds is not None and (not isinstance(seconds, int | float) or isinstance(seconds, bool) or seconds < 0):
            raise ValueError("graceSeconds must be a number from 0, or null for ever")
        self._grants.policies.grace = seconds
        return {"graceSeconds": seconds}

    def admin_consent(self, body: Answer) -> Answer:
        tenant = tenant_named(text(body, "tenant"), self._grants)
        _switch(self._grants.policies.admin_consent, tenant, body)
        return {"tenants": sorted(self._grants.policies.admin_consent)}

    def conditional_access(self, body: Answer) -> Answer:
        _switch(self._grants.policies.conditional_access, self._user(body).id, body)
        return {"users": sorted(self._grants.policies.conditional_access)}

    def app_roles(self, body: Answer) -> Answer:
        tenant = tenant_named(text(body, "tenant"), self._grants)
        self._grants.grant_roles(tenant, self._client(body), texts(body, "roles"))
        return {"tenant": tenant}

    def fail_token_requests(self, body: Answer) -> Answer:
        status, times, code = body.get("status", 400), body.get("times", 1), body.get("code", 90033)
        if any(type(one) is not int for one in (status, times, code)):
            raise ValueError("status, times and code must be whole numbers")
        suberror = text(body, "suberror") if "suberror" in body else None
        refused = AzureRefused(text(body, "error"), code, "Ordered by a switch.", suberror=suberror, status=status)
        self._grants.policies.fail_token_requests(refused, times)
        return {}

    def clients(self, body: Answer) -> Answer:
        uris = texts(body, "redirectUris") if "redirectUris" in body else None
        audience = text(body, "audience") if "audience" in body else ANYONE
        client = self._grants.add_client(text(body, "name"), redirect_uris=uris, audience=audience)
        return {"clientId": client.id, "clientSecret": client.secret}

    def rotate_keys(self, _body: Answer) -> Answer:
        self._grants.keys.rotate()
        return {}

    async def refreshes(self, request: Request) -> Response:
        try:
            fields = single(read_query(request))
            return JSONResponse({"refreshes": self._grants.refreshes(self._user(fields), self._client(fields))})
        except OAuthRefused as refused:
            return refusal(refused, self._grants.clock)
        except ValueError as wrong:
            return refusal(OAuthRefused("invalid_request", str(wrong)), self._grants.clock)

    def _user(self, fields: Mapping[str, Any]) -> User:
        user = self._grants.user(text(fields, "user"))
        if user is None:
            raise ValueError("user must be the id or the address of an account")
        return user

    def _client(self, fields: Mapping[str, Any]) -> Client:
        client = self._grants.client(text(fields, "client_id"))
        if client is None:
            raise ValueError("client_id must be that of an app")
        return client


def _switch(members: set[str], member: str, body: Answer) -> None:
    on = body.get("on", True)
    if not isinstance(on, bool):
        raise ValueError("on must be true or false")  # noqa: TRY004 - one error for whatever is wrong with a body
    (members.add if on else members.discard)(member)
