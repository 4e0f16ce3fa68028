"""How commands answer: one JSON document, or lines and tables for people.

What external calendars and tenants wrote is shown as plain text: neither as markup nor as control characters of the
terminal.
"""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

WITHOUT_TERMINAL = 200
"""Columns that are written to where no terminal says how many it has: wide enough to keep ids in one piece."""


@dataclass(frozen=True)
class Failure:
    """Why a command did not do all that it was asked; `code` is for programs, `message` for people."""

    code: str
    message: str
    data: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return the failure as `--json` prints it."""
        return {"code": self.code, "message": self.message, **({"data": dict(self.data)} if self.data else {})}


class CommandFailed(Exception):
    """A command cannot do what it was asked, for a reason of this machine; `failure` says which."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.failure = Failure(code, message)


@dataclass(frozen=True)
class Answer:
    """What a command answers with: the document of `--json`, and what is shown to people instead.

    With a `failure` the command ends with exit code 1 all the same.
    """

    document: Mapping[str, Any]
    shown: Sequence[RenderableType]
    failure: Failure | None = None


def stdout() -> Console:
    """Return the console for answers."""
    return Console(width=None if sys.stdout.isatty() else WITHOUT_TERMINAL, highlight=False)


def stderr() -> Console:
    """Return the console for progress and errors."""
    return Console(stderr=True, width=None if sys.stderr.isatty() else WITHOUT_TERMINAL, highlight=False)


def show(answer: Answer, *, as_json: bool) -> None:
    """Print an answer on standard output."""
    if as_json:
        print_json(answer.document)
        return
    console = stdout()
    for part in answer.shown:
        console.print(part, soft_wrap=isinstance(part, Text))


def show_failure(failure: Failure) -> None:
    """Print why something failed as one line on standard error."""
    line = Text("Error: ", style="bold red").append(plain(failure.message), style="default")
    stderr().print(line, soft_wrap=True)


def print_json(document: Mapping[str, Any]) -> None:
    """Print one JSON document on standard output."""
    sys.stdout.write(json.dumps(document, indent=2) + "\n")
    sys.stdout.flush()


def plain(value: object) -> str:
    """Return a value as text that is safe to print: what is not printable becomes a space."""
    if value is None:
        return "–"
    return "".join(letter if letter.isprintable() else " " for letter in str(value))


def line(*parts: object, style: str = "") -> Text:
    """Return the parts as one line."""
    return Text(" ".join(plain(part) for part in parts), style=style)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None) -> Table:
    """Return a table of plain texts; where the terminal is too narrow, cells are folded, never cut."""
    made = Table(title=title, title_justify="left", header_style="bold", title_style="bold")
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*(cell if isinstance(cell, Text) else Text(plain(cell)) for cell in row))
    return made


def facts(**values: object) -> Table:
    """Return named facts, one a line; `time_zone` is shown as `time zone`."""
    made = Table.grid(padding=(0, 2))
    made.add_column(style="bold")
    made.add_column(overflow="fold")
    for name, value in values.items():
        made.add_row(name.replace("_", " "), Text(plain(value)))
    return made


def instant(moment: datetime | None) -> str | None:
    """Return an instant as JSON documents write it: RFC 3339 in UTC, to the millisecond."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
