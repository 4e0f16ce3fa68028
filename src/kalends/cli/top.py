"""`kalends top`: what the installation is doing, live."""

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from kalends.cli.options import Json
from kalends.cli.output import Answer, stdout
from kalends.cli.session import finish, opened, settings_in_force

if TYPE_CHECKING:
    from kalends.cli.overview import Moment
    from kalends.settings import Settings


def top(
    *,
    once: Annotated[
        bool, typer.Option("--once", help="Print it a single time, as where there is no terminal.")
    ] = False,
    every: Annotated[
        float, typer.Option("--every", min=0.2, max=3600, metavar="SECONDS", help="Time between two looks.")
    ] = 2.0,
    json: Json = False,
) -> None:
    """Show what is being synced, what waits, how old the data is, what fails, and the latest syncs, until Ctrl-C.

    It looks at the store alone, and at all sites. With --json it prints a single document.
    """
    live = not (once or json) and stdout().is_terminal
    finish(lambda: _follow(every) if live else _once(), as_json=json)


def _once() -> Answer:
    from kalends.cli.overview import moment_document, shown_moment

    async def inside(settings: "Settings") -> "Moment":
        from kalends.cli.overview import look
        from kalends.model.clock import SystemClock

        async with opened(settings) as kalends:
            return await look(kalends.database, SystemClock().now())

    moment = asyncio.run(inside(settings_in_force()))
    return Answer(moment_document(moment), [shown_moment(moment)])


def _follow(every: float) -> None:
    from rich.live import Live

    from kalends.cli.overview import look, shown_moment
    from kalends.model.clock import SystemClock

    settings, clock = settings_in_force(), SystemClock()

    async def inside() -> None:
        async with opened(settings) as kalends:
            moment = await look(kalends.database, clock.now())
            console = stdout()
            shown = shown_moment(moment, height=console.height)
            with Live(shown, console=console, screen=True, auto_refresh=False) as live:
                while True:
                    await asyncio.sleep(every)
                    moment = await look(kalends.database, clock.now())
                    live.update(shown_moment(moment, height=console.height), refresh=True)

    with suppress(KeyboardInterrupt):
        asyncio.run(inside())
