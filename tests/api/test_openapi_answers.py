"""The answers of a real Kalends are those that the OpenAPI document tells, and all that it tells do come."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import update

from kalends.api.application import OPERATIONS
from kalends.api.operations import Operation
from kalends.model.connection import ErrorReason
from kalends.model.ids import new_id
from kalends.store.tables import connections
from tests.api.conformance import check, responses, said
from tests.api.provoked import (
    BODIES,
    PROVOKED,
    SPAN_OF_EVENTS,
    Provoke,
    instance_of,
    local,
    new_event,
    weekly,
)
from tests.api.staged import LIMIT, PATHS, SPAN, Stage, stage_on
from tests.scripted_provider import RemoteCalendar

every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: str(one.name))
with_a_body = pytest.mark.parametrize(
    "operation", [one for one in OPERATIONS if one.method != "GET"], ids=lambda one: str(one.name)
)
with_a_query = pytest.mark.parametrize(
    "operation", [one for one in OPERATIONS if one.method == "GET"], ids=lambda one: str(one.name)
)


@pytest.fixture
async def stage(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage_on(sqlite_url, tmp_path) as stage:
        yield stage


def expect(operation: str, answer: httpx2.Response, status: int, code: str | None) -> None:
    assert (answer.status_code, said(answer)) == (status, {code} if code else set()), answer.text
    check(operation, answer, closed=True)


DECLARED = [(one.name, error.code, error.error.status) for one in OPERATIONS for error in one.errors]


def test_every_declared_error_can_be_brought_about() -> None:
    assert set(PROVOKED) == {(name, code) for name, code, _ in DECLARED}


@pytest.mark.parametrize(("name", "code", "status"), DECLARED)
async def test_declared_errors_come_and_are_told(stage: Stage, name: str, code: str, status: int) -> None:
    provoke: Provoke = PROVOKED[name, code]
    expect(name, await provoke(stage), status, code)


@every_operation
async def test_errors_of_every_call_come_and_are_told(stage: Stage, operation: Operation[Any]) -> None:
    name = operation.name
    expect(name, await stage.call(name, token=""), 401, "UNAUTHENTICATED")
    other = "reader of schedules" if "schedules" not in operation.prefixes[0] else "lister of providers"
    if name == "listProviders":
        other = "reader of schedules"
    expect(name, await stage.call(name, token=other), 403, "PERMISSION_DENIED")
    expect(name, await stage.call(name, app="broken"), 500, "INTERNAL")
    if "{" in operation.path:
        expect(name, await stage.call(name, ids=stage.ids_of(name, "")), 404, "NOT_FOUND")


@with_a_query
async def test_errors_of_every_query_come_and_are_told(stage: Stage, operation: Operation[Any]) -> None:
    name = operation.name
    expect(name, await stage.call(name, query=".r=!"), 400, None)
    expect(name, await stage.call(name, query="a&" * 1001), 400, "MALFORMED_REQUEST")
    expect(name, await stage.call(name, query="a" * 50_000), 414, "QUERY_TOO_LONG")


@with_a_body
async def test_errors_of_every_body_come_and_are_told(
    stage: Stage, operation: Operation[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = operation.name
    expect(name, await stage.call(name, content=b"{"), 400, "MALFORMED_JSON")
    text = {"Content-Type": "text/plain"}
    expect(name, await stage.call(name, content=b"{}", headers=text), 400, "UNSUPPORTED_CONTENT_TYPE")
    expect(name, await stage.call(name, content=b" " * (LIMIT + 1)), 413, "REQUEST_TOO_LARGE")
    expect(name, await left_in_the_middle(stage, name), 400, "MALFORMED_REQUEST")
    fields = [field.alias for field in operation.asks.model_fields.values()]
    if fields:
        expect(name, await stage.call(name, body=dict.fromkeys(fields, 5)), 400, None)
    else:
        assert "validationError" not in str(responses(name)["400"]["content"])
    monkeypatch.setattr("kalends.api.reading.BODY_DEADLINE_SECONDS", 0)
    expect(name, await stage.call(name, content=endless()), 408, "REQUEST_TIMEOUT")


async def endless() -> AsyncIterator[bytes]:
    yield b"{"
    await asyncio.Event().wait()


async def left_in_the_middle(stage: Stage, name: str) -> httpx2.Response:
    """Return what would be answered to a caller who leaves in the middle of the body."""
    method, path = PATHS[name]
    messages: Iterator[dict[str, Any]] = iter(
        [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]
    )
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return next(messages)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path.replace("{connectionId}", "any").replace("{scheduleId}", new_id()).replace("{eventId}", new_id()),
        "query_string": b"",
        "headers": [(b"authorization", stage.tokens["admin"].encode())],
    }
    await stage.apps["whole"](scope, receive, send)
    return httpx2.Response(sent[0]["status"], headers=sent[0]["headers"], content=sent[1]["body"])


Ask = Callable[[Stage], Awaitable[httpx2.Response]]


def ask(name: str, **call: Any) -> Ask:
    return lambda stage: stage.call(name, **call)


def importing(side: dict[str, Any]) -> Ask:
    return ask("updateSyncConfig", body={"syncConfig": {"listEventFromCalendars": side}})


async def an_account(stage: Stage) -> httpx2.Response:
    return await stage.call("connectByCredentials", body=stage.good("connectByCredentials"), token="app")


async def a_feed(stage: Stage) -> httpx2.Response:
    return await stage.call("connectByFeed", body=stage.good("connectByFeed"), token="app")


async def a_mailbox(stage: Stage) -> httpx2.Response:
    return await stage.call("connectDelegated", body=stage.good("connectDelegated"), token="app")


async def a_consent(stage: Stage) -> httpx2.Response:
    return await stage.call("connectByOAuth", body=stage.good("connectByOAuth"), app="with consent")


async def a_refused_account(stage: Stage) -> httpx2.Response:
    stage.script.password = "changed"
    await stage.world.sync(stage.connection)
    answer = await stage.call("getConnection")
    assert answer.json()["connection"]["status"] == "ERROR"
    return answer


async def a_primary_calendar(stage: Stage) -> httpx2.Response:
    stage.script.primary = "c"
    primary = await stage.connect()
    answer = await stage.call("getConnection", ids=(primary.id,))
    assert "primaryCalendar" in answer.json()["connection"]["syncConfig"]["listEventFromCalendars"]
    return answer


async def a_second_page(stage: Stage) -> httpx2.Response:
    first = await stage.call("listEvents", query={**SPAN, "cursorPaging.limit": 1, "fieldsets": "OWN_PI"})
    check("listEvents", first, closed=True)
    return await stage.call(
        "listEvents", query={"cursorPaging.cursor": first.json()["pagingMetadata"]["cursors"]["next"]}
    )


async def a_partial_page(stage: Stage) -> httpx2.Response:
    unread = await stage.connect(sync=False)
    answer = await stage.call("listEvents", query={**SPAN, "partialFailure": "true"})
    assert answer.json()["failedConnectionIds"] == [unread.id]
    return answer


async def a_booking(stage: Stage, **fields: Any) -> None:
    """Make an event that overlaps both external ones."""
    times = {"start": local("2026-12-01T00:00:00"), "end": local("2026-12-03T00:00:00")}
    answer = await stage.call("createEvent", body={"event": new_event(stage, **times, **fields)})
    assert answer.status_code == 200


async def conflicts(stage: Stage) -> httpx2.Response:
    await a_booking(stage, allDay=True)
    hours = {"start": local("2026-12-01T11:00:00"), "end": local("2026-12-01T12:00:00")}
    await stage.call("createEvent", body={"event": new_event(stage, **hours, recurrenceRule=weekly())})
    answer = await stage.call("listConflicts", query={**SPAN, "fieldsets": "OWN_PI"}, token="owner")
    assert len(answer.json()["conflicts"]) == 3
    assert "recurringEventId" in answer.text
    return answer


async def a_second_page_of_conflicts(stage: Stage) -> httpx2.Response:
    await a_booking(stage)
    first = await stage.call("listConflicts", query={**SPAN, "cursorPaging.limit": 1})
    check("listConflicts", first, closed=True)
    cursor = first.json()["pagingMetadata"]["cursors"]["next"]
    answer = await stage.call("listConflicts", query={"cursorPaging.cursor": cursor})
    assert len(answer.json()["conflicts"]) == 1
    return answer


async def conflicts_of_what_can_be_read(stage: Stage) -> httpx2.Response:
    unread = await stage.connect(sync=False)
    answer = await stage.call("listConflicts", query={**SPAN, "partialFailure": "true"})
    assert answer.json()["failedConnectionIds"] == [unread.id]
    return answer


async def a_schedule_with_everything(stage: Stage) -> httpx2.Response:
    kept = {"street": "High Street", "nested": [1, None, {"a": True}]}
    fields = {
        "id": new_id(),
        "name": "Chair",
        "timeZone": "Europe/Dublin",
        "externalId": "chair-1",
        "defaultTitle": "Cut",
        "defaultLocation": kept,
        "defaultCapacity": 3,
        "defaultConferencingDetails": kept,
        "extendedFields": kept,
        "owner": {"userId": stage.world.user.id},
    }
    return await stage.call("createSchedule", body={"schedule": fields}, token="app")


async def a_revoked_account_that_is_acknowledged(stage: Stage) -> httpx2.Response:
    await a_refused_account(stage)
    body = {"until": "2027-01-01T00:00:00+01:00", "note": "on leave"}
    answer = await stage.call("acknowledgeConnection", body=body)
    assert answer.json()["health"]["standing"] == "ACKNOWLEDGED"
    return answer


async def an_acknowledgement_taken_back(stage: Stage) -> httpx2.Response:
    await a_revoked_account_that_is_acknowledged(stage)
    return await stage.call("unacknowledgeConnection")


async def a_health_with_everything(stage: Stage) -> httpx2.Response:
    stage.script.calendars["new"] = RemoteCalendar()
    stage.script.shows = frozenset({"odd"})
    await stage.connect()
    await a_revoked_account_that_is_acknowledged(stage)
    return await stage.call("getConnectionHealth")


async def a_second_page_of_runs(stage: Stage) -> httpx2.Response:
    await a_refused_account(stage)
    first = await stage.call("listRuns", query={"cursorPaging.limit": 1})
    check("listRuns", first, closed=True)
    cursor = first.json()["pagingMetadata"]["cursors"]["next"]
    return await stage.call("listRuns", query={"cursorPaging.cursor": cursor})


async def an_event_with_everything(stage: Stage) -> httpx2.Response:
    kept = {"street": "High Street", "nested": [1, None, {"a": True}]}
    fields = {
        "type": "CLASS",
        "title": "Zumba",
        "timeZone": "Asia/Tokyo",
        "transparency": "TRANSPARENT",
        "notes": "Bring a mat",
        "location": kept,
        "resources": [{"id": "room", "permissionRole": "WRITER"}],
        "totalCapacity": 10,
        "conferencingDetails": kept,
        "participants": {"total": 3, "list": [kept]},
        "extendedFields": kept,
        "recurrenceRule": weekly(interval=2, until=local("2027-12-01T00:00:00")),
    }
    body = {"event": new_event(stage, **fields), "timeZone": "Europe/London"}
    return await stage.call("createEvent", body=body, token="app")


async def an_instance(stage: Stage) -> httpx2.Response:
    return await stage.call("getEvent", ids=instance_of(stage))


async def an_exception(stage: Stage) -> httpx2.Response:
    ids, body = instance_of(stage), {"event": {"revision": "1", "title": "Pilates"}}
    answer = await stage.call("updateEvent", ids=ids, body=body)
    assert answer.json()["event"]["recurrenceType"] == "EXCEPTION"
    return answer


async def a_cancelled_instance(stage: Stage) -> httpx2.Response:
    return await stage.call("cancelEvent", ids=instance_of(stage))


async def the_rest_of_a_series(stage: Stage) -> httpx2.Response:
    body = {"event": {"revision": "1", "title": "Pilates"}, "timeZone": "Asia/Tokyo"}
    return await stage.call("updateFollowingEvents", ids=instance_of(stage), body=body)


async def a_second_page_of_events(stage: Stage) -> httpx2.Response:
    query = {"query": {"cursorPaging": {"limit": 2}}, "timeZone": "Asia/Tokyo"}
    first = await stage.call("queryEvents", body={**SPAN_OF_EVENTS, **query})
    check("queryEvents", first, closed=True)
    cursor = first.json()["pagingMetadata"]["cursors"]["next"]
    return await stage.call("queryEvents", body={"query": {"cursorPaging": {"cursor": cursor}}})


async def some_are_made(stage: Stage) -> httpx2.Response:
    events = [new_event(stage), new_event(stage, scheduleId=new_id()), new_event(stage, allDay=True)]
    body = {"events": [{"event": one} for one in events], "returnEntity": True}
    answer = await stage.call("bulkCreateEvents", body=body)
    assert answer.json()["bulkActionMetadata"] == {"totalSuccesses": 1, "totalFailures": 2}
    return answer


async def some_are_changed(stage: Stage) -> httpx2.Response:
    events = [{"id": one, "revision": "1", "notes": "x"} for one in (stage.event_id, new_id(), "nothing")]
    body = {"events": [{"event": one} for one in events], "fieldmask": "notes"}
    answer = await stage.call("bulkUpdateEvents", body=body)
    assert answer.json()["bulkActionMetadata"] == {"totalSuccesses": 1, "totalFailures": 2}
    return answer


async def some_are_cancelled(stage: Stage) -> httpx2.Response:
    body = {"eventIds": [*instance_of(stage), *instance_of(stage), stage.event_id], "returnEntity": True}
    answer = await stage.call("bulkCancelEvents", body=body)
    assert answer.json()["bulkActionMetadata"] == {"totalSuccesses": 2, "totalFailures": 1}
    return answer


async def a_health_of_exports(stage: Stage) -> httpx2.Response:
    now = stage.world.clock.now()
    values = {
        "export_target": "dedicated",
        "dedicated_calendar": "made",
        "export_problem": ErrorReason.EXTERNAL_CALENDAR_DELETED.value,
        "export_error": "CalendarGone: nobody's business",
        "export_due_at": now,
        "cleanup_until": now,
    }
    async with stage.world.kalends.database.write() as writer:
        await writer.execute(update(connections).where(connections.c.id == stage.connection.id).values(**values))
    answer = await stage.call("getConnectionHealth")
    told = answer.json()["health"]["exports"]
    assert (told["lastError"], told["dedicatedCalendar"]) == ("CalendarGone", {"id": "made"})
    assert told.keys() >= {"target", "problem", "dueDate", "cleanupUntil"}
    return answer


GOOD: list[tuple[str, Ask]] = [
    ("listProviders", ask("listProviders")),
    ("getConnection", ask("getConnection")),
    ("getConnection", a_refused_account),
    ("getConnection", a_primary_calendar),
    ("listConnections", ask("listConnections")),
    ("listConnections", ask("listConnections", query={"partialFailure": "true"})),
    ("connectByOAuth", a_consent),
    ("connectByCredentials", an_account),
    ("connectByFeed", a_feed),
    ("connectDelegated", a_mailbox),
    ("listCalendars", ask("listCalendars")),
    ("updateSyncConfig", importing({"calendars": {"calendars": [{"id": "c", "name": None}]}})),
    ("updateSyncConfig", importing({"enabled": False, "calendars": {}})),
    ("disconnect", ask("disconnect")),
    ("listEvents", ask("listEvents", query={**SPAN, "fieldsets": "OWN_PI"}, token="owner")),
    ("listEvents", a_second_page),
    ("listEvents", a_partial_page),
    ("listConflicts", conflicts),
    ("listConflicts", a_second_page_of_conflicts),
    ("listConflicts", conflicts_of_what_can_be_read),
    ("createSchedule", a_schedule_with_everything),
    ("createSchedule", ask("createSchedule", body={"schedule": {"name": "Bare"}})),
    ("getSchedule", ask("getSchedule")),
    ("querySchedules", ask("querySchedules", body={"query": {"cursorPaging": {"limit": 1}}})),
    ("updateSchedule", ask("updateSchedule", body=BODIES["updateSchedule"])),
    ("cancelSchedule", ask("cancelSchedule")),
    ("createEvent", an_event_with_everything),
    ("getEvent", ask("getEvent")),
    ("getEvent", an_instance),
    ("updateEvent", ask("updateEvent", body=BODIES["updateEvent"])),
    ("updateEvent", an_exception),
    ("updateFollowingEvents", the_rest_of_a_series),
    ("queryEvents", ask("queryEvents", body={**SPAN_OF_EVENTS, "recurrenceType": ["MASTER"]})),
    ("queryEvents", a_second_page_of_events),
    ("cancelEvent", ask("cancelEvent")),
    ("cancelEvent", a_cancelled_instance),
    ("bulkCreateEvents", some_are_made),
    ("bulkUpdateEvents", some_are_changed),
    ("bulkCancelEvents", some_are_cancelled),
    ("getConnectionHealth", ask("getConnectionHealth", token="owner")),
    ("getConnectionHealth", a_health_with_everything),
    ("getConnectionHealth", a_health_of_exports),
    ("listRuns", ask("listRuns", token="owner")),
    ("listRuns", a_second_page_of_runs),
    ("syncConnection", ask("syncConnection", token="owner")),
    ("acknowledgeConnection", a_revoked_account_that_is_acknowledged),
    ("updateCopies", ask("updateCopies", body=BODIES["updateCopies"], token="owner")),
    ("unacknowledgeConnection", an_acknowledgement_taken_back),
]


def test_every_operation_succeeds_once() -> None:
    assert {name for name, _ in GOOD} == {one.name for one in OPERATIONS}


@pytest.mark.parametrize(("name", "asking"), GOOD, ids=[f"{number}-{name}" for number, (name, _) in enumerate(GOOD)])
async def test_an_answer_holds_nothing_that_is_not_told(stage: Stage, name: str, asking: Ask) -> None:
    answer = await asking(stage)
    assert answer.status_code == 200, answer.text
    check(name, answer, closed=True)


async def test_an_answer_that_is_not_told_is_noticed(stage: Stage) -> None:
    answer = await stage.call("listProviders")
    body = answer.json()
    body["providers"][0] |= {"colour": "green"}
    check("listProviders", httpx2.Response(200, headers=answer.headers, json=body))
    for status, changed in ((200, body), (200, {}), (418, answer.json())):
        with pytest.raises(AssertionError):
            check("listProviders", httpx2.Response(status, headers=answer.headers, json=changed), closed=True)


TOKEN_ERRORS = [
    ({}, 400, "invalid_request"),
    ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ({"client_secret": "wrong"}, 401, "invalid_client"),
    ({"instance_id": "unknown"}, 400, "invalid_grant"),
]


@pytest.mark.parametrize(("changes", "status", "error"), TOKEN_ERRORS)
async def test_tokens(stage: Stage, changes: dict[str, str], status: int, error: str) -> None:
    app = await stage.world.kalends.clients.create_app(stage.world.site.id, name="App")
    good = {"grant_type": "client_credentials", "client_id": app.client_id, "client_secret": app.client_secret}
    transport = httpx2.ASGITransport(app=stage.apps["whole"])
    async with httpx2.AsyncClient(transport=transport, base_url="http://kalends.test") as client:
        issued = await client.post("/oauth2/token", json=good)
        assert issued.status_code == 200
        check("getAccessToken", issued, closed=True)
        refused = await client.post("/oauth2/token", json=good | changes if changes else {})
        assert (refused.status_code, refused.json()["error"]) == (status, error)
        check("getAccessToken", refused, closed=True)
        assert {one["code"] for some in (400, 401) for one in responses("getAccessToken")[str(some)]["x-errors"]} == {
            name for _, _, name in TOKEN_ERRORS
        }
        health = await client.get("/healthz")
        check("getHealth", health, closed=True)
