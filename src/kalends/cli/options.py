"""Options that several commands share."""

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]
SiteId = Annotated[
    str | None, typer.Option("--site", metavar="ID", help="The site; may be left out where there is only one.")
]
Name = Annotated[str, typer.Option("--name", metavar="NAME", help="Name, 1 to 200 characters.")]
TimeZone = Annotated[str | None, typer.Option("--time-zone", metavar="ZONE", help="IANA time zone.")]
Scopes = Annotated[
    list[str] | None,
    typer.Option(
        "--scope",
        metavar="ID",
        help="Scope or permission id; may be repeated. Default: SCOPE.DC-BOOKINGS.MANAGE-EXTERNAL-CALENDARS.",
    ),
]
Timeout = Annotated[float, typer.Option("--timeout", min=0, metavar="SECONDS", help="How long the sync is waited for.")]

WAIT_SECONDS = 600.0


def the_one(argument: str | None, option: str | None, name: str) -> str:
    """Return the id that was given, as an argument or by the option `--name`; raises `typer.BadParameter`."""
    if (argument is None) == (option is None):
        raise typer.BadParameter(f"Give one id, as an argument or by --{name}.")
    return argument or option or ""
