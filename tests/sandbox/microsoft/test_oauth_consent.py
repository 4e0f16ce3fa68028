"""The authorization endpoint: the page, what comes back, and who is turned away."""

import pytest

from kalends.sandbox.microsoft.bearer import PERSONAL_TENANT, User
from tests.sandbox.google.oauth_app import ConsentForm
from tests.sandbox.microsoft.oauth_app import ASKED, HOME, OWNER, TRAINER, Asking, came_back


async def test_the_page_shows_accounts_and_what_is_asked_for(app: Asking) -> None:
    answer = await app.ask()
    form = ConsentForm(answer.text)
    assert form.accounts == [OWNER.id, TRAINER.id, HOME.id]
    assert form.buttons == ["continue", "cancel"]
    assert form.scopes == [], "nothing can be unticked at Microsoft"
    for shown in (
        "stands in for Microsoft",
        "Have full access to your calendars",
        "Bookings &lt;b&gt;&amp;&lt;/b&gt; Co",
    ):
        assert shown in answer.text
    assert "<script" not in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


async def test_whoever_accepts_goes_back_with_a_code(app: Asking) -> None:
    back = came_back(await app.press(await app.ask()))
    assert set(back) == {"code", "state", "session_state"}
    assert back["state"] == "kept"


async def test_whoever_cancels_goes_back_with_access_denied(app: Asking) -> None:
    back = came_back(await app.press(await app.ask(), "cancel"))
    assert (back["error"], back["state"]) == ("access_denied", "kept")
    assert back["error_description"].startswith("AADSTS65004: ")
    assert app.grants.consented(OWNER, app.client) == frozenset()


async def test_the_form_is_taken_once(app: Asking) -> None:
    page = await app.ask()
    await app.press(page)
    again = await app.press(page)
    assert again.status_code == 400
    assert "used already" in again.text


async def test_who_has_consented_is_not_asked_again(app: Asking) -> None:
    await app.tokens()
    back = came_back(await app.ask(login_hint=OWNER.email))
    assert "code" in back
    assert (await app.ask(login_hint=OWNER.email, prompt="consent")).status_code == 200
    assert (await app.ask(login_hint=OWNER.email, scope=f"{ASKED} MailboxSettings.Read")).status_code == 200
    assert (await app.ask()).status_code == 200
    assert (await app.ask(login_hint=TRAINER.email)).status_code == 200


async def test_without_a_page_only_those_known_come_back_with_a_code(app: Asking) -> None:
    assert came_back(await app.ask(prompt="none"))["error"] == "interaction_required"
    assert came_back(await app.ask(prompt="none", login_hint=OWNER.email))["error"] == "consent_required"
    await app.tokens()
    assert "code" in came_back(await app.ask(prompt="none", login_hint=OWNER.email))


async def test_an_organization_may_leave_consent_to_its_administrator(app: Asking) -> None:
    await app.switch("admin-consent", tenant="contoso.example")
    back = came_back(await app.press(await app.ask()))
    assert back["error"] == "access_denied"
    assert back["error_description"].startswith("AADSTS90094: ")
    assert "code" in came_back(await app.press(await app.ask(), account=TRAINER))
    assert "code" in came_back(await app.press(await app.ask(scope="openid profile email")))
    await app.switch("admin-consent", tenant=OWNER.tenant_id, on=False)
    assert "code" in came_back(await app.press(await app.ask()))


@pytest.mark.parametrize(
    ("tenant", "account"),
    [
        ("organizations", HOME),
        (OWNER.tenant_id, HOME),
        ("contoso.example", HOME),
        ("contoso.example", TRAINER),
        ("consumers", OWNER),
        (PERSONAL_TENANT, OWNER),
    ],
)
async def test_a_tenant_turns_accounts_away_that_it_does_not_have(app: Asking, tenant: str, account: User) -> None:
    answer = await app.press(await app.ask(tenant=tenant), account=account)
    assert answer.status_code == 400
    assert "AADSTS50020" in answer.text
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    ("tenant", "account"),
    [
        ("organizations", OWNER),
        ("contoso.example", OWNER),
        ("consumers", HOME),
        (PERSONAL_TENANT, HOME),
        ("common", HOME),
    ],
)
async def test_a_tenant_admits_its_own(app: Asking, tenant: str, account: User) -> None:
    answer = await app.press(await app.ask(tenant=tenant), account=account)
    assert "code" in came_back(answer)


async def test_an_app_may_be_for_organizations_or_one_tenant_only(app: Asking) -> None:
    for audience, tenant, error in (
        ("AzureADMultipleOrgs", "consumers", "unauthorized_client"),
        (OWNER.tenant_id, "common", "unauthorized_client"),
        (OWNER.tenant_id, TRAINER.tenant_id, "unauthorized_client"),
    ):
        client = app.grants.add_client("Narrow", audience=audience)
        back = came_back(await app.ask(tenant=tenant, client_id=client.id))
        assert back["error"] == error, (audience, tenant)
    narrow = app.grants.add_client("Organizations", audience="AzureADMultipleOrgs")
    page = await app.ask(client_id=narrow.id)
    assert "AADSTS50020" in (await app.press(page, account=HOME)).text
    own = app.grants.add_client("Own", audience=OWNER.tenant_id)
    page = await app.ask(client_id=own.id, tenant=OWNER.tenant_id)
    assert "code" in came_back(await app.press(page))


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"client_id": "nobody"}, "AADSTS700016"),
        ({"redirect_uri": "https://evil.example/"}, "AADSTS50011"),
        ({"redirect_uri": ""}, "AADSTS50011"),
        ({"tenant": "nowhere.example"}, "AADSTS90002"),
    ],
)
async def test_what_cannot_be_trusted_is_told_to_the_person(app: Asking, parameters: dict[str, str], code: str) -> None:
    answer = await app.ask(**parameters)
    assert answer.status_code == 400
    assert code in answer.text
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"response_type": ""}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"scope": ""}, "invalid_request"),
        ({"scope": "openid Mail.Read"}, "invalid_scope"),
        ({"scope": "offline_access"}, "invalid_scope"),
        ({"prompt": "always"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "S512"}, "invalid_request"),
    ],
)
async def test_other_mistakes_are_told_to_the_app(app: Asking, parameters: dict[str, str], error: str) -> None:
    back = came_back(await app.ask(**parameters))
    assert (back["error"], back["state"]) == (error, "kept")
    assert back["error_description"].startswith("AADSTS")


async def test_an_administrator_lets_an_app_act_by_itself(app: Asking) -> None:
    query = {"client_id": app.client.id, "redirect_uri": "http://127.0.0.1:9000/callback", "state": "kept"}
    await app.switch("admin-consent", tenant="contoso.example")
    page = await app.http.get("/common/adminconsent", params=query)
    assert ConsentForm(page.text).accounts == [OWNER.id, TRAINER.id]
    back = came_back(await app.press(page))
    assert back == {"admin_consent": "True", "tenant": OWNER.tenant_id, "state": "kept"}
    granted = await app.token(
        tenant=OWNER.tenant_id, grant_type="client_credentials", scope="https://graph.microsoft.com/.default"
    )
    bearer = app.grants.bearer(granted.json()["access_token"])
    assert bearer is not None
    assert "Calendars.ReadWrite" in bearer.roles
    assert "code" in came_back(await app.press(await app.ask()))
    refused = came_back(await app.press(await app.http.get("/common/adminconsent", params=query), "cancel"))
    assert refused["error"] == "access_denied"
    wrong = await app.http.get("/common/adminconsent", params={**query, "redirect_uri": "https://evil.example/"})
    assert wrong.status_code == 400
