"""How the API is asked, and what its refusals mean."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from kalends.net.client import Limits
from kalends.net.policy import NetPolicy
from kalends.providers.errors import (
    CalendarGone,
    CredentialsRefused,
    CursorRefused,
    NotSupported,
    ProviderError,
    Unavailable,
)
from kalends.providers.google.client import BASE_URL, CalendarApi
from kalends.providers.google.errors import BY_STATUS, MEANINGS, Meaning, Refusal
from tests.net.loopback import Asked, Server, raw, reply, serve
from tests.providers.contract import CountingClient
from tests.providers.google.scripted import JSON, Tokens, refusal, said
from tests.servers import LOOPBACK

TITLE = "a secret title"


@asynccontextmanager
async def answering(*answers: bytes, limits: Limits | None = None) -> AsyncIterator[tuple[CalendarApi, Tokens, Server]]:
    """Serve the answers in turn; the last one is repeated."""
    left = list(answers)

    async def answer(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(left.pop(0) if len(left) > 1 else left[0])
        await writer.drain()

    tokens = Tokens()
    async with serve(answer) as server, CountingClient(LOOPBACK, limits=limits) as client:
        yield CalendarApi(client, tokens, f"http://{server.place}/calendar/v3"), tokens, server


async def refused(answer: bytes) -> ProviderError:
    async with answering(answer) as (api, _, _):
        with pytest.raises(ProviderError) as caught:
            await api.get("calendars", "c", "events")
    return caught.value


def test_google_is_asked_where_it_is_unless_somebody_stands_in_for_it() -> None:
    assert BASE_URL == "https://www.googleapis.com/calendar/v3"


async def test_a_request_names_segments_and_parameters_percent_encoded_and_carries_the_token() -> None:
    async with answering(said(kind="x")) as (api, tokens, server):
        assert await api.get("calendars", "a/b#c@group.v?ä", "events", q="1 + 1", t="2026-01-01T00:00:00Z")
    (asked,) = server.asked
    assert asked.method == "GET"
    assert asked.target == (
        "/calendar/v3/calendars/a%2Fb%23c%40group.v%3F%C3%A4/events?q=1%20%2B%201&t=2026-01-01T00%3A00%3A00Z"
    )
    assert asked.headers["authorization"] == "Bearer token-1"
    assert asked.headers["accept"] == "application/json"
    assert tokens.asked == [False]


async def test_a_body_is_sent_as_json_and_no_content_is_an_empty_answer() -> None:
    async with answering(raw(204)) as (api, _, server):
        assert await api.call("POST", ("channels", "stop"), body={"id": "ä"}) == {}
    (asked,) = server.asked
    assert (asked.method, asked.target) == ("POST", "/calendar/v3/channels/stop")
    assert asked.headers["content-type"] == "application/json; charset=utf-8"
    assert json.loads(asked.body) == {"id": "ä"}


async def test_a_version_that_is_meant_goes_along_also_when_the_token_is_renewed() -> None:
    async with answering(refusal(401, "authError"), said(kind="x")) as (api, _, server):
        await api.call("PATCH", ("c",), body={}, if_match='"7"')
        await api.get("c")
    assert [asked.headers.get("if-match") for asked in server.asked] == ['"7"', '"7"', None]


async def test_a_caller_may_know_better_what_a_refusal_means_by_its_reason_or_its_status() -> None:
    known = {(409, "duplicate"): NotSupported, (410, ""): CredentialsRefused}
    for answer, error in (
        (refusal(409, "duplicate"), NotSupported),
        (refusal(409, "conflict"), Unavailable),
        (refusal(410, "deleted"), CredentialsRefused),
        (refusal(404, "notFound"), CalendarGone),
    ):
        async with answering(answer) as (api, _, _):
            with pytest.raises(error) as caught:
                await api.call("DELETE", ("c",), refusals=known)
            assert type(caught.value) is error
            assert TITLE not in str(caught.value)


async def test_a_token_that_is_refused_is_asked_for_anew_once_and_the_request_is_repeated() -> None:
    async with answering(refusal(401, "authError"), said(kind="x")) as (api, tokens, server):
        assert await api.get("c") == {"kind": "x"}
    assert tokens.asked == [False, True]
    assert [asked.headers["authorization"] for asked in server.asked] == ["Bearer token-1", "Bearer token-2"]


async def test_two_tokens_refused_one_after_the_other_are_the_accounts_credentials() -> None:
    async with answering(refusal(401, "authError")) as (api, tokens, server):
        with pytest.raises(CredentialsRefused):
            await api.get("c")
    assert tokens.asked == [False, True]
    assert len(server.asked) == 2


@pytest.mark.parametrize("token", ["", "a b", "a\r\nX-More: 1", "ä"])
async def test_a_token_that_cannot_be_sent_is_not(token: str) -> None:
    async def odd(*, refused: bool = False) -> str:
        del refused
        return token

    async with serve(reply()) as server, CountingClient(LOOPBACK) as client:
        with pytest.raises(CredentialsRefused):
            await CalendarApi(client, odd, f"http://{server.place}").get("c")
    assert server.asked == []


async def test_a_token_goes_over_plain_http_only_where_the_operator_allowed_it() -> None:
    async with serve(reply()) as server, CountingClient(NetPolicy.parse()) as client:
        with pytest.raises(Unavailable):
            await CalendarApi(client, Tokens(), f"http://{server.place}").get("c")
    assert server.asked == []


async def test_a_token_does_not_follow_a_redirect_to_another_server() -> None:
    async with serve(reply()) as other:
        there = raw(302, b"", {"Location": f"http://{other.place}/calendar/v3/c"})
        async with answering(there) as (api, _, _):
            with pytest.raises(Unavailable):
                await api.get("c")
    assert other.asked == []


@pytest.mark.parametrize(
    ("status", "reason", "kind"),
    [
        (403, "rateLimitExceeded", Unavailable),
        (403, "userRateLimitExceeded", Unavailable),
        (403, "quotaExceeded", Unavailable),
        (403, "dailyLimitExceeded", Unavailable),
        (429, "rateLimitExceeded", Unavailable),
        (429, "", Unavailable),
        (403, "insufficientPermissions", CredentialsRefused),
        (403, "forbidden", NotSupported),
        (403, "accessNotConfigured", NotSupported),
        (403, "requiredAccessLevel", NotSupported),
        (403, "never heard of", NotSupported),
        (403, "", NotSupported),
        (404, "notFound", CalendarGone),
        (410, "deleted", CalendarGone),
        (410, "fullSyncRequired", CursorRefused),
        (410, "updatedMinTooLongAgo", CursorRefused),
        (410, "", CursorRefused),
        (400, "badRequest", Unavailable),
        (409, "duplicate", Unavailable),
        (500, "backendError", Unavailable),
        (503, "", Unavailable),
    ],
)
async def test_each_refusal_has_its_meaning(status: int, reason: str, kind: type[ProviderError]) -> None:
    error = await refused(refusal(status, reason))
    assert type(error) is kind
    assert str(status) in str(error)
    assert TITLE not in str(error) + error.public


@pytest.mark.parametrize("location", ["syncToken", "pageToken"])
async def test_a_token_that_is_called_invalid_leads_to_reading_all_again(location: str) -> None:
    assert type(await refused(refusal(400, "invalid", location=location))) is CursorRefused
    assert type(await refused(refusal(400, "invalid", location="timeMin"))) is Unavailable


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (refusal(403, "rateLimitExceeded"), timedelta(minutes=1)),
        (refusal(403, "rateLimitExceeded", headers={"Retry-After": "7"}), timedelta(seconds=7)),
        (refusal(429, headers={"Retry-After": "120"}), timedelta(minutes=2)),
        (refusal(403, "dailyLimitExceeded"), timedelta(hours=1)),
        (refusal(503, "backendError", headers={"Retry-After": "9"}), timedelta(seconds=9)),
        (raw(503, b"<html>busy</html>", {"Retry-After": "9"}), timedelta(seconds=9)),
        (refusal(500, "backendError"), None),
    ],
)
async def test_who_asks_too_often_is_told_when_to_come_again(answer: bytes, wait: timedelta | None) -> None:
    error = await refused(answer)
    assert isinstance(error, Unavailable)
    assert error.retry_after == wait


@pytest.mark.parametrize("status", [200, 401, 403, 404, 410, 500])
@pytest.mark.parametrize(
    "body", [b"", b"<html></html>", b"[]", b'"x"', b"{", b"\xff\xfe{}x", b"[" * 100_000, b'{"a":' * 100_000]
)
async def test_what_is_no_json_object_is_no_answer_of_googles_whatever_its_status(status: int, body: bytes) -> None:
    error = await refused(raw(status, body, JSON))
    assert type(error) is Unavailable


@pytest.mark.parametrize("error", [None, "invalid_grant", [], {"errors": {}}, {"errors": []}, {"errors": ["x"]}])
async def test_a_refusal_of_another_shape_means_what_its_status_means(error: object) -> None:
    assert type(await refused(said(404, error=error))) is CalendarGone


async def test_an_answer_that_is_too_large_or_does_not_come_is_a_temporary_failure() -> None:
    async with answering(said(x="y" * 2_000), limits=Limits(max_bytes=1_000)) as (api, _, _):
        with pytest.raises(Unavailable):
            await api.get("c")
    async with CountingClient(LOOPBACK) as client:
        with pytest.raises(Unavailable):
            await CalendarApi(client, Tokens(), "http://127.0.0.1:1/calendar/v3").get("c")


async def test_large_answers_are_read_too() -> None:
    async with answering(said(x="y" * 200_000)) as (api, _, _):
        assert len((await api.get("c"))["x"]) == 200_000


def test_no_meaning_of_the_table_is_lost_and_texts_are_not_repeated() -> None:
    for (status, reason), meaning in MEANINGS.items():
        assert Refusal(status, reason).meaning is meaning
    for status, meaning in BY_STATUS.items():
        assert Refusal(status, "neverHeardOf").meaning is meaning
    assert Refusal(418).meaning is Meaning.TROUBLE
    odd = Refusal.of(403, {"error": {"errors": [{"reason": "Meeting with Bob", "location": 7}]}})
    assert odd == Refusal(403)


def test_what_the_public_is_told_is_the_tables_and_else_the_errors_own() -> None:
    error = Refusal(403, "forbidden").error("api.test")
    assert (str(error), error.public) == ("api.test answered 403 forbidden", "Google does not allow this.")
    assert Refusal(404).error("api.test").public == CalendarGone.default_public
