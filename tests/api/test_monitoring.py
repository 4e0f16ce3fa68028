"""What load balancers and monitors ask: readiness, and the metrics."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from kalends.api.application import create_api, create_monitoring
from kalends.app import Kalends
from kalends.store.database import SchemaError
from tests.api.conformance import check
from tests.api.standins import METRICS_TOKEN, StandIns
from tests.rules.conftest import Scripted, scripted
from tests.world import World, ics, settings_for, world_on

__all__ = ["scripted"]
ROOT = "http://kalends.test"
TOKEN = "what only a monitor knows"


def client_of(kalends: Kalends) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app=create_api(kalends.services))
    return httpx2.AsyncClient(transport=transport, base_url=ROOT, headers={"Authorization": f"Bearer {TOKEN}"})


def values(exposition: str) -> dict[str, float]:
    """Return the samples, as `name{label="value"}` → value."""
    found = {}
    for family in text_string_to_metric_families(exposition):
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
            found[sample.name + (f"{{{labels}}}" if labels else "")] = sample.value
    return found


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with world_on(settings_for(database_url, tmp_path, metrics_token=TOKEN)) as world:
        yield world


async def test_a_service_with_the_right_schema_is_ready(world: World) -> None:
    async with client_of(world.kalends) as client:
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
        check("getReadiness", answer, closed=True)


async def test_a_service_with_another_schema_is_alive_and_not_ready(world: World) -> None:
    async with world.kalends.database.write() as writer:
        await writer.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    with pytest.raises(SchemaError):
        await world.kalends.database.check_schema()
    async with client_of(world.kalends) as client:
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()) == (503, {"status": "unavailable"})
        check("getReadiness", answer, closed=True)
        assert (await client.get("/healthz")).status_code == 200


async def test_a_service_without_its_database_is_not_ready(standins: StandIns, client: httpx2.AsyncClient) -> None:
    standins.raises = RuntimeError("no database")
    assert (await client.get(f"{ROOT}/readyz")).status_code == 503


@pytest.mark.parametrize(
    "authorization", ["", METRICS_TOKEN, "Bearer ", "Bearer another", f"Basic {METRICS_TOKEN}", "all", "Bearer ü"]
)
async def test_metrics_are_for_those_who_know_the_token(client: httpx2.AsyncClient, authorization: str) -> None:
    refused = await client.get(f"{ROOT}/metrics", headers={b"Authorization": authorization.encode()})
    assert refused.status_code == 401
    check("getMetrics", refused, closed=True)
    told = await client.get(f"{ROOT}/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"})
    assert (told.status_code, told.content) == (200, b"up 1.0\n")


async def test_without_a_token_in_the_settings_there_are_no_metrics(scripted: Scripted) -> None:
    async with client_of(scripted.world.kalends) as client:
        answer = await client.get("/metrics")
        assert answer.status_code == 404
        check("getMetrics", answer, closed=True)


async def test_a_process_without_the_api_answers_monitors_and_nobody_else(world: World) -> None:
    transport = httpx2.ASGITransport(app=create_monitoring(world.kalends.services))
    async with httpx2.AsyncClient(transport=transport, base_url=ROOT) as client:
        assert [(await client.get(path)).status_code for path in ("/healthz", "/readyz")] == [200, 200]
        assert (await client.get("/metrics")).status_code == 401
        told = await client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        assert values(told.text)['kalends_api_requests_total{method="GET",route="/readyz",status="200"}'] == 1
        for path in ("/", "/docs", "/openapi.json", "/oauth2/token", "/kalends/v1/events"):
            refused = await client.get(path)
            assert (refused.status_code, "monitors alone" in refused.text) == (404, True)
        assert (await client.post("/healthz")).status_code == 405


async def test_requests_are_counted_by_route_and_never_by_what_they_say(
    standins: StandIns, client: httpx2.AsyncClient
) -> None:
    await client.get("/connections/secret?access_token=secret")
    await client.get(f"{ROOT}/secret")
    assert standins.counted == [
        ("GET", "/bookings/v2/external-calendars/connections/{connection_id}", 200),
        ("GET", None, 404),
    ]


async def test_metrics_tell_what_was_done_and_what_is_stored(scripted: Scripted) -> None:
    world = scripted.world
    scripted.remote.put("e", ics("e", "Secret title", "20261201T090000Z", end="20261201T100000Z"))
    scripted.remote.put("bad", ics("bad", "Bad", "20261201T090000Z", lines="RRULE:FREQ=DAILY;INTERVAL=0\n"))
    connection = await scripted.connect()
    scripted.kind.password = "changed"
    await world.sync(connection)
    told = (await world.kalends.services.metrics.exposition()).decode()
    found = values(told)
    assert found["kalends_store_read"] == 1
    assert found['kalends_runs_total{cause="asked",outcome="done"}'] == 1
    assert found['kalends_runs_total{cause="poll",outcome="failed"}'] == 1
    assert found['kalends_connections{reason="TOKEN_REVOKED",status="ERROR"}'] == 1
    assert found["kalends_quarantined_events"] == 1
    assert found["kalends_connections_failing"] == 1
    assert found['kalends_connection_age_seconds_bucket{le="60.0"}'] == 1
    assert found['kalends_connection_age_seconds_bucket{le="+Inf"}'] == 1
    assert found["kalends_leases_held"] == 0
    for trace in (world.site.id, connection.id, connection.account_email, world.user.id, "Secret", "example.org"):
        assert trace not in told


async def test_metrics_tell_of_this_process_where_the_database_does_not_answer(world: World) -> None:
    async with world.kalends.database.write() as writer:
        await writer.execute(text("DROP TABLE occurrences"))
        await writer.execute(text("DROP TABLE groups"))
    async with client_of(world.kalends) as client:
        await client.get("/healthz")
        answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    found = values(answer.text)
    assert found["kalends_store_read"] == 0
    assert found['kalends_api_requests_total{method="GET",route="/healthz",status="200"}'] == 1
    assert "kalends_leases_held" not in found


async def test_every_metric_is_in_the_handbook(scripted: Scripted) -> None:
    world = scripted.world
    await scripted.connect()
    counting = world.kalends.services.answered.__self__  # type: ignore[attr-defined]  # it is a bound method
    counting.answered("BREW", None, 404, 0.1)
    counting.asked("caldav", "2xx", 0.1)
    counting.budget_waited("caldav", "host", 0.1)
    counting.budget_refused("caldav", "host")
    handbook = Path("docs/operations.md").read_text(encoding="utf-8")
    families = text_string_to_metric_families((await world.kalends.services.metrics.exposition()).decode())
    # when a counter began is told beside it
    ours = {one.name.removesuffix("_created") for one in families if one.name.startswith("kalends_")}
    assert {one for one in ours if f"`{one}" not in handbook} == set()
