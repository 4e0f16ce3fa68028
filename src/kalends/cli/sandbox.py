"""`kalends sandbox`: stand-ins for calendar services that are elsewhere, to try things out against."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kalends.cli.options import Json
from kalends.cli.output import CommandFailed
from kalends.cli.session import finish

if TYPE_CHECKING:
    import socket

    from starlette.applications import Starlette

    from kalends.sandbox.stand_in import StandIn

Port = Annotated[
    int, typer.Option("--port", metavar="PORT", min=0, max=65535, help="Port to listen on; 0 takes any free one.")
]
Seed = Annotated[
    Path | None,
    typer.Option(
        "--seed", metavar="FILE", help="JSON file with users, their calendars and events; else a plausible week."
    ),
]

app = typer.Typer(
    name="sandbox",
    help="Run local stand-ins for calendar services, to test against. They listen on this machine only.",
    no_args_is_help=True,
)


@app.callback()
def sandbox() -> None:
    """Run local stand-ins for calendar services, to test against. They listen on this machine only."""


@app.command("google")
def google(
    *,
    port: Port = 0,
    seed: Seed = None,
    json: Json = False,
) -> None:
    """Run a stand-in for Google: OAuth, OpenID, and Google Calendar API v3 under /calendar/v3.

    Once it listens, it prints one line of JSON: url, users (each with an email), clientId, clientSecret. It keeps
    everything in memory, and runs until SIGINT (Ctrl-C) or SIGTERM.

    Google's own clients find it by their option api_endpoint, which is the URL with /calendar/v3/ after it. Switches
    for time, faults, push notifications and quotas are under /_sandbox.

    A seed file looks like this:
    {"users": [{"email": "a@example.com", "timeZone": "Europe/Berlin", "events": [...],
    "calendars": [{"summary": "Team", "events": [...]}]}]}, with events as events.insert takes them.
    """
    from kalends.sandbox.google.stand_in import google as stand_in

    finish(lambda: _run(stand_in, port, seed), as_json=json)


@app.command("microsoft")
def microsoft(
    *,
    port: Port = 0,
    seed: Seed = None,
    json: Json = False,
) -> None:
    """Run a stand-in for Microsoft: the identity platform (v2.0), and Microsoft Graph's calendars under /v1.0.

    Once it listens, it prints one line of JSON: url, users (each with an email and a tenantId), clientId, clientSecret.
    It keeps everything in memory, and runs until SIGINT (Ctrl-C) or SIGTERM.

    The url takes the place of both https://login.microsoftonline.com and https://graph.microsoft.com. Switches for
    time, faults, throttling, notifications and tokens are under /_sandbox.

    A seed file looks like this:
    {"users": [{"email": "a@contoso.example", "timeZone": "W. Europe Standard Time", "events": [...],
    "calendars": [{"name": "Team", "events": [...]}]}]}, with events as Graph takes them.
    """
    from kalends.sandbox.microsoft.stand_in import microsoft as stand_in

    finish(lambda: _run(stand_in, port, seed), as_json=json)


def _run(make: "Callable[[str, bytes | None], StandIn]", port: int, seed: Path | None) -> None:
    from kalends.cli.process import run_in_loop
    from kalends.cli.serving import listen
    from kalends.sandbox.seeds import BadSeed
    from kalends.sandbox.serving import HOST

    try:
        made = make("Sandbox client", None if seed is None else seed.read_bytes())
    except BadSeed as bad:
        raise CommandFailed("BAD_SEED", f"The seed cannot be used. {bad}") from None
    except OSError as error:
        raise CommandFailed("BAD_SEED", f"The seed cannot be read: {error.strerror}.") from None
    with listen(HOST, port) as bound:
        said = {"users": made.users, "clientId": made.client_id, "clientSecret": made.client_secret}
        run_in_loop(_serve(made.application, bound, said))


async def _serve(application: "Starlette", bound: "socket.socket", said: dict[str, Any]) -> None:
    from kalends.cli.process import on_signals
    from kalends.sandbox.serving import serving

    stop = asyncio.Event()
    with on_signals(stop.set):
        async with serving(application, bound) as url:
            typer.echo(json.dumps({"url": url, **said}))
            await stop.wait()
