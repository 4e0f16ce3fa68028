"""What is wrong with a request, as field violations (contract §6.2)."""

import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from pydantic import ValidationError

from kalends.api.sync_config import CalendarRefs
from kalends.api.violations import MOST_VIOLATIONS, violations
from kalends.connections.queries import EventQuery
from kalends.connections.sync_config import ExportChange, ImportChange, SyncConfigChange
from kalends.model.connection import ExportTarget, ImportChoice
from kalends.model.errors import Invalid, Rule
from kalends.model.time import Window
from tests.api.standins import CONNECTION, PROVIDER, SCHEDULE, StandIns

SPAN = "from=2024-01-01T00:00:00Z&to=2024-02-01T00:00:00Z"
CREDENTIALS = {"providerId": PROVIDER, "scheduleId": SCHEDULE, "email": "a@example.com", "password": "secret"}
OAUTH = {"providerId": PROVIDER, "scheduleId": SCHEDULE, "redirectUrl": "https://example.com/"}
IMPORTS = "syncConfig.listEventFromCalendars"

Found = list[tuple[str, str, dict[str, Any]]]


def payload(value: object) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def found(answer: httpx2.Response) -> Found:
    assert answer.status_code == 400, answer.text
    body = answer.json()
    assert set(body["details"]) == {"validationError"}
    listed = body["details"]["validationError"]["fieldViolations"]
    assert all(set(one) == {"field", "description", "violatedRule", "ruleName", "data"} for one in listed)
    assert all((one["ruleName"] is not None) == (one["violatedRule"] == "OTHER") for one in listed)
    assert body["message"].startswith(f'INVALID_ARGUMENT: "{listed[0]["field"]}" ')
    assert listed == sorted(listed, key=lambda one: str(one["field"]))
    return [(one["field"], one["violatedRule"], one["data"]) for one in listed]


GUID = {"type": "GUID"}
DATE_TIME = {"type": "DATE_TIME"}

