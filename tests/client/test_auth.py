"""Tokens of client credentials: fetched once, kept, replaced in time, and replaced when they are refused."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from kalends.client import (
    AccessToken,
    ApiKey,
    AsyncKalends,
    BadCredentials,
    ClientCredentials,
    Kalends,
    NotAuthenticated,
    ProtocolError,
    RateLimited,
    Retries,
    TokenRefused,
    TransportError,
)
from tests.client.calling import PROVIDERS, Kind, answer, calling, providers, refused
from tests.net.loopback import Asked, Server, raw, send, serve
from tests.world import ManualClock

APP = ClientCredentials("an-app", "its-secret", "an-instance")
TOKEN_PATH = "/oauth2/token"
UNKNOWN = refused(401, "UNAUTHENTICATED")


@dataclass
class Issuer:
    """A server that issues `token-1`, `token-2` …, and takes none but the last of them unless told otherwise."""

    lifetime: Any = 14_400
    issued: int = 0
    refuse: set[str] = field(default_factory=set)
    instead: list[bytes] = field(default_factory=list)
    """What the next requests for a token are answered with."""
    calls: bytes = PROVIDERS
    wait: asyncio.Event | None = None

    async def __call__(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        await send(await self._answer(asked))(asked, writer)

    async def _answer(self, asked: Asked) -> bytes:
        if asked.target != TOKEN_PATH:
            return UNKNOWN if asked.headers["authorization"] in self.refuse else self.calls
        if self.wait is not None:
            await self.wait.wait()
        if self.instead:
            return self.instead.pop(0)
        self.issued += 1
        life = {} if self.lifetime is None else {"expires_in": self.lifetime}
        return answer({"access_token": f"token-{self.issued}", "token_type": "Bearer", **life})


@asynccontextmanager
async def running(issuer: Issuer) -> AsyncIterator[tuple[Server, str]]:
    async with serve(issuer) as server:
        yield server, f"http://{server.place}"


def used(server: Server) -> list[str]:
    """The tokens of the calls, in their order."""
    return [one.headers["authorization"] for one in server.asked if one.target != TOKEN_PATH]


async def test_a_token_is_fetched_once_and_kept(kind: Kind) -> None:
    async with running(Issuer()) as (server, url), calling(kind, url, auth=APP) as call:
        await call(providers)
        await call(providers)
        (token_request,) = [one for one in server.asked if one.target == TOKEN_PATH]
        assert json.loads(token_request.body) == {
            "grant_type": "client_credentials",
            "client_id": "an-app",
            "client_secret": "its-secret",
            "instance_id": "an-instance",
        }
        assert (token_request.method, token_request.headers["content-type"]) == ("POST", "application/json")
        assert "authorization" not in token_request.headers
        assert used(server) == ["token-1", "token-1"]


async def test_without_an_instance_none_is_named(kind: Kind) -> None:
    async with running(Issuer()) as (server, url), calling(kind, url, auth=ClientCredentials("a", "b")) as call:
        await call(providers)
        assert "instance_id" not in json.loads(server.asked[0].body)


@pytest.mark.parametrize(("lifetime", "early"), [(14_400, 60), (100, 10), (0.5, 0.05)])
async def test_a_token_is_replaced_shortly_before_its_end(kind: Kind, lifetime: float, early: float) -> None:
    clock = ManualClock()
    async with running(Issuer(lifetime)) as (server, url), calling(kind, url, auth=APP, clock=clock.now) as call:
        await call(providers)
        clock.advance(timedelta(seconds=lifetime - early) - timedelta(milliseconds=1))
        await call(providers)
        clock.advance(timedelta(milliseconds=1))
        await call(providers)
        assert used(server) == ["token-1", "token-1", "token-2"]


async def test_a_token_without_an_end_is_kept_until_it_is_refused(kind: Kind) -> None:
    clock, issuer = ManualClock(), Issuer(lifetime=None)
    async with running(issuer) as (server, url), calling(kind, url, auth=APP, clock=clock.now) as call:
        await call(providers)
        clock.advance(timedelta(days=1_000))
        await call(providers)
        issuer.refuse.add("token-1")
        await call(providers)
        assert used(server) == ["token-1", "token-1", "token-1", "token-2"]


async def test_a_kept_token_that_is_refused_is_replaced_and_the_call_sent_again_once(kind: Kind) -> None:
    issuer = Issuer()
    async with running(issuer) as (server, url), calling(kind, url, auth=APP) as call:
        await call(providers)
        issuer.refuse |= {"token-1", "token-2"}
        with pytest.raises(NotAuthenticated):
            await call(providers)
        assert used(server) == ["token-1", "token-1", "token-2"]


async def test_a_token_that_was_only_just_fetched_is_not_replaced(kind: Kind) -> None:
    async with running(Issuer(refuse={"token-1"})) as (server, url), calling(kind, url, auth=APP) as call:
        with pytest.raises(NotAuthenticated):
            await call(providers)
        assert used(server) == ["token-1"]


async def test_a_wrong_password_of_the_account_is_not_tried_twice(kind: Kind) -> None:
    issuer = Issuer()
    async with running(issuer) as (server, url), calling(kind, url, auth=APP) as call:
        await call(providers)
        issuer.calls = refused(401, "BAD_CREDENTIALS")
        with pytest.raises(BadCredentials):
            await call(
                lambda client: client.external_calendars.connect_by_credentials(
                    provider_id="p", schedule_id="s", email="a@example.org", password="wrong"
                )
            )
        assert used(server) == ["token-1", "token-1"]


async def test_threads_that_need_a_token_at_once_fetch_one() -> None:
    issuer = Issuer(wait=asyncio.Event())
    async with running(issuer) as (server, url):
        with Kalends(url, auth=APP) as client:
            started = threading.Barrier(9)

            def ask() -> None:
                started.wait(20)
                client.external_calendars.list_providers()

            threads = [threading.Thread(target=ask) for _ in range(8)]
            for thread in threads:
                thread.start()
            await asyncio.to_thread(started.wait, 20)
            await _until_asked(server)
            assert issuer.wait is not None
            issuer.wait.set()
            for thread in threads:
                await asyncio.to_thread(thread.join, 20)
        assert [one.target for one in server.asked].count(TOKEN_PATH) == 1
        assert used(server) == ["token-1"] * 8


async def test_tasks_that_need_a_token_at_once_fetch_one() -> None:
    issuer = Issuer(wait=asyncio.Event())
    async with running(issuer) as (server, url), AsyncKalends(url, auth=APP) as client:
        asking = [asyncio.create_task(client.external_calendars.list_providers()) for _ in range(8)]
        await _until_asked(server)
        assert issuer.wait is not None
        issuer.wait.set()
        await asyncio.gather(*asking)
        assert [one.target for one in server.asked].count(TOKEN_PATH) == 1


async def test_threads_whose_token_is_refused_at_once_replace_it_once() -> None:
    issuer = Issuer()
    async with running(issuer) as (server, url):
        with Kalends(url, auth=APP) as client:
            await asyncio.to_thread(client.external_calendars.list_providers)
            issuer.refuse.add("token-1")
            calls = [asyncio.to_thread(client.external_calendars.list_providers) for _ in range(8)]
            await asyncio.gather(*calls)
        assert issuer.issued == 2
        assert used(server).count("token-2") == 8


async def _until_asked(server: Server) -> None:
    async with asyncio.timeout(20):
        while not server.asked:  # noqa: ASYNC110 - the server has no event to wait for
            await asyncio.sleep(0.01)


async def test_a_client_that_is_not_known_gets_no_token(kind: Kind) -> None:
    no = answer({"error": "invalid_client", "error_description": "The client secret is wrong."}, 401)
    async with running(Issuer(instead=[no])) as (server, url), calling(kind, url, auth=APP) as call:
        with pytest.raises(TokenRefused) as raised:
            await call(providers)
        assert (raised.value.error, raised.value.description) == ("invalid_client", "The client secret is wrong.")
        assert str(raised.value) == "invalid_client: The client secret is wrong."
        assert len(server.asked) == 1
        await call(providers)
        assert used(server) == ["token-1"]


@pytest.mark.parametrize("reply", [raw(404, b"<html>"), answer([], 404), answer({"error": {}}, 404)])
async def test_a_place_that_issues_no_tokens_is_told_from_a_thing_that_is_not_found(kind: Kind, reply: bytes) -> None:
    async with running(Issuer(instead=[reply])) as (_, url), calling(kind, url, auth=APP) as call:
        with pytest.raises(TokenRefused, match="no token: The token endpoint answers 404") as raised:
            await call(providers)
        assert raised.value.error is None


NO_TOKEN: Mapping[str, Any] = {
    "nothing": {},
    "a list": [],
    "no string": {"access_token": 7, "expires_in": 1},
    "a life in words": {"access_token": "t", "expires_in": "3600"},
    "a life that is a flag": {"access_token": "t", "expires_in": True},
    "less than no life": {"access_token": "t", "expires_in": -1},
    "no number": {"access_token": "t", "expires_in": float("nan")},
    "a line break": {"access_token": "t\n", "expires_in": 1},
}


@pytest.mark.parametrize("body", NO_TOKEN.values(), ids=NO_TOKEN)
async def test_what_is_no_token_is_not_taken_for_one(kind: Kind, body: Any) -> None:
    async with running(Issuer(instead=[answer(body)])) as (_, url), calling(kind, url, auth=APP) as call:
        with pytest.raises(ProtocolError, match="without a token"):
            await call(providers)


async def test_a_token_endpoint_that_is_busy_is_asked_again(kind: Kind) -> None:
    busy = [refused(429, retry_after="3"), refused(503, retry_after="4")]
    async with running(Issuer(instead=busy)) as (server, url), calling(kind, url, auth=APP) as call:
        await call(providers)
        assert (call.waits, used(server)) == ([3.0, 4.0], ["token-1"])


async def test_a_token_endpoint_that_stays_busy_is_told_from_one_that_refuses(kind: Kind) -> None:
    async with (
        running(Issuer(instead=[refused(429)])) as (_, url),
        calling(kind, url, auth=APP, retries=Retries(times=0)) as call,
    ):
        with pytest.raises(RateLimited):
            await call(providers)


async def test_a_call_whose_token_never_came_was_not_sent(kind: Kind) -> None:
    async with (
        running(Issuer(wait=asyncio.Event())) as (server, url),
        calling(kind, url, auth=APP, timeout=0.2, retries=Retries(times=1)) as call,
    ):
        with pytest.raises(TransportError) as raised:
            await call(lambda client: client.external_calendars.disconnect("c"))
        assert not raised.value.outcome_unknown
        assert [one.target for one in server.asked] == [TOKEN_PATH, TOKEN_PATH]


async def test_a_function_is_asked_for_the_token_before_every_request(kind: Kind) -> None:
    tokens = iter(["first", "second"])
    async with running(Issuer()) as (server, url), calling(kind, url, auth=AccessToken(lambda: next(tokens))) as call:
        await call(providers)
        await call(providers)
        assert used(server) == ["first", "second"]


@pytest.mark.parametrize("value", ["", "to\nken", "tökén", "token\r\nX-Other: 1"])
async def test_what_cannot_stand_in_a_header_is_refused_and_not_shown(kind: Kind, value: str) -> None:
    with pytest.raises(ValueError, match="is empty, or holds characters") as raised:
        AccessToken(value)
    assert value not in str(raised.value) or not value
    with pytest.raises(ValueError, match="The API key is empty"):
        ApiKey(value, "site")
    with pytest.raises(ValueError, match="The site id is empty"):
        ApiKey("key", value)
    async with running(Issuer()) as (server, url), calling(kind, url, auth=AccessToken(lambda: value)) as call:
        with pytest.raises(ValueError, match="The access token is empty"):
            await call(providers)
        assert server.asked == []
