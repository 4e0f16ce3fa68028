"""The port: what is traced. Who traces takes what is handed over and decides what of it a span may say."""

from contextlib import AbstractContextManager
from types import TracebackType
from typing import Protocol, Self

from kalends.store.runs import Run


class RequestSpan(Protocol):
    """The span of a request to the API."""

    def answered(self, route: str | None, status: int) -> None:
        """Note the answer; `route` is the path with its parameters' names, None where there is none."""
        ...


class SyncSpan(Protocol):
    """The span of a sync."""

    def ran(self, provider: str | None, run: Run) -> None:
        """Note what was done; `provider` is the kind of the plugin, None where that is not known."""
        ...


class Tracing(Protocol):
    """Makes spans. None of its methods raises or waits, whatever becomes of the spans."""

    def request(self, method: str, traceparent: str | None) -> AbstractContextManager[RequestSpan]:
        """Begin the span of a request; `traceparent` is the caller's header of that name (W3C Trace Context §3.2)."""
        ...

    def sync(self) -> AbstractContextManager[SyncSpan]:
        """Begin the span of a sync."""
        ...

    def asked(self, provider: str, method: str, outcome: str, seconds: float) -> None:
        """Note a request to a calendar server that has just ended; `provider` is the kind of its plugin."""
        ...


class _Nothing:
    """A span of nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End nothing."""

    def answered(self, route: str | None, status: int) -> None:
        """Note nothing."""

    def ran(self, provider: str | None, run: Run) -> None:
        """Note nothing."""


_NOTHING = _Nothing()


class NoTracing:
    """Traces nothing."""

    def request(self, method: str, traceparent: str | None) -> _Nothing:
        """Begin nothing."""
        del method, traceparent
        return _NOTHING

    def sync(self) -> _Nothing:
        """Begin nothing."""
        return _NOTHING

    def asked(self, provider: str, method: str, outcome: str, seconds: float) -> None:
        """Note nothing."""
