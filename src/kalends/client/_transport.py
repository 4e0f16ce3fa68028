"""The one way to the server: proves who is calling, tries again where that is safe, raises what is no success.

Both clients share it. How bytes travel, how time passes and how callers wait for one another is behind `Port`.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from kalends.client._auth import Auth, ClientCredentials, Token, TokenKeeper, own_headers
from kalends.client._errors import ApiError, NotAuthenticated, ProtocolError, TokenRefused, TransportError, api_error
from kalends.client._retries import Retries, seconds_until

TOKEN_PATH = "/oauth2/token"  # noqa: S105 - a path
_REDIRECTS, _REFUSALS, _TOO_MANY, _SERVER = 300, 400, 429, 500


@dataclass(frozen=True, slots=True)
class Request:
    """A request; `path` is escaped and follows the base URL. The text form shows nothing of what is sent.

    `repeatable` tells that asking twice is as good as asking once.
    """

    method: str
    path: str = field(repr=False)
    repeatable: bool
    body: Mapping[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, whatever its status; `headers` do not care for case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def json(self) -> Any:
        """The body; raises `ProtocolError`."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise ProtocolError(f"The answer ({self.status}) is not JSON.") from None


class Port(Protocol):
    """How one of the two clients sends, waits and locks."""

    async def send(self, method: str, path: str, headers: Mapping[str, str], content: bytes | None) -> Answer:
        """Send a request and return the whole answer; raises `TransportError`, `ProtocolError`."""

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""

    def lock(self) -> AbstractAsyncContextManager[object]:
        """Return a new lock among the callers of this client."""


class Transport:
    """The way to one server for one caller."""

    def __init__(self, port: Port, auth: Auth, retries: Retries, clock: Callable[[], datetime]) -> None:
        self._port = port
        self._auth = auth
        self._retries = retries
        self._clock = clock
        self._tokens = TokenKeeper(port.lock(), clock)

    async def call(self, request: Request) -> Mapping[str, Any]:
        """Return the JSON object that a request is answered with; raises `KalendsClientError`."""
        done = 0
        while True:
            try:
                return await self._authorized(request)
            except (TransportError, ApiError) as error:
                wait = self._retries.wait(error, done=done, repeatable=request.repeatable)
                if wait is None:
                    raise
            done += 1
            await self._port.sleep(wait)

    async def _authorized(self, request: Request) -> Mapping[str, Any]:
        if not isinstance(self._auth, ClientCredentials):
            return await self._ask(request, own_headers(self._auth))
        fetch, kept = partial(self._fetch_token, self._auth), self._tokens.valid
        token = kept or await self._tokens.fresh(fetch)
        try:
            return await self._ask(request, {"Authorization": token.value})
        except NotAuthenticated:
            # a token that was fetched only now is not what is wrong
            if kept is None:
                raise
        token = await self._tokens.fresh(fetch, refused=kept)
        return await self._ask(request, {"Authorization": token.value})

    async def _ask(self, request: Request, proof: Mapping[str, str]) -> Mapping[str, Any]:
        answer = await self._send(request, proof)
        if answer.status >= _REFUSALS:
            raise self._error(answer)
        found = answer.json
        if not isinstance(found, dict):
            raise ProtocolError("The answer is not a JSON object.")
        return found

    async def _fetch_token(self, credentials: ClientCredentials) -> Token:
        try:
            answer = await self._send(Request("POST", TOKEN_PATH, repeatable=True, body=credentials.to_json()), {})
        except TransportError as error:
            error.outcome_unknown = False  # the request that the token is for was not sent
            raise
        if answer.status >= _REFUSALS:
            raise self._refusal(answer)
        return Token.issued(answer.json, self._clock())

    async def _send(self, request: Request, proof: Mapping[str, str]) -> Answer:
        headers = {"Accept": "application/json", "Accept-Encoding": "gzip", **proof}
        content = None
        if request.body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(request.body).encode()
        answer = await self._port.send(request.method, request.path, headers, content)
        if _REDIRECTS <= answer.status < _REFUSALS:
            raise ProtocolError(f"The server answers {answer.status}; redirects are not followed.")
        return answer

    def _refusal(self, answer: Answer) -> TokenRefused | ApiError:
        if answer.status == _TOO_MANY or answer.status >= _SERVER:
            return self._error(answer)
        told = _json_or_none(answer)
        said = told if isinstance(told, dict) else {}
        error = said.get("error")
        reason = said.get("error_description") or f"The token endpoint answers {answer.status}."
        return TokenRefused(error if isinstance(error, str) else None, str(reason))

    def _error(self, answer: Answer) -> ApiError:
        retry_after = seconds_until(answer.headers.get("retry-after", ""), self._clock())
        request_id = answer.headers.get("x-wix-request-id")
        return api_error(answer.status, _json_or_none(answer), request_id=request_id, retry_after=retry_after)


def _json_or_none(answer: Answer) -> Any:
    try:
        return answer.json
    except ProtocolError:
        return None
