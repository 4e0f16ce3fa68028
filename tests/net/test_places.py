"""How many requests of one account are under way at once."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from kalends.net.allowance import Allowance, Scope
from kalends.net.budgets import LONGEST_WAIT, Budgets
from kalends.net.errors import BudgetSpent
from kalends.net.places import NoPlace, Places
from tests.net.passing_time import PassingTime

LONG = timedelta(seconds=30)
MAILBOX = Allowance(Scope.ACCOUNT, 1000, timedelta(minutes=1), 1000, at_once=4)


@dataclass
class Together:
    """What processes share: who holds which place."""

    down: bool = False
    held: dict[str, set[str]] = field(default_factory=dict)

    async def take(self, key: str, places: int, holder: str, *, kept: timedelta) -> bool | None:
        del kept
        if self.down:
            return None
        held = self.held.setdefault(key, set())
        if len(held) >= places:
            return False
        held.add(holder)
        return True

    async def give_back(self, key: str, holder: str) -> None:
        self.held[key].discard(holder)


@dataclass
class UnderWay:
    """Counts what is under way, and the most that ever was."""

    time: PassingTime
    now: int = 0
    most: int = 0
    done: list[Any] = field(default_factory=list)

    async def ask(self, places: Places, name: object = None, key: str = "a", seconds: float = 1) -> None:
        async with places.taken(key, 4, LONG):
            self.now += 1
            self.most = max(self.most, self.now)
            try:
                await self.time.sleep(seconds)
            finally:
                self.now -= 1
            self.done.append(name)


async def test_no_more_are_under_way_than_may_be_and_those_who_wait_get_their_turn_in_order() -> None:
    time = PassingTime()
    places, under_way = Places(time), UnderWay(time)
    await time.until_done(*(under_way.ask(places, number) for number in range(20)))
    assert under_way.most == 4
    assert under_way.done == list(range(20))
    assert places._here == {}, "nothing is kept of an account that is not asked"


async def test_accounts_do_not_wait_for_each_other() -> None:
    time = PassingTime()
    places, under_way = Places(time), UnderWay(time)
    await time.until_done(*(under_way.ask(places, key=f"account {number}") for number in range(20)))
    assert under_way.most == 20


async def test_processes_share_what_there_is() -> None:
    time, together = PassingTime(), Together()
    processes = [Places(time, together, time.sleep) for _ in range(3)]
    under_way = UnderWay(time)
    await time.until_done(*(under_way.ask(places, number) for number in range(10) for places in processes))
    assert under_way.most == 4
    assert len(under_way.done) == 30
    assert not together.held["a"]


async def test_without_the_others_each_process_keeps_to_what_is_allowed() -> None:
    time, together = PassingTime(), Together(down=True)
    under_way = UnderWay(time)
    places = Places(time, together, time.sleep)
    await time.until_done(*(under_way.ask(places) for _ in range(10)))
    assert under_way.most == 4


@pytest.mark.parametrize("ends", [lambda task: task.cancel(), lambda _: None], ids=["cancelled", "failed"])
async def test_a_place_is_given_back_however_a_request_ends(ends: Callable[[asyncio.Task[None]], object]) -> None:
    time, together = PassingTime(), Together()
    places = Places(time, together, time.sleep)

    async def fail() -> None:
        async with places.taken("a", 1, LONG):
            await time.sleep(1)
            raise OSError

    failing = asyncio.create_task(fail())
    await time.settle()
    ends(failing)
    await time.until_done(UnderWay(time).ask(places))
    assert (await asyncio.gather(failing, return_exceptions=True))[0] is not None
    assert together.held == {"a": set()}


async def test_who_finds_no_place_for_too_long_is_told_so() -> None:
    time, together = PassingTime(), Together(held={"a": {"1", "2", "3", "4"}})
    (refused,) = await time.until_done(UnderWay(time).ask(Places(time, together, time.sleep)))
    assert isinstance(refused, NoPlace)


async def test_a_budget_counts_what_is_under_way_too() -> None:
    time = PassingTime()
    budgets = Budgets(time, time, sleep=time.sleep)
    under_way = UnderWay(time)

    async def ask() -> None:
        # as each session has budgets of its own
        spending = budgets.of("microsoft", "a", [MAILBOX])
        await spending.spend("graph.example", 443)
        async with spending.place("graph.example"):
            under_way.now += 1
            under_way.most = max(under_way.most, under_way.now)
            await time.sleep(1)
            under_way.now -= 1

    assert await time.until_done(*(ask() for _ in range(12))) == [None] * 12
    assert under_way.most == 4


async def test_a_budget_without_a_free_place_is_spent() -> None:
    time = PassingTime()
    stuck = Together()
    budgets = Budgets(time, time, places=stuck, sleep=time.sleep)
    spending = budgets.of("microsoft", "a", [MAILBOX])

    async def hold() -> None:
        async with spending.place("graph.example"):
            await time.sleep(2 * LONGEST_WAIT.total_seconds())

    holding = [asyncio.create_task(hold()) for _ in range(4)]
    await time.settle()
    other = Budgets(time, time, places=stuck, sleep=time.sleep).of("microsoft", "a", [MAILBOX])

    async def ask() -> None:
        async with other.place("graph.example"):
            pass

    (refused,) = await time.until_done(ask())
    assert isinstance(refused, BudgetSpent)
    for one in holding:
        one.cancel()
    await asyncio.gather(*holding, return_exceptions=True)
