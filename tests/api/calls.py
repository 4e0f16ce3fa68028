"""One good call of every method: what the tests that hold for all methods go through."""

from dataclasses import dataclass
from typing import Any

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

    def __str__(self) -> str:
        return self.name


_READ = (Permission.READ_OWN_CONNECTIONS, Permission.READ_ALL_CONNECTIONS)
_MANAGE = (Permission.MANAGE_OWN_CONNECTIONS, Permission.MANAGE_ALL_CONNECTIONS)

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
)
"""The methods of the contract (§2), with their permissions (§7)."""
