"""Schedule events on the wire: what is taken, what is refused, and how an event is written."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from kalends.model.errors import Conflict, Invalid, NotFound, Rule, Violation
from kalends.model.schedule_event import (
    EventStatus,
    EventTimes,
    EventType,
    RecurrenceType,
    Segment,
    Transparency,
    Weekday,
    WeeklyRule,
)
from kalends.model.time import Window
from kalends.schedules.event_drafts import AskedRule, AskedTimes, EventChange, EventDraft
from kalends.schedules.event_queries import EventQuery
from kalends.store.schedule_events import EventFilter
from tests.api.standins import APP, EVENT, PROVIDER, SCHEDULE, SITE, StandIns, event_on_schedule, schedule
from tests.schedules.calendar_of_events import wall

URL = "http://kalends.test/calendar/v3/events"
BULK = "http://kalends.test/calendar/v3/bulk/events"
GUID = {"type": "GUID"}
START, END = {"localDate": "2026-12-01T09:00:00"}, {"localDate": "2026-12-01T10:00:00"}
TIMES = {"start": START, "end": END}
SPAN = {"fromLocalDate": "2026-12-01T00:00:00", "toLocalDate": "2027-01-01T00:00:00"}
Found = list[tuple[str, str, dict[str, Any]]]


def found(answer: httpx2.Response) -> Found:
    assert answer.status_code == 400, answer.text
    listed = answer.json()["details"]["validationError"]["fieldViolations"]
    return [(one["field"], one["ruleName"] or one["violatedRule"], one["data"]) for one in listed]


def moment(local: str, utc: str, zone: str = "Europe/Dublin") -> dict[str, str]:
    return {"localDate": local, "utcDate": utc, "timeZone": zone}


async def test_an_event_without_anything_optional(client: httpx2.AsyncClient) -> None:
    answer = await client.get(f"{URL}/{EVENT}")
    assert answer.status_code == 200
    start = moment("2026-12-01T09:00:00", "2026-12-01T09:00:00.000Z")
    end = moment("2026-12-01T10:00:00", "2026-12-01T10:00:00.000Z")
    assert answer.json() == {
        "event": {
            "id": EVENT,
            "scheduleId": SCHEDULE,
            "scheduleName": "Ada's chair",
            "type": "DEFAULT",
            "status": "CONFIRMED",
            "title": "Ada's chair",
            "start": start,
            "end": end,
            "adjustedStart": start,
            "adjustedEnd": end,
            "timeZone": "Europe/Dublin",
            "allDay": False,
            "recurrenceType": "NONE",
            "transparency": "OPAQUE",
            "resources": [],
            "inheritedFields": [],
            "permissions": [],
            "revision": "1",
            "createdDate": "2026-01-01T00:00:00.000Z",
            "updatedDate": "2026-01-02T03:04:05.678Z",
        }
    }


async def test_a_series_with_everything(client: httpx2.AsyncClient, standins: StandIns) -> None:
    content = {
        "title": "Zumba",
        "transparency": "TRANSPARENT",
        "notes": "n",
        "location": {"a": None},
        "resources": [{"id": "r"}],
        "totalCapacity": 3,
        "conferencingDetails": {"b": 1},
        "participants": {"list": [{}, {}], "total": 5},
        "extendedFields": {"c": [None]},
    }
    times = EventTimes(wall("2026-12-01T00:00"), wall("2026-12-03T00:00"), "Asia/Tokyo", all_day=True)
    segment = Segment(1, 1, times, content, WeeklyRule(2, wall("2027-01-01T00:00")))
    made = event_on_schedule(segment, type=EventType.CLASS, app_id=APP, cancelled_at=datetime(2026, 12, 1, tzinfo=UTC))
    standins.event = replace_schedule(made, external_id="room 1")
    told = (
        await client.post(URL, json={"event": {"scheduleId": SCHEDULE, **TIMES}, "timeZone": "Europe/London"})
    ).json()
    event = told["event"]
    assert {name: event[name] for name in content} == content
    assert event["remainingCapacity"] == 0, "more came than there is room for"
    assert (event["appId"], event["externalScheduleId"], event["status"]) == (APP, "room 1", "CANCELLED")
    assert (event["allDay"], event["recurrenceType"]) == (True, "MASTER")
    assert event["recurrenceRule"] == {
        "frequency": "WEEKLY",
        "interval": 2,
        "days": ["TUESDAY"],
        "until": {"localDate": "2027-01-01T00:00:00"},
    }
    assert event["end"] == moment("2026-12-03T00:00:00", "2026-12-02T15:00:00.000Z", "Asia/Tokyo")
    assert event["adjustedEnd"] == moment("2026-12-02T15:00:00", "2026-12-02T15:00:00.000Z", "Europe/London")
    assert event["adjustedStart"]["localDate"] == "2026-11-30T15:00:00"


def replace_schedule(made: Any, **changes: Any) -> Any:
    return made._replace(schedule=schedule(**changes))


@pytest.mark.parametrize(
    ("participants", "left"),
    [
        (None, 7),
        ({}, 7),
        ({"list": [{}]}, 6),
        ({"total": 2, "list": [{}]}, 5),
        ({"total": "2"}, 7),
        ({"total": True}, 7),
    ],
)
async def test_the_room_that_is_left(
    client: httpx2.AsyncClient, standins: StandIns, participants: object, left: int
) -> None:
    view = standins.event.view
    content = {"totalCapacity": 7, **({"participants": participants} if participants is not None else {})}
    standins.event = standins.event._replace(view=replace(view, content=content))
    assert (await client.get(f"{URL}/{EVENT}")).json()["event"]["remainingCapacity"] == left


async def test_an_exception_says_what_it_inherits(client: httpx2.AsyncClient, standins: StandIns) -> None:
    view = replace(
        standins.event.view,
        recurrence=RecurrenceType.EXCEPTION,
        original=wall("2026-12-01T09:00"),
        overridden=frozenset({"title", "start", "end", "timeZone", "allDay"}),
    )
    standins.event = standins.event._replace(view=view)
    event = (await client.get(f"{URL}/{EVENT}")).json()["event"]
    assert event["recurringEventId"] == EVENT
    assert "recurrenceRule" not in event
    assert "notes" in event["inheritedFields"]
    assert not {"title", "start"} & set(event["inheritedFields"])


async def test_what_a_new_event_asks_for(client: httpx2.AsyncClient, standins: StandIns) -> None:
    body = {
        "event": {
            "scheduleId": SCHEDULE.upper(),
            "appId": PROVIDER,
            "type": "COURSE",
            "start": {**START, "timeZone": "Asia/Tokyo", "utcDate": "passed over"},
            "end": {"localDate": "2026-12-01T10:00:30.5", "timeZone": None},
            "timeZone": "Asia/Tokyo",
            "allDay": False,
            "recurrenceRule": {"frequency": "WEEKLY", "days": ["TUESDAY"], "interval": 3, "until": END},
            "title": "T",
            "transparency": None,
            "notes": None,
            "location": {"a": None},
            "status": "CANCELLED",
            "revision": 7,
            "permissions": [],
            "unknown": 1,
        },
        "idempotencyKey": PROVIDER,
        "participantNotification": {"notifyParticipants": True},
    }
    assert (await client.post(URL, json=body)).status_code == 200
    draft = EventDraft(
        schedule_id=SCHEDULE,
        times=AskedTimes(
            wall("2026-12-01T09:00"), wall("2026-12-01T10:00:30"), "Asia/Tokyo", all_day=False, start_zone="Asia/Tokyo"
        ),
        type=EventType.COURSE,
        app_id=PROVIDER,
        rule=AskedRule(3, Weekday.TUESDAY, wall("2026-12-01T10:00")),
        content={"title": "T", "location": {"a": None}},
    )
    assert standins.asked == {"site_id": SITE, "draft": draft, "idempotency_key": PROVIDER}


async def test_an_event_is_the_calling_apps(client: httpx2.AsyncClient, standins: StandIns) -> None:
    await client.post(URL, json={"event": {"scheduleId": SCHEDULE, **TIMES}})
    assert standins.asked["draft"].app_id == APP


LOCAL = {"type": "LOCAL_DATE_TIME"}
FIELDS: list[tuple[dict[str, Any], Found]] = [
    ({"scheduleId": None}, [("event.scheduleId", "REQUIRED_FIELD", {})]),
    ({"scheduleId": "x"}, [("event.scheduleId", "FORMAT", GUID)]),
    ({"start": None}, [("event.start", "REQUIRED_FIELD", {})]),
    ({"start": {}}, [("event.start.localDate", "REQUIRED_FIELD", {})]),
    ({"start": {"localDate": None}}, [("event.start.localDate", "REQUIRED_FIELD", {})]),
    ({"end": {"localDate": "2026-12-01T09:00:00Z"}}, [("event.end.localDate", "FORMAT", LOCAL)]),
    ({"end": {"localDate": "2026-12-01"}}, [("event.end.localDate", "FORMAT", LOCAL)]),
    ({"end": {"localDate": "2026-13-01T09:00:00"}}, [("event.end.localDate", "FORMAT", LOCAL)]),
    ({"end": {"localDate": 1}}, [("event.end.localDate", "FORMAT", LOCAL)]),
    ({"end": {"localDate": "2026-12-01T10:00"}}, []),
    ({"timeZone": "Mars/Olympus"}, [("event.timeZone", "FORMAT", {"type": "TIME_ZONE"})]),
    ({"allDay": "true"}, [("event.allDay", "FORMAT", {"type": "BOOLEAN"})]),
    ({"type": "PARTY"}, [("event.type", "INVALID_ENUM_VALUE", {})]),
    ({"transparency": "GLASS"}, [("event.transparency", "INVALID_ENUM_VALUE", {})]),
    ({"title": ""}, [("event.title", "MIN_LENGTH", {"threshold": 1})]),
    ({"title": "x" * 201}, [("event.title", "MAX_LENGTH", {"threshold": 200})]),
    ({"title": "\0"}, [("event.title", "FORMAT", {"type": "TEXT"})]),
    ({"notes": "x" * 5001}, [("event.notes", "MAX_LENGTH", {"threshold": 5000})]),
    ({"resources": [{}] * 101}, [("event.resources", "MAX_SIZE", {"threshold": 100})]),
    ({"participants": []}, [("event.participants", "FORMAT", {"type": "OBJECT"})]),
    ({"totalCapacity": -1}, [("event.totalCapacity", "MIN", {"threshold": 0})]),
    ({"permissions": [{}]}, [("event.permissions", "NOT_SUPPORTED", {})]),
]
RULES: list[tuple[dict[str, Any], Found]] = [
    ({"frequency": "DAILY"}, [("event.recurrenceRule.frequency", "INVALID_ENUM_VALUE", {})]),
    ({"interval": 0}, [("event.recurrenceRule.interval", "MIN", {"threshold": 1})]),
    ({"interval": 53}, [("event.recurrenceRule.interval", "MAX", {"threshold": 52})]),
    ({"days": []}, [("event.recurrenceRule.days", "MIN_SIZE", {"threshold": 1})]),
    ({"days": ["MONDAY", "TUESDAY"]}, [("event.recurrenceRule.days", "MAX_SIZE", {"threshold": 1})]),
    ({"days": ["Montag"]}, [("event.recurrenceRule.days[0]", "INVALID_ENUM_VALUE", {})]),
    ({"until": {}}, [("event.recurrenceRule.until.localDate", "REQUIRED_FIELD", {})]),
    ({"until": None, "interval": None}, []),
]


@pytest.mark.parametrize(("fields", "wrong"), FIELDS)
async def test_fields_of_a_new_event(
    client: httpx2.AsyncClient, standins: StandIns, fields: dict[str, Any], wrong: Found
) -> None:
    answer = await client.post(URL, json={"event": {"scheduleId": SCHEDULE, **TIMES, **fields}})
    if wrong:
        assert found(answer) == wrong
        assert not standins.calls
    else:
        assert answer.status_code == 200


@pytest.mark.parametrize(("fields", "wrong"), RULES)
async def test_fields_of_a_rule(client: httpx2.AsyncClient, fields: dict[str, Any], wrong: Found) -> None:
    rule = {"frequency": "WEEKLY", "days": ["TUESDAY"], **fields}
    answer = await client.post(URL, json={"event": {"scheduleId": SCHEDULE, **TIMES, "recurrenceRule": rule}})
    assert (found(answer) == wrong) if wrong else (answer.status_code == 200)


async def test_what_a_change_asks_for(client: httpx2.AsyncClient, standins: StandIns) -> None:
    event = {"id": EVENT.upper(), "revision": "3", "title": None, "notes": None, "location": None, "start": START}
    assert (await client.patch(f"{URL}/{EVENT}", json={"event": event})).status_code == 200
    change = EventChange(times=AskedTimes(wall("2026-12-01T09:00")), content={"notes": None, "location": None})
    assert standins.asked == {"site_id": SITE, "event_id": EVENT, "change": change, "revision": 3}
    standins.calls.clear()
    everything = (await client.get(f"{URL}/{EVENT}")).json()["event"]
    standins.calls.clear()
    assert (await client.patch(f"{URL}/{EVENT}", json={"event": everything})).status_code == 200, "it can be sent back"
    assert standins.asked["change"].times.end_zone == "Europe/Dublin"


async def test_the_rest_of_a_series_is_asked_for(client: httpx2.AsyncClient, standins: StandIns) -> None:
    url = f"http://kalends.test/kalends/v1/schedule-events/{EVENT}_1_20261201T0900/update-following"
    assert (await client.post(url, json={"event": {"revision": "3", "title": "T"}})).status_code == 200
    assert standins.asked["event_id"] == f"{EVENT}_1_20261201T0900"
    assert standins.asked["change"] == EventChange(content={"title": "T"})


@pytest.mark.parametrize("suffix", ["", "/cancel"])
async def test_any_id_is_handed_on(client: httpx2.AsyncClient, standins: StandIns, suffix: str) -> None:
    standins.raises = NotFound("There is no event.", code="EVENT_NOT_FOUND")
    for event_id in ("query", "%00", "a" * 300):
        call = client.post(f"{URL}/{event_id}/cancel") if suffix else client.get(f"{URL}/{event_id}")
        assert (await call).json()["details"]["applicationError"]["code"] == "EVENT_NOT_FOUND"


async def test_what_a_query_asks_for(client: httpx2.AsyncClient, standins: StandIns) -> None:
    december = Window(datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    assert (await client.post(f"{URL}/query", json=SPAN)).status_code == 200
    assert standins.asked == {"site_id": SITE, "query": EventQuery(december)}, "in the site's zone"
    standins.calls.clear()
    query = {
        "filter": {
            "scheduleId": SCHEDULE,
            "externalScheduleId": {"$eq": "x"},
            "appId": {"$in": [APP]},
            "type": {"$in": ["CLASS", "WORKING_HOURS"]},
            "status": "CANCELLED",
            "transparency": "OPAQUE",
        },
        "sort": [{"fieldName": "start", "order": "DESC"}],
        "cursorPaging": {"limit": 7},
    }
    body = {**SPAN, "query": query, "timeZone": "Asia/Tokyo", "recurrenceType": ["MASTER", "NONE"]}
    answer = await client.post(f"{URL}/query", json=body)
    assert standins.asked["query"] == EventQuery(
        Window(datetime(2026, 11, 30, 15, tzinfo=UTC), datetime(2026, 12, 31, 15, tzinfo=UTC)),
        EventFilter(
            schedule_ids=(SCHEDULE,),
            external_schedule_ids=("x",),
            app_ids=(APP,),
            types=(EventType.CLASS, EventType.WORKING_HOURS),
        ),
        statuses=(EventStatus.CANCELLED,),
        transparencies=(Transparency.OPAQUE,),
        recurrence=(RecurrenceType.MASTER, RecurrenceType.NONE),
        descending=True,
        limit=7,
        time_zone="Asia/Tokyo",
    )
    assert answer.json()["events"][0]["adjustedStart"]["timeZone"] == "Asia/Tokyo"
    standins.calls.clear()
    await client.post(f"{URL}/query", json={**SPAN, "query": {"filter": {"recurringEventId": EVENT}}})
    asked = standins.asked["query"]
    assert (asked.wanted.ids, asked.recurrence) == ((EVENT,), (RecurrenceType.INSTANCE, RecurrenceType.EXCEPTION))


async def test_a_cursor_is_enough(client: httpx2.AsyncClient, standins: StandIns) -> None:
    standins.next_events = "next"
    answer = await client.post(f"{URL}/query", json={"query": {"cursorPaging": {"cursor": "c", "limit": 7}}})
    assert standins.asked == {"site_id": SITE, "cursor": "c", "limit": 7}
    assert answer.json()["pagingMetadata"] == {"count": 1, "cursors": {"next": "next"}, "hasNext": True}


QUERIES: list[tuple[dict[str, Any], Found]] = [
    ({"fromLocalDate": None}, [("fromLocalDate", "REQUIRED_FIELD", {})]),
    ({"toLocalDate": "2026-12-01T00:00:00"}, [("toLocalDate", "TO_AFTER_FROM", {})]),
    ({"toLocalDate": "2032-12-01T00:00:00"}, [("toLocalDate", "SPAN_LIMIT", {"days": 1827})]),
    ({"fromLocalDate": "2026-12-01T00:00:00Z"}, [("fromLocalDate", "FORMAT", LOCAL)]),
    ({"timeZone": "x"}, [("timeZone", "FORMAT", {"type": "TIME_ZONE"})]),
    ({"recurrenceType": ["ALL"]}, [("recurrenceType[0]", "INVALID_ENUM_VALUE", {})]),
    ({"recurrenceType": []}, []),
    ({"query": {"cursorPaging": {"limit": 1001}}}, [("query.cursorPaging.limit", "MAX", {"threshold": 1000})]),
    ({"query": {"filter": {"id": EVENT}}}, [("query.filter.id", "FIELD_NOT_ALLOWED", {})]),
    ({"query": {"filter": {"start": "x"}}}, [("query.filter.start", "FIELD_NOT_ALLOWED", {})]),
    ({"query": {"filter": {"type": "PARTY"}}}, [("query.filter.type", "INVALID_ENUM_VALUE", {})]),
    ({"query": {"sort": [{"fieldName": "title"}]}}, [("query.sort[0].fieldName", "INVALID_ENUM_VALUE", {})]),
]


@pytest.mark.parametrize(("fields", "wrong"), QUERIES)
async def test_fields_of_a_query(client: httpx2.AsyncClient, fields: dict[str, Any], wrong: Found) -> None:
    answer = await client.post(f"{URL}/query", json={**SPAN, **fields})
    assert (found(answer) == wrong) if wrong else (answer.status_code == 200)


async def test_without_anything_both_ends_are_missed(client: httpx2.AsyncClient) -> None:
    missing: Found = [("fromLocalDate", "REQUIRED_FIELD", {}), ("toLocalDate", "REQUIRED_FIELD", {})]
    assert found(await client.post(f"{URL}/query", json={})) == missing


async def test_of_several_each_is_asked_for(client: httpx2.AsyncClient, standins: StandIns) -> None:
    one = {"event": {"scheduleId": SCHEDULE, **TIMES}}
    answer = await client.post(f"{BULK}/create", json={"events": [one, one]})
    assert answer.json() == {
        "results": [
            {"itemMetadata": {"id": EVENT, "originalIndex": 0, "success": True}},
            {"itemMetadata": {"id": EVENT, "originalIndex": 1, "success": True}},
        ],
        "bulkActionMetadata": {"totalSuccesses": 2, "totalFailures": 0},
    }
    assert [name for name, _ in standins.calls] == ["createEvent"] * 2
    whole = await client.post(
        f"{BULK}/cancel", json={"eventIds": [EVENT], "returnEntity": True, "timeZone": "Asia/Tokyo"}
    )
    assert whole.json()["results"][0]["item"]["adjustedStart"]["timeZone"] == "Asia/Tokyo"


async def test_a_field_mask_narrows_the_change(client: httpx2.AsyncClient, standins: StandIns) -> None:
    rule = {"frequency": "WEEKLY", "days": ["TUESDAY"]}
    event = {
        "id": EVENT,
        "revision": "2",
        **TIMES,
        "title": "T",
        "notes": None,
        "timeZone": "Asia/Tokyo",
        "allDay": True,
    }
    for mask, change in (
        ("start,notes", EventChange(AskedTimes(wall("2026-12-01T09:00")), content={"notes": None})),
        ("end,timeZone", EventChange(AskedTimes(end=wall("2026-12-01T10:00"), zone="Asia/Tokyo"))),
        ("allDay,title", EventChange(AskedTimes(all_day=True), content={"title": "T"})),
        ("recurrenceRule", EventChange(rule=AskedRule(day=Weekday.TUESDAY))),
    ):
        body = {"events": [{"event": {**event, "recurrenceRule": rule}}], "fieldmask": mask}
        assert (await client.post(f"{BULK}/update", json=body)).status_code == 200
        assert standins.asked == {"site_id": SITE, "event_id": EVENT, "change": change, "revision": 2}
        standins.calls.clear()


BULKS: list[tuple[str, dict[str, Any], Found]] = [
    ("create", {"events": []}, [("events", "MIN_SIZE", {"threshold": 1})]),
    (
        "create",
        {"events": [{"event": {}}]},
        [(f"events[0].event.{name}", "REQUIRED_FIELD", {}) for name in ("end", "scheduleId", "start")],
    ),
    ("update", {"events": [{"event": {"revision": "1"}}]}, [("events[0].event.id", "REQUIRED_FIELD", {})]),
    ("update", {"events": [{"event": {"id": EVENT}}]}, [("events[0].event.revision", "REQUIRED_FIELD", {})]),
    (
        "update",
        {"events": [{"event": {"id": EVENT, "revision": "1"}}], "fieldmask": "start,colour"},
        [("fieldmask", "INVALID_ENUM_VALUE", {"unknown": "colour"})],
    ),
    ("cancel", {"eventIds": [EVENT] * 101}, [("eventIds", "MAX_SIZE", {"threshold": 100})]),
    ("cancel", {}, [("eventIds", "REQUIRED_FIELD", {})]),
]


@pytest.mark.parametrize(
    ("method", "body", "wrong"), BULKS, ids=[f"{number}-{one[0]}" for number, one in enumerate(BULKS)]
)
async def test_what_does_not_fit_is_refused_before_anything_is_done(
    client: httpx2.AsyncClient, standins: StandIns, method: str, body: dict[str, Any], wrong: Found
) -> None:
    assert found(await client.post(f"{BULK}/{method}", json=body)) == wrong
    assert not standins.calls


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (Conflict("Later.", code="ABORTED", data={"currentRevision": "2"}), ("ABORTED", {"currentRevision": "2"})),
        (
            Invalid([Violation("event.title", "is odd", Rule.OTHER, {"a": 1}, "ODD")]),
            (
                "INVALID_ARGUMENT",
                {
                    "fieldViolations": [
                        {
                            "field": "event.title",
                            "description": "is odd",
                            "violatedRule": "OTHER",
                            "ruleName": "ODD",
                            "data": {"a": 1},
                        }
                    ]
                },
            ),
        ),
    ],
    ids=["conflict", "invalid"],
)
async def test_why_one_of_several_failed(
    client: httpx2.AsyncClient, standins: StandIns, error: Exception, told: tuple[str, dict[str, Any]]
) -> None:
    standins.raises = error
    answer = (await client.post(f"{BULK}/cancel", json={"eventIds": [EVENT]})).json()
    metadata = answer["results"][0]["itemMetadata"]
    assert (metadata["success"], metadata["id"], metadata["error"]["code"]) == (False, EVENT, told[0])
    assert metadata["error"]["data"] == told[1]
    assert answer["bulkActionMetadata"] == {"totalSuccesses": 0, "totalFailures": 1}
