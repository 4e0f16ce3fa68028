"""Events on schedules from the command line: made, shown, listed, changed, cancelled."""

from typing import Any

import pytest

from tests.cli.operator import Operator


@pytest.fixture
def schedule(operator: Operator) -> str:
    operator.run("site", "create", "--name", "Studio", "--time-zone", "Europe/Berlin")
    made: str = operator.json("schedule", "create", "--name", "Room")["scheduleId"]
    return made


def create(operator: Operator, schedule: str, *options: str, code: int = 0) -> Any:
    times = () if "--start" in options else ("--start", "2030-01-01T09:00", "--end", "2030-01-01T10:00")
    return operator.json("event", "create", "--schedule", schedule, *times, *options, code=code)


def listed(operator: Operator, *options: str) -> list[tuple[str, str]]:
    found = operator.json("event", "list", "--from", "2030-01-01", "--to", "2030-02-01", *options)["events"]
    return [(one["start"]["localDate"], one["title"]) for one in found]


def test_an_event_is_made_shown_and_changed(operator: Operator, schedule: str) -> None:
    made = create(operator, schedule, "--title", "Cut", "--notes", "n", "--type", "APPOINTMENT", "--free")
    assert (made["title"], made["notes"], made["type"], made["transparency"]) == (
        "Cut",
        "n",
        "APPOINTMENT",
        "TRANSPARENT",
    )
    assert (made["recurrenceType"], made["start"]["utcDate"]) == ("NONE", "2030-01-01T08:00:00.000Z")
    assert operator.json("event", "get", made["id"]) == made
    changed = operator.json("event", "update", made["id"], "--title", "Colour", "--end", "2030-01-01T12:00", "--busy")
    assert (changed["title"], changed["end"]["localDate"]) == ("Colour", "2030-01-01T12:00:00")
    assert (changed["transparency"], changed["revision"]) == ("OPAQUE", "2")
    shown = operator.run("event", "get", "--event", made["id"]).stdout
    assert "Colour" in shown
    assert "2030-01-01 12:00" in shown
    assert f"Room ({schedule})" in shown


def test_dates_make_an_event_all_day(operator: Operator, schedule: str) -> None:
    made = create(operator, schedule, "--start", "2030-01-01", "--end", "2030-01-03", "--time-zone", "Asia/Tokyo")
    assert (made["allDay"], made["timeZone"], made["end"]["localDate"]) == (True, "Asia/Tokyo", "2030-01-03T00:00:00")
    assert "all day" in operator.run("event", "list", "--from", "2030-01-01", "--to", "2030-01-02").stdout
    timed = operator.json("event", "update", made["id"], "--start", "2030-01-01T09:00", "--end", "2030-01-01T10:00")
    assert timed["allDay"] is False


def test_a_series_is_listed_as_its_instances_and_each_is_changed_by_itself(operator: Operator, schedule: str) -> None:
    series = create(operator, schedule, "--title", "Zumba", "--every", "1", "--until", "2030-01-22T09:00")
    assert series["recurrenceRule"]["until"] == {"localDate": "2030-01-22T09:00:00"}
    days = [f"2030-01-{day:02}T09:00:00" for day in (1, 8, 15, 22)]
    assert listed(operator) == [(day, "Zumba") for day in days]
    assert listed(operator, "--series") == [(days[0], "Zumba")]
    operator.run("event", "update", f"{series['id']}_1_20300108T0900", "--title", "Pilates")
    operator.run("event", "update", f"{series['id']}_1_20300115T0900", "--title", "Yoga", "--following")
    operator.run("event", "cancel", f"{series['id']}_1_20300101T0900", "--yes")
    assert listed(operator) == [(days[1], "Pilates"), (days[2], "Yoga"), (days[3], "Yoga")]
    assert listed(operator, "--cancelled")[0] == (days[0], "Zumba")
    longer = operator.json("event", "update", series["id"], "--every", "2")
    whole_day = operator.json("event", "update", series["id"], "--until", "2030-01-22")["recurrenceRule"]
    assert whole_day["until"] == {"localDate": "2030-01-22T23:59:00"}
    operator.run("event", "update", series["id"], "--until", "2030-01-22T09:00")
    assert longer["recurrenceRule"] == {**series["recurrenceRule"], "interval": 2}
    assert "every 2 weeks" in operator.run("event", "get", series["id"]).stdout


def test_lists_are_narrowed_to_schedules_of_the_site(operator: Operator, schedule: str) -> None:
    create(operator, schedule, "--title", "Cut")
    other = operator.json("schedule", "create", "--name", "Other")["scheduleId"]
    assert listed(operator, "--schedule", schedule.upper()) == [("2030-01-01T09:00:00", "Cut")]
    assert listed(operator, "--schedule", other) == []
    unknown = operator.json("event", "list", "--schedule", "nothing", code=1)
    assert unknown["error"]["code"] == "SCHEDULE_NOT_FOUND"
    assert operator.json("event", "list")["events"] == []


def test_an_event_is_cancelled_once_it_was_confirmed(operator: Operator, schedule: str) -> None:
    event = create(operator, schedule)["id"]
    refused = operator.run("event", "cancel", event, typed="n\n", code=1)
    assert "for ever?" in refused.stderr
    assert "CANCELLED" in operator.run("event", "cancel", event, typed="y\n").stdout
    assert operator.json("event", "cancel", event, "--yes", code=1)["error"]["code"] == "EVENT_ALREADY_CANCELLED"


@pytest.mark.parametrize(
    "options",
    [
        ("--until", "2030-02-01"),
        ("--type", "PARTY"),
        ("--start", "tomorrow", "--end", "2030-01-02T09:00"),
        ("--start", "2030-01-01T09:00Z", "--end", "2030-01-02T09:00"),
        ("--start", "2030-01-01", "--end", "2030-01-02T09:00"),
    ],
)
def test_events_that_make_no_sense_are_wrong_usage(operator: Operator, schedule: str, options: tuple[str, ...]) -> None:
    times = () if "--start" in options else ("--start", "2030-01-01T09:00", "--end", "2030-01-01T10:00")
    operator.run("event", "create", "--schedule", schedule, *times, *options, code=2)


def test_what_is_wrong_is_one_line_and_exit_code_1_or_2(operator: Operator, schedule: str) -> None:
    assert operator.json("event", "get", "nothing", code=1)["error"]["code"] == "EVENT_NOT_FOUND"
    operator.run("event", "update", create(operator, schedule)["id"], code=2)
    operator.run("event", "update", create(operator, schedule)["id"], "--free", "--busy", code=2)
    operator.run("event", "list", "--from", "2030-02-01", "--to", "2030-01-01", code=2)
    wrong = create(operator, schedule, "--start", "2030-01-01T09:00", "--end", "2030-01-01T09:00", code=2)
    assert wrong["error"]["code"] == "INVALID_ARGUMENT"
