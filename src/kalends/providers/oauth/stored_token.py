"""The access token of one account: kept while it is good, renewed shortly before it runs out, or when refused."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Protocol

from kalends.providers.base import CredentialKeeper, Credentials
from kalends.providers.errors import CredentialsRefused, Unavailable

Renewal = Callable[[Credentials, datetime], Awaitable[Credentials]]
"""Returns credentials with a new access token; given those that are kept, and the time. Raises `ProviderError`."""
EARLY = timedelta(minutes=2)
"""How long before it runs out a token is renewed: no request begins with one that dies on the way."""


class AccessToken(Protocol):
    """Knows an account's access token."""

    async def __call__(self, *, refused: bool = False) -> str:
        """Return an access token; where the one given before was refused, another one.

        Raises `ProviderError`: `CredentialsRefused` where the account's consent is no more.
        """
        ...


class HeldToken:
    """An `AccessToken` that has just been given, and is not stored yet."""

    def __init__(self, credentials: Credentials) -> None:
        self._token = str(credentials["access_token"])

    async def __call__(self, *, refused: bool = False) -> str:
        """Return the token; raises `Unavailable` where it was refused: a moment ago it was good."""
        if refused:
            raise Unavailable("the access token that was just given is refused")
        return self._token


class StoredToken:
    """An `AccessToken` that is part of stored credentials."""

    def __init__(self, renewal: Renewal, credentials: Credentials, keeper: CredentialKeeper) -> None:
        self._renewal = renewal
        self._credentials = credentials
        self._keeper = keeper

    async def __call__(self, *, refused: bool = False) -> str:
        """Return the token, or a new one in its place; raises `CredentialsRefused`, `Unavailable`."""
        if refused or not self._is_good():
            now = self._keeper.now()
            self._credentials = await self._keeper.renew(self._credentials, lambda kept: self._renewal(kept, now))
        token = self._credentials.get("access_token")
        if not isinstance(token, str):
            raise CredentialsRefused("there is no access token")
        return token

    def _is_good(self) -> bool:
        if not self._credentials.get("access_token"):
            return False
        expires_at = datetime.fromisoformat(self._credentials["expires_at"])
        return self._keeper.now() < expires_at - EARLY
