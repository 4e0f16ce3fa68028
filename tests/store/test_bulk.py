"""Rows in bulk are stored as SQLAlchemy stores them one by one."""

import sqlite3
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Date, Integer, LargeBinary, MetaData, Table, Text, insert, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.types import JSON

from kalends.store import driver
from kalends.store.bulk import insert_many
from kalends.store.columns import UtcDateTime
from kalends.store.database import Database

KINDS = Table(
    "kinds",
    MetaData(),
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("instant", UtcDateTime),
    Column("day", Date),
    Column("said", Text),
    Column("bytes", LargeBinary),
    Column("document", JSON(none_as_null=True)),
)
IN_BULK, AS_USUAL = insert(KINDS), insert(KINDS)
ROWS: list[tuple[Any, ...]] = [
    (1, datetime(2026, 11, 22, 9, 30, tzinfo=UTC), date(2026, 2, 28), "ü 'quoted' ☕", b"\x00\xff", {"a": [1, None]}),
    (2, datetime(2, 1, 1, 0, 0, 0, 123456, tzinfo=UTC), date(1, 1, 1), "", b"", []),
    (3, datetime(2026, 6, 1, 12, tzinfo=timezone(timedelta(hours=5, minutes=30))), None, None, None, None),
    (4, None, date(9999, 12, 31), "%s ? $1", b"'", "text"),
]


async def test_rows_in_bulk_are_what_they_are_one_by_one(database: Database) -> None:
    async with database.write() as writer:
        await writer.run_sync(KINDS.create)
        await insert_many(writer, IN_BULK, ROWS)
        await insert_many(writer, IN_BULK, [])
        for row in ROWS:
            await writer.execute(AS_USUAL, dict(zip(KINDS.columns.keys(), (row[0] + 10, *row[1:]), strict=True)))
    async with database.read() as reader:
        plain = (await reader.execute(text("SELECT * FROM kinds ORDER BY id"))).all()
        read = (await reader.execute(select(KINDS).order_by(KINDS.c.id))).all()
    assert [row[1:] for row in plain[:4]] == [row[1:] for row in plain[4:]]
    assert [tuple(row) for row in read[:4]] == ROWS


async def test_a_statement_that_does_not_take_whole_rows_is_refused(database: Database) -> None:
    async with database.write() as writer:
        with pytest.raises(TypeError, match="whole rows"):
            await insert_many(writer, insert(KINDS).values(id=1, said="x"), ROWS)


async def test_any_number_of_rows_comes_in_their_order(database: Database) -> None:
    rows = [(number, None, None, f"{number}", None, None) for number in range(256 + 64 + 16 + 4 + 3)]
    async with database.write() as writer:
        await writer.run_sync(KINDS.create)
        await insert_many(writer, IN_BULK, rows)
    async with database.read() as reader:
        assert [tuple(row) for row in await reader.execute(select(KINDS).order_by(KINDS.c.id))] == rows


async def test_nothing_follows_a_statement_that_failed(tmp_path: Path) -> None:
    connection = driver.connect(str(tmp_path / "a.db"), isolation_level=None)
    await connection
    try:
        await connection.run("execute", "CREATE TABLE kinds (id INTEGER PRIMARY KEY)", ())
        insert_one = "INSERT INTO kinds VALUES (?)"
        with pytest.raises(sqlite3.IntegrityError):
            # outside a transaction, as after a failure for which SQLite has ended it
            await connection.run_all([(insert_one, (1,)), (insert_one, (1,)), (insert_one, (2,))])
        assert (await connection.run("execute", "SELECT id FROM kinds", ()))[0] == [(1,)]
    finally:
        await connection.close()


async def test_a_row_that_is_refused_is_told_as_sqlalchemy_tells_it_and_none_is_stored(database: Database) -> None:
    async with database.write() as writer:
        await writer.run_sync(KINDS.create)
    with pytest.raises(IntegrityError) as refused:
        async with database.write() as writer:
            await insert_many(writer, IN_BULK, [*ROWS, (1, None, None, "secret", None, None)])
    assert "secret" not in str(refused.value)
    async with database.read() as reader:
        assert (await reader.execute(select(KINDS))).all() == []
