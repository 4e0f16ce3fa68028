"""The routes that are no operations: the token endpoint, what monitors ask, and these documents."""

from typing import Any

from pydantic import BaseModel

from kalends.api import health, metrics, token
from kalends.api.openapi.errors import CHALLENGE_HEADER, OF_BODIES, REQUEST_ID_HEADER, PossibleError, error_responses
from kalends.api.openapi.schemas import Direction, Schema, Schemas
from kalends.api.operations import Declared
from kalends.api.refusals import InternalError, NoSuchMethod
from kalends.model.errors import Unauthenticated

OPENAPI_PATH = "/openapi.json"
DOCS_PATH = "/docs"
TOKENS = "Tokens"
SERVICE = "Service"

MODELS: tuple[tuple[type[BaseModel], Direction], ...] = (
    (token.TokenAnswer, "answered"),
    (token.TokenError, "answered"),
    (health.HealthAnswer, "answered"),
)

_UNREADABLE = tuple(one for one in OF_BODIES if one.error.status != 400)  # noqa: PLR2004 - a status
_FAILED = Declared(InternalError, InternalError.default_code, "Something went wrong here.")


def plain_paths(schemas: Schemas, envelope: Schema) -> dict[str, Schema]:
    """Return the Path Items; `envelope` is the schema of an error's body."""
    return {
        token.PATH: {"post": _token(schemas, envelope)},
        health.PATH: {
            "get": _check(
                schemas,
                envelope,
                "getHealth",
                "Ask whether the service can answer.",
                "For load balancers and monitors: it reaches for the database and tells nothing else.",
            )
        },
        health.READY_PATH: {
            "get": _check(
                schemas,
                envelope,
                "getReadiness",
                "Ask whether the service should be sent requests.",
                "The database is there, and its schema is the one that this version works with.",
            )
        },
        metrics.PATH: {"get": _metrics(envelope)},
        OPENAPI_PATH: {
            "get": _constant(
                envelope,
                "getOpenApiDocument",
                "Get this document.",
                "It says nothing about any site, so that it can be read without an access token.",
                "application/json",
                {"type": "object"},
            )
        },
        DOCS_PATH: {
            "get": _constant(
                envelope,
                "getDocumentsPage",
                "Read this document as a page.",
                "The page holds no script and fetches nothing.",
                "text/html; charset=utf-8",
                {"type": "string"},
            )
        },
    }


def _failures(envelope: Schema, *declared: Declared) -> dict[str, Schema]:
    found = [PossibleError(one.error.status, one.code, one.when, common=True) for one in declared]
    return error_responses(found, envelope)


def _answer(description: str, schema: Schema, media: str = "application/json", **more: Any) -> Schema:
    return {"description": description, "headers": REQUEST_ID_HEADER, "content": {media: {"schema": schema}}, **more}


def _token(schemas: Schemas, envelope: Schema) -> Schema:
    text = {"type": "string", "maxLength": token.LONGEST_VALUE}
    asked: Schema = {
        "type": "object",
        "required": ["grant_type"],
        "properties": {
            "grant_type": {"const": token.GRANT, "description": "The only grant type here."},
            "client_id": {**text, "description": "The app's client id; not needed with HTTP Basic."},
            "client_secret": {**text, "description": "The app's client secret; absent with HTTP Basic."},
            "instance_id": {
                **text,
                "description": "The app's installation on a site; not needed where it has only one.",
            },
        },
        "examples": [{"grant_type": token.GRANT, "client_id": "APP_ID", "client_secret": "APP_SECRET"}],
    }
    refused = {
        str(status): _answer(
            "\n".join(
                ["The request is refused (RFC 6749 §5.2).", "", *(f"* `{one.error}`: {one.when}" for one in some)]
            ),
            {
                "allOf": [
                    schemas.reference(token.TokenError, "answered"),
                    {"properties": {"error": {"enum": [one.error for one in some]}}},
                ]
            },
            headers=REQUEST_ID_HEADER | (CHALLENGE_HEADER if status == 401 else {}),  # noqa: PLR2004 - a status
        )
        | {"x-errors": [{"code": one.error, "when": one.when, "common": False} for one in some]}
        for status in sorted({one.status for one in token.REFUSALS})
        if (some := [one for one in token.REFUSALS if one.status == status])
    }
    return {
        "operationId": "getAccessToken",
        "summary": "Get an access token for an app.",
        "description": "The grant of client credentials (RFC 6749 §4.4). The app proves itself by `client_id` and "
        "`client_secret` in the body, or by HTTP Basic.",
        "tags": [TOKENS],
        "security": [{}, {"client": []}],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": asked}, token.FORM: {"schema": asked}},
        },
        "responses": {
            "200": _answer("A token.", schemas.reference(token.TokenAnswer, "answered")),
            **refused,
            **_failures(envelope, *_UNREADABLE, _FAILED),
        },
    }


def _check(schemas: Schemas, envelope: Schema, name: str, summary: str, description: str) -> Schema:
    def told(status: str) -> Schema:
        only = {"properties": {"status": {"const": status}}}
        return {"allOf": [schemas.reference(health.HealthAnswer, "answered"), only]}

    return {
        "operationId": name,
        "summary": summary,
        "description": description,
        "tags": [SERVICE],
        "security": [],
        "responses": {
            "200": _answer("It can.", told(health.WELL)),
            "503": _answer("It cannot, at the moment.", told(health.ILL)),
            **_failures(envelope, _FAILED),
        },
    }


def _metrics(envelope: Schema) -> Schema:
    return {
        "operationId": "getMetrics",
        "summary": "Read the metrics of this process and of what is stored.",
        "description": "In Prometheus' text format. They name no site, account, connection or person.",
        "tags": [SERVICE],
        "security": [{"metrics": []}],
        "responses": {
            "200": _answer("The metrics.", {"type": "string"}, metrics.MEDIA),
            **_failures(
                envelope,
                Declared(Unauthenticated, "UNAUTHENTICATED", "The token is missing or another one."),
                Declared(NoSuchMethod, "NOT_FOUND", "No token is set in the server's settings."),
                _FAILED,
            ),
        },
    }


def _constant(envelope: Schema, name: str, summary: str, description: str, media: str, schema: Schema) -> Schema:
    tag = {"ETag": {"$ref": "#/components/headers/ETag"}}
    return {
        "operationId": name,
        "summary": summary,
        "description": description,
        "tags": [SERVICE],
        "security": [],
        "parameters": [
            {
                "name": "If-None-Match",
                "in": "header",
                "required": False,
                "description": "Entity tags of copies that the caller has.",
                "schema": {"type": "string"},
            }
        ],
        "responses": {
            "200": _answer("The document.", schema, media, headers=REQUEST_ID_HEADER | tag),
            "304": {"description": "The caller's copy is the current one.", "headers": REQUEST_ID_HEADER | tag},
            **_failures(envelope, _FAILED),
        },
    }
