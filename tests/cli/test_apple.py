"""Connecting an Apple account from the command line."""

import pytest

from kalends.providers.apple import APPLE
from tests.cli.operator import Operator
from tests.icloud.running import RunningICloud


@pytest.mark.usefixtures("kalends_reaches_icloud")
def test_the_operator_is_told_what_password_apple_takes_and_connects_with_it(
    operator: Operator, icloud: RunningICloud
) -> None:
    assert APPLE.built_in_id is not None
    account = icloud.account()
    icloud.behind.make_calendar(f"{account.login.home}home/")
    operator.run("site", "create", "--name", "Studio", "--time-zone", "Europe/Berlin")
    schedule = operator.json("schedule", "create", "--name", "Room")["scheduleId"]
    to = ("--schedule", schedule, "--provider", APPLE.built_in_id, "--email", account.login.email)
    command = ("connection", "connect", *to, "--password-stdin")

    refused = operator.run(*command, typed="wrong\n", code=1)
    assert "app-specific password" in " ".join(refused.stderr.split())
    assert operator.json(*command, typed="wrong\n", code=1)["error"]["code"] == "BAD_CREDENTIALS"
    assert operator.json(*command, typed=f"{account.login.password}\n")["status"] == "SYNCED"
