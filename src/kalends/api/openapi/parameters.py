"""The parameters of an operation: those of its query, as `reading` takes them apart, and those of its path."""

import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from kalends.api.openapi.schemas import Schema, standalone, without_null
from kalends.api.operations import LONGEST_CONNECTION_ID, Operation
from kalends.api.reading import Parameter, parameters
from kalends.model.event_series import LONGEST_ID

_IN_PATH = re.compile(r"\{(\w+)\}")
_GUID: Schema = {"type": "string", "format": "uuid"}
_PATH: dict[str, tuple[str, Schema]] = {
    "connection_id": (
        "The connection's id, which is no GUID. What cannot be one is not found.",
        {"type": "string", "minLength": 1, "maxLength": LONGEST_CONNECTION_ID, "pattern": r"^[^/\x00-\x1f\x7f]+$"},
    ),
    "event_id": (
        "The event's id: a GUID, or the longer id of an instance. What cannot be one is not found.",
        {"type": "string", "minLength": 36, "maxLength": LONGEST_ID, "pattern": "^[0-9A-Za-z_-]+$"},
    ),
}


def documented_path(operation: Operation[Any]) -> str:
    """Return the public path, with parameters named as in the contract: `{connectionId}`."""
    return _IN_PATH.sub(lambda found: "{" + to_camel(found[1]) + "}", operation.prefixes[0] + operation.path)


def operation_parameters(operation: Operation[Any]) -> list[Schema]:
    """Return the Parameter Objects of an operation."""
    return [*_of_path(operation.path), *(_of_query(operation.asks) if operation.method == "GET" else ())]


def _of_path(path: str) -> Iterator[Schema]:
    for name in _IN_PATH.findall(path):
        of = name.removesuffix("_id").replace("_", " ")
        description, schema = _PATH.get(name, (f"The id of the {of}.", _GUID))
        yield {
            "name": to_camel(name),
            "in": "path",
            "required": True,
            "description": description,
            "schema": schema,
        }


def _of_query(model: type[BaseModel]) -> Iterator[Schema]:
    whole = standalone(model)
    for parameter in parameters(model):
        required, schema = _found(whole, parameter)
        description = schema.pop("description", None)
        yield {
            "name": parameter.name,
            "in": "query",
            "required": required,
            **({"description": description} if description else {}),
            "schema": schema,
            **({"style": "form", "explode": True} if parameter.repeated else {}),
        }


def _found(whole: Schema, parameter: Parameter) -> tuple[bool, Schema]:
    schema, required = whole, True
    for part in parameter.path:
        required = required and part in schema.get("required", ())
        schema = without_null(schema["properties"][part])
    return required, schema
