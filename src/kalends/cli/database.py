"""`kalends db`: the schema of the database."""

import asyncio

import typer

from kalends.cli.options import Json
from kalends.cli.output import Answer, line
from kalends.cli.session import finish, settings_in_force

app = typer.Typer(name="db", help="Look after the database.", no_args_is_help=True)


@app.command()
def upgrade(*, json: Json = False) -> None:
    """Bring the schema up to date. Before `serve` on PostgreSQL; an embedded database needs no such step."""
    finish(lambda: asyncio.run(_upgrade()), as_json=json)


async def _upgrade() -> Answer:
    from kalends.store.database import Database

    database = Database(settings_in_force().resolved_database_url)
    try:
        before, after = await database.upgrade()
    finally:
        await database.close()
    done = "The schema was up to date:" if before == after else "The schema is up to date now:"
    return Answer({"before": before, "after": after, "changed": before != after}, [line(done, after)])
