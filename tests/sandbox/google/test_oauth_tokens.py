"""Codes, refresh tokens, and what takes them away."""

from base64 import b64encode
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import quote_plus

import httpx2
import pytest

from kalends.sandbox.google import grants as grants_module
from kalends.sandbox.google.bearer import Bearer
from kalends.sandbox.oauth_words import OAuthRefused
from tests.sandbox.google.oauth_app import (
    ASKED,
    EMAIL,
    EVENTS,
    LISTS,
    OWNER,
    PROFILE,
    TRAINER,
    VERIFIER,
    Asking,
    asking,
    came_back,
    refused,
)

REVOKED = "Token has been expired or revoked."
ALL = frozenset({"openid", EMAIL, LISTS, EVENTS})


@pytest.fixture(name="app")
async def _app() -> AsyncIterator[Asking]:
    async with asking() as app:
        yield app


async def test_a_code_gives_tokens_that_look_like_googles(app: Asking) -> None:
    answer = await app.redeem((await app.code())["code"])
    given = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert given["access_token"].startswith("ya29.")
    assert given["refresh_token"].startswith("1//")
    assert (given["expires_in"], given["token_type"]) == (3599, "Bearer")
    assert set(given["scope"].split()) == ALL
    assert "refresh_token_expires_in" not in given
    assert app.grants.bearer(given["access_token"]) == Bearer(OWNER, app.client.id, ALL)


