"""What repositories have in common: an open transaction and, but for a few named exceptions, one site."""

from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

KEYS_PER_STATEMENT = 500
T = TypeVar("T")


class AlreadyThere(Exception):
    """A row of that key is there already, by a transaction that ended just before."""


class SiteRepository:
    """Reads and writes the rows of one site in an open transaction; never commits."""

    def __init__(self, connection: AsyncConnection, site_id: str) -> None:
        self._connection = connection
        self._site_id = site_id

    @property
    def _dialect(self) -> Any:
        """What both engines spell alike, each in a module of its own: INSERT … ON CONFLICT."""
        return postgresql if self._connection.dialect.name == "postgresql" else sqlite

    async def _insert(self, adding: Insert) -> None:
        """Insert a row; raises `AlreadyThere` where another transaction was first."""
        try:
            await self._connection.execute(adding)
        except IntegrityError:
            raise AlreadyThere from None


class CalendarRepository(SiteRepository):
    """Reads and writes the rows of one calendar of a site."""

    def __init__(self, connection: AsyncConnection, site_id: str, calendar_id: str) -> None:
        super().__init__(connection, site_id)
        self._calendar_id = calendar_id

    @property
    def _whose(self) -> dict[str, str]:
        return {"site_id": self._site_id, "calendar_id": self._calendar_id}

    def _in(self, table: Any) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        return table.c.site_id == self._site_id, table.c.calendar_id == self._calendar_id

    async def is_empty(self, table: Any) -> bool:
        """Tell whether the calendar has no row in a table."""
        query = select(table.c.calendar_id).where(*self._in(table)).limit(1)
        return (await self._connection.execute(query)).first() is None

    async def _by_keys(self, query: Any, column: Any, keys: Collection[str] | None) -> list[Any]:
        """Run a query for the given keys, some at a time, or for all."""
        if keys is None:
            return list(await self._connection.execute(query))
        found: list[Any] = []
        for some in chunks(keys):
            found.extend(await self._connection.execute(query.where(column.in_(some))))
        return found


def chunks(values: Iterable[T]) -> Iterator[list[T]]:
    """Cut values into lists of as many as go into one statement."""
    rest = iter(values)
    while chunk := list(islice(rest, KEYS_PER_STATEMENT)):
        yield chunk
