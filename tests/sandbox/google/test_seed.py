"""Seeds, and the command that runs a sandbox from them."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest
from typer.testing import CliRunner

from kalends.cli.application import app
from kalends.sandbox.clock import SandboxClock
from kalends.sandbox.google.seed import plant, plausible_week, read_seed
from kalends.sandbox.seeds import BadSeed
from tests.sandbox.google.stage import timed

SEED = {
    "users": [
        {
            "email": "one@example.com",
            "timeZone": "America/New_York",
            "events": [timed()],
            "calendars": [
                {"summary": "Team", "sharedWith": {"two@example.com": "reader"}, "events": [timed(), timed(6)]}
            ],
        },
        {"email": "two@example.com"},
    ]
}


def test_a_seed_makes_users_calendars_and_events() -> None:
    state = read_seed(json.dumps(SEED).encode(), SandboxClock())
    one, two = state.accounts.values()
    primary, team = (entry.calendar for entry in one.entries.values())
    assert (primary.time_zone, team.time_zone) == ("America/New_York", "America/New_York")
    assert (len(primary.events), len(team.events)) == (1, 2)
    assert [entry.calendar.summary for entry in two.entries.values()] == ["two@example.com", "Team"]
    assert team.role("two@example.com") == "reader"
    assert one.user.id != two.user.id


def test_the_week_that_is_there_without_a_seed_can_be_planted() -> None:
    clock = SandboxClock()
    state = plant(plausible_week(clock.now()), clock)
    assert len(state.accounts) == 2
    assert all(len(calendar.events) for calendar in state.calendars.values())
    assert any(not calendar.watchable for calendar in state.calendars.values())


@pytest.mark.parametrize(
    ("seed", "says"),
    [
        ([], "the file: an object is expected"),
        ({}, "users: there is none"),
        ({"user": []}, "'user' is not known"),
        ({"users": [{}]}, r"users\[0\]: email is missing"),
        ({"users": [{"email": "x"}]}, r"users\[0\].email"),
        ({"users": [{"email": "a@b"}, {"email": "a@b"}]}, r"users\[1\].email"),
        ({"users": [{"email": "a@b", "timeZone": "Mars"}]}, "'Mars' is not in the time zone database"),
        ({"users": [{"email": "a@b", "events": {}}]}, "events is not a list"),
        ({"users": [{"email": "a@b", "events": [{"summary": "x"}]}]}, r"users\[0\].events\[0\]: Missing end time"),
        ({"users": [{"email": "a@b", "calendars": [{}]}]}, r"calendars\[0\]: summary is missing"),
        ({"users": [{"email": "a@b", "calendars": [{"summary": "x", "sharedWith": {"c@d": "boss"}}]}]}, "sharedWith"),
    ],
)
def test_a_bad_seed_says_what_is_wrong_and_where(seed: Any, says: str) -> None:
    with pytest.raises(BadSeed, match=says):
        plant(seed, SandboxClock())


def test_a_seed_that_is_no_json_says_so() -> None:
    with pytest.raises(BadSeed, match="not JSON"):
        read_seed(b"{", SandboxClock())


def test_the_command_prints_one_line_serves_and_ends_at_a_signal(tmp_path: Path) -> None:
    seed = tmp_path / "seed.json"
    seed.write_text(json.dumps(SEED))
    command = [sys.executable, "-m", "kalends", "sandbox", "google", "--seed", str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        try:
            assert set(said) == {"url", "users", "clientId", "clientSecret"}
            assert said["users"] == [{"email": "one@example.com"}, {"email": "two@example.com"}]
            assert httpx2.get(f"{said['url']}/calendar/v3/colors", trust_env=False).status_code == 401
            assert httpx2.get(f"{said['url']}/.well-known/openid-configuration", trust_env=False).status_code == 200
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == ""
        assert process.wait(20) == 0


@pytest.mark.parametrize("content", ["{}", "{", None], ids=["empty", "no JSON", "missing"])
def test_the_command_says_what_is_wrong_with_a_seed(tmp_path: Path, content: str | None) -> None:
    seed = tmp_path / "seed.json"
    if content is not None:
        seed.write_text(content)
    ended = CliRunner().invoke(app, ["sandbox", "google", "--seed", str(seed)])
    assert ended.exit_code == 1
    assert "The seed can" in ended.stderr
    assert "Traceback" not in ended.stderr
