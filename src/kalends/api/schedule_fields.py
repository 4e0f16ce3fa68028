"""The kinds of fields that requests about schedules hold."""

import math
import re
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import to_json

from kalends.access.sites import LONGEST_NAME
from kalends.api.fields import Refused, storable
from kalends.model.errors import Rule
from kalends.model.ids import is_guid
from kalends.model.schedule import LONGEST_EXTERNAL_ID, ScheduleStatus
from kalends.model.time import is_iana_zone

LONGEST_TITLE = 200
LONGEST_ZONE = 150
LARGEST_INTEGER = 2**31 - 1
"""Wix documents the capacity as an int32."""
LARGEST_OBJECT = 16_384
DEEPEST_OBJECT = 10
MOST_VALUES = 100
LONGEST_CURSOR = 196_608
"""Somewhat more than what a query that compares all that it may with the longest values leads to."""

_REVISION = re.compile(r"[1-9][0-9]{0,8}")


def given(value: object) -> object:
    """Refuse a null where a value is required."""
    if value is None:
        raise Refused(Rule.REQUIRED_FIELD, "is required")
    return value


def _zone(text: str) -> str:
    if not is_iana_zone(text):
        raise Refused(Rule.FORMAT, "must be an IANA time zone, such as Europe/Dublin", type="TIME_ZONE")
    return text


def _revision(text: str) -> str:
    if not _REVISION.fullmatch(text):
        raise Refused(Rule.FORMAT, 'must be a revision as it was handed out, such as "1"', type="REVISION")
    return text


def _object(value: dict[str, Any]) -> dict[str, Any]:
    _check_inside(value, DEEPEST_OBJECT)
    if len(to_json(value)) > LARGEST_OBJECT:
        raise Refused(Rule.MAX_SIZE, f"must have at most {LARGEST_OBJECT} bytes of JSON", threshold=LARGEST_OBJECT)
    return value


def _check_inside(value: object, levels: int) -> None:
    """Refuse what a database does not keep as it was sent, and what is nested deeper than some levels."""
    match value:
        case str():
            storable(value)
        case dict() | list() if levels == 0:
            said = f"must not be nested deeper than {DEEPEST_OBJECT} levels"
            raise Refused(Rule.OTHER, said, name="TOO_DEEP", levels=DEEPEST_OBJECT)
        case dict():
            for name, member in value.items():
                storable(name)
                _check_inside(member, levels - 1)
        case list():
            for member in value:
                _check_inside(member, levels - 1)
        case float() if not math.isfinite(value):
            raise Refused(Rule.FORMAT, "must hold numbers that fit into 64 bits", type="NUMBER")
        case int() if not -(2**63) <= value < 2**63:
            raise Refused(Rule.FORMAT, "must hold numbers that fit into 64 bits", type="NUMBER")


def _no_permissions(value: list[Any]) -> list[Any]:
    if value:
        raise Refused(
            Rule.OTHER, "must be empty: permissions of single schedules are not supported", name="NOT_SUPPORTED"
        )
    return value


def condition(value_of: Callable[[str], str]) -> Callable[[object], tuple[str, ...]]:
    """Return what reads a condition on a field: a value, `{"$eq": value}`, `{"$in": [value, …]}`, or both of these."""

    def read(condition: object) -> tuple[str, ...]:
        operators = condition if isinstance(condition, dict) else {"$eq": condition}
        if not operators or operators.keys() - {"$eq", "$in"}:
            raise Refused(Rule.FORMAT, "must be a value, or an object with $eq or $in", type="CONDITION")
        allowed: list[str] | None = None
        for operator, operand in operators.items():
            some = operand if operator == "$in" else [operand]
            if not isinstance(some, list):
                raise Refused(Rule.FORMAT, "must have a list for $in", type="LIST")
            if len(some) > MOST_VALUES:
                raise Refused(Rule.MAX_SIZE, f"must have at most {MOST_VALUES} members", threshold=MOST_VALUES)
            if not all(isinstance(one, str) for one in some):
                raise Refused(Rule.FORMAT, "must be compared with strings", type="STRING")
            values = [value_of(one) for one in some]
            allowed = values if allowed is None else [one for one in allowed if one in values]
        return tuple(dict.fromkeys(allowed or ()))

    return read


def _guid(text: str) -> str:
    if not is_guid(text):
        raise Refused(Rule.FORMAT, "must be a GUID", type="GUID")
    return text.lower()


def _external_id(text: str) -> str:
    if len(text) > LONGEST_EXTERNAL_ID:
        said = f"must be compared with strings of at most {LONGEST_EXTERNAL_ID} characters"
        raise Refused(Rule.MAX_LENGTH, said, threshold=LONGEST_EXTERNAL_ID)
    return storable(text)


def _status(text: str) -> str:
    if text not in set(ScheduleStatus):
        expected = " or ".join(f"'{one}'" for one in ScheduleStatus)
        raise Refused(Rule.INVALID_ENUM_VALUE, f"must be {expected}")
    return text


def condition_schema(**value: Any) -> WithJsonSchema:
    """Return the JSON schema of such a condition, given that of a value."""
    one = {"type": "string", **value}
    several = {"type": "array", "items": one, "maxItems": MOST_VALUES}
    operators = {
        "type": "object",
        "properties": {"$eq": one, "$in": several},
        "additionalProperties": False,
        "minProperties": 1,
    }
    return WithJsonSchema({"anyOf": [one, operators]})


OptionalName = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME), AfterValidator(storable)]
Name = Annotated[OptionalName, BeforeValidator(given)]
Title = Annotated[str, Field(min_length=1, max_length=LONGEST_TITLE), AfterValidator(storable)]
ExternalId = Annotated[str, Field(min_length=1, max_length=LONGEST_EXTERNAL_ID), AfterValidator(storable)]
Capacity = Annotated[int, Field(ge=0, le=LARGEST_INTEGER)]
TimeZone = Annotated[str, Field(min_length=1, max_length=LONGEST_ZONE), AfterValidator(storable), AfterValidator(_zone)]
"""The name of a zone of the IANA time zone database."""
Revision = Annotated[
    str,
    Field(json_schema_extra={"pattern": f"^{_REVISION.pattern}$"}),
    AfterValidator(_revision),
    BeforeValidator(given),
]
"""A revision: the digits of a whole number, in a string."""
JsonObject = Annotated[dict[str, Any], AfterValidator(_object)]
"""An object that is kept as it was sent, nulls included, within limits."""
QueryCursor = Annotated[str, Field(min_length=1, max_length=LONGEST_CURSOR), AfterValidator(storable)]
"""A cursor in a body, which may be longer than one in a URL."""
NoPermissions = Annotated[list[Any], Field(json_schema_extra={"maxItems": 0}), AfterValidator(_no_permissions)]

GuidCondition = Annotated[tuple[str, ...] | None, BeforeValidator(condition(_guid)), condition_schema(format="uuid")]
ExternalIdCondition = Annotated[
    tuple[str, ...] | None,
    BeforeValidator(condition(_external_id)),
    condition_schema(maxLength=LONGEST_EXTERNAL_ID),
]
StatusCondition = Annotated[
    tuple[str, ...] | None,
    BeforeValidator(condition(_status)),
    condition_schema(enum=[one.value for one in ScheduleStatus]),
]
