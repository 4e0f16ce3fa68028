"""`kalends sandbox`: stand-ins for calendar services that are elsewhere, to try things out against."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kalends.cli.options import Json
from kalends.cli.output import CommandFailed
from kalends.cli.session import finish

if TYPE_CHECKING:
    import socket

    from starlette.applications import Starlette

    from kalends.sandbox.google.state import State

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
    port: Annotated[
        int, typer.Option("--port", metavar="PORT", min=0, max=65535, help="Port to listen on; 0 takes any free one.")
    ] = 0,
    seed: Annotated[
        Path | None,
        typer.Option(
            "--seed", metavar="FILE", help="JSON file with users, their calendars and events; else a plausible week."
        ),
    ] = None,
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
    finish(lambda: _google(port, seed), as_json=json)


def _google(port: int, seed: Path | None) -> None:
    from kalends.cli.process import run_in_loop
    from kalends.cli.serving import listen
    from kalends.sandbox.clock import SandboxClock
    from kalends.sandbox.google.application import create_application
    from kalends.sandbox.google.grants import Grants
    from kalends.sandbox.google.oauth import routes
    from kalends.sandbox.google.serving import HOST

    clock = SandboxClock()
    state = _planted(seed, clock)
    users = [account.user for account in state.accounts.values()]
    grants = Grants(clock, users=users)
    client = grants.add_client("Sandbox client")
    application = create_application(state, grants, routes=routes(grants))
    with listen(HOST, port) as bound:
        said = {
            "users": [{"email": user.email} for user in users],
            "clientId": client.id,
            "clientSecret": client.secret,
        }
        run_in_loop(_serve(application, bound, said))


def _planted(seed: Path | None, clock: Any) -> "State":
    from kalends.sandbox.google.seed import BadSeed, plant, plausible_week, read_seed

    try:
        return plant(plausible_week(clock.now()), clock) if seed is None else read_seed(seed.read_bytes(), clock)
    except BadSeed as bad:
        raise CommandFailed("BAD_SEED", f"The seed cannot be used. {bad}") from None
    except OSError as error:
        raise CommandFailed("BAD_SEED", f"The seed cannot be read: {error.strerror}.") from None


async def _serve(application: "Starlette", bound: "socket.socket", said: dict[str, Any]) -> None:
    from kalends.cli.process import on_signals
    from kalends.sandbox.google.serving import serving

    stop = asyncio.Event()
    with on_signals(stop.set):
        async with serving(application, bound) as url:
            typer.echo(json.dumps({"url": url, **said}))
            await stop.wait()
