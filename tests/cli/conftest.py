from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.cli.operator import Operator
from tests.cli.studio import Studio, open_studio
from tests.servers import CalDavServer


@pytest.fixture(autouse=True)
def _own_log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Commands write their log to a standard error that is gone after them; and find no kalends.toml of ours."""
    monkeypatch.chdir(tmp_path)
    yield
    structlog.reset_defaults()


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    """An operator with a data folder of their own, and nothing in it."""
    return Operator(tmp_path, {"KALENDS_NET_ALLOW": "127.0.0.0/8"})


@pytest.fixture
def studio(operator: Operator, radicale: CalDavServer) -> Studio:
    """A site with a schedule, and an account that is not yet connected to it."""
    return open_studio(operator, radicale)
