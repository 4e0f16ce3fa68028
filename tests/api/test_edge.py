"""What holds for every request: the id, CORS, the log, and an answer whatever happens."""

import re
from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest
import structlog
from structlog.testing import capture_logs

from kalends.api.application import create_api
from kalends.model.errors import Conflict, PermissionDenied, PreconditionFailed, ProviderUnavailable, Unauthenticated
from tests.api.conftest import BASE
from tests.api.standins import StandIns, raised

ROOT = "http://kalends.test"


def code(answer: httpx2.Response) -> str:
    told: str = answer.json()["details"]["applicationError"]["code"]
    return told


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (raised(Unauthenticated, code="BAD_CREDENTIALS"), 401),
        (raised(PermissionDenied, code="PREMIUM_FEATURE_NOT_ENABLED"), 403),
        (raised(PreconditionFailed, code="CONNECTION_ALREADY_DISCONNECTED"), 428),
        (raised(Conflict), 409),
        (raised(ProviderUnavailable, data={"failedProviderIds": ["a"]}), 503),
    ],
)
async def test_errors_of_use_cases(
    client: httpx2.AsyncClient, standins: StandIns, error: Exception, status: int
) -> None:
    standins.raises = error
    answer = await client.get("/connections")
    assert (answer.status_code, code(answer)) == (status, getattr(error, "code", None))
    assert answer.json()["details"]["applicationError"]["data"] == getattr(error, "data", None)


async def test_wrong_credentials_of_an_account_do_not_challenge_the_caller(
    client: httpx2.AsyncClient, standins: StandIns
) -> None:
    standins.raises = raised(Unauthenticated, code="BAD_CREDENTIALS")
    assert "www-authenticate" not in (await client.get("/connections")).headers


async def test_an_error_that_quotes_odd_characters(client: httpx2.AsyncClient, standins: StandIns) -> None:
    standins.raises = Conflict("lone \ud800 and \0", data={"was": "\udfff"})
    answer = await client.get("/connections")
    assert answer.status_code == 409
    assert answer.json()["message"] == "lone \ud800 and \0"


async def test_a_failure_tells_nothing(client: httpx2.AsyncClient, standins: StandIns) -> None:
    standins.raises = RuntimeError("SELECT secret [parameters: ('Dentist',)]")
    with capture_logs() as logged:
        answer = await client.get("/connections", headers={"Origin": "https://site.example"})
    assert answer.status_code == 500
    assert answer.json() == {
        "message": "Something went wrong here.",
        "details": {"applicationError": {"code": "INTERNAL"}},
    }
    assert answer.headers["x-wix-request-id"]
    assert answer.headers["access-control-allow-origin"] == "*"
    (failure,) = [line for line in logged if line["event"] == "failed"]
    assert failure["error"] == "RuntimeError"
    assert "standins.py" in failure["trace"]
    assert "Dentist" not in str(logged)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/nothing",
        "/bookings/v2/external-calendar/connections",
        "/calendar/v3/external-calendars/connections",
        f"{BASE}/connections/",
        f"{BASE}/connections/a/b",
        f"{BASE}/connections:connectByMagic",
        f"{BASE}",
        "/docs/",
        "/openapi.yaml",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
async def test_paths_that_are_not_served(client: httpx2.AsyncClient, path: str, method: str) -> None:
    answer = await client.request(method, ROOT + path)
    assert (answer.status_code, code(answer)) == (404, "NOT_FOUND")
    assert BASE in answer.json()["message"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", f"{BASE}/connections", "GET, HEAD, OPTIONS"),
        ("GET", f"{BASE}/connections:connectByOAuth", "OPTIONS, POST"),
        ("DELETE", f"{BASE}/connections/a", "GET, HEAD, OPTIONS"),
        ("PUT", f"{BASE}/connections/a/sync-config", "OPTIONS, PATCH"),
        ("DELETE", "/calendar/v3/schedules/a", "GET, HEAD, OPTIONS, PATCH"),
        ("GET", "/oauth2/token", "OPTIONS, POST"),
        ("POST", "/healthz", "GET, HEAD, OPTIONS"),
        ("POST", "/docs", "GET, HEAD, OPTIONS"),
    ],
)
async def test_methods_that_are_not_served(client: httpx2.AsyncClient, method: str, path: str, allowed: str) -> None:
    answer = await client.request(method, ROOT + path)
    assert (answer.status_code, code(answer)) == (405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == allowed
    options = await client.request("OPTIONS", ROOT + path)
    assert (options.status_code, options.headers["allow"], options.content) == (204, allowed, b"")


async def test_head_is_answered_like_get(client: httpx2.AsyncClient) -> None:
    assert (await client.head("/connections")).status_code == 200
    assert (await client.head("/connections?partialFailure=x")).status_code == 400


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("GET", f"{ROOT}{BASE}/connections"),
        ("GET", f"{ROOT}{BASE}/connections?scheduleIds=x"),
        ("GET", f"{ROOT}/nothing"),
        ("PUT", f"{ROOT}{BASE}/connections"),
        ("GET", f"{ROOT}/healthz"),
        ("POST", f"{ROOT}/oauth2/token"),
        ("OPTIONS", f"{ROOT}{BASE}/connections"),
    ],
)
async def test_every_answer_carries_an_id_of_its_own(client: httpx2.AsyncClient, method: str, url: str) -> None:
    ids = {(await client.request(method, url)).headers["x-wix-request-id"] for _ in range(3)}
    assert len(ids) == 3
    assert all(re.fullmatch(r"[0-9a-f]{24}", one) for one in ids)


