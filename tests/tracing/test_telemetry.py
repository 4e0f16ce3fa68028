"""What spans tell, to whom they belong, and what they never say."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import httpx2
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from kalends.api.application import create_api
from kalends.app import assemble
from kalends.net.client import GuardedClient
from kalends.net.policy import NetPolicy
from kalends.store.runs import Outcome
from kalends.tracing.telemetry import Telemetry
from tests.net.loopback import reply, serve
from tests.servers import CalDavServer
from tests.world import ManualClock, World, ics, populate, settings_for

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CALLER = f"00-{TRACE}-{PARENT}-01"
ROOT = "http://kalends.test"


class Spans:
    """Keeps the spans of one test."""

    def __init__(self) -> None:
        self._kept = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._kept))
        self.telemetry = Telemetry(provider)

    def all(self) -> Sequence[ReadableSpan]:
        """Return the spans that have ended, the latest last."""
        return self._kept.get_finished_spans()

    def of(self, kind: SpanKind) -> list[ReadableSpan]:
        """Return those of a kind."""
        return [one for one in self.all() if one.kind is kind]


@pytest.fixture
def spans() -> Spans:
    return Spans()


@pytest.fixture
async def world(sqlite_url: str, tmp_path: Path, spans: Spans) -> AsyncIterator[World]:
    clock = ManualClock()
    async with assemble(settings_for(sqlite_url, tmp_path), clock=clock, tracing=spans.telemetry) as kalends:
        yield await populate(kalends, clock)


def client_of(world: World) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=create_api(world.kalends.services)), base_url=ROOT)


async def test_a_sync_and_its_requests_are_one_trace_that_says_nothing_personal(
    world: World, radicale: CalDavServer, spans: Spans
) -> None:
    login = radicale.login()
    calendar = f"{login.home}secret-place/"
    radicale.make_calendar(calendar)
    radicale.put(f"{calendar}e.ics", ics("secret-uid", "Secret title", "20261201T090000Z"))
    connection = await world.connect(radicale, login, sync=False)
    connecting = len(spans.all())
    assert connecting > 0, "connecting asks the server, too"
    run = await world.sync(connection)
    (sync,) = spans.of(SpanKind.INTERNAL)
    sent = [one for one in spans.all()[connecting:] if one.kind is SpanKind.CLIENT]
    assert sync.name == "sync"
    assert sync.attributes == {
        "kalends.provider": "caldav",
        "kalends.sync.cause": "asked",
        "kalends.sync.outcome": "done",
        "kalends.sync.requests": len(sent),
        "kalends.sync.calendars": 1,
        "kalends.sync.pages": run.counts.pages,
        "kalends.sync.changed": 1,
        "kalends.sync.removed": 0,
        "kalends.sync.quarantined": 0,
        "kalends.sync.doubted": 0,
    }
    assert sync.parent is None
    assert len(sent) == run.requests
    for one in sent:
        assert one.parent is not None
        assert one.parent.span_id == sync.context.span_id
        assert one.start_time is not None
        assert one.end_time is not None
        assert one.start_time <= one.end_time
        assert one.name in {"PROPFIND", "REPORT", "GET"}
        assert one.attributes == {
            "http.request.method": one.name,
            "kalends.provider": "caldav",
            "kalends.outcome": "2xx",
        }
    radicale.set_password(login, "another")
    assert (await world.sync(connection)).outcome is Outcome.FAILED
    assert [one.status.status_code for one in spans.of(SpanKind.INTERNAL)] == [StatusCode.UNSET, StatusCode.ERROR]
    told = "".join(one.to_json() for one in spans.all())
    secrets = ("ecret", login.email, login.password, radicale.url, "127.0.0.1", world.site.id, connection.id)
    assert [one for one in (*secrets, connection.account_email, world.user.id) if one in told] == []


async def test_a_request_continues_the_callers_trace_and_names_its_route_alone(world: World, spans: Spans) -> None:
    token = (await world.kalends.tokens.for_user(world.site.id, world.user.id)).token
    headers = {
        "traceparent": CALLER,
        "tracestate": "vendor=secret-state",
        "baggage": "user=secret-baggage",
        "authorization": f"Bearer {token}",
    }
    path = "/bookings/v2/external-calendars/connections"
    async with client_of(world) as client:
        await client.get(f"{path}/secret-id?access_token=secret-query", headers=headers)
    (one,) = spans.of(SpanKind.SERVER)
    assert one.parent is not None
    assert (f"{one.context.trace_id:032x}", f"{one.parent.span_id:016x}") == (TRACE, PARENT)
    assert one.name == f"GET {path}/{{connection_id}}"
    assert one.attributes == {
        "http.request.method": "GET",
        "http.route": f"{path}/{{connection_id}}",
        "http.response.status_code": 404,
    }
    told = one.to_json()
    assert [text for text in ("secret", token, world.user.id, world.site.id) if text in told] == []


@pytest.mark.parametrize("header", ["", "secret", f"00-{'0' * 32}-{PARENT}-01", f"ff-{TRACE}-{PARENT}-01"])
async def test_a_context_that_makes_no_sense_begins_a_trace_of_our_own(world: World, spans: Spans, header: str) -> None:
    async with client_of(world) as client:
        assert (await client.request("BREW", "/secret", headers={"traceparent": header})).status_code == 404
    (one,) = spans.of(SpanKind.SERVER)
    assert (one.parent, one.name) == (None, "_OTHER")
    assert one.attributes == {"http.request.method": "_OTHER", "http.response.status_code": 404}


async def test_a_caller_that_does_not_record_its_trace_has_none_recorded_here(world: World, spans: Spans) -> None:
    async with client_of(world) as client:
        await client.get("/healthz", headers={"traceparent": CALLER.removesuffix("1") + "0"})
    assert spans.all() == ()


async def test_a_fault_of_ours_is_told_by_its_kind_and_without_its_words(spans: Spans) -> None:
    with pytest.raises(ValueError, match="secret"), spans.telemetry.sync():
        raise ValueError("secret words")
    with spans.telemetry.request("GET", None) as span:
        span.answered("/healthz", 503)
    failed, unwell = spans.all()
    assert failed.attributes == {"error.type": "ValueError"}
    assert failed.events == ()
    assert "secret" not in failed.to_json()
    assert {failed.status.status_code, unwell.status.status_code} == {StatusCode.ERROR}


async def test_nothing_of_a_trace_is_handed_to_calendar_servers(spans: Spans) -> None:
    policy = NetPolicy.parse(allow="127.0.0.0/8")
    async with serve(reply()) as server, GuardedClient(policy) as client:
        with spans.telemetry.request("GET", CALLER), spans.telemetry.sync():
            watched = client.watched(lambda *told: spans.telemetry.asked("caldav", *told))
            await watched.request("REPORT", f"http://{server.place}/", content=b"")
    (asked,) = server.asked
    assert {"traceparent", "tracestate", "baggage"}.isdisjoint(asked.headers)
    assert TRACE not in str(asked.headers)
    assert [one.name for one in spans.of(SpanKind.CLIENT)] == ["REPORT"]
    assert [one.parent for one in spans.of(SpanKind.INTERNAL)] == [None], "a sync is nobody's request"
