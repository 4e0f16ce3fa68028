"""Who somebody is: ID tokens, keys, userinfo, tokeninfo, and the document that names the endpoints."""

from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError
from joserfc.jwk import KeySet

from kalends.sandbox.keys import SigningKeys
from tests.sandbox.google.oauth_app import (
    EMAIL,
    EVENTS,
    HERE,
    OWNER,
    PROFILE,
    TRAINER,
    Asking,
    asking,
    refused,
)


@pytest.fixture(name="app")
async def _app() -> AsyncIterator[Asking]:
    async with asking() as app:
        yield app


async def _claims(app: Asking, id_token: str) -> dict[str, Any]:
    keys = KeySet.import_key_set((await app.http.get("/oauth2/v3/certs")).json())
    return dict(jwt.decode(id_token, keys, algorithms=["RS256"]).claims)


async def test_an_id_token_says_who_it_is_and_for_whom(app: Asking) -> None:
    given = await app.tokens(scope="openid email profile", nonce="once")
    claims = await _claims(app, given["id_token"])
    now = app.clock.now().timestamp()
    half = sha256(given["access_token"].encode()).digest()[:16]
    assert now - 10 <= claims.pop("iat") <= now
    assert now + 3590 <= claims.pop("exp") <= now + 3600
    assert claims == {
        "iss": HERE,
        "azp": app.client.id,
        "aud": app.client.id,
        "sub": OWNER.id,
        "email": OWNER.email,
        "email_verified": True,
        "name": "Studio Owner",
        "given_name": "Studio",
        "family_name": "Owner",
        "nonce": "once",
        "at_hash": urlsafe_b64encode(half).rstrip(b"=").decode(),
    }


async def test_an_id_token_holds_what_the_scopes_open(app: Asking) -> None:
    bare = await _claims(app, (await app.tokens(scope="openid"))["id_token"])
    assert not {"email", "name", "nonce", "hd"} & set(bare)
    trainers = await _claims(app, (await app.tokens(account=TRAINER.id))["id_token"])
    assert (trainers["hd"], trainers["email"]) == ("studio.example", TRAINER.email)
    assert "name" not in trainers
    assert "id_token" not in await app.tokens(scope=EVENTS)


async def test_a_name_of_one_word_has_no_family_name(app: Asking) -> None:
    claims = await _claims(app, (await app.tokens(scope="profile", account=TRAINER.id))["id_token"])
    assert (claims["name"], claims["given_name"]) == ("Trainer", "Trainer")
    assert "family_name" not in claims


async def test_the_issuer_may_be_googles() -> None:
    async with asking(issuer="https://accounts.google.com") as app:
        claims = await _claims(app, (await app.tokens())["id_token"])
        assert claims["iss"] == "https://accounts.google.com"
        document = (await app.http.get("/.well-known/openid-configuration")).json()
        assert document["issuer"] == "https://accounts.google.com"
        assert document["token_endpoint"] == HERE + "/token"


async def test_keys_rotate_and_the_one_before_still_verifies(app: Asking) -> None:
    app.grants.keys = SigningKeys(app.clock)
    old = (await app.tokens())["id_token"]
    app.grants.keys.rotate()
    new = (await app.tokens())["id_token"]
    published = (await app.http.get("/oauth2/v3/certs")).json()["keys"]
    assert len(published) == 2
    assert {(key["kty"], key["alg"], key["use"]) for key in published} == {("RSA", "RS256", "sig")}
    assert not {"d", "p", "q"} & {name for key in published for name in key}
    for token in (old, new):
        assert (await _claims(app, token))["sub"] == OWNER.id
    certificates = (await app.http.get("/oauth2/v1/certs")).json()
    assert [*certificates] == [key["kid"] for key in published]
    app.grants.keys.rotate()
    assert published[1]["kid"] not in [key["kid"] for key in (await app.http.get("/oauth2/v3/certs")).json()["keys"]]
    with pytest.raises(InvalidKeyIdError):
        await _claims(app, old)


