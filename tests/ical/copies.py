"""Copies of the reader's modules, one of them changed if asked for, beside the real ones, which stay as they are."""

import sys
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any
from unittest.mock import patch

ORDER = ("values", "steps", "rules", "lines", "event", "recurrence", "vtimezone", "read")
"""Those that import one another, each after what it imports."""


@dataclass(frozen=True)
class Change:
    """One rule broken: in a module, a text that stands there once becomes another."""

    module: str
    original: str
    changed: str

    def __str__(self) -> str:
        return f"{self.module}: {' '.join(self.original.split())[:40]} -> {' '.join(self.changed.split())[:40]}"


@dataclass(frozen=True)
class Copies:
    modules: dict[str, ModuleType]

    def find(self, module: str, name: str) -> Any:
        return getattr(self.modules[module], name)


@cache
def source(module: str) -> tuple[str, str]:
    spec = find_spec(f"kalends.ical.{module}")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).read_text(encoding="utf-8"), spec.origin


@cache
def _as_it_is(module: str) -> CodeType:
    return compile(*source(module), "exec")


def _changed(change: Change) -> CodeType:
    text, origin = source(change.module)
    assert text.count(change.original) == 1, f"stands there {text.count(change.original)} times: {change.original!r}"
    return compile(text.replace(change.original, change.changed), origin, "exec")


def copies(change: Change | None = None) -> Copies:
    """Make the copies: those that do not import the changed one as well, so that they know each other's classes."""
    made: dict[str, ModuleType] = {}
    with patch.dict(sys.modules):
        for name in ORDER:
            code = _changed(change) if change is not None and change.module == name else _as_it_is(name)
            module = ModuleType(f"kalends.ical.{name}")
            sys.modules[module.__name__] = made[name] = module
            exec(code, module.__dict__)  # noqa: S102 - our own source
    return Copies(made)
