"""Requests to the Google Calendar API; the one place where statuses and network failures become the port's errors."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from kalends.net.client import GuardedClient, Response
from kalends.net.credentials import BearerCredentials, CredentialScope
from kalends.net.errors import NetError
from kalends.net.patience import retry_after
from kalends.providers.errors import CredentialsRefused, ProviderError, Unavailable, from_net
from kalends.providers.google.errors import Refusal
from kalends.providers.oauth.stored_token import AccessToken

BASE_URL = "https://www.googleapis.com/calendar/v3"
"""Where the API is, unless somebody stands in for Google."""

_OK = range(200, 300)
_NO_CONTENT = 204
_UNAUTHORIZED = 401
Refusals = Mapping[tuple[int, str], type[ProviderError]]
"""What a caller knows of refusals: status and reason → the error; an empty reason stands for all of that status."""

_LARGE = 65_536
"""Bytes of an answer from which on the event loop gets its turn while it is read."""


class CalendarApi:
    """Speaks to the API for one account. `base_url` has no slash at its end."""

    def __init__(self, client: GuardedClient, token: AccessToken, base_url: str = BASE_URL) -> None:
        self._client = client
        self._token = token
        self._base_url = base_url
        self._host = urlsplit(base_url).hostname or ""
        self._scope = CredentialScope(base_url, client.policy)

    @property
    def host(self) -> str:
        """Whom it asks, to be named in messages."""
        return self._host

    async def get(self, *path: str, **parameters: str) -> Mapping[str, Any]:
        """Ask for a resource; see `call`."""
        return await self.call("GET", path, parameters)

    async def call(
        self,
        method: str,
        path: tuple[str, ...],
        parameters: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        *,
        if_match: str = "",
        refusals: Refusals | None = None,
    ) -> Mapping[str, Any]:
        """Send a request and return the JSON object that answers it, empty where there is nothing to say.

        `path` are the segments after the base, not yet percent-encoded. `if_match` is the only version of the resource
        for which it is meant, empty for any. A token that is refused is asked for anew, once. Raises what `refusals`
        and else `Refusal.error` say, and `Unavailable` for what is no answer of the API's.
        """
        url = "/".join([self._base_url, *(quote(part, safe="") for part in path)])
        if parameters:
            url = f"{url}?{urlencode(parameters, quote_via=quote)}"
        content = None if body is None else json.dumps(body).encode()
        headers = {"If-Match": if_match} if if_match else {}
        answer = await self._send(method, url, headers, content, await self._token())
        if answer.status == _UNAUTHORIZED:
            answer = await self._send(method, url, headers, content, await self._token(refused=True))
        if answer.status == _NO_CONTENT:
            return {}
        said = await self._object(answer)
        if answer.status not in _OK:
            refusal = Refusal.of(answer.status, said)
            known = refusals or {}
            kind = known.get((refusal.status, refusal.reason)) or known.get((refusal.status, ""))
            if kind is not None:
                raise kind(refusal.words(self._host))
            raise refusal.error(self._host, retry_after(answer.headers))
        return said

    async def _send(
        self, method: str, url: str, more: Mapping[str, str], content: bytes | None, token: str
    ) -> Response:
        headers = {"Accept": "application/json", **more}
        if content is not None:
            headers["Content-Type"] = "application/json; charset=utf-8"
        try:
            credentials = BearerCredentials(token, self._scope)
        except ValueError:
            raise CredentialsRefused("the access token is none that could be sent") from None
        try:
            return await self._client.request(method, url, headers=headers, content=content, credentials=credentials)
        except NetError as error:
            raise from_net(error) from error

    async def _object(self, answer: Response) -> Mapping[str, Any]:
        """Return the JSON object that an answer is; what is none does not come from the API, whatever its status."""
        try:
            if len(answer.body) < _LARGE:
                said = json.loads(answer.body)
            else:
                said = await asyncio.to_thread(json.loads, answer.body)
        except (ValueError, RecursionError):
            said = None
        if not isinstance(said, dict):
            raise Unavailable(
                f"{self._host} answered {answer.status} with what is no JSON object",
                retry_after=retry_after(answer.headers),
            )
        return said
