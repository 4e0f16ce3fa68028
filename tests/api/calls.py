"""One good call of every method: what the tests that hold for all methods go through."""

from dataclasses import dataclass
from typing import Any

from kalends.api.operations import BULK_EVENTS, EXTERNAL_CALENDARS, KALENDS, SCHEDULE_EVENTS, SCHEDULES
from kalends.model.identity import Permission
from tests.api.standins import CONNECTION, EVENT, PROVIDER, SCHEDULE


@dataclass(frozen=True)
class GoodCall:
    """A call that is answered, a request of the same method that is not valid, and what it takes to be let in."""

    name: str
    method: str
    path: str
    permissions: tuple[Permission, ...]
    query: tuple[tuple[str, str], ...] = ()
    body: Any = None
    bad_query: str = ""
    bad_body: str | None = None
    prefixes: tuple[str, ...] = EXTERNAL_CALENDARS
    each: str = ""
    """The use case that a bulk method asks for each item; what that says comes inside a success."""

    @property
    def asks(self) -> str:
        """The use case that is asked."""
        return self.each or self.name

    @property
    def url(self) -> str:
        """Where it is under its public prefix."""
        return self.under(self.prefixes[0])

    def under(self, prefix: str) -> str:
        """Where it is under a prefix."""
        return f"http://kalends.test{prefix}{self.path}"

    def __str__(self) -> str:
        return self.name


_READ = (Permission.READ_OWN_CONNECTIONS, Permission.READ_ALL_CONNECTIONS)
_MANAGE = (Permission.MANAGE_OWN_CONNECTIONS, Permission.MANAGE_ALL_CONNECTIONS)
_MANAGE_SCHEDULES = (Permission.MANAGE_SCHEDULES,)
NEW_EVENT = {
    "scheduleId": SCHEDULE,
    "start": {"localDate": "2026-12-01T09:00:00"},
    "end": {"localDate": "2026-12-01T10:00:00"},
}

