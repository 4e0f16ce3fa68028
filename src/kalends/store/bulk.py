"""Many rows in one statement: at tens of thousands of rows, what SQLAlchemy adds to each value is most of the work.

The statements are SQLAlchemy's all the same, and so is how values are stored.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Dialect, Insert
from sqlalchemy.ext.asyncio import AsyncConnection

from kalends.store.tables import UtcDateTime

Row = tuple[Any, ...]
"""A value for each column of a table, in the table's order."""

_Converter = Callable[[Any], Any]


class _Prepared(NamedTuple):
    """A statement as the driver takes it, and how some of a row's values are stored, by their places."""

    text: str
    converters: tuple[tuple[int, _Converter], ...]


async def insert_many(connection: AsyncConnection, statement: Insert, rows: Sequence[Row]) -> None:
    """Insert whole rows. `statement` has to be the same object each time: it is compiled once."""
    if rows:
        prepared = _prepared(statement, connection.dialect.name, _Dialects(connection.dialect))
        await connection.exec_driver_sql(prepared.text, [_stored(prepared, row) for row in rows])


def _stored(prepared: _Prepared, row: Row) -> Row:
    stored = list(row)
    for place, convert in prepared.converters:
        if stored[place] is not None:
            stored[place] = convert(stored[place])
    return tuple(stored)


class _Dialects:
    """A dialect that does not count where a statement is looked up: all of one name compile it alike."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Dialects)

    def __hash__(self) -> int:
        return 0


@cache
def _prepared(statement: Insert, name: str, given: _Dialects) -> _Prepared:
    compiled = statement.compile(dialect=given.dialect)
    columns = list(statement.table.columns)
    if list(compiled.positiontup or ()) != [column.name for column in columns]:
        raise TypeError("a statement for whole rows names each column of its table once, in their order")
    converters = []
    for place, column in enumerate(columns):
        if isinstance(column.type, UtcDateTime):
            if name == "sqlite":
                converters.append((place, _as_sqlite_writes_it))
        elif (convert := column.type.dialect_impl(given.dialect).bind_processor(given.dialect)) is not None:
            converters.append((place, convert))
    return _Prepared(str(compiled), tuple(converters))


def _as_sqlite_writes_it(value: datetime) -> str:
    """Return an instant as `UtcDateTime` has SQLite keep it."""
    in_utc = value if value.tzinfo is UTC else value.astimezone(UTC)
    return in_utc.isoformat(" ", "microseconds")[:26]
