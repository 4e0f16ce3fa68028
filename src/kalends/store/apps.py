"""Apps, which stand above sites, and their installations, which belong to one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from kalends.store.repository import SiteRepository
from kalends.store.tables import apps, installations


@dataclass(frozen=True, slots=True)
class App:
    """A client of the API; `id` is its client id, `secret_hash` the SHA-256 of its secret."""

    id: str
    name: str
    secret_hash: bytes
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Installation:
    """An app on a site; `id` is the instance id. `scopes` are scope or permission ids."""

    site_id: str
    id: str
    app_id: str
    app_name: str
    scopes: tuple[str, ...]
    premium: bool
    revoked_at: datetime | None


class Apps:
    """All apps: an app proves itself before any site is known."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, app: App, created_at: datetime) -> None:
        """Insert an app."""
        await self._connection.execute(
            insert(apps).values(id=app.id, name=app.name, secret_hash=app.secret_hash, created_at=created_at)
        )

    async def get(self, client_id: str) -> App | None:
        """Return an app by client id."""
        row = (await self._connection.execute(select(apps).where(apps.c.id == client_id))).one_or_none()
        return App(row.id, row.name, row.secret_hash, row.revoked_at) if row else None

    async def installations(self, client_id: str) -> Sequence[Installation]:
        """Return where the app is installed, on any site, without what was revoked."""
        query = _installations().where(apps.c.id == client_id, installations.c.revoked_at.is_(None))
        return [_installation(row) for row in await self._connection.execute(query)]


class Installations(SiteRepository):
    """The apps on one site."""

    async def add(self, installation: Installation, created_at: datetime) -> None:
        """Insert an installation."""
        await self._connection.execute(
            insert(installations).values(
                site_id=self._site_id,
                id=installation.id,
                app_id=installation.app_id,
                scopes=list(installation.scopes),
                premium=installation.premium,
                created_at=created_at,
            )
        )

    async def all(self) -> Sequence[Installation]:
        """Return the site's installations, by name of the app."""
        query = _installations().where(installations.c.site_id == self._site_id).order_by(apps.c.name, apps.c.id)
        return [_installation(row) for row in await self._connection.execute(query)]

    async def get(self, app_id: str) -> Installation | None:
        """Return the installation of an app on this site."""
        query = _installations().where(installations.c.site_id == self._site_id, installations.c.app_id == app_id)
        row = (await self._connection.execute(query)).one_or_none()
        return _installation(row) if row else None

    async def revoke(self, app_id: str, at: datetime) -> None:
        """End the installation of an app on this site."""
        await self._connection.execute(
            update(installations)
            .where(installations.c.site_id == self._site_id, installations.c.app_id == app_id)
            .values(revoked_at=at)
        )


def _installations() -> Any:
    return select(installations, apps.c.name.label("app_name")).join(apps, apps.c.id == installations.c.app_id)


def _installation(row: Row[Any]) -> Installation:
    return Installation(row.site_id, row.id, row.app_id, row.app_name, tuple(row.scopes), row.premium, row.revoked_at)
