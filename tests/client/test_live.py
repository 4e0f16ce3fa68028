"""Both clients against a whole Kalends with a real calendar server."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from kalends.access.authentication import Headers
from kalends.api.application import create_api
from kalends.client import (
    AccessToken,
    ApiError,
    ApiKey,
    AsyncKalends,
    Auth,
    BadCredentials,
    Calendar,
    CalendarType,
    ClientCredentials,
    Conflict,
    ConnectionStatus,
    ConnectMethod,
    ErrorReason,
    ExportSwitch,
    ImportCalendars,
    ImportFeature,
    ImportPrimary,
    InvalidRequest,
    Kalends,
    NotAuthenticated,
    NotFound,
    PermissionDenied,
    PreconditionFailed,
    ProviderUnavailable,
    ScheduleOwner,
    ScheduleStatus,
    SyncConfig,
    TokenRefused,
)
from kalends.model.identity import MANAGE_EXTERNAL_CALENDARS
from tests.api.serving import serving
from tests.client import consumer
from tests.client.calling import Caller, Kind, calling, providers
from tests.sdk.live import LiveServer
from tests.servers import CalDavServer, free_port

UNKNOWN = "00000000-0000-4000-8000-000000000000"
MANAGE_CALENDARS = "SCOPE.DC-CALENDAR.MANAGE"
SPAN = {"from_": datetime.now(UTC) - timedelta(days=30), "to": datetime.now(UTC) + timedelta(days=30)}

Proof = Callable[[LiveServer], Auth]
PROOFS: dict[str, Proof] = {
    "token": lambda live: AccessToken(live.app_token),
    "app": lambda live: ClientCredentials(live.app.client_id, live.app.client_secret, live.app.instance_id),
    "only installation": lambda live: ClientCredentials(live.app.client_id, live.app.client_secret),
    "api key": lambda live: ApiKey(live.api_key, live.site_id),
    "owner": lambda live: AccessToken(lambda: live.owner_token),
}


@dataclass
class Booking:
    """A booking product: a client, and the calendar methods by name."""

    call: Caller
    live: LiveServer

    async def __call__(self, name: str, *given: Any, **named: Any) -> Any:
        return await self.call(lambda client: getattr(client.external_calendars, name)(*given, **named))

    async def refused(self, name: str, *given: Any, **named: Any) -> ApiError:
        """Call what the server refuses."""
        with pytest.raises(ApiError) as raised:
            await self(name, *given, **named)
        assert raised.value.request_id
        return raised.value

    @property
    def account(self) -> dict[str, str]:
        """The account to connect."""
        login = self.live.login
        return {**self.target, "email": login.email, "password": login.password}

    @property
    def target(self) -> dict[str, str]:
        """Whereto, and by which provider."""
        return {"provider_id": self.live.provider_id, "schedule_id": self.live.schedule_id}


@asynccontextmanager
async def booking(kind: Kind, live: LiveServer, proof: Proof = PROOFS["token"]) -> AsyncIterator[Booking]:
    async with calling(kind, live.url, auth=proof(live)) as call:
        yield Booking(call, live)


@pytest.mark.parametrize("proof", PROOFS.values(), ids=PROOFS)
async def test_every_kind_of_proof_is_taken(live: LiveServer, kind: Kind, proof: Proof) -> None:
    async with booking(kind, live, proof) as ask:
        apple, provider = sorted(await ask("list_providers"), key=lambda one: one.id == live.provider_id)
        assert (apple.calendar_type, apple.features.connect_methods) == (
            CalendarType.I_CAL,
            (ConnectMethod.CREDENTIALS,),
        )
        assert (provider.id, provider.name, provider.calendar_type) == (live.provider_id, "Test server", "OTHER")
        assert provider.features.list_event_from_calendars is ImportFeature.SPECIFIC_CALENDARS
        assert (await ask("list_connections")).connections == ()


async def test_an_account_is_connected_used_and_disconnected(live: LiveServer, kind: Kind) -> None:
    async with booking(kind, live) as ask:
        connected = await ask("connect_by_credentials", **ask.account)
        assert connected.external_account_email == live.login.email
        assert (connected.provider_id, connected.schedule_id) == (live.provider_id, live.schedule_id)
        assert (connected.user_id, connected.app_id) == (live.owner_id, live.app.client_id)
        assert (connected.status, connected.error_reason) == (ConnectionStatus.CONNECTED, None)

        listed = await ask("list_connections", schedule_ids=[live.schedule_id], partial_failure=True)
        assert [one.id for one in listed.connections] == [connected.id]
        assert listed.failed_provider_ids == ()
        assert (await ask("list_connections", schedule_ids=[UNKNOWN])).connections == ()
        assert (await ask("get_connection", connected.id)).id == connected.id

        work = Calendar(f"{live.login.home}work/", "Work")
        assert await ask("list_calendars", connected.id) == (work,)
        config = SyncConfig(imports=ImportCalendars([work.id]), exports=ExportSwitch(enabled=False))
        updated = await ask("update_sync_config", connected.id, config)
        assert updated.sync_config == SyncConfig(ImportCalendars([work]), ExportSwitch(enabled=False))

        await check_events(ask)
        await check_refusals(ask, connected.id)
        assert (await ask("disconnect", connected.id)).status is ConnectionStatus.DISCONNECTED
        assert await code(ask, "disconnect", connected.id) == (428, "CONNECTION_ALREADY_DISCONNECTED")
        assert await code(ask, "list_calendars", connected.id) == (428, "CONNECTION_NOT_CONNECTED")


async def check_events(ask: Booking) -> None:
    live = ask.live
    span = {**SPAN, "schedule_ids": [live.schedule_id]}
    page = await ask("list_events", **span, fieldsets=["OWN_PI"], partial_failure=True)
    assert [one.title for one in page.events] == ["Dentist", "Lunch"]
    assert (page.count, page.next_cursor, page.has_next, page.failed_schedule_ids) == (2, None, False, ())
    assert {(one.calendar_name, one.schedule_owner_name) for one in page.events} == {("Work", "Ada")}
    dentist = page.events[0]
    assert dentist.end - dentist.start == timedelta(hours=1)
    assert (dentist.start.utcoffset(), dentist.all_day, dentist.schedule_id) == (timedelta(), False, live.schedule_id)

    bare = await ask("list_events", **span, user_ids=[live.owner_id], all_day=False)
    assert [(one.start, one.title) for one in bare.events] == [(one.start, None) for one in page.events]
    first = await ask("list_events", **span, limit=1)
    second = await ask("list_events", cursor=first.next_cursor)
    assert (*first.events, *second.events) == bare.events
    assert (first.has_next, second.has_next, second.next_cursor) == (True, False, None)
    assert tuple(await ask("iter_events", **span, page_size=1)) == bare.events
    assert await ask("iter_events", **span, all_day=True) == []


async def check_refusals(ask: Booking, connection_id: str) -> None:
    wrong = await ask.refused("connect_by_credentials", **{**ask.account, "password": "wrong-password"})
    assert (type(wrong), wrong.status, wrong.code) == (BadCredentials, 401, "BAD_CREDENTIALS")
    by_oauth = await ask.refused("connect_by_oauth", **ask.target, redirect_url="https://example.com/done?a=1")
    assert (type(by_oauth), by_oauth.code) == (PreconditionFailed, "NOT_SUPPORTED_BY_PROVIDER")
    gone = await ask.refused("get_connection", "No such connection?#%2e")
    assert (type(gone), gone.code) == (NotFound, "CONNECTION_NOT_FOUND")
    account = ask.account
    assert await code(ask, "connect_by_credentials", **{**account, "provider_id": UNKNOWN}) == (
        404,
        "PROVIDER_NOT_FOUND",
    )
    assert await code(ask, "connect_by_credentials", **{**account, "schedule_id": UNKNOWN}) == (
        404,
        "SCHEDULE_NOT_FOUND",
    )
    assert await code(ask, "update_sync_config", connection_id, SyncConfig(imports=ImportPrimary())) == (
        428,
        "NOT_SUPPORTED_BY_PROVIDER",
    )
    assert await violated(ask, "list_connections", schedule_ids=["no-guid"]) == [("scheduleIds[0]", "FORMAT")]
    many = {"from_": "2026-01-01", "to": "2026-02-01T00:00:00+02:00", "limit": 1001}
    assert await violated(ask, "list_events", **many) == [("cursorPaging.limit", "MAX"), ("from", "FORMAT")]
    assert await violated(ask, "list_events") == [("from", "REQUIRED_FIELD"), ("to", "REQUIRED_FIELD")]


async def code(ask: Booking, name: str, *given: Any, **named: Any) -> tuple[int, str | None]:
    error = await ask.refused(name, *given, **named)
    return error.status, error.code


async def violated(ask: Booking, name: str, **named: Any) -> list[tuple[str, str]]:
    error = await ask.refused(name, **named)
    assert isinstance(error, InvalidRequest)
    assert all(one.description for one in error.violations)
    return [(one.field, one.rule) for one in error.violations]


async def test_who_is_not_known_or_not_permitted_is_told_so(live: LiveServer, kind: Kind) -> None:
    async with booking(kind, live, lambda _: AccessToken("nobody")) as ask:
        assert isinstance(await ask.refused("list_providers"), NotAuthenticated)
    async with booking(kind, live, lambda live: ApiKey(live.api_key, UNKNOWN)) as ask:
        assert isinstance(await ask.refused("list_providers"), PermissionDenied)
    async with booking(kind, live, lambda live: ClientCredentials(live.app.client_id, "not its secret")) as ask:
        with pytest.raises(TokenRefused, match="invalid_client: The client id or the client secret is wrong") as raised:
            await ask("list_providers")
        assert raised.value.error == "invalid_client"


async def test_a_provider_that_cannot_be_reached_is_named_as_such(live: LiveServer, kind: Kind) -> None:
    nowhere = {"url": f"http://127.0.0.1:{free_port()}"}
    provider = await live.kalends.installation.install(live.site_id, "caldav", name="Nowhere", config=nowhere)
    async with booking(kind, live) as ask:
        error = await ask.refused("connect_by_credentials", **{**ask.account, "provider_id": provider.id})
        assert isinstance(error, ProviderUnavailable)
        assert ask.call.waits == []


async def test_events_of_a_calendar_that_cannot_be_read_fail_or_are_named(
    live: LiveServer, radicale: CalDavServer, kind: Kind
) -> None:
    connection_id = await live.connect()
    async with booking(kind, live) as ask:
        await ask("list_events", **SPAN)
        radicale.set_password(live.login, "another-password")
        identity = await live.kalends.services.authentication.identify(Headers(live.app_token))
        connection = (await live.kalends.connections.get(identity, connection_id)).connection
        assert await live.kalends.asking.sync(connection, within=timedelta(seconds=30))

        broken = await ask("get_connection", connection_id)
        assert (broken.status, broken.error_reason) == (ConnectionStatus.ERROR, ErrorReason.TOKEN_REVOKED)
        error = await ask.refused("list_events", **SPAN)
        assert isinstance(error, ProviderUnavailable)
        assert error.failed_provider_ids == (live.provider_id,)
        assert error.failed_connection_ids == (connection_id,)
        assert error.failed_schedule_ids == (live.schedule_id,)
        with pytest.raises(ProviderUnavailable):
            await ask("iter_events", **SPAN)
        assert ask.call.waits == []


async def test_schedules_are_made_changed_found_and_cancelled(live: LiveServer, kind: Kind) -> None:
    scopes = [MANAGE_EXTERNAL_CALENDARS, MANAGE_CALENDARS]
    app = await live.kalends.clients.create_app(live.site_id, name="Schedules", scopes=scopes)
    proof = ClientCredentials(app.client_id, app.client_secret, app.instance_id)
    async with calling(kind, live.url, auth=proof) as call:
        chosen = "12345678-1234-4234-8234-123456789abc"
        made = await call(
            lambda client: client.schedules.create(
                id=chosen,
                name="Chair",
                time_zone="Europe/Dublin",
                external_id="chair-1",
                owner_id=live.owner_id,
                default_title="Haircut",
                default_capacity=1,
                default_location={"type": "CUSTOM", "address": {"city": "Dublin"}},
                extended_fields={"namespaces": {"@us/app": {"floor": 2}}},
            )
        )
        assert (made.id, made.name, made.time_zone, made.external_id) == (chosen, "Chair", "Europe/Dublin", "chair-1")
        assert (made.status, made.owner) == (ScheduleStatus.ACTIVE, ScheduleOwner(live.owner_id, "Ada"))
        assert made.app_id == app.client_id
        assert (made.default_title, made.default_capacity, made.default_conferencing_details) == ("Haircut", 1, None)
        assert made.default_location == {"type": "CUSTOM", "address": {"city": "Dublin"}}
        assert made.extended_fields == {"namespaces": {"@us/app": {"floor": 2}}}
        assert made.created_date == made.updated_date
        assert made.created_date.utcoffset() == timedelta()
        assert await call(lambda client: client.schedules.get(chosen)) == made

        renamed = await call(lambda client: client.schedules.update(chosen, revision=made.revision, name="Stool"))
        assert (renamed.name, renamed.owner, renamed.external_id) == ("Stool", made.owner, "chair-1")
        with pytest.raises(Conflict) as raised:
            await call(lambda client: client.schedules.update(chosen, revision=made.revision, name="Bench"))
        assert raised.value.data["currentRevision"] == renamed.revision
        bare = await call(
            lambda client: client.schedules.update(
                chosen,
                revision=renamed.revision,
                owner_id=None,
                external_id=None,
                time_zone="Europe/Paris",
                default_location=None,
                default_conferencing_details={"type": "CUSTOM"},
            )
        )
        assert (bare.default_title, bare.default_location) == ("Haircut", None)
        assert bare.default_conferencing_details == {"type": "CUSTOM"}
        assert (bare.name, bare.owner, bare.external_id, bare.time_zone) == ("Stool", None, None, "Europe/Paris")

        found = await call(lambda client: client.schedules.query(filter={"id": {"$in": [chosen]}}))
        assert (found.schedules, found.count, found.has_next, found.next_cursor) == ((bare,), 1, False, None)
        newest = [{"fieldName": "createdDate", "order": "DESC"}]
        everything = await call(lambda client: client.schedules.iter(sort=newest, page_size=1))
        assert [one.id for one in everything] == [chosen, live.schedule_id]

        cancelled = await call(lambda client: client.schedules.cancel(chosen))
        assert cancelled.status is ScheduleStatus.CANCELLED
        with pytest.raises(PreconditionFailed):
            await call(lambda client: client.schedules.cancel(chosen))


async def test_the_same_idempotency_key_makes_one_schedule(live: LiveServer, kind: Kind) -> None:
    key, _ = await live.kalends.clients.create_api_key(live.site_id, scopes=[MANAGE_CALENDARS])
    async with calling(kind, live.url, auth=ApiKey(key, live.site_id)) as call:
        named = [{"name": "A", "idempotency_key": "99999999-9999-4999-8999-999999999999"}] * 2 + [{"name": "A"}] * 2
        made = [await call(partial(_create, one)) for one in named]
        assert made[0].id == made[1].id
        assert len({one.id for one in made}) == 3


def _create(named: dict[str, str], client: Any) -> Any:
    return client.schedules.create(**named)


@pytest.mark.parametrize("end", ["/behind/a/proxy", "/behind/a/proxy/"])
async def test_a_base_url_may_have_a_path_and_a_slash_at_its_end(live: LiveServer, kind: Kind, end: str) -> None:
    app = Starlette(routes=[Mount("/behind/a/proxy", create_api(live.kalends.services))])
    async with (
        serving(app) as url,
        calling(kind, url + end, auth=PROOFS["app"](live)) as call,
        calling(kind, url + end, auth=PROOFS["app"](live), external_calendars_path="/v2/external-calendars/") as other,
    ):
        assert len(await call(providers)) == 2
        assert len(await other(providers)) == 2


async def test_the_sample_consumer_runs(live: LiveServer) -> None:
    connection_id = await live.connect()
    asked = (connection_id, live.schedule_id, SPAN["from_"], SPAN["to"])
    with Kalends(live.url, auth=AccessToken(live.app_token)) as client:
        assert await asyncio.to_thread(consumer.read, client, *asked) == ["Dentist", "Lunch"]
    async with AsyncKalends(live.url, auth=AccessToken(live.app_token)) as awaiting:
        assert await consumer.read_async(awaiting, *asked) == ["Dentist", "Lunch"]
    key, _ = await live.kalends.clients.create_api_key(live.site_id, scopes=[MANAGE_CALENDARS])
    with Kalends(live.url, auth=ApiKey(key, live.site_id)) as client:
        assert await asyncio.to_thread(consumer.schedules, client, live.owner_id) == ["Other chair"]
