"""Schedules on the wire: what is taken, what is refused, and how a schedule is written."""

import json
from typing import Any

import httpx2
import pytest

from kalends.api.schedule_fields import LARGEST_OBJECT
from kalends.model.errors import Conflict
from kalends.model.schedule import ScheduleField, ScheduleFilter, ScheduleOrder, ScheduleStatus
from kalends.schedules.changing import CLEARED, ScheduleChange
from kalends.schedules.creating import ScheduleDraft
from kalends.schedules.queries import ScheduleQuery
from tests.api.standins import APP, OWNER, PROVIDER, SCHEDULE, SITE, StandIns, schedule

URL = "http://kalends.test/calendar/v3/schedules"
GUID = {"type": "GUID"}
OBJECT = {"type": "OBJECT"}
Found = list[tuple[str, str, dict[str, Any]]]


def found(answer: httpx2.Response) -> Found:
    assert answer.status_code == 400, answer.text
    listed = answer.json()["details"]["validationError"]["fieldViolations"]
    return [(one["field"], one["ruleName"] or one["violatedRule"], one["data"]) for one in listed]


async def test_a_schedule_without_anything_optional(client: httpx2.AsyncClient) -> None:
    answer = await client.get(f"{URL}/{SCHEDULE}")
    assert answer.status_code == 200
    assert answer.json() == {
        "schedule": {
            "id": SCHEDULE,
            "name": "Ada's chair",
            "status": "ACTIVE",
            "timeZone": "Europe/Dublin",
            "businessTimeZoneEnabled": True,
            "permissions": [],
            "revision": "1",
            "createdDate": "2026-01-01T00:00:00.000Z",
            "updatedDate": "2026-01-02T03:04:05.678Z",
        }
    }


async def test_a_schedule_with_everything(client: httpx2.AsyncClient, standins: StandIns) -> None:
    details = {
        "defaultTitle": "Zumba",
        "defaultLocation": {"type": "CUSTOM", "address": None},
        "defaultCapacity": 10,
        "defaultConferencingDetails": {"type": "ONLINE_MEETING"},
        "extendedFields": {"namespaces": {"@a/b": {"x": [None, 1, {"y": None}]}}},
    }
    standins.schedule = schedule(
        owner_id=OWNER,
        owner_name="Ada",
        external_id="room",
        app_id=APP,
        follows_site_zone=False,
        status=ScheduleStatus.CANCELLED,
        revision=12,
        details=details,
    )
    told = (await client.get(f"{URL}/{SCHEDULE.upper()}")).json()["schedule"]
    assert {name: told[name] for name in details} == details, "nulls inside are kept"
    assert told["owner"] == {"userId": OWNER, "name": "Ada"}
    assert (told["externalId"], told["appId"], told["businessTimeZoneEnabled"]) == ("room", APP, False)
    assert (told["status"], told["revision"]) == ("CANCELLED", "12")
    assert standins.asked == {"site_id": SITE, "schedule_id": SCHEDULE}


@pytest.mark.parametrize("path", ["/no-guid", "/query", "/%00", "/" + "a" * 300])
async def test_what_is_no_guid_is_no_schedule(client: httpx2.AsyncClient, standins: StandIns, path: str) -> None:
    for answer in (
        await client.get(URL + path),
        await client.patch(URL + path, json={"schedule": {"revision": "1"}}),
        await client.post(f"{URL}{path}/cancel"),
    ):
        assert answer.status_code == 404
        assert answer.json()["details"]["applicationError"]["code"] == "SCHEDULE_NOT_FOUND"
    assert not standins.calls


