"""The demo as it is installed: run twice, served afterwards, interrupted, killed."""

import json
import re
import shutil
import signal
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest
import structlog

from kalends.demo.server import HOST
from kalends.model.identity import MANAGE_EXTERNAL_CALENDARS
from tests.cli.operator import Operator
from tests.sandbox.google.discovery import amiss
from tests.sandbox.google.oauth_app import ConsentForm
from tests.servers import free_port
from tests.world import ics

SCHEDULE = "100ef23e-9e92-4293-8e08-d3747537138f"
SEED = f"/bookings/v2/external-calendars/connections?scheduleIds={SCHEDULE}"


@pytest.fixture(autouse=True)
def _own_log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A data folder that the executable's demo has filled, and what it printed."""
    folder = tmp_path_factory.mktemp("demo")
    operator = Operator(folder, {"KALENDS_DATABASE_URL": "postgresql://nobody@192.0.2.1/none"})
    done = operator.execute("demo", "--once", "--json", "--data-dir", str(folder / "demo"))
    assert done.stderr == ""
    return folder / "demo", json.loads(done.stdout)


@pytest.fixture
def data_dir(seeded: tuple[Path, Any], tmp_path: Path) -> Path:
    """A copy of the filled data folder."""
    return Path(shutil.copytree(seeded[0], tmp_path / "demo"))


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return Operator(tmp_path)


def test_the_object_that_once_prints(seeded: tuple[Path, Any]) -> None:
    document = seeded[1]
    assert set(document) == {"siteId", "token", "calendarServer", "connections", "events"}
    assert [one["status"] for one in document["connections"]] == ["SYNCED", "SYNCED"]
    first = document["connections"][0]
    assert first["scheduleId"] == SCHEDULE
    names = [one["name"] for one in first["syncConfig"]["listEventFromCalendars"]["calendars"]["calendars"]]
    assert sorted(names) == ["Private", "Public holidays", "Work"]
    assert len(document["events"]) >= 10
    assert {one["scheduleId"] for one in document["events"]} == {one["scheduleId"] for one in document["connections"]}


def test_running_it_twice_doubles_nothing(seeded: tuple[Path, Any], data_dir: Path, operator: Operator) -> None:
    first, second = seeded[1], operator.json("demo", "--once", "--data-dir", str(data_dir))
    assert second["siteId"] == first["siteId"]
    assert [one["id"] for one in second["connections"]] == [one["id"] for one in first["connections"]]
    operator.environment["KALENDS_DATA_DIR"] = str(data_dir)
    for what, count in (("site", 1), ("user", 2), ("schedule", 2), ("app", 1), ("provider", 2), ("connection", 2)):
        assert len(operator.json(what, "list")[f"{what}s"]) == count
    runs = operator.json("connection", "show", first["connections"][0]["id"])["runs"]
    # the week may have changed between the two
    assert runs[0]["counts"]["changed"] == 0 or time.strftime("%u") == "1"
    listed = operator.json("events", "list")["events"]
    assert len(listed) == len({json.dumps(one) for one in listed})


def test_a_folder_of_a_version_without_schedules_gets_a_token_for_them(data_dir: Path, operator: Operator) -> None:
    with closing(sqlite3.connect(data_dir / "kalends.db", isolation_level=None)) as database:
        database.execute("UPDATE installations SET scopes = ?", (json.dumps([MANAGE_EXTERNAL_CALENDARS]),))
    document = operator.json("demo", "--once", "--data-dir", str(data_dir))
    operator.environment["KALENDS_DATA_DIR"] = str(data_dir)
    with operator.started("serve", "--port", "0", "--json") as server:
        url = f"{server.document()['url']}/calendar/v3/schedules/{SCHEDULE}"
        answer = httpx2.get(url, headers={"Authorization": document["token"]}, trust_env=False)
        assert answer.status_code == 200, answer.text
        assert server.end(signal.SIGINT) == 0


def test_a_schedule_that_was_cancelled_is_left_out(data_dir: Path, operator: Operator) -> None:
    environment = {"KALENDS_DATA_DIR": str(data_dir)}
    Operator(operator.folder, environment).run("schedule", "cancel", SCHEDULE, "--yes")
    document = operator.json("demo", "--once", "--data-dir", str(data_dir))
    assert [one["status"] for one in document["connections"]] == ["SYNCED"]
    assert SCHEDULE not in {one["scheduleId"] for one in (*document["connections"], *document["events"])}


