"""The switches, pressed by HTTP."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from kalends.sandbox.keys import SigningKeys
from tests.sandbox.google.oauth_app import EVENTS, LISTS, OWNER, Asking, asking, refused


@pytest.fixture(name="app")
async def _app() -> AsyncIterator[Asking]:
    async with asking() as app:
        yield app


async def _press(app: Asking, switch: str, body: Any = None) -> httpx2.Response:
    return await app.http.post(f"/_sandbox/oauth/{switch}", json={} if body is None else body)


async def test_withdraw(app: Asking) -> None:
    given = await app.tokens()
    answer = await _press(app, "withdraw", {"user": OWNER.email, "client_id": app.client.id})
    assert (answer.status_code, answer.json()) == (200, {})
    refused(await app.refresh(given["refresh_token"]), "invalid_grant")


async def test_expire_access_tokens(app: Asking) -> None:
    given = await app.tokens()
    assert (await _press(app, "expire-access-tokens")).status_code == 200
    assert app.grants.bearer(given["access_token"]) is None


async def test_fail_token_requests(app: Asking) -> None:
    given = await app.tokens()
    body = {"status": 503, "error": "backend_error", "error_description": "Try again", "times": 2}
    assert (await _press(app, "fail-token-requests", body)).status_code == 200
    answers = [await app.refresh(given["refresh_token"]) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert answers[0].json() == {"error": "backend_error", "error_description": "Try again"}
    await _press(app, "fail-token-requests", {"error": "invalid_grant"})
    refused(await app.refresh(given["refresh_token"]), "invalid_grant")


async def test_testing(app: Asking) -> None:
    await _press(app, "testing", {"on": True})
    assert "refresh_token_expires_in" in await app.tokens()
    await _press(app, "testing", {"on": False})
    assert "refresh_token_expires_in" not in await app.tokens(prompt="consent")


async def test_narrow_next_refresh(app: Asking) -> None:
    given = await app.tokens(scope=f"{EVENTS} {LISTS}")
    await _press(app, "narrow-next-refresh", {"scopes": [LISTS]})
    assert (await app.refresh(given["refresh_token"])).json()["scope"] == LISTS


async def test_rotate_keys(app: Asking) -> None:
    app.grants.keys = SigningKeys(app.clock)
    before = (await app.http.get("/oauth2/v3/certs")).json()["keys"]
    await _press(app, "rotate-keys")
    after = (await app.http.get("/oauth2/v3/certs")).json()["keys"]
    assert (len(before), after[1:]) == (1, before)


async def test_refreshes(app: Asking) -> None:
    given = await app.tokens()
    await app.refresh(given["refresh_token"])
    asked = {"user": OWNER.id, "client_id": app.client.id}
    answer = await app.http.get("/_sandbox/oauth/refreshes", params=asked)
    assert answer.json() == {"refreshes": 1}
    refused(await app.http.get("/_sandbox/oauth/refreshes", params={**asked, "user": "nobody"}), "invalid_request")
    refused(await app.http.get("/_sandbox/oauth/refreshes?user=1&user=2"), "invalid_request")


async def test_service_accounts_and_delegations(app: Asking) -> None:
    answer = await _press(app, "service-accounts", {"name": "robot"})
    file = answer.json()
    assert file["token_uri"] == "http://127.0.0.1:8085/token"
    refused(await _press(app, "service-accounts", {"name": "robot"}), "invalid_request")
    body = {"domain": "new.example", "client_id": file["client_id"], "scopes": [EVENTS]}
    assert (await _press(app, "delegations", body)).status_code == 200
    refused(await _press(app, "delegations", {**body, "client_id": "1"}), "invalid_request")


@pytest.mark.parametrize(
    ("switch", "body"),
    [
        ("withdraw", {}),
        ("withdraw", {"user": "nobody@example.org", "client_id": "1"}),
        ("withdraw", {"user": OWNER.email, "client_id": "1"}),
        ("fail-token-requests", {}),
        ("fail-token-requests", {"error": "x", "status": 200}),
        ("fail-token-requests", {"error": "x", "status": "500"}),
        ("fail-token-requests", {"error": "x", "times": True}),
        ("fail-token-requests", {"error": "x", "error_description": 5}),
        ("testing", {"on": "yes"}),
        ("narrow-next-refresh", {"scopes": "x"}),
        ("narrow-next-refresh", {"scopes": [1]}),
        ("service-accounts", {"name": 1}),
        ("delegations", {"domain": "new.example"}),
        ("testing", []),
        ("testing", "on"),
    ],
    ids=repr,
)
async def test_bodies_that_are_wrong_are_refused(app: Asking, switch: str, body: Any) -> None:
    refused(await _press(app, switch, body), "invalid_request")


async def test_another_origins_page_cannot_press(app: Asking) -> None:
    plain = {"Content-Type": "text/plain"}
    answer = await app.http.post("/_sandbox/oauth/testing", content='{"on": true}', headers=plain)
    refused(answer, "invalid_request")
    assert not app.grants.testing
    answer = await app.http.post(
        "/_sandbox/oauth/testing", content="{" * 60_000, headers={"Content-Type": "application/json"}
    )
    refused(answer, "invalid_request")
    answer = await app.http.post(
        "/_sandbox/oauth/testing", content=" " * 70_000, headers={"Content-Type": "application/json"}
    )
    refused(answer, "invalid_request", 413)