async def test_what_a_new_schedule_asks_for(client: httpx2.AsyncClient, standins: StandIns) -> None:
    body = {
        "schedule": {
            "id": SCHEDULE.upper(),
            "name": "Room",
            "timeZone": "Asia/Tokyo",
            "businessTimeZoneEnabled": False,
            "externalId": "room",
            "appId": PROVIDER,
            "defaultTitle": "T",
            "defaultCapacity": 1,
            "defaultLocation": None,
            "extendedFields": {"a": None},
            "owner": {"userId": OWNER, "name": "passed over"},
            "permissions": [],
            "status": "CANCELLED",
            "revision": 7,
            "createdDate": "passed over",
            "unknown": 1,
        },
        "idempotencyKey": PROVIDER,
    }
    answer = await client.post(URL, json=body)
    assert answer.status_code == 200
    draft = ScheduleDraft(
        name="Room",
        id=SCHEDULE,
        owner_id=OWNER,
        time_zone="Asia/Tokyo",
        follows_site_zone=False,
        external_id="room",
        app_id=PROVIDER,
        details={"defaultTitle": "T", "defaultCapacity": 1, "extendedFields": {"a": None}},
    )
    assert standins.asked == {"site_id": SITE, "draft": draft, "idempotency_key": PROVIDER}


@pytest.mark.parametrize("owner", [None, {"userId": None}])
async def test_null_says_nothing_in_a_new_schedule(
    client: httpx2.AsyncClient, standins: StandIns, owner: object
) -> None:
    nulls = dict.fromkeys(("id", "timeZone", "businessTimeZoneEnabled", "externalId", "appId", "permissions"))
    body = {"schedule": {"name": "Room", "owner": owner, **nulls}, "idempotencyKey": None}
    assert (await client.post(URL, json=body)).status_code == 200
    draft = ScheduleDraft(name="Room", app_id=APP)
    assert standins.asked == {"site_id": SITE, "draft": draft, "idempotency_key": None}, "it is the calling app's"


def nested(levels: int) -> dict[str, Any]:
    inner: dict[str, Any] = {}
    for _ in range(levels - 1):
        inner = {"a": inner}
    return inner


FIELDS: list[tuple[dict[str, Any], Found]] = [
    ({"name": ""}, [("schedule.name", "MIN_LENGTH", {"threshold": 1})]),
    ({"name": "x" * 201}, [("schedule.name", "MAX_LENGTH", {"threshold": 200})]),
    ({"name": "x" * 200}, []),
    ({"name": 1}, [("schedule.name", "FORMAT", {"type": "STRING"})]),
    ({"name": "\0"}, [("schedule.name", "FORMAT", {"type": "TEXT"})]),
    ({"timeZone": "Mars/Olympus"}, [("schedule.timeZone", "FORMAT", {"type": "TIME_ZONE"})]),
    ({"timeZone": "America.Indiana/Knox"}, [("schedule.timeZone", "FORMAT", {"type": "TIME_ZONE"})]),
    ({"timeZone": "../etc/passwd"}, [("schedule.timeZone", "FORMAT", {"type": "TIME_ZONE"})]),
    ({"timeZone": ""}, [("schedule.timeZone", "MIN_LENGTH", {"threshold": 1})]),
    ({"businessTimeZoneEnabled": "true"}, [("schedule.businessTimeZoneEnabled", "FORMAT", {"type": "BOOLEAN"})]),
    ({"externalId": ""}, [("schedule.externalId", "MIN_LENGTH", {"threshold": 1})]),
    ({"externalId": "x" * 201}, [("schedule.externalId", "MAX_LENGTH", {"threshold": 200})]),
    ({"appId": "x"}, [("schedule.appId", "FORMAT", GUID)]),
    ({"defaultTitle": ""}, [("schedule.defaultTitle", "MIN_LENGTH", {"threshold": 1})]),
    ({"defaultTitle": "x" * 201}, [("schedule.defaultTitle", "MAX_LENGTH", {"threshold": 200})]),
    ({"defaultCapacity": -1}, [("schedule.defaultCapacity", "MIN", {"threshold": 0})]),
    ({"defaultCapacity": 2**31}, [("schedule.defaultCapacity", "MAX", {"threshold": 2**31 - 1})]),
    ({"defaultCapacity": "1"}, [("schedule.defaultCapacity", "FORMAT", {"type": "INTEGER"})]),
    ({"defaultCapacity": True}, [("schedule.defaultCapacity", "FORMAT", {"type": "INTEGER"})]),
    ({"defaultLocation": []}, [("schedule.defaultLocation", "FORMAT", OBJECT)]),
    ({"extendedFields": nested(10)}, []),
    ({"extendedFields": nested(11)}, [("schedule.extendedFields", "TOO_DEEP", {"levels": 10})]),
    ({"extendedFields": {"a": "x" * (LARGEST_OBJECT - 8)}}, []),
    (
        {"extendedFields": {"a": "x" * (LARGEST_OBJECT - 7)}},
        [("schedule.extendedFields", "MAX_SIZE", {"threshold": LARGEST_OBJECT})],
    ),
    ({"extendedFields": {"a": ["\0"]}}, [("schedule.extendedFields", "FORMAT", {"type": "TEXT"})]),
    ({"extendedFields": {"\0": 1}}, [("schedule.extendedFields", "FORMAT", {"type": "TEXT"})]),
    ({"extendedFields": {"a": 2**63}}, [("schedule.extendedFields", "FORMAT", {"type": "NUMBER"})]),
    ({"permissions": [{"role": "WRITER"}]}, [("schedule.permissions", "NOT_SUPPORTED", {})]),
    ({"owner": {}}, [("schedule.owner.userId", "REQUIRED_FIELD", {})]),
    ({"owner": {"userId": "x"}}, [("schedule.owner.userId", "FORMAT", GUID)]),
    ({"owner": "x"}, [("schedule.owner", "FORMAT", OBJECT)]),
    ({"id": "x"}, [("schedule.id", "FORMAT", GUID)]),
]


