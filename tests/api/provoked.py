"""How each error that an operation declares is brought about.

`test_openapi_answers.py` fails where an operation declares an error that is not here.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx2

from kalends.model.ids import new_id
from kalends.providers.errors import CredentialsRefused, NotSupported, ProviderError, Unavailable
from tests.api.staged import SPAN, Stage

Provoke = Callable[[Stage], Awaitable[httpx2.Response]]

EXPORT = {"syncConfig": {"syncToCalendar": {"enabled": True}}}
UNKNOWN_CALENDAR = {"syncConfig": {"listEventFromCalendars": {"calendars": {"calendars": [{"id": "unknown"}]}}}}
BODIES: dict[str, Any] = {
    "updateSyncConfig": {"syncConfig": {}},
    "updateCopies": {"privacy": "title"},
    "updateSchedule": {"schedule": {"revision": "1"}},
    "updateEvent": {"event": {"revision": "1"}},
    "updateFollowingEvents": {"event": {"revision": "1"}},
}


def _with(name: str, **call: Any) -> Provoke:
    return lambda stage: stage.call(name, **call)


def _unknown_connection(name: str) -> Provoke:
    return _with(name, ids=("unknown",), body=BODIES.get(name))


def _unknown_schedule(name: str) -> Provoke:
    return lambda stage: stage.call(name, ids=(new_id(),), body=BODIES.get(name))


def _without_plugin(name: str, **call: Any) -> Provoke:
    return _with(name, app="without plugin", body=BODIES.get(name), **call)


def _connecting(name: str, **changes: str | None) -> Provoke:
    """Connect with changes to a good body; None stands for an unknown id."""

    async def provoke(stage: Stage) -> httpx2.Response:
        good = stage.good(name)
        return await stage.call(name, body=good | {key: value or new_id() for key, value in changes.items()})

    return provoke


def _refusing(error: ProviderError, provoke: Provoke) -> Provoke:
    async def refused(stage: Stage) -> httpx2.Response:
        stage.script.refuses = error
        try:
            return await provoke(stage)
        finally:
            stage.script.refuses = None

    return refused


def _disconnected(name: str) -> Provoke:
    async def provoke(stage: Stage) -> httpx2.Response:
        ended = (await stage.connect()).id
        await stage.call("disconnect", ids=(ended,))
        return await stage.call(name, ids=(ended,), body=BODIES.get(name))

    return provoke


def _poor_app_connects(name: str) -> Provoke:
    return lambda stage: stage.call(name, body=stage.good(name), token="poor app")


def _creating(**fields: Any) -> Provoke:
    return _with("createSchedule", body={"schedule": {"name": "Chair", **fields}})


def _updating(**fields: Any) -> Provoke:
    return _with("updateSchedule", body={"schedule": {"revision": "1", **fields}})


async def _created_again(stage: Stage) -> httpx2.Response:
    return await _creating(id=stage.world.schedule.id)(stage)


def _cancelled(name: str) -> Provoke:
    async def provoke(stage: Stage) -> httpx2.Response:
        made = (await _creating()(stage)).json()["schedule"]["id"]
        assert (await stage.call("cancelSchedule", ids=(made,))).status_code == 200
        # cancelling is a change, after which the revision is the next one
        return await stage.call(name, ids=(made,), body={"schedule": {"revision": "2", "name": "New"}})

    return provoke


def _connecting_to_a_cancelled_schedule(name: str) -> Provoke:
    async def provoke(stage: Stage) -> httpx2.Response:
        made = (await _creating()(stage)).json()["schedule"]["id"]
        assert (await stage.call("cancelSchedule", ids=(made,))).status_code == 200
        return await _connecting(name, scheduleId=made)(stage)

    return provoke


async def _broken(stage: Stage) -> str:
    """Return a connection that was never read."""
    return (await stage.connect(sync=False)).id


async def _acknowledged_until_the_past(stage: Stage) -> httpx2.Response:
    until = {"until": "2026-11-01T00:00:00Z"}
    return await stage.call("acknowledgeConnection", ids=(await _broken(stage),), body=until)


async def _unacknowledged_twice(stage: Stage) -> httpx2.Response:
    ids = (await _broken(stage),)
    assert (await stage.call("acknowledgeConnection", ids=ids, body={})).status_code == 200
    assert (await stage.call("unacknowledgeConnection", ids=ids)).status_code == 200
    return await stage.call("unacknowledgeConnection", ids=ids)


def _of_anybody(email: str) -> Provoke:
    """Connect a mailbox that need not be the owner's."""

    async def provoke(stage: Stage) -> httpx2.Response:
        body = {**stage.good("connectDelegated"), "email": email, "anyMailbox": True}
        return await stage.call("connectDelegated", body=body)

    return provoke


