"""Listening to the statements that reach a database."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from kalends.store.database import Database

_WRITES = re.compile(r"^\s*(INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+\"?(\w+)", re.IGNORECASE)


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """Collect the text of every statement while the block runs."""
    heard: list[str] = []

    def hear(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        heard.append(statement)

    engines = [engine.sync_engine for engine in database.engines]
    for engine in engines:
        event.listen(engine, "before_cursor_execute", hear)
    try:
        yield heard
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", hear)


def written_tables(heard: list[str]) -> set[str]:
    """Return the tables that statements write to."""
    return {match.group(2) for one in heard if (match := _WRITES.match(one))}
