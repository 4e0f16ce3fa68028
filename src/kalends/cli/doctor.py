"""`kalends doctor`: what is wrong with an installation, and what to do about it."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from kalends.cli.failures import FAILED
from kalends.cli.options import Json
from kalends.cli.output import Answer, line, plain, show, stderr
from kalends.cli.session import write_log

if TYPE_CHECKING:
    from rich.console import RenderableType

    from kalends.doctor.finding import Check, Finding
    from kalends.doctor.runner import Progress, Report

SIGNS = {"ok": ("✓", "+", "green"), "warning": ("!", "!", "yellow"), "problem": ("✗", "x", "bold red")}
"""Level → sign, the same in ASCII, style."""


def doctor(
    *,
    site: Annotated[
        str | None,
        typer.Option("--site", metavar="ID", help="Look at the connections and providers of this site only."),
    ] = None,
    json: Json = False,
) -> None:
    """Look for what is wrong with this installation and say what to do about it; nothing is changed.

    Ends with exit code 1 where there is a problem; warnings alone leave it at 0.
    """
    with _progress(shown=not json) as progress:
        report = _examined(site, progress)
    show(Answer(report.document(), _shown(report)), as_json=json)
    if not report.ok:
        raise typer.Exit(FAILED)


def _examined(site_id: str | None, progress: "Progress") -> "Report":
    from kalends.doctor.runner import examine, without_settings
    from kalends.doctor.settings import look_at_settings
    from kalends.model.clock import SystemClock

    settings, found = look_at_settings(None)
    if settings is None:
        return without_settings(found)
    write_log(settings, quiet=True)
    return asyncio.run(examine(settings, found, site_id=site_id, clock=SystemClock(), progress=progress))


@contextmanager
def _progress(*, shown: bool) -> "Iterator[Progress]":
    """Show on a terminal which check is made at present."""
    console = stderr()
    if not shown or not console.is_terminal:
        yield lambda _check: None
        return
    with console.status("Looking …") as status:
        yield lambda check: status.update(f"Looking at: {_named(check)}")


def _shown(report: "Report") -> "list[RenderableType]":
    from kalends.doctor.finding import Level, counted

    in_ascii = not _encodes("✓✗–")
    shown: list[RenderableType] = []
    last = None
    for one in report.findings:
        if one.check is not last:
            shown.append(line(_named(one.check).capitalize(), style="bold"))
        last = one.check
        shown += _lines(one, in_ascii=in_ascii)
    if report.skipped:
        shown.append(line("Not checked because of this:", ", ".join(_named(one) for one in report.skipped)))
    problems, warnings = report.count(Level.PROBLEM), report.count(Level.WARNING)
    shown.append(line(f"{counted(problems, 'problem')}, {counted(warnings, 'warning')}", style="bold"))
    return shown


def _lines(finding: "Finding", *, in_ascii: bool) -> "list[RenderableType]":
    from rich.text import Text

    sign, plainer, style = SIGNS[finding.level]
    told = Text.assemble("  ", (plainer if in_ascii else sign, style), " ", plain(finding.summary))
    return [told] if finding.advice is None else [told, Text(f"    {plain(finding.advice)}", style="dim")]


def _named(check: "Check") -> str:
    return check.replace("-", " ")


def _encodes(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
