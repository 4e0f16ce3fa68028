"""Switches of the identity platform: what people, administrators and bad luck do to tokens."""

from tests.sandbox.microsoft.oauth_app import BACK, OWNER, TRAINER, Asking, came_back, refused


async def test_consent_is_withdrawn(app: Asking) -> None:
    said = await app.tokens()
    await app.switch("withdraw", user=OWNER.email, client_id=app.client.id)
    answer = refused(await app.refresh(said["refresh_token"]), "invalid_grant", 65001)
    assert answer["suberror"] == "consent_required"
    assert app.grants.bearer(said["access_token"]) is not None, "it lives on until it runs out"
    again = await app.tokens()
    assert (await app.refresh(again["refresh_token"])).status_code == 200


async def test_conditional_access_demands_the_person(app: Asking) -> None:
    said = await app.tokens()
    await app.switch("conditional-access", user=OWNER.id)
    answer = refused(await app.refresh(said["refresh_token"]), "interaction_required", 50076)
    assert answer["suberror"] == "basic_action"
    assert "capolids" in answer["claims"]
    back = came_back(await app.ask(prompt="none", login_hint=OWNER.email))
    assert back["error"] == "interaction_required"
    await app.tokens(prompt="login")
    assert (await app.refresh(said["refresh_token"])).status_code == 200
    await app.switch("conditional-access", user=OWNER.id)
    assert (await app.switch("conditional-access", user=OWNER.id, on=False))["users"] == []
    assert (await app.refresh(said["refresh_token"])).status_code == 200


async def test_a_changed_password_ends_refresh_tokens_of_one_person(app: Asking) -> None:
    mine, theirs = await app.tokens(), await app.tokens(account=TRAINER)
    await app.switch("revoke-refresh-tokens", user=OWNER.email)
    refused(await app.refresh(mine["refresh_token"]), "invalid_grant", 70000)
    assert (await app.refresh(theirs["refresh_token"])).status_code == 200


async def test_access_tokens_run_out_at_once(app: Asking) -> None:
    said = await app.tokens()
    await app.switch("expire-access-tokens")
    assert app.grants.bearer(said["access_token"]) is None
    assert (await app.refresh(said["refresh_token"])).status_code == 200


async def test_requests_for_tokens_fail_as_ordered(app: Asking) -> None:
    said = await app.tokens()
    await app.switch("fail-token-requests", error="temporarily_unavailable", code=90033, status=503, times=2)
    for _ in range(2):
        refused(await app.refresh(said["refresh_token"]), "temporarily_unavailable", 90033, 503)
    assert (await app.refresh(said["refresh_token"])).status_code == 200


async def test_refreshes_are_counted_and_apps_registered(app: Asking) -> None:
    said = await app.tokens()
    await app.refresh(said["refresh_token"])
    query = {"user": OWNER.id, "client_id": app.client.id}
    counted = await app.http.get("/_sandbox/oauth/refreshes", params=query)
    assert counted.json() == {"refreshes": 1}
    made = await app.switch("clients", name="Other", redirectUris=[BACK])
    back = came_back(await app.press(await app.ask(client_id=made["clientId"])))
    assert "code" in back
    wrong = await app.ask(client_id=made["clientId"], redirect_uri="http://127.0.0.1:9001/")
    assert wrong.status_code == 400


async def test_switches_refuse_what_they_cannot_do(app: Asking) -> None:
    for path, body in (
        ("withdraw", {"user": "nobody", "client_id": app.client.id}),
        ("withdraw", {"user": OWNER.id, "client_id": "nobody"}),
        ("rotation", {"graceSeconds": -1}),
        ("rotation", {"graceSeconds": "long"}),
        ("admin-consent", {"tenant": "nowhere.example"}),
        ("conditional-access", {"user": OWNER.id, "on": "yes"}),
        ("app-roles", {"tenant": "contoso.example", "client_id": app.client.id, "roles": ["Everything"]}),
        ("app-roles", {"tenant": "contoso.example", "client_id": app.client.id, "roles": "Calendars.Read"}),
        ("fail-token-requests", {"error": "x", "status": 200}),
        ("fail-token-requests", {"error": "x", "code": "70000"}),
    ):
        answer = await app.http.post(f"/_sandbox/oauth/{path}", json=body)
        assert answer.status_code == 400, (path, body)
    plain = await app.http.post("/_sandbox/oauth/rotate-keys", content=b"{}", headers={"Content-Type": "text/plain"})
    assert plain.status_code == 400
