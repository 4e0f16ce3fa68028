"""What comes of Graph's answers, where they are no JSON, or refuse."""

import asyncio
from datetime import timedelta

import pytest

from kalends.providers.errors import CalendarGone, CredentialsRefused, NotSupported, ProviderError, Unavailable
from kalends.providers.microsoft.client import PREFERENCES, GraphApi
from kalends.providers.microsoft.errors import Meaning, Refusal
from tests.net.loopback import Asked, raw, serve
from tests.providers.contract import CountingClient
from tests.providers.google.scripted import JSON, Tokens, said
from tests.servers import LOOPBACK


async def asked(*answers: bytes) -> tuple[list[Asked], Tokens, object]:
    """Have the answers given in turn to one request; return how it was asked, the tokens, and what came of it."""
    left = list(answers)

    async def answer(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(left.pop(0))
        await writer.drain()

    tokens = Tokens()
    async with serve(answer) as server, CountingClient(LOOPBACK) as client:
        api = GraphApi(client, tokens, f"http://{server.place}")
        try:
            came: object = await api.call("PATCH", api.url("events", "1"), {"subject": "ä"}, version='W/"1"')
        except ProviderError as error:
            came = error
    return server.asked, tokens, came


async def test_a_request_says_what_it_prefers_and_which_version_it_means() -> None:
    (one,), _, came = await asked(said(id="1"))
    assert came == {"id": "1"}
    assert one.target == "/v1.0/me/events/1"
    sent = {name: one.headers[name] for name in ("accept", "content-type", "if-match", "prefer", "authorization")}
    assert sent == {
        "accept": "application/json",
        "content-type": "application/json",
        "if-match": 'W/"1"',
        "prefer": PREFERENCES,
        "authorization": "Bearer token-1",
    }


async def test_a_token_that_is_refused_is_asked_for_anew_once() -> None:
    requests, tokens, came = await asked(said(401), said(401))
    assert isinstance(came, CredentialsRefused)
    assert tokens.asked == [False, True]
    assert [one.headers["authorization"] for one in requests] == ["Bearer token-1", "Bearer token-2"]


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_nothing_is_an_empty_answer_where_it_is_none_of_a_refusal(status: int) -> None:
    assert (await asked(raw(status)))[2] == {}


@pytest.mark.parametrize("body", [b"[]", b"null", b"<html>", b'{"id":'])
async def test_what_is_no_json_object_is_no_answer_but_may_be_a_refusal(body: bytes) -> None:
    assert type((await asked(raw(200, body, JSON)))[2]) is Unavailable
    assert type((await asked(raw(404, body, JSON)))[2]) is CalendarGone


async def test_a_refusal_without_a_body_tells_when_to_come_again() -> None:
    _, _, told = await asked(raw(503, b"", {"Retry-After": "9"}))
    _, _, silent = await asked(raw(503))
    _, _, often = await asked(raw(429))
    waits = [one.retry_after for one in (told, silent, often) if isinstance(one, Unavailable)]
    assert waits == [timedelta(seconds=9), None, timedelta(minutes=1)]


def test_what_the_public_is_told_is_the_tables_and_else_the_errors_own() -> None:
    refused = Refusal(403, "ErrorAccessDenied")
    assert refused.meaning is Meaning.NOT_ALLOWED
    error = refused.error("graph.test")
    assert isinstance(error, NotSupported)
    assert (str(error), error.public) == ("graph.test answered 403 ErrorAccessDenied", "Microsoft does not allow this.")
    assert Refusal(404).error("graph.test").public == CalendarGone.default_public
