"""`kalends demo`: everything at once, to look at."""

import asyncio
import os
from collections.abc import Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from json import dumps as json_text
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urljoin
from zoneinfo import ZoneInfo

import typer
from rich.text import Text

from kalends.cli.options import WAIT_SECONDS, Json
from kalends.cli.output import Answer, CommandFailed, line, show, stderr, table
from kalends.cli.session import finish, opened, write_log

if TYPE_CHECKING:
    import socket

    from rich.console import Console, RenderableType

    from kalends.app import Kalends
    from kalends.connections.events import ListedEvent
    from kalends.connections.views import ConnectionView
    from kalends.demo.sandboxes import RunningSandbox
    from kalends.demo.seeding import Seeded
    from kalends.demo.server import RunningServer
    from kalends.settings import Settings

DATA_DIR = Path(".local/demo")
TOKEN_FILE = "token"  # noqa: S105 - its name
"""Holds the token of the last run, for commands that are pasted from the documents."""
DAYS = 7


def demo(
    *,
    port: Annotated[
        int | None,
        typer.Option(
            "--port", metavar="PORT", min=0, max=65535, help="Port to listen on, in place of KALENDS_PORT; 0 takes any."
        ),
    ] = None,
    data_dir: Annotated[
        Path, typer.Option("--data-dir", metavar="FOLDER", help="Where the demo keeps everything.")
    ] = DATA_DIR,
    once: Annotated[bool, typer.Option("--once", help="End when everything was imported; serve nothing.")] = False,
    json: Json = False,
) -> None:
    """Run a calendar server, connect two schedules to it, import, show the coming week, and serve the API.

    Ctrl-C ends it. Run again, it goes on with what is there and makes nothing twice.
    """
    finish(lambda: _demo(port, data_dir, once=once, as_json=json), as_json=json)


@dataclass(frozen=True)
class Shown:
    """What the demo shows once everything is imported."""

    seeded: "Seeded"
    server: "RunningServer"
    connections: "Sequence[ConnectionView]"
    events: "Sequence[ListedEvent]"
    schedule_names: dict[str, str]

    def document(self) -> dict[str, Any]:
        """Return it as `--json` prints it."""
        from kalends.api.events import EventMessage
        from kalends.cli.inspection import connection_document

        return {
            "siteId": self.seeded.site.id,
            "token": self.seeded.token,
            "calendarServer": {"url": self.server.url, "password": self.server.password},
            "connections": [connection_document(one) for one in self.connections],
            "events": [
                EventMessage.of(one).model_dump(mode="json", by_alias=True, exclude_none=True) for one in self.events
            ],
        }

    def tables(self) -> "list[RenderableType]":
        """Return the connections and the coming week."""
        from kalends.cli.events import events_table

        site = self.seeded.site
        connections = table(
            ("schedule", "provider", "account", "status", "imported calendars"),
            [
                (
                    self.schedule_names[one.connection.schedule_id],
                    one.provider.name,
                    one.connection.account_email,
                    Text(one.connection.status, style="green"),
                    ", ".join(str(chosen.name) for chosen in one.connection.import_config.calendars),
                )
                for one in self.connections
            ],
            title="Connections",
        )
        week = events_table(
            self.events,
            self.schedule_names,
            ZoneInfo(site.time_zone),
            f"What blocks them in the coming week ({site.time_zone})",
        )
        return [connections, Text(), week, Text()]


def _demo(port: int | None, data_dir: Path, *, once: bool, as_json: bool) -> None:
    from kalends.cli import process, serving
    from kalends.demo.lock import alone_in
    from kalends.demo.server import DemoFailed
    from kalends.demo.settings import demo_settings

    settings = demo_settings(data_dir, port=port)
    write_log(settings, quiet=True)
    with ExitStack() as stack:
        bound = None if once else stack.enter_context(serving.listen(settings.host, settings.port))
        try:
            stack.enter_context(alone_in(data_dir))
            process.run_in_loop(_run(settings, bound, as_json=as_json))
        except DemoFailed as failed:
            raise CommandFailed("DEMO_FAILED", str(failed)) from None


async def _run(settings: "Settings", bound: "socket.socket | None", *, as_json: bool) -> None:
    from kalends.cli import serving
    from kalends.demo.calendars import demo_accounts
    from kalends.demo.pages import DemoPages
    from kalends.demo.sandboxes import google_sandbox, microsoft_sandbox
    from kalends.demo.seeding import STAFF, offer
    from kalends.demo.server import calendar_server
    from kalends.demo.settings import reaching

    url = None if bound is None else serving.url_of(bound)
    progress = None if as_json else stderr()
    if progress is not None:
        progress.print(line("Starting a calendar server and connecting two schedules to it …", style="dim"))
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(
            calendar_server(settings.data_dir / "caldav", demo_accounts(datetime.now(UTC)))
        )
        making = (google_sandbox, microsoft_sandbox) if url else ()
        sandboxes = [await stack.enter_async_context(make()) for make in making]
        kalends = await stack.enter_async_context(opened(reaching(settings, server.address, url, sandboxes)))
        shown = await prepare(kalends, server, progress)
        _keep(shown.seeded.token, settings.data_dir / TOKEN_FILE)

        def announce() -> None:
            hints = serving_hints(shown, url, sandboxes) if url else once_hints(settings)
            show(Answer(shown.document(), [*shown.tables(), *hints]), as_json=as_json)

        if bound is None or url is None:
            announce()
        else:
            providers = await offer(kalends, shown.seeded, url, [sandbox.kind for sandbox in sandboxes])
            pages = DemoPages(kalends, shown.seeded.operator, providers, STAFF[0].schedule_id, url)
            await serving.serve(kalends, bound, ready=announce, beside=pages.routes())


