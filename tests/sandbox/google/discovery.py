"""Holds requests and answers to Google's discovery document of Calendar API v3, as `googleapiclient` ships it.

`Validated` goes around an application that answers under `/calendar/v3/` and notes everything that the document does
not know: methods, parameters, fields, types, formats, values out of range. It changes nothing of what passes through.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import googleapiclient  # type: ignore[import-untyped]  # it has no types
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BASE = "/calendar/v3/"
_INTEGERS = {"int32": 2**31, "uint32": 2**32}
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_WALL = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?", re.ASCII)


@cache
def document() -> dict[str, Any]:
    shipped = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents" / "calendar.v3.json"
    read: dict[str, Any] = json.loads(shipped.read_bytes())
    return read


def methods() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield all methods with their ids, without `calendar.` before them."""
    for resource in document()["resources"].values():
        for method in resource["methods"].values():
            yield method["id"].removeprefix("calendar."), method


def method_for(verb: str, raw_path: str) -> dict[str, Any] | None:
    """Return the method that a request is for; fixed words go before parameters."""
    found = [
        method
        for _, method in methods()
        if method["httpMethod"] == verb and re.fullmatch(_pattern(method["path"]), raw_path.removeprefix(BASE))
    ]
    return min(found, key=lambda method: method["path"].count("{"), default=None)


@cache
def _pattern(path: str) -> str:
    return "".join("[^/]+" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{\w+\})", path))


def check_query(method: Mapping[str, Any], query: str) -> Iterator[str]:
    """Yield what is wrong with a query."""
    known = {**document()["parameters"], **method.get("parameters", {})}
    seen: set[str] = set()
    for name, text in parse_qsl(query, keep_blank_values=True):
        said = known.get(name)
        if said is None or said["location"] != "query":
            yield f"parameter {name} is unknown"
            continue
        if name in seen and not said.get("repeated"):
            yield f"parameter {name} is given twice"
        seen.add(name)
        yield from check_value(f"parameter {name}", _converted(said, text), said)


def _converted(said: Mapping[str, Any], text: str) -> Any:
    if said["type"] == "boolean":
        return {"true": True, "false": False}.get(text, text)
    return int(text) if said["type"] == "integer" and re.fullmatch(r"-?\d+", text) else text


def check_value(where: str, value: Any, said: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with a value of a schema, or of a parameter."""
    if "$ref" in said:
        yield from check_value(where, value, document()["schemas"][said["$ref"]])
        return
    kinds: dict[str, type] = {"string": str, "boolean": bool, "integer": int, "number": float, "array": list}
    kind = said["type"]
    if kind == "any":
        return
    typed = isinstance(value, kinds.get(kind, dict)) and not (kind == "integer" and isinstance(value, bool))
    if not typed:
        yield f"{where} is no {kind}"
        return
    if "enum" in said and value not in said["enum"]:
        yield f"{where} is none of its values"
    if kind == "integer":
        yield from _check_range(where, value, said)
    elif kind == "string" and not _fits_format(value, said.get("format")):
        yield f"{where} is no {said['format']}"
    elif kind == "array":
        for number, one in enumerate(value):
            yield from check_value(f"{where}[{number}]", one, said["items"])
    elif kind == "object":
        yield from _check_fields(where, value, said)


def _check_range(where: str, value: int, said: Mapping[str, Any]) -> Iterator[str]:
    bound = _INTEGERS.get(said.get("format", ""), 2**63)
    if not int(said.get("minimum", -bound)) <= value <= int(said.get("maximum", bound - 1)):
        yield f"{where} is out of range"


def _fits_format(value: str, named: str | None) -> bool:
    try:
        if named == "date":
            date.fromisoformat(value)
        elif named == "date-time":
            datetime.fromisoformat(value.upper())
            return bool(_RFC_3339.fullmatch(value) or _WALL.fullmatch(value))
        elif named == "int64":
            int(value)
    except ValueError:
        return False
    return True


def _check_fields(where: str, value: Mapping[str, Any], said: Mapping[str, Any]) -> Iterator[str]:
    known, others = said.get("properties", {}), said.get("additionalProperties")
    for name, one in value.items():
        inner = known.get(name, others)
        if inner is None:
            yield f"{where}.{name} is unknown"
        elif one is not None:  # a patch takes fields away with null
            yield from check_value(f"{where}.{name}", one, inner)


@dataclass(frozen=True)
class Violation:
    """`asked` is verb and path; `of` is `request` or `answer`."""

    of: str
    asked: str
    what: str


class Validated:
    """An application whose requests and answers are held to the document; `violations` are what was found."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.violations: list[Violation] = []

    def of(self, kind: str) -> list[Violation]:
        return [one for one in self.violations if one.of == kind]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(BASE):
            await self._app(scope, receive, send)
            return
        sent, answered = bytearray(), bytearray()
        status = 0

        async def received() -> Message:
            message = await receive()
            sent.extend(message.get("body", b""))
            return message

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            answered.extend(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, received, sending)
        finally:
            raw_path = (scope.get("raw_path") or scope["path"].encode()).decode().partition("?")[0]
            self._check(scope["method"], raw_path, scope["query_string"].decode(), bytes(sent), status, bytes(answered))

    def _check(self, verb: str, path: str, query: str, sent: bytes, status: int, answered: bytes) -> None:
        asked = f"{verb} {path}"
        method = method_for(verb, path)
        if method is None:
            self.violations.append(Violation("request", asked, "no such method"))
            return
        found = [*check_query(method, query), *_check_body(sent, method.get("request"))]
        self.violations += [Violation("request", asked, what) for what in found]
        self.violations += [Violation("answer", asked, what) for what in _check_answer(method, status, answered)]


def amiss(asked: Iterable[Mapping[str, str]]) -> list[Violation]:
    """Return what is wrong with requests by method and path with query, as a sandbox's own log has them.

    For sandboxes that are programs of their own, which `Validated` cannot go around.
    """
    found = []
    for one in asked:
        path, _, query = one["path"].partition("?")
        if path.startswith(BASE):
            method = method_for(one["method"], path)
            wrong = ["no such method"] if method is None else check_query(method, query)
            found += [Violation("request", f"{one['method']} {path}", what) for what in wrong]
    return found


def _check_body(sent: bytes, said: Mapping[str, Any] | None) -> Iterator[str]:
    if not sent:
        return
    try:
        body = json.loads(sent)
    except (ValueError, RecursionError):
        yield "the body is no JSON"
        return
    if said is None:
        yield "there is a body"
    else:
        yield from check_value(said["$ref"], body, said)


def _check_answer(method: Mapping[str, Any], status: int, answered: bytes) -> Iterator[str]:
    if status >= 400:
        error = json.loads(answered)["error"]
        first = error["errors"][0]
        if error["code"] != status or not {"domain", "reason", "message"} <= set(first):
            yield "the error is not of Google's form"
    elif status == 304:
        return
    elif "response" not in method:
        if status != 204 or answered:
            yield "there is an answer"
    else:
        yield from check_value(method["response"]["$ref"], json.loads(answered), method["response"])