@pytest.mark.parametrize("path", ["/v1/userinfo", "/oauth2/v3/userinfo"])
async def test_userinfo_says_what_the_scopes_open(app: Asking, path: str) -> None:
    given = await app.tokens(scope="openid email", account=TRAINER.id)
    answer = await app.http.get(path, headers={"Authorization": f"Bearer {given['access_token']}"})
    assert answer.json() == {
        "sub": TRAINER.id,
        "email": TRAINER.email,
        "email_verified": True,
        "hd": "studio.example",
    }
    posted = await app.http.post(path, headers={"Authorization": f"bearer {given['access_token']}"})
    assert posted.json() == answer.json()


async def test_userinfo_needs_a_living_token_that_opens_it(app: Asking) -> None:
    for header in ({}, {"Authorization": "Bearer ya29.made-up"}):
        answer = await app.http.get("/v1/userinfo", headers=header)
        refused(answer, "invalid_request", 401)
        assert answer.headers["www-authenticate"].startswith("Bearer ")
    given = await app.tokens(scope=EVENTS)
    bearer = {"Authorization": f"Bearer {given['access_token']}"}
    refused(await app.http.get("/v1/userinfo", headers=bearer), "insufficient_scope", 403)
    basic = {"Authorization": f"Basic {given['access_token']}"}
    refused(await app.http.get("/v1/userinfo", headers=basic), "invalid_request", 401)


async def test_tokeninfo_knows_access_tokens(app: Asking) -> None:
    given = await app.tokens(scope=f"email {EVENTS}")
    for answer in (
        await app.http.get("/tokeninfo", params={"access_token": given["access_token"]}),
        await app.http.post("/tokeninfo", data={"access_token": given["access_token"]}),
    ):
        info = answer.json()
        assert 3590 <= int(info.pop("expires_in")) <= 3599
        assert int(info.pop("exp")) >= app.clock.now().timestamp() + 3590
        assert info.pop("scope").split() == [EVENTS, EMAIL, "openid"]
        assert info == {
            "azp": app.client.id,
            "aud": app.client.id,
            "sub": OWNER.id,
            "email": OWNER.email,
            "email_verified": "true",
            "access_type": "offline",
        }
    online = await app.tokens(scope=EVENTS, access_type="online")
    info = (await app.http.get("/tokeninfo", params={"access_token": online["access_token"]})).json()
    assert info["access_type"] == "online"
    assert not {"sub", "email"} & set(info)


async def test_tokeninfo_knows_id_tokens(app: Asking) -> None:
    token = (await app.tokens(scope="openid profile"))["id_token"]
    info = (await app.http.get("/tokeninfo", params={"id_token": token})).json()
    assert (info["sub"], info["name"], info["aud"]) == (OWNER.id, OWNER.name, app.client.id)
    assert info["exp"].isdigit()
    head, body, signature = token.split(".")
    changed = f"{head}.{body[:-4]}AAAA.{signature}"
    for wrong in (changed, "x", f"{head}.{body}.", "é.é.é"):
        refused(await app.http.get("/tokeninfo", params={"id_token": wrong}), "invalid_token")
    app.clock.advance(timedelta(hours=1))
    refused(await app.http.get("/tokeninfo", params={"id_token": token}), "invalid_token")


async def test_tokeninfo_refuses_what_it_does_not_know(app: Asking) -> None:
    refused(await app.http.get("/tokeninfo"), "invalid_token")
    refused(await app.http.get("/tokeninfo", params={"access_token": "ya29.made-up"}), "invalid_token")
    given = await app.tokens()
    refused(await app.http.get("/tokeninfo", params={"access_token": given["refresh_token"]}), "invalid_token")


async def test_the_document_names_endpoints_that_answer(app: Asking) -> None:
    document = (await app.http.get("/.well-known/openid-configuration")).json()
    assert document["issuer"] == HERE
    assert document["authorization_endpoint"] == HERE + "/o/oauth2/v2/auth"
    assert document["revocation_endpoint"] == HERE + "/revoke"
    for name in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "revocation_endpoint", "jwks_uri"):
        answer = await app.http.request("POST" if name == "token_endpoint" else "GET", document[name])
        assert answer.status_code not in {404, 405}, name
    assert PROFILE not in document["scopes_supported"]
    assert {"S256", "plain"} == set(document["code_challenge_methods_supported"])
