"""Schedules from the command line: changed, shown, cancelled."""

import pytest

from tests.cli.operator import Operator
from tests.cli.studio import Studio


@pytest.fixture
def schedule(operator: Operator) -> str:
    operator.run("site", "create", "--name", "Studio", "--time-zone", "Europe/Berlin")
    made: str = operator.json("schedule", "create", "--name", "Room", "--external-id", "room 1")["scheduleId"]
    return made


def test_a_schedule_is_shown_and_changed(operator: Operator, schedule: str) -> None:
    made = operator.json("schedule", "show", schedule)
    assert (made["status"], made["externalId"], made["followsSiteTimeZone"]) == ("ACTIVE", "room 1", True)
    user = operator.json("user", "create", "--email", "ada@example.org", "--name", "Ada")["userId"]
    moved = operator.json(
        *("schedule", "update", schedule, "--name", "Chair", "--owner", user),
        *("--time-zone", "Asia/Tokyo", "--external-id", "x"),
    )
    assert (moved["name"], moved["ownerName"], moved["externalId"], moved["revision"]) == ("Chair", "Ada", "x", 2)
    assert (moved["timeZone"], moved["followsSiteTimeZone"]) == ("Asia/Tokyo", False)
    back = operator.json("schedule", "update", "--schedule", schedule, "--no-owner", "--follow-site-zone")
    assert (back["ownerId"], back["timeZone"], back["followsSiteTimeZone"]) == (None, "Europe/Berlin", True)
    operator.run("site", "update", "--time-zone", "America/New_York")
    assert "America/New_York (the site's)" in operator.run("schedule", "show", schedule).stdout


def test_a_schedule_is_cancelled_once_it_was_confirmed(operator: Operator, schedule: str) -> None:
    refused = operator.run("schedule", "cancel", schedule, typed="n\n", code=1)
    assert "for ever?" in refused.stderr
    assert operator.json("schedule", "show", schedule)["status"] == "ACTIVE"
    operator.run("schedule", "cancel", schedule, typed="", code=1)
    assert "CANCELLED" in operator.run("schedule", "cancel", schedule, typed="y\n").stdout
    assert "CANCELLED" in operator.run("schedule", "list").stdout
    again = operator.json("schedule", "cancel", schedule, "--yes", code=1)
    assert again["error"]["code"] == "SCHEDULE_ALREADY_CANCELLED"
    changed = operator.json("schedule", "update", schedule, "--name", "Back", code=1)
    assert changed["error"]["code"] == "SCHEDULE_CANCELLED"


def test_cancelling_disconnects(studio: Studio) -> None:
    connection = studio.connected()["id"]
    studio.operator.json("schedule", "cancel", studio.schedule_id, "--yes")
    assert studio.operator.json("connection", "show", connection)["status"] == "DISCONNECTED"


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--owner", "u", "--no-owner"),
        ("--time-zone", "Asia/Tokyo", "--follow-site-zone"),
    ],
)
def test_changes_that_make_no_sense_are_wrong_usage(
    operator: Operator, schedule: str, options: tuple[str, ...]
) -> None:
    operator.run("schedule", "update", schedule, *options, code=2)


def test_what_is_not_there_is_one_line_and_exit_code_1(operator: Operator, schedule: str) -> None:
    assert operator.json("schedule", "show", "nothing", code=1)["error"]["code"] == "SCHEDULE_NOT_FOUND"
    unknown = operator.json("schedule", "update", schedule, "--owner", "nobody", code=1)
    assert unknown["error"]["code"] == "USER_NOT_FOUND"
