"""What a check says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Check(StrEnum):
    """The checks in the order in which they are told; programs may rely on the names."""

    SETTINGS = "settings"
    DATA_FOLDER = "data-folder"
    DATABASE = "database"
    SCHEMA = "schema"
    SITE = "site"
    SECRET_KEYS = "secret-keys"  # noqa: S105 - the name of a check
    CLOCK = "clock"
    PROVIDERS = "providers"
    CONNECTIONS = "connections"
    QUARANTINE = "quarantine"
    SYNCS = "syncs"
    SERVERS = "servers"
    DISK = "disk"


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    """It works, but not as it should, or not for long."""
    PROBLEM = "problem"
    """Something does not work."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found. `advice` says what to do; `data` is for programs, JSON-able.

    Where it `blocks`, what needs the part in question cannot be checked.
    """

    check: Check
    level: Level
    summary: str
    advice: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    blocks: bool = False

    def document(self) -> dict[str, Any]:
        """Return the finding as `--json` prints it."""
        return {
            "check": self.check.value,
            "level": self.level.value,
            "summary": self.summary,
            "advice": self.advice,
            "data": dict(self.data),
        }


def counted(count: int, noun: str) -> str:
    """Return a count with its noun: `1 connection`, `2 connections`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def well(check: Check, summary: str, **data: Any) -> Finding:
    """Return the finding that all is well."""
    return Finding(check, Level.OK, summary, None, data)


def warning(
    check: Check, summary: str, advice: str, data: Mapping[str, Any] | None = None, *, blocks: bool = False
) -> Finding:
    """Return a warning."""
    return Finding(check, Level.WARNING, summary, advice, data or {}, blocks)


def problem(
    check: Check, summary: str, advice: str, data: Mapping[str, Any] | None = None, *, blocks: bool = False
) -> Finding:
    """Return a problem."""
    return Finding(check, Level.PROBLEM, summary, advice, data or {}, blocks)
