"""Switches for tests and demos, under `/_sandbox/oauth`: what people, administrators or bad luck do to the tokens.

All take and give JSON objects. A browser's page of another origin cannot press them: `application/json` is asked for.
"""

from collections.abc import Callable, Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kalends.sandbox.google.bearer import User
from kalends.sandbox.google.grants import Grants
from kalends.sandbox.google.oauth_model import Client
from kalends.sandbox.google.oauth_token import origin, refusal
from kalends.sandbox.oauth_forms import read_query, single
from kalends.sandbox.oauth_switching import json_object, text, texts
from kalends.sandbox.oauth_words import OAuthRefused

PREFIX = "/_sandbox/oauth"
Answer = dict[str, Any]


def switches(grants: Grants) -> list[Route]:
    """Return the routes of the switches."""
    pressed = _Switches(grants)
    return [
        _post("/withdraw", pressed.withdraw),
        _post("/expire-access-tokens", pressed.expire_access_tokens),
        _post("/fail-token-requests", pressed.fail_token_requests),
        _post("/testing", pressed.testing),
        _post("/narrow-next-refresh", pressed.narrow_next_refresh),
        _post("/rotate-keys", pressed.rotate_keys, slow=True),
        _post("/service-accounts", pressed.service_accounts, slow=True),
        _post("/delegations", pressed.delegations),
        Route(PREFIX + "/refreshes", pressed.refreshes, methods=["GET"]),
    ]


def _post(path: str, press: Callable[[Answer, str], Answer], *, slow: bool = False) -> Route:
    async def answer(request: Request) -> Response:
        try:
            body = await json_object(request)
            if slow:  # making a key takes long enough to hold up everybody else
                return JSONResponse(await run_in_threadpool(press, body, origin(request)))
            return JSONResponse(press(body, origin(request)))
        except OAuthRefused as refused:
            return refusal(refused)
        except ValueError as wrong:
            return refusal(OAuthRefused("invalid_request", str(wrong)))

    return Route(PREFIX + path, answer, methods=["POST"])


class _Switches:
    """One method for each switch: from the body, and the address of the sandbox, to the answer."""

    def __init__(self, grants: Grants) -> None:
        self._grants = grants

    def withdraw(self, body: Answer, _here: str) -> Answer:
        self._grants.withdraw(self._user(body), self._client(body))
        return {}

    def expire_access_tokens(self, _body: Answer, _here: str) -> Answer:
        self._grants.expire_access_tokens()
        return {}

    def fail_token_requests(self, body: Answer, _here: str) -> Answer:
        status, times = body.get("status", 400), body.get("times", 1)
        if type(status) is not int or type(times) is not int:
            raise ValueError("status and times must be whole numbers")
        description = text(body, "error_description") if "error_description" in body else None
        self._grants.fail_token_requests(status, text(body, "error"), description=description, times=times)
        return {}

    def testing(self, body: Answer, _here: str) -> Answer:
        if not isinstance(body.get("on"), bool):
            raise ValueError("on must be true or false")  # noqa: TRY004 - one error for whatever is wrong with a body
        self._grants.testing = body["on"]
        return {}

    def narrow_next_refresh(self, body: Answer, _here: str) -> Answer:
        self._grants.narrow_next_refresh(texts(body, "scopes"))
        return {}

    def rotate_keys(self, _body: Answer, _here: str) -> Answer:
        self._grants.keys.rotate()
        return {}

    def service_accounts(self, body: Answer, here: str) -> Answer:
        return {**self._grants.add_service_account(text(body, "name"), origin=here)}

    def delegations(self, body: Answer, _here: str) -> Answer:
        domain, client_id = text(body, "domain"), text(body, "client_id")
        self._grants.workspace.add_domain(domain)
        self._grants.workspace.delegate(domain, client_id, texts(body, "scopes"))
        return {}

    async def refreshes(self, request: Request) -> Response:
        try:
            fields = single(read_query(request))
            return JSONResponse({"refreshes": self._grants.refreshes(self._user(fields), self._client(fields))})
        except OAuthRefused as refused:
            return refusal(refused)
        except ValueError as wrong:
            return refusal(OAuthRefused("invalid_request", str(wrong)))

    def _user(self, fields: Mapping[str, Any]) -> User:
        user = self._grants.user(text(fields, "user"))
        if user is None:
            raise ValueError("user must be the id or the e-mail address of an account")
        return user

    def _client(self, fields: Mapping[str, Any]) -> Client:
        client = self._grants.client(text(fields, "client_id"))
        if client is None:
            raise ValueError("client_id must be that of an app")
        return client
