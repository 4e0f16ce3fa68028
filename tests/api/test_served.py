"""What only shows over a real connection: HEAD, lengths, chunks, what is left unread, odd paths."""

import asyncio
import json
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from kalends.api.application import create_api
from tests.api.conftest import BASE
from tests.api.serving import serving
from tests.api.standins import StandIns

CONNECT = f"{BASE}/connections:connectByCredentials"


@pytest.fixture
async def url(standins: StandIns) -> AsyncIterator[str]:
    async with serving(create_api(standins.services)) as url:
        yield url


async def sent(url: str, head: str, body: bytes = b"", *, token: str = "all") -> tuple[int, dict[str, str], bytes]:
    """Send a request as it stands; return status, headers and body."""
    reader, writer = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
    try:
        writer.write(f"{head}\r\nHost: kalends\r\nAuthorization: {token}\r\nConnection: close\r\n".encode("latin-1"))
        writer.write(b"\r\n" + body)
        async with asyncio.timeout(10):
            answer = await reader.read()
    finally:
        writer.close()
    top, _, content = answer.partition(b"\r\n\r\n")
    status, *lines = top.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return int(status.split()[1]), headers, content


def code(content: bytes) -> str:
    told: str = json.loads(content)["details"]["applicationError"]["code"]
    return told


async def test_head_has_the_headers_of_get_and_no_body(url: str) -> None:
    status, headers, content = await sent(url, f"HEAD {BASE}/connections HTTP/1.1")
    _, of_get, body = await sent(url, f"GET {BASE}/connections HTTP/1.1")
    assert (status, content) == (200, b"")
    assert headers["content-length"] == of_get["content-length"] == str(len(body))
    assert headers["x-wix-request-id"]


async def test_a_token_after_bearer_or_raw_or_empty(url: str, standins: StandIns) -> None:
    for token in ("all", "Bearer all", "", "\xff\xfe"):
        await sent(url, f"GET {BASE}/providers HTTP/1.1", token=token)
    assert [one.authorization for one in standins.headers] == ["all", "Bearer all", "", "\xff\xfe"]


async def test_a_query_that_is_too_long(url: str) -> None:
    status, headers, content = await sent(url, f"GET {BASE}/connections?a={'b' * 49_152} HTTP/1.1")
    assert (status, code(content)) == (414, "QUERY_TOO_LONG")
    assert headers["x-wix-request-id"]


async def test_a_body_that_says_it_is_too_large_is_not_waited_for(url: str) -> None:
    status, _, content = await sent(url, f"POST {CONNECT} HTTP/1.1\r\nContent-Length: 1000000000000")
    assert (status, code(content)) == (413, "REQUEST_TOO_LARGE")


async def test_a_body_that_is_too_large_in_chunks(url: str, standins: StandIns) -> None:
    chunk = b"2000\r\n" + b" " * 0x2000 + b"\r\n"
    assert standins.services.max_request_bytes < 0x2000 * 4
    status, _, content = await sent(url, f"POST {CONNECT} HTTP/1.1\r\nTransfer-Encoding: chunked", chunk * 4)
    assert (status, code(content)) == (413, "REQUEST_TOO_LARGE")


async def test_a_colon_in_the_path_may_be_escaped(url: str) -> None:
    body = b"{}"
    for path in (CONNECT, CONNECT.replace(":", "%3A")):
        head = f"POST {path} HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        status, _, content = await sent(url, head, body)
        assert status == 400
        assert "fieldViolations" in content.decode()


@pytest.mark.parametrize("name", ["%00", "%ff", "%ed%a0%80", "..%2f..", "a%20b", "%F0%9F%98%80"])
async def test_odd_connection_ids(url: str, standins: StandIns, name: str) -> None:
    status, headers, content = await sent(url, f"GET {BASE}/connections/{name} HTTP/1.1")
    assert status in {200, 404}
    assert headers["content-type"] == "application/json"
    assert isinstance(json.loads(content), dict)
    assert all("\0" not in arguments["connection_id"] for _, arguments in standins.calls)


async def test_a_body_that_does_not_come_is_not_waited_for_long(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kalends.api.reading.BODY_DEADLINE_SECONDS", 0.2)
    head = f"POST {CONNECT} HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 100"
    status, _, content = await sent(url, head, b'{"provider')
    assert (status, code(content)) == (408, "REQUEST_TIMEOUT")


@pytest.mark.parametrize("header", ["Authorization: all", "wix-site-id: a\r\nwix-site-id: b"])
async def test_a_header_that_says_twice_who_calls_is_refused(url: str, header: str) -> None:
    status, _, content = await sent(url, f"GET {BASE}/providers HTTP/1.1\r\n{header}")
    assert (status, code(content)) == (401, "UNAUTHENTICATED")
