from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from kalends.access.authentication import Headers
from kalends.access.tokens import ClientRefused
from kalends.model.errors import Conflict, Invalid, NotFound, PermissionDenied, Unauthenticated
from kalends.model.identity import MANAGE_EXTERNAL_CALENDARS, IdentityKind, Permission, Role, granted
from kalends.model.ids import new_id
from kalends.vault.signing import SignatureRefused
from tests.world import World, populate, settings_for, world_on

SEEN_WITHIN = timedelta(seconds=5)
"""How soon a revocation has to be seen."""


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with world_on(settings_for(database_url, tmp_path)) as made:
        yield made


async def refused(world: World, headers: Headers) -> bool:
    try:
        await world.kalends.services.authentication.identify(headers)
    except Unauthenticated:
        return True
    return False


async def test_an_app_gets_a_token_for_its_site(world: World) -> None:
    app = await world.kalends.clients.create_app(world.site.id, name="App")
    issued = await world.kalends.tokens.by_client_credentials(app.client_id, app.client_secret, app.instance_id)
    assert issued.lifetime == timedelta(hours=4)
    identify = world.kalends.services.authentication.identify
    identity = await identify(Headers(issued.token))
    assert (identity.kind, identity.site_id, identity.id) == (IdentityKind.APP, world.site.id, app.client_id)
    assert identity.permissions == granted([MANAGE_EXTERNAL_CALENDARS])
    assert await identify(Headers(f"Bearer {issued.token}")) == identity
    assert await identify(Headers(f"bearer  {issued.token} ")) == identity


async def test_without_an_instance_id_the_only_installation_counts(world: World) -> None:
    app = await world.kalends.clients.create_app(world.site.id, name="App")
    issued = await world.kalends.tokens.by_client_credentials(app.client_id, app.client_secret, None)
    identity = await world.kalends.services.authentication.identify(Headers(issued.token))
    assert identity.site_id == world.site.id
    await world.kalends.clients.revoke_app(world.site.id, app.client_id)
    with pytest.raises(ClientRefused) as none_left:
        await world.kalends.tokens.by_client_credentials(app.client_id, app.client_secret, None)
    assert none_left.value.error == "invalid_request"


@pytest.mark.parametrize("wrong", ["secret", "client", "instance"])
async def test_wrong_client_credentials_are_refused(world: World, wrong: str) -> None:
    app = await world.kalends.clients.create_app(world.site.id, name="App")
    with pytest.raises(ClientRefused) as raised:
        await world.kalends.tokens.by_client_credentials(
            new_id() if wrong == "client" else app.client_id,
            "kals_wrong" if wrong == "secret" else app.client_secret,
            new_id() if wrong == "instance" else app.instance_id,
        )
    assert raised.value.error == ("invalid_grant" if wrong == "instance" else "invalid_client")


async def test_a_token_expires(world: World) -> None:
    issued = await world.kalends.tokens.for_user(world.site.id, world.user.id)
    headers = Headers(issued.token)
    world.clock.advance(issued.lifetime - timedelta(seconds=1))
    assert not await refused(world, headers)
    world.clock.advance(SEEN_WITHIN)
    with pytest.raises(Unauthenticated, match="has expired"):
        await world.kalends.services.authentication.identify(headers)


@pytest.mark.parametrize("how", ["token", "app", "user", "key"])
async def test_a_revocation_is_seen_within_5_seconds(world: World, how: str) -> None:
    kalends, site_id = world.kalends, world.site.id
    app = await kalends.clients.create_app(site_id, name="App")
    key, record = await kalends.clients.create_api_key(site_id)
    headers = Headers((await kalends.tokens.for_app(site_id, app.client_id)).token)
    if how == "user":
        headers = Headers((await kalends.tokens.for_user(site_id, world.user.id)).token)
    if how == "key":
        headers = Headers(key, site_id)
    assert not await refused(world, headers)
    if how == "token":
        await kalends.tokens.revoke(headers.authorization)
    elif how == "app":
        await kalends.clients.revoke_app(site_id, app.client_id)
    elif how == "user":
        await kalends.users.disable(site_id, world.user.id)
    else:
        await kalends.clients.revoke_api_key(site_id, record.id)
    world.clock.advance(SEEN_WITHIN)
    assert await refused(world, headers)


@pytest.mark.parametrize(
    "authorization", ["", "   ", "Bearer", "Bearer ", "nonsense", "a.b.c", "KAL.unknown", "Basic YTpi", "x" * 100_000]
)
async def test_what_is_no_credential_of_ours_is_refused(world: World, authorization: str) -> None:
    assert await refused(world, Headers(authorization, world.site.id))


