"""Nobody is asked more often than they may be, whoever waits for it, and however many processes there are."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalends.model.clock import SteadyClock
from kalends.net.allowance import Allowance, Scope
from kalends.net.breaker import FAILURES, Breakers
from kalends.net.bucket import Bucket, Pace
from kalends.net.budgets import LONGEST_WAIT, Budgets, Spending
from kalends.net.client import GuardedClient, Limits
from kalends.net.errors import BudgetSpent
from kalends.net.rests import KNOWN_FOR
from kalends.net.sharing import ALONE_FOR
from tests.net.loopback import Asked, Names, raw, reply, serve
from tests.net.passing_time import PassingTime
from tests.servers import LOOPBACK
from tests.world import NOW, ManualClock

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
ACCOUNT = Allowance(Scope.ACCOUNT, 240, MINUTE, 20)
HOST = ("dav.example.org", 443)

allowances = st.builds(
    Allowance,
    st.just(Scope.ACCOUNT),
    st.integers(1, 20_000),
    st.sampled_from([SECOND, MINUTE, 10 * MINUTE]),
    st.integers(1, 300),
)


def most(allowance: Allowance, span: timedelta) -> float:
    """Return how many requests an allowance allows in a span of time."""
    return allowance.burst + allowance.requests * (span / allowance.per)


def most_shared(allowance: Allowance, span: timedelta, processes: int) -> float:
    """Return how many requests several processes may send in a span of time: what the module says of itself."""
    late = max(SECOND, allowance.interval)
    return most(allowance, span + late) + processes * allowance.free * (1 + span / MINUTE)


@dataclass
class Noted:
    """Who waited, and who was refused."""

    waits: list[tuple[str, str, float]] = field(default_factory=list)
    refusals: list[tuple[str, str]] = field(default_factory=list)

    def waited(self, provider: str, scope: str, seconds: float) -> None:
        self.waits.append((provider, scope, seconds))

    def refused(self, provider: str, scope: str) -> None:
        self.refusals.append((provider, scope))


def budgets_in(time: PassingTime, hosts: Allowance | None = None, noted: Noted | None = None) -> Budgets:
    noted = noted or Noted()
    return Budgets(time, time, hosts=hosts, waited=noted.waited, refused=noted.refused, sleep=time.sleep)


async def ask(time: PassingTime, spending: Spending, times: int, sent: list[datetime]) -> None:
    """Send some requests, one after the other, and note when."""
    for _ in range(times):
        await spending.spend(*HOST)
        sent.append(time.now())


async def for_a_span(time: PassingTime, span: timedelta, *work: Coroutine[Any, Any, None]) -> None:
    """Do work that never ends, for some time."""
    until, working = time.now() + span, asyncio.gather(*work)
    await time.settle()
    while time.now() < until:
        assert not working.done()
        time.wake_next()
        await time.settle()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working


def assert_never_more(sent: Sequence[datetime], at_once: float, a_second: float) -> None:
    """Assert that in no span of time of so many seconds there were more than `at_once` + `a_second` × seconds."""
    least = inf
    for number, moment in enumerate(sent):
        ahead = number - a_second * (moment - NOW).total_seconds()
        least = min(least, ahead)
        assert ahead - least + 1 <= at_once + 1e-6


def test_an_allowance_that_allows_nothing_is_refused() -> None:
    for requests, per, burst in ((0, MINUTE, 1), (1, timedelta(), 1), (1, MINUTE, 0)):
        with pytest.raises(ValueError, match="allows"):
            Allowance(Scope.HOST, requests, per, burst)


@pytest.mark.parametrize(
    ("requests", "per", "slab", "free"),
    [
        (6, MINUTE, 1, 0),
        (30, MINUTE, 1, 1),
        (60, MINUTE, 1, 2),
        (240, MINUTE, 4, 2),
        (600, MINUTE, 10, 6),
        (10_000, MINUTE, 166, 100),
        (10_000, 10 * MINUTE, 16, 10),
        (200, SECOND, 200, 120),
    ],
)
def test_slabs_last_a_second_and_free_requests_are_few(requests: int, per: timedelta, slab: int, free: int) -> None:
    allowance = Allowance(Scope.ACCOUNT, requests, per, 1)
    assert (allowance.slab, allowance.free) == (slab, free)


@given(allowances, st.lists(st.timedeltas(timedelta(), timedelta(minutes=2)), max_size=60))
def test_never_more_than_the_burst_and_the_rate_in_any_span_of_time(
    allowance: Allowance, gaps: Sequence[timedelta]
) -> None:
    pace, now, sent = Pace(allowance.interval, allowance.burst, NOW), NOW, list[datetime]()
    for gap in gaps:
        now += gap
        for _ in range(3):
            if not pace.wait(now):
                pace.spend(now)
                sent.append(now)
    assert_never_more(sent, allowance.burst, allowance.requests / allowance.per.total_seconds())


async def test_a_stream_that_never_pauses_gets_exactly_the_rate_for_hours() -> None:
    time, sent = PassingTime(), list[datetime]()
    allowance = Allowance(Scope.ACCOUNT, 7, MINUTE, 5)
    spending = budgets_in(time).of("apple", "ada", [allowance])
    await for_a_span(time, timedelta(hours=6), *(ask(time, spending, 10_000, sent) for _ in range(3)))
    for minutes in (1, 60, 360):
        count = sum(one < NOW + minutes * MINUTE for one in sent)
        assert count == 5 + minutes * MINUTE // allowance.interval
        assert count == 5 + minutes * 7 - 1, "the next would come some microseconds after the full minute"


async def test_those_that_wait_are_served_in_the_order_in_which_they_came() -> None:
    time, noted, served = PassingTime(), Noted(), list[int]()
    spending = budgets_in(time, noted=noted).of("apple", "ada", [Allowance(Scope.ACCOUNT, 1, SECOND, 1)])

    async def one(number: int) -> None:
        await spending.spend(*HOST)
        served.append(number)

    tasks = [asyncio.create_task(one(number)) for number in range(6)]
    await time.settle()
    tasks[2].cancel()
    await time.until_done(one(6), one(7))
    assert served == [0, 1, 3, 4, 5, 6, 7]
    assert time.now() == NOW + 6 * SECOND, "who gave up took nobody's turn"
    assert [bucket.waiting for bucket in spending._budgets._buckets.values()] == [0]
    assert [round(seconds) for _, _, seconds in noted.waits] == [0, 1, 2, 3, 4, 5, 6]
    assert {(provider, scope) for provider, scope, _ in noted.waits} == {("apple", "account")}


async def test_who_comes_when_a_turn_has_just_come_lets_those_before_go_first() -> None:
    time, served = PassingTime(), list[str]()
    spending = budgets_in(time).of("apple", "ada", [Allowance(Scope.ACCOUNT, 1, SECOND, 1)])

    async def one(name: str) -> None:
        await spending.spend(*HOST)
        served.append(name)

    tasks = [asyncio.create_task(one(name)) for name in ("first", "second")]
    await time.settle()
    time.advance(SECOND)
    await time.until_done(one("third"))
    await asyncio.gather(*tasks)
    assert served == ["first", "second", "third"]


async def test_what_waits_for_its_own_account_takes_nothing_from_what_it_shares() -> None:
    time = PassingTime()
    budgets = budgets_in(time, Allowance(Scope.HOST, 1, MINUTE, 3))
    ada = budgets.of("apple", "ada", [Allowance(Scope.ACCOUNT, 6, MINUTE, 1)])
    asking = [asyncio.create_task(ada.spend(*HOST)) for _ in range(3)]
    await time.settle()
    for _ in range(2):
        await budgets.of("apple", "bob", []).spend(*HOST)
    assert sum(one.done() for one in asking) == 1
    for one in asking:
        one.cancel()
    await asyncio.gather(*asking, return_exceptions=True)


async def test_what_would_wait_too_long_is_refused_at_once_and_costs_nothing() -> None:
    time, noted = PassingTime(), Noted()
    spending = budgets_in(time, noted=noted).of("apple", "ada", [Allowance(Scope.ACCOUNT, 6, MINUTE, 1)])
    results = await time.until_done(*(spending.spend(*HOST) for _ in range(6)))
    assert [type(one) for one in results] == [type(None)] * 4 + [BudgetSpent] * 2
    refusal = results[-1]
    assert isinstance(refusal, BudgetSpent)
    assert (refusal.wait, refusal.host) == (40, HOST[0])
    assert noted.refusals == [("apple", "account")] * 2
    assert time.now() == NOW + LONGEST_WAIT
    time.advance(timedelta(seconds=10))
    await spending.spend(*HOST)
    assert time.now() == NOW + timedelta(seconds=40), "it was free by then: those that were refused took nothing"


async def test_an_import_that_waits_for_its_own_account_holds_up_nobody_else() -> None:
    """Prompt is what needs few requests of others in between: here at most one, while an import sends thousands."""
    time = PassingTime()
    host = Allowance(Scope.HOST, 8, SECOND, 1)
    project = Allowance(Scope.PROJECT, 8, SECOND, 1)
    budgets = budgets_in(time, host)
    log, seen = list[str](), list[int]()

    async def one(name: str, times: int, pause: timedelta) -> None:
        spending = budgets.of("google", name, [Allowance(Scope.ACCOUNT, 4, SECOND, 4), project])
        for _ in range(times):
            await time.sleep(pause.total_seconds())
            before = len(log)
            await spending.spend(*HOST)
            seen.append(sum(other != name for other in log[before:]) if name == "other" else 0)
            log.append(name)

    imports = [one("import", 500, timedelta()) for _ in range(4)]
    await time.until_done(*imports, one("other", 50, 7 * SECOND))
    assert (log.count("import"), log.count("other")) == (2000, 50)
    assert max(seen) <= 1
    assert log.index("other", len(log) // 2) < len(log) - 1, "the import was still going on"


async def test_one_host_is_asked_by_all_accounts_together() -> None:
    time, noted = PassingTime(), Noted()
    budgets = budgets_in(time, Allowance(Scope.HOST, 2, SECOND, 1), noted)
    of_two = [budgets.of(kind, kind, []) for kind in ("caldav", "apple")]
    await time.until_done(*(spending.spend(*HOST) for spending in of_two), of_two[0].spend(HOST[0], 8443))
    assert time.now() == NOW + SECOND / 2
    assert noted.waits == [("apple", "host", 0.5)]


async def test_a_kind_that_knows_its_host_has_the_last_word() -> None:
    time = PassingTime()
    budgets = budgets_in(time, Allowance(Scope.HOST, 1, SECOND, 1))
    spending = budgets.of("slow", "ada", [Allowance(Scope.HOST, 6, MINUTE, 1)])
    await time.until_done(spending.spend(*HOST), spending.spend(*HOST))
    assert time.now() == NOW + timedelta(seconds=10)


# What a server asks for


@pytest.mark.parametrize("project", [False, True])
async def test_while_a_server_wants_to_be_left_alone_its_account_is_and_its_project_where_it_has_one(
    project: bool,
) -> None:
    time = PassingTime()
    budgets = budgets_in(time)
    of_a_project = [Allowance(Scope.PROJECT, 10_000, MINUTE, 100)] if project else []
    ada, other = (budgets.of("a", name, of_a_project) for name in ("ada", "other"))
    elsewhere = budgets.of("b", "ada", of_a_project)
    await ada.rest(MINUTE)
    for spending in (ada, other) if project else (ada,):
        with pytest.raises(BudgetSpent) as refused:
            await spending.spend(*HOST)
        assert refused.value.wait == 60
    for spending in (elsewhere,) if project else (elsewhere, other):
        await spending.spend(*HOST)
    time.advance(MINUTE)
    await ada.spend(*HOST)


async def test_a_short_rest_is_waited_for() -> None:
    time, noted = PassingTime(), Noted()
    spending = budgets_in(time, noted=noted).of("caldav", "ada", [])
    await spending.rest(5 * SECOND)
    await time.until_done(spending.spend(*HOST))
    assert time.now() == NOW + 5 * SECOND
    assert noted.waits == [("caldav", "account", 5.0)]


async def test_a_later_wish_counts_for_those_that_wait_already_and_an_earlier_one_shortens_nothing() -> None:
    time = PassingTime()
    spending = budgets_in(time).of("caldav", "ada", [])
    await spending.rest(5 * SECOND)
    waiting = asyncio.create_task(spending.spend(*HOST))
    await time.settle()
    await spending.rest(20 * SECOND)
    await spending.rest(SECOND)
    await time.until_done(asyncio.wait_for(waiting, None))
    assert time.now() == NOW + 20 * SECOND


async def test_what_was_waited_for_is_over_whatever_the_clock_says() -> None:
    time, clock = PassingTime(), ManualClock()
    spending = Budgets(clock, time, sleep=time.sleep).of("caldav", "ada", [])
    await spending.rest(5 * SECOND)
    await time.until_done(spending.spend(*HOST))
    assert time.now() == NOW + 5 * SECOND
    assert clock.now() == NOW


async def test_a_clock_that_was_set_back_lets_nobody_rest_for_ever() -> None:
    time = PassingTime()
    spending = budgets_in(time).of("caldav", "ada", [])
    await spending.rest(MINUTE)
    time.advance(-timedelta(days=2))
    await spending.spend(*HOST)


# What the client makes of it


async def test_the_host_that_counts_is_the_one_that_is_really_asked() -> None:
    time, noted = PassingTime(), Noted()
    async with serve(reply(200)) as there, serve(reply(302, Location=f"http://{there.place}/")) as here:
        spending = budgets_in(time, Allowance(Scope.HOST, 1, SECOND, 1), noted).of("caldav", "ada", [])
        async with GuardedClient(LOOPBACK) as client:
            await client.within(spending).request("GET", f"http://{here.place}/")
        assert noted.waits == []
        places = [(here.host, here.port), (there.host, there.port), (here.host, 1)]
        await time.until_done(*(spending.spend(*place) for place in places))
    assert noted.waits == [("caldav", "host", 1.0)] * 2, "those of the redirect and of where it led"


async def test_waiting_for_ones_turn_is_no_slowness_of_the_server() -> None:
    allowance = Allowance(Scope.HOST, 1, SECOND / 2, 1)
    budgets = Budgets(ManualClock(), SteadyClock(), hosts=allowance)
    async with serve(reply(200)) as server, GuardedClient(LOOPBACK, limits=Limits(total=0.3)) as client:
        bounded = client.within(budgets.of("caldav", "ada", []))
        for _ in range(2):
            assert (await bounded.request("GET", f"http://{server.place}/")).status == 200


async def test_a_spent_budget_is_no_failure_of_the_host() -> None:
    time = PassingTime()
    async with serve(reply(200)) as server, GuardedClient(LOOPBACK, breakers=Breakers(time)) as client:
        spending = budgets_in(time).of("caldav", "ada", [])
        await spending.rest(MINUTE)
        for _ in range(FAILURES):
            with pytest.raises(BudgetSpent):
                await client.within(spending).request("GET", f"http://{server.place}/")
        assert (await client.request("GET", f"http://{server.place}/")).status == 200
        assert len(server.asked) == 1


@pytest.mark.parametrize(("status", "rests"), [(429, True), (503, True), (404, False)])
async def test_retry_after_puts_off_what_else_is_asked_for_the_account(status: int, rests: bool) -> None:
    time = PassingTime()
    budgets = budgets_in(time)

    async def answer(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(raw(status, b"", {"Retry-After": "90"}))

    async with serve(answer) as server, GuardedClient(LOOPBACK, resolver=Names()) as client:
        ada, bob = (client.within(budgets.of(kind, "ada", [])) for kind in ("a", "b"))
        assert (await ada.request("GET", f"http://{server.place}/")).status == status
        if rests:
            with pytest.raises(BudgetSpent) as refused:
                await ada.request("GET", f"http://{server.place}/")
            assert refused.value.wait == 90
        time.advance(timedelta(seconds=90) if rests else timedelta())
        assert (await ada.request("GET", f"http://{server.place}/")).status == status
        assert (await bob.request("GET", f"http://{server.place}/")).status == status


# Several processes


@dataclass
class Together:
    """What processes share, at its simplest: one theoretical arrival time for each key, and what is at rest."""

    time: ManualClock
    down: bool = False
    reserved: list[int] = field(default_factory=list)
    asked: int = 0
    asked_for_rests: int = 0
    _arrivals: dict[str, datetime] = field(default_factory=dict)
    _rests: dict[str, datetime] = field(default_factory=dict)

    async def reserve(
        self, key: str, allowance: Allowance, *, count: int, owed: int, longest: timedelta
    ) -> timedelta | None:
        return None if self.down else self.reserve_now(key, allowance, count=count, owed=owed, longest=longest)

    def reserve_now(self, key: str, allowance: Allowance, *, count: int, owed: int, longest: timedelta) -> timedelta:
        self.asked += 1
        now, interval = self.time.now(), allowance.interval
        standing = max(self._arrivals.get(key, now), now)
        first = standing + (owed - allowance.burst + 1) * interval - now
        if first <= longest:
            self._arrivals[key] = standing + (owed + count) * interval
            self.reserved.append(count)
        return first

    async def rest(self, keys: Sequence[str], until: datetime) -> None:
        self._rests |= dict.fromkeys(keys, until)

    async def resting(self) -> Mapping[str, datetime] | None:
        self.asked_for_rests += 1
        return None if self.down else dict(self._rests)


def process_of(time: PassingTime, together: Together, noted: Noted | None = None) -> Budgets:
    noted = noted or Noted()
    return Budgets(time, time, shared=together, waited=noted.waited, refused=noted.refused, sleep=time.sleep)


@given(
    allowances,
    st.integers(1, 4),
    st.lists(
        st.tuples(st.integers(0, 3), st.timedeltas(timedelta(), timedelta(seconds=40)), st.integers(1, 20)), max_size=30
    ),
)
def test_together_they_never_send_more_than_is_said(
    allowance: Allowance, processes: int, attempts: Sequence[tuple[int, timedelta, int]]
) -> None:
    time, sent = ManualClock(), list[datetime]()
    together = Together(time)
    buckets = [Bucket(allowance, time.now()) for _ in range(processes)]
    for number, gap, times in attempts:
        time.advance(gap)
        bucket = buckets[number % processes]
        for _ in range(times):
            wait = bucket.spend(time.now())
            if wait is None:
                count, owed = bucket.wanted(time.now()), bucket.owed
                first = together.reserve_now("", allowance, count=count, owed=owed, longest=LONGEST_WAIT)
                if first <= LONGEST_WAIT:
                    bucket.reserved(count, first, time.now())
                    wait = bucket.spend(time.now())
            if wait == timedelta():
                sent.append(time.now())
    at_once = most_shared(allowance, timedelta(), processes)
    assert_never_more(sent, at_once, most_shared(allowance, SECOND, processes) - at_once)


def test_what_was_reserved_is_lost_when_it_is_not_sent_soon() -> None:
    allowance = Allowance(Scope.ACCOUNT, 20, MINUTE, 100)
    bucket = Bucket(allowance, NOW)
    bucket.reserved(3, -MINUTE, NOW)
    assert bucket.spend(NOW + allowance.interval) == timedelta()
    assert bucket.spend(NOW + allowance.interval + timedelta.resolution) is None


def test_a_process_keeps_to_what_it_would_be_allowed_alone_whatever_the_others_leave() -> None:
    bucket = Bucket(Allowance(Scope.ACCOUNT, 60, MINUTE, 2), NOW)
    bucket.reserved(60, -MINUTE, NOW)
    assert [bucket.spend(NOW) for _ in range(3)] == [timedelta(), timedelta(), SECOND]


@pytest.mark.parametrize(("requests", "processes", "each"), [(240, 3, 4), (6, 2, 1), (6000, 4, 2)])
async def test_processes_that_never_pause_share_all_that_there_is(requests: int, processes: int, each: int) -> None:
    time = PassingTime()
    together = Together(time)
    allowance = Allowance(Scope.ACCOUNT, requests, MINUTE, 5)
    sent = [list[datetime]() for _ in range(processes)]
    sessions = [process_of(time, together).of("a", "b", [allowance]) for _ in range(processes)]
    span = 1000 * allowance.interval
    asking = (ask(time, session, 10_000, one) for session, one in zip(sessions, sent, strict=True) for _ in range(each))
    await for_a_span(time, span, *asking)
    every = sorted(moment for one in sent for moment in one)
    # but for what is reserved and still to be sent, and for the time in which only free ones were
    most_left = processes * max(each, allowance.slab // 10) + allowance.free
    assert most(allowance, span) - most_left <= len(every) <= most_shared(allowance, span, processes)
    assert max(map(len, sent)) <= 1.25 * min(map(len, sent)), "nobody gets much more than the others"


async def test_an_ordinary_poll_asks_nobody() -> None:
    time = PassingTime()
    together = Together(time)
    budgets = process_of(time, together)
    for _ in range(30):
        for account in range(20):
            spending = budgets.of("apple", str(account), [ACCOUNT])
            for _ in range(2):
                await spending.spend(*HOST)
        time.advance(timedelta(minutes=2))
    assert together.reserved == []
    assert together.asked_for_rests == 30, "once for all that is sent within two seconds"


async def test_who_asks_for_more_reserves_ever_more_at_a_time_and_tells_of_the_free_ones() -> None:
    time, sent = PassingTime(), list[datetime]()
    together = Together(time)
    allowance = Allowance(Scope.HOST, 50, SECOND, 1000)
    budgets = Budgets(time, time, hosts=allowance, shared=together, sleep=time.sleep)
    await time.until_done(ask(time, budgets.of("caldav", "ada", []), allowance.free + 200, sent))
    assert (reserved := list(together.reserved)) == [1, 2, 4, 8, 16, 32, 50, 50, 50]
    (arrival,) = together._arrivals.values()
    assert arrival - NOW == (allowance.free + sum(together.reserved)) * allowance.interval
    time.advance(5 * SECOND)
    await time.until_done(ask(time, budgets.of("caldav", "ada", []), allowance.free, sent))
    assert together.reserved[len(reserved)] == 1, "what was left of the last slab was lost, so fewer are wanted"


async def test_what_the_others_have_spent_is_refused_at_once_and_asked_for_again_only_in_time() -> None:
    time = PassingTime()
    together = Together(time)
    allowance = Allowance(Scope.ACCOUNT, 6, MINUTE, 1)
    spending = process_of(time, together).of("a", "b", [allowance])
    (due,) = spending._dues
    while together.reserve_now(due.key, allowance, count=1, owed=0, longest=MINUTE) <= MINUTE:
        pass
    asked = together.asked
    for _ in range(3):
        with pytest.raises(BudgetSpent) as refused:
            await spending.spend(*HOST)
        assert refused.value.wait == 70
    assert together.asked == asked + 1
    time.advance(timedelta(seconds=70))
    await spending.spend(*HOST)


async def test_without_the_others_each_keeps_to_what_it_would_be_allowed_alone() -> None:
    time, sent = PassingTime(), list[datetime]()
    together = Together(time, down=True)
    budgets = process_of(time, together)
    allowance = Allowance(Scope.ACCOUNT, 60, MINUTE, 10)
    await time.until_done(ask(time, budgets.of("a", "b", [allowance]), 40, sent))
    assert [round((one - NOW).total_seconds()) for one in sent] == [0] * 10 + list(range(1, 31))
    assert together.asked_for_rests <= 1 + timedelta(seconds=30) / ALONE_FOR
    together.down = False
    time.advance(ALONE_FOR)
    await time.until_done(ask(time, budgets.of("a", "b", [allowance]), 5, sent))
    assert together.reserved != [], "and it shares again"


async def test_what_a_server_told_one_process_the_others_mind_within_seconds() -> None:
    time = PassingTime()
    together = Together(time)
    here, there = (process_of(time, together).of("a", "b", []) for _ in range(2))
    await there.spend(*HOST)
    await here.rest(MINUTE)
    time.advance(KNOWN_FOR)
    with pytest.raises(BudgetSpent):
        await there.spend(*HOST)
