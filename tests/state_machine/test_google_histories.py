"""Histories of a Google account, made up by Hypothesis; see `google_machine.py` for what they hold Kalends to.

`KALENDS_TEST_STATE_EXAMPLES` has that many histories made up anew, instead of the same few each time.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.google.stage import staged
from tests.state_machine.google_history import GoogleService
from tests.state_machine.google_machine import GoogleHistories
from tests.state_machine.test_histories import ASKED_FOR

EXAMPLES = {"sqlite": 5, "postgresql": 1}
STEPS = 12

pytestmark = pytest.mark.timeout(0 if ASKED_FOR else 900)
"""A failure takes minutes to be made small."""


@contextmanager
def service_on(database_url: str, folder: Path) -> Iterator[GoogleService]:
    """Make a Kalends and a Google, with a loop of their own: a state machine is not asynchronous."""
    with asyncio.Runner() as runner:
        opened = staged(database_url, folder)
        stage = runner.run(opened.__aenter__())
        try:
            yield GoogleService(runner, stage)
        finally:
            runner.run(opened.__aexit__(None, None, None))


def test_whatever_happens_at_google_kalends_keeps_its_rules(database_url: str, tmp_path: Path) -> None:
    backend = database_url.partition(":")[0]
    with service_on(database_url, tmp_path) as service:
        run_state_machine_as_test(
            lambda: GoogleHistories(service),  # type: ignore[arg-type] # any callable will do
            settings=settings(
                max_examples=int(ASKED_FOR) if ASKED_FOR else EXAMPLES[backend],
                stateful_step_count=STEPS,
                derandomize=ASKED_FOR is None,
                database=None,
                deadline=None,
                suppress_health_check=list(HealthCheck),
                report_multiple_bugs=False,
                phases=[Phase.generate, Phase.shrink],
                print_blob=ASKED_FOR is not None,
            ),
        )
