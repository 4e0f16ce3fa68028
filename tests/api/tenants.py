"""How every route is called with another site's ids, and what must come of it.

A route that is not declared in `TRESPASSES` fails `test_tenants.py`: whoever adds one says here how it keeps tenants
apart, or that it is no site's business (`PUBLIC`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kalends.access.clients import NewApp
from kalends.model.connection import Connection
from kalends.model.provider import Provider
from kalends.model.schedule import Schedule, User


@dataclass(frozen=True)
class Tenant:
    """A site with a bit of everything, and tokens of those who may do anything there."""

    site_id: str
    user: User
    schedule: Schedule
    provider: Provider
    delegated: Provider
    connection: Connection
    app: NewApp
    api_key: str
    cursor: str
    schedule_cursor: str
    run_cursor: str
    event_id: str
    """A series on the schedule, on Tuesdays at 9."""
    event_cursor: str
    conflict_cursor: str
    callers: Mapping[str, Mapping[str, str]]
    """Kind of caller → the headers that say who calls."""

    @property
    def traces(self) -> list[str]:
        """What no answer to another tenant may contain, but where that tenant said it itself."""
        return [
            self.site_id,
            self.user.id,
            self.user.name,
            self.schedule.id,
            self.event_id,
            self.provider.id,
            self.provider.name,
            self.delegated.id,
            self.delegated.name,
            self.connection.id,
            self.connection.account_email,
            self.app.instance_id,
        ]


@dataclass(frozen=True)
class Attempt:
    """A call that names what belongs to another site.

    `refused_with` is the status and the code (or the violated field) that the stranger gets; None: a list, from
    which everything of the other site is missing. The same call by that site's own people has to succeed.
    """

    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    refused_with: tuple[int, str] | None = None
    staff: bool = True
    """Whether the method is for staff at all; where it is not, they get 403 on their own site, too."""


Trespass = Callable[[Tenant, Tenant], list[Attempt]]
"""(stranger, owner) → what the stranger tries with the owner's ids."""

PUBLIC: Trespass = lambda _stranger, _owner: []  # noqa: E731 - a constant that says what it is

NO_CONNECTION = (404, "CONNECTION_NOT_FOUND")
SPAN: dict[str, str] = {"from": "2026-11-01T00:00:00Z", "to": "2026-12-31T00:00:00Z"}


def _connection(suffix: str, body: Any = None) -> Trespass:
    def attempts(_stranger: Tenant, owner: Tenant) -> list[Attempt]:
        return [Attempt(f"/connections/{owner.connection.id}{suffix}", body=body, refused_with=NO_CONNECTION)]

    return attempts


def _connections(_stranger: Tenant, owner: Tenant) -> list[Attempt]:
    return [
        Attempt("/connections"),
        Attempt("/connections", {"scheduleIds": owner.schedule.id}),
        Attempt("/connections", {"partialFailure": "true"}),
    ]


def _events(_stranger: Tenant, owner: Tenant) -> list[Attempt]:
    return [
        Attempt("/events", {**SPAN, "fieldsets": "OWN_PI"}),
        Attempt("/events", {**SPAN, "scheduleIds": owner.schedule.id}),
        Attempt("/events", {**SPAN, "userIds": owner.user.id}),
        Attempt("/events", {"cursorPaging.cursor": owner.cursor}, refused_with=(400, "cursorPaging.cursor")),
    ]


def _by_credentials(stranger: Tenant, owner: Tenant) -> list[Attempt]:
    account = {"email": "third@example.org", "password": "right"}
    both = {"providerId": owner.provider.id, "scheduleId": owner.schedule.id, **account}
    path = "/connections:connectByCredentials"
    return [
        Attempt(path, body=both, refused_with=(404, "PROVIDER_NOT_FOUND")),
        # the stranger's own provider, which the owner cannot use either
        Attempt(path, body=both | {"providerId": stranger.provider.id}, refused_with=(404, "SCHEDULE_NOT_FOUND")),
    ]


