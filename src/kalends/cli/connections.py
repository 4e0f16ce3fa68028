"""`kalends connection`: accounts that are connected to schedules."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from kalends.cli.options import WAIT_SECONDS, Json, SiteId, Timeout, the_one
from kalends.cli.output import Answer, instant, stderr, table
from kalends.cli.secrets import read_secret
from kalends.cli.session import Session, run
from kalends.cli.shown_connections import shown_connection, shown_exports, shown_inspection, shown_status
from kalends.model.connection import ExportTarget
from kalends.model.copy import Privacy

if TYPE_CHECKING:
    from kalends.connections.views import ConnectionView
    from kalends.model.identity import Identity

app = typer.Typer(name="connection", help="Connect accounts to schedules and look after them.", no_args_is_help=True)

Argument = Annotated[str | None, typer.Argument(metavar="[CONNECTION]", help="The connection.", show_default=False)]
Option = Annotated[
    str | None, typer.Option("--connection", metavar="ID", help="The connection, in place of CONNECTION.")
]


Schedule = Annotated[str, typer.Option("--schedule", metavar="ID", help="The schedule to connect to.")]
Provider = Annotated[
    str,
    typer.Option(
        "--provider", metavar="ID", help="The provider that the account is at: its id, or a name that only it has."
    ),
]


@app.command()
def connect(
    *,
    site: SiteId = None,
    schedule: Schedule,
    provider: Provider,
    email: Annotated[str, typer.Option("--email", metavar="ADDRESS", help="The account's e-mail address.")],
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input, not from a prompt.")
    ] = False,
    timeout: Timeout = WAIT_SECONDS,
    json: Json = False,
) -> None:
    """Connect an account by e-mail address and password, and wait for the first import.

    The same account and schedule again give the same connection, with the new password.
    """
    password = read_secret("Password", from_stdin=password_stdin, option="--password-stdin")

    async def work(session: Session) -> Answer:
        kalends = session.kalends
        operator = await session.operator(site)
        at = await kalends.directory.named(operator.site_id, provider)
        view = await kalends.connecting.by_credentials(
            operator, provider_id=at.id, schedule_id=schedule, email=email, password=password
        )
        return await _imported(session, operator, view, timedelta(seconds=timeout), as_json=json)

    run(work, as_json=json)


@app.command("connect-feed")
def connect_feed(
    *,
    site: SiteId = None,
    schedule: Schedule,
    provider: Provider,
    url_stdin: Annotated[
        bool, typer.Option("--url-stdin", help="Read the address from standard input, not from a prompt.")
    ] = False,
    timeout: Timeout = WAIT_SECONDS,
    json: Json = False,
) -> None:
    """Connect a calendar feed (an ICS file at a web address), and wait for the first import.

    Its address is asked for: whoever knows it can read the calendar, so that it is kept as a password is. The same
    address and schedule again give the same connection.
    """
    url = read_secret("Address", from_stdin=url_stdin, option="--url-stdin").strip()

    async def work(session: Session) -> Answer:
        kalends = session.kalends
        operator = await session.operator(site)
        at = await kalends.directory.named(operator.site_id, provider)
        view = await kalends.connecting.by_feed(operator, provider_id=at.id, schedule_id=schedule, url=url)
        return await _imported(session, operator, view, timedelta(seconds=timeout), as_json=json)

    run(work, as_json=json)


@app.command("connect-delegated")
def connect_delegated(
    *,
    site: SiteId = None,
    schedule: Schedule,
    provider: Provider,
    email: Annotated[str, typer.Option("--email", metavar="ADDRESS", help="The address of the mailbox.")],
    any_mailbox: Annotated[
        bool, typer.Option("--any-mailbox", help="Connect it though it is not that of the schedule's owner.")
    ] = False,
    timeout: Timeout = WAIT_SECONDS,
    json: Json = False,
) -> None:
    """Connect a mailbox that an administrator has opened to a provider, and wait for the first import.

    Nobody is asked for consent. Who connected which mailbox is written down.
    """

    async def work(session: Session) -> Answer:
        kalends = session.kalends
        operator = await session.operator(site)
        at = await kalends.directory.named(operator.site_id, provider)
        view = await kalends.delegating.connect(
            operator, provider_id=at.id, schedule_id=schedule, email=email, any_mailbox=any_mailbox
        )
        return await _imported(session, operator, view, timedelta(seconds=timeout), as_json=json)

    run(work, as_json=json)


@app.command("connect-oauth")
def connect_oauth(
    *,
    site: SiteId = None,
    schedule: Schedule,
    provider: Provider,
    redirect_url: Annotated[
        str,
        typer.Option(
            "--redirect-url",
            metavar="URL",
            help="Where the browser goes in the end, with connectionId or error in its query; an origin of the site's.",
        ),
    ],
    json: Json = False,
) -> None:
    """Print a link at which the owner of an account, at Google say, connects it in a browser.

    The link is good for ten minutes, and once. Give it to nobody but the owner of the schedule.
    """

    async def work(session: Session) -> Answer:
        kalends = session.kalends
        operator = await session.operator(site)
        at = await kalends.directory.named(operator.site_id, provider)
        url = await kalends.authorizing.begin(
            operator, provider_id=at.id, schedule_id=schedule, redirect_url=redirect_url
        )
        return Answer({"oauthUrl": url}, [Text(url, no_wrap=True, overflow="ignore")])

    run(work, as_json=json)


async def _imported(
    session: Session, operator: "Identity", view: "ConnectionView", within: timedelta, *, as_json: bool
) -> Answer:
    """Wait for the first import of what was just connected, and tell how it went."""
    from kalends.cli.inspection import connection_document, run_document
    from kalends.cli.syncing import waited, watched

    kalends, connection = session.kalends, view.connection
    waiting = kalends.asking.wait(connection, connection.wanted_rev, within=within)
    done = await watched(kalends.database, [connection], waiting, console=None if as_json else stderr())
    result = await waited(kalends.database, connection, done=done)
    view = await kalends.connections.get(operator, connection.id)
    document = connection_document(view) | {"run": run_document(result.run) if result.run else None}
    return Answer(document, [*shown_connection(view), result.summary], result.failure)


@app.command("list")
def list_(
    *,
    site: SiteId = None,
    schedule: Annotated[
        list[str] | None, typer.Option("--schedule", metavar="ID", help="Only of this schedule; may be repeated.")
    ] = None,
    json: Json = False,
) -> None:
    """List connections, the oldest first, disconnected ones included."""

    async def work(session: Session) -> Answer:
        from kalends.cli.inspection import connection_document

        operator = await session.operator(site)
        of_schedules = await session.known_schedules(operator.site_id, schedule)
        found = await session.kalends.connections.list(operator, schedule_ids=of_schedules, partial_failure=False)
        rows = [
            (
                one.connection.id,
                one.connection.schedule_id,
                one.provider.name,
                one.connection.account_email,
                shown_status(one.connection),
                instant(one.connection.last_good_read_at),
            )
            for one in found.connections
        ]
        return Answer(
            {"connections": [connection_document(one) for one in found.connections]},
            [table(("connection", "schedule", "provider", "account", "status", "last good read"), rows)],
        )

    run(work, as_json=json)


@app.command()
def show(*, connection_id: Argument = None, site: SiteId = None, connection: Option = None, json: Json = False) -> None:
    """Show a connection: its calendars, the latest syncs, and the events that could not be read."""
    wanted = the_one(connection_id, connection, "connection")

    async def work(session: Session) -> Answer:
        from kalends.cli.inspection import connection_document, inspect, inspection_document

        view = await session.kalends.connections.get(await session.operator(site), wanted)
        known = session.kalends.directory.kind(view.provider).quirks
        found = await inspect(session.kalends.database, view.connection, known)
        document = connection_document(view) | inspection_document(found)
        return Answer(document, [*shown_connection(view), *shown_inspection(found)])

    run(work, as_json=json)


@app.command()
def sync(
    *,
    connection_id: Argument = None,
    site: SiteId = None,
    connection: Option = None,
    timeout: Timeout = WAIT_SECONDS,
    json: Json = False,
) -> None:
    """Sync a connection now and wait until it is done: by the running server, or here where none runs."""
    wanted = the_one(connection_id, connection, "connection")

    async def work(session: Session) -> Answer:
        from kalends.cli.inspection import run_document
        from kalends.cli.syncing import waited, watched
        from kalends.connections.calendars import not_connected
        from kalends.model.connection import Status

        kalends = session.kalends
        found = (await kalends.connections.get(await session.operator(site), wanted)).connection
        if found.status is Status.DISCONNECTED:
            raise not_connected()
        asking = kalends.asking.sync(found, within=timedelta(seconds=timeout))
        done = await watched(kalends.database, [found], asking, console=None if json else stderr())
        result = await waited(kalends.database, found, done=done)
        document: dict[str, Any] = {"connectionId": found.id}
        if result.run is not None:
            document |= run_document(result.run)
        if result.failure is not None:
            document |= {"error": result.failure.document()}
        return Answer(document, [result.summary], result.failure)

    run(work, as_json=json)


@app.command()
def export(
    *,
    connection_id: Argument = None,
    site: SiteId = None,
    connection: Option = None,
    on: Annotated[bool, typer.Option("--on", help="Export from now on.")] = False,
    off: Annotated[bool, typer.Option("--off", help="Export no more, and take the copies away.")] = False,
    target: Annotated[
        ExportTarget | None,
        typer.Option(
            "--target",
            metavar="primary|dedicated",
            help="To which calendar of the account; by default to one that is made for it, where one can be.",
        ),
    ] = None,
    privacy: Annotated[
        Privacy | None,
        typer.Option(
            "--privacy",
            metavar="full|title|busy",
            help="What copies show: everything, the title, or only that the time is taken.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Choose whether, to where and how much of the schedule's events is exported; without options, show it.

    The running server does what follows from it; without one, the next `kalends connection sync` does.
    """
    wanted = the_one(connection_id, connection, "connection")
    if on and off:
        raise typer.BadParameter("Give --on or --off, not both.")

    async def work(session: Session) -> Answer:
        from kalends.cli.inspection import exports_document
        from kalends.connections.sync_config import ExportChange, SyncConfigChange

        operator, services = await session.operator(site), session.kalends.services
        if privacy is not None:
            # first, so that nothing is exported that shows more
            await services.copy_privacy.choose(operator, wanted, privacy)
        if on or off or target is not None:
            change = ExportChange(on if on or off else None, target)
            await services.sync_configs.update(operator, wanted, SyncConfigChange(exports=change))
        health = await session.kalends.health.get(operator, wanted)
        document = {"connectionId": health.connection.id, "exports": exports_document(health.exports)}
        return Answer(document, [shown_exports(health.exports)])

    run(work, as_json=json)


@app.command()
def disconnect(
    *, connection_id: Argument = None, site: SiteId = None, connection: Option = None, json: Json = False
) -> None:
    """Disconnect: what was imported is deleted here, what was exported there, and the credentials are erased."""
    wanted = the_one(connection_id, connection, "connection")

    async def work(session: Session) -> Answer:
        from kalends.cli.inspection import connection_document

        view = await session.kalends.disconnecting.disconnect(await session.operator(site), wanted)
        return Answer(connection_document(view), shown_connection(view))

    run(work, as_json=json)
