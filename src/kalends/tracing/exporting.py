"""Sending spans to the operator's collector: OTLP over HTTP, in batches, from a thread of its own.

Where to and how, the SDK reads from the `OTEL_…` variables by itself. Spans that cannot be sent are dropped.
"""

import asyncio
import threading
from contextlib import suppress

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from kalends import __version__

FINISH_SECONDS = 3
"""How long the last spans may take to be sent when the process ends."""


class Exporting:
    """Owns the provider of spans, and the thread that sends them."""

    def __init__(self) -> None:
        self._exporter = OTLPSpanExporter()
        self.provider = TracerProvider(resource=_resource(), shutdown_on_exit=False)
        self.provider.add_span_processor(BatchSpanProcessor(self._exporter))

    async def close(self) -> None:
        """Send what is left, but do not wait for long where nobody takes it."""
        loop, sent = asyncio.get_running_loop(), asyncio.Event()

        def shut_down() -> None:
            self.provider.shutdown()
            with suppress(RuntimeError):  # nobody waits any more, and the loop is closed
                loop.call_soon_threadsafe(sent.set)

        threading.Thread(target=shut_down, daemon=True).start()
        try:
            async with asyncio.timeout(FINISH_SECONDS):
                await sent.wait()
        except TimeoutError:
            self._exporter.shutdown()  # type: ignore[no-untyped-call]  # the SDK leaves it so


def _resource() -> Resource:
    found = Resource.create({SERVICE_VERSION: __version__})
    if str(found.attributes.get(SERVICE_NAME, "")).startswith("unknown_service"):
        return found.merge(Resource({SERVICE_NAME: "kalends"}))
    return found