QUERIES: list[tuple[str, Found]] = [
    ("/connections?scheduleIds=x", [("scheduleIds[0]", "FORMAT", GUID)]),
    (f"/connections?scheduleIds={SCHEDULE}&scheduleIds=", [("scheduleIds[1]", "FORMAT", GUID)]),
    ("/connections?" + f"scheduleIds={SCHEDULE}&" * 101, [("scheduleIds", "MAX_SIZE", {"threshold": 100})]),
    ("/connections?partialFailure=TRUE", [("partialFailure", "FORMAT", {"type": "BOOLEAN"})]),
    ("/connections?partialFailure=1", [("partialFailure", "FORMAT", {"type": "BOOLEAN"})]),
    ("/connections?partialFailure=", [("partialFailure", "FORMAT", {"type": "BOOLEAN"})]),
    ("/connections?partialFailure=true&partialFailure=false", [("partialFailure", "FORMAT", {"type": "BOOLEAN"})]),
    ("/events", [("from", "REQUIRED_FIELD", {}), ("to", "REQUIRED_FIELD", {})]),
    ("/events?cursorPaging.limit=10", [("from", "REQUIRED_FIELD", {}), ("to", "REQUIRED_FIELD", {})]),
    ("/events?from=2024-01-01T00:00:00Z", [("to", "REQUIRED_FIELD", {})]),
    ("/events?from=2024-01-01T00:00:00&to=2024-02-01", [("from", "FORMAT", DATE_TIME), ("to", "FORMAT", DATE_TIME)]),
    ("/events?from=&to=2024-02-01T00:00:00Z", [("from", "FORMAT", DATE_TIME)]),
    (f"/events?{SPAN}&from=2024-01-02T00:00:00Z", [("from", "FORMAT", DATE_TIME)]),
    ("/events?from=2024-02-01T00:00:00Z&to=2024-02-01T01:00:00%2B01:00", [("to", "OTHER", {})]),
    ("/events?from=2020-01-01T00:00:00Z&to=2025-01-02T00:00:01Z", [("to", "OTHER", {"days": 1827})]),
    (f"/events?{SPAN}&cursorPaging.limit=1001", [("cursorPaging.limit", "MAX", {"threshold": 1000})]),
    (f"/events?{SPAN}&cursorPaging.limit=0", [("cursorPaging.limit", "MIN", {"threshold": 1})]),
    (f"/events?{SPAN}&cursorPaging.limit=1.5", [("cursorPaging.limit", "FORMAT", {"type": "INTEGER"})]),
    (f"/events?{SPAN}&cursorPaging.limit=" + "9" * 5000, [("cursorPaging.limit", "FORMAT", {"type": "INTEGER"})]),
    (f"/events?{SPAN}&cursorPaging.cursor=", [("cursorPaging.cursor", "MIN_LENGTH", {"threshold": 1})]),
    (f"/events?{SPAN}&cursorPaging.cursor=%00", [("cursorPaging.cursor", "FORMAT", {"type": "TEXT"})]),
    (f"/events?cursorPaging.cursor={'a' * 32769}", [("cursorPaging.cursor", "MAX_LENGTH", {"threshold": 32768})]),
    (f"/events?{SPAN}&fieldsets=OWN_PI&fieldsets=ALL_PI", [("fieldsets[1]", "INVALID_ENUM_VALUE", {})]),
    (f"/events?{SPAN}&allDay=yes", [("allDay", "FORMAT", {"type": "BOOLEAN"})]),
    (f"/events?{SPAN}&userIds=me", [("userIds[0]", "FORMAT", GUID)]),
    (f"/events?{SPAN}&" + f"userIds={SCHEDULE}&" * 101, [("userIds", "MAX_SIZE", {"threshold": 100})]),
    ("/connections?.r=%7B%7D", [(".r", "FORMAT", {"type": "BASE64URL_JSON"})]),
    (f"/connections?.r={payload([1])}", [(".r", "FORMAT", {"type": "BASE64URL_JSON"})]),
    (f"/connections?.r={payload({'scheduleIds': SCHEDULE})}", [("scheduleIds", "FORMAT", {"type": "LIST"})]),
    (f"/connections?.r={payload({'partialFailure': 1})}", [("partialFailure", "FORMAT", {"type": "BOOLEAN"})]),
    (f"/events?{SPAN}&.r={payload({'from': 5})}", [("from", "FORMAT", DATE_TIME)]),
    (f"/events?{SPAN}&.r={payload({'cursorPaging': 5})}", [("cursorPaging", "FORMAT", {"type": "OBJECT"})]),
    (
        f"/events?{SPAN}&.r={payload({'cursorPaging': {'limit': True}})}",
        [("cursorPaging.limit", "FORMAT", {"type": "INTEGER"})],
    ),
]


@pytest.mark.parametrize(("path", "expected"), QUERIES, ids=[path[:60] for path, _ in QUERIES])
async def test_queries(client: httpx2.AsyncClient, standins: StandIns, path: str, expected: Found) -> None:
    assert found(await client.get(path)) == expected
    assert not standins.calls