def _by_oauth(stranger: Tenant, owner: Tenant) -> list[Attempt]:
    both = {"providerId": owner.provider.id, "scheduleId": owner.schedule.id, "redirectUrl": "https://example.com/"}
    path = "/connections:connectByOAuth"
    return [
        Attempt(path, body=both, refused_with=(404, "PROVIDER_NOT_FOUND")),
        Attempt(path, body=both | {"providerId": stranger.provider.id}, refused_with=(404, "SCHEDULE_NOT_FOUND")),
    ]


KALENDS = "http://kalends.test/kalends/v1"


def _by_feed(stranger: Tenant, owner: Tenant) -> list[Attempt]:
    both = {"providerId": owner.provider.id, "scheduleId": owner.schedule.id, "url": "https://example.org/a.ics"}
    url = f"{KALENDS}/connections:connectByFeed"
    return [
        Attempt(url, body=both, refused_with=(404, "PROVIDER_NOT_FOUND")),
        Attempt(url, body=both | {"providerId": stranger.provider.id}, refused_with=(404, "SCHEDULE_NOT_FOUND")),
    ]


def _delegated(stranger: Tenant, owner: Tenant) -> list[Attempt]:
    both = {"providerId": owner.delegated.id, "scheduleId": owner.schedule.id, "email": owner.user.email}
    url, not_found = f"{KALENDS}/connections:connectDelegated", (404, "PROVIDER_NOT_FOUND")
    own = both | {"providerId": stranger.delegated.id}
    return [
        Attempt(url, body=both, refused_with=not_found, staff=False),
        Attempt(url, body=own, refused_with=(404, "SCHEDULE_NOT_FOUND"), staff=False),
    ]


def _own(suffix: str, body: Any = None, *, staff: bool = True) -> Trespass:
    def attempts(_stranger: Tenant, owner: Tenant) -> list[Attempt]:
        url = f"{KALENDS}/connections/{owner.connection.id}{suffix}"
        return [Attempt(url, body=body, refused_with=NO_CONNECTION, staff=staff)]

    return attempts


def _runs(stranger: Tenant, owner: Tenant) -> list[Attempt]:
    cursor = {"cursorPaging.cursor": owner.run_cursor}
    refused = (400, "cursorPaging.cursor")
    own = f"{KALENDS}/connections/{stranger.connection.id}/runs"
    return [*_own("/runs")(stranger, owner), Attempt(own, cursor, refused_with=refused)]


SCHEDULES = "http://kalends.test/calendar/v3/schedules"
NO_SCHEDULE = (404, "SCHEDULE_NOT_FOUND")


def _schedule(suffix: str = "", body: Any = None) -> Trespass:
    def attempts(_stranger: Tenant, owner: Tenant) -> list[Attempt]:
        url = f"{SCHEDULES}/{owner.schedule.id}{suffix}"
        return [Attempt(url, body=body, refused_with=NO_SCHEDULE, staff=False)]

    return attempts


def _schedules(_stranger: Tenant, owner: Tenant) -> list[Attempt]:
    wanted = {"filter": {"id": owner.schedule.id}}
    cursor = {"cursorPaging": {"cursor": owner.schedule_cursor}}
    return [
        Attempt(f"{SCHEDULES}/query", body={}, staff=False),
        Attempt(f"{SCHEDULES}/query", body={"query": wanted}, staff=False),
        Attempt(
            f"{SCHEDULES}/query",
            body={"query": cursor},
            refused_with=(400, "query.cursorPaging.cursor"),
            staff=False,
        ),
    ]


def _new_schedule(_stranger: Tenant, owner: Tenant) -> list[Attempt]:
    theirs = {"name": "Chair", "owner": {"userId": owner.user.id}}
    return [Attempt(SCHEDULES, body={"schedule": theirs}, refused_with=(404, "USER_NOT_FOUND"), staff=False)]