@pytest.mark.parametrize(("fields", "expected"), FIELDS)
async def test_fields(client: httpx2.AsyncClient, standins: StandIns, fields: Any, expected: Found) -> None:
    created = await client.post(URL, json={"schedule": {"name": "Room", **fields}})
    updated = await client.patch(f"{URL}/{SCHEDULE}", json={"schedule": {"revision": "1", **fields}})
    for answer in (created, updated):
        assert answer.status_code == 200 if not expected else found(answer) == expected
    assert bool(standins.calls) == (not expected)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, [("schedule", "REQUIRED_FIELD", {})]),
        ({"schedule": []}, [("schedule", "FORMAT", OBJECT)]),
        ({"schedule": None}, [("schedule", "FORMAT", OBJECT)]),
        ({"schedule": {}}, [("schedule.name", "REQUIRED_FIELD", {})]),
        ({"schedule": {"name": None}}, [("schedule.name", "REQUIRED_FIELD", {})]),
        ({"schedule": {"name": "x"}, "idempotencyKey": "x"}, [("idempotencyKey", "FORMAT", GUID)]),
    ],
)
async def test_new_schedules_that_are_refused(client: httpx2.AsyncClient, body: Any, expected: Found) -> None:
    assert found(await client.post(URL, json=body)) == expected


@pytest.mark.parametrize("text", ["1e400", "-1e999", "1" * 400])
async def test_numbers_that_nothing_can_hold_are_refused(client: httpx2.AsyncClient, text: str) -> None:
    body = json.dumps({"schedule": {"name": "Room", "extendedFields": {"a": ["number"]}}}).replace('"number"', text)
    answer = await client.post(URL, content=body.encode(), headers={"Content-Type": "application/json"})
    assert found(answer) == [("schedule.extendedFields", "FORMAT", {"type": "NUMBER"})]


REVISION = {"type": "REVISION"}