async def test_the_id_is_bound_to_every_log_line(standins: StandIns, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []

    async def look() -> None:
        seen.append(structlog.contextvars.get_contextvars().get("request_id"))

    monkeypatch.setattr(standins, "check_database", look)
    async with client_of(standins) as own:
        answer = await own.get("/healthz")
    assert seen == [answer.headers["x-wix-request-id"]]
    assert structlog.contextvars.get_contextvars() == {}


async def test_one_line_is_logged_and_says_no_secret(client: httpx2.AsyncClient) -> None:
    with capture_logs() as logged:
        answer = await client.get("/connections/SecretConnection?access_token=SecretToken&.r=Secret")
        await client.get(f"{ROOT}/SecretPath")
    assert [(line["method"], line["route"], line["status"]) for line in logged] == [
        ("GET", f"{BASE}/connections/{{connection_id}}", 400),
        ("GET", None, 404),
    ]
    assert logged[0]["request_id"] == answer.headers["x-wix-request-id"]
    assert logged[0]["ms"] >= 0
    assert "Secret" not in str(logged)


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH"])
async def test_browsers_may_ask_first(client: httpx2.AsyncClient, method: str) -> None:
    wanted = "authorization,content-type,wix-site-id,wix-account-id,x-wix-bi-gateway,x-wix-consistent"
    answer = await client.options(
        "/connections",
        headers={
            "Origin": "https://site.example",
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": wanted,
        },
    )
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert method in answer.headers["access-control-allow-methods"].split(", ")
    allowed = {one.strip().lower() for one in answer.headers["access-control-allow-headers"].split(",")}
    assert set(wanted.split(",")) <= allowed
    assert answer.headers["x-wix-request-id"]


@pytest.mark.parametrize("path", ["/connections", "/connections?scheduleIds=x", "/nothing"])
async def test_browsers_may_read_answers_and_errors(client: httpx2.AsyncClient, path: str) -> None:
    answer = await client.get(path, headers={"Origin": "https://site.example"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
    exposed = answer.headers["access-control-expose-headers"].lower().split(", ")
    assert {"x-wix-request-id", "x-wix-consistent"} <= set(exposed)


async def test_health(client: httpx2.AsyncClient, standins: StandIns) -> None:
    well = await client.get(f"{ROOT}/healthz", headers={"Authorization": ""})
    assert (well.status_code, well.json()) == (200, {"status": "ok"})
    standins.raises = RuntimeError("password of the database")
    ill = await client.get(f"{ROOT}/healthz")
    assert (ill.status_code, ill.json()) == (503, {"status": "unavailable"})


def client_of(standins: StandIns) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=create_api(standins.services)), base_url=ROOT)


async def test_a_caller_who_leaves_in_the_middle_of_a_body(standins: StandIns) -> None:
    sent = []
    messages: Iterator[dict[str, object]] = iter(
        [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]
    )

    async def receive() -> dict[str, object]:
        return next(messages)

    async def send(message: object) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": f"{BASE}/connections/a/disconnect",
        "query_string": b"",
        "headers": [(b"authorization", b"all")],
    }
    with capture_logs() as logged:
        await create_api(standins.services)(scope, receive, send)
    assert [line["event"] for line in logged] == ["request"]
    assert logged[0]["status"] == 400
    assert not standins.calls


async def test_the_body_of_a_stranger_is_not_read(client: httpx2.AsyncClient) -> None:
    read = []

    async def watched() -> AsyncIterator[bytes]:
        read.append(1)
        yield b"{}"

    answer = await client.post("/connections:connectByOAuth", content=watched(), headers={"Authorization": "unknown"})
    assert answer.status_code == 401
    assert not read
