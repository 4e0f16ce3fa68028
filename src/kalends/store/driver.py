"""SQLite's driver, with one trip to its thread for each statement.

`aiosqlite` makes four of a query: for a cursor, for the statement, for its rows, and to close the cursor. A trip costs
more than most statements do.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Self

import aiosqlite

Description = tuple[tuple[str, None, None, None, None, None, None], ...]
Done = tuple[Sequence[Any], Description | None, int, int | None]
"""Rows, description, row count, and the id of the last row, as `sqlite3.Cursor` has them."""


class Connection(aiosqlite.Connection):
    """A connection whose cursors cost nothing by themselves."""

    def __init__(self, connector: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connector, iter_chunk_size=1)
        # as SQLAlchemy does: a connection that nobody closed must not keep the process from ending
        self._thread.daemon = True

    def cursor(self) -> "Cursor":  # type: ignore[override] # what SQLAlchemy asks for: something to be entered
        """Return a cursor."""
        return Cursor(self)

    async def run(self, method: str, statement: str, parameters: Iterable[Any]) -> "Done":
        """Execute a statement in the connection's thread; raises what `sqlite3` raises."""
        done: Done = await self._execute(_run, self._conn, method, statement, parameters)  # type: ignore[no-untyped-call] # as aiosqlite's own cursor does
        return done

    async def run_all(self, statements: Sequence[tuple[str, Sequence[Any]]]) -> None:
        """Execute statements one after the other in one trip, up to the first that fails; raises what that raised.

        None may follow a failure: SQLite ends the transaction for some, and what follows would be kept by itself.
        """
        await self._execute(_run_all, self._conn, statements)  # type: ignore[no-untyped-call] # as above


class Cursor:
    """What SQLAlchemy's dialect uses of `aiosqlite.Cursor`. All rows come with the statement that asks for them."""

    arraysize = 1

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: Sequence[Any] = ()
        self.description: Description | None = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    async def __aenter__(self) -> Self:
        """Return itself."""
        return self

    async def execute(self, statement: str, parameters: Iterable[Any] = ()) -> Self:
        """Execute a statement; raises what `sqlite3` raises."""
        return await self._run("execute", statement, parameters)

    async def executemany(self, statement: str, parameters: Iterable[Iterable[Any]]) -> Self:
        """Execute a statement for each of some rows; raises what `sqlite3` raises."""
        return await self._run("executemany", statement, parameters)

    async def fetchall(self) -> Sequence[Any]:
        """Return the rows, once."""
        rows, self._rows = self._rows, ()
        return rows

    async def close(self) -> None:
        """Forget the rows."""
        self._rows = ()

    async def _run(self, method: str, statement: str, parameters: Iterable[Any]) -> Self:
        self._rows, self.description, self.rowcount, self.lastrowid = await self._connection.run(
            method, statement, parameters
        )
        return self


def connect(database: str, **options: Any) -> Connection:
    """Return a connection, to be awaited; what it takes is what `sqlite3.connect` takes."""
    return Connection(partial(sqlite3.connect, database, **options))


def _run(connection: sqlite3.Connection, method: str, statement: str, parameters: Iterable[Any]) -> Done:
    cursor = connection.cursor()
    try:
        getattr(cursor, method)(statement, parameters)
        rows = cursor.fetchall() if cursor.description else ()
        return rows, cursor.description, cursor.rowcount, cursor.lastrowid
    finally:
        cursor.close()


def _run_all(connection: sqlite3.Connection, statements: Sequence[tuple[str, Sequence[Any]]]) -> None:
    cursor = connection.cursor()
    try:
        for statement, parameters in statements:
            cursor.execute(statement, parameters)
    finally:
        cursor.close()