CONNECT, REDIRECT = "/connections:connectByCredentials", "/connections:connectByOAuth"
BODIES: list[tuple[str, Any, Found]] = [
    (
        CONNECT,
        {},
        [(name, "REQUIRED_FIELD", {}) for name in ("email", "password", "providerId", "scheduleId")],
    ),
    (CONNECT, {**CREDENTIALS, "email": None}, [("email", "REQUIRED_FIELD", {})]),
    (CONNECT, {**CREDENTIALS, "provider_id": PROVIDER, "providerId": "x"}, [("providerId", "FORMAT", GUID)]),
    (CONNECT, {**CREDENTIALS, "scheduleId": 7}, [("scheduleId", "FORMAT", {"type": "STRING"})]),
    (CONNECT, {**CREDENTIALS, "email": "nobody"}, [("email", "FORMAT", {"type": "EMAIL"})]),
    (CONNECT, {**CREDENTIALS, "email": "a b@example.com"}, [("email", "FORMAT", {"type": "EMAIL"})]),
    (CONNECT, {**CREDENTIALS, "email": "a" * 250 + "@b.c"}, []),
    (CONNECT, {**CREDENTIALS, "email": "a" * 251 + "@b.c"}, [("email", "MAX_LENGTH", {"threshold": 254})]),
    (CONNECT, {**CREDENTIALS, "password": ""}, [("password", "MIN_LENGTH", {"threshold": 1})]),
    (CONNECT, {**CREDENTIALS, "password": "p" * 1001}, [("password", "MAX_LENGTH", {"threshold": 1000})]),
    (CONNECT, {**CREDENTIALS, "password": "a\0b"}, [("password", "FORMAT", {"type": "TEXT"})]),
    (
        REDIRECT,
        {**OAUTH, "redirectUrl": "https://example.com/" + "a" * 2029},
        [("redirectUrl", "MAX_LENGTH", {"threshold": 2048})],
    ),
    *(
        (REDIRECT, {**OAUTH, "redirectUrl": url}, [("redirectUrl", "FORMAT", {"type": "WEB_URL"})])
        for url in (
            "example.com",
            "/done",
            "//example.com/",
            "ftp://example.com/",
            "javascript:alert(1)",
            "https://",
            "https:///done",
            "https://[::1",
            "https://example.com:99999/",
            "https://example.com\\@evil.example/",
            "https://exa mple.com/",
            "https://example.com/\n",
        )
    ),
]


@pytest.mark.parametrize(("path", "body", "expected"), BODIES)
async def test_bodies(client: httpx2.AsyncClient, standins: StandIns, path: str, body: Any, expected: Found) -> None:
    answer = await client.post(path, json=body)
    if expected:
        assert found(answer) == expected
    else:
        assert answer.status_code == 200
    assert bool(standins.calls) == (not expected)


SYNC_CONFIGS: list[tuple[Any, Found]] = [
    (None, [("syncConfig", "REQUIRED_FIELD", {})]),
    ([], [("syncConfig", "FORMAT", {"type": "OBJECT"})]),
    ({"listEventFromCalendars": True}, [(IMPORTS, "FORMAT", {"type": "OBJECT"})]),
    ({"listEventFromCalendars": {"enabled": 1}}, [(f"{IMPORTS}.enabled", "FORMAT", {"type": "BOOLEAN"})]),
    ({"listEventFromCalendars": {"enabled": "true"}}, [(f"{IMPORTS}.enabled", "FORMAT", {"type": "BOOLEAN"})]),
    (
        {"listEventFromCalendars": {"primaryCalendar": {}, "calendars": {"calendars": []}}},
        [(IMPORTS, "ONE_OF_ALIGNMENT", {})],
    ),
    (
        {"syncToCalendar": {"primaryCalendar": {}, "dedicatedCalendar": {}}},
        [("syncConfig.syncToCalendar", "ONE_OF_ALIGNMENT", {})],
    ),
    (
        {"listEventFromCalendars": {"calendars": {"calendars": [{"id": "a"}, {"name": "b"}]}}},
        [(f"{IMPORTS}.calendars.calendars[1].id", "REQUIRED_FIELD", {})],
    ),
    (
        {"listEventFromCalendars": {"calendars": {"calendars": [None]}}},
        [(f"{IMPORTS}.calendars.calendars[0]", "FORMAT", {"type": "OBJECT"})],
    ),
    (
        {"listEventFromCalendars": {"calendars": {"calendars": [{"id": ""}]}}},
        [(f"{IMPORTS}.calendars.calendars[0].id", "MIN_LENGTH", {"threshold": 1})],
    ),
    (
        {"listEventFromCalendars": {"calendars": {"calendars": [{"id": ""}] * 1001}}},
        [(f"{IMPORTS}.calendars.calendars", "MAX_SIZE", {"threshold": 1000})],
    ),
]


@pytest.mark.parametrize(("config", "expected"), SYNC_CONFIGS)
async def test_sync_configs(client: httpx2.AsyncClient, standins: StandIns, config: Any, expected: Found) -> None:
    body = {"syncConfig": config}
    assert found(await client.patch(f"/connections/{CONNECTION}/sync-config", json=body)) == expected
    assert not standins.calls


