"""The token endpoint: codes, refresh tokens that are replaced by each use, and apps by themselves."""

from base64 import b64encode
from datetime import timedelta

import pytest

from tests.sandbox.microsoft.oauth_app import ASKED, BACK, HOME, OWNER, Asking, came_back, refused

DEFAULT = "https://graph.microsoft.com/.default"


async def test_a_code_becomes_tokens(app: Asking) -> None:
    answer = await app.redeem(await app.code())
    said = answer.json()
    assert (said["token_type"], said["expires_in"], said["ext_expires_in"]) == ("Bearer", 3599, 3599)
    assert said["scope"] == "openid profile email Calendars.ReadWrite User.Read"
    assert {"access_token", "refresh_token", "id_token"} <= set(said)
    assert answer.headers["Cache-Control"].startswith("no-store")
    bearer = app.grants.bearer(said["access_token"])
    assert bearer is not None
    assert (bearer.user, bearer.tenant_id, bearer.client_id) == (OWNER, OWNER.tenant_id, app.client.id)
    assert {"Calendars.ReadWrite", "User.Read"} <= bearer.scopes


async def test_scopes_are_granted_as_they_were_written(app: Asking) -> None:
    said = await app.tokens(scope="https://graph.microsoft.com/Calendars.Read offline_access")
    assert said["scope"] == "https://graph.microsoft.com/Calendars.Read"
    assert "id_token" not in said
    bearer = app.grants.bearer(said["access_token"])
    assert bearer is not None
    assert "Calendars.Read" in bearer.scopes


async def test_without_offline_access_there_is_no_refresh_token(app: Asking) -> None:
    assert "refresh_token" not in await app.tokens(scope="openid Calendars.Read")


async def test_a_code_is_used_once_and_soon(app: Asking) -> None:
    code = await app.code()
    assert (await app.redeem(code)).status_code == 200
    refused(await app.redeem(code), "invalid_grant", 54005)
    old = await app.code(login_hint=OWNER.email)
    app.clock.advance(_minutes(10))
    refused(await app.redeem(old), "invalid_grant", 70008)
    refused(await app.redeem("nonsense"), "invalid_grant", 9002313)


async def test_a_code_needs_its_redirect_uri_its_verifier_and_its_app(app: Asking) -> None:
    code = await app.code()
    refused(await app.redeem(code, redirect_uri=f"{BACK}/other"), "invalid_grant", 500112)
    refused(await app.redeem(code, code_verifier="x" * 64), "invalid_grant", 501481)
    refused(await app.redeem(code, code_verifier=None), "invalid_grant", 501481)
    other = app.grants.add_client("Other")
    answer = await app.redeem(code, client_id=other.id, client_secret=other.secret)
    refused(answer, "invalid_grant", 9002313)
    assert (await app.redeem(code)).status_code == 200


async def test_an_app_proves_itself_in_the_body_or_by_basic(app: Asking) -> None:
    basic = b64encode(f"{app.client.id}:{app.client.secret}".encode()).decode()
    body = {
        "grant_type": "authorization_code",
        "code": await app.code(),
        "redirect_uri": BACK,
        "code_verifier": "v" * 64,
    }
    answer = await app.http.post("/common/oauth2/v2.0/token", data=body, headers={"Authorization": f"Basic {basic}"})
    assert answer.status_code == 200
    refused(await app.refresh("x", client_secret="wrong"), "invalid_client", 7000215, 401)
    refused(await app.refresh("x", client_secret=None), "invalid_client", 7000218, 401)
    refused(await app.refresh("x", client_id="nobody"), "unauthorized_client", 700016)
    refused(await app.refresh("x", client_id=None), "invalid_request", 900144)


async def test_a_refresh_gives_another_refresh_token_each_time(app: Asking) -> None:
    first = (await app.tokens())["refresh_token"]
    second = (await app.refresh(first)).json()
    assert second["refresh_token"] != first
    assert second["scope"] == "openid profile email Calendars.ReadWrite User.Read"
    third = (await app.refresh(second["refresh_token"])).json()
    assert third["refresh_token"] not in {first, second["refresh_token"]}
    assert app.grants.refreshes(OWNER, app.client) == 2


@pytest.mark.parametrize(
    ("grace", "seconds", "works"), [(60, 59, True), (60, 61, False), (0, 0, False), (None, 10**6, True)]
)
async def test_a_replaced_refresh_token_works_for_so_long(
    app: Asking, grace: float | None, seconds: int, works: bool
) -> None:
    await app.switch("rotation", graceSeconds=grace)
    first = (await app.tokens())["refresh_token"]
    second = (await app.refresh(first)).json()["refresh_token"]
    app.clock.advance(_minutes(seconds / 60))
    answer = await app.refresh(first)
    if works:
        assert answer.status_code == 200
        return
    assert refused(answer, "invalid_grant", 70000)["suberror"] == "bad_token"
    assert (await app.refresh(second)).status_code == 200