async def test_a_token_that_was_changed_or_made_for_another_purpose_is_refused(world: World) -> None:
    token = (await world.kalends.tokens.for_user(world.site.id, world.user.id)).token
    head, claims, signature = token.split(".")
    unsigned = "eyJhbGciOiJub25lIn0"
    changes = (f"{head}.{claims}.{signature[:-2]}AA", f"{unsigned}.{claims}.", f"{head}.{claims[:-1]}.{signature}")
    for changed in changes:
        assert await refused(world, Headers(changed))
    with pytest.raises(SignatureRefused):
        await world.kalends.tokens.revoke("nonsense")


async def test_an_api_key_needs_its_own_site(world: World) -> None:
    key, _ = await world.kalends.clients.create_api_key(world.site.id)
    identify = world.kalends.services.authentication.identify
    identity = await identify(Headers(key, world.site.id))
    assert identity.kind is IdentityKind.API_KEY
    other = await populate(world.kalends, world.clock)
    mine, others = world.site.id, other.site.id
    for site_id, account_id in (("", ""), (others, ""), (new_id(), ""), (mine, new_id()), ("", new_id())):
        with pytest.raises(PermissionDenied):
            await identify(Headers(key, site_id, account_id))


async def test_scopes_and_single_permissions_can_be_granted(world: World) -> None:
    key, record = await world.kalends.clients.create_api_key(
        world.site.id, scopes=[Permission.MANAGE_OWN_CONNECTIONS.value]
    )
    identity = await world.kalends.services.authentication.identify(Headers(key, world.site.id))
    assert identity.permissions == {Permission.MANAGE_OWN_CONNECTIONS, Permission.READ_OWN_CONNECTIONS}
    assert record.scopes == (Permission.MANAGE_OWN_CONNECTIONS.value,)
    with pytest.raises(Invalid, match=r"SCOPE\.NONSENSE"):
        await world.kalends.clients.create_api_key(world.site.id, scopes=["SCOPE.NONSENSE"])
    _, by_default = await world.kalends.clients.create_api_key(world.site.id)
    assert by_default.scopes == (MANAGE_EXTERNAL_CALENDARS,)


async def test_roles_grant_what_the_design_says(world: World) -> None:
    admin = await world.kalends.users.create(world.site.id, email="Boss@Example.org ", name="Boss", role=Role.ADMIN)
    assert admin.email == "boss@example.org"
    identify = world.kalends.services.authentication.identify
    as_admin = await identify(Headers((await world.kalends.tokens.for_user(world.site.id, admin.id)).token))
    as_staff = await identify(Headers((await world.kalends.tokens.for_user(world.site.id, world.user.id)).token))
    assert as_admin.permissions == frozenset(Permission)
    assert as_staff.permissions == {
        Permission.LIST_PROVIDERS,
        Permission.READ_OWN_CONNECTIONS,
        Permission.MANAGE_OWN_CONNECTIONS,
        Permission.READ_EVENTS,
    }


async def test_bad_input_of_an_operator_gets_a_clear_error(world: World) -> None:
    kalends, site_id = world.kalends, world.site.id
    with pytest.raises(Conflict, match="has a user"):
        await kalends.users.create(site_id, email=world.user.email.upper(), name="Twin", role=Role.STAFF)
    with pytest.raises(Invalid, match="e-mail"):
        await kalends.users.create(site_id, email="nobody", name="X", role=Role.STAFF)
    with pytest.raises(Invalid, match="time zone"):
        await kalends.sites.create("X", time_zone="Mars/Olympus")
    with pytest.raises(Invalid, match="empty"):
        await kalends.sites.create("   ")
    with pytest.raises(Invalid, match="origin"):
        await kalends.sites.update(site_id, redirect_origins=["https://example.org/path"])
    with pytest.raises(NotFound, match="no site"):
        await kalends.sites.get(new_id())
    with pytest.raises(NotFound, match="active user"):
        await kalends.schedules.create(world.site, name="X", owner_id=new_id())
    with pytest.raises(Invalid, match="GUID"):
        await kalends.schedules.create(world.site, name="X", schedule_id="x")
    with pytest.raises(Conflict, match="has a schedule"):
        await kalends.schedules.create(world.site, name="X", schedule_id=world.schedule.id.upper())
    with pytest.raises(NotFound, match="kind of provider"):
        await kalends.installation.install(site_id, "exchange", name="X", config={})
    with pytest.raises(Invalid):
        await kalends.installation.install(site_id, "caldav", name="X", config={"url": "gopher://x"})
