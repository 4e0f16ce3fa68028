"""How state machines are run: the same few histories each time, or as many new ones as are asked for."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from datetime import date
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from tests.state_machine.person import Person, Stage
from tests.state_machine.person_history import PersonService

VARIABLE = "KALENDS_TEST_STATE_EXAMPLES"
ASKED_FOR = os.environ.get(VARIABLE)
"""How many histories are made up anew, instead of the same few each time."""
PATIENT = pytest.mark.timeout(0 if ASKED_FOR else 900)
"""A failure takes minutes to be made small."""
EXAMPLES = {"sqlite": 5, "postgresql": 1}
"""Histories of a connected account, by engine."""
STEPS = 12
StageT = TypeVar("StageT", bound=Stage)


def run(machine: Callable[[], RuleBasedStateMachine], *, examples: int, steps: int) -> None:
    """Run a machine; raises what its smallest failing history raises."""
    run_state_machine_as_test(
        machine,  # type: ignore[arg-type] # any callable will do
        settings=settings(
            max_examples=int(ASKED_FOR) if ASKED_FOR else examples,
            stateful_step_count=steps,
            derandomize=ASKED_FOR is None,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
            phases=[Phase.generate, Phase.shrink],
            print_blob=ASKED_FOR is not None,
        ),
    )


@contextmanager
def people_on(
    opened: AbstractAsyncContextManager[StageT], new_person: Callable[[StageT, int, date], Awaitable[Person]]
) -> Iterator[PersonService]:
    """Make a Kalends and a provider, with a loop of their own: a state machine is not asynchronous."""
    with asyncio.Runner() as runner:
        stage = runner.run(_entered(opened))
        try:
            yield PersonService(runner, stage, lambda number, first_day: new_person(stage, number, first_day))
        finally:
            runner.run(_left(opened))


async def _entered(opened: AbstractAsyncContextManager[StageT]) -> StageT:
    return await opened.__aenter__()


async def _left(opened: AbstractAsyncContextManager[object]) -> None:
    await opened.__aexit__(None, None, None)
