"""The token endpoint, as the official SDK and as RFC 6749 call it."""

from base64 import b64encode
from typing import Any

import httpx2
import pytest

from tests.api.standins import StandIns

URL = "http://kalends.test/oauth2/token"
ASKED = {"client_id": "app", "client_secret": "right", "grant_type": "client_credentials"}
GRANT = {"grant_type": "client_credentials"}


def basic(client_id: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"{client_id}:{secret}".encode()).decode()}


@pytest.fixture(autouse=True)
def nobody(client: httpx2.AsyncClient) -> None:
    del client.headers["Authorization"]


def check_token(answer: httpx2.Response) -> None:
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"access_token": "all", "token_type": "Bearer", "expires_in": 14_400}
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"


async def test_as_the_sdk_asks(client: httpx2.AsyncClient, standins: StandIns) -> None:
    check_token(await client.post(URL, json={**ASKED, "instance_id": "site's"}))
    assert standins.asked == {"client_id": "app", "client_secret": "right", "instance_id": "site's"}


@pytest.mark.parametrize("instance", [{}, {"instance_id": None}, {"instance_id": ""}])
async def test_without_an_instance(client: httpx2.AsyncClient, standins: StandIns, instance: dict[str, Any]) -> None:
    check_token(await client.post(URL, json={**ASKED, **instance}))
    assert standins.asked["instance_id"] is None


async def test_as_a_form(client: httpx2.AsyncClient, standins: StandIns) -> None:
    check_token(await client.post(URL, data={**ASKED, "client_id": "an app", "scope": "any"}))
    assert standins.asked["client_id"] == "an app"


async def test_by_basic(client: httpx2.AsyncClient, standins: StandIns) -> None:
    check_token(await client.post(URL, data=GRANT, headers=basic("an+app%3A", "right")))
    assert standins.asked == {"client_id": "an app:", "client_secret": "right", "instance_id": None}


async def test_by_basic_with_json_and_the_id_again(client: httpx2.AsyncClient) -> None:
    check_token(await client.post(URL, json={**GRANT, "client_id": "app"}, headers=basic("app", "right")))


def check_refusal(answer: httpx2.Response, status: int, error: str) -> None:
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.text
    assert set(answer.json()) == {"error", "error_description"}
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-wix-request-id"]
    assert ("www-authenticate" in answer.headers) == (status == 401)


@pytest.mark.parametrize(
    ("asked", "headers", "status", "error"),
    [
        ({**ASKED, "client_secret": "wrong"}, {}, 401, "invalid_client"),
        (GRANT, basic("app", "wrong"), 401, "invalid_client"),
        (GRANT, {"Authorization": "Basic !"}, 401, "invalid_client"),
        (GRANT, {"Authorization": "Basic " + b64encode(b"\xff:").decode()}, 401, "invalid_client"),
        (GRANT, {}, 400, "invalid_request"),
        ({**GRANT, "client_id": "app"}, {}, 400, "invalid_request"),
        (ASKED, basic("app", "right"), 400, "invalid_request"),
        ({**GRANT, "client_id": "other"}, basic("app", "right"), 400, "invalid_request"),
        ({}, {}, 400, "invalid_request"),
        ({**ASKED, "grant_type": "password"}, {}, 400, "unsupported_grant_type"),
        ({"clientId": "app", "grantType": "anonymous"}, {}, 400, "unsupported_grant_type"),
        ({**ASKED, "grant_type": ["client_credentials"]}, {}, 400, "invalid_request"),
        ({**ASKED, "client_id": 5}, {}, 400, "invalid_request"),
        ({**ASKED, "client_id": "a\0"}, {}, 400, "invalid_request"),
        ({**ASKED, "client_secret": "s" * 1001}, {}, 400, "invalid_request"),
        ([], {}, 400, "invalid_request"),
    ],
)
async def test_refusals(
    client: httpx2.AsyncClient, asked: object, headers: dict[str, str], status: int, error: str
) -> None:
    check_refusal(await client.post(URL, json=asked, headers=headers), status, error)


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"", "application/json"),
        (b"{", "application/json"),
        (b"grant_type=client_credentials", "text/plain"),
        (b"client_id=a&client_id=b&client_secret=c&grant_type=client_credentials", "application/x-www-form-urlencoded"),
        (b"\xff=1", "application/x-www-form-urlencoded"),
        (b"a=1&" * 50, "application/x-www-form-urlencoded"),
    ],
)
async def test_what_cannot_be_read(client: httpx2.AsyncClient, content: bytes, content_type: str) -> None:
    answer = await client.post(URL, content=content, headers={"Content-Type": content_type})
    check_refusal(answer, 400, "invalid_request")


async def test_what_is_too_large(client: httpx2.AsyncClient) -> None:
    answer = await client.post(URL, content=b" " * 30_000)
    assert (answer.status_code, answer.json()["details"]["applicationError"]["code"]) == (413, "REQUEST_TOO_LARGE")


async def test_the_token_is_taken(client: httpx2.AsyncClient) -> None:
    token = (await client.post(URL, json=ASKED)).json()["access_token"]
    assert (await client.get("/providers", headers={"Authorization": token})).status_code == 200
