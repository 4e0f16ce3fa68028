"""`kalends worker`: what monitors can ask of a process that does not serve the API."""

import signal
import socket
from pathlib import Path

import httpx2
import pytest

from tests.cli.operator import Operator
from tests.world import SECRET_KEY

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
TOKEN = "what only a monitor knows"


@pytest.fixture
def operator(database_url: str, tmp_path: Path) -> Operator:
    environment = {
        "KALENDS_DATABASE_URL": database_url,
        "KALENDS_SECRET_KEY": SECRET_KEY,
        "KALENDS_METRICS_TOKEN": TOKEN,
    }
    return Operator(tmp_path, environment)


def test_a_worker_answers_monitors_on_a_port_of_its_own(operator: Operator) -> None:
    with operator.started("worker", "--metrics-port", "0", "--json") as worker:
        url = worker.document()["metricsUrl"]
        assert url.startswith("http://127.0.0.1:")
        assert httpx2.get(url).status_code == 401
        told = httpx2.get(url, headers={"Authorization": f"Bearer {TOKEN}"})
        assert "kalends_store_read 1.0" in told.text
        assert httpx2.get(url.replace("/metrics", "/readyz")).json() == {"status": "ok"}
        assert worker.end(signal.SIGTERM) == 0
        assert "Traceback" not in worker.errors.read_text()


def test_a_worker_says_which_option_chooses_another_port(operator: Operator) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        operator.environment["KALENDS_WORKER_METRICS_PORT"] = str(taken.getsockname()[1])
        refused = operator.run("worker", code=1).stderr
    assert "choose another with --metrics-port" in refused
