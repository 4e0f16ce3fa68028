"""Listens to every log line of a test run, and fails the run where one of them names what belongs into none (rule 9).

Secrets are what `secrets.token_urlsafe` has made, in Kalends and in whatever stands in for others; what has the form of
a token of Google's, or of a signed one; and what a test says is one. Titles are those that tests give to their events.
Lines are structlog's, whatever becomes of them afterwards, those of the standard library's loggers, and what programs
write to their standard error that an `Operator` runs.
"""

import logging
import re
import secrets
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import pytest
from structlog import BoundLoggerBase

from kalends.logs import without_messages

TOKENS = re.compile(r"(ya29\.|GOCSPX-|\b1//|\b4/0|\bM\.C5_|\b1\.AX0A|\bEwB|\beyJ)[\w-]{16,}")
"""Tokens, client secrets and codes of Google's and Microsoft's, and signed tokens of anybody's."""
SHORTEST_TITLE = 5
_WORD = re.compile(r"[\w-]{16,}")
_KIND_OF_ERROR = re.compile(r"'error': '\w+'")
_NUMBER = re.compile(r"\d+")
_SHOWN = 300
_MOST_SHOWN = 20


class Listener:
    """What was logged, and what belongs into no log."""

    def __init__(self) -> None:
        self._lines: dict[str, str] = {}
        self._words: dict[str, str] = {}
        self._secrets: set[str] = set()
        self._titles: set[str] = set()
        self._formed: list[str] = []

    def hear(self, line: str) -> None:
        """Take note of a log line. Lines that differ by their numbers and long words alone are kept once."""
        self._words |= dict.fromkeys(_WORD.findall(line), line)
        self._lines.setdefault(_bare(line), line)
        if TOKENS.search(line):
            self._formed.append(line)

    def add_secret(self, secret: str) -> str:
        """Say that something is a secret, of 16 letters and digits at least; return it."""
        self._secrets |= set(_WORD.findall(secret))
        return secret

    def add_title(self, title: str) -> None:
        """Say that an event has a title. Short ones and those in small letters are words of log lines as well."""
        if _WORD.search(title):
            self.add_secret(title)
        elif len(title) >= SHORTEST_TITLE and title[0].isupper():
            self._titles.add(_bare(title))

    @property
    def heard(self) -> int:
        """How many lines there were, apart from those that are like others."""
        return len(self._lines)

    def leaks(self) -> list[str]:
        """Return the lines that name what belongs into none."""
        found = [self._words[one] for one in sorted(self._words.keys() & self._secrets)]
        titles = re.compile("|".join(rf"(?<!\w){re.escape(one)}(?!\w)" for one in sorted(self._titles)) or r"(?!)")
        found += [line for bare, line in self._lines.items() if titles.search(bare)]
        return list(dict.fromkeys([*self._formed, *found]))


def _bare(text: str) -> str:
    """Return a line or title without what differs each time, and without the mere names of kinds of errors."""
    return _NUMBER.sub("0", _WORD.sub("…", _KIND_OF_ERROR.sub("'error': …", text)))


LISTENER = Listener()
"""That of this test run, or of this process of it."""


class _Handler(logging.Handler):
    """Hears of the standard library's loggers what comes to standard error where nobody has set them up."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        LISTENER.hear(f"{record.name} {self.format(record)}")


def _heard(process: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(process)
    def processing(logger: Any, name: str, event: Any, fields: dict[str, Any]) -> Any:
        # exceptions are written by their kinds and places alone
        told = without_messages(logger, name, {**logger._context, **fields})
        LISTENER.hear(f"{name} {event} {told}")
        return process(logger, name, event, fields)

    return processing


def _noted(make: Callable[..., str]) -> Callable[..., str]:
    @wraps(make)
    def making(*arguments: Any) -> str:
        return LISTENER.add_secret(make(*arguments))

    return making


@pytest.fixture(scope="session", autouse=True)
def _no_log_line_names_a_secret_or_a_title() -> Iterator[None]:
    """Listen from the first test to the last, with whatever they start; with xdist, each process does so by itself."""
    handler = _Handler()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(secrets, "token_urlsafe", _noted(secrets.token_urlsafe))
        patch.setattr(BoundLoggerBase, "_process_event", _heard(BoundLoggerBase._process_event))
        logging.getLogger().addHandler(handler)
        yield
        logging.getLogger().removeHandler(handler)
    leaks = LISTENER.leaks()
    shown = "\n".join(line[:_SHOWN] for line in leaks[:_MOST_SHOWN])
    assert not leaks, f"{len(leaks)} log lines name what belongs into none:\n{shown}"