async def test_the_client_may_prove_itself_by_basic(app: Asking) -> None:
    pair = f"{quote_plus(app.client.id)}:{quote_plus(app.client.secret)}"
    code = (await app.code())["code"]
    fields = {"grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER}
    fields["redirect_uri"] = "http://127.0.0.1:9000/callback"
    basic = {"Authorization": "Basic " + b64encode(pair.encode()).decode()}
    assert (await app.http.post("/token", data=fields, headers=basic)).status_code == 200
    for wrong in ("Basic !", "Basic " + b64encode(f"{app.client.id}:x".encode()).decode()):
        refused(await app.http.post("/token", data=fields, headers={"Authorization": wrong}), "invalid_client", 401)


@pytest.mark.parametrize(
    ("fields", "error", "status"),
    [
        ({"client_id": "1-other.apps.googleusercontent.com"}, "invalid_client", 401),
        ({"client_secret": "wrong"}, "invalid_client", 401),
        ({"client_secret": None}, "invalid_request", 400),
        ({"client_id": None}, "invalid_request", 400),
        ({"grant_type": None}, "unsupported_grant_type", 400),
        ({"grant_type": "password"}, "unsupported_grant_type", 400),
        ({"code": None}, "invalid_request", 400),
        ({"code": "4/made-up"}, "invalid_grant", 400),
        ({"redirect_uri": "http://127.0.0.1:9000/other"}, "redirect_uri_mismatch", 400),
        ({"redirect_uri": None}, "redirect_uri_mismatch", 400),
        ({"code_verifier": None}, "invalid_grant", 400),
        ({"code_verifier": "w" * 64}, "invalid_grant", 400),
    ],
    ids=lambda value: "-".join([*value, *map(str, value.values())]) if isinstance(value, dict) else str(value),
)
async def test_what_is_wrong_is_refused_and_the_code_stays_good(
    app: Asking, fields: dict[str, str | None], error: str, status: int
) -> None:
    code = (await app.code())["code"]
    sent = {"grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER}
    sent["redirect_uri"] = "http://127.0.0.1:9000/callback"
    refused(await app.token(**{**sent, **fields}), error, status)
    assert (await app.redeem(code)).status_code == 200


async def test_pkce_may_be_plain_or_left_out_but_not_mixed_up(app: Asking) -> None:
    plain = (await app.code(code_challenge=VERIFIER, code_challenge_method=""))["code"]
    assert refused(await app.redeem(plain, code_verifier="w" * 64), "invalid_grant") == "Invalid code verifier."
    assert (await app.redeem(plain)).status_code == 200
    without = (await app.code(code_challenge="", code_challenge_method="", prompt="consent"))["code"]
    assert "not needed" in refused(await app.redeem(without), "invalid_grant")
    assert (await app.redeem(without, code_verifier=None)).status_code == 200
    # the challenge itself, for an eavesdropper, is no verifier
    hashed = (await app.code(prompt="consent"))["code"]
    refused(await app.redeem(hashed, code_verifier="E" * 43), "invalid_grant")


async def test_a_code_lives_for_ten_minutes(app: Asking) -> None:
    first = (await app.code())["code"]
    app.clock.advance(timedelta(minutes=9, seconds=50))
    assert (await app.redeem(first)).status_code == 200
    second = (await app.code(prompt="consent"))["code"]
    app.clock.advance(timedelta(minutes=10))
    refused(await app.redeem(second), "invalid_grant")


async def test_a_code_that_comes_twice_takes_its_tokens_with_it_and_no_others(app: Asking) -> None:
    other = await app.tokens()
    code = (await app.code(prompt="consent"))["code"]
    given = (await app.redeem(code)).json()
    refreshed = (await app.refresh(given["refresh_token"])).json()
    refused(await app.redeem(code), "invalid_grant")
    assert app.grants.bearer(given["access_token"]) is None
    assert app.grants.bearer(refreshed["access_token"]) is None
    assert refused(await app.refresh(given["refresh_token"]), "invalid_grant") == REVOKED
    assert app.grants.bearer(other["access_token"])
    assert (await app.refresh(other["refresh_token"])).status_code == 200


async def test_a_code_is_for_its_own_client(app: Asking) -> None:
    code = (await app.code())["code"]
    thief = app.grants.add_client("Thief")
    refused(await app.redeem(code, client_id=thief.id, client_secret=thief.secret), "invalid_grant")
    assert (await app.redeem(code)).status_code == 200


async def test_a_refresh_gives_an_access_token_and_no_new_refresh_token(app: Asking) -> None:
    given = await app.tokens()
    for _ in range(2):
        again = (await app.refresh(given["refresh_token"])).json()
        assert "refresh_token" not in again
        assert again["access_token"] != given["access_token"]
        assert again["scope"] == given["scope"]
        assert again["id_token"]
        assert app.grants.bearer(again["access_token"])
    assert app.grants.refreshes(OWNER, app.client) == 2
    assert app.grants.refreshes(TRAINER, app.client) == 0


async def test_a_refresh_may_ask_for_less_but_not_for_more(app: Asking) -> None:
    given = await app.tokens(scope=f"{LISTS} {EVENTS}")
    less = (await app.refresh(given["refresh_token"], scope=LISTS)).json()
    assert less["scope"] == LISTS
    assert "id_token" not in less
    assert set((await app.refresh(given["refresh_token"])).json()["scope"].split()) == {LISTS, EVENTS}
    more = f"{LISTS} https://www.googleapis.com/auth/calendar"
    refused(await app.refresh(given["refresh_token"], scope=more), "invalid_scope")


async def test_a_refresh_token_is_for_its_own_client(app: Asking) -> None:
    given = await app.tokens()
    sister = app.grants.add_client("Sister", project=app.client.project)
    answer = await app.refresh(given["refresh_token"], client_id=sister.id, client_secret=sister.secret)
    refused(answer, "unauthorized_client", 401)
    refused(await app.refresh("1//made-up"), "invalid_grant")
    refused(await app.refresh(given["access_token"]), "invalid_grant")
    refused(await app.token(grant_type="refresh_token"), "invalid_request")


async def test_an_access_token_lives_for_an_hour(app: Asking) -> None:
    given = await app.tokens()
    app.clock.advance(timedelta(seconds=3590))
    assert app.grants.bearer(given["access_token"])
    app.clock.advance(timedelta(seconds=10))
    assert app.grants.bearer(given["access_token"]) is None
    assert app.grants.bearer("ya29.made-up") is None
    assert app.grants.bearer(given["refresh_token"]) is None


async def test_a_refresh_token_comes_the_first_time_only_or_when_asked_again(app: Asking) -> None:
    assert "refresh_token" in await app.tokens()
    assert "refresh_token" not in await app.tokens()
    assert "refresh_token" not in await app.tokens(login_hint=OWNER.email)
    assert "refresh_token" in await app.tokens(prompt="consent")
    assert "refresh_token" in await app.tokens(scope=f"{ASKED} profile")
    app.grants.withdraw(OWNER, app.client)
    assert "refresh_token" in await app.tokens()


@pytest.mark.parametrize("access_type", ["online", ""])
async def test_without_offline_access_there_is_no_refresh_token(app: Asking, access_type: str) -> None:
    assert "refresh_token" not in await app.tokens(access_type=access_type, prompt="consent")


async def test_of_a_hundred_refresh_tokens_the_oldest_dies(app: Asking) -> None:
    async with asking(most_refresh_tokens=3) as small:
        tokens = [(await small.tokens(prompt="consent"))["refresh_token"] for _ in range(4)]
        trainers = (await small.tokens(prompt="consent", account=TRAINER.id))["refresh_token"]
        statuses = [(await small.refresh(token)).status_code for token in [*tokens, trainers]]
        assert statuses == [400, 200, 200, 200, 200]
    assert grants_module.MOST_REFRESH_TOKENS == 100
    tokens = [(await app.tokens(prompt="consent"))["refresh_token"] for _ in range(101)]
    assert [(await app.refresh(token)).status_code for token in tokens[:2]] == [400, 200]


async def test_in_testing_a_refresh_token_lives_for_seven_days(app: Asking) -> None:
    before = await app.tokens()
    app.grants.testing = True
    given = await app.tokens(prompt="consent")
    assert 604_790 <= given["refresh_token_expires_in"] <= 604_800
    signing_in = await app.tokens(scope="openid email profile", account=TRAINER.id)
    assert "refresh_token_expires_in" not in signing_in
    app.clock.advance(timedelta(days=6))
    later = (await app.refresh(given["refresh_token"])).json()
    assert 86_390 <= later["refresh_token_expires_in"] <= 86_400
    app.clock.advance(timedelta(days=1))
    assert refused(await app.refresh(given["refresh_token"]), "invalid_grant") == REVOKED
    assert (await app.refresh(before["refresh_token"])).status_code == 200
    assert (await app.refresh(signing_in["refresh_token"])).status_code == 200


async def test_a_refresh_token_that_is_not_used_for_half_a_year_dies(app: Asking) -> None:
    given = await app.tokens()
    for _ in range(2):
        app.clock.advance(timedelta(days=179))
        assert (await app.refresh(given["refresh_token"])).status_code == 200
    app.clock.advance(timedelta(days=181))
    assert refused(await app.refresh(given["refresh_token"]), "invalid_grant") == REVOKED


async def test_include_granted_scopes_unites_with_what_was_granted_before(app: Asking) -> None:
    await app.tokens(scope=f"openid {LISTS}")
    alone = await app.tokens(scope=EVENTS)
    assert alone["scope"] == EVENTS
    back = await app.code(scope=EVENTS, include_granted_scopes="true", prompt="consent")
    assert set(back["scope"].split()) == {"openid", LISTS, EVENTS}
    united = (await app.redeem(back["code"])).json()
    assert set(united["scope"].split()) == {"openid", LISTS, EVENTS}
    others = await app.tokens(scope=EVENTS, include_granted_scopes="true", account=TRAINER.id)
    assert others["scope"] == EVENTS


async def test_email_and_profile_come_back_under_their_full_names_with_openid(app: Asking) -> None:
    given = await app.tokens(scope="email profile")
    assert set(given["scope"].split()) == {"openid", EMAIL, PROFILE}


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
@pytest.mark.parametrize("way", ["query", "body", "get"])
async def test_revoking_one_token_takes_all_of_the_user_and_the_project(app: Asking, kind: str, way: str) -> None:
    first, second = await app.tokens(), await app.tokens(prompt="consent")
    sister = app.grants.add_client("Sister", project=app.client.project)
    code = (await app.code(client_id=sister.id, prompt="consent"))["code"]
    sisters = (await app.redeem(code, client_id=sister.id, client_secret=sister.secret)).json()
    pending = (await app.code(prompt="consent"))["code"]
    trainers = await app.tokens(account=TRAINER.id)
    stranger = app.grants.add_client("Stranger")
    code = (await app.code(client_id=stranger.id))["code"]
    strangers = (await app.redeem(code, client_id=stranger.id, client_secret=stranger.secret)).json()

    answer = await _revoke(app, first[kind], way)
    assert (answer.status_code, answer.json()) == (200, {})
    for given in (first, second, sisters):
        assert app.grants.bearer(given["access_token"]) is None
    refused(await app.refresh(second["refresh_token"]), "invalid_grant")
    refused(await app.redeem(pending), "invalid_grant")
    assert app.grants.consented(OWNER, app.client) == frozenset()
    assert app.grants.bearer(trainers["access_token"])
    assert (await app.refresh(trainers["refresh_token"])).status_code == 200
    assert app.grants.bearer(strangers["access_token"])
    proof = {"client_id": stranger.id, "client_secret": stranger.secret}
    assert (await app.refresh(strangers["refresh_token"], **proof)).status_code == 200
    refused(await _revoke(app, first[kind], way), "invalid_token")


async def _revoke(app: Asking, token: str, way: str) -> httpx2.Response:
    if way == "get":
        return await app.http.get("/revoke", params={"token": token})
    if way == "query":
        return await app.http.post("/revoke", params={"token": token})
    return await app.http.post("/revoke", data={"token": token})


async def test_an_unknown_or_missing_token_cannot_be_revoked(app: Asking) -> None:
    refused(await app.http.post("/revoke", data={"token": "1//made-up"}), "invalid_token")
    refused(await app.http.post("/revoke"), "invalid_token")
    refused(await app.http.post("/revoke", json={"token": "x"}), "invalid_request")


async def test_an_access_token_that_ran_out_cannot_revoke(app: Asking) -> None:
    given = await app.tokens()
    app.clock.advance(timedelta(hours=1))
    refused(await app.http.post("/revoke", data={"token": given["access_token"]}), "invalid_token")
    assert (await app.refresh(given["refresh_token"])).status_code == 200


async def test_withdrawing_access_takes_every_token_and_asks_anew(app: Asking) -> None:
    given = await app.tokens()
    app.grants.withdraw(OWNER, app.client)
    assert app.grants.bearer(given["access_token"]) is None
    assert refused(await app.refresh(given["refresh_token"]), "invalid_grant") == REVOKED
    assert came_back(await app.ask(prompt="none", login_hint=OWNER.email))["error"] == "consent_required"
    app.grants.withdraw(OWNER, app.client)


async def test_expiring_access_tokens_leaves_refresh_tokens(app: Asking) -> None:
    given = await app.tokens()
    app.grants.expire_access_tokens()
    assert app.grants.bearer(given["access_token"]) is None
    assert app.grants.bearer((await app.refresh(given["refresh_token"])).json()["access_token"])


async def test_the_next_requests_for_tokens_fail_as_told(app: Asking) -> None:
    given = await app.tokens()
    app.grants.fail_token_requests(503, "backend_error", times=2)
    app.grants.fail_token_requests(400, "invalid_grant", description="Account has been deleted")
    answers = [await app.refresh(given["refresh_token"]) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [503, 503, 400, 200]
    assert answers[0].json() == {"error": "backend_error"}
    assert answers[2].json() == {"error": "invalid_grant", "error_description": "Account has been deleted"}
    for status, times in ((200, 1), (600, 1), (500, 0)):
        with pytest.raises(ValueError, match="status"):
            app.grants.fail_token_requests(status, "x", times=times)


async def test_the_next_refresh_may_be_narrower(app: Asking) -> None:
    given = await app.tokens()
    app.grants.narrow_next_refresh(["openid", LISTS, "https://www.googleapis.com/auth/calendar"])
    narrow = (await app.refresh(given["refresh_token"])).json()
    assert set(narrow["scope"].split()) == {"openid", LISTS}
    bearer = app.grants.bearer(narrow["access_token"])
    assert bearer is not None
    assert bearer.scopes == {"openid", LISTS}
    assert (await app.refresh(given["refresh_token"])).json()["scope"] == given["scope"]


async def test_what_has_run_out_is_forgotten_and_then_the_oldest(app: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grants_module, "MOST_LIVING", 2)
    first = await app.tokens()
    app.clock.advance(timedelta(hours=1))
    second = await app.tokens()
    third = (await app.refresh(first["refresh_token"])).json()
    assert app.grants.bearer(second["access_token"])
    assert len(app.grants._access_tokens) == 2
    fourth = (await app.refresh(first["refresh_token"])).json()
    living = [bool(app.grants.bearer(one["access_token"])) for one in (second, third, fourth)]
    assert living == [False, True, True]


async def test_no_token_code_or_secret_is_logged_or_shown(app: Asking, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    back = await app.code()
    given = (await app.redeem(back["code"])).json()
    await app.refresh(given["refresh_token"])
    secret = [app.client.secret, back["code"], given["access_token"], given["refresh_token"], given["id_token"]]
    shown = caplog.text + repr(list(vars(app.grants)["_clients"].values()))
    shown += repr(app.grants.access_token(given["access_token"]))
    shown += repr([*app.grants._codes.values(), *app.grants._refresh_tokens.values()])
    assert not [one for one in secret if one in shown]


def test_a_refusal_is_an_error_of_its_own() -> None:
    refusal = OAuthRefused("invalid_grant")
    assert (refusal.status, refusal.error, refusal.description) == (400, "invalid_grant", None)
