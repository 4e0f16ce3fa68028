"""Many rows in one statement: at tens of thousands of rows, what SQLAlchemy adds to each value is most of the work.

The statements are SQLAlchemy's all the same, and so is how values are stored. SQLite takes many rows at a step, during
which Python goes on with other things, and all steps in one trip to its thread; one by one, each row would wait for its
turn among those other things.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import Dialect, Insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from kalends.store.columns import UtcDateTime
from kalends.store.driver import Connection

Row = tuple[Any, ...]
"""A value for each column of a table, in the table's order."""

_Converter = Callable[[Any], Any]

_AT_ONCE = (256, 64, 16, 4, 1)
"""Rows of a statement for SQLite: few different texts, which it keeps prepared, with at most 32,766 values each."""


class _Prepared(NamedTuple):
    """A statement as the driver takes it, and how some of a row's values are stored, by their places.

    `repeated` is the same statement for so many rows at a time, where the driver is SQLite's.
    """

    text: str
    repeated: Mapping[int, str]
    converters: tuple[tuple[int, _Converter], ...]


async def insert_many(connection: AsyncConnection, statement: Insert, rows: Sequence[Row]) -> None:
    """Insert whole rows. `statement` has to be the same object each time: it is compiled once."""
    if not rows:
        return
    prepared = _prepared(statement, connection.dialect.name, _Dialects(connection.dialect))
    stored = _stored(prepared, rows)
    driver: Any = (await connection.get_raw_connection()).driver_connection
    if not isinstance(driver, Connection):
        await connection.exec_driver_sql(prepared.text, stored)
        return
    try:
        await driver.run_all([*_together(prepared, stored)])
    except sqlite3.Error as error:
        raise DBAPIError.instance(
            prepared.text, None, error, sqlite3.Error, hide_parameters=True, dialect=connection.dialect
        ) from error


def _together(prepared: _Prepared, rows: Sequence[Row]) -> Iterator[tuple[str, Row]]:
    """Yield statements for many rows each, with their values."""
    done = 0
    for size, text in prepared.repeated.items():
        while len(rows) - done >= size:
            yield text, tuple(chain.from_iterable(rows[done : done + size]))
            done += size


def _stored(prepared: _Prepared, rows: Sequence[Row]) -> list[Row]:
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
    for place, convert in prepared.converters:
        columns[place] = [None if value is None else convert(value) for value in columns[place]]
    return list(zip(*columns, strict=True))


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
    text = str(compiled)
    row = f"({', '.join('?' * len(columns))})"
    repeated = {size: text.replace(f"VALUES {row}", f"VALUES {', '.join([row] * size)}") for size in _AT_ONCE}
    return _Prepared(text, repeated if name == "sqlite" else {}, tuple(converters))


def _as_sqlite_writes_it(value: datetime) -> str:
    """Return an instant as `UtcDateTime` has SQLite keep it."""
    in_utc = value if value.tzinfo is UTC else value.astimezone(UTC)
    return in_utc.isoformat(" ", "microseconds")[:26]