@pytest.mark.parametrize(
    ("config", "change"),
    [
        ({}, SyncConfigChange()),
        ({"listEventFromCalendars": None}, SyncConfigChange()),
        ({"listEventFromCalendars": {}}, SyncConfigChange(imports=ImportChange())),
        ({"listEventFromCalendars": {"enabled": False}}, SyncConfigChange(imports=ImportChange(enabled=False))),
        (
            {"listEventFromCalendars": {"primaryCalendar": {}, "calendars": None}},
            SyncConfigChange(imports=ImportChange(None, ImportChoice.PRIMARY)),
        ),
        (
            {
                "listEventFromCalendars": {
                    "calendars": {"calendars": [{"id": "b", "name": "B"}, {"id": "a"}, {"id": "b"}]}
                }
            },
            SyncConfigChange(imports=ImportChange(None, ImportChoice.CALENDARS, ("b", "a"))),
        ),
        (
            {"listEventFromCalendars": {"enabled": True, "calendars": {}}},
            SyncConfigChange(imports=ImportChange(True, ImportChoice.CALENDARS)),
        ),
        (
            {"syncToCalendar": {"enabled": False, "dedicatedCalendar": {}, "includeBufferTime": True}},
            SyncConfigChange(exports=ExportChange(False, ExportTarget.DEDICATED)),
        ),
        (
            {"syncToCalendar": {"primaryCalendar": {}}},
            SyncConfigChange(exports=ExportChange(None, ExportTarget.PRIMARY)),
        ),
    ],
)
async def test_what_a_sync_config_asks_for(
    client: httpx2.AsyncClient, standins: StandIns, config: Any, change: SyncConfigChange
) -> None:
    answer = await client.patch(f"/connections/{CONNECTION}/sync-config", json={"syncConfig": config})
    assert answer.status_code == 200
    assert standins.asked["change"] == change


async def test_what_list_events_asks_for(client: httpx2.AsyncClient, standins: StandIns) -> None:
    other = SCHEDULE.replace("3", "a")
    await client.get(
        f"/events?from=2024-01-01T00:00:00%2B02:00&to=2024-02-01T00:00:00Z&scheduleIds={SCHEDULE}"
        f"&scheduleIds={other.upper()}&userIds={PROVIDER}&allDay=false&fieldsets=NO_PI&fieldsets=OWN_PI"
        "&cursorPaging.limit=7&partialFailure=true&includePi=true&unknown=1"
    )
    assert standins.asked["query"] == EventQuery(
        span=Window(datetime(2023, 12, 31, 22, tzinfo=UTC), datetime(2024, 2, 1, tzinfo=UTC)),
        schedule_ids=(SCHEDULE, other),
        user_ids=(PROVIDER,),
        all_day=False,
        personal=True,
        limit=7,
        partial_failure=True,
    )


async def test_what_list_events_asks_for_by_default(client: httpx2.AsyncClient, standins: StandIns) -> None:
    await client.get(f"/events?{SPAN}")
    span = Window(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 2, 1, tzinfo=UTC))
    assert standins.asked["query"] == EventQuery(span=span, limit=50)


