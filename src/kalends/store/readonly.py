"""Looking at a database without leaving a trace: nothing is made, migrated or written.

SQLite, even where it only reads, puts two files beside a database in WAL mode that no program has open, and leaves them
there. Such a file is therefore opened as one that nobody changes (https://www.sqlite.org/uri.html, `immutable`).
"""

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from alembic.runtime.migration import MigrationContext
from sqlalchemy import event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

CONNECT_SECONDS = 10
STEPS_BETWEEN_LOOKS = 10_000
"""After how many steps of SQLite's machine it is seen whether time is up: well under a millisecond of work."""


class NotClosed(Exception):
    """An SQLite file was left in the middle of its work; only a program that may write can finish it."""


class TooLong(Exception):
    """A question was given up, because it took longer than was granted."""


class ReadOnlyDatabase:
    """Where the data is, for reading alone. `patience` bounds what one transaction may take on SQLite."""

    def __init__(self, url: str, patience: timedelta) -> None:
        self._url = make_url(url)
        self._patience = patience
        self.embedded = self._url.get_backend_name() == "sqlite"

    @property
    def path(self) -> Path:
        """The SQLite file."""
        return Path(self._url.database or "")

    @property
    def files(self) -> dict[Path, os.stat_result]:
        """The SQLite file and what SQLite keeps beside it, as far as they are there and this user gets at them."""
        found = {}
        for path in (self.path, _beside(self.path, "-wal"), _beside(self.path, "-shm")):
            with suppress(OSError):
                found[path] = path.stat()
        return found

    @property
    def place(self) -> str:
        """What the database is called to people: its file, or `host:port/name`."""
        if self.embedded:
            return str(self.path)
        return f"{self._url.host or 'localhost'}:{self._url.port or 5432}/{self._url.database or ''}"

    @property
    def name(self) -> str:
        """The name of the PostgreSQL database."""
        return self._url.database or ""

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that only reads, over a connection of its own.

        Raises `NotClosed`, `TooLong`, and whatever the driver raises where the database cannot be used.
        """
        engine = self._sqlite() if self.embedded else self._postgresql()
        try:
            async with engine.connect() as connection:
                yield connection
        except OperationalError as error:
            if str(error.orig) == "interrupted":
                raise TooLong from None
            raise
        finally:
            await engine.dispose()

    async def schema_version(self) -> str | None:
        """Return the revision of the schema in the database, None where there is none."""
        async with self.read() as connection:
            return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())

    async def version(self) -> str:
        """Return the version of the database program."""
        ask = "SELECT sqlite_version()" if self.embedded else "SHOW server_version"
        async with self.read() as connection:
            return str((await connection.execute(text(ask))).scalar_one())

    async def clock(self) -> datetime | None:
        """Return what the clock of the server says; None for SQLite, which has none of its own."""
        if self.embedded:
            return None
        async with self.read() as connection:
            told: datetime = (await connection.execute(text("SELECT clock_timestamp()"))).scalar_one()
        return told.astimezone(UTC)

    async def damage(self) -> str | None:
        """Return the first damage that `PRAGMA quick_check` finds in an SQLite file, None where it finds none."""
        async with self.read() as connection:
            said = str((await connection.execute(text("PRAGMA quick_check(1)"))).scalar_one())
        return None if said == "ok" else said.splitlines()[0]

    def _sqlite(self) -> AsyncEngine:
        log = _beside(self.path, "-wal")
        at_rest = not log.exists() or log.stat().st_size == 0
        if not at_rest and not _beside(self.path, "-shm").exists():
            raise NotClosed
        query = {"mode": "ro", "uri": "true"} | ({"immutable": "1"} if at_rest else {})
        url = URL.create("sqlite+aiosqlite", database=f"file:{quote(str(self.path.absolute()))}", query=query)
        engine = create_async_engine(url, poolclass=NullPool, hide_parameters=True)
        ends = time.monotonic() + self._patience.total_seconds()

        def time_is_up() -> bool:
            return time.monotonic() > ends

        @event.listens_for(engine.sync_engine, "connect")
        def _bound(connection: Any, _record: object) -> None:
            connection.run_async(lambda raw: raw.set_progress_handler(time_is_up, STEPS_BETWEEN_LOOKS))

        return engine

    def _postgresql(self) -> AsyncEngine:
        return create_async_engine(
            self._url.set(drivername="postgresql+asyncpg"),
            poolclass=NullPool,
            hide_parameters=True,
            connect_args={"timeout": CONNECT_SECONDS},
            execution_options={"postgresql_readonly": True},
        )


def sqlstate(error: BaseException) -> str | None:
    """Return the code by which PostgreSQL says what is wrong, None where an error carries none."""
    cause = getattr(error, "orig", None) or error
    found = getattr(cause, "sqlstate", None) or getattr(cause.__cause__, "sqlstate", None)
    return str(found) if found else None


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)
