"""What surrounds every request: an id, one line in the log, and an answer even where the code failed."""

import secrets
import time
import traceback

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kalends.api.refusals import InternalError, refusal
from kalends.api.services import Answered
from kalends.tracing.port import Tracing

log = structlog.get_logger(__name__)

REQUEST_ID = "X-Wix-Request-Id"
TRACEPARENT = b"traceparent"
NOBODY_WAITS = 499
"""What the log calls a request that ended without an answer."""


class RequestLog:
    """Gives each request an id, which every answer and every log line carries; logs, counts and traces it.

    The line names the route, never the path, the query or a header: those hold ids, cursors and tokens.
    """

    def __init__(self, app: ASGIApp, answered: Answered, tracing: Tracing) -> None:
        self._app = app
        self._answered = answered
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id, began, status = secrets.token_hex(12), time.perf_counter(), NOBODY_WAITS

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            await send(message)

        with (
            structlog.contextvars.bound_contextvars(request_id=request_id),
            self._tracing.request(scope["method"], _traceparent(scope)) as span,
        ):
            try:
                await self._app(scope, receive, send_with_id)
            finally:
                route = getattr(scope.get("route"), "path", None)
                seconds = time.perf_counter() - began
                self._answered(scope["method"], route, status, seconds)
                span.answered(route, status)
                log.info(
                    "request",
                    method=scope["method"],
                    route=route,
                    status=status,
                    ms=round(seconds * 1000, 1),
                    request_id=request_id,
                )


def _traceparent(scope: Scope) -> str | None:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == TRACEPARENT), None)


class LastResort:
    """Answers 500 where anything unforeseen was raised, and logs where it happened.

    What the error says stays out of the log: messages of drivers and parsers quote what they were working on.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:  # noqa: BLE001 - the last resort takes whatever comes
            log.error("failed", error=type(error).__qualname__, trace="".join(traceback.format_tb(error.__traceback__)))  # noqa: TRY400 - `exception` would log what the error says
            if not started:
                await refusal(InternalError("Something went wrong here."))(scope, receive, send)
