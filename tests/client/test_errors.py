import asyncio
import copy
import pickle
from typing import Any

import pytest

import kalends.client
from kalends.client import (
    ApiError,
    BadCredentials,
    Conflict,
    ConnectionFailed,
    FieldViolation,
    InvalidRequest,
    KalendsClientError,
    NotAuthenticated,
    NotFound,
    PermissionDenied,
    PreconditionFailed,
    ProviderUnavailable,
    RateLimited,
    Retries,
    ServerError,
    TimedOut,
    TokenRefused,
    TransportError,
)
from tests.client.calling import Kind, answer, calling, providers, refused, script
from tests.net.loopback import Answer, Asked, raw, send, serve
from tests.servers import free_port

ONCE = Retries(times=0)
KINDS: dict[str, tuple[bytes, type[ApiError]]] = {
    "400": (refused(400, "MALFORMED_REQUEST"), InvalidRequest),
    "401": (refused(401, "UNAUTHENTICATED"), NotAuthenticated),
    "401 of the account": (refused(401, "BAD_CREDENTIALS"), BadCredentials),
    "403": (refused(403, "PREMIUM_FEATURE_NOT_ENABLED"), PermissionDenied),
    "404": (refused(404, "CONNECTION_NOT_FOUND"), NotFound),
    "409": (refused(409, "ABORTED"), Conflict),
    "413": (refused(413, "REQUEST_TOO_LARGE"), ApiError),
    "428": (refused(428, "CONNECTION_NOT_CONNECTED"), PreconditionFailed),
    "429": (refused(429, "RESOURCE_EXHAUSTED"), RateLimited),
    "500": (refused(500, "INTERNAL"), ServerError),
    "503": (refused(503, "UNAVAILABLE"), ServerError),
    "503 of a provider": (refused(503, "PROVIDER_UNAVAILABLE"), ProviderUnavailable),
}


async def failing(kind: Kind, reply: bytes | Answer, **options: Any) -> Any:
    """Return the error that a call ends with, and never a second try."""
    reply = script(reply) if isinstance(reply, bytes) else reply
    async with serve(reply) as server, calling(kind, f"http://{server.place}", retries=ONCE, **options) as call:
        with pytest.raises(KalendsClientError) as raised:
            await call(providers)
    assert len(server.asked) == 1
    return raised.value


@pytest.mark.parametrize(("reply", "expected"), KINDS.values(), ids=KINDS)
async def test_each_refusal_has_its_class(kind: Kind, reply: bytes, expected: type[ApiError]) -> None:
    error = await failing(kind, reply)
    assert type(error) is expected
    assert f"{error.status} {error.code}: It is refused." == str(error)
    assert error.violations == ()


async def test_violations_and_the_request_id_are_told(kind: Kind) -> None:
    violation = {"field": "scheduleIds[0]", "description": "must be a GUID", "violatedRule": "FORMAT"}
    more = {
        "field": "to",
        "description": "later",
        "violatedRule": "OTHER",
        "ruleName": "SPAN_LIMIT",
        "data": {"days": 1},
    }
    body = {"message": "INVALID", "details": {"validationError": {"fieldViolations": [violation, more]}}}
    error = await failing(kind, answer(body, 400, x_wix_request_id="abc"))
    assert error.violations == (
        FieldViolation("scheduleIds[0]", "must be a GUID", "FORMAT"),
        FieldViolation("to", "later", "OTHER", "SPAN_LIMIT", {"days": 1}),
    )
    assert (str(error), error.code, error.request_id) == ("400: INVALID (request abc)", None, "abc")


async def test_a_provider_that_failed_is_named(kind: Kind) -> None:
    data = {"failedProviderIds": ["p"], "failedConnectionIds": ["c1", "c2"]}
    error = await failing(kind, refused(503, "PROVIDER_UNAVAILABLE", data))
    assert (error.failed_provider_ids, error.failed_connection_ids) == (("p",), ("c1", "c2"))
    assert error.failed_schedule_ids == ()


STRANGE = {
    "a proxy's page": raw(502, b"<html>Bad gateway</html>"),
    "nothing": raw(502),
    "no object": answer([1], 502),
    "no details": answer({"message": None, "details": []}, 502),
    "details of other types": answer(
        {"details": {"applicationError": "x", "validationError": {"fieldViolations": [7, {}]}}}, 502
    ),
}


@pytest.mark.parametrize("reply", STRANGE.values(), ids=STRANGE)
async def test_an_error_that_nobody_foresaw_is_still_one_of_ours(kind: Kind, reply: bytes) -> None:
    error = await failing(kind, reply)
    assert isinstance(error, ServerError)
    assert (error.status, error.code, str(error)) == (502, None, "502: The server gives no reason.")


async def test_no_connection(kind: Kind) -> None:
    port = free_port()
    async with calling(kind, f"http://127.0.0.1:{port}", retries=ONCE) as call:
        with pytest.raises(ConnectionFailed, match=f"There is no connection to 127.0.0.1:{port}") as raised:
            await call(providers)
    assert not raised.value.outcome_unknown


CUT = {
    "no answer": send(b"", hang_up=True),
    "half a head": send(b"HTTP/1.1 200 OK\r\nContent-", hang_up=True),
    "half a body": send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", hang_up=True),
    "no http": send(b"SSH-2.0-server\r\n\r\n", hang_up=True),
}


@pytest.mark.parametrize("reply", CUT.values(), ids=CUT)
async def test_an_answer_that_is_cut_short(kind: Kind, reply: Answer) -> None:
    error = await failing(kind, reply)
    assert isinstance(error, ConnectionFailed)
    assert error.outcome_unknown


async def test_no_answer_in_time(kind: Kind) -> None:
    async def never(_asked: Asked, _writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    error = await failing(kind, never, timeout=0.2)
    assert isinstance(error, TimedOut)
    assert error.outcome_unknown
    assert "did not answer within 0.2 s" in str(error)


async def test_an_answer_that_drips_ends_at_the_time_limit(kind: Kind) -> None:
    async def dripping(_asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.05)

    error = await failing(kind, dripping, timeout=0.5)
    assert isinstance(error, TimedOut)
    assert "not complete after 0.5 s" in str(error)


@pytest.mark.parametrize(
    "error",
    [
        InvalidRequest(400, "X", "wrong", data={"a": 1}, request_id="r", violations=(FieldViolation("a", "b", "MAX"),)),
        TimedOut("too slow", outcome_unknown=True),
        TokenRefused("invalid_client", "who is that?"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_can_be_raised_across_processes(error: KalendsClientError) -> None:
    error.add_note("somewhere")
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(again) is type(error)
        assert str(again) == str(error)
        assert vars(again) == vars(error)


def test_the_errors_are_one_tree() -> None:
    kinds = [value for value in vars(kalends.client).values() if isinstance(value, type)]
    errors = [one for one in kinds if issubclass(one, Exception)]
    assert len(errors) == 17
    assert all(issubclass(one, KalendsClientError) for one in errors)
    assert not issubclass(BadCredentials, NotAuthenticated)
    assert not issubclass(TransportError, ApiError)
