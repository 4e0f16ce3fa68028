"""Bodies and queries that cannot be read get a clear refusal, never a 500."""

import json
from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.api.standins import StandIns

PATH = "/connections:connectByCredentials"


async def refused(
    client: httpx2.AsyncClient, content: bytes, content_type: str = "application/json"
) -> tuple[int, str]:
    answer = await client.post(PATH, content=content, headers={"Content-Type": content_type})
    told = answer.json()["details"]["applicationError"]
    assert set(told) == {"code", "description", "data"}
    assert answer.json()["message"] == told["description"]
    return answer.status_code, told["code"]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'"text"',
        b"null",
        b"1",
        b"{} {}",
        b"{'a': 1}",
        b'{"a": NaN}',
        b'{"email": "\xff"}',
        b'{"email": "\\ud800"}',
        b"\xef\xbb\xbf{}",
        b'{"a":' + b"[" * 4000 + b"]" * 4000 + b"}",
        b'{"a":' + b"9" * 5000 + b"}",
    ],
)
async def test_what_is_no_json_object(client: httpx2.AsyncClient, body: bytes) -> None:
    assert await refused(client, body) == (400, "MALFORMED_JSON")


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "text/plain", "nonsense", "application/jsonp"]
)
async def test_what_is_no_json_by_its_type(client: httpx2.AsyncClient, content_type: str) -> None:
    assert await refused(client, b"{}", content_type) == (400, "UNSUPPORTED_CONTENT_TYPE")


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "Application/JSON", "application/problem+json"]
)
async def test_types_that_are_json(client: httpx2.AsyncClient, content_type: str) -> None:
    answer = await client.post(PATH, content=b"{}", headers={"Content-Type": content_type})
    assert "validationError" in answer.json()["details"]


@pytest.mark.parametrize("body", [b"", b" \r\n"])
async def test_an_empty_body_is_an_empty_object(client: httpx2.AsyncClient, standins: StandIns, body: bytes) -> None:
    answer = await client.post("/connections/any/disconnect", content=body, headers={"Content-Type": "text/plain"})
    assert answer.status_code == 200
    assert standins.asked["connection_id"] == "any"


async def test_a_body_that_is_too_large(client: httpx2.AsyncClient, standins: StandIns) -> None:
    limit = standins.services.max_request_bytes
    assert await refused(client, b" " * (limit + 1)) == (413, "REQUEST_TOO_LARGE")
    fits = json.dumps({"a": ""}).encode().ljust(limit)
    assert "validationError" in (await client.post(PATH, content=fits)).json()["details"]


async def test_a_body_of_unknown_length_is_not_read_further_than_the_limit(
    client: httpx2.AsyncClient, standins: StandIns
) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 1000
            assert read < standins.services.max_request_bytes * 2
            yield b" " * 1000

    answer = await client.post(PATH, content=endless())
    assert answer.status_code == 413


async def test_two_hundred_ids_fit_into_a_query(client: httpx2.AsyncClient, standins: StandIns) -> None:
    ids = [f"00000000-0000-4000-8000-{number:012}" for number in range(100)]
    query = [("from", "2024-01-01T00:00:00Z"), ("to", "2024-02-01T00:00:00Z")]
    answer = await client.get(
        "/events", params=[*query, *(("scheduleIds", one) for one in ids), *(("userIds", one) for one in ids)]
    )
    assert answer.status_code == 200
    assert standins.asked["query"].user_ids == tuple(ids)


async def test_too_many_parameters(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/connections?" + "a&" * 1001)
    assert (answer.status_code, answer.json()["details"]["applicationError"]["code"]) == (400, "MALFORMED_REQUEST")


@pytest.mark.parametrize(
    "query", ["%", "%ff=%fe", "=", "&&&", "a" * 40_000, "scheduleIds", "cursorPaging=x&cursorPaging.limit.deeper=1"]
)
async def test_odd_queries_do_no_harm(client: httpx2.AsyncClient, query: str) -> None:
    assert (await client.get(f"/providers?{query}")).status_code == 200
    assert (await client.get(f"/connections?{query}")).status_code in {200, 400}
