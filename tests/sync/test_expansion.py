"""Expansion in worker processes: alarms, kills, and an event loop that keeps turning."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from kalends.model.occurrence import Availability, Expansion, ExpansionContext, Occurrence, Problem
from kalends.model.time import Window
from kalends.sync import expansion
from kalends.sync.expansion import Expander, Group

CONTEXT = ExpansionContext(Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)), "UTC")
LONGEST_GAP = 1.0
"""Seconds for which the event loop may stand still on a busy machine."""


@dataclass
class Tricky:
    """Expands a text into one occurrence, unless the text says to hang."""

    tame: bool = False

    def is_tame(self, payloads: Sequence[bytes]) -> bool:
        return self.tame and b"HANG" not in payloads[0]

    def expand(self, payloads: Sequence[bytes], context: ExpansionContext) -> Expansion:
        if payloads[0] == b"HANG FOR GOOD":
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGPROF})
        while payloads[0].startswith(b"HANG"):
            pass
        if payloads[0] == b"DEAR" and context.limits.max_steps <= expansion.INLINE_STEPS:
            return Expansion(problems=(Problem(None, "too many steps"),))
        start = context.window.start
        once = Occurrence("k", "u", start, start, "UTC", payloads[0].decode(), Availability.BUSY)
        return Expansion((once,))


@pytest.fixture
async def expander() -> AsyncIterator[Expander]:
    made = Expander(timedelta(seconds=0.3))
    yield made
    await made.close()


def groups(*texts: bytes) -> list[Group]:
    return [Group(str(number), (text,)) for number, text in enumerate(texts)]


async def test_rule_6_a_group_that_takes_too_long_is_given_up_alone(expander: Expander) -> None:
    expanded = await expander.expand(Tricky(), groups(b"a", b"HANG", b"b"), CONTEXT)
    assert [one.title for key in ("0", "2") for one in expanded[key].occurrences] == ["a", "b"]
    assert expanded["1"].occurrences == ()
    assert [one.reason for one in expanded["1"].problems] == ["expanding it takes longer than 0.3 s"]
    assert expanded["1"].given_up
    assert expanded["1"].expanded_until == CONTEXT.window.end, "it is tried again when the window moves on"


async def test_what_looks_quick_and_is_not_is_left_to_a_worker(expander: Expander) -> None:
    expanded = await expander.expand(Tricky(tame=True), groups(b"a", b"DEAR"), CONTEXT)
    assert expander._pool is not None
    assert [one.title for key in ("0", "1") for one in expanded[key].occurrences] == ["a", "DEAR"]


async def test_rule_6_a_worker_that_ignores_its_alarm_is_killed(
    expander: Expander, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expansion, "GRACE", timedelta(seconds=3))
    expanded = await expander.expand(Tricky(), groups(b"a", b"HANG FOR GOOD"), CONTEXT)
    assert [one.title for one in expanded["0"].occurrences] == ["a"]
    assert expanded["1"].problems
    again = await expander.expand(Tricky(), groups(b"c"), CONTEXT)
    assert again["0"].occurrences, "another worker takes its place"


async def test_rule_6_the_event_loop_turns_while_workers_hang(expander: Expander) -> None:
    gaps: list[float] = []

    async def watch() -> None:
        last = time.monotonic()
        while True:
            await asyncio.sleep(0.01)
            gaps.append(time.monotonic() - last)
            last = time.monotonic()

    watching = asyncio.create_task(watch())
    await expander.expand(Tricky(), groups(*[b"HANG"] * 4), CONTEXT)
    watching.cancel()
    assert len(gaps) > 20
    assert max(gaps) < LONGEST_GAP


async def test_what_is_sure_to_be_quick_starts_no_process(expander: Expander) -> None:
    expanded = await expander.expand(Tricky(tame=True), groups(b"a", b"b"), CONTEXT)
    assert set(expanded) == {"0", "1"}
    assert expander._pool is None


async def test_many_groups_are_expanded_in_batches(expander: Expander) -> None:
    many = groups(*(f"{number}".encode() for number in range(expansion.BATCH * 2 + 1)))
    expanded = await expander.expand(Tricky(tame=True), many, CONTEXT)
    assert [expanded[one.key].occurrences[0].title for one in many] == [one.key for one in many]
