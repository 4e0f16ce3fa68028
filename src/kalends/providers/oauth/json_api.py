"""Requests to an API that speaks JSON and lets in whoever has an account's access token (RFC 6750 §2.1)."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from kalends.net.client import GuardedClient, Response
from kalends.net.credentials import BearerCredentials, CredentialScope
from kalends.net.errors import NetError
from kalends.providers.errors import CredentialsRefused, from_net
from kalends.providers.oauth.stored_token import AccessToken

OK = range(200, 300)
_UNAUTHORIZED = 401
_LARGE = 65_536
"""Bytes of an answer from which on the event loop gets its turn while it is read."""


class JsonApi:
    """Speaks to an API for one account. The access token goes to where `url` is, and to nobody else."""

    def __init__(self, client: GuardedClient, token: AccessToken, url: str) -> None:
        self._client = client
        self._token = token
        self._host = urlsplit(url).hostname or ""
        self._scope = CredentialScope(url, client.policy)

    @property
    def host(self) -> str:
        """Whom it asks, to be named in messages."""
        return self._host

    async def _answer(self, method: str, url: str, headers: Mapping[str, str], content: bytes | None) -> Response:
        """Send a request and return the answer, whatever its status. A token that is refused is asked for anew, once.

        Raises `ProviderError`: `CredentialsRefused` where there is no token that could be sent, `Unavailable` where
        there is no answer.
        """
        answer = await self._send(method, url, headers, content, await self._token())
        if answer.status == _UNAUTHORIZED:
            answer = await self._send(method, url, headers, content, await self._token(refused=True))
        return answer

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None, token: str
    ) -> Response:
        try:
            credentials = BearerCredentials(token, self._scope)
        except ValueError:
            raise CredentialsRefused("the access token is none that could be sent") from None
        try:
            return await self._client.request(method, url, headers=headers, content=content, credentials=credentials)
        except NetError as error:
            raise from_net(error) from error


async def read_object(answer: Response) -> Mapping[str, Any] | None:
    """Return the JSON object that an answer is, of any size and whatever its status; None where it is none."""
    if len(answer.body) < _LARGE:
        return object_in(answer.body)
    return await asyncio.to_thread(object_in, answer.body)


def object_in(body: bytes) -> Mapping[str, Any] | None:
    """Return the JSON object that a body is, None where it is none."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None