def _changed_schedule(stranger: Tenant, owner: Tenant) -> list[Attempt]:
    url, body = f"{SCHEDULES}/{owner.schedule.id}", {"schedule": {"revision": "1", "name": "Chair"}}
    attempts = [Attempt(url, body=body, refused_with=NO_SCHEDULE, staff=False)]
    if stranger is not owner:
        # the stranger's own schedule, which nobody of the other site can own
        own = {"schedule": {"revision": "1", "owner": {"userId": owner.user.id}}}
        url = f"{SCHEDULES}/{stranger.schedule.id}"
        attempts.append(Attempt(url, body=own, refused_with=(404, "USER_NOT_FOUND"), staff=False))
    return attempts


SCHEDULE_EVENTS = "http://kalends.test/calendar/v3/events"
BULK_EVENTS = "http://kalends.test/calendar/v3/bulk/events"
NO_EVENT = (404, "EVENT_NOT_FOUND")
EVENT_SPAN = {"fromLocalDate": "2026-11-01T00:00:00", "toLocalDate": "2026-12-31T00:00:00"}


def _event(suffix: str = "", body: Any = None) -> Trespass:
    def attempts(_stranger: Tenant, owner: Tenant) -> list[Attempt]:
        both = (owner.event_id, f"{owner.event_id}_1_20261208T0900")
        return [
            Attempt(f"{SCHEDULE_EVENTS}/{one}{suffix}", body=body, refused_with=NO_EVENT, staff=False) for one in both
        ]

    return attempts


def _new_event(owner: Tenant) -> dict[str, Any]:
    times = {"start": {"localDate": "2026-12-01T09:00:00"}, "end": {"localDate": "2026-12-01T10:00:00"}}
    return {"event": {"scheduleId": owner.schedule.id, **times}}


def _new_events(_stranger: Tenant, owner: Tenant) -> list[Attempt]:
    return [Attempt(SCHEDULE_EVENTS, body=_new_event(owner), refused_with=NO_SCHEDULE, staff=False)]


def _queried_events(_stranger: Tenant, owner: Tenant) -> list[Attempt]:
    url = f"{SCHEDULE_EVENTS}/query"
    filters = ({"scheduleId": owner.schedule.id}, {"recurringEventId": owner.event_id})
    cursor = {"query": {"cursorPaging": {"cursor": owner.event_cursor}}}
    return [
        Attempt(url, body=EVENT_SPAN, staff=False),
        *(Attempt(url, body={**EVENT_SPAN, "query": {"filter": one}}, staff=False) for one in filters),
        Attempt(url, body=cursor, refused_with=(400, "query.cursorPaging.cursor"), staff=False),
    ]


def _following(_stranger: Tenant, owner: Tenant) -> list[Attempt]:
    url = f"{KALENDS}/schedule-events/{owner.event_id}_1_20261222T0900/update-following"
    return [Attempt(url, body={"event": {"revision": "1"}}, refused_with=NO_EVENT, staff=False)]


def _conflicts(_stranger: Tenant, owner: Tenant) -> list[Attempt]:
    url, cursor = f"{KALENDS}/conflicts", {"cursorPaging.cursor": owner.conflict_cursor}
    return [
        Attempt(url, {**SPAN, "fieldsets": "OWN_PI"}),
        Attempt(url, {**SPAN, "scheduleIds": owner.schedule.id}),
        Attempt(url, {**SPAN, "userIds": owner.user.id}),
        Attempt(url, cursor, refused_with=(400, "cursorPaging.cursor")),
    ]


def _several_events(method: str, body_of: Callable[[Tenant], Any]) -> Trespass:
    # what each item is refused with stands inside a success: test_tenants.py sees that nothing was changed
    return lambda _stranger, owner: [Attempt(f"{BULK_EVENTS}/{method}", body=body_of(owner), staff=False)]


def _several_new(owner: Tenant) -> dict[str, Any]:
    return {"events": [_new_event(owner)]}


def _event_ids(owner: Tenant) -> dict[str, Any]:
    return {"eventIds": [owner.event_id]}


def _changed_event(owner: Tenant) -> dict[str, Any]:
    return {"events": [{"event": {"id": owner.event_id, "revision": "1", "title": "Taken"}}]}


