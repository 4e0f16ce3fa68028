"""The sandbox beside libraries that others wrote: oauthlib's client, and google-auth."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import google.auth.exceptions
import google.auth.jwt
import google.oauth2.credentials
import google.oauth2.id_token
import google.oauth2.service_account
import google_auth_httplib2  # type: ignore[import-untyped]  # it has no types
import httplib2  # type: ignore[import-untyped]  # nor has this
import httpx2
import pytest
from oauthlib.oauth2 import InvalidGrantError, WebApplicationClient
from starlette.applications import Starlette

from kalends.sandbox.clock import SandboxClock
from kalends.sandbox.google.grants import Grants
from kalends.sandbox.google.oauth import routes
from tests.api.serving import serving
from tests.sandbox.google.oauth_app import BACK, EMAIL, EVENTS, LISTS, OWNER, TRAINER, Asking, ConsentForm

SCOPES: list[object] = ["openid", EMAIL, LISTS, EVENTS]


@pytest.fixture(name="app")
async def _app() -> AsyncIterator[Asking]:
    clock = SandboxClock()
    grants = Grants(clock, users=[OWNER, TRAINER], domains=["studio.example"])
    client = grants.add_client("Bookings")
    async with serving(Starlette(routes=[*routes(grants)])) as url, httpx2.AsyncClient(base_url=url) as http:
        yield Asking(grants, client, http, clock)


def _here(app: Asking) -> str:
    return str(app.http.base_url).rstrip("/")


@contextmanager
def _transport() -> Iterator[google_auth_httplib2.Request]:
    http = httplib2.Http(proxy_info=None, timeout=20)
    try:
        yield google_auth_httplib2.Request(http)
    finally:
        http.close()


async def _blocking(work: Callable[[google_auth_httplib2.Request], Any]) -> Any:
    def run() -> Any:
        with _transport() as transport:
            return work(transport)

    return await asyncio.to_thread(run)


async def _come_back(app: Asking, url: str) -> str:
    """Go where an app sends somebody, and through consent; return the address that they come back to."""
    answer = await app.http.get(url)
    if answer.status_code == 200:
        answer = await app.press(ConsentForm(answer.text))
    return answer.headers["location"]


async def test_oauthlib_goes_through_consent_and_refreshes(app: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    # otherwise oauthlib makes no address that is not https, on loopback neither
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    oauth = WebApplicationClient(app.client.id)
    verifier = oauth.create_code_verifier(64)
    challenge = oauth.create_code_challenge(verifier, "S256")
    url = oauth.prepare_request_uri(
        _here(app) + "/o/oauth2/v2/auth",
        redirect_uri=BACK,
        scope=SCOPES,
        state="kept",
        code_challenge=challenge,
        code_challenge_method="S256",
        access_type="offline",
        prompt="consent",
    )
    back = await _come_back(app, url)
    assert oauth.parse_request_uri_response(back, state="kept")["state"] == "kept"
    body = oauth.prepare_request_body(
        redirect_uri=BACK, code_verifier=verifier, client_secret=app.client.secret, include_client_id=True
    )
    # with the scopes given, oauthlib raises when the answer names others
    given = oauth.parse_request_body_response((await _post(app, body)).text, scope=SCOPES)
    assert set(given["scope"]) == set(SCOPES)
    again = oauth.prepare_refresh_body(client_id=app.client.id, client_secret=app.client.secret)
    refreshed = oauth.parse_request_body_response((await _post(app, again)).text, scope=SCOPES)
    assert refreshed["access_token"] != given["access_token"]
    assert oauth.refresh_token == given["refresh_token"]
    _, headers, _ = oauth.add_token(_here(app) + "/v1/userinfo")
    assert (await app.http.get("/v1/userinfo", headers=headers)).json()["email"] == OWNER.email

    app.grants.withdraw(OWNER, app.client)
    with pytest.raises(InvalidGrantError, match=r"expired or revoked"):
        oauth.parse_request_body_response((await _post(app, again)).text)


async def _post(app: Asking, body: str) -> httpx2.Response:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    return await app.http.post("/token", content=body, headers=form)


async def _tokens(app: Asking, **parameters: str) -> Mapping[str, Any]:
    return await app.tokens(prompt="consent", **parameters)


async def test_google_auth_verifies_the_id_token(app: Asking) -> None:
    token = (await _tokens(app, nonce="once"))["id_token"]
    certificates = _here(app) + "/oauth2/v1/certs"

    def verify(audience: str) -> Callable[[google_auth_httplib2.Request], Any]:
        return lambda transport: google.oauth2.id_token.verify_token(
            token, transport, audience=audience, certs_url=certificates
        )

    claims = await _blocking(verify(app.client.id))
    assert (claims["sub"], claims["email"], claims["nonce"], claims["iss"]) == (
        OWNER.id,
        OWNER.email,
        "once",
        _here(app),
    )
    with pytest.raises(google.auth.exceptions.InvalidValue, match="audience"):
        await _blocking(verify("1-other.apps.googleusercontent.com"))
    app.grants.keys.rotate()
    assert await _blocking(verify(app.client.id)) == claims
    app.grants.keys.rotate()
    with pytest.raises(google.auth.exceptions.GoogleAuthError, match="key id"):
        await _blocking(verify(app.client.id))


def _claims(id_token: str) -> Mapping[str, Any]:
    claims: Mapping[str, Any] = google.auth.jwt.decode(id_token, verify=False)  # type: ignore[no-untyped-call]  # see below
    return claims


def _credentials(app: Asking, refresh_token: str) -> Any:
    return google.oauth2.credentials.Credentials(  # type: ignore[no-untyped-call]  # google-auth types half of itself
        None,
        refresh_token=refresh_token,
        token_uri=_here(app) + "/token",
        client_id=app.client.id,
        client_secret=app.client.secret,
        scopes=SCOPES,
    )


async def test_google_auth_refreshes(app: Asking) -> None:
    given = await _tokens(app)
    credentials = _credentials(app, given["refresh_token"])
    await _blocking(credentials.refresh)
    bearer = app.grants.bearer(credentials.token)
    assert bearer is not None
    assert (bearer.user, set(bearer.scopes)) == (OWNER, set(SCOPES))
    assert credentials.refresh_token == given["refresh_token"]
    assert _claims(credentials.id_token)["sub"] == OWNER.id
    assert credentials.valid

    app.grants.fail_token_requests(503, "backend_error")
    await _blocking(credentials.refresh)
    assert app.grants.refreshes(OWNER, app.client) == 2, "it asks again when the sandbox is not well"

    app.grants.withdraw(OWNER, app.client)
    with pytest.raises(google.auth.exceptions.RefreshError, match="expired or revoked") as error:
        await _blocking(credentials.refresh)
    assert not error.value.retryable


async def test_google_auth_sees_what_was_not_granted(app: Asking) -> None:
    answer = await app.redeem((await app.code(untick=[EVENTS]))["code"])
    refresh_token = answer.json()["refresh_token"]
    with pytest.raises(google.auth.exceptions.RefreshError, match="invalid_scope"):
        await _blocking(_credentials(app, refresh_token).refresh)
    credentials = _credentials(app, (await _tokens(app))["refresh_token"])
    app.grants.narrow_next_refresh(["openid", LISTS])
    await _blocking(credentials.refresh)
    assert set(credentials.granted_scopes) == {"openid", LISTS}


async def test_google_auth_gets_a_token_by_delegation(app: Asking) -> None:
    info = app.grants.add_service_account("robot", origin=_here(app))
    named = google.oauth2.service_account.Credentials
    credentials: Any = named.from_service_account_info(info, subject=TRAINER.email, scopes=[EVENTS, LISTS])  # type: ignore[no-untyped-call]  # as above
    with pytest.raises(google.auth.exceptions.RefreshError, match="unauthorized_client"):
        await _blocking(credentials.refresh)
    app.grants.workspace.delegate("studio.example", info["client_id"], [EVENTS, LISTS])
    await _blocking(credentials.refresh)
    bearer = app.grants.bearer(credentials.token)
    assert bearer is not None
    assert (bearer.user, bearer.scopes) == (TRAINER, frozenset({EVENTS, LISTS}))
    with pytest.raises(google.auth.exceptions.RefreshError, match="Invalid email or User ID"):
        await _blocking(credentials.with_subject("nobody@studio.example").refresh)
