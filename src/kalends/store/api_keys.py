"""API keys of a site, and tokens that were revoked before their time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from kalends.store.repository import SiteRepository
from kalends.store.tables import api_keys, revoked_tokens


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key's record; `hash` is the SHA-256 of the key itself."""

    id: str
    hash: bytes
    scopes: tuple[str, ...]
    created_at: datetime
    revoked_at: datetime | None = None


class FoundApiKey(NamedTuple):
    """A key and the site that it belongs to."""

    site_id: str
    key: ApiKey


async def find_api_key(connection: AsyncConnection, digest: bytes) -> FoundApiKey | None:
    """Return the key with this hash, revoked or not: a key proves itself before its site is known."""
    row = (await connection.execute(select(api_keys).where(api_keys.c.hash == digest))).one_or_none()
    return FoundApiKey(row.site_id, _api_key(row)) if row else None


class ApiKeys(SiteRepository):
    """The API keys of one site."""

    async def add(self, key: ApiKey) -> None:
        """Insert a key."""
        await self._connection.execute(
            insert(api_keys).values(
                site_id=self._site_id, id=key.id, hash=key.hash, scopes=list(key.scopes), created_at=key.created_at
            )
        )

    async def all(self) -> Sequence[ApiKey]:
        """Return all keys, the oldest first."""
        query = select(api_keys).where(api_keys.c.site_id == self._site_id).order_by(api_keys.c.created_at)
        return [_api_key(row) for row in await self._connection.execute(query)]

    async def revoke(self, key_id: str, at: datetime) -> bool:
        """End a key; tell whether there was such a one."""
        changed = await self._connection.execute(
            update(api_keys).where(api_keys.c.site_id == self._site_id, api_keys.c.id == key_id).values(revoked_at=at)
        )
        return changed.rowcount > 0


class RevokedTokens(SiteRepository):
    """Tokens of one site that must not be taken any more although they have not expired."""

    async def add(self, token_id: str, expires_at: datetime) -> None:
        """Note a token."""
        if not await self.holds(token_id):
            await self._connection.execute(
                insert(revoked_tokens).values(site_id=self._site_id, token_id=token_id, expires_at=expires_at)
            )

    async def holds(self, token_id: str) -> bool:
        """Tell whether the token was revoked."""
        query = select(revoked_tokens.c.token_id).where(
            revoked_tokens.c.site_id == self._site_id, revoked_tokens.c.token_id == token_id
        )
        return (await self._connection.execute(query)).one_or_none() is not None


def _api_key(row: Row[Any]) -> ApiKey:
    return ApiKey(row.id, row.hash, tuple(row.scopes), row.created_at, row.revoked_at)
