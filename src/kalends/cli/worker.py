"""`kalends worker`: syncs without the API."""

import os
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Annotated, Any

import typer

from kalends.cli.options import Json
from kalends.cli.output import Answer, line, show
from kalends.cli.session import finish, opened, require_postgres, settings_in_force


def worker(
    *,
    concurrency: Annotated[
        int | None,
        typer.Option(
            "--concurrency",
            metavar="N",
            min=1,
            max=100,
            help="Connections synced at a time, in place of KALENDS_SYNC_CONCURRENCY.",
        ),
    ] = None,
    metrics_port: Annotated[
        int | None,
        typer.Option(
            "--metrics-port",
            metavar="PORT",
            min=0,
            max=65535,
            help="Port on which to serve /metrics, /healthz and /readyz, in place of KALENDS_WORKER_METRICS_PORT; "
            "0 takes any.",
        ),
    ] = None,
    metrics_host: Annotated[
        str | None,
        typer.Option(
            "--metrics-host",
            metavar="ADDRESS",
            help="Address on which to serve them, in place of KALENDS_WORKER_METRICS_HOST.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Keep the connections in sync without serving the API, until Ctrl-C or SIGTERM; any number of them may run.

    It needs PostgreSQL. What is not done within some seconds of the signal is handed back, and another goes on with it.
    """
    options = {
        "sync_concurrency": concurrency,
        "worker_metrics_port": metrics_port,
        "worker_metrics_host": metrics_host,
    }
    finish(lambda: _work(options, as_json=json), as_json=json)


def _work(options: Mapping[str, Any], *, as_json: bool) -> None:
    from kalends import __version__
    from kalends.cli import serving
    from kalends.cli.process import run_in_loop
    from kalends.tracing.starting import tracing_by

    settings = settings_in_force(quiet=False, **options)
    require_postgres(settings, "worker")
    bound = None
    if settings.worker_metrics_port is not None:
        bound = serving.listen(settings.worker_metrics_host, settings.worker_metrics_port, option="--metrics-port")

    def announce() -> None:
        said = [line("Kalends", __version__, "works,", f"{settings.sync_concurrency} syncs at a time")]
        document = {"version": __version__, "concurrency": settings.sync_concurrency}
        if bound is not None:
            document |= {"metricsUrl": f"{serving.url_of(bound)}/metrics"}
            said.append(line("Monitors ask", document["metricsUrl"]))
        show(Answer(document, [*said, line("Ctrl-C ends it.", style="dim")]), as_json=as_json)

    async def main() -> None:
        async with tracing_by(os.environ) as tracing, opened(settings, tracing=tracing) as kalends:
            await serving.work(kalends, bound, ready=announce)

    with bound or nullcontext():
        run_in_loop(main())
