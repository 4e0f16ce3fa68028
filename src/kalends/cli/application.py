"""All commands together."""

import sys
from io import TextIOWrapper
from typing import Annotated

import typer

from kalends import __version__
from kalends.cli import (
    api_keys,
    apps,
    attending,
    config,
    conflicts,
    connections,
    database,
    demo,
    doctor,
    events,
    events_of_schedules,
    providers,
    sandbox,
    schedules,
    serve,
    sites,
    tokens,
    top,
    users,
    worker,
)
from kalends.cli.failures import WRONG_USAGE
from kalends.cli.output import Failure, show_failure
from kalends.cli.secrets import is_text

app = typer.Typer(
    name="kalends",
    help="Kalends, a self-hosted external calendar service.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command("serve")(serve.serve)
app.command("worker")(worker.worker)
app.command("demo")(demo.demo)
app.command("config")(config.config)
app.command("doctor")(doctor.doctor)
app.command("top")(top.top)
for group in (
    database,
    sites,
    users,
    apps,
    api_keys,
    tokens,
    schedules,
    events_of_schedules,
    providers,
    connections,
    events,
    sandbox,
):
    app.add_typer(group.app)
for command in (attending.runs, attending.acknowledge, attending.unacknowledge):
    connections.app.command()(command)
events_of_schedules.app.command()(conflicts.conflicts)


def _print_version(asked: bool) -> None:  # noqa: FBT001 - Typer hands it over by position
    if asked:
        typer.echo(f"kalends {__version__}")
        raise typer.Exit


@app.callback()
def options(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Run Kalends, a self-hosted external calendar service.

    Settings come from KALENDS_* variables and an optional kalends.toml; `kalends config` prints them.
    """
    del version


def main() -> None:
    """Run the command line: exit code 0 done, 1 failed, 2 wrong usage or settings, 130 interrupted."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # a name that the terminal cannot show is no reason to fail
            stream.reconfigure(errors="replace")
    if not all(map(is_text, sys.argv)):
        show_failure(Failure("NOT_UTF_8", "An argument is not in UTF-8; see that the locale (LANG) is one of UTF-8."))
        sys.exit(WRONG_USAGE)
    app(prog_name="kalends")
