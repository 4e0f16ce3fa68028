"""The API as one ASGI application.

It is plain Starlette: all methods share one mechanism (`operations.Endpoint`), which a framework's own parsing would
only double, and which keeps the order of checks where it can be read.
"""

from collections.abc import Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match, Route

from kalends.api import (
    conflicts,
    connection_health,
    connections,
    copies,
    delegated,
    events,
    feeds,
    health,
    metrics,
    providers,
    schedule_event_bulk,
    schedule_events,
    schedules,
    sync_config,
    token,
)
from kalends.api.authorizing import AuthorizationPages
from kalends.api.edge import REQUEST_ID, LastResort, RequestLog
from kalends.api.hooks import HookEndpoints
from kalends.api.openapi.serving import Documents
from kalends.api.operations import EXTERNAL_CALENDARS, Endpoint, Operation
from kalends.api.refusals import Malformed, NoSuchMethod, WrongMethod, refusal
from kalends.api.services import Services
from kalends.model.errors import KalendsError

OPERATIONS: Sequence[Operation[Any]] = (
    *events.OPERATIONS,
    *connections.OPERATIONS,
    *sync_config.OPERATIONS,
    *providers.OPERATIONS,
    *schedules.OPERATIONS,
    *schedule_events.OPERATIONS,
    *schedule_event_bulk.OPERATIONS,
    *feeds.OPERATIONS,
    *delegated.OPERATIONS,
    *connection_health.OPERATIONS,
    *copies.OPERATIONS,
    *conflicts.OPERATIONS,
)

CONSISTENT = "X-Wix-Consistent"
ALLOWED_HEADERS = (
    "authorization",
    "content-type",
    "wix-site-id",
    "wix-account-id",
    "x-wix-bi-gateway",
    CONSISTENT.lower(),
)


def create_api(services: Services, *, beside: Sequence[Route] = ()) -> Starlette:
    """Return the application: the operations, the token endpoint, what monitors ask, pages, and the API's documents.

    `beside` are further routes, which come last.
    """
    app = Starlette(
        routes=[
            *(_route(prefix, operation, services) for operation in OPERATIONS for prefix in operation.prefixes),
            Route(token.PATH, token.TokenEndpoint(services).answer, methods=["POST"], name="token"),
            *_monitoring(services),
            *AuthorizationPages(services).routes(),
            *HookEndpoints(services).routes(),
            *Documents(OPERATIONS).routes(),
            *beside,
        ],
        middleware=[
            Middleware(RequestLog, answered=services.answered, tracing=services.tracing),
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


def create_monitoring(services: Services) -> Starlette:
    """Return the application of a process that does not serve the API: what monitors ask, and nothing else."""
    return Starlette(
        routes=_monitoring(services),
        middleware=[
            Middleware(RequestLog, answered=services.answered, tracing=services.tracing),
            Middleware(LastResort),
        ],
        exception_handlers={KalendsError: _refuse, HTTPException: _refuse_route_beside_monitoring},
    )


def _monitoring(services: Services) -> list[Route]:
    return [
        Route(health.PATH, health.CheckEndpoint(services.check_database).answer, methods=["GET"], name="health"),
        Route(health.READY_PATH, health.CheckEndpoint(services.check_ready).answer, methods=["GET"], name="ready"),
        Route(metrics.PATH, metrics.MetricsEndpoint(services).answer, methods=["GET"], name="metrics"),
    ]


def _route(prefix: str, operation: Operation[Any], services: Services) -> Route:
    return Route(
        prefix + operation.path, Endpoint(operation, services), methods=[operation.method], name=operation.name
    )


async def _refuse(_request: Request, error: Any) -> Response:
    return refusal(error)


async def _refuse_route(request: Request, _error: Any) -> Response:
    return _refuse_path(request, f"Nothing is served here; the calendar methods are under {EXTERNAL_CALENDARS[0]}/.")


async def _refuse_route_beside_monitoring(request: Request, _error: Any) -> Response:
    return _refuse_path(request, "Nothing is served here; this process answers monitors alone.")


def _refuse_path(request: Request, why: str) -> Response:
    allowed = _allowed(request)
    if not allowed:
        return refusal(NoSuchMethod(why))
    headers = {"Allow": ", ".join(sorted({*allowed, "OPTIONS"}))}
    if request.method == "OPTIONS":
        return Response(status_code=204, headers=headers)
    return refusal(WrongMethod(f"{request.method} is not allowed here, but {headers['Allow']}."), headers)


def _allowed(request: Request) -> set[str]:
    """Return the methods of all routes with the request's path; the error names those of the first one only."""
    routes = (one for one in request.app.routes if one.matches(request.scope)[0] is not Match.NONE)
    return {method for route in routes for method in route.methods or ()}


async def _refuse_half_a_body(_request: Request, _error: Any) -> Response:
    return refusal(Malformed("The body ended before its time."))
