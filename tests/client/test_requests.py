"""What goes over the wire, word for word (contract §3)."""

import json
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import httpx2
import pytest

from kalends.client import (
    ApiKey,
    AsyncKalends,
    Calendar,
    ExportDedicated,
    ExportPrimary,
    ExportSwitch,
    Fieldset,
    ImportCalendars,
    ImportPrimary,
    ImportSwitch,
    Kalends,
    SyncConfig,
)
from tests.client.calling import GUID, PROVIDERS, TOKEN, Kind, answer, calling, providers, script
from tests.net.loopback import Asked, serve

CONNECTION = answer({"connection": {"id": "c", "providerId": "p", "scheduleId": "s"}})
EVENTS = answer({"events": [], "pagingMetadata": {"count": 0, "cursors": {}, "hasNext": False}})
SCHEDULE = answer({"schedule": {"id": "s", "revision": "1"}})
BASE = "/bookings/v2/external-calendars"
NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001 - that it has no zone is the point
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def _call(name: str, named: dict[str, Any], client: Any) -> Any:
    return getattr(client.external_calendars, name)(**named)


async def sent(kind: Kind, reply: bytes, ask: Any, **options: Any) -> Asked:
    """Return the request that a call makes."""
    async with serve(script(reply)) as server, calling(kind, f"http://{server.place}", **options) as call:
        await call(ask)
    (asked,) = server.asked
    return asked


async def test_a_get_carries_the_token_as_it_is_and_no_body(kind: Kind) -> None:
    asked = await sent(kind, PROVIDERS, providers)
    assert (asked.method, asked.target, asked.body) == ("GET", f"{BASE}/providers", b"")
    assert (asked.headers["authorization"], asked.headers["accept"]) == ("a-token", "application/json")
    assert "content-type" not in asked.headers


async def test_an_api_key_comes_with_its_site(kind: Kind) -> None:
    asked = await sent(kind, PROVIDERS, providers, auth=ApiKey("a-key", GUID))
    assert (asked.headers["authorization"], asked.headers["wix-site-id"]) == ("a-key", GUID)


async def test_the_query_of_list_events_is_written_as_the_sdk_writes_it(kind: Kind) -> None:
    berlin = datetime(2026, 7, 1, 12, tzinfo=ZoneInfo("Europe/Berlin"))
    asked = await sent(
        kind,
        EVENTS,
        lambda client: client.external_calendars.list_events(
            from_=berlin,
            to="2026-08-01T00:00:00+02:00",
            schedule_ids=["s1", "s2"],
            user_ids=("u1",),
            all_day=False,
            fieldsets=["OWN_PI"],
            limit=50,
            cursor="eyJ+/=",
            partial_failure=True,
        ),
    )
    assert asked.target == (
        f"{BASE}/events?from=2026-07-01T10%3A00%3A00Z&to=2026-08-01T00%3A00%3A00%2B02%3A00&scheduleIds=s1&scheduleIds=s2"
        "&userIds=u1&allDay=false&fieldsets=OWN_PI&cursorPaging.limit=50&cursorPaging.cursor=eyJ%2B%2F%3D&partialFailure=true"
    )


async def test_moments_before_zones_had_whole_minutes_are_written_all_the_same(kind: Kind) -> None:
    odd = datetime(1880, 1, 1, tzinfo=timezone(timedelta(minutes=53, seconds=28)))
    asked = await sent(kind, EVENTS, lambda client: client.external_calendars.list_events(from_=odd, to=NOON))
    assert "from=1879-12-31T23%3A06%3A32Z&" in asked.target


async def test_ids_cannot_lead_to_another_path(kind: Kind) -> None:
    asked = await sent(kind, CONNECTION, lambda client: client.external_calendars.get_connection("../a b/c?d#e%2F"))
    assert asked.target == f"{BASE}/connections/..%2Fa%20b%2Fc%3Fd%23e%252F"


