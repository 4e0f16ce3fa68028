"""The document in the order in which people read it: groups of operations, each with its tables, then the objects.

The page and the Markdown reference are both written from this.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kalends.api.openapi.errors import PHRASES
from kalends.api.openapi.samples import curl
from kalends.api.openapi.schemas import NULL, PREFIX, Schema, resolved

_FORMATS = {"uuid": "GUID", "date-time": "date-time", "email": "e-mail address", "uri": "URL", "password": "password"}


@dataclass(frozen=True, slots=True)
class Row:
    """A parameter or a field. `refers_to` is the object that its type names, or that the members of a list are."""

    name: str
    type: str
    refers_to: str | None
    required: bool
    description: str
    place: str = ""
    """Where a parameter stands: path, query, header."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An error: its status, its code in words, and when it is given."""

    status: int
    phrase: str
    code: str
    when: str


@dataclass(frozen=True, slots=True)
class Described:
    """An operation."""

    name: str
    method: str
    path: str
    summary: str
    description: str
    parameters: Sequence[Row]
    body: Sequence[Row]
    body_required: bool
    answer: Sequence[Row]
    answer_type: str
    """The media type of the success."""
    errors: Sequence[Failure]
    common_errors: Sequence[Failure]
    curl: str


@dataclass(frozen=True, slots=True)
class Group:
    """The operations of one tag."""

    name: str
    description: str
    operations: Sequence[Described]

    @property
    def anchor(self) -> str:
        """The name as it stands in a link."""
        return self.name.lower().replace(" ", "-")


@dataclass(frozen=True, slots=True)
class ObjectDescribed:
    """An object that answers or bodies hold."""

    name: str
    description: str
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Outline:
    """The whole document."""

    title: str
    version: str
    summary: str
    description: str
    groups: Sequence[Group]
    objects: Sequence[ObjectDescribed]


def outline(document: Schema) -> Outline:
    """Return the outline of a document."""
    components: Mapping[str, Schema] = document["components"]["schemas"]
    groups = [
        Group(
            tag["name"],
            tag.get("description", ""),
            [
                _described(method.upper(), path, operation, components)
                for path, item in document["paths"].items()
                for method, operation in item.items()
                if tag["name"] in operation["tags"]
            ],
        )
        for tag in document["tags"]
    ]
    info = document["info"]
    return Outline(
        info["title"],
        info["version"],
        info["summary"],
        info["description"],
        groups,
        [
            ObjectDescribed(name, schema.get("description", ""), _rows(schema, components))
            for name, schema in components.items()
            if name in set(_mentioned(groups, components))
        ],
    )


def _mentioned(groups: Sequence[Group], components: Mapping[str, Schema]) -> Iterator[str]:
    """Yield the objects that tables refer to, those of the objects themselves, too, and the body of errors."""
    tables = (rows for group in groups for one in group.operations for rows in (one.parameters, one.body, one.answer))
    waiting = ["ErrorAnswer", *(row.refers_to for rows in tables for row in rows if row.refers_to)]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            yield name
            waiting += [row.refers_to for row in _rows(components[name], components) if row.refers_to]


def _described(method: str, path: str, operation: Schema, components: Mapping[str, Schema]) -> Described:
    bodies = operation.get("requestBody", {}).get("content", {})
    body: Schema = next((one["schema"] for one in bodies.values()), {})
    media, answer = next(iter(operation["responses"]["200"]["content"].items()))
    own, common = _failures(operation, common=False), _failures(operation, common=True)
    return Described(
        name=operation["operationId"],
        method=method,
        path=path,
        summary=operation["summary"],
        description=operation["description"],
        parameters=[_parameter(one, components) for one in operation.get("parameters", ())],
        body=_rows(resolved(body, components), components),
        body_required=operation.get("requestBody", {}).get("required", False),
        answer=_rows(resolved(_first(answer["schema"]), components), components),
        answer_type=media.partition(";")[0],
        errors=own,
        common_errors=common,
        curl=curl(method, path, operation, components),
    )


def _first(schema: Schema) -> Schema:
    found: Schema = schema["allOf"][0] if "allOf" in schema else schema
    return found


def _failures(operation: Schema, *, common: bool) -> list[Failure]:
    return [
        Failure(int(status), PHRASES[int(status)], _code(one), one["when"])
        for status, response in operation["responses"].items()
        for one in response.get("x-errors", ())
        if one["common"] == common
    ]


def _code(error: Schema) -> str:
    if "ruleName" in error:
        return f"violation `{error['ruleName']}`"
    return f"`{error['code']}`" if "code" in error else "violations"


def _parameter(parameter: Schema, components: Mapping[str, Schema]) -> Row:
    kind, refers_to = _type(parameter["schema"], components)
    described = parameter.get("description", "")
    return Row(parameter["name"], kind, refers_to, parameter["required"], described, parameter["in"])


def _rows(schema: Schema, components: Mapping[str, Schema]) -> list[Row]:
    required = schema.get("required", ())
    rows = []
    for name, field in schema.get("properties", {}).items():
        kind, refers_to = _type(field, components)
        described = resolved(field, components).get("description", "")
        rows.append(Row(name, kind, refers_to, name in required, described))
    return rows


def _type(schema: Mapping[str, Any], components: Mapping[str, Schema]) -> tuple[str, str | None]:
    """Return a type in words, and the object that it is or holds."""
    if "anyOf" in schema:
        kinds = [_type(one, components) for one in schema["anyOf"] if one != NULL]
        return " or ".join(kind for kind, _ in kinds), next((to for _, to in kinds if to), None)
    if "$ref" in schema:
        return _referred(schema["$ref"].removeprefix(PREFIX), components)
    if schema.get("type") == "array":
        kind, refers_to = _type(schema.get("items", {}), components)
        return f"list of {kind}{_bounds(schema, 'Items', '')}", refers_to
    return _scalar(schema), None


def _referred(name: str, components: Mapping[str, Schema]) -> tuple[str, str | None]:
    target = components[name]
    if "enum" in target or "const" in target:
        return _scalar(target), None
    return (name, name) if target.get("properties") else ("empty object", None)


def _scalar(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return "one of " + ", ".join(f"`{one}`" for one in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    kind = _FORMATS.get(schema.get("format", "")) or schema.get("type", "anything")
    return f"{kind}{_bounds(schema, 'Length', ' characters')}{_bounds(schema, 'imum', '')}"


def _bounds(schema: Mapping[str, Any], suffix: str, unit: str) -> str:
    least, most = schema.get(f"min{suffix}"), schema.get(f"max{suffix}")
    if least is None and most is None:
        return ""
    if most is None:
        return f", at least {least:,}{unit}"
    return f", at most {most:,}{unit}" if least is None else f", {least:,} to {most:,}{unit}"
