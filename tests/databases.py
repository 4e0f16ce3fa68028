"""Databases for the tests: SQLite and PostgreSQL, a fresh migrated one for each test."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from kalends.store.database import Database
from tests.postgres import postgres_server

ENGINES = ("sqlite", "postgresql")
TEMPLATE = "kalends_template"

MakeUrl = Callable[[str], str]


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    with postgres_server() as url:
        yield url


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "kalends.db"
    asyncio.run(_upgrade(f"sqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def migrated_postgres(postgres_url: str) -> str:
    asyncio.run(_execute(postgres_url, f"DROP DATABASE IF EXISTS {TEMPLATE}", f"CREATE DATABASE {TEMPLATE}"))
    asyncio.run(_upgrade(_sibling(postgres_url, TEMPLATE)))
    return postgres_url


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh migrated database of either engine."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def sqlite_url(migrated_sqlite: Path, tmp_path: Path) -> str:
    """A fresh migrated SQLite database."""
    path = tmp_path / "kalends.db"
    shutil.copy(migrated_sqlite, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgresql_url(migrated_postgres: str) -> Iterator[str]:
    """A fresh migrated PostgreSQL database."""
    name = f"kalends_{uuid4().hex}"
    asyncio.run(_execute(migrated_postgres, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}"))
    yield _sibling(migrated_postgres, name)
    asyncio.run(_execute(migrated_postgres, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An open database of either engine."""
    opened = Database(database_url)
    yield opened
    await opened.close()


@pytest.fixture
def empty_postgres_url(postgres_url: str) -> Iterator[str]:
    """A PostgreSQL database without a schema."""
    name = f"kalends_{uuid4().hex}"
    asyncio.run(_execute(postgres_url, f"CREATE DATABASE {name}"))
    yield _sibling(postgres_url, name)
    asyncio.run(_execute(postgres_url, f"DROP DATABASE {name} WITH (FORCE)"))


async def new_database(server: str, name: str) -> str:
    """Make a migrated database on a server of PostgreSQL, and return its URL."""
    await _execute(server, f"CREATE DATABASE {name}")
    await _upgrade(_sibling(server, name))
    return _sibling(server, name)


async def _upgrade(url: str) -> None:
    opened = Database(url)
    await opened.upgrade()
    await opened.close()


async def _execute(url: str, *statements: str) -> None:
    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"), isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        for statement in statements:
            await connection.execute(text(statement))
    await engine.dispose()


def _sibling(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)