async def _delegated_with_a_changed_secret(stage: Stage) -> httpx2.Response:
    stage.script.password = "changed"
    return await _connecting("connectDelegated")(stage)


def _deep(levels: int = 50) -> dict[str, Any]:
    inner: dict[str, Any] = {}
    for _ in range(levels):
        inner = {"in": inner}
    return inner


def new_event(stage: Stage, **fields: Any) -> dict[str, Any]:
    """Return a single event that can be made."""
    times = {"start": local("2026-12-01T09:00:00"), "end": local("2026-12-01T10:00:00")}
    return {"scheduleId": stage.world.schedule.id, **times, **fields}


def local(date: str, **more: str) -> dict[str, str]:
    """Return a start, an end or an until."""
    return {"localDate": date, **more}


def weekly(day: str = "TUESDAY", **more: Any) -> dict[str, Any]:
    """Return a rule."""
    return {"frequency": "WEEKLY", "days": [day], **more}


def instance_of(stage: Stage, date: str = "20261208T0900") -> tuple[str]:
    """Return the id of an instance of the event that is there."""
    return (f"{stage.event_id}_1_{date}",)


def _making(**fields: Any) -> Provoke:
    return lambda stage: stage.call("createEvent", body={"event": new_event(stage, **fields)})


def _event_changes(name: str, **fields: Any) -> Provoke:
    async def provoke(stage: Stage) -> httpx2.Response:
        ids = instance_of(stage) if name == "updateFollowingEvents" else None
        return await stage.call(name, ids=ids, body={"event": {"revision": "1", **fields}})

    return provoke


async def _making_on_a_cancelled_schedule(stage: Stage) -> httpx2.Response:
    assert (await stage.call("cancelSchedule")).status_code == 200
    return await _making()(stage)


def _changing_on_a_cancelled_schedule(name: str) -> Provoke:
    async def provoke(stage: Stage) -> httpx2.Response:
        assert (await stage.call("cancelSchedule")).status_code == 200
        return await _event_changes(name)(stage)

    return provoke


def _after_cancelling(name: str, ids: Callable[[Stage], tuple[str, ...] | None]) -> Provoke:
    async def provoke(stage: Stage) -> httpx2.Response:
        assert (await stage.call("cancelEvent", ids=ids(stage))).status_code == 200
        return await stage.call(name, ids=ids(stage), body=BODIES.get(name))

    return provoke


def _unknown_event(name: str) -> Provoke:
    return lambda stage: stage.call(name, ids=(new_id(),), body=BODIES.get(name))


async def _following_what_has_begun(stage: Stage) -> httpx2.Response:
    # it is a Sunday, ten o'clock in Berlin
    times = {"start": local("2026-11-22T09:00:00"), "end": local("2026-11-22T11:00:00")}
    made = await _making(**times, recurrenceRule=weekly("SUNDAY"))(stage)
    begun = f"{made.json()['event']['id']}_1_20261122T0900"
    return await stage.call("updateFollowingEvents", ids=(begun,), body=BODIES["updateFollowingEvents"])


def _too_many_permissions(name: str) -> Provoke:
    return lambda stage: stage.call(name, body=_several(stage, name, permissions=[{}]))


def _too_deep(name: str) -> Provoke:
    return lambda stage: stage.call(name, body=_several(stage, name, location=_deep()))


def _several(stage: Stage, name: str, **fields: Any) -> dict[str, Any]:
    present = {"id": stage.event_id, "revision": "1"}
    event = new_event(stage, **fields) if name == "bulkCreateEvents" else present | fields
    return {"events": [{"event": event}]}


WRONG_TIMES: dict[str, dict[str, Any]] = {
    "END_AFTER_START": {"end": local("2026-12-01T09:00:00")},
    "ALL_DAY_MIDNIGHT": {"allDay": True},
    "EVENT_TIME_ZONE": {"start": local("2026-12-01T09:00:00", timeZone="Asia/Tokyo")},
    "RECURRENCE_TOO_LONG": {"end": local("2027-01-01T00:00:00"), "recurrenceRule": weekly()},
    "DAY_OF_START": {"recurrenceRule": weekly("MONDAY")},
    "UNTIL_BEFORE_START": {"recurrenceRule": weekly(until=local("2026-11-30T00:00:00"))},
    "START_IN_PAST": {
        "start": local("2026-11-17T09:00:00"),
        "end": local("2026-11-17T10:00:00"),
        "recurrenceRule": weekly(),
    },
    "NOT_SUPPORTED": {"permissions": [{}]},
    "TOO_DEEP": {"location": _deep()},
}
SPAN_OF_EVENTS: dict[str, Any] = {"fromLocalDate": "2026-12-01T00:00:00", "toLocalDate": "2026-12-31T00:00:00"}

