"""The database: engines, transactions, schema version.

SQLite has one writer behind a lock (`BEGIN IMMEDIATE`) and readers of their own (`BEGIN`), in WAL mode;
PostgreSQL uses one pool for both.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection as SyncConnection
from sqlalchemy import event, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DatabaseError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from kalends.store import driver

BUSY_TIMEOUT_MS = 10_000
PAGES_OF_LOG = 4_000
"""Pages (4 KiB) that SQLite's log takes before they go to its own file: an import changes some of them often."""
DEDICATED = {"timeout": 10, "command_timeout": 30}
"""Seconds that a dedicated connection may take to be made, and to answer: on a dead line, nothing else would end it."""
IDLE_TIMEOUT_MS = 15_000
"""How long a transaction may stand still: a process that was stopped, or its whole machine, keeps no rows locked."""
AFTER_COMMIT = "kalends_after_commit"
UNUSABLE = ("08", "28", "3D", "42501", "53", "57")
"""PostgreSQL's classes of errors about connecting, authorization, databases, privileges, resources and intervention."""

Transaction = AsyncConnection
"""An open transaction, as the layers above hand it on without knowing what is behind it."""


class SchemaError(Exception):
    """The database's schema is not the one that this version works with."""


class Database:
    """Where the data is. `url` as `sqlite:///file` or `postgresql://user@host/name`."""

    def __init__(self, url: str) -> None:
        self.url = _async_url(make_url(url))
        self.embedded = self.url.get_backend_name() == "sqlite"
        if self.embedded:
            self._writer = self._sqlite_engine("BEGIN IMMEDIATE", pool_size=1)
            self._reader = self._sqlite_engine("BEGIN", pool_size=5)
        else:
            self._writer = self._reader = self._postgres_engine()
        self._writing = asyncio.Lock()

    @property
    def engines(self) -> tuple[AsyncEngine, ...]:
        """The engines in use, for listeners."""
        return (self._writer, self._reader) if self.embedded else (self._writer,)

    def _sqlite_engine(self, begin: str, pool_size: int) -> AsyncEngine:
        if self.url.database and self.url.database != ":memory:":
            path = Path(self.url.database)
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not path.exists():
                path.touch(mode=0o600)  # it will hold titles of events
        engine = create_async_engine(
            self.url,
            pool_size=pool_size,
            max_overflow=0,
            hide_parameters=True,
            connect_args={"async_creator_fn": driver.connect},
        )

        @event.listens_for(engine.sync_engine, "connect")
        def _prepare(connection: Any, _record: object) -> None:
            connection.isolation_level = None
            cursor = connection.cursor()
            cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
            cursor.execute("PRAGMA journal_mode = WAL")
            cursor.execute("PRAGMA synchronous = NORMAL")
            cursor.execute(f"PRAGMA wal_autocheckpoint = {PAGES_OF_LOG}")
            cursor.execute("PRAGMA foreign_keys = ON")
            cursor.close()

        @event.listens_for(engine.sync_engine, "invalidate")
        def _release(connection: Any, _record: object, _error: object) -> None:
            # cancelled in the middle of a statement, a closed connection keeps its lock until it is collected
            with suppress(Exception):
                connection.rollback()

        @event.listens_for(engine.sync_engine, "begin")
        def _begin(connection: SyncConnection) -> None:
            connection.exec_driver_sql(begin)

        return engine

    def _postgres_engine(self) -> AsyncEngine:
        engine = create_async_engine(self.url, pool_size=10, max_overflow=10, hide_parameters=True)

        @event.listens_for(engine.sync_engine, "connect")
        def _prepare(connection: Any, _record: object) -> None:
            # as a statement: poolers refuse parameters of the start-up that they do not know
            statement = f"SET idle_in_transaction_session_timeout = {IDLE_TIMEOUT_MS}"
            connection.run_async(lambda driver: driver.execute(statement))

        return engine

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that writes; it is committed at the end, rolled back where an error leaves it.

        Keep it short: at most about 2,000 rows, and never across a request to a provider.
        """
        calls: list[Callable[[], None]] = []
        async with AsyncExitStack() as stack:
            if self.embedded:
                await stack.enter_async_context(self._writing)
            connection = await stack.enter_async_context(self._writer.begin())
            connection.info[AFTER_COMMIT] = calls
            yield connection
        for call in calls:
            call()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that only reads."""
        async with self._reader.connect() as connection:
            yield connection

    @asynccontextmanager
    async def dedicated(self) -> AsyncIterator[Any]:
        """Open a connection of PostgreSQL's driver apart from the pool, for who listens or stays long.

        Yields an `asyncpg.Connection`; raises what the driver raises where the server cannot be reached.
        """
        engine = create_async_engine(self.url, poolclass=NullPool, hide_parameters=True, connect_args=DEDICATED)
        try:
            async with engine.connect() as connection:
                yield (await connection.get_raw_connection()).driver_connection
        finally:
            await engine.dispose()

    async def close(self) -> None:
        """Close all connections."""
        for engine in self.engines:
            await engine.dispose()

    async def ping(self) -> None:
        """Read something trivial; whatever it raises means that the database is not there."""
        async with self.read() as connection:
            await connection.execute(select(1))

    async def schema_version(self) -> str | None:
        """Return the revision of the schema in the database, None where there is none yet."""
        async with self.read() as connection:
            return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())

    async def check_schema(self) -> None:
        """Raise `SchemaError` unless the schema is the one that this version works with."""
        found, wanted = await self.schema_version(), head_revision()
        if found != wanted:
            state = "holds no schema" if found is None else f"has schema {found}, not {wanted}"
            raise SchemaError(f"The database {state}. Run `kalends db upgrade` first.")

    async def upgrade(self) -> tuple[str | None, str | None]:
        """Bring the schema to this version's; return the revisions before and after.

        Raises `SchemaError` where the database holds a schema that this version does not know.
        """
        before = await self.schema_version()
        try:
            async with self.write() as connection:
                await connection.run_sync(_upgrade)
        except CommandError as error:
            raise SchemaError(f"The schema cannot be upgraded: {error}") from None
        return before, await self.schema_version()


def after_commit(transaction: Transaction, call: Callable[[], None]) -> None:
    """Have something done once a transaction of `Database.write` is committed, and never where it is rolled back."""
    transaction.info[AFTER_COMMIT].append(call)


def driver_refusal(error: BaseException) -> str | None:
    """Return what the database said where an error means that it cannot be used; None for any other error.

    Only the first line: drivers quote statements and parameters in those that follow.
    """
    match error:
        case OperationalError() | InterfaceError():
            cause = error.orig or error
        case DatabaseError() if type(error) is DatabaseError:
            cause = error.orig or error
        case DBAPIError() if str(getattr(error.orig, "sqlstate", "")).startswith(UNUSABLE):
            cause = error.orig or error
        case asyncpg.PostgresError() | asyncpg.InterfaceError():
            cause = error
        case _:
            return None
    return (str(cause).strip() or type(cause).__name__).splitlines()[0]


@cache
def head_revision() -> str | None:
    """Return the schema revision that this version works with."""
    return ScriptDirectory.from_config(_alembic_config()).get_current_head()


def known_revisions() -> frozenset[str]:
    """Return the schema revisions that this version knows: its own and those that it can bring up to it."""
    return frozenset(one.revision for one in ScriptDirectory.from_config(_alembic_config()).walk_revisions())


def _upgrade(connection: SyncConnection) -> None:
    config = _alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def _async_url(url: URL) -> URL:
    drivers = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
    return url.set(drivername=drivers[url.get_backend_name()])
