"""A host that is down is left alone, and comes back into use by itself."""

from datetime import timedelta

import pytest

from kalends.net.breaker import FAILURES, FIRST_REST, LONGEST_REST, Breakers
from kalends.net.client import GuardedClient
from kalends.net.errors import LeftAlone, TimedOut, Unreachable
from tests.net.loopback import reply, serve
from tests.servers import LOOPBACK, free_port
from tests.world import ManualClock

HOST = ("down.example.org", 443)


def fail(breakers: Breakers, times: int = FAILURES) -> None:
    for _ in range(times):
        with pytest.raises(Unreachable), breakers.exchange(*HOST):
            raise Unreachable("down", host=HOST[0])


def asked(breakers: Breakers, host: tuple[str, int] = HOST, status: int = 200) -> bool:
    """Exchange with a host that answers, and tell whether it was asked."""
    try:
        with breakers.exchange(*host) as exchange:
            exchange.status = status
    except LeftAlone:
        return False
    return True


def test_a_host_that_failed_several_times_in_a_row_is_left_alone_and_others_are_not() -> None:
    breakers = Breakers(ManualClock())
    fail(breakers, FAILURES - 1)
    assert asked(breakers), "not yet"
    fail(breakers, FAILURES - 1)
    assert asked(breakers), "an answer between them: they were not in a row"
    fail(breakers)
    assert not asked(breakers)
    assert asked(breakers, (HOST[0], 8443))
    assert asked(breakers, ("other.example.org", 443))


def test_one_exchange_at_a_time_finds_out_whether_it_is_back() -> None:
    clock = ManualClock()
    breakers = Breakers(clock)
    fail(breakers)
    clock.advance(FIRST_REST)
    with breakers.exchange(*HOST) as probe:
        assert not asked(breakers), "one is enough to find out"
        probe.status = 404
    assert asked(breakers), "it answered: that is all that counts"


def test_each_failed_try_makes_the_rest_longer_up_to_a_limit_that_is_told() -> None:
    clock = ManualClock()
    breakers = Breakers(clock)
    fail(breakers)
    rests = []
    for _ in range(6):
        with pytest.raises(LeftAlone) as refused, breakers.exchange(*HOST):
            pass
        rests.append(timedelta(seconds=refused.value.wait))
        clock.advance(rests[-1])
        with pytest.raises(TimedOut), breakers.exchange(*HOST):
            raise TimedOut("slow")
    assert rests[0] == FIRST_REST
    assert rests == sorted(rests)
    assert rests[-1] == LONGEST_REST


def test_a_try_that_was_given_up_lets_the_next_one_try() -> None:
    clock = ManualClock()
    breakers = Breakers(clock)
    fail(breakers)
    clock.advance(FIRST_REST)
    with pytest.raises(KeyboardInterrupt), breakers.exchange(*HOST):
        raise KeyboardInterrupt
    assert asked(breakers)


def test_a_clock_that_was_set_back_keeps_nobody_from_asking() -> None:
    clock = ManualClock()
    breakers = Breakers(clock)
    fail(breakers)
    clock.advance(-timedelta(days=1))
    assert asked(breakers)


@pytest.mark.parametrize(("status", "left_alone"), [(502, True), (504, True), (500, False), (503, False), (401, False)])
def test_a_gateway_without_a_server_is_a_failure_and_a_refusal_is_an_answer(status: int, left_alone: bool) -> None:
    breakers = Breakers(ManualClock())
    for _ in range(FAILURES):
        assert asked(breakers, status=status)
    assert asked(breakers) is not left_alone


async def test_the_client_asks_a_host_that_is_down_no_more_and_finds_it_again() -> None:
    clock = ManualClock()
    port = free_port()
    async with GuardedClient(LOOPBACK, breakers=Breakers(clock)) as client:
        url = f"http://127.0.0.1:{port}/"
        for _ in range(FAILURES):
            with pytest.raises(Unreachable) as failed:
                await client.request("GET", url)
            assert not isinstance(failed.value, LeftAlone)
        with pytest.raises(LeftAlone):
            await client.request("GET", url)

    async with serve(reply(200, b"here")) as server, GuardedClient(LOOPBACK, breakers=Breakers(clock)) as client:
        assert (await client.request("GET", f"http://{server.place}/")).status == 200
