"""The whole sandbox over HTTP, as `kalends sandbox microsoft` runs it."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
from typer.testing import CliRunner

from kalends.cli.application import app
from tests.sandbox.google.oauth_app import FORM, ConsentForm
from tests.sandbox.microsoft.stage import timed

BACK = "http://127.0.0.1:9000/callback"
SCOPE = "openid profile email offline_access Calendars.ReadWrite"


@contextmanager
def running(*arguments: str) -> Iterator[tuple[dict[str, Any], httpx2.Client]]:
    command = [sys.executable, "-m", "kalends", "sandbox", "microsoft", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            line = process.stdout.readline()
            assert line, process.stderr.read()
            said = json.loads(line)
            with httpx2.Client(base_url=said["url"], trust_env=False) as http:
                yield said, http
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 0


def token_of(said: dict[str, Any], http: httpx2.Client, email: str) -> str:
    """Go through the page as somebody does, and redeem the code."""
    asked = {"client_id": said["clientId"], "redirect_uri": BACK, "response_type": "code", "scope": SCOPE}
    page = http.get("/common/oauth2/v2.0/authorize", params={**asked, "login_hint": email})
    form = ConsentForm(page.text)
    fields = {**form.hidden, "account": form.chosen[0], "action": "continue"}
    back = http.post(form.action, content=urlencode(fields), headers={"Content-Type": FORM})
    (code,) = parse_qs(urlsplit(back.headers["location"]).query)["code"]
    proof = {"client_id": said["clientId"], "client_secret": said["clientSecret"]}
    redeem = {**proof, "grant_type": "authorization_code", "code": code, "redirect_uri": BACK}
    token: str = http.post("/common/oauth2/v2.0/token", data=redeem).json()["access_token"]
    return token


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
