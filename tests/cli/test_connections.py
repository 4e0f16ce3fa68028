"""An account at a real CalDAV server: connected, read, synced, looked at, disconnected."""

from typing import Any

import pytest

from tests.cli.operator import Operator
from tests.cli.studio import HOSTILE, Studio, meeting


def test_a_connection_from_beginning_to_end(studio: Studio) -> None:
    operator = studio.operator
    connected = studio.connected()
    assert connected["connectionId"] == connected["id"]
    assert connected["status"] == "SYNCED"
    assert connected["scheduleId"] == studio.schedule_id
    assert connected["run"]["outcome"] == "done"
    assert connected["run"]["counts"]["changed"] == 2
    assert studio.titles() == ["First", "[Second]"]
    table = operator.run("events", "list", "--from", "2026-01-01", "--to", "2026-02-01").stdout
    assert "Mon 05 Jan" in table
    assert "10:00 – 11:00" in table
    assert "[Second]" in table

    studio.server.put(f"{studio.calendar}three.ics", meeting("three", 7, "Third"))
    studio.server.put(f"{studio.calendar}bad.ics", meeting("bad", 8, "Hostile", HOSTILE))
    studio.server.delete(f"{studio.calendar}one.ics")
    synced = operator.json("connection", "sync", connected["id"])
    assert synced["connectionId"] == connected["id"]
    assert synced["outcome"] == "done"
    assert (synced["counts"]["changed"], synced["counts"]["removed"]) == (2, 1)
    assert synced["counts"]["quarantined"] == 1
    assert studio.titles() == ["[Second]", "Third"]

    shown = operator.json("connection", "show", "--connection", connected["id"])
    assert [(one["name"], one["imported"], one["items"]) for one in shown["calendars"]] == [("Work", True, 3)]
    assert [(one["calendar"], one["uid"]) for one in shown["quarantined"]] == [("Work", "bad")]
    assert shown["quarantined"][0]["reason"] != ""
    assert [one["cause"] for one in shown["runs"]] == ["asked", "asked"]
    people = operator.run("connection", "show", connected["id"]).stdout
    assert "bad" in people
    assert "Hostile" not in people

    assert operator.json("connection", "list")["connections"][0]["id"] == connected["id"]
    unknown = operator.json("connection", "list", "--schedule", studio.provider_id, code=1)["error"]
    assert unknown["code"] == "SCHEDULE_NOT_FOUND"
    assert studio.provider_id in unknown["message"]
    unknown = operator.json("events", "list", "--schedule", studio.provider_id, code=1)["error"]
    assert unknown["code"] == "SCHEDULE_NOT_FOUND"
    assert len(operator.json("connection", "list", "--schedule", studio.schedule_id.upper())["connections"]) == 1
    assert operator.json("provider", "remove", studio.provider_id, code=1)["error"]["code"] == "PROVIDER_IN_USE"

    assert studio.connected()["id"] == connected["id"]

    assert operator.json("connection", "disconnect", connected["id"])["status"] == "DISCONNECTED"
    assert studio.titles() == []
    for command in ("sync", "disconnect"):
        error = operator.json("connection", command, connected["id"], code=1)["error"]
        assert error["code"] in {"CONNECTION_NOT_CONNECTED", "CONNECTION_ALREADY_DISCONNECTED"}


def test_events_are_exported_as_is_chosen_and_taken_away_again(studio: Studio) -> None:
    operator, connection = studio.operator, studio.connected()["id"]
    hours = ("--start", "2030-01-01T18:00", "--end", "2030-01-01T19:00")
    operator.json("event", "create", "--schedule", studio.schedule_id, *hours, "--title", "Zumba with Ben")

    def exports(*chosen: str) -> Any:
        told = operator.json("connection", "export", connection, *chosen)
        assert told["connectionId"] == connection
        return told["exports"]

    assert exports() == {"enabled": False, "privacy": "full", "pending": 0, "refused": 0, "left": 0, "failures": 0}
    on = exports("--on", "--privacy", "busy")
    assert (on["enabled"], on["target"], on["privacy"], on["pending"]) == (True, "dedicated", "busy", 1)
    operator.json("connection", "sync", connection)
    there = exports()
    assert (there["pending"], there["left"]) == (0, 1)
    calendar = there["dedicatedCalendar"]["id"]
    folder = calendar.strip("/").rpartition("/")[2]
    written = [path for method, path in studio.server.requests() if method == "PUT" and f"/{folder}/" in path]
    copy = studio.server.get(written[-1])
    assert "SUMMARY:Busy" in copy
    assert "Zumba" not in copy
    operator.json("connection", "sync", connection)
    people = operator.run("connection", "show", connection).stdout
    assert "to the dedicated calendar" in people
    assert "made for copies" in people
    assert operator.json("connection", "show", connection)["exports"] == there | {
        "dedicatedCalendar": {"id": calendar, "name": "Studio"}
    }

    refused = operator.json("connection", "export", connection, "--target", "primary", code=1)["error"]
    assert refused["code"] == "NOT_SUPPORTED_BY_PROVIDER"
    for wrong in (("--privacy", "BUSY"), ("--on", "--off")):
        operator.run("connection", "export", connection, *wrong, code=2)
    assert exports()["target"] == "dedicated"
    assert exports("--off")["pending"] == 1
    assert "1 there" in operator.run("connection", "export", connection).stdout
    operator.json("connection", "sync", connection)
    gone = exports()
    assert (gone["enabled"], gone["left"], "dedicatedCalendar" in gone) == (False, 0, False)


def test_a_wrong_password_and_a_failed_sync_say_why(studio: Studio) -> None:
    operator = studio.operator
    error = operator.json(*studio.connect, typed="wrong", code=1)["error"]
    assert error["code"] == "BAD_CREDENTIALS"
    assert operator.json("connection", "list") == {"connections": []}

    connection = studio.connected()["id"]
    studio.server.set_password(studio.login, "another")
    result = operator.run("connection", "sync", connection, code=1)
    assert "Error: The sync failed: CredentialsRefused" in result.stderr
    failed = operator.json("connection", "sync", connection, code=1)
    assert failed["outcome"] == "failed"
    assert failed["error"]["code"] == "SYNC_FAILED"
    refused = operator.json("events", "list", "--from", "2026-01-01", code=1)["error"]
    assert refused["code"] == "PROVIDER_UNAVAILABLE"
    assert refused["data"]["failedConnectionIds"] == [connection]
    assert "kalends doctor" in refused["message"]
    shown = operator.json("connection", "show", connection)
    assert (shown["status"], shown["errorReason"]) == ("ERROR", "TOKEN_REVOKED")


def test_a_server_that_is_not_allowed_is_told_with_what_helps(studio: Studio) -> None:
    studio.operator.environment["KALENDS_NET_ALLOW"] = ""
    error = studio.operator.json(*studio.connect, typed="secret", code=1)["error"]
    assert error["code"] == "PROVIDER_UNAVAILABLE"
    assert "plain http" in error["message"]
    assert "kalends doctor" in error["message"]


@pytest.mark.parametrize("typed", ["", "\n", "x" * 5_000])
def test_a_password_must_be_one(operator: Operator, typed: str) -> None:
    operator.run("site", "create", "--name", "Studio")
    to = ("--schedule", "s", "--provider", "p", "--email", "e@example.org", "--password-stdin")
    assert "password" in operator.run("connection", "connect", *to, typed=typed, code=2).stderr