@pytest.mark.parametrize(
    ("revision", "expected"),
    [
        (None, ("REQUIRED_FIELD", {})),
        (1, ("FORMAT", {"type": "STRING"})),
        ("", ("FORMAT", REVISION)),
        ("0", ("FORMAT", REVISION)),
        ("01", ("FORMAT", REVISION)),
        ("-1", ("FORMAT", REVISION)),
        ("1.0", ("FORMAT", REVISION)),
        (" 1", ("FORMAT", REVISION)),
        ("1\n", ("FORMAT", REVISION)),
        ("١", ("FORMAT", REVISION)),
        ("9" * 30, ("FORMAT", REVISION)),
    ],
)
async def test_a_revision_is_a_string_of_digits(
    client: httpx2.AsyncClient, revision: object, expected: tuple[str, dict[str, Any]]
) -> None:
    answer = await client.patch(f"{URL}/{SCHEDULE}", json={"schedule": {"revision": revision}})
    assert found(answer) == [("schedule.revision", *expected)]
    assert found(await client.patch(f"{URL}/{SCHEDULE}", json={"schedule": {}})) == [
        ("schedule.revision", "REQUIRED_FIELD", {})
    ]


@pytest.mark.parametrize(
    ("fields", "change"),
    [
        ({}, ScheduleChange()),
        ({"name": "N", "timeZone": "Asia/Tokyo"}, ScheduleChange(name="N", time_zone="Asia/Tokyo")),
        ({"businessTimeZoneEnabled": False}, ScheduleChange(follows_site_zone=False)),
        ({"externalId": "x", "appId": APP}, ScheduleChange(external_id="x", app_id=APP)),
        ({"externalId": None}, ScheduleChange(external_id=CLEARED)),
        ({"owner": {"userId": OWNER}}, ScheduleChange(owner_id=OWNER)),
        ({"owner": {"userId": None}}, ScheduleChange(owner_id=CLEARED)),
        ({"owner": None}, ScheduleChange(owner_id=CLEARED)),
        (
            {"defaultTitle": None, "defaultLocation": {"a": None}, "defaultCapacity": 2},
            ScheduleChange(details={"defaultTitle": None, "defaultLocation": {"a": None}, "defaultCapacity": 2}),
        ),
        (
            {"defaultConferencingDetails": None, "extendedFields": None},
            ScheduleChange(details={"defaultConferencingDetails": None, "extendedFields": None}),
        ),
        (
            dict.fromkeys(("id", "name", "timeZone", "businessTimeZoneEnabled", "appId", "permissions", "status")),
            ScheduleChange(),
        ),
        ({"id": SCHEDULE.upper(), "status": "CANCELLED", "createdDate": 1}, ScheduleChange()),
    ],
)
async def test_what_a_change_asks_for(
    client: httpx2.AsyncClient, standins: StandIns, fields: dict[str, Any], change: ScheduleChange
) -> None:
    body = {"schedule": {"revision": "12", **fields}, "participantNotification": {"notifyParticipants": True}}
    answer = await client.patch(f"{URL}/{SCHEDULE}", json=body)
    assert answer.status_code == 200, answer.text
    assert standins.asked == {"site_id": SITE, "schedule_id": SCHEDULE, "change": change, "revision": 12}


async def test_a_body_about_another_schedule_is_refused(client: httpx2.AsyncClient, standins: StandIns) -> None:
    answer = await client.patch(f"{URL}/{SCHEDULE}", json={"schedule": {"id": PROVIDER, "revision": "1"}})
    assert found(answer) == [("schedule.id", "IMMUTABLE", {})]
    assert not standins.calls


async def test_what_is_read_can_be_sent_back(client: httpx2.AsyncClient, standins: StandIns) -> None:
    standins.schedule = schedule(owner_id=OWNER, owner_name="Ada", app_id=APP, details={"defaultCapacity": 3})
    read = (await client.get(f"{URL}/{SCHEDULE}")).json()
    standins.calls.clear()
    assert (await client.patch(f"{URL}/{SCHEDULE}", json=read)).status_code == 200
    assert standins.asked["change"] == ScheduleChange(
        name="Ada's chair",
        owner_id=OWNER,
        time_zone="Europe/Dublin",
        follows_site_zone=True,
        app_id=APP,
        details={"defaultCapacity": 3},
    )