CALLS = (
    GoodCall("listProviders", "GET", "/providers", (Permission.LIST_PROVIDERS,), bad_query=".r=!"),
    GoodCall(
        "getConnection", "GET", f"/connections/{CONNECTION}", _READ, (("connectionId", CONNECTION),), bad_query=".r=!"
    ),
    GoodCall("listConnections", "GET", "/connections", _READ, (("scheduleIds", SCHEDULE),), bad_query="scheduleIds=no"),
    GoodCall(
        "connectByOAuth",
        "POST",
        "/connections:connectByOAuth",
        _MANAGE,
        body={"providerId": PROVIDER, "scheduleId": SCHEDULE, "redirectUrl": "https://example.com/done?a=1"},
        bad_body="{}",
    ),
    GoodCall(
        "connectByCredentials",
        "POST",
        "/connections:connectByCredentials",
        _MANAGE,
        body={"providerId": PROVIDER, "scheduleId": SCHEDULE, "email": "a@example.com", "password": "secret"},
        bad_body="{}",
    ),
    GoodCall(
        "connectByFeed",
        "POST",
        "/connections:connectByFeed",
        _MANAGE,
        body={"providerId": PROVIDER, "scheduleId": SCHEDULE, "url": "webcal://example.com/secret.ics"},
        bad_body="{}",
        prefixes=KALENDS,
    ),
    GoodCall(
        "connectDelegated",
        "POST",
        "/connections:connectDelegated",
        (Permission.MANAGE_ALL_CONNECTIONS,),
        body={"providerId": PROVIDER, "scheduleId": SCHEDULE, "email": "a@example.com", "anyMailbox": True},
        bad_body="{}",
        prefixes=KALENDS,
    ),
    GoodCall(
        "listCalendars",
        "GET",
        f"/connections/{CONNECTION}/calendars",
        (Permission.READ_OWN_CONNECTIONS,),
        (("connectionId", CONNECTION),),
        bad_query=".r=!",
    ),
    GoodCall(
        "updateSyncConfig",
        "PATCH",
        f"/connections/{CONNECTION}/sync-config",
        (Permission.MANAGE_OWN_CONNECTIONS,),
        body={"connectionId": CONNECTION, "syncConfig": {"listEventFromCalendars": {"enabled": True}}},
        bad_body="{}",
    ),
    GoodCall(
        "disconnect",
        "POST",
        f"/connections/{CONNECTION}/disconnect",
        _MANAGE,
        body={"connectionId": CONNECTION},
        bad_body="[]",
    ),
    GoodCall(
        "listEvents",
        "GET",
        "/events",
        (Permission.READ_EVENTS,),
        (("from", "2024-01-01T00:00:00+02:00"), ("to", "2024-02-01T00:00:00Z")),
        bad_query="from=tomorrow",
    ),
    GoodCall(
        "createSchedule",
        "POST",
        "",
        _MANAGE_SCHEDULES,
        body={"schedule": {"name": "Ada's chair"}},
        bad_body="{}",
        prefixes=SCHEDULES,
    ),
    GoodCall("getSchedule", "GET", f"/{SCHEDULE}", (Permission.READ_SCHEDULES,), bad_query=".r=!", prefixes=SCHEDULES),
    GoodCall(
        "updateSchedule",
        "PATCH",
        f"/{SCHEDULE}",
        _MANAGE_SCHEDULES,
        body={"schedule": {"revision": "1"}},
        bad_body="{}",
        prefixes=SCHEDULES,
    ),
    GoodCall(
        "querySchedules",
        "POST",
        "/query",
        (Permission.READ_SCHEDULES,),
        body={"query": {}},
        bad_body='{"query": 1}',
        prefixes=SCHEDULES,
    ),
    GoodCall(
        "cancelSchedule",
        "POST",
        f"/{SCHEDULE}/cancel",
        _MANAGE_SCHEDULES,
        body={},
        bad_body="[]",
        prefixes=SCHEDULES,
    ),
    GoodCall(
        "createEvent",
        "POST",
        "",
        _MANAGE_SCHEDULES,
        body={"event": NEW_EVENT},
        bad_body='{"event": {}}',
        prefixes=SCHEDULE_EVENTS,
    ),
    GoodCall("getEvent", "GET", f"/{EVENT}", _MANAGE_SCHEDULES, bad_query=".r=!", prefixes=SCHEDULE_EVENTS),
    GoodCall(
        "updateEvent",
        "PATCH",
        f"/{EVENT}",
        _MANAGE_SCHEDULES,
        body={"event": {"revision": "1"}},
        bad_body="{}",
        prefixes=SCHEDULE_EVENTS,
    ),
    GoodCall(
        "queryEvents",
        "POST",
        "/query",
        _MANAGE_SCHEDULES,
        body={"fromLocalDate": "2026-12-01T00:00:00", "toLocalDate": "2027-01-01T00:00:00"},
        bad_body="{}",
        prefixes=SCHEDULE_EVENTS,
    ),
    GoodCall(
        "cancelEvent",
        "POST",
        f"/{EVENT}/cancel",
        _MANAGE_SCHEDULES,
        body={},
        bad_body="[]",
        prefixes=SCHEDULE_EVENTS,
    ),
    GoodCall(
        "updateFollowingEvents",
        "POST",
        f"/schedule-events/{EVENT}_1_20261201T0900/update-following",
        _MANAGE_SCHEDULES,
        body={"event": {"revision": "1"}},
        bad_body="{}",
        prefixes=KALENDS,
    ),
    GoodCall(
        "bulkCreateEvents",
        "POST",
        "/create",
        _MANAGE_SCHEDULES,
        body={"events": [{"event": NEW_EVENT}]},
        bad_body="{}",
        prefixes=BULK_EVENTS,
        each="createEvent",
    ),
    GoodCall(
        "bulkUpdateEvents",
        "POST",
        "/update",
        _MANAGE_SCHEDULES,
        body={"events": [{"event": {"id": EVENT, "revision": "1"}}]},
        bad_body="{}",
        prefixes=BULK_EVENTS,
        each="updateEvent",
    ),
    GoodCall(
        "bulkCancelEvents",
        "POST",
        "/cancel",
        _MANAGE_SCHEDULES,
        body={"eventIds": [EVENT]},
        bad_body="{}",
        prefixes=BULK_EVENTS,
        each="cancelEvent",
    ),
    GoodCall(
        "listConflicts",
        "GET",
        "/conflicts",
        (Permission.READ_EVENTS,),
        (("from", "2024-01-01T00:00:00+02:00"), ("to", "2024-02-01T00:00:00Z")),
        bad_query="from=tomorrow",
        prefixes=KALENDS,
    ),
    GoodCall(
        "getConnectionHealth",
        "GET",
        f"/connections/{CONNECTION}/health",
        _READ,
        bad_query=".r=!",
        prefixes=KALENDS,
    ),
    GoodCall(
        "listRuns",
        "GET",
        f"/connections/{CONNECTION}/runs",
        _READ,
        (("cursorPaging.limit", "5"),),
        bad_query="cursorPaging.limit=0",
        prefixes=KALENDS,
    ),
    GoodCall(
        "syncConnection", "POST", f"/connections/{CONNECTION}/sync", _MANAGE, body={}, bad_body="[]", prefixes=KALENDS
    ),
    GoodCall(
        "acknowledgeConnection",
        "POST",
        f"/connections/{CONNECTION}/acknowledge",
        (Permission.MANAGE_ALL_CONNECTIONS,),
        body={"until": "2030-01-01T00:00:00Z", "note": "on leave"},
        bad_body='{"until": "tomorrow"}',
        prefixes=KALENDS,
    ),
    GoodCall(
        "updateCopies",
        "PATCH",
        f"/connections/{CONNECTION}/copies",
        _MANAGE,
        body={"privacy": "busy"},
        bad_body='{"privacy": "BUSY"}',
        prefixes=KALENDS,
    ),
    GoodCall(
        "unacknowledgeConnection",
        "POST",
        f"/connections/{CONNECTION}/unacknowledge",
        (Permission.MANAGE_ALL_CONNECTIONS,),
        body={},
        bad_body="[]",
        prefixes=KALENDS,
    ),
)
"""The methods of the contract (§2, §9), with their permissions (§7)."""
