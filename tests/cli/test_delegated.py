"""Delegated access from the command line: the provider is installed with a key file, and a mailbox is connected."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from kalends.cli.secrets import LONGEST_FILE
from kalends.model.provider import ConnectScopes
from kalends.providers.google.scopes import DELEGATED
from tests.cli.operator import Operator

DOMAIN = "studio.example"
CLEO = f"cleo@{DOMAIN}"
SEED = {
    "users": [
        {
            "email": CLEO,
            "events": [
                {
                    "summary": "Dentist",
                    "start": {"dateTime": "2026-01-05T09:00:00Z"},
                    "end": {"dateTime": "2026-01-05T10:00:00Z"},
                }
            ],
        }
    ]
}
OTHER_KEY = "b3RoZXIga2V5IG9ubHkgZm9yIHRlc3RzIG9mIGthbCE="


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox, and the service account to which its organisation has delegated."""

    url: str
    key_file: dict[str, str]

    @property
    def secrets(self) -> list[str]:
        return self.key_file["private_key"].split("\n")[1:-2]


@pytest.fixture
def sandbox(operator: Operator, tmp_path: Path) -> Iterator[Sandbox]:
    seed = tmp_path / "seed.json"
    seed.write_text(json.dumps(SEED))
    with operator.started("sandbox", "google", "--seed", str(seed)) as running:
        assert running.process.stdout is not None
        url = json.loads(running.process.stdout.readline())["url"]
        with httpx2.Client(base_url=url, trust_env=False, timeout=30) as switches:
            key_file = switches.post("/_sandbox/oauth/service-accounts", json={"name": "calendars"}).json()
            scopes = list(DELEGATED[ConnectScopes.FULL])
            body = {"domain": DOMAIN, "client_id": key_file["client_id"], "scopes": scopes}
            assert switches.post("/_sandbox/oauth/delegations", json=body).is_success
        operator.environment |= {
            "KALENDS_GOOGLE_ACCOUNTS_URL": url,
            "KALENDS_GOOGLE_OAUTH_URL": url,
            "KALENDS_GOOGLE_API_URL": url,
            "KALENDS_WINDOW_BACK_DAYS": "3650",
        }
        operator.run("site", "create", "--name", "Studio", "--time-zone", "Europe/Berlin")
        yield Sandbox(url, key_file)


def install(operator: Operator, *more: str, **call: Any) -> Any:
    return operator.json("provider", "install", "google", "--delegated", "--domain", DOMAIN, *more, **call)


def test_from_the_key_file_to_the_events(operator: Operator, sandbox: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "key.json"
    file.write_text(json.dumps(sandbox.key_file), encoding="utf-8-sig")
    installed = install(operator, "--key-file", str(file), "--name", "Our Workspace")
    assert (installed["name"], installed["kind"], installed["connectMethods"]) == ("Our Workspace", "google", [])
    assert installed["config"] == {
        "domains": DOMAIN,
        "service_account": sandbox.key_file["client_email"],
        "service_account_id": sandbox.key_file["client_id"],
        "private_key_id": sandbox.key_file["private_key_id"],
    }
    owner = operator.json("user", "create", "--email", CLEO, "--name", "Cleo")["userId"]
    schedule = operator.json("schedule", "create", "--name", "Chair", "--owner", owner)["scheduleId"]
    connect = ("connection", "connect-delegated", "--provider", "Our Workspace", "--schedule", schedule, "--email")
    connected = operator.json(*connect, CLEO)
    assert (connected["status"], connected["run"]["error"]) == ("SYNCED", None)
    listed = operator.json("events", "list", "--from", "2026-01-01", "--to", "2026-02-01")
    assert [one["title"] for one in listed["events"]] == ["Dentist"]
    room = operator.json("schedule", "create", "--name", "Room")["scheduleId"]
    to_a_room = ("connection", "connect-delegated", "--provider", "google", "--schedule", room, "--email", CLEO)
    assert operator.json(*to_a_room, code=1)["error"]["code"] == "MAILBOX_NOT_OWNERS"
    assert operator.json(*to_a_room, "--any-mailbox")["status"] == "SYNCED"
    shown = [operator.run(*command).output for command in (("provider", "list"), ("provider", "list", "--json"))]
    stored = b"".join(one.read_bytes() for one in (operator.folder / "data").glob("kalends.db*")).decode("latin-1")
    for text in (*shown, json.dumps(installed), stored):
        assert not [secret for secret in sandbox.secrets if secret in text]


def test_the_key_file_may_come_on_standard_input(operator: Operator, sandbox: Sandbox) -> None:
    installed = install(operator, "--key-stdin", typed=json.dumps(sandbox.key_file))
    assert installed["name"] == "Google Workspace"
    found = operator.json("doctor")["findings"]
    asked = [one for one in found if one["check"] == "providers"]
    assert [(one["level"], one["data"]["host"]) for one in asked] == [("ok", "127.0.0.1")]
    operator.environment["KALENDS_SECRET_KEY"] = OTHER_KEY
    (closed,) = [one for one in operator.json("doctor", code=1)["findings"] if one["check"] == "secret-keys"]
    assert closed["data"] == {"providers": 1, "providerIds": [installed["providerId"]]}
    kept = (operator.folder / "data" / "secret.key").read_text().strip()
    operator.environment["KALENDS_SECRET_KEY"] = f"{OTHER_KEY},{kept}"
    (rotated,) = [one for one in operator.json("doctor")["findings"] if one["check"] == "secret-keys"]
    assert "still needed by 1 provider" in rotated["summary"]
    del operator.environment["KALENDS_SECRET_KEY"]
    (operator.folder / "data" / "secret.key").unlink()
    (lost,) = [one for one in operator.json("doctor", code=1)["findings"] if one["check"] == "secret-keys"]
    assert lost["data"] == {"providers": 1}
    assert "secret.key is missing" in operator.run("provider", "list", code=2).stderr, "no other key takes its place"


def test_what_is_no_key_file_is_refused_and_not_quoted(operator: Operator, tmp_path: Path) -> None:
    operator.run("site", "create", "--name", "Studio")
    file = tmp_path / "key.json"
    refused = install(operator, "--key-stdin", typed='{"web": {"client_secret": "GOCSPX-shh"}}', code=2)
    assert "OAuth client" in refused["error"]["message"]
    assert "shh" not in str(refused)
    for content, said in (
        (b"", "key.json is empty"),
        (b"\xff\xfe", "key.json is not in UTF-8"),
        (b" " * (LONGEST_FILE + 1), "larger than 65536 bytes"),
    ):
        file.write_bytes(content)
        assert said in complaint(operator, *INSTALL, "--key-file", file.name)
    assert "by --key-file or --key-stdin" in complaint(operator, *INSTALL)
    assert "by --key-file or --key-stdin" in complaint(operator, *INSTALL, "--key-file", file.name, "--key-stdin")
    assert "none.json cannot be read" in complaint(operator, *INSTALL, "--key-file", "none.json")
    assert "longer than 65536" in complaint(operator, *INSTALL, "--key-stdin", typed="x" * (LONGEST_FILE + 2))
    assert "go with --delegated" in complaint(operator, "provider", "install", "ics", "--domain", DOMAIN)


INSTALL = ("provider", "install", "google", "--delegated", "--domain", DOMAIN)


def complaint(operator: Operator, *command: str, typed: str | None = None) -> str:
    """Return what a wrong use is answered with, without the box around it."""
    return re.sub(r"[\s│╭╮╰╯─]+", " ", operator.run(*command, typed=typed, code=2).stderr)
