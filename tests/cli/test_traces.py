"""`kalends serve` beside a collector of traces."""

import signal
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from threading import Thread
from typing import ClassVar

import httpx2
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.cli.operator import PATIENCE_SECONDS, Operator


class Collector(BaseHTTPRequestHandler):
    """Takes whatever spans are sent."""

    taken: ClassVar[Queue[bytes]] = Queue()

    def do_POST(self) -> None:
        """Take a batch."""
        self.taken.put(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep silent."""


@pytest.fixture
def collector() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        serving = Thread(target=server.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.join()


def test_what_was_served_last_reaches_the_collector_before_the_process_ends(operator: Operator, collector: str) -> None:
    operator.environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector
    with operator.started("serve", "--port", "0", "--json") as server:
        assert httpx2.get(f"{server.document()['url']}/healthz").status_code == 200
        assert server.end(signal.SIGTERM) == 0
        assert "tracing_started" in server.errors.read_text()
    sent = ExportTraceServiceRequest.FromString(Collector.taken.get(timeout=PATIENCE_SECONDS))
    (of_one_process,) = sent.resource_spans
    assert "GET /healthz" in [one.name for one in of_one_process.scope_spans[0].spans]
