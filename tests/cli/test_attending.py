"""What operators see of a connection that is late or broken, and what they do about it."""

import os
import pty
import select
import signal
import subprocess
import time
from datetime import UTC, datetime, timedelta

import pytest

from kalends.cli.output import stdout
from kalends.cli.overview import Moment, moment_document, shown_moment
from kalends.store.overview import AGES, Ages, Busy, LastRun, Load
from kalends.store.runs import Cause, Outcome
from tests.cli.operator import EXECUTABLE, PATIENCE_SECONDS, Operator
from tests.cli.studio import Studio


def test_a_broken_connection_is_acknowledged_and_taken_back(studio: Studio) -> None:
    operator = studio.operator
    connection = studio.connected()["id"]
    error = operator.json("connection", "acknowledge", connection, code=1)["error"]
    assert error["code"] == "CONNECTION_NOT_BROKEN"
    studio.server.set_password(studio.login, "another")
    operator.json("connection", "sync", connection, code=1)
    operator.json("events", "list", "--from", "2026-01-01", code=1)

    given = operator.json(
        "connection", "acknowledge", connection, "--note", "on leave", "--until", "2126-01-01T00:00:00Z"
    )
    assert given["standing"] == "ACKNOWLEDGED"
    assert given["acknowledgement"]["byId"] == "operator"
    assert given["acknowledgement"]["note"] == "on leave"
    assert studio.titles() == ["First", "[Second]"], "what was read before still blocks"

    taken = operator.run("connection", "unacknowledge", connection).stdout
    assert "UNREADABLE" in taken
    refused = operator.json("events", "list", "--from", "2026-01-01", code=1)["error"]
    assert refused["code"] == "PROVIDER_UNAVAILABLE"
    error = operator.json("connection", "unacknowledge", connection, code=1)["error"]
    assert error["code"] == "CONNECTION_NOT_ACKNOWLEDGED"


@pytest.mark.parametrize(
    "options", [("--until", "tomorrow"), ("--note", ""), ("--note", "x" * 501)], ids=["until", "no note", "long note"]
)
def test_an_acknowledgement_that_makes_no_sense_is_wrong_usage(operator: Operator, options: tuple[str, str]) -> None:
    operator.run("site", "create", "--name", "Studio")
    assert options[0] in operator.run("connection", "acknowledge", "any", *options, code=2).stderr


def test_runs_are_listed_the_newest_first_and_no_more_than_asked_for(studio: Studio) -> None:
    operator = studio.operator
    connection = studio.connected()["id"]
    operator.json("connection", "sync", connection)
    studio.server.set_password(studio.login, "another")
    operator.json("connection", "sync", connection, code=1)
    listed = operator.json("connection", "runs", connection)
    assert [one["outcome"] for one in listed["runs"]] == ["failed", "done", "done"]
    assert not listed["more"]
    first = operator.json("connection", "runs", connection, "--limit", "1")
    assert (first["runs"], first["more"]) == (listed["runs"][:1], True)
    assert "CredentialsRefused" in operator.run("connection", "runs", connection).stdout


def test_top_tells_what_fails_and_what_was_done(studio: Studio) -> None:
    operator = studio.operator
    connection = studio.connected()["id"]
    studio.server.set_password(studio.login, "another")
    operator.json("connection", "sync", connection, code=1)
    told = operator.json("top", "--once")
    assert told["connections"] == [{"status": "ERROR", "reason": "TOKEN_REVOKED", "count": 1}]
    assert told["syncs"] == {"underWay": 0, "wanted": 0, "overdue": 0, "longestOverdue": 0.0}
    assert told["age"]["atMost"][0] == {"share": 0.5, "seconds": 60.0}
    assert [(one["connectionId"], one["error"]) for one in told["failures"]] == [(connection, "CredentialsRefused")]
    assert [one["outcome"] for one in told["runs"]] == ["failed", "done"]
    people = operator.run("top").stdout
    assert connection in people
    assert "half within 1 min" in people
    assert studio.login.email not in people


def test_top_of_an_empty_installation(operator: Operator) -> None:
    assert operator.json("top")["connections"] == []
    assert "none" in operator.run("top", "--once").stdout


def test_ages_beyond_all_bounds_are_told_as_such() -> None:
    ages = Ages(dict.fromkeys(AGES, 1), total=2, never=1, oldest=timedelta(days=1, minutes=5))
    assert ages.share(0.5) == AGES[0]
    assert ages.share(0.95) is None
    moment = Moment(datetime(2026, 1, 1, tzinfo=UTC), Load({}, 0, 0, 0, 0, 0, ages), 0, (), (), (), ())
    assert moment_document(moment)["age"]["atMost"][2] == {"share": 0.99, "seconds": None}
    console = stdout()
    with console.capture() as captured:
        console.print(shown_moment(moment))
    assert "95 % longer than 7 d" in captured.get()
    assert "oldest 1 d 5 min ago" in captured.get()


@pytest.mark.parametrize("height", [30, 50, 80])
def test_top_fits_the_terminal_however_much_there_is_to_tell(height: int) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    late = [Busy(str(number), "SYNCED", True, now - timedelta(minutes=9), None, 0, None) for number in range(8)]
    runs = [LastRun(str(number), Cause.POLL, Outcome.DONE, now, now) for number in range(8)]
    load = Load({("SYNCED", ""): 1000}, 9, 9, 9, 0, 0, Ages({}, 0, 0, None), timedelta(minutes=9))
    console = stdout()
    with console.capture() as captured:
        console.print(shown_moment(Moment(now, load, 0, late, late, late, runs), height=height))
    told = captured.get()
    assert told.count("\n") <= height
    assert all(title in told for title in ("Under way", "Waiting", "Failing", "Latest syncs"))
    assert "9 overdue, the first for 9 min" in told
    assert "9 min ago" in told


def test_top_is_live_on_a_terminal_and_gives_the_screen_back(operator: Operator) -> None:
    operator.run("site", "create", "--name", "Studio")
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [EXECUTABLE, "top", "--every", "0.2"],
        env={"PATH": os.defpath, "HOME": str(operator.folder), "TERM": "xterm", **operator.environment},
        cwd=operator.folder,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        try:
            seen = read_until(ours, b"under way")
            assert b"\x1b[?1049h" in seen, "it has a screen of its own"
            process.send_signal(signal.SIGINT)
            read_until(ours, b"\x1b[?1049l")
            assert process.wait(PATIENCE_SECONDS) == 0
        finally:
            process.kill()
            os.close(ours)


def read_until(terminal: int, wanted: bytes) -> bytes:
    """Read from a terminal until something was written there."""
    seen, deadline = b"", time.monotonic() + PATIENCE_SECONDS
    while wanted not in seen:
        ready, _, _ = select.select([terminal], [], [], max(deadline - time.monotonic(), 0))
        assert ready, f"{wanted!r} did not come: {seen!r}"
        seen += os.read(terminal, 65_536)
    return seen
