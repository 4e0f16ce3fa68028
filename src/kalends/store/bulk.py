"""Many rows in one statement: at tens of thousands of rows, what SQLAlchemy adds to each value is most of the work.

The statements are SQLAlchemy's all the same, and so is how values are stored.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Dialect, Insert
from sqlalchemy.ext.asyncio import AsyncConnection

from kalends.store.tables import UtcDateTime

Row = Mapping[str, Any]
_Converter = Callable[[Any], Any]


class _Prepared(NamedTuple):
    """A statement as the driver takes it: its text, what it takes of a row, in order, and how some of it is stored."""

    text: str
    values: Callable[[Row], tuple[Any, ...]]
    converters: tuple[tuple[int, _Converter], ...]


async def insert_many(connection: AsyncConnection, statement: Insert, rows: Iterable[Row]) -> None:
    """Insert rows, which have a value for each column that the statement names, as `Insert.values(…)` does with names.

    `statement` has to be the same object each time: it is compiled once.
    """
    prepared = _prepared(statement, connection.dialect.name, _Dialects(connection.dialect))
    taken = [_stored(prepared, row) for row in rows]
    if taken:
        await connection.exec_driver_sql(prepared.text, taken)


def _stored(prepared: _Prepared, row: Row) -> tuple[Any, ...]:
    values = prepared.values(row)
    if not prepared.converters:
        return values
    stored = list(values)
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
    names = tuple(compiled.positiontup or ())
    types = {bind.key: bind.type for bind in compiled.binds.values()}
    converters = []
    for place, key in enumerate(names):
        if isinstance(types[key], UtcDateTime):
            if name == "sqlite":
                converters.append((place, _as_sqlite_writes_it))
        elif (convert := types[key].dialect_impl(given.dialect).bind_processor(given.dialect)) is not None:
            converters.append((place, convert))
    return _Prepared(str(compiled), itemgetter(*names), tuple(converters))


def _as_sqlite_writes_it(value: datetime) -> str:
    """Return an instant as `UtcDateTime` has SQLite keep it."""
    return value.astimezone(UTC).isoformat(" ", "microseconds")[:26]
