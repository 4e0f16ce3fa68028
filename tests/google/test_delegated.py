"""Delegated access: mailboxes of an organisation, opened by a service account to which its administrator delegated."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import google.auth.exceptions
import google.oauth2.service_account
import google_auth_httplib2  # type: ignore[import-untyped]  # it has no types
import httplib2  # type: ignore[import-untyped]  # nor has this
import pytest
from sqlalchemy import select, text

from kalends.connections.sync_config import ExportChange, SyncConfigChange
from kalends.jobs.cleaning import GRACE
from kalends.model.connection import Actor, Connection, ErrorReason, Status
from kalends.model.errors import (
    Invalid,
    NotFound,
    PermissionDenied,
    PreconditionFailed,
    ProviderUnavailable,
    Unauthenticated,
)
from kalends.model.identity import Identity, IdentityKind, Permission
from kalends.model.provider import ConnectScopes
from kalends.model.schedule import Schedule
from kalends.providers.google.scopes import DELEGATED
from kalends.sandbox.google import workspace
from kalends.store import tables
from kalends.store.audit import Action
from kalends.store.connections import Connections
from tests.google.organisation import CLEO, DAN, DOMAIN, EVA, Organisation, founded, one_key
from tests.google.stage import ANN, Stage

SCOPES = "https://www.googleapis.com/auth/"


@pytest.fixture
async def organisation(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Organisation:
    monkeypatch.setattr(workspace, "new_private_key", one_key)
    return await founded(stage)


async def broken(organisation: Organisation, connection: Connection) -> Connection:
    """Sync once the access token has run out, which fails; return the connection as it is then."""
    organisation.stage.world.clock.advance(timedelta(hours=2))
    assert (await organisation.stage.world.sync(connection)).error is not None
    return await organisation.stage.world.connection(connection.id)


async def rows(stage: Stage) -> str:
    """Return all that is stored of providers, connections and what was audited, as one text."""
    found = []
    async with stage.world.kalends.database.read() as reader:
        for table in (tables.providers, tables.connections, tables.audit):
            found += [repr(tuple(row)) for row in await reader.execute(select(table))]
    return "\n".join(found)


# -- installing --


async def test_a_key_is_sealed_and_shown_nowhere(organisation: Organisation) -> None:
    stage, key = organisation.stage, organisation.key_file["private_key"]
    assert organisation.provider.config == {
        "domains": DOMAIN,
        "service_account": organisation.key_file["client_email"],
        "service_account_id": organisation.key_file["client_id"],
        "private_key_id": organisation.key_file["private_key_id"],
    }
    assert (organisation.provider.name, organisation.provider.features.connect_methods) == ("Google Workspace", ())
    await organisation.connected()
    inside = [key, *key.split("\n")[1:-2], json.dumps(key)[1:-1]]
    for shown in (await rows(stage), repr(await stage.world.kalends.directory.list(stage.world.site.id))):
        assert not [line for line in inside if line in shown]


async def test_what_was_sealed_for_one_provider_opens_in_no_other(organisation: Organisation) -> None:
    world = organisation.stage.world
    other = await world.kalends.installation.install_delegated(
        world.site.id, "google", secret=json.dumps(organisation.key_file), domains=[DOMAIN], config={}, name="Other"
    )
    async with world.kalends.database.write() as writer:
        stolen = text("UPDATE providers SET secrets = (SELECT secrets FROM providers WHERE id = :a) WHERE id = :b")
        await writer.execute(stolen, {"a": organisation.provider.id, "b": other.id})
    organisation.provider = other
    with pytest.raises(ProviderUnavailable):
        await organisation.connect()


async def test_removing_the_provider_erases_its_key(organisation: Organisation) -> None:
    world = organisation.stage.world
    await world.kalends.installation.remove(world.site.id, organisation.provider.id)
    async with world.kalends.database.read() as reader:
        kept = await reader.execute(text("SELECT secrets FROM providers"))
    assert [row.secrets for row in kept] == [None]


async def test_what_cannot_be_installed_is_refused(organisation: Organisation) -> None:
    world = organisation.stage.world
    good: dict[str, Any] = {"secret": json.dumps(organisation.key_file), "domains": [DOMAIN], "config": {}}
    before = await world.kalends.directory.list(world.site.id)
    for changes, said in (
        ({"secret": "no key"}, "not JSON"),
        ({"config": {"url": "https://example.org"}}, "in the key file"),
        ({"domains": []}, "1 to 100 domains"),
        ({"domains": [f"d{number}.example" for number in range(101)]}, "1 to 100 domains"),
        ({"domains": ["127.0.0.1"]}, "is no domain"),
        ({"domains": ["studio"]}, "is no domain"),
        ({"domains": ["a b.example"]}, "is no domain"),
        ({"name": " "}, "characters"),
    ):
        with pytest.raises(Invalid, match=said):
            await world.kalends.installation.install_delegated(world.site.id, "google", **{**good, **changes})
    assert await world.kalends.directory.list(world.site.id) == before


async def test_only_kinds_with_delegated_access_are_installed_so(organisation: Organisation) -> None:
    world = organisation.stage.world
    with pytest.raises(NotFound, match="with delegated access"):
        await world.kalends.installation.install_delegated(
            world.site.id, "nothing", secret=json.dumps(organisation.key_file), domains=[DOMAIN], config={}
        )


async def test_domains_are_kept_in_one_spelling(organisation: Organisation) -> None:
    world = organisation.stage.world
    installed = await world.kalends.installation.install_delegated(
        world.site.id,
        "google",
        secret=json.dumps(organisation.key_file),
        domains=["Bücher.Example.", " studio.example", "STUDIO.example"],
        config={},
    )
    assert installed.config["domains"] == "studio.example xn--bcher-kva.example"


# -- connecting --


async def test_a_mailbox_is_connected_and_its_events_block(organisation: Organisation) -> None:
    stage = organisation.stage
    await organisation.put("Dentist", "2026-11-24T10:00:00Z", "2026-11-24T11:00:00Z")
    connection = await organisation.connected()
    assert (connection.status, connection.account_email) == (Status.SYNCED, CLEO.email)
    assert connection.account_key == f"{stage.url} {CLEO.id}"
    assert connection.scopes == frozenset(DELEGATED[ConnectScopes.FULL])
    assert await stage.world.titles() == ["Dentist"]


async def test_the_account_is_the_same_as_by_consent(organisation: Organisation) -> None:
    stage = organisation.stage
    by_delegation = await organisation.connect()
    by_consent = await stage.connect(account=CLEO)
    assert by_consent.account_key == by_delegation.connection.account_key


async def test_the_same_mailbox_again_is_the_same_connection(organisation: Organisation) -> None:
    first, again = await organisation.connected(), await organisation.connected()
    assert again.id == first.id
    ended = await organisation.stage.world.kalends.disconnecting.disconnect(organisation.stage.world.admin, first.id)
    assert ended.connection.status is Status.DISCONNECTED
    revived = await organisation.connected()
    assert (revived.id, revived.status) == (first.id, Status.SYNCED)


async def test_a_site_that_only_reads_needs_reading_alone_delegated(organisation: Organisation) -> None:
    world = organisation.stage.world
    await world.kalends.sites.update(world.site.id, connect_scopes=ConnectScopes.READ)
    organisation.delegate(ConnectScopes.READ)
    connection = await organisation.connected()
    assert connection.scopes is not None
    assert f"{SCOPES}calendar.events.readonly" in connection.scopes
    assert f"{SCOPES}calendar.events" not in connection.scopes
    world.clock.advance(timedelta(hours=2))
    assert (await world.sync(connection)).error is None, "renewing asks for no more either"
    change = SyncConfigChange(exports=ExportChange(enabled=True))
    with pytest.raises(PreconditionFailed) as refused:
        await world.kalends.services.sync_configs.update(world.admin, connection.id, change)
    assert refused.value.data == {"reason": "CONSENT_REQUIRED"}, "there is no page at which anybody could consent"


async def test_the_same_key_opens_the_same_mailbox_with_googles_own_library(organisation: Organisation) -> None:
    def token(email: str) -> Any:
        http = httplib2.Http(proxy_info=None, timeout=20)
        named = google.oauth2.service_account.Credentials
        credentials = named.from_service_account_info(  # type: ignore[no-untyped-call]  # google-auth types half of itself
            organisation.key_file, scopes=DELEGATED[ConnectScopes.FULL], subject=email
        )
        try:
            credentials.refresh(google_auth_httplib2.Request(http))
        finally:
            http.close()
        return credentials.token

    clock = organisation.stage.world.clock
    clock.advance(datetime.now(UTC) - clock.now())  # the library goes by the machine's
    bearer = organisation.stage.grants.bearer(await asyncio.to_thread(token, CLEO.email))
    assert bearer is not None
    assert bearer.user == CLEO
    connection = (await organisation.connect()).connection
    assert connection.scopes == bearer.scopes
    organisation.delegate(None)
    with pytest.raises(google.auth.exceptions.RefreshError, match="unauthorized_client"):
        await asyncio.to_thread(token, CLEO.email)
    with pytest.raises(PreconditionFailed):
        await organisation.connect()


# -- who may, and which mailboxes --


async def test_only_those_who_manage_all_connections_may(organisation: Organisation) -> None:
    owner_id = organisation.schedule.owner_id
    assert owner_id is not None
    owner = Identity(
        IdentityKind.USER, organisation.schedule.site_id, owner_id, frozenset({Permission.MANAGE_OWN_CONNECTIONS})
    )
    with pytest.raises(PermissionDenied, match="manage all"):
        await organisation.connect(identity=owner)


async def test_an_app_without_premium_may_not(organisation: Organisation) -> None:
    with pytest.raises(PermissionDenied) as refused:
        await organisation.connect(identity=replace(organisation.stage.world.admin, premium=False))
    assert refused.value.code == "PREMIUM_FEATURE_NOT_ENABLED"


async def test_only_mailboxes_of_listed_domains_are_asked_for(organisation: Organisation) -> None:
    organisation.stage.grants.workspace.add_domain("elsewhere.example")
    asked = await organisation.stage.requests()
    near = [f"cleo@sub.{DOMAIN}", f"cleo@evil{DOMAIN}", f"cleo@{DOMAIN}@x", "c" * 250 + f"@{DOMAIN}"]
    for email in (EVA.email, ANN.email, *near, f"@{DOMAIN}", DOMAIN, "cleo@"):
        with pytest.raises(Invalid) as refused:
            await organisation.connect(email, any_mailbox=True)
        assert [(one.field, one.name) for one in refused.value.violations] == [("email", "DOMAIN_NOT_LISTED")]
    assert await organisation.stage.requests() == asked


async def test_an_alias_does_not_lead_into_another_domain(
    organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = organisation.stage
    stage.grants.workspace.add_domain("elsewhere.example")
    check = stage.grants.workspace.check

    def aliased(*given: Any) -> workspace.Asserted:
        return replace(check(*given), user=EVA)

    monkeypatch.setattr(stage.grants.workspace, "check", aliased)
    with pytest.raises(PreconditionFailed, match="not installed for"):
        await organisation.connect()


async def test_it_is_the_owners_own_mailbox_unless_somebody_answers_for_it(organisation: Organisation) -> None:
    stage = organisation.stage
    asked = await stage.requests()
    nobodys = await stage.world.kalends.schedules.create(stage.world.site, name="Room")
    for schedule, email in (
        (organisation.schedule, DAN.email),
        (stage.world.schedule, CLEO.email),
        (nobodys, DAN.email),
    ):
        with pytest.raises(PreconditionFailed) as refused:
            await organisation.connect(email, schedule=schedule)
        assert refused.value.code == "MAILBOX_NOT_OWNERS"
    assert await stage.requests() == asked
    connection = await organisation.connected(DAN.email, schedule=nobodys, any_mailbox=True)
    assert connection.account_email == DAN.email


async def test_the_spelling_of_an_address_makes_no_difference(organisation: Organisation) -> None:
    world = organisation.stage.world
    grants = organisation.stage.grants
    grants.add_user(replace(CLEO, email=f"Cleo@{DOMAIN.upper()}"))
    view = await organisation.connect(f" Cleo@{DOMAIN.upper()} ")
    assert view.connection.addresses == frozenset({CLEO.email})
    assert (await world.connection(view.connection.id)).owner_id == organisation.schedule.owner_id


async def test_each_is_audited_and_whether_it_is_the_owners(organisation: Organisation) -> None:
    admin = organisation.stage.world.admin
    own = await organisation.connected(identity=admin)
    other = await organisation.connected(DAN.email, identity=admin, any_mailbox=True)
    for connection, email, owners in ((own, CLEO.email, True), (other, DAN.email, False)):
        (act,) = await organisation.acts(connection)
        assert (act.by, act.action) == (Actor.of(admin), Action.CONNECTED_DELEGATED)
        assert act.details == {"provider": organisation.provider.id, "mailbox": email, "owners": owners}
    await organisation.connected(identity=admin)
    assert len(await organisation.acts(own)) == 2, "connecting again too"


async def test_what_fails_is_not_audited(organisation: Organisation) -> None:
    organisation.delegate(None)
    with pytest.raises(PreconditionFailed):
        await organisation.connect()
    async with organisation.stage.world.kalends.database.read() as reader:
        assert (await reader.execute(text("SELECT count(*) FROM audit"))).scalar_one() == 0


async def test_other_ways_lead_nowhere(organisation: Organisation) -> None:
    """A provider for delegated access takes neither consent nor passwords, and the one for consent no mailboxes."""
    stage, admin = organisation.stage, organisation.stage.world.admin
    place = {"provider_id": organisation.provider.id, "schedule_id": organisation.schedule.id}
    kalends = stage.world.kalends
    with pytest.raises(PreconditionFailed):
        await kalends.authorizing.begin(admin, **place, redirect_url="https://shop.example/")
    with pytest.raises(PreconditionFailed):
        await kalends.connecting.by_credentials(admin, **place, email=CLEO.email, password="secret")
    organisation.provider = await kalends.directory.get(stage.world.site.id, "2f5c1c1e-6b0a-4d39-9a55-0c8f3f1d7e21")
    with pytest.raises(PreconditionFailed, match="not installed for delegated access"):
        await organisation.connect()


# -- what Google refuses --


async def test_what_is_not_delegated_is_told_with_what_to_do(organisation: Organisation) -> None:
    organisation.delegate(ConnectScopes.READ)
    with pytest.raises(PreconditionFailed) as refused:
        await organisation.connect()
    assert refused.value.code == "NOT_SUPPORTED_BY_PROVIDER"
    said = refused.value.description
    assert organisation.key_file["client_id"] in said
    assert ",".join(DELEGATED[ConnectScopes.FULL]) in said
    assert "Domain-wide delegation" in said


async def test_a_mailbox_that_is_not_there_is_told(organisation: Organisation) -> None:
    with pytest.raises(NotFound, match="no mailbox") as refused:
        await organisation.connect(f"nobody@{DOMAIN}", any_mailbox=True)
    assert refused.value.code == "MAILBOX_NOT_FOUND"


@pytest.mark.parametrize("description", ["Invalid JWT Signature.", "Invalid grant: account not found"])
async def test_a_key_that_is_no_more_is_told(organisation: Organisation, description: str) -> None:
    organisation.stage.grants.fail_token_requests(400, "invalid_grant", description=description)
    with pytest.raises(Unauthenticated, match="another key") as refused:
        await organisation.connect()
    assert refused.value.code == "BAD_CREDENTIALS"


@pytest.mark.parametrize(("status", "error"), [(503, "backend_error"), (400, "invalid_scope"), (429, "slow_down")])
async def test_what_may_pass_is_no_verdict(organisation: Organisation, status: int, error: str) -> None:
    connection = await organisation.connected()
    organisation.stage.grants.fail_token_requests(status, error, times=2)
    with pytest.raises(ProviderUnavailable):
        await organisation.connect()
    assert (await broken(organisation, connection)).status is Status.SYNCED


async def test_a_clock_that_is_off_is_no_verdict(organisation: Organisation) -> None:
    connection = await organisation.connected()
    organisation.stage.grants.fail_token_requests(400, "invalid_grant", description=workspace._TIMEFRAME)
    assert (await broken(organisation, connection)).status is Status.SYNCED


# -- later --


async def test_the_token_is_made_anew_from_the_key_shortly_before_it_runs_out(organisation: Organisation) -> None:
    stage, connection = organisation.stage, await organisation.connected()
    asked = (await stage.requests()).count("POST /token")
    stage.world.clock.advance(timedelta(minutes=57))
    await stage.world.sync(connection)
    assert (await stage.requests()).count("POST /token") == asked
    stage.world.clock.advance(timedelta(minutes=1))
    assert (await stage.world.sync(connection)).error is None
    await stage.world.sync(connection)
    assert (await stage.requests()).count("POST /token") == asked + 1
    stage.grants.expire_access_tokens()
    assert (await stage.world.sync(connection)).error is None, "one that is refused before its time, too"


async def test_neither_token_nor_assertion_is_stored_in_the_clear(organisation: Organisation) -> None:
    await organisation.connected()
    stored = await rows(organisation.stage)
    assert "ya29." not in stored
    assert "eyJ" not in stored


@pytest.mark.parametrize("why", ["delegation", "mailbox", "key", "restricted"])
async def test_a_later_refusal_is_an_error_until_it_is_mended(organisation: Organisation, why: str) -> None:
    stage, connection = organisation.stage, await organisation.connected()
    if why == "delegation":
        organisation.delegate(None)
    elif why == "mailbox":
        stage.grants.add_user(replace(CLEO, email=f"renamed@{DOMAIN}"))
    elif why == "key":
        stage.grants.fail_token_requests(400, "invalid_grant", description="Invalid JWT Signature.")
    else:
        stage.grants.fail_token_requests(403, "access_denied", description="Account restricted")
    refused = await broken(organisation, connection)
    assert (refused.status, refused.error_reason) == (Status.ERROR, ErrorReason.TOKEN_REVOKED)
    organisation.delegate()
    stage.grants.add_user(CLEO)
    healed = await organisation.connected()
    assert (healed.id, healed.status) == (connection.id, Status.SYNCED)


async def test_disconnecting_takes_nothing_back_and_erases_the_credentials(organisation: Organisation) -> None:
    stage = organisation.stage
    connection, other = await organisation.connected(), await organisation.connected(DAN.email, any_mailbox=True)
    await stage.world.kalends.disconnecting.disconnect(stage.world.admin, connection.id)
    stage.world.clock.advance(GRACE)
    assert await stage.world.kalends.cleaning.once() is False
    assert "POST /revoke" not in await stage.requests()
    async with stage.world.kalends.database.read() as reader:
        assert await Connections(reader, connection.site_id).sealed_credentials(connection.id) is None
    stage.world.clock.advance(timedelta(hours=2))
    assert (await stage.world.sync(other)).error is None


async def test_a_schedule_that_was_cancelled_is_not_connected(organisation: Organisation) -> None:
    world = organisation.stage.world
    cancelled: Schedule = await world.kalends.schedule_cancelling.cancel(world.site.id, organisation.schedule.id)
    with pytest.raises(PreconditionFailed) as refused:
        await organisation.connect(schedule=cancelled)
    assert refused.value.code == "SCHEDULE_CANCELLED"
