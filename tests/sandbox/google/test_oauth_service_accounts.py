"""Service accounts: for themselves, and for the users of a domain that delegated to them."""

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from joserfc import jwt
from joserfc.jwk import RSAKey

from kalends.sandbox.google import workspace
from kalends.sandbox.keys import new_private_key, pem
from tests.sandbox.google.oauth_app import EVENTS, HERE, LISTS, OWNER, TRAINER, Asking, asking, refused

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
DOMAIN = "studio.example"


@dataclass
class Robot:
    """A service account with its key file, to whom the domain delegated events."""

    app: Asking
    key_file: dict[str, str]

    async def token(self, *, key: RSAKey | None = None, **claims: Any) -> httpx2.Response:
        """Ask for a token; a claim that is None is left out."""
        now = int(self.app.clock.now().timestamp())
        usual = {
            "iss": self.key_file["client_email"],
            "sub": TRAINER.email,
            "scope": EVENTS,
            "aud": HERE + "/token",
            "iat": now,
            "exp": now + 3600,
        }
        sent = {name: value for name, value in {**usual, **claims}.items() if value is not None}
        pair = key or RSAKey.import_key(self.key_file["private_key"])
        return await self.send(jwt.encode({"alg": "RS256", "kid": self.key_file["private_key_id"]}, sent, pair))

    async def send(self, assertion: str) -> httpx2.Response:
        return await self.app.http.post("/token", data={"grant_type": GRANT, "assertion": assertion})


@cache
def _one_key() -> RSAPrivateKey:
    return new_private_key()


@pytest.fixture(name="robot")
async def _robot(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Robot]:
    # making a key for each test is slow, and no test is about that
    monkeypatch.setattr(workspace, "new_private_key", _one_key)
    async with asking() as app:
        key_file = app.grants.add_service_account("robot", origin=HERE)
        app.grants.workspace.delegate(DOMAIN, key_file["client_id"], [EVENTS])
        yield Robot(app, key_file)


def test_a_key_file_is_in_googles_own_format(robot: Robot) -> None:
    file = robot.key_file
    assert file["type"] == "service_account"
    assert file["private_key"].startswith("-----BEGIN PRIVATE KEY-----\n")
    assert file["client_email"] == f"robot@{file['project_id']}.iam.gserviceaccount.com"
    assert file["client_id"].isdigit()
    assert len(file["client_id"]) == 21
    assert file["token_uri"] == HERE + "/token"
    assert {"private_key_id", "auth_uri", "auth_provider_x509_cert_url"} <= set(file)
    assert robot.app.grants.add_service_account("other")["token_uri"] == "https://oauth2.googleapis.com/token"
    with pytest.raises(ValueError, match="already"):
        robot.app.grants.add_service_account("robot")


async def test_it_acts_for_a_user_of_the_domain(robot: Robot) -> None:
    given = (await robot.token()).json()
    assert (given["expires_in"], given["token_type"], given["scope"]) == (3599, "Bearer", EVENTS)
    assert not {"refresh_token", "id_token"} & set(given)
    bearer = robot.app.grants.bearer(given["access_token"])
    assert bearer is not None
    assert (bearer.user, bearer.client_id, bearer.scopes) == (TRAINER, robot.key_file["client_id"], frozenset({EVENTS}))


@pytest.mark.parametrize("subject", [None, "itself"])
async def test_it_acts_for_itself_without_delegation(robot: Robot, subject: str | None) -> None:
    email = robot.key_file["client_email"]
    given = (await robot.token(sub=email if subject else None, scope=LISTS)).json()
    bearer = robot.app.grants.bearer(given["access_token"])
    assert bearer is not None
    assert (bearer.user.email, bearer.user.id) == (email, robot.key_file["client_id"])


async def test_googles_own_endpoint_is_an_audience_too(robot: Robot) -> None:
    assert (await robot.token(aud="https://oauth2.googleapis.com/token")).status_code == 200


async def test_what_was_not_delegated_is_refused(robot: Robot) -> None:
    app = robot.app
    refused(await robot.token(scope=LISTS), "unauthorized_client", 401)
    refused(await robot.token(scope=f"{EVENTS} {LISTS}"), "unauthorized_client", 401)
    refused(await robot.token(sub=OWNER.email), "unauthorized_client", 401)
    other = Robot(app, app.grants.add_service_account("other"))
    refused(await other.token(), "unauthorized_client", 401)
    app.grants.workspace.delegate(DOMAIN, robot.key_file["client_id"], [EVENTS, LISTS])
    assert (await robot.token(scope=f"{EVENTS} {LISTS}")).status_code == 200
    app.grants.workspace.delegate(DOMAIN, robot.key_file["client_id"], [])
    refused(await robot.token(), "unauthorized_client", 401)


