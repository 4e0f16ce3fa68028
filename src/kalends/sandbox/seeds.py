"""What is in a sandbox at its start, read from JSON: the parts that every sandbox's reader is made of."""

import json
from collections.abc import Mapping
from typing import Any

_MOST_BYTES = 64 * 1024 * 1024


class BadSeed(ValueError):
    """A seed cannot be read; the message says where and why, in plain words."""


def read_json(text: bytes) -> object:
    """Return what a seed file says; raises `BadSeed`."""
    if len(text) > _MOST_BYTES:
        raise BadSeed("The file is larger than 64 MiB.")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise BadSeed("The file is not JSON.") from None


def fields_of(said: object, where: str, known: set[str]) -> Mapping[str, Any]:
    """Return an object that has only fields which are known; raises `BadSeed`."""
    if not isinstance(said, dict):
        raise BadSeed(f"{where}: an object is expected.")
    if unknown := sorted(set(said) - known):
        raise BadSeed(f"{where}: {unknown[0]!r} is not known here; known are {', '.join(sorted(known))}.")
    return said


def list_of(fields: Mapping[str, Any], name: str, where: str) -> list[Any]:
    """Return a field that is a list, an empty one where it is not given; raises `BadSeed`."""
    found = fields.get(name, [])
    if not isinstance(found, list):
        raise BadSeed(f"{where}: {name} is not a list.")
    return found


def text_of(fields: Mapping[str, Any], name: str, where: str, usual: str | None = None) -> str:
    """Return a field that is a text and not empty; raises `BadSeed`."""
    found = fields.get(name, usual)
    if not isinstance(found, str) or not found:
        raise BadSeed(f"{where}: {name} is missing, or not a text.")
    return found
