"""When tracing is on, where spans go, and that nothing depends on it."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from structlog.testing import capture_logs

from kalends import __version__
from kalends.tracing import exporting
from kalends.tracing.port import NoTracing, Tracing
from kalends.tracing.starting import is_wanted, tracing_by
from tests.net.loopback import Server, reply, serve

COLLECTOR = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.fixture(autouse=True)
def _only_what_the_test_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES", COLLECTOR):
        monkeypatch.delenv(name, raising=False)


@asynccontextmanager
async def collected(monkeypatch: pytest.MonkeyPatch, server: Server) -> AsyncIterator[Tracing]:
    """Trace to a server of the test."""
    monkeypatch.setenv(COLLECTOR, f"http://{server.place}")
    async with tracing_by({COLLECTOR: f"http://{server.place}"}) as tracing:
        yield tracing


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({}, False),
        ({COLLECTOR: ""}, False),
        ({COLLECTOR: "http://collector:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}, True),
        ({COLLECTOR: "http://collector:4318", "OTEL_SDK_DISABLED": "TRUE"}, False),
        ({COLLECTOR: "http://collector:4318", "OTEL_TRACES_EXPORTER": "none"}, False),
    ],
)
async def test_tracing_is_on_where_a_collector_is_named(environ: dict[str, str], wanted: bool) -> None:
    assert is_wanted(environ) is wanted
    if not wanted:
        async with tracing_by(environ) as tracing:
            assert isinstance(tracing, NoTracing)


async def test_spans_reach_the_collector_under_our_name(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serve(reply()) as server:
        async with collected(monkeypatch, server) as tracing:
            with tracing.request("GET", None) as span:
                span.answered("/healthz", 200)
        (asked,) = server.asked
    assert (asked.method, asked.target) == ("POST", "/v1/traces")
    sent = ExportTraceServiceRequest.FromString(asked.body)
    (resource,) = sent.resource_spans
    said = {one.key: one.value.string_value for one in resource.resource.attributes}
    assert (said["service.name"], said["service.version"]) == ("kalends", __version__)
    assert [one.name for one in resource.scope_spans[0].spans] == ["GET /healthz"]


async def test_a_name_of_the_operators_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "calendars")
    assert exporting._resource().attributes["service.name"] == "calendars"


async def test_a_collector_that_never_answers_holds_up_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "FINISH_SECONDS", 0.2)
    never = asyncio.Event()

    async def silent(*_: object) -> None:
        await never.wait()

    async with serve(silent) as server:
        async with collected(monkeypatch, server) as tracing:
            for _ in range(3_000):
                with tracing.sync():
                    tracing.asked("caldav", "REPORT", "2xx", 0.1)
        assert server.connections <= 1, "the rest was dropped, and the end of the process did not wait for it"


async def test_without_the_extra_the_service_goes_on_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kalends.tracing.exporting", None)
    with capture_logs() as heard:
        async with tracing_by({COLLECTOR: "http://127.0.0.1:9"}) as tracing:
            assert isinstance(tracing, NoTracing)
    assert [one["event"] for one in heard] == ["tracing_not_installed"]


async def test_variables_that_make_no_sense_do_not_keep_the_service_from_starting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "-1")
    with capture_logs() as heard:
        async with tracing_by({COLLECTOR: "http://127.0.0.1:9"}) as tracing:
            assert isinstance(tracing, NoTracing)
    assert [(one["event"], one["error"]) for one in heard] == [("tracing_not_started", "ValueError")]


def test_opentelemetry_is_not_loaded_unless_it_is_wanted() -> None:
    loaded = "import sys, kalends.tracing.starting; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True).stdout.split()
    assert [one for one in modules if one.startswith("opentelemetry")] == []