def test_an_event_made_by_curl_shows_in_the_calendar_and_one_made_there_blocks(
    data_dir: Path, operator: Operator
) -> None:
    port = free_port()
    with operator.started("demo", "--json", "--port", str(port), "--data-dir", str(data_dir)) as served:
        document = served.document()
        url, server = f"http://{HOST}:{port}", document["calendarServer"]
        connection = next(one for one in document["connections"] if one["scheduleId"] == SCHEDULE)
        login = (connection["externalAccountEmail"], server["password"])
        day = f"{time.strftime('%Y-%m-%d', time.gmtime(time.time() + 86_400))}"
        with (
            httpx2.Client(base_url=url, headers={"Authorization": document["token"]}, trust_env=False) as api,
            httpx2.Client(base_url=server["url"], auth=login, trust_env=False) as calendars,
        ):
            times = {name: {"localDate": f"{day}T{hour}:30:00"} for name, hour in (("start", "03"), ("end", "04"))}
            event = {"scheduleId": SCHEDULE, "title": "Haircut at night", **times}
            assert api.post("/calendar/v3/events", json={"event": event}).status_code == 200
            until(lambda: "Haircut at night" in exported(calendars, login[0]))
            text = ics("dentist", "Dentist", f"{day.replace('-', '')}T033000Z", end=f"{day.replace('-', '')}T043000Z")
            path = f"/{login[0]}/work/dentist.ics"
            assert calendars.put(path, content=text, headers={"Content-Type": "text/calendar"}).status_code == 201
            asked = api.post(f"/kalends/v1/connections/{connection['id']}/sync", json={})
            assert asked.status_code in {200, 202}, asked.text
            until(lambda: "Dentist" in blocking(api, day))
            assert "Haircut at night" not in blocking(api, day), "our own copy"
        assert served.end(signal.SIGTERM) == 0


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def exported(calendars: httpx2.Client, account: str) -> str:
    """Return everything that is in the calendars that were made for copies."""
    body = '<propfind xmlns="DAV:"><prop><displayname/></prop></propfind>'
    listed = calendars.request("PROPFIND", f"/{account}/", content=body, headers={"Depth": "1"}).text
    paths = re.findall(r"<href>([^<]*)</href>(?:(?!</response>).)*?<displayname>Kalends demo<", listed, re.DOTALL)
    return "".join(calendars.get(path).text for path in paths)


def blocking(api: httpx2.Client, day: str) -> set[str]:
    """Return the titles of what blocks the schedule on a day."""
    span = {"from": f"{day}T00:00:00Z", "to": f"{day}T23:59:59Z", "scheduleIds": SCHEDULE, "fieldsets": "OWN_PI"}
    answer = api.get("/bookings/v2/external-calendars/events", params=span)
    assert answer.status_code == 200, answer.text
    return {one["title"] for one in answer.json()["events"]}


def test_serve_on_the_same_folder_accepts_the_token(
    seeded: tuple[Path, Any], data_dir: Path, operator: Operator
) -> None:
    operator.environment["KALENDS_DATA_DIR"] = str(data_dir)
    with operator.started("serve", "--port", "0", "--json") as server:
        url = server.document()["url"]
        with httpx2.Client(base_url=url, headers={"Authorization": seeded[1]["token"]}, trust_env=False) as client:
            (connection,) = client.get(SEED).json()["connections"]
            assert connection["status"] == "SYNCED"
            assert connection["syncConfig"]["listEventFromCalendars"]["enabled"] is True
            today = time.strftime("%Y-%m-%dT00:00:00Z")
            ahead = time.strftime("%Y-%m-%dT00:00:00Z", time.localtime(time.time() + 7 * 86_400))
            events = client.get("/bookings/v2/external-calendars/events", params={"from": today, "to": ahead})
            assert events.status_code == 200
            assert len(events.json()["events"]) >= 5
        assert server.end(signal.SIGINT) == 0


