"""Secrets come from standard input or a hidden prompt, never from the command line, which others on the machine see."""

import sys
from io import TextIOWrapper
from pathlib import Path

import typer

LONGEST = 4_096
LONGEST_FILE = 65_536


def read_secret(what: str, *, from_stdin: bool, option: str, longest: int = LONGEST) -> str:
    """Return a secret: all of standard input without its last line end, or what is typed unseen at a terminal.

    Raises `typer.BadParameter` where there is neither, or where it is empty or longer than `longest` characters.
    """
    if from_stdin:
        if isinstance(sys.stdin, TextIOWrapper):
            # what cannot be decoded is told below, and not by a traceback that quotes it
            sys.stdin.reconfigure(errors="surrogateescape")
        secret = sys.stdin.read(longest + 2)
        secret = secret.removesuffix("\n").removesuffix("\r")
    elif sys.stdin.isatty():
        secret = _typed(what)
    else:
        raise typer.BadParameter(f"Give the {what.lower()} on standard input, with {option}.")
    if not secret:
        raise typer.BadParameter(f"The {what.lower()} is empty.")
    if not is_text(secret):
        raise typer.BadParameter(f"The {what.lower()} is not in UTF-8.")
    if len(secret) > longest:
        raise typer.BadParameter(f"The {what.lower()} is longer than {longest} characters.")
    return str(secret)


def read_secret_file(what: str, *, file: Path | None, from_stdin: bool, options: tuple[str, str]) -> str:
    """Return a secret that has a file of its own, or comes on standard input; `options` name the two, in this order.

    Raises `typer.BadParameter` where there is not exactly one of them, or where it cannot be read, is empty, is no text
    or is larger than 64 KiB.
    """
    if (file is None) != from_stdin:
        raise typer.BadParameter(f"Give the {what.lower()} by {options[0]} or {options[1]}.")
    if file is None:
        return read_secret(what, from_stdin=True, option=options[1], longest=LONGEST_FILE)
    try:
        with file.open("rb") as opened:
            content = opened.read(LONGEST_FILE + 1)
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be read: {error.strerror}.") from None
    if not content or len(content) > LONGEST_FILE:
        raise typer.BadParameter(f"{file} is empty, or larger than {LONGEST_FILE} bytes.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{file} is not in UTF-8.") from None


def is_text(given: str) -> bool:
    """Tell whether something that was given to the command is text: bytes that cannot be decoded arrive escaped."""
    return given.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in given)


def _typed(what: str) -> str:
    try:
        return str(typer.prompt(what, hide_input=True, err=True))
    except typer.Abort as abort:
        # the prompt makes the same of Ctrl-C and of the end of input, and the one is told by another exit code
        if isinstance(abort.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise
