from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder
from pgqueuer.adapters.persistence.queries import Queries
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, ProgrammingError

from kalends.queue.names import NAMES, PREFIX
from kalends.store.database import Database, SchemaError, driver_refusal, head_revision
from kalends.store.tables import metadata
from tests.databases import TEMPLATE


async def test_the_migrations_make_exactly_the_tables_that_the_code_works_with(database: Database) -> None:
    def ours(name: str | None, kind: str, _parents: object) -> bool:
        return kind != "table" or not str(name).startswith(PREFIX)

    def differences(connection: Any) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"include_name": ours})
        return list(compare_metadata(context, metadata))

    async with database.read() as reader:
        assert await reader.run_sync(differences) == []


async def test_the_migrations_make_exactly_the_queue_that_the_library_works_with(migrated_postgres: str) -> None:
    server = make_url(migrated_postgres).set(database=TEMPLATE)
    opened = Database(server.render_as_string(hide_password=False))
    try:
        async with opened.dedicated() as driver:
            builders = QueryBuilderEnvironment(NAMES), QueryQueueBuilder(NAMES), QuerySchedulerBuilder(NAMES)
            queries = Queries(AsyncpgDriver(driver), *builders)
            assert (await queries.plan_upgrade()).statements == ()
            assert await queries.has_trigger(NAMES.trigger)
    finally:
        await opened.close()


async def test_an_up_to_date_schema_is_accepted(database: Database) -> None:
    await database.check_schema()
    assert await database.upgrade() == (head_revision(), head_revision())


async def test_an_empty_database_is_refused_until_it_is_upgraded(empty_postgres_url: str) -> None:
    opened = Database(empty_postgres_url)
    try:
        with pytest.raises(SchemaError, match="kalends db upgrade"):
            await opened.check_schema()
        assert await opened.upgrade() == (None, head_revision())
        await opened.check_schema()
    finally:
        await opened.close()


async def test_a_schema_of_another_version_is_refused(database: Database) -> None:
    async with database.write() as writer:
        await writer.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    with pytest.raises(SchemaError, match="has schema 0000"):
        await database.check_schema()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"username": "nobody_here"}, 'role "nobody_here" does not exist'),
        ({"database": "no_such_database"}, 'database "no_such_database" does not exist'),
        ({"port": 1}, ""),
    ],
)
async def test_a_server_that_cannot_be_used_is_told_from_a_mistake_of_ours(
    postgres_url: str, change: dict[str, Any], said: str
) -> None:
    opened = Database(make_url(postgres_url).set(**change).render_as_string(hide_password=False))
    try:
        with pytest.raises((DBAPIError, OSError)) as raised:
            await opened.schema_version()
    finally:
        await opened.close()
    refusal = driver_refusal(raised.value)
    assert isinstance(raised.value, OSError) or (refusal is not None and said in refusal)


def test_a_mistake_in_our_sql_is_no_refusal() -> None:
    assert driver_refusal(ProgrammingError("SELECT", {}, Exception("no such table"))) is None