def _keep(token: str, file: Path) -> None:
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as kept:
        kept.write(token + "\n")


async def prepare(kalends: "Kalends", server: "RunningServer", progress: "Console | None") -> Shown:
    """Seed the database, wait for the imports, and read what is shown; raises `CommandFailed` where one fails."""
    from kalends.cli.syncing import waited, watched
    from kalends.connections.queries import EventQuery
    from kalends.demo.seeding import seed
    from kalends.model.connection import Status
    from kalends.model.time import Window, midnight

    seeded = await seed(kalends, server)
    within = timedelta(seconds=WAIT_SECONDS)
    imports = asyncio.gather(*(kalends.asking.wait(one, one.wanted_rev, within=within) for one in seeded.connections))
    done = await watched(kalends.database, seeded.connections, imports, console=progress)
    for connection, reached in zip(seeded.connections, done, strict=True):
        failure = (await waited(kalends.database, connection, done=reached)).failure
        if failure is not None:
            raise CommandFailed(failure.code, failure.message)
    zone = ZoneInfo(seeded.site.time_zone)
    today = midnight(datetime.now(zone).date(), zone)
    week = EventQuery(Window(today, today + timedelta(days=DAYS)), personal=True, limit=1_000)
    page = await kalends.events.first(seeded.operator, week)
    listed = await kalends.connections.list(seeded.operator, schedule_ids=None, partial_failure=False)
    return Shown(
        seeded,
        server,
        [one for one in listed.connections if one.connection.status is not Status.DISCONNECTED],
        page.events,
        {one.id: one.name for one in await kalends.schedules.all(seeded.site.id)},
    )


def serving_hints(shown: Shown, url: str, sandboxes: Sequence["RunningSandbox"]) -> list[Text]:
    """Return where the API is and how to call it, ready to paste."""
    from kalends.demo.pages import CONNECT_PATH
    from kalends.demo.seeding import STAFF

    schedule_id, token = STAFF[0].schedule_id, shown.seeded.token
    curl = (
        f"curl '{url}/bookings/v2/external-calendars/connections?scheduleIds={schedule_id}' \\\n"
        f"  -H 'Authorization: {token}'"
    )
    return [
        Text.assemble(("Kalends is at ", "bold"), (url, "bold cyan")),
        Text("\nWith curl:", style="bold"),
        Text(curl),
        Text("\nWith the official SDK (more in docs/sdk.md):", style="bold"),
        Text(_SDK.format(url=url, schedule_id=schedule_id, token=token)),
        *event_hints(shown, url),
        Text("\nConnect an account of a sandbox, which stands in for the real thing, in your browser:", style="bold"),
        *(Text(f"{url}{CONNECT_PATH}/{sandbox.kind}  {sandbox.account}") for sandbox in sandboxes),
        Text(),
        line("Ctrl-C ends it.", style="dim"),
    ]


def event_hints(shown: Shown, url: str) -> list[Text]:
    """Return how to make an event, and where to see it in a calendar; nothing where nobody has one for it."""
    found = next((one.connection for one in shown.connections if one.connection.export.dedicated_calendar), None)
    if found is None:
        return []
    day = (datetime.now(UTC) + timedelta(days=1)).date()
    event = {
        "scheduleId": found.schedule_id,
        "title": "Haircut",
        "start": {"localDate": f"{day}T10:00:00"},
        "end": {"localDate": f"{day}T11:00:00"},
    }
    calendar = urljoin(shown.server.url, found.export.dedicated_calendar)
    return [
        Text("\nMake an event, and see it in the calendar of whose schedule it is:", style="bold"),
        Text(
            f"curl '{url}/calendar/v3/events' -H 'Authorization: {shown.seeded.token}' \\\n"
            f"  -H 'Content-Type: application/json' -d '{json_text({'event': event})}'\n"
            f"curl -u '{found.account_email}:{shown.server.password}' '{calendar}'"
        ),
    ]


def once_hints(settings: "Settings") -> list[Text]:
    """Return how to serve what the demo leaves behind."""
    return [line(f"To serve this: KALENDS_DATA_DIR={settings.data_dir} kalends serve")]


_SDK = """\
import {{ createClient }} from '@wix/sdk';
import {{ externalCalendars }} from '@wix/bookings';

const client = createClient({{
  modules: {{ externalCalendars }},
  auth: {{ getAuthHeaders: async () => ({{ headers: {{ Authorization: '{token}' }} }}) }},
  fetch: (input, init) => {{
    const {{ pathname, search }} = new URL(input);
    return fetch(new URL(pathname + search, '{url}'), init);
  }},
}});
console.log(await client.externalCalendars.listConnections({{ scheduleIds: ['{schedule_id}'] }}));
"""
