"""Application permissions: mailboxes of an organisation, opened by an app that its administrator has let in."""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from kalends.connections.views import ConnectionView
from kalends.model.connection import ErrorReason, Status
from kalends.model.errors import Invalid, NotFound, PreconditionFailed, Unauthenticated
from kalends.model.identity import Role
from kalends.model.provider import Provider
from kalends.model.schedule import Schedule
from tests.microsoft.stage import ANN, BEN, Stage

DOMAIN = ANN.email.partition("@")[2]
ROLES = ["Calendars.ReadWrite", "User.Read.All"]


@dataclass
class Organisation:
    """The organisation, the provider that was installed for it, its app, and a schedule of Ann's."""

    stage: Stage
    app: dict[str, str]
    provider: Provider
    schedule: Schedule

    async def connect(self, email: str = ANN.email, *, any_mailbox: bool = False) -> ConnectionView:
        world = self.stage.world
        return await world.kalends.delegating.connect(
            world.admin,
            provider_id=self.provider.id,
            schedule_id=self.schedule.id,
            email=email,
            any_mailbox=any_mailbox,
        )

    async def grant(self, *roles: str) -> None:
        """Have the administrator grant exactly these permissions."""
        named = {"tenant": ANN.tenant_id, "client_id": self.app["appId"], "roles": list(roles)}
        await self.stage.press("/oauth/app-roles", named)


@pytest.fixture
async def organisation(stage: Stage) -> Organisation:
    made = await stage.press("/oauth/clients", {"name": "Calendars", "audience": ANN.tenant_id})
    app = {"appId": made["clientId"], "password": made["clientSecret"], "tenant": ANN.tenant_id}
    stage.secrets.add(app["password"])
    world = stage.world
    provider = await world.kalends.installation.install_delegated(
        world.site.id, "microsoft", secret=json.dumps(app), domains=[DOMAIN], config={}
    )
    owner = await world.kalends.users.create(world.site.id, email=ANN.email, name="Ann", role=Role.STAFF)
    schedule = await world.kalends.schedules.create(world.site, name="Ann", owner_id=owner.id)
    founded = Organisation(stage, app, provider, schedule)
    await founded.grant(*ROLES)
    return founded


async def test_a_mailbox_is_opened_and_read_without_anybodys_consent(organisation: Organisation) -> None:
    stage = organisation.stage
    await stage.put("Dentist", "2026-11-24T10:00:00", "2026-11-24T11:00:00")
    view = await organisation.connect()
    assert (await stage.world.sync(view.connection)).error is None
    connection = await stage.world.connection(view.connection.id)
    assert (connection.status, connection.account_email) == (Status.SYNCED, ANN.email)
    assert connection.account_key == f"{stage.url}/{ANN.tenant_id}/v2.0 {ANN.id}", "as where she consents"
    assert await stage.world.titles() == ["Dentist"]
    assert not [one for one in await stage.requests() if "/me/" in one]
    for _ in range(2):
        stage.world.clock.advance(timedelta(hours=2))
        assert (await stage.world.sync(connection)).error is None


async def test_the_secret_is_sealed_and_shown_nowhere(organisation: Organisation) -> None:
    assert (organisation.provider.name, organisation.provider.features.connect_methods) == ("Microsoft 365", ())
    assert organisation.app["password"] not in repr(organisation.provider)
    assert organisation.provider.config == {
        "domains": DOMAIN,
        "tenant": ANN.tenant_id,
        "client_id": organisation.app["appId"],
    }


async def test_without_the_permissions_it_is_said_what_the_administrator_has_to_do(organisation: Organisation) -> None:
    await organisation.grant("Calendars.ReadWrite")
    with pytest.raises(PreconditionFailed) as refused:
        await organisation.connect()
    assert "User.Read.All" in str(refused.value)
    await organisation.grant("User.Read.All")
    with pytest.raises(PreconditionFailed):
        await organisation.connect()


async def test_other_domains_and_mailboxes_are_refused(organisation: Organisation) -> None:
    with pytest.raises(Invalid):
        await organisation.connect(BEN.email, any_mailbox=True)
    with pytest.raises(PreconditionFailed) as refused:
        await organisation.connect(f"zoe@{DOMAIN}")
    assert refused.value.code == "MAILBOX_NOT_OWNERS"
    with pytest.raises(NotFound) as missing:
        await organisation.connect(f"nobody@{DOMAIN}", any_mailbox=True)
    assert missing.value.code == "MAILBOX_NOT_FOUND"


async def test_a_permission_that_was_taken_back_is_an_error_that_granting_it_again_heals(
    organisation: Organisation,
) -> None:
    stage = organisation.stage
    connection = (await organisation.connect()).connection
    await stage.world.sync(connection)
    await organisation.grant()
    stage.world.clock.advance(timedelta(hours=2))
    assert (await stage.world.sync(connection)).error is not None
    await organisation.grant(*ROLES)
    stage.world.clock.advance(timedelta(hours=2))
    assert (await stage.world.sync(connection)).error is None
    assert (await stage.world.connection(connection.id)).status is Status.SYNCED


async def test_an_app_that_is_no_more_ends_in_token_revoked(organisation: Organisation) -> None:
    stage = organisation.stage
    connection = (await organisation.connect()).connection
    await stage.world.sync(connection)
    await stage.press(
        "/oauth/fail-token-requests", {"error": "invalid_client", "code": 7000222, "status": 401, "times": 9}
    )
    stage.world.clock.advance(timedelta(hours=2))
    await stage.world.sync(connection)
    broken = await stage.world.connection(connection.id)
    assert (broken.status, broken.error_reason) == (Status.ERROR, ErrorReason.TOKEN_REVOKED)
    with pytest.raises(Unauthenticated) as refused:
        await organisation.connect()
    assert refused.value.code == "BAD_CREDENTIALS"


@pytest.mark.parametrize(
    "change",
    [
        {"tenant": "common"},
        {"tenant": None},
        {"appId": "calendars"},
        {"password": ""},
        {"password": "x" * 600},
        {"password": 7},
    ],
    ids=str,
)
async def test_what_is_no_apps_credentials_is_refused_and_not_quoted(
    organisation: Organisation, change: dict[str, Any]
) -> None:
    world = organisation.stage.world
    for secret in (json.dumps(organisation.app | change), "[", "[1]", "{" * 9_000):
        with pytest.raises(Invalid) as refused:
            await world.kalends.installation.install_delegated(
                world.site.id, "microsoft", secret=secret, domains=[DOMAIN], config={}
            )
        assert organisation.app["password"] not in str(refused.value)
