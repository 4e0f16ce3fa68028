"""Which faults there are: by `--seed`, else by `KALENDS_TEST_FAULT_SEED`, else others each time."""

import os
import secrets

import pytest
from rich.console import Console


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seed", type=int, help="plays the changes and faults of an earlier storm again")


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """The seed of a storm, which is printed."""
    # unless this folder was named on the command line there is no such option
    given = request.config.getoption("--seed", None) or os.environ.get("KALENDS_TEST_FAULT_SEED")
    found = secrets.randbelow(1 << 32) if given is None else int(given)
    Console().print(f"seed {found}")
    return found