def test_only_what_is_there_can_be_delegated(robot: Robot) -> None:
    with pytest.raises(ValueError, match="no domain"):
        robot.app.grants.workspace.delegate("elsewhere.example", robot.key_file["client_id"], [EVENTS])
    with pytest.raises(ValueError, match="no service account"):
        robot.app.grants.workspace.delegate(DOMAIN, "123", [EVENTS])


async def test_a_signature_by_another_key_is_refused(robot: Robot) -> None:
    stranger = RSAKey.import_key(pem(new_private_key()))
    assert refused(await robot.token(key=stranger), "invalid_grant") == "Invalid JWT Signature."


async def test_only_rs256_signs(robot: Robot) -> None:
    now = int(robot.app.clock.now().timestamp())
    claims: dict[str, Any] = {"iss": robot.key_file["client_email"], "sub": TRAINER.email, "scope": EVENTS}
    claims |= {"aud": HERE + "/token", "iat": now, "exp": now + 60}
    public = RSAKey.import_key(robot.key_file["private_key"]).as_pem(private=False)
    for algorithm in ("HS256", "none"):
        signed = ".".join(_encoded(json.dumps(part).encode()) for part in ({"alg": algorithm}, claims))
        signature = _encoded(hmac.digest(public, signed.encode(), "sha256")) if algorithm == "HS256" else ""
        answer = await robot.send(f"{signed}.{signature}")
        assert refused(answer, "invalid_grant") == "Invalid JWT Signature."


def _encoded(part: bytes) -> str:
    return urlsafe_b64encode(part).rstrip(b"=").decode()


@pytest.mark.parametrize(
    ("begins", "lives"),
    [(0, 3601), (-7200, 3600), (-3901, 3600), (400, 3600), (0, -10)],
    ids=["too long", "long ago", "just over", "in the future", "backwards"],
)
async def test_an_assertion_is_short_lived(robot: Robot, begins: int, lives: int) -> None:
    now = int(robot.app.clock.now().timestamp())
    answer = await robot.token(iat=now + begins, exp=now + begins + lives)
    assert "short-lived" in refused(answer, "invalid_grant")


@pytest.mark.parametrize("value", [None, "soon", 1e40, [], {}, True], ids=repr)
@pytest.mark.parametrize("name", ["iat", "exp"])
async def test_times_that_are_none_are_refused(robot: Robot, name: str, value: Any) -> None:
    refused(await robot.token(**{name: value}), "invalid_grant")


async def test_a_clock_may_be_a_little_wrong(robot: Robot) -> None:
    now = int(robot.app.clock.now().timestamp())
    assert (await robot.token(iat=now + 200, exp=now + 3600)).status_code == 200
    assert (await robot.token(iat=now - 3700, exp=now - 200)).status_code == 200


@pytest.mark.parametrize(
    ("claims", "error"),
    [
        ({"iss": "nobody@sandbox.iam.gserviceaccount.com"}, "invalid_grant"),
        ({"iss": ["x"]}, "invalid_grant"),
        ({"iss": None}, "invalid_grant"),
        ({"sub": "nobody@studio.example"}, "invalid_grant"),
        ({"sub": 5}, "invalid_grant"),
        ({"aud": "https://elsewhere.example/token"}, "invalid_grant"),
        ({"aud": [HERE + "/token"]}, "invalid_grant"),
        ({"aud": None}, "invalid_grant"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": ""}, "invalid_scope"),
        ({"scope": "made-up"}, "invalid_scope"),
        ({"scope": [EVENTS]}, "invalid_scope"),
    ],
    ids=repr,
)
async def test_claims_that_are_wrong_are_refused(robot: Robot, claims: dict[str, Any], error: str) -> None:
    refused(await robot.token(**claims), error)


@pytest.mark.parametrize("assertion", ["x", "a.b.c", "..", "é.é.é", "a.W10.c", "a.e30.c", "." * 50, "a." + "W" * 8000])
async def test_what_is_no_jwt_is_refused(robot: Robot, assertion: str) -> None:
    refused(await robot.send(assertion), "invalid_grant")


async def test_an_assertion_must_be_there(robot: Robot) -> None:
    refused(await robot.send(""), "invalid_request")


async def test_revoking_its_token_takes_that_token_only(robot: Robot) -> None:
    first, second = [(await robot.token()).json()["access_token"] for _ in range(2)]
    assert (await robot.app.http.post("/revoke", data={"token": first})).status_code == 200
    assert robot.app.grants.bearer(first) is None
    assert robot.app.grants.bearer(second)
