"""JSON schemas of the models, as OpenAPI 3.1 has them (JSON Schema 2020-12).

They say what is on the wire: in an answer, a field that is None is left out, so that it is optional and never null; in
a request's body, null says the same as nothing, so that every optional field may be null, unless the operation keeps
nulls: then it is the model that says where one may stand.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

PREFIX = "#/components/schemas/"
NULL = {"type": "null"}

_BOUNDS = {"ge": "minimum", "le": "maximum"}

Schema = dict[str, Any]
Direction = Literal["asked", "asked with nulls", "answered"]


class _OnTheWire(GenerateJsonSchema):
    """Pydantic's generator, without titles and with the contract's view of None."""

    keeps_nulls = False

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Tell that no field gets a title: it would only repeat the name."""
        del schema
        return False

    def field_is_required(self, field: Any, total: bool) -> bool:  # noqa: FBT001 - pydantic's signature
        """Tell whether a field is always there: in an answer, all are but those that may be None."""
        if self.mode == "validation" or field["schema"]["type"] != "default":
            return super().field_is_required(field, total)
        return field["schema"].get("default", ...) is not None

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Return the schema of a field with a default."""
        found = super().default_schema(schema)
        absent = "default" in found and found["default"] is None
        if absent or self.mode == "serialization":
            found.pop("default", None)
        if self.mode == "serialization":
            return without_null(found) if absent else found
        if absent or self.keeps_nulls or NULL in found.get("anyOf", ()):
            return found
        default = {"default": found.pop("default")} if "default" in found else {}
        return {"anyOf": [found, NULL], **default}


def without_null(schema: Mapping[str, Any]) -> Schema:
    """Return the schema without the alternative null."""
    if NULL not in schema.get("anyOf", ()):
        return dict(schema)
    others = [one for one in schema["anyOf"] if one != NULL]
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    return {**others[0], **rest} if len(others) == 1 else {"anyOf": others, **rest}


class _NullsKept(_OnTheWire):
    """The same for bodies in which null is a value."""

    keeps_nulls = True


_GENERATORS: dict[Direction, tuple[JsonSchemaMode, type[_OnTheWire]]] = {
    "asked": ("validation", _OnTheWire),
    "asked with nulls": ("validation", _NullsKept),
    "answered": ("serialization", _OnTheWire),
}


class Schemas:
    """The components of a document, and the references to them."""

    def __init__(self, models: Iterable[tuple[type[BaseModel], Direction]]) -> None:
        """Make the schemas; raises `ValueError` where two models of different content have one name."""
        self.components: dict[str, Schema] = {}
        self._references: dict[tuple[type[BaseModel], Direction], Schema] = {}
        wanted = list(dict.fromkeys(models))
        for direction in _GENERATORS:
            self._add([model for model, its in wanted if its == direction], direction)

    def reference(self, model: type[BaseModel], direction: Direction) -> Schema:
        """Return the reference to a model that was given at the beginning."""
        return dict(self._references[model, direction])

    def _add(self, models: list[type[BaseModel]], direction: Direction) -> None:
        mode, generator = _GENERATORS[direction]
        references, found = models_json_schema(
            [(model, mode) for model in models], ref_template=PREFIX + "{model}", schema_generator=generator
        )
        for name, schema in _tidied(found.get("$defs", {})).items():
            if self.components.setdefault(name, schema) != schema:
                raise ValueError(f"There are two different schemas named {name}.")
        self._references |= {(model, direction): dict(references[model, mode]) for model in models}


def resolved(schema: Mapping[str, Any], components: Mapping[str, Schema]) -> Schema:
    """Return what a reference stands for, with what is said beside it; any other schema as it is."""
    if "$ref" not in schema:
        return dict(schema)
    beside = {name: value for name, value in schema.items() if name != "$ref"}
    return {**components[schema["$ref"].rpartition("/")[2]], **beside}


def standalone(model: type[BaseModel]) -> Schema:
    """Return the schema of what a request may say, with everything that it refers to in place."""
    found = _tidied(model.model_json_schema(mode="validation", schema_generator=_OnTheWire))
    inlined: Schema = _inlined(found, found.pop("$defs", {}))
    return inlined


def _inlined(value: Any, definitions: Mapping[str, Schema]) -> Any:
    if isinstance(value, dict):
        return {name: _inlined(member, definitions) for name, member in resolved(value, definitions).items()}
    if isinstance(value, list):
        return [_inlined(member, definitions) for member in value]
    return value


def _tidied(value: Any) -> Any:
    """Return the schema without pydantic's titles, and with the words of JSON Schema for bounds behind validators."""
    if isinstance(value, dict):
        return {
            _BOUNDS.get(name, name) if isinstance(member, int) else name: _tidied(member)
            for name, member in value.items()
            # a field may be called `title`; what it is called by pydantic is a text
            if not (name == "title" and isinstance(member, str))
        }
    if isinstance(value, list):
        return [_tidied(member) for member in value]
    return value
