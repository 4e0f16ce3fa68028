"""`kalends serve`: the service itself."""

import os
from typing import Annotated

import typer

from kalends.cli.options import Json
from kalends.cli.output import Answer, line, show
from kalends.cli.session import finish, opened, require_postgres, settings_in_force


def serve(
    *,
    host: Annotated[
        str | None, typer.Option("--host", metavar="ADDRESS", help="Address to listen on, in place of KALENDS_HOST.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            "--port", metavar="PORT", min=0, max=65535, help="Port to listen on, in place of KALENDS_PORT; 0 takes any."
        ),
    ] = None,
    no_worker: Annotated[
        bool, typer.Option("--no-worker", help="Leave the syncs to `kalends worker` processes; on PostgreSQL alone.")
    ] = False,
    json: Json = False,
) -> None:
    """Serve the API and keep the connections in sync, until Ctrl-C or SIGTERM.

    An embedded database is brought up to date first; on PostgreSQL an old schema is refused.
    """
    finish(lambda: _serve(host, port, work=not no_worker, as_json=json), as_json=json)


def _serve(host: str | None, port: int | None, *, work: bool, as_json: bool) -> None:
    from kalends import __version__
    from kalends.cli import process, serving
    from kalends.tracing.starting import tracing_by

    settings = settings_in_force(quiet=False, host=host, port=port)
    if not work:
        require_postgres(settings, "serve --no-worker")
    bound = serving.listen(settings.host, settings.port)
    url = serving.url_of(bound)

    def announce() -> None:
        shown = [line("Kalends", __version__, "at", url), line("Ctrl-C ends it.", style="dim")]
        show(Answer({"url": url, "version": __version__}, shown), as_json=as_json)

    async def main() -> None:
        async with tracing_by(os.environ) as tracing, opened(settings, tracing=tracing) as kalends:
            await serving.serve(kalends, bound, ready=announce, work=work)

    with bound:
        process.run_in_loop(main())
