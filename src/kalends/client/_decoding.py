"""From JSON to dataclasses, by their annotations: names are camelCase there, and what is not annotated is passed over.

A field that is missing or null takes its default; one without a default makes the answer a `ProtocolError`. An
enumeration is annotated `Enum | str`: a word that is newer than this client stays the string it is.
"""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from kalends.client._errors import ProtocolError

T = TypeVar("T")
_Reader = Callable[[object, str], Any]


def decode(kind: type[T], json: object, where: str = "") -> T:
    """Return a value of an annotated type; `where` is its place in the answer, which a `ProtocolError` names."""
    read: _Reader = _reader(cast("Hashable", kind))
    return cast("T", read(json, where))


def decode_field(kind: type[T], answer: Mapping[str, Any], name: str) -> T:
    """Return the value of a field that the answer must have."""
    return decode(kind, answer.get(name), name)


@cache
def _reader(kind: Any) -> _Reader:
    if isinstance(kind, type) and is_dataclass(kind):
        return getattr(kind, "from_json", None) or _dataclass(kind)
    if get_origin(kind) is Mapping:
        return read_object
    if get_origin(kind) is UnionType:
        return _union([one for one in get_args(kind) if one is not NoneType])
    if get_origin(kind) is tuple:
        return _tuple(_reader(get_args(kind)[0]))
    return _date_time if kind is datetime else _plain(kind)


def _dataclass(kind: type) -> _Reader:
    hints = get_type_hints(kind)
    known = [(one.name, _camel(one.name), _reader(hints[one.name]), one.default) for one in fields(kind)]

    def read(json: object, where: str) -> object:
        given = read_object(json, where)
        values = {}
        for name, camel, reader, default in known:
            value, path = given.get(camel), f"{where}.{camel}".lstrip(".")
            if value is not None or default is MISSING:
                values[name] = reader(value, path)
        return kind(**values)

    return read


def _union(kinds: list[Any]) -> _Reader:
    first = kinds[0]
    if not (isinstance(first, type) and issubclass(first, StrEnum)):
        return _reader(first)

    def read(json: object, where: str) -> str:
        word = decode(str, json, where)
        try:
            return cast("str", first(word))
        except ValueError:
            return word

    return read


def _tuple(reader: _Reader) -> _Reader:
    def read(json: object, where: str) -> tuple[Any, ...]:
        if not isinstance(json, list):
            raise _unfit(where, "a list", json)
        return tuple(reader(one, f"{where}[{index}]") for index, one in enumerate(json))

    return read


@cache
def _plain(kind: type) -> _Reader:
    def read(json: object, where: str) -> object:
        # bool is a kind of int in Python, but not in JSON
        if type(json) is not kind:
            raise _unfit(where, kind.__name__, json)
        return json

    return read


def _date_time(json: object, where: str) -> datetime:
    try:
        moment = datetime.fromisoformat(json) if isinstance(json, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise _unfit(where, "a date-time with offset", json)
    return moment


def read_object(json: object, where: str) -> Mapping[str, Any]:
    """Return a JSON object as it is; raises `ProtocolError`."""
    if not isinstance(json, dict):
        raise _unfit(where, "an object", json)
    return json


def _unfit(where: str, wanted: str, found: object) -> ProtocolError:
    return ProtocolError(f"The answer has no {where}." if found is None else f"{where} of the answer is not {wanted}.")


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
