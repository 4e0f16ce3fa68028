"""Fixtures that more than one folder of tests needs."""

from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

# what takes long on a busy machine is not wrong
settings.register_profile("kalends", deadline=None)
settings.load_profile("kalends")

pytest_plugins = ["tests.databases", "tests.servers", "tests.icloud.running"]


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    yield
    structlog.reset_defaults()
