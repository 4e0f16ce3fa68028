"""Conflicts from the command line, with an account at a real CalDAV server."""

from typing import Any

from tests.cli.studio import Studio
from tests.servers import component

SPAN = ("--from", "2026-01-05", "--to", "2026-01-08")


def book(studio: Studio, start: str, end: str, title: str) -> Any:
    times = ("--start", start, "--end", end)
    return studio.operator.json("event", "create", "--schedule", studio.schedule_id, *times, "--title", title)


def test_conflicts_are_listed(studio: Studio) -> None:
    operator = studio.operator
    connection = studio.connected()["id"]
    cut = book(studio, "2026-01-05T10:30", "2026-01-05T11:30", "Cut")
    away = book(studio, "2026-01-05", "2026-01-07", "Away")
    book(studio, "2026-01-06T11:00", "2026-01-06T12:00", "Touches")
    document = operator.json("event", "conflicts", *SPAN)
    assert set(document) == {"conflicts"}
    pairs = [(one["scheduleEvent"]["title"], one["externalEvent"]["title"]) for one in document["conflicts"]]
    assert pairs == [("Away", "First"), ("Away", "[Second]"), ("Cut", "First")]
    last = document["conflicts"][2]
    external = last["externalEvent"]
    assert last == {
        "scheduleId": studio.schedule_id,
        "scheduleEvent": {
            "id": cut["id"],
            "type": "DEFAULT",
            "title": "Cut",
            "start": "2026-01-05T09:30:00Z",
            "end": "2026-01-05T10:30:00Z",
            "timeZone": "Europe/Berlin",
            "allDay": False,
        },
        "externalEvent": {
            "id": external["id"],
            "connectionId": connection,
            "calendarType": "OTHER",
            "calendarName": "Work",
            "title": "First",
            "start": "2026-01-05T09:00:00Z",
            "end": "2026-01-05T10:00:00Z",
            "allDay": False,
        },
    }
    assert document["conflicts"][0]["scheduleEvent"]["start"] == "2026-01-05T00:00:00+01:00"
    shown = operator.run("event", "conflicts", *SPAN).stdout
    for part in (
        "Mon 05 Jan 2026",
        "10:30 – 11:30",
        "until Tue 06 Jan",
        "Tue 06 Jan, 10:00 – 11:00",
        "[Second]",
        away["id"],
        "3 conflicts, times in Europe/Berlin",
    ):
        assert part in shown
    day = ("--from", "2026-01-06", "--to", "2026-01-07")
    assert len(operator.json("event", "conflicts", *day, "--schedule", studio.schedule_id)["conflicts"]) == 1
    assert operator.json("event", "conflicts")["conflicts"] == []


def test_what_cannot_be_read_is_a_failure_or_is_named(studio: Studio) -> None:
    operator = studio.operator
    connected = studio.connected()["id"]
    other = studio.server.login()
    studio.server.make_calendar(f"{other.home}work/", component("d:displayname", text="Work"))
    to = ("--schedule", studio.schedule_id, "--provider", studio.provider_id, "--email", other.email)
    broken = operator.json("connection", "connect", *to, "--password-stdin", typed=f"{other.password}\n")["id"]
    studio.server.set_password(other, "another")
    operator.run("connection", "sync", broken, code=1)
    book(studio, "2026-01-05T10:30", "2026-01-05T11:30", "Cut")
    assert operator.json("event", "conflicts", *SPAN, code=1)["error"]["code"] == "PROVIDER_UNAVAILABLE"
    document = operator.json("event", "conflicts", *SPAN, "--partial-failure")
    assert document["failedConnectionIds"] == [broken]
    assert [one["externalEvent"]["connectionId"] for one in document["conflicts"]] == [connected]
    assert f"Could not be read: {broken}" in operator.run("event", "conflicts", *SPAN, "--partial-failure").stdout


def test_what_makes_no_sense_is_wrong_usage(studio: Studio) -> None:
    operator = studio.operator
    operator.run("event", "conflicts", "--from", "2026-02-01", "--to", "2026-01-01", code=2)
    unknown = operator.json("event", "conflicts", "--schedule", studio.provider_id, code=1)["error"]
    assert unknown["code"] == "SCHEDULE_NOT_FOUND"
