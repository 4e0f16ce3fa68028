"""`kalends sandbox`: stand-ins for calendar services that are elsewhere, to try things out against."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from kalends.cli.options import Json
from kalends.cli.output import CommandFailed
from kalends.cli.session import finish

if TYPE_CHECKING:
    import socket

    from starlette.applications import Starlette

_State = TypeVar("_State")

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


@app.command("microsoft")
def microsoft(
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
    """Run a stand-in for Microsoft: the identity platform (v2.0), and Microsoft Graph's calendars under /v1.0.

    Once it listens, it prints one line of JSON: url, users (each with an email and a tenantId), clientId, clientSecret.
    It keeps everything in memory, and runs until SIGINT (Ctrl-C) or SIGTERM.

    The url takes the place of both https://login.microsoftonline.com and https://graph.microsoft.com. Switches for
    time, faults, throttling, notifications and tokens are under /_sandbox.

    A seed file looks like this:
    {"users": [{"email": "a@contoso.example", "timeZone": "W. Europe Standard Time", "events": [...],
    "calendars": [{"name": "Team", "events": [...]}]}]}, with events as Graph takes them.
    """
    finish(lambda: _microsoft(port, seed), as_json=json)


def _google(port: int, seed: Path | None) -> None:
    from kalends.sandbox.clock import SandboxClock
    from kalends.sandbox.google.application import create_application
    from kalends.sandbox.google.grants import Grants
    from kalends.sandbox.google.oauth import routes
    from kalends.sandbox.google.seed import plant, plausible_week, read_seed

    clock = SandboxClock()
    state = _planted(seed, lambda text: read_seed(text, clock), lambda: plant(plausible_week(clock.now()), clock))
    users = [account.user for account in state.accounts.values()]
    grants = Grants(clock, users=users)
    client = grants.add_client("Sandbox client")
    application = create_application(state, grants, routes=routes(grants))
    _run(application, port, [{"email": user.email} for user in users], client.id, client.secret)


def _microsoft(port: int, seed: Path | None) -> None:
    from kalends.sandbox.clock import SandboxClock
    from kalends.sandbox.microsoft.application import create_application
    from kalends.sandbox.microsoft.grants import Grants
    from kalends.sandbox.microsoft.oauth import routes
    from kalends.sandbox.microsoft.seed import plant, plausible_week, read_seed

    clock = SandboxClock()
    state = _planted(seed, lambda text: read_seed(text, clock), lambda: plant(plausible_week(clock.now()), clock))
    users = [mailbox.user for mailbox in state.mailboxes.values()]
    grants = Grants(clock, users=users)
    client = grants.add_client("Sandbox client")
    application = create_application(state, grants, routes=routes(grants))
    said = [{"email": user.email, "tenantId": user.tenant_id} for user in users]
    _run(application, port, said, client.id, client.secret)


def _planted(seed: Path | None, read: Callable[[bytes], _State], usual: Callable[[], _State]) -> _State:
    """Return what a seed file describes, or what there is without one."""
    from kalends.sandbox.seeds import BadSeed

    try:
        return usual() if seed is None else read(seed.read_bytes())
    except BadSeed as bad:
        raise CommandFailed("BAD_SEED", f"The seed cannot be used. {bad}") from None
    except OSError as error:
        raise CommandFailed("BAD_SEED", f"The seed cannot be read: {error.strerror}.") from None


def _run(application: "Starlette", port: int, users: list[dict[str, str]], client_id: str, client_secret: str) -> None:
    from kalends.cli.process import run_in_loop
    from kalends.cli.serving import listen
    from kalends.sandbox.serving import HOST

    with listen(HOST, port) as bound:
        said = {"users": users, "clientId": client_id, "clientSecret": client_secret}
        run_in_loop(_serve(application, bound, said))


async def _serve(application: "Starlette", bound: "socket.socket", said: dict[str, Any]) -> None:
    from kalends.cli.process import on_signals
    from kalends.sandbox.serving import serving

    stop = asyncio.Event()
    with on_signals(stop.set):
        async with serving(application, bound) as url:
            typer.echo(json.dumps({"url": url, **said}))
            await stop.wait()
