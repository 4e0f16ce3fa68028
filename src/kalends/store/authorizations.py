"""People who are on their way to a provider and back, to connect an account by OAuth."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from kalends.store.repository import SiteRepository
from kalends.store.tables import authorizations


@dataclass(frozen=True, slots=True)
class Authorization:
    """One way to a provider and back; `state_hash` and what follows are there once it was confirmed.

    The hashes are of the token in the link, of the state that goes to the provider and comes back, and of the cookie
    that the confirming browser holds. `secrets` are sealed. `asked_by` is who asked:
    `{kind, id, permissions, premium}`.
    """

    site_id: str
    id: str
    link_hash: bytes
    provider_id: str
    schedule_id: str
    redirect_url: str
    asked_by: Mapping[str, Any]
    expires_at: datetime
    state_hash: bytes | None = None
    browser_hash: bytes | None = None
    secrets: bytes | None = None
    insists: bool = False


class Authorizations(SiteRepository):
    """The ways of one site."""

    async def add(self, one: Authorization) -> None:
        """Insert a way that begins."""
        await self._connection.execute(
            insert(authorizations).values(
                site_id=self._site_id,
                id=one.id,
                link_hash=one.link_hash,
                provider_id=one.provider_id,
                schedule_id=one.schedule_id,
                redirect_url=one.redirect_url,
                asked_by=dict(one.asked_by),
                expires_at=one.expires_at,
                insists=one.insists,
            )
        )

    async def confirm(
        self,
        before: Authorization,
        *,
        state_hash: bytes,
        browser_hash: bytes,
        secrets: bytes,
        expires_at: datetime,
        insists: bool,
    ) -> bool:
        """Send a way on to the provider; tell whether it stood where it did before: it goes on but once."""
        was = authorizations.c.state_hash
        stood = was.is_(None) if before.state_hash is None else was == before.state_hash
        confirmed = await self._connection.execute(
            update(authorizations)
            .where(authorizations.c.site_id == self._site_id, authorizations.c.id == before.id, stood)
            .values(
                state_hash=state_hash,
                browser_hash=browser_hash,
                secrets=secrets,
                expires_at=expires_at,
                insists=insists,
            )
        )
        return confirmed.rowcount == 1

    async def take(self, one: Authorization) -> bool:
        """End a way that came back; tell whether it was still there: it ends but once."""
        taken = await self._connection.execute(
            delete(authorizations).where(
                authorizations.c.site_id == self._site_id,
                authorizations.c.id == one.id,
                authorizations.c.state_hash == one.state_hash,
            )
        )
        return taken.rowcount == 1


async def find_by_link(connection: AsyncConnection, link_hash: bytes) -> Authorization | None:
    """Return the way that begins at a link, of whichever site: the link alone says which."""
    return await _find(connection, authorizations.c.link_hash == link_hash)


async def find_by_state(connection: AsyncConnection, state_hash: bytes) -> Authorization | None:
    """Return the way that a state came back from, of whichever site: the state alone says which."""
    return await _find(connection, authorizations.c.state_hash == state_hash)


async def _find(connection: AsyncConnection, condition: ColumnElement[bool]) -> Authorization | None:
    row = (await connection.execute(select(authorizations).where(condition))).one_or_none()
    return _authorization(row) if row else None


def _authorization(row: Row[Any]) -> Authorization:
    return Authorization(
        site_id=row.site_id,
        id=row.id,
        link_hash=row.link_hash,
        provider_id=row.provider_id,
        schedule_id=row.schedule_id,
        redirect_url=row.redirect_url,
        asked_by=row.asked_by,
        expires_at=row.expires_at,
        state_hash=row.state_hash,
        browser_hash=row.browser_hash,
        secrets=row.secrets,
        insists=row.insists,
    )
