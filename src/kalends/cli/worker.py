"""`kalends worker`: syncs without the API."""

import asyncio
from typing import Annotated

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
    json: Json = False,
) -> None:
    """Keep the connections in sync without serving the API, until Ctrl-C or SIGTERM; any number of them may run.

    It needs PostgreSQL. What is not done within some seconds of the signal is handed back, and another goes on with it.
    """
    finish(lambda: _work(concurrency, as_json=json), as_json=json)


def _work(concurrency: int | None, *, as_json: bool) -> None:
    from kalends import __version__
    from kalends.cli.process import bridge_logs, on_signals, run_in_loop

    settings = settings_in_force(quiet=False, sync_concurrency=concurrency)
    require_postgres(settings, "worker")

    async def main() -> None:
        async with opened(settings) as kalends:
            bridge_logs()
            places, stopping = settings.sync_concurrency, asyncio.Event()
            working = asyncio.create_task(kalends.worker.run(stopping))

            def stop() -> None:
                if stopping.is_set():
                    working.cancel()
                stopping.set()

            with on_signals(stop):
                said = line("Kalends", __version__, "works,", f"{places} syncs at a time")
                document = {"version": __version__, "concurrency": places}
                show(Answer(document, [said, line("Ctrl-C ends it.", style="dim")]), as_json=as_json)
                await asyncio.wait({working})
            if not working.cancelled():
                working.result()

    run_in_loop(main())
