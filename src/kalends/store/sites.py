"""Sites: the tenants themselves, so this repository is bound to none."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from kalends.model.copy import CopyChanges
from kalends.model.provider import ConnectScopes
from kalends.model.schedule import Site, Titles
from kalends.store.tables import sites


class Sites:
    """All sites, in an open transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, site: Site) -> None:
        """Insert a site."""
        await self._connection.execute(insert(sites).values(**_values(site), id=site.id, created_at=site.created_at))

    async def get(self, site_id: str) -> Site | None:
        """Return a site, None where there is none of that id."""
        row = (await self._connection.execute(select(sites).where(sites.c.id == site_id))).one_or_none()
        return _site(row) if row else None

    async def lock(self, site_id: str, *, shared: bool = False) -> None:
        """Keep everybody else from changing the site until the transaction ends; what decides is read after this.

        `shared` lets others hold it in the same way. On SQLite a transaction that writes is alone anyway.
        """
        # no stronger than needed: who inserts a row of the site holds on to the site's key
        query = select(sites.c.id).where(sites.c.id == site_id)
        await self._connection.execute(query.with_for_update(read=shared, key_share=not shared))

    async def all(self) -> Sequence[Site]:
        """Return all sites, the oldest first."""
        rows = await self._connection.execute(select(sites).order_by(sites.c.created_at, sites.c.id))
        return [_site(row) for row in rows]

    async def update(self, site: Site) -> None:
        """Write what can change of a site."""
        await self._connection.execute(update(sites).where(sites.c.id == site.id).values(**_values(site)))


def _values(site: Site) -> dict[str, Any]:
    return {
        "name": site.name,
        "time_zone": site.time_zone,
        "titles": site.titles.value,
        "redirect_origins": list(site.redirect_origins),
        "connect_scopes": site.connect_scopes.value,
        "copy_title": site.copy_title,
        "copy_link": site.copy_link,
        "copy_buffer": site.copy_buffer // timedelta(minutes=1),
        "copy_changes": site.copy_changes.value,
    }


def _site(row: Row[Any]) -> Site:
    return Site(
        row.id,
        row.name,
        row.time_zone,
        Titles(row.titles),
        tuple(row.redirect_origins),
        row.created_at,
        ConnectScopes(row.connect_scopes),
        row.copy_title,
        row.copy_link,
        CopyChanges(row.copy_changes),
        timedelta(minutes=row.copy_buffer),
    )