async def test_a_conflict_tells_the_present_revision(client: httpx2.AsyncClient, standins: StandIns) -> None:
    standins.raises = Conflict("It was changed.", code="ABORTED", data={"currentRevision": "3"})
    answer = await client.patch(f"{URL}/{SCHEDULE}", json={"schedule": {"revision": "1"}})
    assert answer.status_code == 409
    told = answer.json()["details"]["applicationError"]
    assert (told["code"], told["data"]) == ("ABORTED", {"currentRevision": "3"})


ACTIVE, CANCELLED = ScheduleStatus.ACTIVE, ScheduleStatus.CANCELLED


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ScheduleQuery()),
        ({"filter": None, "sort": None, "cursorPaging": None}, ScheduleQuery()),
        ({"filter": {}, "sort": [], "cursorPaging": {}}, ScheduleQuery()),
        ({"filter": {"id": SCHEDULE.upper()}}, ScheduleQuery(ScheduleFilter(ids=(SCHEDULE,)))),
        ({"filter": {"id": {"$in": [SCHEDULE, APP, SCHEDULE]}}}, ScheduleQuery(ScheduleFilter(ids=(SCHEDULE, APP)))),
        ({"filter": {"id": {"$in": []}}}, ScheduleQuery(ScheduleFilter(ids=()))),
        ({"filter": {"id": {"$eq": APP, "$in": [SCHEDULE]}}}, ScheduleQuery(ScheduleFilter(ids=()))),
        (
            {"filter": {"externalId": "x", "appId": {"$eq": APP}, "status": {"$in": ["ACTIVE", "CANCELLED"]}}},
            ScheduleQuery(ScheduleFilter(None, ("x",), (APP,), (ACTIVE, CANCELLED))),
        ),
        ({"sort": [{"fieldName": "id"}]}, ScheduleQuery(order=ScheduleOrder(ScheduleField.ID))),
        (
            {"sort": [{"fieldName": "createdDate", "order": "DESC"}]},
            ScheduleQuery(order=ScheduleOrder(ScheduleField.CREATED_DATE, descending=True)),
        ),
        ({"cursorPaging": {"limit": 100}, "fields": ["PI_FIELDS"]}, ScheduleQuery(limit=100)),
    ],
)
async def test_what_a_query_asks_for(
    client: httpx2.AsyncClient, standins: StandIns, query: Any, expected: ScheduleQuery
) -> None:
    answer = await client.post(f"{URL}/query", json={"query": query})
    assert answer.status_code == 200, answer.text
    assert standins.asked == {"site_id": SITE, "query": expected}


@pytest.mark.parametrize("body", ["", "{}", '{"query": null}'])
async def test_a_query_may_say_nothing(client: httpx2.AsyncClient, standins: StandIns, body: str) -> None:
    assert (await client.post(f"{URL}/query", content=body)).status_code == 200
    assert standins.asked["query"] == ScheduleQuery()


