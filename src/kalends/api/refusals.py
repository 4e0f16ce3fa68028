"""Requests that are refused before anybody asks what they are about, and how every refusal is written (contract §6.2).

KalendsError (kalends.model.errors)
├── Malformed      400  no JSON, no object, the wrong content type
├── TooSlow        408
├── TooLarge       413
├── QueryTooLong   414
├── NoSuchMethod   404
├── WrongMethod    405
└── InternalError  500
"""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ConfigDict, Field
from starlette.responses import Response

from kalends.api.messages import Answer
from kalends.model.errors import Invalid, KalendsError, Rule, Unauthenticated, Violation


class Malformed(KalendsError):
    """The request cannot be read."""

    status = 400
    default_code = "MALFORMED_REQUEST"


class TooLarge(KalendsError):
    """The body is too large."""

    status = 413
    default_code = "REQUEST_TOO_LARGE"


class TooSlow(KalendsError):
    """The body does not come."""

    status = 408
    default_code = "REQUEST_TIMEOUT"


class QueryTooLong(KalendsError):
    """The query string is too long."""

    status = 414
    default_code = "QUERY_TOO_LONG"


class NoSuchMethod(KalendsError):
    """Nothing is served under this path."""

    status = 404
    default_code = "NOT_FOUND"


class WrongMethod(KalendsError):
    """The path is served, but not with this HTTP method."""

    status = 405
    default_code = "METHOD_NOT_ALLOWED"


class InternalError(KalendsError):
    """Something went wrong here; what, is for the operator's log alone."""

    status = 500
    default_code = "INTERNAL"


class FieldViolation(Answer):
    """What is wrong with one field."""

    field: str = Field(description="The field's path in the request, with `[i]` for members of lists.")
    description: str = Field(description="What is wrong, for people.")
    violated_rule: Rule = Field(description="What is wrong, for programs.")
    rule_name: str | None = Field(description="Which rule of the method was violated, with the rule `OTHER`.")
    data: dict[str, Any] = Field(description="What the rule asks for, for instance `threshold` or `type`.")


class FieldViolations(Answer):
    """What is wrong with the fields of a request, sorted by field."""

    field_violations: list[FieldViolation] = Field(min_length=1, description="The violations.")


class ApplicationError(Answer):
    """An error that a program can tell by its code."""

    # where something went wrong here, the code is all that is said
    model_config = ConfigDict(json_schema_extra={"required": ["code"]})

    code: str = Field(description="What went wrong, for programs.")
    description: str = Field("", description="What went wrong, for people.")
    data: dict[str, Any] = Field(default_factory=dict, description="What it is about, for instance ids.")


class ErrorDetails(Answer):
    """One of the two."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["validationError"]}, {"required": ["applicationError"]}]}
    )

    validation_error: FieldViolations | None = Field(None, description="There if fields of the request do not fit.")
    application_error: ApplicationError | None = Field(None, description="There if it is anything else.")


class ErrorAnswer(Answer):
    """The body of every answer that is no success."""

    message: str = Field(description="What went wrong, for people.")
    details: ErrorDetails = Field(description="What went wrong, for programs.")


def refusal(error: KalendsError, headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer that tells a caller of an error."""
    # escaped to ASCII, so that no character of a request can keep the answer from being written
    body = json.dumps(_described(error).model_dump(by_alias=True, exclude_unset=True), separators=(",", ":")).encode()
    sent = {"Cache-Control": "no-store", **(headers or {})}
    if isinstance(error, Unauthenticated) and error.code == Unauthenticated.default_code:
        sent["WWW-Authenticate"] = "Bearer"
    return Response(body, error.status, sent, "application/json")


def _described(error: KalendsError) -> ErrorAnswer:
    if isinstance(error, Invalid):
        found = sorted(error.violations, key=lambda one: one.field)
        said = "; ".join(f'"{one.field}" {one.description}' for one in found)
        details = ErrorDetails(validation_error=FieldViolations(field_violations=[_violation(one) for one in found]))
        return ErrorAnswer(message=f"{error.code}: {said}", details=details)
    if isinstance(error, InternalError):
        told = ApplicationError(code=error.code)
    else:
        told = ApplicationError(code=error.code, description=error.description, data=error.data)
    return ErrorAnswer(message=error.description, details=ErrorDetails(application_error=told))


def _violation(one: Violation) -> FieldViolation:
    return FieldViolation(
        field=one.field,
        description=one.description,
        violated_rule=one.rule,
        rule_name=one.name,
        data=dict(one.data),
    )
