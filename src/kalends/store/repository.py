"""What repositories have in common: an open transaction and, but for a few named exceptions, one site."""

from sqlalchemy.ext.asyncio import AsyncConnection


class SiteRepository:
    """Reads and writes the rows of one site in an open transaction; never commits."""

    def __init__(self, connection: AsyncConnection, site_id: str) -> None:
        self._connection = connection
        self._site_id = site_id
