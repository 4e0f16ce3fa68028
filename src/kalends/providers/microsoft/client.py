"""Requests to Microsoft Graph; the one place where statuses and network failures become the port's errors."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from kalends.net.client import GuardedClient
from kalends.net.patience import retry_after
from kalends.providers.errors import Unavailable
from kalends.providers.microsoft.errors import Refusal
from kalends.providers.oauth.json_api import OK, JsonApi, read_object
from kalends.providers.oauth.stored_token import AccessToken

PATH = "/v1.0"
"""Where the API is below Graph's address."""
PREFERENCES = 'IdType="ImmutableId", outlook.timezone="UTC", outlook.body-content-type="text"'
"""Ids that stay when an event is moved between folders, times in UTC, and descriptions, which nobody asked for, short.

Source: "Get immutable identifiers for Outlook resources"; the header `Prefer` of the calendar methods.
"""
_LONGEST_LINK = 16_384


class GraphApi(JsonApi):
    """Speaks to Graph for one mailbox. `root` has no slash at its end; `mailbox` are the path segments to it."""

    def __init__(
        self, client: GuardedClient, token: AccessToken, root: str, mailbox: tuple[str, ...] = ("me",)
    ) -> None:
        super().__init__(client, token, root)
        self._base_url = root + PATH
        self._mailbox = mailbox

    def url(self, *path: str, **parameters: str) -> str:
        """Return the address of something in the mailbox; the segments are not yet percent-encoded."""
        url = self.root(*self._mailbox, *path)
        return f"{url}?{urlencode(parameters, quote_via=quote, safe='$,()')}" if parameters else url

    def resource(self, *path: str) -> str:
        """Return how Graph names something in the mailbox, where it is not asked for but spoken about."""
        return "/" + "/".join((*self._mailbox, *path))

    def root(self, *path: str) -> str:
        """Return the address of something beside the mailboxes; the segments are not yet percent-encoded."""
        return "/".join([self._base_url, *(quote(part, safe="") for part in path)])

    def link(self, said: Mapping[str, Any], name: str) -> str | None:
        """Return a link of an answer, which is opaque and to be followed as it is, None where there is none.

        Raises `Unavailable` for one that leads elsewhere.
        """
        found = said.get(name)
        if found is None:
            return None
        if not isinstance(found, str) or len(found) > _LONGEST_LINK or not found.startswith(f"{self._base_url}/"):
            raise Unavailable(f"{self.host} answered a link that leads elsewhere")
        return found

    async def get(self, url: str, *, prefer: str = "", followed: bool = False) -> Mapping[str, Any]:
        """Ask for what is at an address; `prefer` goes beside the `PREFERENCES`; see `call`."""
        return await self.call("GET", url, prefer=prefer, followed=followed)

    async def call(
        self,
        method: str,
        url: str,
        body: Mapping[str, Any] | None = None,
        *,
        prefer: str = "",
        followed: bool = False,
        version: str = "",
    ) -> Mapping[str, Any]:
        """Send a request and return the JSON object that answers it, empty where there is nothing to say.

        `followed` tells that the address is a link of Graph's own, with a token in it; `version` is the etag of what
        alone is to be changed, empty for whatever is there. An access token that is refused is asked for anew, once.
        Raises what `Refusal.error` says, and `Unavailable` for what is no answer of Graph's.
        """
        headers = {"Accept": "application/json", "Prefer": ", ".join(filter(None, (PREFERENCES, prefer)))}
        if version:
            headers["If-Match"] = version
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body).encode()
        answer = await self._answer(method, url, headers, content)
        if answer.status in OK and not answer.body:
            return {}
        said = await read_object(answer)
        if answer.status not in OK:  # a refusal may have no object, or none of Graph's
            refusal = Refusal.of(answer.status, said or {}, followed=followed)
            raise refusal.error(self.host, retry_after(answer.headers))
        if said is None:
            raise Unavailable(f"{self.host} answered {answer.status} with what is no JSON object")
        return said
