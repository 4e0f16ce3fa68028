"""The official JavaScript SDK, unmodified, runs against Kalends with nothing changed but the host.

One Node process per strategy: the SDK keeps an elevated client in a global of the process.
"""

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from scripts.official_sdk import node_environment
from tests.sdk.live import LiveServer

pytestmark = pytest.mark.timeout(700)  # the first run installs the packages

NODE = Path(sys.executable).parent / "node"


async def node(folder: Path, script: str, *arguments: str, env: Mapping[str, str]) -> Any:
    """Run a script and return what it reported."""
    process = await asyncio.create_subprocess_exec(
        NODE,
        script,
        *arguments,
        cwd=folder,
        env={**node_environment(), **env},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(90):
            out, said = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    assert process.returncode == 0, said.decode()
    return json.loads(out.splitlines()[-1])


def code(error: Mapping[str, Any]) -> tuple[int, str]:
    assert error["requestId"]
    return error["status"], error["code"]


def violated(error: Mapping[str, Any]) -> list[list[str]]:
    assert error["requestId"]
    assert error["status"] == 400
    found: list[list[str]] = error["violations"]
    return found


@pytest.mark.parametrize("strategy", ["token", "app", "api-key"])
async def test_all_nine_methods(sdk: Path, live_server: LiveServer, strategy: str) -> None:
    outcome = await node(sdk, "self-hosted.mjs", strategy, env=live_server.environment)
    check_answers(outcome, live_server)
    check_errors(outcome["errors"])


def check_answers(outcome: Mapping[str, Any], live: LiveServer) -> None:
    apple, provider = sorted(outcome["providers"], key=lambda one: one["_id"] == live.provider_id)
    assert (apple["calendarType"], apple["features"]["connectMethods"]) == ("I_CAL", ["CREDENTIALS"])
    assert {one["features"]["syncToCalendar"] for one in (apple, provider)} == {"DEDICATED_CALENDAR"}
    assert (provider["_id"], provider["name"], provider["calendarType"]) == (live.provider_id, "Test server", "OTHER")
    assert outcome["connections"] == []

    connected = outcome["connected"]
    assert connected["externalAccountEmail"] == live.login.email
    assert (connected["providerId"], connected["scheduleId"]) == (live.provider_id, live.schedule_id)
    assert connected["userId"] == live.owner_id
    assert "errorReason" not in connected
    assert [one["_id"] for one in outcome["listed"]["connections"]] == [connected["_id"]]
    assert outcome["listed"]["failedProviderIds"] == []
    assert outcome["got"]["connection"]["_id"] == connected["_id"]

    (calendar,) = outcome["calendars"]
    assert (calendar["_id"], calendar["name"]) == (f"{live.login.home}work/", "Work")
    config = outcome["updated"]["connection"]["syncConfig"]
    assert config["listEventFromCalendars"]["calendars"]["calendars"] == [calendar]
    assert config["syncToCalendar"] == {"enabled": True, "dedicatedCalendar": {}}
    config = outcome["switchedOff"]["connection"]["syncConfig"]
    assert config["syncToCalendar"] == {"enabled": False, "dedicatedCalendar": {}}
    assert config["listEventFromCalendars"]["calendars"]["calendars"] == [calendar], "the other side stays"

    assert [one["title"] for one in outcome["events"]["events"]] == ["Dentist", "Lunch"]
    assert outcome["events"]["failedProviderIds"] == []
    assert {one["calendarName"] for one in outcome["events"]["events"]} == {"Work"}
    assert {one["scheduleOwnerName"] for one in outcome["events"]["events"]} == {"Ada"}
    assert len(outcome["bare"]["events"]) == 2
    assert "title" not in outcome["bare"]["events"][0]
    assert "failedProviderIds" not in outcome["bare"]
    pages = [[one["start"] for one in page["events"]] for page in outcome["pages"]]
    assert pages == [[one["start"]] for one in outcome["bare"]["events"]]
    assert [page["pagingMetadata"]["hasNext"] for page in outcome["pages"]] == [True, False]

    assert outcome["disconnected"]["connection"]["status"] == "DISCONNECTED"


def check_errors(errors: Mapping[str, Any]) -> None:
    assert code(errors["badCredentials"]) == (401, "BAD_CREDENTIALS")
    assert code(errors["notByOAuth"]) == (428, "NOT_SUPPORTED_BY_PROVIDER")
    assert code(errors["noPrimary"]) == (428, "NOT_SUPPORTED_BY_PROVIDER")
    assert code(errors["noSuchConnection"]) == (404, "CONNECTION_NOT_FOUND")
    assert code(errors["noSuchProvider"]) == (404, "PROVIDER_NOT_FOUND")
    assert code(errors["noSuchSchedule"]) == (404, "SCHEDULE_NOT_FOUND")
    assert code(errors["disconnectTwice"]) == (428, "CONNECTION_ALREADY_DISCONNECTED")
    assert code(errors["calendarsOfDisconnected"]) == (428, "CONNECTION_NOT_CONNECTED")
    assert violated(errors["bothArms"]) == [["syncConfig.listEventFromCalendars", "ONE_OF_ALIGNMENT"]]
    assert violated(errors["noGuid"]) == [["options.scheduleIds[0]", "FORMAT"]]
    assert violated(errors["tooMuch"]) == [["options.cursorPaging.limit", "MAX"], ["options.from", "FORMAT"]]
    assert violated(errors["dates"]) == [["options.from", "REQUIRED_FIELD"], ["options.to", "REQUIRED_FIELD"]]
    assert "required string" in errors["dates"]["message"]


@pytest.mark.parametrize("usage", ["plain", "elevated"])
async def test_methods_called_as_functions_of_their_module(sdk: Path, live_server: LiveServer, usage: str) -> None:
    connection_id = await live_server.connect()
    outcome = await node(sdk, "modules.mjs", usage, env=live_server.environment)
    assert [one["_id"] for one in outcome["connections"]] == [connection_id]


async def test_without_credentials(sdk: Path, live_server: LiveServer) -> None:
    outcome = await node(sdk, "self-hosted.mjs", "none", env={"KALENDS_TEST_URL": live_server.url})
    assert code(outcome["errors"]["unauthenticated"]) == (401, "UNAUTHENTICATED")


async def test_the_owner_of_the_schedule_may_do_the_same(sdk: Path, live_server: LiveServer) -> None:
    env = {**live_server.environment, "KALENDS_TEST_TOKEN": live_server.owner_token}
    outcome = await node(sdk, "self-hosted.mjs", "token", env=env)
    assert outcome["connected"]["userId"] == live_server.owner_id
    assert "appId" not in outcome["connected"]
    assert [one["title"] for one in outcome["events"]["events"]] == ["Dentist", "Lunch"]
