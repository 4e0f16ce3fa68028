"""One good call of every method: what the tests that hold for all methods go through."""

from dataclasses import dataclass
from typing import Any

from kalends.api.operations import EXTERNAL_CALENDARS, KALENDS, SCHEDULES
from kalends.model.identity import Permission
from tests.api.standins import CONNECTION, PROVIDER, SCHEDULE


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
