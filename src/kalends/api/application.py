"""The API as one ASGI application.

It is plain Starlette: all methods share one mechanism (`operations.Endpoint`), which a framework's own parsing would
only double, and which keeps the order of checks where it can be read.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kalends.api import connections, events, providers, sync_config, token
from kalends.api.edge import REQUEST_ID, LastResort, RequestLog
from kalends.api.operations import EXTERNAL_CALENDARS, Endpoint, Operation
from kalends.api.refusals import Malformed, NoSuchMethod, WrongMethod, refusal
from kalends.api.services import Services
from kalends.model.errors import KalendsError

log = structlog.get_logger(__name__)

OPERATIONS: Sequence[Operation[Any]] = (
    *events.OPERATIONS,
    *connections.OPERATIONS,
    *sync_config.OPERATIONS,
    *providers.OPERATIONS,
)

HEALTH_DEADLINE_SECONDS = 5
CONSISTENT = "X-Wix-Consistent"
ALLOWED_HEADERS = (
    "authorization",
    "content-type",
    "wix-site-id",
    "wix-account-id",
    "x-wix-bi-gateway",
    CONSISTENT.lower(),
)


def create_api(services: Services) -> Starlette:
    """Return the application that serves the contract, the token endpoint and `/healthz`."""
    app = Starlette(
        routes=[
            *(_route(prefix, operation, services) for operation in OPERATIONS for prefix in operation.prefixes),
            Route(token.PATH, token.TokenEndpoint(services).answer, methods=["POST"], name="token"),
            Route("/healthz", _Health(services).answer, methods=["GET"], name="health"),
        ],
        middleware=[
            Middleware(RequestLog),
            Middleware(
                CORSMiddleware,
                allow_origins=["*"],
                allow_methods=["GET", "POST", "PATCH"],
                allow_headers=ALLOWED_HEADERS,
                expose_headers=[REQUEST_ID, CONSISTENT],
            ),
            Middleware(LastResort),
        ],
        exception_handlers={
            KalendsError: _refuse,
            HTTPException: _refuse_route,
            ClientDisconnect: _refuse_half_a_body,
        },
    )
    app.router.redirect_slashes = False
    return app


def _route(prefix: str, operation: Operation[Any], services: Services) -> Route:
    return Route(
        prefix + operation.path, Endpoint(operation, services), methods=[operation.method], name=operation.name
    )


class _Health:
    """Tells whether the service can answer at all; asks for no credentials and tells nothing else."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def answer(self, _request: Request) -> Response:
        try:
            async with asyncio.timeout(HEALTH_DEADLINE_SECONDS):
                await self._services.check_database()
        except Exception as error:  # noqa: BLE001 - whatever the database raises, the service is not well
            log.warning("unhealthy", error=type(error).__qualname__)
            return JSONResponse({"status": "unavailable"}, 503)
        return JSONResponse({"status": "ok"})


async def _refuse(_request: Request, error: Any) -> Response:
    return refusal(error)


async def _refuse_route(request: Request, error: Any) -> Response:
    allowed = (error.headers or {}).get("Allow")
    if allowed is None:
        return refusal(
            NoSuchMethod(f"Nothing is served here; the calendar methods are under {EXTERNAL_CALENDARS[0]}/.")
        )
    headers = {"Allow": ", ".join(sorted({*allowed.split(", "), "OPTIONS"}))}
    if request.method == "OPTIONS":
        return Response(status_code=204, headers=headers)
    return refusal(WrongMethod(f"{request.method} is not allowed here, but {headers['Allow']}."), headers)


async def _refuse_half_a_body(_request: Request, _error: Any) -> Response:
    return refusal(Malformed("The body ended before its time."))