def test_it_serves_until_it_is_told_to_end_and_shows_how_to_call_it(data_dir: Path, operator: Operator) -> None:
    port = free_port()
    with operator.started("demo", "--port", str(port), "--data-dir", str(data_dir)) as demo:
        shown = read_until(demo, "Ctrl-C ends it.")
        assert "│ Studio manager │" in shown
        assert "SYNCED" in shown
        token = re.search(r"-H 'Authorization: (\S+)'", shown)
        assert token is not None
        assert f"curl 'http://127.0.0.1:{port}{SEED}'" in shown
        kept = data_dir / "token"
        assert kept.read_text() == f"{token[1]}\n"
        assert kept.stat().st_mode & 0o777 == 0o600
        answer = httpx2.get(f"http://127.0.0.1:{port}{SEED}", headers={"Authorization": token[1]}, trust_env=False)
        assert answer.json()["connections"][0]["status"] == "SYNCED"

        assert "is running in" in operator.run("demo", "--once", "--data-dir", str(data_dir), code=1).stderr
        taken = operator.run("demo", "--port", str(port), "--data-dir", str(data_dir / "other"), code=1).stderr
        assert f"Port {port} of 127.0.0.1 is taken" in taken

        calendars = int((data_dir / "caldav" / "port").read_text())
        assert answers(calendars)
        assert demo.end(signal.SIGTERM) == 0
        assert not answers(calendars)
        assert demo.errors.read_text().count("\n") == 1


def test_the_calendar_server_goes_with_a_demo_that_is_killed(data_dir: Path, operator: Operator) -> None:
    with operator.started("demo", "--port", "0", "--json", "--data-dir", str(data_dir)) as demo:
        demo.document()
        calendars = int((data_dir / "caldav" / "port").read_text())
        assert answers(calendars)
        demo.end(signal.SIGKILL)
        deadline = time.monotonic() + 20
        while answers(calendars):
            assert time.monotonic() < deadline, "the calendar server outlives the demo"
            time.sleep(0.05)


def test_a_taken_port_of_the_calendar_server_is_changed(data_dir: Path, operator: Operator) -> None:
    before = int((data_dir / "caldav" / "port").read_text())
    with socket.create_server((HOST, before)):
        document = operator.json("demo", "--once", "--data-dir", str(data_dir))
    assert int((data_dir / "caldav" / "port").read_text()) != before
    assert [one["status"] for one in document["connections"]] == ["SYNCED", "SYNCED"]
    operator.environment["KALENDS_DATA_DIR"] = str(data_dir)
    statuses = [one["status"] for one in operator.json("connection", "list")["connections"]]
    assert sorted(statuses) == ["DISCONNECTED", "DISCONNECTED", "SYNCED", "SYNCED"]
    assert len(operator.json("events", "list")["events"]) == len(document["events"])


def test_a_misspelt_setting_stops_the_demo_too(operator: Operator) -> None:
    operator.environment["KALENDS_POTR"] = "1"
    assert "KALENDS_POTR" in operator.run("demo", "--once", code=2).stderr
    assert list(operator.folder.iterdir()) == []


def read_until(demo: Any, text: str) -> str:
    read = ""
    while text not in read:
        line = demo.process.stdout.readline()
        assert line, f"it ended: {read}\n{demo.errors.read_text()}"
        read += line
    return read


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def test_a_google_account_of_a_sandbox_is_connected_while_it_is_served(data_dir: Path, operator: Operator) -> None:
    port = free_port()
    url = f"http://{HOST}:{port}"
    with operator.started("demo", "--data-dir", str(data_dir), "--port", str(port)) as demo:
        assert f"{url}/demo/connect/google" in read_until(demo, "Ctrl-C ends it.")
        token = (data_dir / "token").read_text().strip()
        with httpx2.Client(follow_redirects=True, trust_env=False) as browser:
            shown = browser.get(f"{url}/demo/connect/google")
            assert "Google (sandbox)" in shown.text
            consent = browser.post(str(shown.url), headers={"Origin": url})
            form = ConsentForm(consent.text)
            fields = {**form.hidden, "account": form.accounts[0], "scope": form.ticked, "action": "continue"}
            done = browser.post(str(consent.url.join(form.action)), data=fields)
            assert done.url.path == "/demo/connected"
            asked = f"{url}/bookings/v2/external-calendars/connections/{done.url.params['connectionId']}"

            def connection() -> Any:
                return browser.get(asked, headers={"Authorization": token}).json()["connection"]

            deadline = time.monotonic() + 60
            while connection()["status"] != "SYNCED" and time.monotonic() < deadline:
                time.sleep(0.1)
            assert (connection()["status"], connection()["calendarType"]) == ("SYNCED", "GOOGLE")
            assert "You said no" in browser.get(f"{url}/demo/connected?error=reject").text
            asked_of_google = browser.get(str(consent.url.join("/_sandbox/requests"))).json()["requests"]
            assert amiss(asked_of_google) == []
        assert demo.end(signal.SIGTERM) == 0
