"""The access token of one account: kept while it is good, renewed shortly before it runs out, or when refused."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial

from kalends.net.client import GuardedClient
from kalends.providers.base import CredentialKeeper, Credentials
from kalends.providers.errors import CredentialsRefused
from kalends.providers.google.auth import refresh

EARLY = timedelta(minutes=2)
"""How long before it runs out a token is renewed: no request begins with one that dies on the way."""


class StoredToken:
    """An access token that is part of stored credentials (`client.AccessToken`)."""

    def __init__(
        self, client: GuardedClient, config: Mapping[str, str], credentials: Credentials, keeper: CredentialKeeper
    ) -> None:
        self._client = client
        self._config = config
        self._credentials = credentials
        self._keeper = keeper

    async def __call__(self, *, refused: bool = False) -> str:
        """Return the token, or a new one in its place; raises `CredentialsRefused`, `Unavailable`."""
        if refused or not self._is_good():
            now = self._keeper.now()
            renewal = partial(refresh, self._client, self._config, now=now)
            self._credentials = await self._keeper.renew(self._credentials, renewal)
        token = self._credentials.get("access_token")
        if not isinstance(token, str):
            raise CredentialsRefused("there is no access token")
        return token

    def _is_good(self) -> bool:
        if not self._credentials.get("access_token"):
            return False
        expires_at = datetime.fromisoformat(self._credentials["expires_at"])
        return self._keeper.now() < expires_at - EARLY