CONDITION, LIST, STRING = {"type": "CONDITION"}, {"type": "LIST"}, {"type": "STRING"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"filter": {"name": "x"}}, [("query.filter.name", "FIELD_NOT_ALLOWED", {})]),
        ({"filter": {"$or": []}}, [("query.filter.$or", "FIELD_NOT_ALLOWED", {})]),
        ({"filter": []}, [("query.filter", "FORMAT", OBJECT)]),
        ({"filter": {"id": "x"}}, [("query.filter.id", "FORMAT", GUID)]),
        ({"filter": {"id": None}}, [("query.filter.id", "FORMAT", STRING)]),
        ({"filter": {"id": {"$eq": None}}}, [("query.filter.id", "FORMAT", STRING)]),
        ({"filter": {"id": {}}}, [("query.filter.id", "FORMAT", CONDITION)]),
        ({"filter": {"id": {"$ne": SCHEDULE}}}, [("query.filter.id", "FORMAT", CONDITION)]),
        ({"filter": {"id": {"$eq": SCHEDULE, "$gt": "x"}}}, [("query.filter.id", "FORMAT", CONDITION)]),
        ({"filter": {"id": [SCHEDULE]}}, [("query.filter.id", "FORMAT", STRING)]),
        ({"filter": {"id": {"$in": SCHEDULE}}}, [("query.filter.id", "FORMAT", LIST)]),
        ({"filter": {"id": {"$in": [SCHEDULE] * 101}}}, [("query.filter.id", "MAX_SIZE", {"threshold": 100})]),
        ({"filter": {"externalId": 1}}, [("query.filter.externalId", "FORMAT", STRING)]),
        ({"filter": {"externalId": "\0"}}, [("query.filter.externalId", "FORMAT", {"type": "TEXT"})]),
        ({"filter": {"externalId": "x" * 201}}, [("query.filter.externalId", "MAX_LENGTH", {"threshold": 200})]),
        ({"filter": {"status": "GONE"}}, [("query.filter.status", "INVALID_ENUM_VALUE", {})]),
        ({"filter": {"appId": {"$in": ["x"]}}}, [("query.filter.appId", "FORMAT", GUID)]),
        ({"sort": [{"fieldName": "name"}]}, [("query.sort[0].fieldName", "INVALID_ENUM_VALUE", {})]),
        ({"sort": [{"fieldName": "id", "order": "asc"}]}, [("query.sort[0].order", "INVALID_ENUM_VALUE", {})]),
        ({"sort": [{}]}, [("query.sort[0].fieldName", "REQUIRED_FIELD", {})]),
        ({"sort": [{"fieldName": "id"}] * 2}, [("query.sort", "MAX_SIZE", {"threshold": 1})]),
        ({"cursorPaging": {"limit": 0}}, [("query.cursorPaging.limit", "MIN", {"threshold": 1})]),
        ({"cursorPaging": {"limit": 101}}, [("query.cursorPaging.limit", "MAX", {"threshold": 100})]),
        ({"cursorPaging": {"limit": "5"}}, [("query.cursorPaging.limit", "FORMAT", {"type": "INTEGER"})]),
        ({"cursorPaging": {"cursor": ""}}, [("query.cursorPaging.cursor", "MIN_LENGTH", {"threshold": 1})]),
    ],
)
async def test_queries_that_are_refused(
    client: httpx2.AsyncClient, standins: StandIns, query: Any, expected: Found
) -> None:
    assert found(await client.post(f"{URL}/query", json={"query": query})) == expected
    assert not standins.calls


async def test_a_page_of_schedules(client: httpx2.AsyncClient, standins: StandIns) -> None:
    last = (await client.post(f"{URL}/query", json={})).json()
    assert last["pagingMetadata"] == {"count": 1, "cursors": {}, "hasNext": False}
    assert [one["id"] for one in last["schedules"]] == [SCHEDULE]
    standins.next_schedules = "more"
    first = (await client.post(f"{URL}/query", json={})).json()
    assert first["pagingMetadata"] == {"count": 1, "cursors": {"next": "more"}, "hasNext": True}


async def test_beside_a_cursor_only_the_limit_counts(client: httpx2.AsyncClient, standins: StandIns) -> None:
    query = {"cursorPaging": {"cursor": "c", "limit": 7}, "filter": {"status": "CANCELLED"}}
    await client.post(f"{URL}/query", json={"query": query})
    assert standins.asked == {"site_id": SITE, "cursor": "c", "limit": 7}


async def test_cancelling_takes_what_it_passes_over(client: httpx2.AsyncClient, standins: StandIns) -> None:
    body = {"preserveFutureEventsWithParticipants": True, "participantNotification": {"message": "Hello"}}
    answer = await client.post(f"{URL}/{SCHEDULE}/cancel", content=json.dumps(body).encode())
    assert answer.json()["schedule"]["id"] == SCHEDULE
    assert standins.asked == {"site_id": SITE, "schedule_id": SCHEDULE, "preserves": True}
    wrong = await client.post(f"{URL}/{SCHEDULE}/cancel", json={"preserveFutureEventsWithParticipants": "yes"})
    assert found(wrong) == [("preserveFutureEventsWithParticipants", "FORMAT", {"type": "BOOLEAN"})]