OTHER_ZONE: dict[str, Any] = {"timeZone": "Asia/Tokyo", "businessTimeZoneEnabled": True}
UNREACHABLE = Unavailable("no route")
UNABLE = NotSupported("no calendars")

PROVOKED: dict[tuple[str, str], Provoke] = {
    ("listConnections", "PROVIDER_UNAVAILABLE"): _without_plugin("listConnections"),
    ("getConnection", "CONNECTION_NOT_FOUND"): _unknown_connection("getConnection"),
    ("getConnection", "PROVIDER_UNAVAILABLE"): _without_plugin("getConnection"),
    ("connectByOAuth", "PROVIDER_NOT_FOUND"): _connecting("connectByOAuth", providerId=None),
    ("connectByOAuth", "SCHEDULE_CANCELLED"): _connecting_to_a_cancelled_schedule("connectByOAuth"),
    ("connectByOAuth", "SCHEDULE_NOT_FOUND"): _connecting("connectByOAuth", scheduleId=None),
    ("connectByOAuth", "NOT_SUPPORTED_BY_PROVIDER"): _connecting("connectByOAuth"),
    ("connectByCredentials", "BAD_CREDENTIALS"): _connecting("connectByCredentials", password="wrong"),
    ("connectByCredentials", "PREMIUM_FEATURE_NOT_ENABLED"): _poor_app_connects("connectByCredentials"),
    ("connectByCredentials", "PROVIDER_NOT_FOUND"): _connecting("connectByCredentials", providerId=None),
    ("connectByCredentials", "SCHEDULE_CANCELLED"): _connecting_to_a_cancelled_schedule("connectByCredentials"),
    ("connectByCredentials", "SCHEDULE_NOT_FOUND"): _connecting("connectByCredentials", scheduleId=None),
    ("connectByCredentials", "NOT_SUPPORTED_BY_PROVIDER"): _refusing(UNABLE, _connecting("connectByCredentials")),
    ("connectByCredentials", "PROVIDER_UNAVAILABLE"): _refusing(UNREACHABLE, _connecting("connectByCredentials")),
    ("connectByFeed", "BAD_CREDENTIALS"): _connecting("connectByFeed", url="https://example.org/wrong"),
    ("connectByFeed", "PREMIUM_FEATURE_NOT_ENABLED"): _poor_app_connects("connectByFeed"),
    ("connectByFeed", "PROVIDER_NOT_FOUND"): _connecting("connectByFeed", providerId=None),
    ("connectByFeed", "SCHEDULE_CANCELLED"): _connecting_to_a_cancelled_schedule("connectByFeed"),
    ("connectByFeed", "SCHEDULE_NOT_FOUND"): _connecting("connectByFeed", scheduleId=None),
    ("connectByFeed", "NOT_SUPPORTED_BY_PROVIDER"): _refusing(UNABLE, _connecting("connectByFeed")),
    ("connectByFeed", "PROVIDER_UNAVAILABLE"): _refusing(UNREACHABLE, _connecting("connectByFeed")),
    ("connectDelegated", "DOMAIN_NOT_LISTED"): _connecting("connectDelegated", email="a@elsewhere.example"),
    ("connectDelegated", "BAD_CREDENTIALS"): _delegated_with_a_changed_secret,
    ("connectDelegated", "PREMIUM_FEATURE_NOT_ENABLED"): _poor_app_connects("connectDelegated"),
    ("connectDelegated", "PROVIDER_NOT_FOUND"): _connecting("connectDelegated", providerId=None),
    ("connectDelegated", "SCHEDULE_NOT_FOUND"): _connecting("connectDelegated", scheduleId=None),
    ("connectDelegated", "MAILBOX_NOT_FOUND"): _of_anybody("nobody@example.org"),
    ("connectDelegated", "SCHEDULE_CANCELLED"): _connecting_to_a_cancelled_schedule("connectDelegated"),
    ("connectDelegated", "MAILBOX_NOT_OWNERS"): _connecting("connectDelegated", email="b@example.org"),
    ("connectDelegated", "NOT_SUPPORTED_BY_PROVIDER"): _refusing(UNABLE, _connecting("connectDelegated")),
    ("connectDelegated", "PROVIDER_UNAVAILABLE"): _refusing(UNREACHABLE, _connecting("connectDelegated")),
    ("listCalendars", "PREMIUM_FEATURE_NOT_ENABLED"): _with("listCalendars", token="poor app"),
    ("listCalendars", "CONNECTION_NOT_FOUND"): _unknown_connection("listCalendars"),
    ("listCalendars", "CONNECTION_NOT_CONNECTED"): _refusing(CredentialsRefused("wrong"), _with("listCalendars")),
    ("listCalendars", "NOT_SUPPORTED_BY_PROVIDER"): _refusing(UNABLE, _with("listCalendars")),
    ("listCalendars", "PROVIDER_UNAVAILABLE"): _refusing(UNREACHABLE, _with("listCalendars")),
    ("disconnect", "CONNECTION_NOT_FOUND"): _unknown_connection("disconnect"),
    ("disconnect", "CONNECTION_ALREADY_DISCONNECTED"): _disconnected("disconnect"),
    ("disconnect", "PROVIDER_UNAVAILABLE"): _without_plugin("disconnect"),
    ("updateSyncConfig", "CALENDAR_NOT_FOUND"): _with("updateSyncConfig", body=UNKNOWN_CALENDAR),
    ("updateSyncConfig", "CONNECTION_NOT_FOUND"): _unknown_connection("updateSyncConfig"),
    ("updateSyncConfig", "CONNECTION_NOT_CONNECTED"): _disconnected("updateSyncConfig"),
    ("updateSyncConfig", "NOT_SUPPORTED_BY_PROVIDER"): _with("updateSyncConfig", body=EXPORT),
    ("updateSyncConfig", "PROVIDER_UNAVAILABLE"): _refusing(
        UNREACHABLE, _with("updateSyncConfig", body=UNKNOWN_CALENDAR)
    ),
    ("listEvents", "TO_AFTER_FROM"): _with("listEvents", query={"from": SPAN["to"], "to": SPAN["from"]}),
    ("listEvents", "SPAN_LIMIT"): _with("listEvents", query=SPAN | {"to": "2036-01-01T00:00:00Z"}),
    ("listEvents", "INVALID_CURSOR"): _with("listEvents", query={"cursorPaging.cursor": "unknown"}),
    ("listEvents", "PROVIDER_UNAVAILABLE"): _without_plugin("listEvents", query=SPAN),
    ("listConflicts", "TO_AFTER_FROM"): _with("listConflicts", query={"from": SPAN["to"], "to": SPAN["from"]}),
    ("listConflicts", "SPAN_LIMIT"): _with("listConflicts", query=SPAN | {"to": "2027-11-02T00:00:01Z"}),
    ("listConflicts", "INVALID_CURSOR"): _with("listConflicts", query={"cursorPaging.cursor": "unknown"}),
    ("listConflicts", "PROVIDER_UNAVAILABLE"): _without_plugin("listConflicts", query=SPAN),
    ("createSchedule", "USER_NOT_FOUND"): _creating(owner={"userId": new_id()}),
    ("createSchedule", "SCHEDULE_ALREADY_EXISTS"): _created_again,
    ("createSchedule", "BUSINESS_TIME_ZONE"): _creating(**OTHER_ZONE),
    ("createSchedule", "NOT_SUPPORTED"): _creating(permissions=[{}]),
    ("createSchedule", "TOO_DEEP"): _creating(extendedFields=_deep()),
    ("querySchedules", "INVALID_CURSOR"): _with(
        "querySchedules", body={"query": {"cursorPaging": {"cursor": "unknown"}}}
    ),
    ("getSchedule", "SCHEDULE_NOT_FOUND"): _unknown_schedule("getSchedule"),
    ("updateSchedule", "SCHEDULE_NOT_FOUND"): _unknown_schedule("updateSchedule"),
    ("updateSchedule", "USER_NOT_FOUND"): _updating(owner={"userId": new_id()}),
    ("updateSchedule", "ABORTED"): _updating(revision="99", name="New"),
    ("updateSchedule", "SCHEDULE_CANCELLED"): _cancelled("updateSchedule"),
    ("updateSchedule", "IMMUTABLE"): _updating(id=new_id()),
    ("updateSchedule", "BUSINESS_TIME_ZONE"): _updating(**OTHER_ZONE),
    ("updateSchedule", "NOT_SUPPORTED"): _updating(permissions=[{}]),
    ("updateSchedule", "TOO_DEEP"): _updating(extendedFields=_deep()),
    ("cancelSchedule", "SCHEDULE_NOT_FOUND"): _unknown_schedule("cancelSchedule"),
    ("cancelSchedule", "SCHEDULE_ALREADY_CANCELLED"): _cancelled("cancelSchedule"),
    **{("createEvent", code): _making(**fields) for code, fields in WRONG_TIMES.items()},
    ("createEvent", "SCHEDULE_NOT_FOUND"): _making(scheduleId=new_id()),
    ("createEvent", "SCHEDULE_CANCELLED"): _making_on_a_cancelled_schedule,
    **{
        (name, code): _event_changes(name, **fields)
        for name in ("updateEvent", "updateFollowingEvents")
        for code, fields in WRONG_TIMES.items()
    },
    **{
        (name, code): provoke
        for name in ("updateEvent", "updateFollowingEvents")
        for code, provoke in {
            "EVENT_NOT_FOUND": _unknown_event(name),
            "ABORTED": _event_changes(name, revision="99"),
            "IMMUTABLE": _event_changes(name, scheduleId=new_id()),
            "SCHEDULE_CANCELLED": _changing_on_a_cancelled_schedule(name),
        }.items()
    },
    ("updateEvent", "EVENT_CANCELLED"): _after_cancelling("updateEvent", lambda _stage: None),
    ("updateFollowingEvents", "EVENT_CANCELLED"): _after_cancelling("updateFollowingEvents", instance_of),
    ("updateFollowingEvents", "NOT_AN_INSTANCE"): _with("updateFollowingEvents", body=BODIES["updateFollowingEvents"]),
    ("updateFollowingEvents", "INSTANCE_HAS_BEGUN"): _following_what_has_begun,
    ("updateFollowingEvents", "BEFORE_EARLIER_INSTANCE"): _event_changes(
        "updateFollowingEvents", start=local("2026-12-01T08:00:00"), end=local("2026-12-01T08:30:00")
    ),
    ("getEvent", "EVENT_NOT_FOUND"): _unknown_event("getEvent"),
    ("cancelEvent", "EVENT_NOT_FOUND"): _unknown_event("cancelEvent"),
    ("cancelEvent", "EVENT_ALREADY_CANCELLED"): _after_cancelling("cancelEvent", lambda _stage: None),
    ("queryEvents", "INVALID_CURSOR"): _with("queryEvents", body={"query": {"cursorPaging": {"cursor": "unknown"}}}),
    ("queryEvents", "TO_AFTER_FROM"): _with(
        "queryEvents", body=SPAN_OF_EVENTS | {"toLocalDate": SPAN_OF_EVENTS["fromLocalDate"]}
    ),
    ("queryEvents", "SPAN_LIMIT"): _with("queryEvents", body=SPAN_OF_EVENTS | {"toLocalDate": "2036-01-01T00:00:00"}),
    **{
        (name, code): provoke(name)
        for name in ("bulkCreateEvents", "bulkUpdateEvents")
        for code, provoke in {"NOT_SUPPORTED": _too_many_permissions, "TOO_DEEP": _too_deep}.items()
    },
    ("getConnectionHealth", "CONNECTION_NOT_FOUND"): _unknown_connection("getConnectionHealth"),
    ("listRuns", "CONNECTION_NOT_FOUND"): _unknown_connection("listRuns"),
    ("listRuns", "INVALID_CURSOR"): _with("listRuns", query={"cursorPaging.cursor": "unknown"}),
    ("syncConnection", "CONNECTION_NOT_FOUND"): _unknown_connection("syncConnection"),
    ("syncConnection", "CONNECTION_NOT_CONNECTED"): _disconnected("syncConnection"),
    ("updateCopies", "CONNECTION_NOT_FOUND"): _unknown_connection("updateCopies"),
    ("updateCopies", "CONNECTION_NOT_CONNECTED"): _disconnected("updateCopies"),
    ("acknowledgeConnection", "CONNECTION_NOT_FOUND"): _unknown_connection("acknowledgeConnection"),
    ("acknowledgeConnection", "UNTIL_PASSED"): _acknowledged_until_the_past,
    ("acknowledgeConnection", "CONNECTION_NOT_BROKEN"): _with("acknowledgeConnection", body={}),
    ("unacknowledgeConnection", "CONNECTION_NOT_FOUND"): _unknown_connection("unacknowledgeConnection"),
    ("unacknowledgeConnection", "CONNECTION_NOT_ACKNOWLEDGED"): _unacknowledged_twice,
}
"""(operation, code or `ruleName`) → what brings it about."""
