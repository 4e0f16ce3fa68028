"""Whether to trace: where OpenTelemetry's own variables name a collector, and `kalends[otel]` is installed."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import structlog

from kalends.tracing.port import NoTracing, Tracing

log = structlog.get_logger(__name__)

COLLECTORS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def is_wanted(environ: Mapping[str, str]) -> bool:
    """Tell whether the environment names a collector, and does not say that spans are not wanted."""
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    if environ.get("OTEL_TRACES_EXPORTER", "").strip().lower() == "none":
        return False
    return any(environ.get(name) for name in COLLECTORS)


@asynccontextmanager
async def tracing_by(environ: Mapping[str, str]) -> AsyncIterator[Tracing]:
    """Yield the tracing that the environment asks for; the log says where it asks for what cannot be had."""
    if not is_wanted(environ):
        yield NoTracing()
        return
    try:
        from kalends.tracing.exporting import Exporting  # noqa: PLC0415 - the extra may not be installed
        from kalends.tracing.telemetry import Telemetry  # noqa: PLC0415 - nor need it be loaded

        exporting = Exporting()
    except ImportError:
        log.warning("tracing_not_installed", extra="kalends[otel]")
        yield NoTracing()
        return
    except Exception as error:  # noqa: BLE001 - whatever the SDK finds wrong with its variables, the service goes on
        log.warning("tracing_not_started", error=type(error).__qualname__)
        yield NoTracing()
        return
    log.info("tracing_started")
    try:
        yield Telemetry(exporting.provider)
    finally:
        await exporting.close()
