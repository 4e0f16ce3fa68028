"""From a command to the use cases: settings, schema, site, and every expected error as one line and an exit code."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from kalends.cli.failures import FAILED, explain
from kalends.cli.output import Answer, print_json, show, show_failure
from kalends.model.errors import schedule_not_found
from kalends.model.identity import Identity, IdentityKind, Permission

if TYPE_CHECKING:
    from kalends.app import Kalends
    from kalends.model.schedule import Site
    from kalends.settings import Settings
    from kalends.tracing.port import Tracing


@dataclass(frozen=True)
class Session:
    """What a command works with."""

    kalends: "Kalends"

    async def site(self, site_id: str | None) -> "Site":
        """Return the site that was named, or the only one there is.

        Raises `NotFound`, and `typer.BadParameter` where none was named and there is not exactly one.
        """
        if site_id is not None:
            return await self.kalends.sites.get(site_id)
        sites = await self.kalends.sites.all()
        if len(sites) == 1:
            return sites[0]
        if not sites:
            raise typer.BadParameter("There is no site yet: `kalends site create --name NAME` makes one.")
        raise typer.BadParameter(f"There are {len(sites)} sites: say which by --site.")

    async def known_schedules(self, site_id: str, schedule_ids: Sequence[str] | None) -> tuple[str, ...] | None:
        """Return the ids that a list is to be narrowed to, in lower case, None where none was given.

        Raises `NotFound` for one that the site does not have: a mistyped id must not look like an empty schedule.
        """
        if not schedule_ids:
            return None
        known = {one.id for one in await self.kalends.schedules.all(site_id)}
        for one in schedule_ids:
            if one.lower() not in known:
                raise schedule_not_found(one)
        return tuple(one.lower() for one in schedule_ids)

    async def operator(self, site_id: str | None) -> Identity:
        """Return who the operator is to the use cases of a site; raises as `site` does."""
        return operator_of((await self.site(site_id)).id)


def operator_of(site_id: str) -> Identity:
    """Return the identity of whoever runs commands on this machine: everything is permitted, on one site."""
    return Identity(IdentityKind.API_KEY, site_id, "operator", frozenset(Permission))


Work = Callable[[Session], Awaitable[Answer]]


def run(work: Work, *, as_json: bool) -> None:
    """Do the work of a command with the assembled service, and print its answer."""

    async def inside(settings: "Settings") -> Answer:
        async with opened(settings) as kalends:
            return await work(Session(kalends))

    finish(lambda: asyncio.run(inside(settings_in_force())), as_json=as_json)


def finish(work: Callable[[], Answer | None], *, as_json: bool) -> None:
    """Print what the work answers, if it has not done so itself.

    An expected error becomes one line on standard error and an exit code. With `--json` it is the document as well:
    `{"error": {"code", "message"}}`.
    """
    try:
        answer = work()
    except Exception as error:
        explained = explain(error)
        if explained is None:
            raise
        failure, code = explained
        if as_json:
            print_json({"error": failure.document()})
        show_failure(failure)
        raise typer.Exit(code) from None
    if answer is None:
        return
    show(answer, as_json=as_json)
    if answer.failure is not None:
        show_failure(answer.failure)
        raise typer.Exit(FAILED)


def settings_in_force(*, quiet: bool = True, **overrides: Any) -> "Settings":
    """Return the settings, options of the command over them, and have the log written; raises `SettingsError`."""
    from kalends.settings import load

    settings = load(**overrides)
    write_log(settings, quiet=quiet)
    return settings


def require_postgres(settings: "Settings", command: str) -> None:
    """Raise `SettingsError` where a command is of no use with an embedded database, which one process works on."""
    from kalends.settings import SettingsError

    if settings.embedded:
        raise SettingsError(
            f"`kalends {command}` needs PostgreSQL (KALENDS_DATABASE_URL): the embedded database belongs to one "
            "process, and `kalends serve` does its syncs."
        )


def write_log(settings: "Settings", *, quiet: bool) -> None:
    """Have the log written to standard error; `quiet` leaves warnings only, unless a level was set."""
    from kalends import logs

    if quiet and "log_level" not in settings.model_fields_set:
        settings = settings.model_copy(update={"log_level": "warning"})
    logs.set_up(settings)


@asynccontextmanager
async def opened(settings: "Settings", *, tracing: "Tracing | None" = None) -> AsyncIterator["Kalends"]:
    """Assemble the service on a database whose schema is right: an embedded one is brought up to date.

    Without `tracing`, nothing is traced. Raises `SettingsError`, `PluginError`, `SchemaError`.
    """
    from kalends.app import assemble
    from kalends.store.database import head_revision

    async with assemble(settings, tracing=tracing) as kalends:
        if kalends.database.embedded and await kalends.database.schema_version() != head_revision():
            await kalends.database.upgrade()
        await kalends.database.check_schema()
        yield kalends
