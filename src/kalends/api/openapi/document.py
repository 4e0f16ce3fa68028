"""The OpenAPI document (https://spec.openapis.org/oas/v3.1.1), made from operations and their models."""

import re
from collections.abc import Sequence
from typing import Any

from kalends import __version__
from kalends.api.openapi.errors import REQUEST_ID_HEADER, error_responses, possible_errors
from kalends.api.openapi.parameters import documented_path, operation_parameters
from kalends.api.openapi.plain import MODELS, SERVICE, TOKENS, plain_paths
from kalends.api.openapi.schemas import Direction, Schema, Schemas
from kalends.api.operations import Operation
from kalends.api.refusals import ErrorAnswer

DESCRIPTION = """\
Kalends connects the schedules of a bookings site to people's own calendars and tells what blocks them. It answers \
the Wix Bookings *External Calendar V2* API; a client written for that API runs against it with nothing changed but \
the host.

**Who calls.** Put an access token into the header `Authorization`, as it is or after the word `Bearer`; or an API \
key, and the id of its site into `wix-site-id`.

**Requests.** Bodies are JSON objects, sent as `application/json`. Types are strict: the string `"true"` is no \
boolean. A member that is null says the same as none, unless its description says otherwise, and what is not known \
is passed over: fields, query parameters, the `connectionId` that the official SDK sends a second time. In a query, \
a list is a parameter that is repeated. The whole of a query may also come as one parameter `.r`, a JSON object in \
base64url.

**Answers.** Success is always 200 with a JSON object. What is unknown is left out, and nothing is null. New fields \
may come at any time: pass over what you do not know.

**Errors.** The body has `message` for people and `details` for programs: `validationError` with one violation for \
each field that does not fit, or `applicationError` with a `code`. Checks come in this order: who calls (401), \
whether they may (403), whether the request fits (400), whether what it names exists (404), whose it is (403), and \
whether its state allows the call (409, 428). A path asked with a method that it does not have is answered with 405 \
and `Allow`. The id in `X-Wix-Request-Id` is in the server's log, too.
"""
ALIASES = "Served under {} as well, for clients that look there."
PERMISSION = "Needs the permission {}."

_RESOURCE = re.compile(r"/v[0-9]+/([a-z-]+)")
_TAGS = {
    "External calendars": "Providers, connections, their calendars, and the events that block people.",
    "Schedules": "The bookable calendars of people, rooms and services that accounts are connected to.",
    "Events": "Bookings, classes and blocks on schedules.",
    "Bulk": "Several events of schedules at once.",
    "Schedule events": "What Kalends can do with events on schedules beyond the contract.",
    "Conflicts": "What external calendars and events on schedules both claim: Kalends' own, beyond the contract.",
    "Connections": "How connections are doing, and what was done about them: Kalends' own, beyond the contract.",
    TOKENS: "Access tokens for apps.",
    SERVICE: "Whether the service runs, and these documents.",
}


def document(operations: Sequence[Operation[Any]]) -> Schema:
    """Return the document for operations and the plain routes."""
    schemas = Schemas(
        [
            (ErrorAnswer, "answered"),
            *((one.answers, "answered") for one in operations),
            *((one.asks, _direction(one)) for one in operations if one.method != "GET"),
            *MODELS,
        ]
    )
    envelope = schemas.reference(ErrorAnswer, "answered")
    paths: dict[str, Schema] = {}
    for one in operations:
        paths.setdefault(documented_path(one), {})[one.method.lower()] = _operation(one, schemas, envelope)
    paths |= plain_paths(schemas, envelope)
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "Kalends",
            "version": __version__,
            "summary": "An open, self-hosted external calendar service.",
            "description": DESCRIPTION,
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "The server that this document comes from."}],
        "tags": [{"name": name, **_about(name)} for name in _tags(operations)],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.components.items())),
            "headers": _HEADERS,
            "securitySchemes": _SECURITY_SCHEMES,
        },
    }


def _tags(operations: Sequence[Operation[Any]]) -> list[str]:
    return list(dict.fromkeys([*(_tag(one) for one in operations), TOKENS, SERVICE]))


def _about(tag: str) -> Schema:
    return {"description": _TAGS[tag]} if tag in _TAGS else {}


def _tag(operation: Operation[Any]) -> str:
    """Return the resource in the public path, in words: `/bookings/v2/external-calendars` → `External calendars`."""
    found = _RESOURCE.search(operation.prefixes[0] + operation.path)
    return found[1].replace("-", " ").capitalize() if found else SERVICE


def _operation(operation: Operation[Any], schemas: Schemas, envelope: Schema) -> Schema:
    permissions = sorted(operation.permissions)
    said = [PERMISSION.format(" or ".join(f"`{one}`" for one in permissions))]
    if operation.prefixes[1:]:
        said.append(ALIASES.format(" and ".join(f"`{prefix}`" for prefix in operation.prefixes[1:])))
    parameters = operation_parameters(operation)
    return {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": "\n\n".join(said),
        "tags": [_tag(operation)],
        "security": [{"token": []}, {"bearer": []}, {"apiKey": [], "site": []}],
        "x-permissions": [str(one) for one in permissions],
        **({"parameters": parameters} if parameters else {}),
        **({} if operation.method == "GET" else {"requestBody": _body(operation, schemas)}),
        "responses": {
            "200": {
                "description": "Success.",
                "headers": REQUEST_ID_HEADER,
                "content": {"application/json": {"schema": schemas.reference(operation.answers, "answered")}},
            },
            **error_responses(possible_errors(operation), envelope),
        },
    }


def _body(operation: Operation[Any], schemas: Schemas) -> Schema:
    required = any(field.is_required() for field in operation.asks.model_fields.values())
    schema = schemas.reference(operation.asks, _direction(operation))
    return {"required": required, "content": {"application/json": {"schema": schema}}}


def _direction(operation: Operation[Any]) -> Direction:
    return "asked with nulls" if operation.keeps_nulls else "asked"


_HEADERS: Schema = {
    "RequestId": {
        "description": "The request's id, which the server's log carries too.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[0-9a-f]{24}$"},
    },
    "Challenge": {
        "description": "How to say who calls; absent where the credentials of an account were refused.",
        "schema": {"type": "string"},
    },
    "ETag": {
        "description": "The tag of this version of the document.",
        "required": True,
        "schema": {"type": "string", "pattern": '^"[0-9a-f]+"$'},
    },
}
_SECURITY_SCHEMES: Schema = {
    "token": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "An access token, as it is.",
    },
    "bearer": {"type": "http", "scheme": "bearer", "description": "An access token after the word `Bearer`."},
    "apiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "An API key; it goes together with the id of its site.",
    },
    "site": {"type": "apiKey", "in": "header", "name": "wix-site-id", "description": "The id of the API key's site."},
    "metrics": {"type": "http", "scheme": "bearer", "description": "The token of the setting `KALENDS_METRICS_TOKEN`."},
    "client": {"type": "http", "scheme": "basic", "description": "An app's client id and client secret."},
}
