"""Log lines: for people on a console, or JSON. Nothing personal and no secret belongs in one."""

import logging
import sys
import traceback
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import structlog

from kalends.settings import Settings

LONGEST_CHAIN = 5
DEEPEST_TRACE = 30


def without_messages(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace an exception by the kinds and places of it and its causes.

    What it says stays out: drivers, parsers and clients quote what they were working on, titles and URLs among it.
    """
    given = event.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given
    if isinstance(error, tuple):
        error = error[1]
    kinds: list[str] = []
    frames: list[str] = []
    while isinstance(error, BaseException) and len(kinds) < LONGEST_CHAIN:
        kinds.append(type(error).__qualname__)
        frames += [
            f"{Path(one.filename).name}:{one.lineno} {one.name}" for one in traceback.extract_tb(error.__traceback__)
        ]
        error = error.__cause__ or error.__context__
    if kinds:
        event["error"] = " < ".join(kinds)
        event["trace"] = frames[-DEEPEST_TRACE:]
    return event


def set_up(settings: Settings) -> None:
    """Write log lines to standard error in the chosen form."""
    json = settings.log_format == "json"
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            without_messages,
            structlog.processors.JSONRenderer() if json else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, settings.log_level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
