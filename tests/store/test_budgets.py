"""What all processes spent together, by the clock of the database. To let time pass, what was spent is moved back."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text, update

from kalends.accounts.budgets import StoredBudgets
from kalends.net.allowance import Allowance, Scope
from kalends.store.budgets import SpentBudgets, TakenPlaces
from kalends.store.database import Database
from kalends.store.tables import budgets, places
from tests.rules.conftest import Scripted, scripted
from tests.servers import free_port
from tests.world import NOW, ManualClock

__all__ = ["scripted"]

INTERVAL, BURST = timedelta(seconds=10), 3
LONGEST = timedelta(seconds=30)
SLACK = timedelta(seconds=9)
"""How long the statements of one test may take together."""


async def reserve(database: Database, count: int = 1, owed: int = 0, key: str = "account:a:6/60") -> timedelta:
    async with database.write() as writer:
        return await SpentBudgets(writer).reserve(
            key, interval=INTERVAL, burst=BURST, count=count, owed=owed, longest=LONGEST
        )


async def let_pass(database: Database, span: timedelta) -> None:
    async with database.write() as writer:
        by = span // timedelta(microseconds=1)
        await writer.execute(update(budgets).values(spent_until=budgets.c.spent_until - by))


def about(wait: timedelta, seconds: float) -> bool:
    """Tell whether a wait is what it would be if the statements took no time, or shorter by what they took."""
    return timedelta(seconds=seconds) - SLACK < wait <= timedelta(seconds=seconds)


async def test_what_is_reserved_comes_at_intervals_after_the_burst(database: Database) -> None:
    assert about(await reserve(database), -20)
    assert about(await reserve(database, count=2), -10)
    assert about(await reserve(database), 10)
    assert about(await reserve(database, key="account:b:6/60"), -20), "another key"
    await let_pass(database, timedelta(seconds=30))
    assert about(await reserve(database), -10)
    await let_pass(database, timedelta(days=30))
    assert about(await reserve(database), -20), "a pause saves up no more than the burst"


async def test_what_is_owed_comes_before_what_is_reserved(database: Database) -> None:
    assert about(await reserve(database, owed=2), 0)
    assert about(await reserve(database, owed=1), 20)
    assert about(await reserve(database), 30)


async def test_what_would_come_too_late_is_not_reserved(database: Database) -> None:
    await reserve(database, count=6)
    for _ in range(3):
        assert about(await reserve(database, count=2), 40)
    await let_pass(database, timedelta(seconds=10))
    assert about(await reserve(database), 30)


async def test_what_is_reserved_at_the_same_time_is_reserved_one_after_the_other(database: Database) -> None:
    waits = await asyncio.gather(*(reserve(database) for _ in range(8)))
    assert all(about(wait, seconds) for wait, seconds in zip(sorted(waits), range(-20, 40, 10), strict=False))
    assert sum(wait > LONGEST for wait in waits) == 2


async def test_a_database_whose_clock_was_set_back_blocks_nobody(database: Database) -> None:
    await reserve(database)
    await let_pass(database, -timedelta(hours=1))
    assert about(await reserve(database), -20)


async def test_a_wish_to_be_left_alone_is_kept_until_it_is_over_and_never_shortened(database: Database) -> None:
    keys = ["account:a", "project:p"]
    async with database.write() as writer:
        spent = SpentBudgets(writer)
        await spent.rest(keys, NOW + timedelta(minutes=5))
        await spent.rest(keys[:1], NOW + timedelta(minutes=1))
        await spent.rest(keys[1:], NOW + timedelta(minutes=9))
        until = {keys[0]: NOW + timedelta(minutes=5), keys[1]: NOW + timedelta(minutes=9)}
        assert await spent.resting(NOW) == until
        assert await spent.resting(NOW + timedelta(minutes=5)) == {keys[1]: until[keys[1]]}
        assert await spent.resting(NOW - timedelta(days=2)) == {}, "our clock was set back since"


async def test_what_says_nothing_any_more_is_dropped(scripted: Scripted) -> None:
    world, database = scripted.world, scripted.world.kalends.database

    async def rows() -> int:
        async with database.read() as reader:
            return (await reader.execute(select(func.count()).select_from(budgets))).scalar_one()

    await reserve(database)
    async with database.write() as writer:
        await SpentBudgets(writer).rest(["account:a"], world.clock.now() + timedelta(minutes=5))
    assert await world.kalends.retention.once() == 0
    world.clock.advance(timedelta(minutes=6))
    assert await world.kalends.retention.once() == 1
    await let_pass(database, timedelta(hours=1, minutes=1))
    assert await world.kalends.retention.once() == 1
    assert await rows() == 0


async def test_a_database_that_cannot_be_used_is_said_and_not_raised(database: Database) -> None:
    async with database.write() as writer:
        await writer.execute(text("DROP TABLE budgets"))
    gone = Database(f"postgresql://kalends@127.0.0.1:{free_port()}/kalends")
    for unusable in (database, gone):
        shared = StoredBudgets(unusable, ManualClock())
        allowance = Allowance(Scope.ACCOUNT, 6, timedelta(minutes=1), 3)
        assert await shared.reserve("account:a:6/60", allowance, count=1, owed=0, longest=LONGEST) is None
        assert await shared.resting() is None
        await shared.rest(["account:a"], NOW)
    await gone.close()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_database_that_is_busy_holds_up_nobody_for_long(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kalends.accounts.budgets.DEADLINE", timedelta(seconds=0.05))
    shared = StoredBudgets(database, ManualClock())
    await reserve(database)
    async with database.write() as holder:
        await holder.execute(update(budgets).values(spent_until=0))
        allowance = Allowance(Scope.ACCOUNT, 6, timedelta(minutes=1), 3)
        assert await shared.reserve("account:a:6/60", allowance, count=1, owed=0, longest=LONGEST) is None


# Places


async def take(database: Database, holder: str, kept: timedelta = timedelta(minutes=3)) -> bool:
    async with database.write() as writer:
        return await TakenPlaces(writer).take("account:a", 2, holder, kept=kept)


async def test_places_are_given_to_so_many_and_to_others_once_given_back(database: Database) -> None:
    assert [await take(database, holder) for holder in ("one", "two", "three")] == [True, True, False]
    async with database.write() as writer:
        await TakenPlaces(writer).give_back("account:a", "one")
    assert [await take(database, holder) for holder in ("three", "four")] == [True, False]


async def test_places_taken_at_once_are_not_taken_twice(database: Database) -> None:
    assert (
        sorted(await asyncio.gather(*(take(database, f"{number}") for number in range(6)))) == [False] * 4 + [True] * 2
    )


async def test_a_place_that_nobody_gave_back_is_free_again_after_a_while(database: Database) -> None:
    assert [await take(database, holder) for holder in ("one", "two")] == [True, True]
    async with database.write() as writer:
        by = timedelta(minutes=4) // timedelta(microseconds=1)
        await writer.execute(update(places).values(kept_until=places.c.kept_until - by))
    assert await take(database, "three")


async def test_a_place_that_seems_to_be_kept_for_ever_is_not_believed(database: Database) -> None:
    assert [await take(database, holder, timedelta(days=300)) for holder in ("one", "two")] == [True, True]
    assert await take(database, "three")
