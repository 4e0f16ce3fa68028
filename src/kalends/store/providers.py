"""Providers that were installed on a site."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update

from kalends.store.repository import SiteRepository
from kalends.store.tables import providers


@dataclass(frozen=True, slots=True)
class Install:
    """A provider of some kind, installed on a site."""

    site_id: str
    id: str
    kind: str
    name: str
    config: Mapping[str, str]
    removed_at: datetime | None = None
    secrets: bytes | None = field(default=None, repr=False)
    """Sealed; None where it has none."""


class Installs(SiteRepository):
    """The installed providers of one site."""

    async def add(self, install: Install, created_at: datetime) -> None:
        """Insert an installation."""
        await self._connection.execute(
            insert(providers).values(
                site_id=self._site_id,
                id=install.id,
                kind=install.kind,
                name=install.name,
                config=dict(install.config),
                secrets=install.secrets,
                created_at=created_at,
            )
        )

    async def get(self, provider_id: str) -> Install | None:
        """Return an installation by its provider id."""
        query = select(providers).where(providers.c.site_id == self._site_id, providers.c.id == provider_id)
        row = (await self._connection.execute(query)).one_or_none()
        return _install(row) if row else None

    async def all(self) -> Sequence[Install]:
        """Return all installations, the oldest first, removed ones included: connections may still name them."""
        query = (
            select(providers)
            .where(providers.c.site_id == self._site_id)
            .order_by(providers.c.created_at, providers.c.id)
        )
        return [_install(row) for row in await self._connection.execute(query)]

    async def remove(self, provider_id: str, at: datetime) -> None:
        """Note that nothing more can be connected to an installation, and erase its secrets."""
        await self._connection.execute(
            update(providers)
            .where(providers.c.site_id == self._site_id, providers.c.id == provider_id)
            .values(removed_at=at, secrets=None)
        )


def _install(row: Row[Any]) -> Install:
    return Install(row.site_id, row.id, row.kind, row.name, row.config, row.removed_at, row.secrets)
