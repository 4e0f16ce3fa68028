"""The answers of an operation that are no success: which statuses there are, and with which codes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from kalends.api.openapi.schemas import Schema
from kalends.api.operations import Declared, Operation
from kalends.api.refusals import InternalError, Malformed, NoSuchMethod, QueryTooLong, TooLarge, TooSlow
from kalends.model.errors import Invalid, PermissionDenied, Unauthenticated

OF_EVERY_CALL = (
    Declared(
        Unauthenticated,
        Unauthenticated.default_code,
        "There is no access token or API key, or it is not valid any more.",
    ),
    Declared(
        PermissionDenied,
        PermissionDenied.default_code,
        "The caller holds none of the permissions, or what the call is about belongs to somebody else.",
    ),
    Declared(InternalError, InternalError.default_code, "Something went wrong here."),
)
OF_QUERIES = (
    Declared(Malformed, Malformed.default_code, "The query has too many parameters."),
    Declared(QueryTooLong, QueryTooLong.default_code, "The query string is too long."),
)
OF_BODIES = (
    Declared(Malformed, "MALFORMED_JSON", "The body is no JSON object."),
    Declared(Malformed, "UNSUPPORTED_CONTENT_TYPE", "The body is sent as something else than JSON."),
    Declared(Malformed, Malformed.default_code, "The body ends before its time."),
    Declared(TooSlow, TooSlow.default_code, "The body does not arrive in time."),
    Declared(TooLarge, TooLarge.default_code, "The body is too large."),
)
OF_PATHS = (Declared(NoSuchMethod, NoSuchMethod.default_code, "The id in the path is empty, or has a slash."),)

PHRASES = {
    400: "Bad request",
    401: "Not authenticated",
    403: "Not permitted",
    404: "Not found",
    408: "Too slow",
    409: "Conflict",
    413: "Body too large",
    414: "Query too long",
    428: "Precondition failed",
    500: "Failed here",
    503: "Unavailable",
}
"""What the statuses of errors say, for people."""

REQUEST_ID_HEADER = {"X-Wix-Request-Id": {"$ref": "#/components/headers/RequestId"}}
CHALLENGE_HEADER = {"WWW-Authenticate": {"$ref": "#/components/headers/Challenge"}}


@dataclass(frozen=True, slots=True)
class PossibleError:
    """An error that an operation can answer with.

    `code` is None for field violations of any rule; with `named` it is the `ruleName` of one. `common` tells
    whether the error is one that any operation of its sort has.
    """

    status: int
    code: str | None
    when: str
    common: bool
    named: bool = False

    def told(self) -> Schema:
        """Return it as it stands in the document."""
        kind = {} if self.code is None else {"ruleName": self.code} if self.named else {"code": self.code}
        return {**kind, "when": self.when, "common": self.common}


def possible_errors(operation: Operation[Any]) -> list[PossibleError]:
    """Return what an operation can answer with beside its success, by status, its own errors first."""
    own = list(_errors(operation.errors, common=False))
    known = {(one.status, one.code) for one in own}
    common = [one for one in _common(operation) if (one.status, one.code) not in known]
    return sorted([*own, *common], key=lambda one: one.status)


def _common(operation: Operation[Any]) -> Iterator[PossibleError]:
    asks_query = operation.method == "GET"
    if asks_query or operation.asks.model_fields:
        yield PossibleError(400, None, "Fields of the request do not fit; each has a violation.", common=True)
    yield from _errors(OF_EVERY_CALL, common=True)
    yield from _errors(OF_QUERIES if asks_query else OF_BODIES, common=True)
    if "{" in operation.path:
        yield from _errors(OF_PATHS, common=True)


def _errors(declared: Iterable[Declared], *, common: bool) -> Iterator[PossibleError]:
    for one in declared:
        yield PossibleError(one.error.status, one.code, one.when, common, one.error is Invalid)


def error_responses(errors: Iterable[PossibleError], envelope: Schema) -> dict[str, Schema]:
    """Return the Response Objects for errors; `envelope` is the schema of every error's body."""
    by_status: dict[int, list[PossibleError]] = {}
    for one in errors:
        by_status.setdefault(one.status, []).append(one)
    return {str(status): _response(status, found, envelope) for status, found in sorted(by_status.items())}


def _response(status: int, errors: list[PossibleError], envelope: Schema) -> Schema:
    lines = [f"* {_label(one)}: {one.when}" for one in errors]
    return {
        "description": "\n".join([f"{PHRASES[status]}.", "", *lines]),
        "headers": REQUEST_ID_HEADER | (CHALLENGE_HEADER if status == Unauthenticated.status else {}),
        "content": {"application/json": {"schema": _body(errors, envelope)}},
        "x-errors": [one.told() for one in errors],
    }


def _label(error: PossibleError) -> str:
    if error.code is None:
        return "field violations"
    return f"a violation with the `ruleName` `{error.code}`" if error.named else f"`{error.code}`"


def _body(errors: list[PossibleError], envelope: Schema) -> Schema:
    codes = list(dict.fromkeys(one.code for one in errors if one.code is not None and not one.named))
    arms: list[Schema] = []
    if len(codes) < len(errors):
        arms.append({"required": ["validationError"]})
    if codes:
        # what went wrong here is for the operator's log alone: its code comes without a word
        said = [] if codes == [InternalError.default_code] else ["description", "data"]
        error = {"required": ["code", *said], "properties": {"code": {"enum": codes}}}
        arms.append({"required": ["applicationError"], "properties": {"applicationError": error}})
    details = arms[0] if len(arms) == 1 else {"anyOf": arms}
    return {"allOf": [envelope, {"properties": {"details": details}}]}
