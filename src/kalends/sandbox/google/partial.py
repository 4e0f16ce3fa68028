"""Partial answers: the parameter `fields`, such as `items(id,start/dateTime),nextPageToken`.

Source: "Use partial responses" in Google's guide to the performance of its APIs.
"""

import re
from typing import Any

from kalends.sandbox.google.errors import Refused

_TOKEN = re.compile(r"[A-Za-z0-9_.\-]+|\*|[(),/]", re.ASCII)
_LONGEST = 2000

Mask = dict[str, "Mask"]
"""The names wanted, each with those wanted inside; nothing inside means all of it."""


def select(answer: dict[str, Any], fields: str) -> dict[str, Any]:
    """Return what a selector leaves of an answer; raises `Refused` for one that cannot be read."""
    tokens = _TOKEN.findall(fields)
    if len(fields) > _LONGEST or "".join(tokens) != fields.replace(" ", ""):
        raise _invalid(fields)
    mask, rest = _read(tokens, 0, fields)
    if rest != len(tokens) or not mask:
        raise _invalid(fields)
    selected = _select(answer, mask)
    return selected if isinstance(selected, dict) else {}


def _read(tokens: list[str], place: int, fields: str) -> tuple[Mask, int]:
    mask: Mask = {}
    while place < len(tokens) and tokens[place] != ")":
        inner = mask
        while True:
            if place >= len(tokens) or tokens[place] in "(),/":
                raise _invalid(fields)
            inner = inner.setdefault(tokens[place], {})
            place += 1
            if place < len(tokens) and tokens[place] == "/":
                place += 1
                continue
            break
        if place < len(tokens) and tokens[place] == "(":
            found, place = _read(tokens, place + 1, fields)
            if place >= len(tokens) or not found:
                raise _invalid(fields)
            inner.update(found)
            place += 1
        if place < len(tokens) and tokens[place] == ",":
            place += 1
    return mask, place


def _select(value: Any, mask: Mask) -> Any:
    if not mask or "*" in mask:
        return value
    if isinstance(value, list):
        return [_select(one, mask) for one in value]
    if not isinstance(value, dict):
        return value
    return {name: _select(part, mask[name]) for name, part in value.items() if name in mask}


def _invalid(fields: str) -> Refused:
    return Refused(400, "invalidParameter", f"Invalid field selection {fields[:40]}", location="fields")
