"""Spans by OpenTelemetry's API, in the words of its semantic conventions for HTTP where these have some.

This module is loaded where tracing is wanted alone: it needs the extra `kalends[otel]`.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from kalends import __version__
from kalends.store.runs import Run

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "_OTHER"
"""What the conventions call a method that is none of HTTP's: callers make those up."""
FIRST_FAULT_OF_OURS = 500
WELL = frozenset({"2xx", "3xx"})


@dataclass(frozen=True, slots=True)
class _Request:
    span: Span
    method: str

    def answered(self, route: str | None, status: int) -> None:
        self.span.set_attribute("http.response.status_code", status)
        if route is not None:
            self.span.update_name(f"{self.method} {route}")
            self.span.set_attribute("http.route", route)
        if status >= FIRST_FAULT_OF_OURS:
            self.span.set_status(Status(StatusCode.ERROR))


@dataclass(frozen=True, slots=True)
class _Sync:
    span: Span

    def ran(self, provider: str | None, run: Run) -> None:
        counted = {f"kalends.sync.{name}": count for name, count in asdict(run.counts).items()}
        self.span.set_attributes(
            {
                "kalends.sync.cause": run.cause.value,
                "kalends.sync.outcome": run.outcome.value,
                "kalends.sync.requests": run.requests or 0,
                **counted,
                **({"kalends.provider": provider} if provider else {}),
            }
        )
        if run.error is not None:
            self.span.set_status(Status(StatusCode.ERROR))


class Telemetry:
    """Makes spans of what is traced.

    Of a caller's context only `traceparent` is taken over: `tracestate` and baggage may say anything. What is raised
    stays out of spans, but for its kind: messages quote what they are about.
    """

    def __init__(self, provider: TracerProvider) -> None:
        self._tracer = provider.get_tracer("kalends", __version__)
        self._callers = TraceContextTextMapPropagator()

    @contextmanager
    def request(self, method: str, traceparent: str | None) -> Iterator[_Request]:
        """Begin the span of a request, in the caller's trace where there is one."""
        method = method if method in METHODS else OTHER
        carrier = {} if traceparent is None else {"traceparent": traceparent}
        context = self._callers.extract(carrier, context=Context())
        with self._begun(method, context, SpanKind.SERVER) as span:
            span.set_attribute("http.request.method", method)
            yield _Request(span, method)

    @contextmanager
    def sync(self) -> Iterator[_Sync]:
        """Begin the span of a sync, which is a trace of its own: it answers any number of requests, or none."""
        with self._begun("sync", Context(), SpanKind.INTERNAL) as span:
            yield _Sync(span)

    def asked(self, provider: str, method: str, outcome: str, seconds: float) -> None:
        """Note a request that has just ended, below the sync or the request that it was for.

        Nothing of it is handed to the server: traces are not its business.
        """
        now = time.time_ns()
        span = self._tracer.start_span(
            method,
            kind=SpanKind.CLIENT,
            attributes={"http.request.method": method, "kalends.provider": provider, "kalends.outcome": outcome},
            start_time=now - int(seconds * 1e9),
        )
        if outcome not in WELL:
            span.set_status(Status(StatusCode.ERROR))
        span.end(now)

    @contextmanager
    def _begun(self, name: str, context: Context, kind: SpanKind) -> Iterator[Span]:
        with self._tracer.start_as_current_span(
            name, context=context, kind=kind, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield span
            except BaseException as error:
                span.set_attribute("error.type", type(error).__qualname__)
                span.set_status(Status(StatusCode.ERROR))
                raise