@pytest.mark.parametrize("identifier", ["", ".", ".."])
async def test_ids_that_would_lead_elsewhere_are_refused_before_anything_is_sent(kind: Kind, identifier: str) -> None:
    async with serve(script(CONNECTION)) as server, calling(kind, f"http://{server.place}") as call:
        with pytest.raises(ValueError, match="An id is empty, or only dots"):
            await call(lambda client: client.external_calendars.get_connection(identifier))
        assert server.asked == []


@pytest.mark.parametrize("name", ["list_events", "iter_events"])
async def test_a_datetime_without_zone_is_refused_before_anything_is_sent(kind: Kind, name: str) -> None:
    async with serve(script(EVENTS)) as server, calling(kind, f"http://{server.place}") as call:
        for span in ({"from_": NAIVE, "to": NOON}, {"from_": NOON, "to": NAIVE}):
            with pytest.raises(ValueError, match="has no time zone"):
                await call(partial(_call, name, span))
        assert server.asked == []


def test_an_iterator_refuses_at_the_call_already() -> None:
    with Kalends(auth=TOKEN) as client, pytest.raises(ValueError, match="has no time zone"):
        client.external_calendars.iter_events(from_=NAIVE, to=NOON)


@pytest.mark.parametrize("given", [{"schedule_ids": []}, {"schedule_ids": "one-id"}, {"schedule_ids": iter(())}])
async def test_an_empty_list_of_ids_never_asks_for_everything(kind: Kind, given: dict[str, Any]) -> None:
    async with serve(script(EVENTS)) as server, calling(kind, f"http://{server.place}") as call:
        for name, more in (("list_connections", {}), ("list_events", {"from_": NOON, "to": NOON})):
            with pytest.raises(ValueError, match="at least one id"):
                await call(partial(_call, name, {**given, **more}))
        assert server.asked == []


async def test_one_fieldset_is_no_list_of_them(kind: Kind) -> None:
    async with serve(script(EVENTS)) as server, calling(kind, f"http://{server.place}") as call:
        with pytest.raises(ValueError, match="fieldsets is a list"):
            await call(
                lambda client: client.external_calendars.list_events(from_=NOON, to=NOON, fieldsets=Fieldset.OWN_PI)
            )
        assert server.asked == []


async def test_bodies_are_json_with_the_names_of_the_contract(kind: Kind) -> None:
    target = {"provider_id": "p", "schedule_id": "s"}
    asked = await sent(
        kind,
        CONNECTION,
        lambda client: client.external_calendars.connect_by_credentials(**target, email="ä@example.org", password="p"),
    )
    assert (asked.method, asked.target) == ("POST", f"{BASE}/connections:connectByCredentials")
    assert asked.headers["content-type"] == "application/json"
    said = {"providerId": "p", "scheduleId": "s", "email": "ä@example.org", "password": "p"}
    assert json.loads(asked.body) == said

    url = "https://example.com/done?a=1"
    asked = await sent(
        kind,
        answer({"oauthUrl": "https://example.org/consent"}),
        lambda client: client.external_calendars.connect_by_oauth(**target, redirect_url=url),
    )
    assert (asked.method, asked.target) == ("POST", f"{BASE}/connections:connectByOAuth")
    assert json.loads(asked.body) == {"providerId": "p", "scheduleId": "s", "redirectUrl": url}

    asked = await sent(kind, CONNECTION, lambda client: client.external_calendars.disconnect("c"))
    assert (asked.method, asked.target) == ("POST", f"{BASE}/connections/c/disconnect")
    assert json.loads(asked.body) == {"connectionId": "c"}


