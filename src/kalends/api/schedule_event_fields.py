"""The kinds of fields that requests about schedule events hold, beside those of schedules."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from kalends.api.fields import Refused, storable
from kalends.api.schedule_fields import JsonObject, condition, condition_schema, given
from kalends.model.errors import Rule
from kalends.model.schedule_event import (
    CONTENT,
    LONGEST_NOTES,
    TIMES,
    EventStatus,
    EventType,
    Transparency,
)

MOST_RESOURCES = 100
LONGEST_EVENT_ID = 250
LONGEST_FIELD = 100

_LOCAL_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?")
_LOCAL_SCHEMA = WithJsonSchema(
    {
        "type": "string",
        "pattern": "^(19|20)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3])(:[0-5][0-9]){2}$",
        "examples": ["2026-12-01T09:00:00"],
    }
)
"""Somewhat narrower than what is taken: months differ in their days."""


def _local_date(value: object) -> datetime:
    if not isinstance(value, str) or not _LOCAL_DATE.fullmatch(value):
        raise _no_local_date()
    try:
        return datetime.fromisoformat(value[:19])
    except ValueError:
        raise _no_local_date() from None


def _no_local_date() -> Refused:
    return Refused(
        Rule.FORMAT, "must be a local date and time without offset, such as 2026-01-31T09:00:00", type="LOCAL_DATE_TIME"
    )


def _one_of(allowed: tuple[str, ...]) -> Callable[[str], str]:
    def check(text: str) -> str:
        if text not in allowed:
            raise Refused(Rule.INVALID_ENUM_VALUE, f"must be {' or '.join(repr(one) for one in allowed)}")
        return text

    return check


def _names(text: object) -> frozenset[str]:
    """Read a field mask: names of fields of an event, joined by commas."""
    if not isinstance(text, str):
        raise Refused(Rule.FORMAT, "must be a single string", type="STRING")
    names = frozenset(text.split(","))
    for name in sorted(names - FIELDS):
        said = "must name fields of an event that can be changed, joined by commas"
        raise Refused(Rule.INVALID_ENUM_VALUE, said, unknown=storable(name)[:LONGEST_FIELD])
    return names


FIELDS = frozenset({*CONTENT, *TIMES, "recurrenceRule"})
"""What can be changed of an event."""
_TYPES = tuple(one.value for one in EventType)
_STATUSES = tuple(one.value for one in EventStatus)
_TRANSPARENCIES = tuple(one.value for one in Transparency)

LocalDate = Annotated[datetime, BeforeValidator(_local_date), BeforeValidator(given), _LOCAL_SCHEMA]
LocalDateText = Annotated[
    str, Field(json_schema_extra={"pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}$"})
]
"""A local date and time of an answer."""
EventIdText = Annotated[str, Field(json_schema_extra={"minLength": 36, "maxLength": LONGEST_EVENT_ID})]
"""The id of an event of an answer: a GUID, or the longer one of an instance."""
EventId = Annotated[str, Field(min_length=1, max_length=LONGEST_EVENT_ID), AfterValidator(storable)]
Notes = Annotated[str, Field(max_length=LONGEST_NOTES), AfterValidator(storable)]
Resources = Annotated[list[JsonObject], Field(max_length=MOST_RESOURCES)]
FieldMask = Annotated[
    frozenset[str],
    BeforeValidator(_names),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": "^({0})(,({0}))*$".format("|".join(sorted(FIELDS))),
            "examples": ["start,end"],
        }
    ),
]
"""Names of fields, joined by commas; what is read is the set of them."""
TypeName = Literal["DEFAULT", "WORKING_HOURS", "APPOINTMENT", "CLASS", "COURSE"]
TransparencyName = Literal["OPAQUE", "TRANSPARENT"]
RecurrenceTypeName = Literal["NONE", "MASTER", "INSTANCE", "EXCEPTION"]
DayName = Literal["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]

TypeCondition = Annotated[
    tuple[str, ...] | None, BeforeValidator(condition(_one_of(_TYPES))), condition_schema(enum=[*_TYPES])
]
EventStatusCondition = Annotated[
    tuple[str, ...] | None, BeforeValidator(condition(_one_of(_STATUSES))), condition_schema(enum=[*_STATUSES])
]
TransparencyCondition = Annotated[
    tuple[str, ...] | None,
    BeforeValidator(condition(_one_of(_TRANSPARENCIES))),
    condition_schema(enum=[*_TRANSPARENCIES]),
]
