"""Fixtures that more than one folder of tests needs."""

import os
import signal
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

# what takes long on a busy machine is not wrong
settings.register_profile("kalends", deadline=None)
settings.load_profile("kalends")

# a shell that starts this in the background has it ignore Ctrl-C, and so would what the tests start
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_xdist_auto_num_workers() -> int:
    """Return how many processes share the tests by default: one more than cores, since many tests wait for servers."""
    return (os.cpu_count() or 1) + 1


pytest_plugins = ["tests.leaks", "tests.databases", "tests.servers", "tests.icloud.running"]


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    yield
    structlog.reset_defaults()
