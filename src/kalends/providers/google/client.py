"""Requests to the Google Calendar API; the one place where statuses and network failures become the port's errors."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from kalends.net.client import GuardedClient
from kalends.net.patience import retry_after
from kalends.providers.errors import ProviderError, Unavailable
from kalends.providers.google.errors import Refusal
from kalends.providers.oauth.json_api import OK, JsonApi, read_object
from kalends.providers.oauth.stored_token import AccessToken

BASE_URL = "https://www.googleapis.com/calendar/v3"
"""Where the API is, unless somebody stands in for Google."""

_NO_CONTENT = 204
Refusals = Mapping[tuple[int, str], type[ProviderError]]
"""What a caller knows of refusals: status and reason → the error; an empty reason stands for all of that status."""


class CalendarApi(JsonApi):
    """Speaks to the API for one account. `base_url` has no slash at its end."""

    def __init__(self, client: GuardedClient, token: AccessToken, base_url: str = BASE_URL) -> None:
        super().__init__(client, token, base_url)
        self._base_url = base_url

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
        headers = {"Accept": "application/json"}
        if if_match:
            headers["If-Match"] = if_match
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json; charset=utf-8"
            content = json.dumps(body).encode()
        answer = await self._answer(method, url, headers, content)
        if answer.status == _NO_CONTENT:
            return {}
        said = await read_object(answer)
        if said is None:  # what is no object does not come from the API, whatever its status
            raise Unavailable(
                f"{self.host} answered {answer.status} with what is no JSON object",
                retry_after=retry_after(answer.headers),
            )
        if answer.status not in OK:
            refusal = Refusal.of(answer.status, said)
            known = refusals or {}
            kind = known.get((refusal.status, refusal.reason)) or known.get((refusal.status, ""))
            if kind is not None:
                raise kind(refusal.words(self.host))
            raise refusal.error(self.host, retry_after(answer.headers))
        return said
