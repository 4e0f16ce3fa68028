"""The installed executable in an empty environment: serving, and commands beside a server."""

import signal
import subprocess
import sys
import time

import httpx2
import pytest

from kalends import __version__
from tests.cli.operator import Operator
from tests.cli.studio import Studio, meeting

LIST = "/bookings/v2/external-calendars/connections"


def test_serve_answers_keeps_in_sync_and_ends_when_told_to(studio: Studio) -> None:
    operator = studio.operator
    app = operator.json("app", "create", "--name", "Client")["clientId"]
    token = operator.json("token", "create", "--app", app)["token"]
    with operator.started("serve", "--port", "0", "--json") as server:
        url = server.document()["url"]
        with httpx2.Client(base_url=url, headers={"Authorization": token}, trust_env=False) as client:
            assert client.get(LIST).json() == {"connections": []}

            # the server does the import: the command only asks for it and waits
            connection = studio.connected()
            assert connection["run"]["counts"]["changed"] == 2
            studio.server.put(f"{studio.calendar}three.ics", meeting("three", 7, "Third"))
            assert operator.json("connection", "sync", connection["id"])["counts"]["changed"] == 1
            assert client.get(LIST).json()["connections"][0]["status"] == "SYNCED"
            log = server.errors.read_text()
            assert log.count("synced") == 2

            ids = [("scheduleIds", f"{number:08}-9e92-4293-8e08-d3747537138f") for number in range(100)]
            people = [("userIds", one) for _, one in ids]
            span = [("from", "2026-01-01T00:00:00Z"), ("to", "2026-02-01T00:00:00Z")]
            long = client.get("/bookings/v2/external-calendars/events", params=[*span, *ids, *people])
            assert len(long.request.url.raw_path) > 9_000
            assert long.status_code == 200

            taken = url.rpartition(":")[2]
            refused = operator.run("serve", "--port", taken, code=1).stderr
            assert (
                refused
                == f"Error: Port {taken} of 127.0.0.1 is taken by another program; choose another with --port.\n"
            )

            began = time.monotonic()
            assert server.end(signal.SIGTERM) == 0
            assert time.monotonic() - began < 20
        log = server.errors.read_text()
        assert token not in log
        assert "Third" not in log
        assert "Traceback" not in log
    # nobody is waited for once the server has said goodbye
    assert operator.json("connection", "sync", connection["id"])["outcome"] == "done"


def test_the_executable_in_an_empty_environment(operator: Operator) -> None:
    assert operator.execute("--version").stdout == f"kalends {__version__}\n"
    operator.environment["KALENDS_POTR"] = "1"
    assert (
        operator.execute("config", code=2).stderr
        == "Error: KALENDS_POTR is not a setting; did you mean KALENDS_PORT?\n"
    )


def test_an_argument_that_is_no_text_is_one_line(operator: Operator) -> None:
    refused = operator.execute("site", "create", "--name", "Zo\udceb", code=2).stderr
    assert refused == "Error: An argument is not in UTF-8; see that the locale (LANG) is one of UTF-8.\n"


def test_help_loads_neither_the_store_nor_the_server() -> None:
    loaded = "import sys; from kalends.cli.application import app; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True).stdout.split()
    assert {"sqlalchemy", "uvicorn", "pydantic", "kalends.app", "icalendar"}.isdisjoint(modules)


def test_python_m_kalends_is_the_command_line() -> None:
    done = subprocess.run([sys.executable, "-m", "kalends", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"kalends {__version__}\n"


@pytest.mark.parametrize("arguments", [("worker",), ("serve", "--no-worker", "--port", "0")])
def test_an_embedded_database_belongs_to_one_process(operator: Operator, arguments: tuple[str, ...]) -> None:
    refused = operator.run(*arguments, code=2).stderr
    assert refused.startswith(f"Error: `kalends {' '.join(arguments[:2])}` needs PostgreSQL (KALENDS_DATABASE_URL)")


def test_an_address_that_is_not_ours_is_one_line(operator: Operator) -> None:
    assert "Cannot listen on port" in operator.run("serve", "--host", "192.0.2.1", "--port", "0", code=1).stderr
    assert "no address of this machine" in operator.run("serve", "--host", "no such host", code=1).stderr
