"""What is tried again, when, and what is not: with a clock that the test sets, and waits that take no time."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from kalends.client import KalendsClientError, Retries, SyncConfig, TransportError
from tests.client.calling import PROVIDERS, Kind, answer, calling, providers, refused, script
from tests.net.loopback import Answer, Asked, send, serve
from tests.servers import free_port
from tests.world import NOW, ManualClock

EXACT = Retries(times=3, first_wait=1, longest_wait=10, jitter=0)
SCHEDULE = answer({"schedule": {"id": "s", "revision": "1"}})
CONNECTION = answer({"connection": {"id": "c", "providerId": "p", "scheduleId": "s"}})
PAGE = answer({"schedules": []})
LOST = b""

Ask = Callable[[Any], Any]


def connect(client: Any) -> Any:
    return client.external_calendars.connect_by_credentials(
        provider_id="p", schedule_id="s", email="a@example.org", password="secret"
    )


HARMLESS: dict[str, tuple[Ask, bytes]] = {
    "list_providers": (providers, PROVIDERS),
    "update_sync_config": (lambda client: client.external_calendars.update_sync_config("c", SyncConfig()), CONNECTION),
    "schedules.create": (lambda client: client.schedules.create(name="Chair"), SCHEDULE),
    "schedules.query": (lambda client: client.schedules.query(), PAGE),
}
ONCE_ONLY: dict[str, tuple[Ask, bytes]] = {
    "connect_by_credentials": (connect, CONNECTION),
    "connect_by_oauth": (
        lambda client: client.external_calendars.connect_by_oauth(
            provider_id="p", schedule_id="s", redirect_url="https://example.com/"
        ),
        answer({"oauthUrl": "https://example.org/"}),
    ),
    "disconnect": (lambda client: client.external_calendars.disconnect("c"), CONNECTION),
    "schedules.update": (lambda client: client.schedules.update("s", revision="1"), SCHEDULE),
    "schedules.cancel": (lambda client: client.schedules.cancel("s"), SCHEDULE),
}


def losing(*messages: bytes) -> Answer:
    """Answer with one message after the other, the last one again and again; an empty one closes the connection."""
    left = list(messages)

    async def following(asked: Asked, writer: asyncio.StreamWriter) -> None:
        message = left.pop(0) if len(left) > 1 else left[0]
        await send(message, hang_up=not message)(asked, writer)

    return following


async def tried(
    kind: Kind, ask: Ask, *messages: bytes, retries: Retries = EXACT, **options: Any
) -> tuple[int, list[float]]:
    """Return how often a call is sent until its answer, good or not, and how long it waits in between."""
    async with (
        serve(losing(*messages)) as server,
        calling(kind, f"http://{server.place}", retries=retries, **options) as call,
    ):
        try:
            await call(ask)
        except KalendsClientError as error:
            assert messages[-1][9:12] != b"200", error  # noqa: PT017 - both ends are asked for
        return len(server.asked), call.waits


@pytest.mark.parametrize(("ask", "good"), [*HARMLESS.values(), *ONCE_ONLY.values()], ids=[*HARMLESS, *ONCE_ONLY])
async def test_a_server_that_says_when_to_come_again_is_asked_then(kind: Kind, ask: Ask, good: bytes) -> None:
    busy, down = refused(429, retry_after="7"), refused(503, retry_after="0")
    assert await tried(kind, ask, busy, down, good) == (3, [7.0, 0.0])


@pytest.mark.parametrize(("ask", "good"), [*HARMLESS.values(), *ONCE_ONLY.values()], ids=[*HARMLESS, *ONCE_ONLY])
async def test_too_many_requests_back_off(kind: Kind, ask: Ask, good: bytes) -> None:
    assert await tried(kind, ask, refused(429), refused(429), good) == (3, [1.0, 2.0])


@pytest.mark.parametrize(("ask", "good"), HARMLESS.values(), ids=HARMLESS)
@pytest.mark.parametrize("lost", [LOST, refused(503)], ids=["no answer", "503"])
async def test_what_does_no_harm_twice_is_tried_again(kind: Kind, ask: Ask, good: bytes, lost: bytes) -> None:
    assert await tried(kind, ask, lost, lost, good) == (3, [1.0, 2.0])


@pytest.mark.parametrize(("ask", "good"), ONCE_ONLY.values(), ids=ONCE_ONLY)
@pytest.mark.parametrize("lost", [LOST, refused(503)], ids=["no answer", "503"])
async def test_what_may_have_been_done_is_not_tried_again(kind: Kind, ask: Ask, good: bytes, lost: bytes) -> None:
    del good
    assert await tried(kind, ask, lost) == (1, [])


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 428, 500, 502, 504])
async def test_other_refusals_are_answers(kind: Kind, status: int) -> None:
    assert await tried(kind, providers, refused(status, "SOME", retry_after="1")) == (1, [])


async def test_a_provider_that_is_unavailable_is_an_answer_unless_told_otherwise(kind: Kind) -> None:
    unavailable = refused(503, "PROVIDER_UNAVAILABLE")
    assert await tried(kind, providers, unavailable) == (1, [])
    assert await tried(kind, providers, refused(503, "PROVIDER_UNAVAILABLE", retry_after="2"), PROVIDERS) == (2, [2.0])
    patient = Retries(times=1, first_wait=1, jitter=0, provider_unavailable=True)
    assert await tried(kind, providers, unavailable, PROVIDERS, retries=patient) == (2, [1.0])
    assert await tried(kind, connect, unavailable, retries=patient) == (1, [])


async def test_tries_end_and_waits_grow_to_their_limit(kind: Kind) -> None:
    assert await tried(
        kind, providers, refused(429), retries=Retries(times=5, first_wait=1, longest_wait=4, jitter=0)
    ) == (
        6,
        [1.0, 2.0, 4.0, 4.0, 4.0],
    )
    assert await tried(kind, providers, refused(429), retries=Retries(times=0)) == (1, [])


async def test_waits_are_shortened_by_chance(kind: Kind) -> None:
    retries = Retries(times=40, first_wait=8, longest_wait=8, jitter=0.5)
    _, waits = await tried(kind, providers, refused(429), retries=retries)
    assert all(4 <= one <= 8 for one in waits)
    assert len(set(waits)) > 20


async def test_a_date_to_come_again_is_understood(kind: Kind) -> None:
    later = format_datetime(NOW + timedelta(seconds=5), usegmt=True)
    before = format_datetime(NOW - timedelta(days=1), usegmt=True)
    busy = [refused(429, retry_after=when) for when in (later, before)]
    assert await tried(kind, providers, *busy, PROVIDERS, clock=ManualClock().now) == (3, [5.0, 0.0])


@pytest.mark.parametrize("told", ["11", "9" * 5_000, "Fri, 31 Dec 9999 23:59:59 GMT"])
async def test_nobody_is_kept_waiting_longer_than_asked_for(kind: Kind, told: str) -> None:
    async with (
        serve(script(refused(503, retry_after=told))) as server,
        calling(kind, f"http://{server.place}", retries=EXACT) as call,
    ):
        with pytest.raises(KalendsClientError) as raised:
            await call(providers)
        assert getattr(raised.value, "retry_after") > 10  # noqa: B009 - only API errors have it
        assert (len(server.asked), call.waits) == (1, [])


@pytest.mark.parametrize("nonsense", ["", "soon", "-1", "1.5", "Fri, 99 Foo 2026"])
async def test_nonsense_about_when_to_come_again_is_passed_over(kind: Kind, nonsense: str) -> None:
    assert await tried(kind, providers, refused(429, retry_after=nonsense), PROVIDERS) == (2, [1.0])


async def test_a_connection_that_never_was_is_tried_again_for_every_call(kind: Kind) -> None:
    async with calling(kind, f"http://127.0.0.1:{free_port()}", retries=EXACT) as call:
        for ask, _ in (*HARMLESS.values(), *ONCE_ONLY.values()):
            call.waits.clear()
            with pytest.raises(TransportError) as raised:
                await call(ask)
            assert (call.waits, raised.value.outcome_unknown) == ([1.0, 2.0, 4.0], False)


async def test_the_same_idempotency_key_goes_with_every_try(kind: Kind) -> None:
    async with serve(losing(LOST, SCHEDULE)) as server, calling(kind, f"http://{server.place}", retries=EXACT) as call:
        await call(lambda client: client.schedules.create(name="Chair"))
        first, second = server.asked
        assert first.body == second.body
