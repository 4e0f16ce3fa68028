"""From the bytes of a request to a plain object: query parameters and JSON bodies (contract §3).

The model that the object is meant for says which parameters there are, so that unknown ones cost nothing and nesting
has an end.
"""

import asyncio
from base64 import b64decode
from collections.abc import Iterator
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin
from urllib.parse import parse_qs

from pydantic import BaseModel
from pydantic_core import from_json
from starlette.requests import Request

from kalends.api.refusals import Malformed, QueryTooLong, TooLarge, TooSlow
from kalends.model.errors import Invalid, Rule

LONGEST_QUERY = 49_152
"""Less than the 64 KiB at which the HTTP parser gives up, so that the refusal is ours and says why."""
MOST_PARAMETERS = 1_000
BODY_DEADLINE_SECONDS = 30
PAYLOAD_PARAMETER = ".r"
"""Holds a whole payload: base64url of JSON, as newer generated clients send it for complex requests."""
_JSON = "application/json"


class Parameter(NamedTuple):
    """A query parameter: where its value belongs, and whether it can be repeated."""

    path: tuple[str, ...]
    repeated: bool

    @property
    def name(self) -> str:
        """Its name in the query: nested fields are joined by dots."""
        return ".".join(self.path)


@cache
def parameters(model: type[BaseModel]) -> tuple[Parameter, ...]:
    """Return the query parameters that a model knows."""
    return tuple(_parameters(model, ()))


def _parameters(model: type[BaseModel], above: tuple[str, ...]) -> Iterator[Parameter]:
    for name, field in model.model_fields.items():
        path = (*above, field.alias or name)
        kind = _core(field.annotation)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _parameters(kind, path)
        else:
            yield Parameter(path, get_origin(kind) is list)


def _core(annotation: Any) -> Any:
    """Return the type inside `Annotated[…]` and `… | None`."""
    while get_origin(annotation) in {Annotated, Union, UnionType}:
        annotation = next(one for one in get_args(annotation) if one is not NoneType)
    return annotation


def read_query(query: bytes, model: type[BaseModel]) -> dict[str, Any]:
    """Return what a query says to a model, values still as text; raises `Malformed`, `QueryTooLong`, `Invalid`."""
    if len(query) > LONGEST_QUERY:
        raise QueryTooLong(f"The query string may have at most {LONGEST_QUERY} bytes.")
    try:
        given = parse_qs(query.decode("latin-1"), keep_blank_values=True, max_num_fields=MOST_PARAMETERS)
    except ValueError:
        raise Malformed(f"The query may have at most {MOST_PARAMETERS} parameters.") from None
    payload: dict[str, Any] = {}
    for parameter in parameters(model):
        values = given.get(parameter.name)
        if values is None:
            continue
        inside = payload
        for part in parameter.path[:-1]:
            inside = inside.setdefault(part, {})
        # a value given twice stays a list, which no single field takes
        inside[parameter.path[-1]] = values if parameter.repeated or len(values) > 1 else values[0]
    if PAYLOAD_PARAMETER in given:
        payload |= _decoded(given[PAYLOAD_PARAMETER][-1])
    return payload


def _decoded(text: str) -> dict[str, Any]:
    try:
        return parse_object(b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), b"-_", validate=True))
    except (Malformed, ValueError):
        raise Invalid.one(
            PAYLOAD_PARAMETER, "must be a JSON object in base64url", Rule.FORMAT, data={"type": "BASE64URL_JSON"}
        ) from None


async def read_json(request: Request, limit: int, *, keep_nulls: bool = False) -> dict[str, Any]:
    """Return the JSON object of a body, `{}` for an empty one; raises `Malformed`, `TooLarge`."""
    body = await read_body(request, limit)
    if not body.strip():
        return {}
    media = request.headers.get("content-type", _JSON).partition(";")[0].strip().lower()
    if media != _JSON and not (media.startswith("application/") and media.endswith("+json")):
        raise Malformed(f"The body must be sent as {_JSON}.", code="UNSUPPORTED_CONTENT_TYPE")
    return parse_object(body, keep_nulls=keep_nulls)


async def read_body(request: Request, limit: int) -> bytes:
    """Return the body.

    Raises `TooLarge` as soon as it is known to have more than `limit` bytes, `TooSlow` where it does not come.
    """
    try:
        async with asyncio.timeout(BODY_DEADLINE_SECONDS):
            return await _body(request, limit)
    except TimeoutError:
        raise TooSlow(f"The body did not arrive within {BODY_DEADLINE_SECONDS} seconds.") from None


async def _body(request: Request, limit: int) -> bytes:
    declared = request.headers.get("content-length", "")
    body = bytearray()
    if not declared.isdecimal() or int(declared[:20]) <= limit:
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                break
        else:
            return bytes(body)
    raise TooLarge(f"The body may have at most {limit} bytes.")


def parse_object(text: bytes, *, keep_nulls: bool = False) -> dict[str, Any]:
    """Return the JSON object without its null members, unless they are to be kept: else null says the same as nothing.

    Raises `Malformed`.
    """
    try:
        value = from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise Malformed(f"The body is not valid JSON: {error}.", code="MALFORMED_JSON") from None
    if not isinstance(value, dict):
        raise Malformed("The body must be a JSON object.", code="MALFORMED_JSON")
    found: dict[str, Any] = value if keep_nulls else _without_nulls(value)
    return found


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(member) for name, member in value.items() if member is not None}
    if isinstance(value, list):
        return [_without_nulls(member) for member in value]
    return value
