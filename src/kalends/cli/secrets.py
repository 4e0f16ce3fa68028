"""Secrets come from standard input or a hidden prompt, never from the command line, which others on the machine see."""

import sys
from io import TextIOWrapper

import typer

LONGEST = 4_096


def read_secret(what: str, *, from_stdin: bool, option: str) -> str:
    """Return a secret: all of standard input without its last line end, or what is typed unseen at a terminal.

    Raises `typer.BadParameter` where there is neither, or where it is empty or longer than 4,096 characters.
    """
    if from_stdin:
        if isinstance(sys.stdin, TextIOWrapper):
            # what cannot be decoded is told below, and not by a traceback that quotes it
            sys.stdin.reconfigure(errors="surrogateescape")
        secret = sys.stdin.read(LONGEST + 2)
        secret = secret.removesuffix("\n").removesuffix("\r")
    elif sys.stdin.isatty():
        secret = _typed(what)
    else:
        raise typer.BadParameter(f"Give the {what.lower()} on standard input, with {option}.")
    if not secret:
        raise typer.BadParameter(f"The {what.lower()} is empty.")
    if not is_text(secret):
        raise typer.BadParameter(f"The {what.lower()} is not in UTF-8.")
    if len(secret) > LONGEST:
        raise typer.BadParameter(f"The {what.lower()} is longer than {LONGEST} characters.")
    return str(secret)


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
