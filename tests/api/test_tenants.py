"""No identity of one site reaches anything of another: every route, every kind of caller, on real databases."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from kalends.api.application import create_api
from kalends.api.operations import EXTERNAL_CALENDARS
from kalends.app import Kalends, assemble
from kalends.model.identity import (
    MANAGE_CALENDARS,
    MANAGE_EXTERNAL_CALENDARS,
    Identity,
    IdentityKind,
    Permission,
    Role,
)
from kalends.model.ids import new_id
from kalends.schedules.event_drafts import AskedRule, AskedTimes, EventDraft
from kalends.store.connections import Connections
from tests.api.tenants import EVENT_SPAN, KALENDS, PUBLIC, SCHEDULE_EVENTS, SCHEDULES, SPAN, TRESPASSES, Attempt, Tenant
from tests.scripted_provider import RemoteCalendar, ScriptedKind
from tests.world import ManualClock, ics, settings_for

FORBIDDEN = (403, "PERMISSION_DENIED")
ONLY_ONCE = {
    ("POST", "/connections:connectByOAuth"): (428,),
    ("POST", "/connections/{connection_id}/disconnect"): (428,),
    ("POST", "/kalends/v1/connections/{connection_id}/acknowledge"): (428,),
    ("POST", "/kalends/v1/connections/{connection_id}/unacknowledge"): (428,),
    ("PATCH", "/calendar/v3/schedules/{schedule_id}"): (409,),
    ("POST", "/calendar/v3/schedules/{schedule_id}/cancel"): (428,),
    ("PATCH", "/calendar/v3/events/{event_id}"): (409,),
    ("POST", "/kalends/v1/schedule-events/{event_id}/update-following"): (409,),
    ("POST", "/calendar/v3/events/{event_id}/cancel"): (428,),
}
"""What a caller gets who comes after another one has done the same, or for whom there is nothing to do here."""
BASE = f"http://kalends.test{EXTERNAL_CALENDARS[0]}"


@dataclass
class Tenants:
    """Two sites on one Kalends, and the application that serves both."""

    app: Starlette
    kalends: Kalends
    stranger: Tenant
    owner: Tenant
    client: httpx2.AsyncClient


@pytest.fixture
async def tenants(database_url: str, tmp_path: Path) -> AsyncIterator[Tenants]:
    calendar = RemoteCalendar()
    for day in (1, 2):
        calendar.put(f"{day}.ics", ics(f"uid{day}", f"Event {day}", f"2026120{day}T100000Z", lines="DURATION:PT1H\n"))
    script = ScriptedKind(calendars={"c": calendar}, built_in_id=None)
    settings = settings_for(database_url, tmp_path)
    async with assemble(settings, kinds={"scripted": script}, clock=ManualClock()) as kalends:
        app = create_api(kalends.services)
        stranger, owner = await tenant(kalends, app, "first"), await tenant(kalends, app, "second")
        async with client_of(app) as client:
            yield Tenants(app, kalends, stranger, owner, client)


def client_of(app: Starlette) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=BASE)


async def tenant(kalends: Kalends, app: Starlette, name: str) -> Tenant:
    site = await kalends.sites.create(f"Site {name}", time_zone="Europe/Berlin")
    user = await kalends.users.create(site.id, email=f"{name}@example.org", name=f"Person {name}", role=Role.STAFF)
    admin = await kalends.users.create(site.id, email=f"admin-{name}@example.org", name="Admin", role=Role.ADMIN)
    schedule = await kalends.schedules.create(site, name=f"Chair {name}", owner_id=user.id)
    provider = await kalends.installation.install(site.id, "scripted", name=f"Server {name}", config={})
    delegated = await kalends.installation.install_delegated(
        site.id, "scripted", secret="right", domains=["example.org"], config={}, name=f"Organisation {name}"
    )
    await kalends.schedules.create(site, name=f"Room {name}")
    scopes = [MANAGE_EXTERNAL_CALENDARS, MANAGE_CALENDARS]
    new_app = await kalends.clients.create_app(site.id, name=f"App {name}", scopes=scopes)
    key, _ = await kalends.clients.create_api_key(site.id, scopes=scopes)
    view = await kalends.connecting.by_credentials(
        Identity(IdentityKind.APP, site.id, new_id(), frozenset(Permission)),
        provider_id=provider.id,
        schedule_id=schedule.id,
        email=f"account-{name}@example.org",
        password="right",
    )
    for _ in range(2):
        async with kalends.database.write() as writer:
            await Connections(writer, site.id).want_sync(view.connection.id)
        lease = await kalends.leased.claim(site.id, view.connection.id)
        assert lease is not None
        await kalends.leased.run(lease)
    callers = {
        "app": {"Authorization": (await kalends.tokens.for_app(site.id, new_app.client_id)).token},
        "owner": {"Authorization": (await kalends.tokens.for_user(site.id, user.id)).token},
        "admin": {"Authorization": "Bearer " + (await kalends.tokens.for_user(site.id, admin.id)).token},
        "api key": {"Authorization": key, "wix-site-id": site.id},
    }
    async with client_of(app) as client:
        first = await client.get(
            "/events?from=2026-11-01T00:00:00Z&to=2026-12-31T00:00:00Z&cursorPaging.limit=1", headers=callers["app"]
        )
        runs = await client.get(
            f"{KALENDS}/connections/{view.connection.id}/runs?cursorPaging.limit=1", headers=callers["app"]
        )
    cursor = first.json()["pagingMetadata"]["cursors"]["next"]
    run_cursor = runs.json()["pagingMetadata"]["cursors"]["next"]
    schedules = await query_schedules(app, callers["app"], {"cursorPaging": {"limit": 1}})
    schedule_cursor = schedules["pagingMetadata"]["cursors"]["next"]
    made = await kalends.event_creating.create(site.id, a_series_on(schedule.id, f"Class {name}"))
    some = await query_events(app, callers["app"], {"cursorPaging": {"limit": 1}})
    event_cursor = some["pagingMetadata"]["cursors"]["next"]
    await kalends.event_creating.create(site.id, two_days_on(schedule.id))
    async with client_of(app) as client:
        span = {**SPAN, "cursorPaging.limit": "1"}
        conflicts = await client.get(f"{KALENDS}/conflicts", params=span, headers=callers["app"])
    conflict_cursor = conflicts.json()["pagingMetadata"]["cursors"]["next"]
    return Tenant(
        site.id,
        user,
        schedule,
        provider,
        delegated,
        view.connection,
        new_app,
        key,
        cursor,
        schedule_cursor,
        run_cursor,
        made.view.id,
        event_cursor,
        conflict_cursor,
        callers,
    )


def a_series_on(schedule_id: str, title: str) -> EventDraft:
    times = AskedTimes(datetime(2026, 12, 1, 9), datetime(2026, 12, 1, 10))  # noqa: DTZ001 - wall times
    return EventDraft(schedule_id, times, rule=AskedRule(), content={"title": title})


def two_days_on(schedule_id: str) -> EventDraft:
    """Return an event that overlaps both external ones."""
    return EventDraft(schedule_id, AskedTimes(datetime(2026, 12, 1), datetime(2026, 12, 3)))  # noqa: DTZ001 - as above


async def query_events(app: Starlette, headers: Mapping[str, str], query: object) -> Any:
    async with client_of(app) as client:
        asked = await client.post(f"{SCHEDULE_EVENTS}/query", json={**EVENT_SPAN, "query": query}, headers=headers)
    return asked.json()


async def query_schedules(app: Starlette, headers: Mapping[str, str], query: object) -> Any:
    async with client_of(app) as client:
        asked = await client.post(f"{SCHEDULES}/query", json={"query": query}, headers=headers)
    return asked.json()


def routes(app: Starlette) -> Iterator[tuple[str, str]]:
    for route in app.routes:
        assert isinstance(route, Route), f"{route} is no route whose path and methods can be told"
        path = next(
            (route.path.removeprefix(one) for one in EXTERNAL_CALENDARS if route.path.startswith(one)), route.path
        )
        for method in (route.methods or set()) - {"HEAD"}:
            yield method, path


async def call(
    client: httpx2.AsyncClient, method: str, attempt: Attempt, headers: Mapping[str, str]
) -> httpx2.Response:
    query = dict(attempt.query) or None
    return await client.request(method, attempt.path, params=query, json=attempt.body, headers=headers)


def said(method: str, attempt: Attempt) -> str:
    return json.dumps([method, attempt.path, dict(attempt.query), attempt.body])


async def test_every_route_says_how_it_keeps_tenants_apart(tenants: Tenants) -> None:
    assert set(routes(tenants.app)) == set(TRESPASSES)
    assert {route for route, trespass in TRESPASSES.items() if trespass is PUBLIC} == {
        ("POST", "/oauth2/token"),
        ("GET", "/healthz"),
        ("GET", "/readyz"),
        ("GET", "/metrics"),
        ("GET", "/openapi.json"),
        ("GET", "/docs"),
        ("GET", "/connect/{token}"),
        ("POST", "/connect/{token}"),
        ("GET", "/connect/callback"),
        ("POST", "/hooks/google"),
        ("POST", "/hooks/microsoft"),
    }


async def test_nobody_reaches_another_site(tenants: Tenants) -> None:
    stranger, owner = tenants.stranger, tenants.owner
    for (method, _), trespass in TRESPASSES.items():
        for attempt in trespass(stranger, owner):
            for caller, headers in stranger.callers.items():
                answer = await call(tenants.client, method, attempt, headers)
                where = f"{caller}: {said(method, attempt)} → {answer.status_code} {answer.text}"
                expected = FORBIDDEN if caller == "owner" and not attempt.staff else attempt.refused_with
                if expected is None:
                    assert answer.status_code == 200, where
                else:
                    status, code = expected
                    assert answer.status_code == status, where
                    assert f'"{code}"' in answer.text, where
                told = answer.text
                for trace in owner.traces:
                    assert trace in said(method, attempt) or trace not in told, f"{trace} in {where}"


async def test_the_same_calls_reach_the_own_site(tenants: Tenants) -> None:
    """Without this the refusals above could come from anything."""
    owner = tenants.owner
    for (method, path), trespass in TRESPASSES.items():
        for attempt in trespass(owner, owner)[: 1 if method != "GET" else None]:
            for caller, headers in owner.callers.items():
                if caller == "owner" and not attempt.staff:
                    continue
                answer = await call(tenants.client, method, attempt, headers)
                where = f"{caller}: {said(method, attempt)} → {answer.status_code} {answer.text}"
                reached = {200, *ONLY_ONCE.get((method, path), ())}
                assert answer.status_code in reached, where
                if method == "GET" and attempt.refused_with is None:
                    assert any(trace in answer.text for trace in owner.traces), where


async def test_what_was_tried_changed_nothing(tenants: Tenants) -> None:
    stranger, owner = tenants.stranger, tenants.owner
    before = await everything(tenants)
    for (method, _), trespass in TRESPASSES.items():
        for attempt in trespass(stranger, owner):
            await call(tenants.client, method, attempt, stranger.callers["admin"])
    assert await everything(tenants) == before


async def everything(tenants: Tenants) -> object:
    """Return the connections, schedules and events of the owner's site."""
    headers = tenants.owner.callers["admin"]
    connections = (await tenants.client.get("/connections", headers=headers)).json()
    schedules = await query_schedules(tenants.app, headers, {"filter": {"status": {"$in": ["ACTIVE", "CANCELLED"]}}})
    events = await query_events(tenants.app, headers, {"filter": {"status": {"$in": ["CONFIRMED", "CANCELLED"]}}})
    return connections, schedules, events


async def test_an_api_key_does_not_open_another_site(tenants: Tenants) -> None:
    headers = {"Authorization": tenants.stranger.api_key, "wix-site-id": tenants.owner.site_id}
    assert (await tenants.client.get("/connections", headers=headers)).status_code == 403


async def test_an_app_gets_no_token_for_another_site(tenants: Tenants) -> None:
    asked = {
        "grant_type": "client_credentials",
        "client_id": tenants.stranger.app.client_id,
        "client_secret": tenants.stranger.app.client_secret,
        "instance_id": tenants.owner.app.instance_id,
    }
    answer = await tenants.client.post("http://kalends.test/oauth2/token", json=asked)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    own = asked | {"instance_id": tenants.stranger.app.instance_id}
    assert (await tenants.client.post("http://kalends.test/oauth2/token", json=own)).status_code == 200