async def test_five_years_are_not_too_long(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/events?from=2020-01-01T00:00:00Z&to=2025-01-01T00:00:00Z")
    assert answer.status_code == 200


async def test_a_cursor_needs_nothing_beside_it(client: httpx2.AsyncClient, standins: StandIns) -> None:
    await client.get("/events?cursorPaging.cursor=eyJ%2B%2F%3D")
    assert standins.asked | {"identity": None} == {
        "identity": None,
        "cursor": "eyJ+/=",
        "limit": None,
        "partial_failure": None,
    }


async def test_limit_and_partial_failure_may_stand_beside_a_cursor(
    client: httpx2.AsyncClient, standins: StandIns
) -> None:
    await client.get("/events?cursorPaging.cursor=c&cursorPaging.limit=9&partialFailure=false")
    assert (standins.asked["limit"], standins.asked["partial_failure"]) == (9, False)


async def test_a_cursor_that_the_use_case_refuses(client: httpx2.AsyncClient, standins: StandIns) -> None:
    standins.raises = Invalid.one("cursorPaging.cursor", "has expired", Rule.OTHER, name="INVALID_CURSOR")
    assert found(await client.get("/events?cursorPaging.cursor=c")) == [("cursorPaging.cursor", "OTHER", {})]


async def test_a_whole_payload_in_one_parameter_wins(client: httpx2.AsyncClient, standins: StandIns) -> None:
    said = {"scheduleIds": [SCHEDULE], "partialFailure": True, "unknown": {"deep": [None]}}
    await client.get(f"/connections?partialFailure=false&scheduleIds={PROVIDER}&.r={payload(said)}")
    assert standins.asked["schedule_ids"] == [SCHEDULE]
    assert standins.asked["partial_failure"] is True


async def test_ids_are_read_in_either_case(client: httpx2.AsyncClient, standins: StandIns) -> None:
    upper = "ABCDEFAB-CDEF-4ABC-8DEF-ABCDEFABCDEF"
    await client.post("/connections:connectByCredentials", json={**CREDENTIALS, "scheduleId": upper})
    assert standins.asked["schedule_id"] == upper.lower()


async def test_the_echo_of_the_path_is_passed_over(client: httpx2.AsyncClient, standins: StandIns) -> None:
    await client.get(f"/connections/{CONNECTION}?connectionId=another")
    await client.post(f"/connections/{CONNECTION}/disconnect", json={"connectionId": 5, "fieldMask": "a,b"})
    assert [arguments["connection_id"] for _, arguments in standins.calls] == [CONNECTION, CONNECTION]


def test_a_hundred_violations_are_enough() -> None:
    with pytest.raises(ValidationError) as caught:
        CalendarRefs.model_validate({"calendars": [{}] * 500})
    assert len(violations(caught.value)) == MOST_VIOLATIONS


DATE_TIMES = [
    ("2024-01-01T00:00:00Z", datetime(2024, 1, 1, tzinfo=UTC)),
    ("2024-01-01t00:00:00z", datetime(2024, 1, 1, tzinfo=UTC)),
    ("2024-01-01 00:00:00Z", datetime(2024, 1, 1, tzinfo=UTC)),
    ("2024-01-01T00:00:00 02:00", datetime(2023, 12, 31, 22, tzinfo=UTC)),
    ("2024-01-01T00:00:00-09:30", datetime(2024, 1, 1, 9, 30, tzinfo=UTC)),
    ("2024-01-01T00:00:00.5Z", datetime(2024, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC)),
    ("2024-01-01T00:00:00.1234567891Z", datetime(2024, 1, 1, 0, 0, 0, 123_456, tzinfo=UTC)),
    ("2016-12-31T23:59:60Z", datetime(2017, 1, 1, tzinfo=UTC)),
    ("2024-02-29T00:00:00Z", datetime(2024, 2, 29, tzinfo=UTC)),
    ("2023-02-29T00:00:00Z", None),
    ("2024-01-01T24:00:00Z", None),
    ("2024-01-01T00:00:61Z", None),
    ("2024-01-01T00:00Z", None),
    ("2024-01-01T00:00:00", None),
    ("2024-01-01T00:00:00+0200", None),
    ("2024-01-01T00:00:00+24:00", None),
    ("0000-01-01T00:00:00Z", None),
    ("0001-01-01T00:00:00+01:00", None),
    ("9999-12-31T23:59:59-01:00", None),
    ("٢٠٢٤-01-01T00:00:00Z", None),
    ("2024-01-01T00:00:00Z\n", None),
    ("1704067200", None),
]


@pytest.mark.parametrize(("text", "moment"), DATE_TIMES)
async def test_date_times(client: httpx2.AsyncClient, standins: StandIns, text: str, moment: datetime | None) -> None:
    later = "9999-12-31T23:59:59Z" if moment is None else (moment + timedelta(days=1)).isoformat()
    answer = await client.get("/events", params={"from": text, "to": later})
    if moment is None:
        assert found(answer) == [("from", "FORMAT", DATE_TIME)]
    else:
        assert standins.asked["query"].span.start == moment