SIDES = {
    "nothing": (SyncConfig(), {}),
    "primary": (
        SyncConfig(ImportPrimary(), ExportPrimary()),
        {
            "listEventFromCalendars": {"enabled": True, "primaryCalendar": {}},
            "syncToCalendar": {"enabled": True, "primaryCalendar": {}},
        },
    ),
    "calendars": (
        SyncConfig(imports=ImportCalendars(["a", Calendar("b", "B")], enabled=False)),
        {"listEventFromCalendars": {"enabled": False, "calendars": {"calendars": [{"id": "a"}, {"id": "b"}]}}},
    ),
    "switches": (
        SyncConfig(ImportSwitch(enabled=True), ExportSwitch(enabled=False)),
        {"listEventFromCalendars": {"enabled": True}, "syncToCalendar": {"enabled": False}},
    ),
    "dedicated": (
        SyncConfig(exports=ExportDedicated(enabled=None)),
        {"syncToCalendar": {"dedicatedCalendar": {}}},
    ),
}


@pytest.mark.parametrize(("config", "written"), SIDES.values(), ids=SIDES)
async def test_a_sync_config_says_one_thing_a_side(kind: Kind, config: SyncConfig, written: dict[str, Any]) -> None:
    asked = await sent(kind, CONNECTION, lambda client: client.external_calendars.update_sync_config("c", config))
    assert (asked.method, asked.target) == ("PATCH", f"{BASE}/connections/c/sync-config")
    assert json.loads(asked.body) == {"connectionId": "c", "syncConfig": written}


def test_one_string_is_no_list_of_calendars() -> None:
    with pytest.raises(TypeError, match="not one string"):
        ImportCalendars("work")


async def test_an_update_of_a_schedule_says_only_what_it_changes(kind: Kind) -> None:
    asked = await sent(kind, SCHEDULE, lambda client: client.schedules.update("s", revision="3", owner_id=None))
    assert (asked.method, asked.target) == ("PATCH", "/calendar/v3/schedules/s")
    assert json.loads(asked.body) == {"schedule": {"id": "s", "revision": "3", "owner": None}}
    asked = await sent(kind, SCHEDULE, lambda client: client.schedules.update("s", revision="3", owner_id="u"))
    assert json.loads(asked.body)["schedule"]["owner"] == {"userId": "u"}


async def test_every_schedule_is_created_with_an_idempotency_key(kind: Kind) -> None:
    keys = set()
    for _ in range(2):
        asked = await sent(kind, SCHEDULE, lambda client: client.schedules.create(name="Chair", app_id="a"))
        body = json.loads(asked.body)
        keys.add(body.pop("idempotencyKey"))
        assert body == {"schedule": {"name": "Chair", "appId": "a"}}
    assert len(keys) == 2


WRONG = [
    "",
    "calendars.example.com",
    "ftp://example.com",
    "http://",
    "http://a:b@example.com",
    "http://a/?b",
    "http://a/#b",
]


@pytest.mark.parametrize("url", [*WRONG, "http://a\n.example"])
def test_a_base_url_that_cannot_be_one_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="The base URL must be"):
        Kalends(url, auth=TOKEN)
    with pytest.raises(ValueError, match="The base URL must be"):
        AsyncKalends(url, auth=TOKEN)


async def test_connections_of_somebody_else_are_used_as_they_are_and_not_closed() -> None:
    async with serve(script(PROVIDERS)) as server:
        url = f"http://{server.place}"
        with httpx2.Client(headers={"X-Proxy": "me"}, auth=("user", "password"), follow_redirects=True) as http:
            async with calling("blocking", url, http=http) as call:
                await call(providers)
            assert not http.is_closed
        async with httpx2.AsyncClient(headers={"X-Proxy": "me"}, auth=("user", "password")) as awaiting:
            async with calling("awaiting", url, http=awaiting) as call:
                await call(providers)
            assert not awaiting.is_closed
    assert [one.headers["x-proxy"] for one in server.asked] == ["me", "me"]
    assert [one.headers["authorization"] for one in server.asked] == ["a-token", "a-token"]


async def test_a_closed_client_has_closed_its_connections() -> None:
    client = Kalends(auth=TOKEN)
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.external_calendars.list_providers()
    awaiting = AsyncKalends(auth=TOKEN)
    await awaiting.aclose()
    with pytest.raises(RuntimeError, match="closed"):
        await awaiting.external_calendars.list_providers()