async def test_using_a_replaced_refresh_token_does_not_prolong_its_life(app: Asking) -> None:
    await app.switch("rotation", graceSeconds=60)
    first = (await app.tokens())["refresh_token"]
    await app.refresh(first)
    for _ in range(2):
        app.clock.advance(_minutes(0.45))
        assert (await app.refresh(first)).status_code == 200
    app.clock.advance(_minutes(0.45))
    refused(await app.refresh(first), "invalid_grant", 70000)


async def test_a_refresh_token_that_is_not_used_dies(app: Asking) -> None:
    token = (await app.tokens())["refresh_token"]
    app.clock.advance(_minutes(89 * 24 * 60))
    token = (await app.refresh(token)).json()["refresh_token"]
    app.clock.advance(_minutes(89 * 24 * 60))
    token = (await app.refresh(token)).json()["refresh_token"]
    app.clock.advance(_minutes(90 * 24 * 60))
    refused(await app.refresh(token), "invalid_grant", 700082)


async def test_a_refresh_may_ask_for_less_and_never_for_more(app: Asking) -> None:
    token = (await app.tokens())["refresh_token"]
    less = (await app.refresh(token, scope="Calendars.ReadWrite")).json()
    assert less["scope"] == "Calendars.ReadWrite"
    assert "id_token" not in less
    bearer = app.grants.bearer(less["access_token"])
    assert bearer is not None
    assert "User.Read" not in bearer.scopes
    assert (await app.refresh(less["refresh_token"], scope=ASKED)).status_code == 200
    more = await app.refresh(token, scope="Calendars.ReadWrite MailboxSettings.Read")
    assert refused(more, "invalid_grant", 65001)["suberror"] == "consent_required"
    refused(await app.refresh(token, scope="Nonsense.Read"), "invalid_scope", 70011)


async def test_access_tokens_run_out(app: Asking) -> None:
    said = await app.tokens()
    app.clock.advance(_minutes(59))
    assert app.grants.bearer(said["access_token"]) is not None
    app.clock.advance(_minutes(1))
    assert app.grants.bearer(said["access_token"]) is None


async def test_an_app_by_itself_gets_a_token_of_a_tenant(app: Asking) -> None:
    await app.switch("app-roles", tenant="contoso.example", client_id=app.client.id, roles=["Calendars.ReadWrite"])
    answer = await app.token(tenant=OWNER.tenant_id, grant_type="client_credentials", scope=DEFAULT)
    said = answer.json()
    assert set(said) == {"token_type", "expires_in", "ext_expires_in", "access_token"}
    bearer = app.grants.bearer(said["access_token"])
    assert bearer is not None
    assert (bearer.user, bearer.tenant_id, bearer.roles) == (None, OWNER.tenant_id, frozenset({"Calendars.ReadWrite"}))
    other = await app.token(tenant="fabrikam.example", grant_type="client_credentials", scope=DEFAULT)
    bearer = app.grants.bearer(other.json()["access_token"])
    assert bearer is not None
    assert bearer.roles == frozenset(), "nobody granted anything there"


async def test_an_app_by_itself_names_a_tenant_and_asks_for_all(app: Asking) -> None:
    for tenant in ("common", "organizations", "nowhere.example"):
        answer = await app.token(tenant=tenant, grant_type="client_credentials", scope=DEFAULT)
        refused(answer, "invalid_request", 90002)
    answer = await app.token(tenant=OWNER.tenant_id, grant_type="client_credentials", scope="Calendars.Read")
    refused(answer, "invalid_scope", 1002012)
    answer = await app.token(tenant=OWNER.tenant_id, grant_type="client_credentials")
    refused(answer, "invalid_request", 900144)


async def test_other_grants_and_forms_are_refused(app: Asking) -> None:
    refused(await app.token(grant_type="password"), "unsupported_grant_type", 70003)
    refused(await app.token(), "invalid_request", 900144)
    refused(await app.token(grant_type="refresh_token"), "invalid_request", 900144)
    answer = await app.http.post("/common/oauth2/v2.0/token", json={})
    assert answer.json()["error"] == "invalid_request"


async def test_a_personal_account_has_tokens_like_any_other(app: Asking) -> None:
    said = await app.tokens(account=HOME)
    bearer = app.grants.bearer(said["access_token"])
    assert bearer is not None
    assert bearer.user == HOME
    assert (await app.refresh(said["refresh_token"], tenant="consumers")).status_code == 200
    back = came_back(await app.ask(tenant="consumers", login_hint=HOME.email))
    assert "code" in back


def _minutes(minutes: float) -> timedelta:
    return timedelta(minutes=minutes)
