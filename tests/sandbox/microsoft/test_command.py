"""The whole sandbox over HTTP, as `kalends sandbox microsoft` runs it."""

import json
from pathlib import Path

from typer.testing import CliRunner

from kalends.cli.application import app
from tests.sandbox.microsoft.command import running, token_of
from tests.sandbox.microsoft.stage import timed


def test_from_the_page_to_the_calendar(tmp_path: Path) -> None:
    seed = tmp_path / "seed.json"
    calendars = [{"name": "Team", "color": "lightBlue"}]
    user = {"email": "ada@contoso.example", "events": [timed(subject="Alone")], "calendars": calendars}
    seed.write_text(json.dumps({"users": [user]}))
    with running("--port", "0", "--json", "--seed", str(seed)) as (said, http):
        assert [one["email"] for one in said["users"]] == ["ada@contoso.example"]
        headers = {"Authorization": f"Bearer {token_of(said, http, 'ada@contoso.example')}"}
        assert http.get("/v1.0/me", headers=headers).status_code == 403, "User.Read was not asked for"
        names = [one["name"] for one in http.get("/v1.0/me/calendars", headers=headers).json()["value"]]
        assert names == ["Calendar", "Team"]
        listed = http.get("/v1.0/me/events", headers=headers)
        assert [one["subject"] for one in listed.json()["value"]] == ["Alone"]
        assert listed.headers["request-id"]


def test_a_seed_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    seed = tmp_path / "seed.json"
    seed.write_text('{"users": []}')
    done = CliRunner().invoke(app, ["sandbox", "microsoft", "--seed", str(seed)])
    assert done.exit_code == 1
    assert "users: there is none." in done.output
