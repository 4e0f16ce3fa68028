"""Histories of one connection, made up by Hypothesis; see `machine.py` for what they hold Kalends to.

`KALENDS_TEST_STATE_EXAMPLES` has that many histories made up anew, instead of the same few each time.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import uvloop

from tests.state_machine.machine import Histories
from tests.state_machine.plugin import StagedKind
from tests.state_machine.running import PATIENT, run
from tests.state_machine.service import HistoryClock, Service, workers
from tests.state_machine.stored import Looks
from tests.world import settings_for

EXAMPLES = {"sqlite": 16, "postgresql": 4}
STEPS = 16
LEASE_TIME = timedelta(minutes=10)
"""As long as that no worker renews its lease while a history lasts: whether it is kept is the history's business."""

pytestmark = PATIENT


@contextmanager
def service_on(database_url: str, folder: Path) -> Iterator[Service]:
    """Make the workers, with a loop of their own: a state machine is not asynchronous."""
    kind, clock = StagedKind(), HistoryClock()
    made = settings_for(database_url, folder, lease_time=LEASE_TIME, log_level="error")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, pytest.MonkeyPatch.context() as patch:
        opened = workers(made, kind, clock, patch)
        both = runner.run(opened.__aenter__())
        looks = Looks(both[0].database)
        try:
            yield Service(runner, both, kind, clock, looks)
        finally:
            looks.close()
            runner.run(opened.__aexit__(None, None, None))


def test_whatever_happens_kalends_keeps_its_rules(database_url: str, tmp_path: Path) -> None:
    backend = database_url.partition(":")[0]
    with service_on(database_url, tmp_path) as service:
        run(lambda: Histories(service), examples=EXAMPLES[backend], steps=STEPS)