TRESPASSES: Mapping[tuple[str, str], Trespass] = {
    ("GET", "/providers"): lambda _stranger, _owner: [Attempt("/providers")],
    ("GET", "/connections"): _connections,
    ("GET", "/connections/{connection_id}"): _connection(""),
    ("GET", "/connections/{connection_id}/calendars"): _connection("/calendars"),
    ("PATCH", "/connections/{connection_id}/sync-config"): _connection("/sync-config", {"syncConfig": {}}),
    ("GET", "/events"): _events,
    ("GET", "/kalends/v1/conflicts"): _conflicts,
    ("POST", "/connections:connectByCredentials"): _by_credentials,
    ("POST", "/connections:connectByOAuth"): _by_oauth,
    ("POST", "/kalends/v1/connections:connectByFeed"): _by_feed,
    ("POST", "/kalends/v1/connections:connectDelegated"): _delegated,
    ("GET", "/kalends/v1/connections/{connection_id}/health"): _own("/health"),
    ("GET", "/kalends/v1/connections/{connection_id}/runs"): _runs,
    ("POST", "/kalends/v1/connections/{connection_id}/sync"): _own("/sync", {}),
    ("POST", "/kalends/v1/connections/{connection_id}/acknowledge"): _own("/acknowledge", {}, staff=False),
    ("POST", "/kalends/v1/connections/{connection_id}/unacknowledge"): _own("/unacknowledge", {}, staff=False),
    ("PATCH", "/kalends/v1/connections/{connection_id}/copies"): _own("/copies", {"privacy": "busy"}),
    ("POST", "/connections/{connection_id}/disconnect"): _connection("/disconnect"),
    ("GET", "/calendar/v3/schedules/{schedule_id}"): _schedule(),
    ("POST", "/calendar/v3/schedules/query"): _schedules,
    ("POST", "/calendar/v3/schedules"): _new_schedule,
    ("PATCH", "/calendar/v3/schedules/{schedule_id}"): _changed_schedule,
    ("GET", "/calendar/v3/events/{event_id}"): _event(),
    ("POST", "/calendar/v3/events"): _new_events,
    ("POST", "/calendar/v3/events/query"): _queried_events,
    ("PATCH", "/calendar/v3/events/{event_id}"): _event("", {"event": {"revision": "1", "title": "Taken"}}),
    ("POST", "/kalends/v1/schedule-events/{event_id}/update-following"): _following,
    ("POST", "/calendar/v3/bulk/events/create"): _several_events(
        "create", lambda owner: {"events": [_new_event(owner)]}
    ),
    ("POST", "/calendar/v3/bulk/events/update"): _several_events("update", _changed_event),
    ("POST", "/calendar/v3/events/{event_id}/cancel"): _event("/cancel", {}),
    ("POST", "/calendar/v3/bulk/events/cancel"): _several_events(
        "cancel", lambda owner: {"eventIds": [owner.event_id]}
    ),
    ("POST", "/calendar/v3/schedules/{schedule_id}/cancel"): _schedule("/cancel", {}),
    ("POST", "/oauth2/token"): PUBLIC,  # test_tenants.py tries another site's instance id by itself
    ("GET", "/healthz"): PUBLIC,
    ("GET", "/readyz"): PUBLIC,
    ("GET", "/metrics"): PUBLIC,  # for whoever knows the operator's token; test_metrics.py sees that it names nobody
    ("GET", "/openapi.json"): PUBLIC,
    ("GET", "/docs"): PUBLIC,
    # for whoever was given a link, in its one browser: tests/connections/test_authorizing.py
    ("GET", "/connect/{token}"): PUBLIC,
    ("POST", "/connect/{token}"): PUBLIC,
    ("GET", "/connect/callback"): PUBLIC,
    ("POST", "/hooks/google"): PUBLIC,  # it tells nobody anything: tests/google/test_push.py
    ("POST", "/hooks/microsoft"): PUBLIC,  # as above: tests/microsoft/test_push.py
}
"""(method, path without prefix) → attempts; the last ones end what the others need."""
