"""ID tokens, the keys that sign them, and the documents that say where everything is."""

from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from kalends.sandbox.clock import SandboxClock
from kalends.sandbox.keys import SigningKeys
from kalends.sandbox.microsoft.bearer import PERSONAL_TENANT, User
from tests.sandbox.microsoft.oauth_app import HERE, HOME, OWNER, TRAINER, Asking, asking


async def claims(app: Asking, token: str) -> dict[str, Any]:
    keys = KeySet.import_key_set((await app.http.get("/discovery/v2.0/keys")).json())
    return dict(jwt.decode(token, keys, algorithms=["RS256"]).claims)


@pytest.mark.parametrize("user", [OWNER, HOME])
async def test_an_id_token_says_who_somebody_is(app: Asking, user: User) -> None:
    said = await claims(app, (await app.tokens(account=user, nonce="n-1"))["id_token"])
    assert said["iss"] == f"{HERE}/{user.tenant_id}/v2.0"
    assert (said["tid"], said["oid"], said["aud"]) == (user.tenant_id, user.id, app.client.id)
    assert (said["preferred_username"], said["email"], said["name"]) == (user.email, user.email, user.name)
    assert (said["nonce"], said["ver"]) == ("n-1", "2.0")
    assert said["exp"] - said["iat"] == 3600
    assert HOME.tenant_id == PERSONAL_TENANT == "9188040d-6c67-4c5b-b112-36a304b66dad"


async def test_the_subject_is_another_one_for_each_app(app: Asking) -> None:
    first = await claims(app, (await app.tokens())["id_token"])
    again = await claims(app, (await app.tokens(login_hint=OWNER.email))["id_token"])
    other = app.grants.add_client("Other")
    code = await app.code(client_id=other.id)
    answer = await app.redeem(code, client_id=other.id, client_secret=other.secret)
    elsewhere = await claims(app, answer.json()["id_token"])
    assert first["sub"] == again["sub"]
    assert first["sub"] != elsewhere["sub"]
    assert first["oid"] == elsewhere["oid"]


async def test_claims_are_those_that_scopes_open(app: Asking) -> None:
    said = await claims(app, (await app.tokens(scope="openid"))["id_token"])
    assert not {"name", "oid", "preferred_username", "email"} & set(said)
    assert said["sub"]


@pytest.mark.parametrize(
    ("tenant", "issuer"),
    [
        ("common", "{tenantid}"),
        ("organizations", "{tenantid}"),
        ("consumers", PERSONAL_TENANT),
        (OWNER.tenant_id, OWNER.tenant_id),
        ("fabrikam.example", TRAINER.tenant_id),
    ],
)
async def test_the_document_of_a_tenant_says_where_its_endpoints_are(app: Asking, tenant: str, issuer: str) -> None:
    said = (await app.http.get(f"/{tenant}/v2.0/.well-known/openid-configuration")).json()
    assert said["issuer"] == f"{HERE}/{issuer}/v2.0"
    assert said["token_endpoint"] == f"{HERE}/{tenant}/oauth2/v2.0/token"
    assert said["authorization_endpoint"] == f"{HERE}/{tenant}/oauth2/v2.0/authorize"
    assert (await app.http.get(said["jwks_uri"])).json()["keys"]


async def test_there_is_no_document_of_a_tenant_that_is_not_there(app: Asking) -> None:
    answer = await app.http.get("/nowhere.example/v2.0/.well-known/openid-configuration")
    assert (answer.status_code, answer.json()["error_codes"]) == (400, [90002])


async def test_a_rotated_key_still_verifies_for_a_while() -> None:
    async with asking(keys=SigningKeys(SandboxClock()), issuer="https://login.example") as app:
        token = (await app.tokens())["id_token"]
        await app.switch("rotate-keys")
        said = await claims(app, token)
        assert said["iss"] == f"https://login.example/{OWNER.tenant_id}/v2.0"
        newer = (await app.tokens(login_hint=OWNER.email))["id_token"]
        assert (await claims(app, newer))["oid"] == OWNER.id
        assert token.split(".")[0] != newer.split(".")[0]
