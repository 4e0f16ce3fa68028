"""A calendar feed connected from the command line; its address is read as a secret, and shown masked."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from tests.cli.operator import Operator
from tests.following import PATH, SECRET
from tests.net.loopback import Server, serve
from tests.providers.feeds import Feed, calendar, event

ADA, BOB = event("a", "Ada", "20260105T090000Z"), event("b", "Bob", "20260106T090000Z")
PATIENCE_SECONDS = 30


@contextmanager
def served(feed: Feed) -> Iterator[Server]:
    """Serve a feed from a thread of its own, since commands keep theirs to themselves."""
    running: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event, Server]] = Future()

    async def work() -> None:
        async with serve(feed.answer) as server:
            ends = asyncio.Event()
            running.set_result((asyncio.get_running_loop(), ends, server))
            await ends.wait()

    thread = threading.Thread(target=asyncio.run, args=(work(),), daemon=True)
    thread.start()
    loop, ends, server = running.result(PATIENCE_SECONDS)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(ends.set)
        thread.join(PATIENCE_SECONDS)


@dataclass(frozen=True)
class Reader:
    """An operator with a schedule and a provider of feeds, and a feed that is not yet connected."""

    operator: Operator
    feed: Feed
    server: Server
    schedule_id: str
    provider_id: str

    @property
    def url(self) -> str:
        return f"http://{self.server.place}{PATH}"

    @property
    def connect(self) -> tuple[str, ...]:
        to = ("--schedule", self.schedule_id, "--provider", self.provider_id)
        return ("connection", "connect-feed", *to, "--url-stdin")

    def titles(self) -> list[str]:
        listed = self.operator.json("events", "list", "--from", "2026-01-01", "--to", "2026-02-01")
        return [one["title"] for one in listed["events"]]


@pytest.fixture
def reader(operator: Operator) -> Iterator[Reader]:
    operator.environment |= {"KALENDS_STALENESS_LIMIT": "P1D", "KALENDS_WINDOW_BACK_DAYS": "3650"}
    feed = Feed()
    feed.says(calendar(ADA, BOB, about="X-WR-CALNAME:Ada's bookings\r\n"))
    with served(feed) as server:
        operator.run("site", "create", "--name", "Studio", "--time-zone", "Europe/Berlin")
        schedule = operator.json("schedule", "create", "--name", "Room")["scheduleId"]
        installed = operator.json("provider", "install", "ics")
        assert installed["name"] == "ICS feed"
        provider = installed["providerId"]
        yield Reader(operator, feed, server, schedule, provider)


def test_a_feed_from_connecting_to_disconnecting(reader: Reader) -> None:
    operator = reader.operator
    connected = operator.json(*reader.connect, typed=f"{reader.url}\n")
    assert (connected["status"], connected["run"]["outcome"], connected["run"]["counts"]["changed"]) == (
        "SYNCED",
        "done",
        2,
    )
    assert "externalAccountEmail" not in connected
    assert reader.titles() == ["Ada", "Bob"]
    assert operator.json(*reader.connect, typed=f"  {reader.url}\r\n")["id"] == connected["id"]

    reader.feed.says(calendar(ADA))
    synced = operator.json("connection", "sync", connected["id"])
    assert (synced["outcome"], synced["counts"]["removed"]) == ("done", 1)
    assert reader.titles() == ["Ada"]
    reader.feed.status = 404
    failed = operator.run("connection", "sync", connected["id"], code=1)
    assert "Error: The sync failed: CalendarGone" in failed.stderr
    shown = operator.json("connection", "show", connected["id"])
    assert (shown["status"], shown["errorReason"]) == ("ERROR", "EXTERNAL_CALENDAR_DELETED")
    assert operator.json("connection", "disconnect", connected["id"])["status"] == "DISCONNECTED"
    assert operator.json("provider", "remove", reader.provider_id)["providerId"] == reader.provider_id


def test_the_address_is_shown_masked_and_nowhere_whole(reader: Reader) -> None:
    operator = reader.operator
    connected = operator.run(*reader.connect, typed=reader.url)
    connection = operator.json("connection", "list")["connections"][0]["id"]
    results = [
        connected,
        operator.run("connection", "list"),
        operator.run("connection", "show", connection),
    ]
    for result in results:
        assert f"{reader.server.place}/… (" in result.stdout
    reader.feed.status = 403
    results += [
        operator.run("connection", "sync", connection, code=1),
        operator.run("connection", "show", connection, "--json"),
        operator.run("connection", "runs", connection),
        operator.run("connection", "list", "--json"),
        operator.run("provider", "list", "--json"),
        operator.run("events", "list", "--from", "2026-01-01", "--to", "2026-02-01", "--json"),
        operator.run("doctor", "--json"),
        operator.run(*reader.connect, typed=f"{reader.url}2", code=1),
        operator.run("connection", "disconnect", connection),
    ]
    for result in results:
        assert SECRET not in result.stdout + result.stderr
    assert "Ada's bookings" in results[2].stdout


def test_a_feed_can_be_named_by_its_kind(reader: Reader) -> None:
    operator = reader.operator
    arguments = ("connection", "connect-feed", "--schedule", reader.schedule_id, "--url-stdin")
    assert operator.json(*arguments, "--provider", "ics", typed=reader.url)["status"] == "SYNCED"
    caldav = operator.json("provider", "install", "caldav", "--name", "Ours", "--url", "https://dav.example.com")
    error = operator.json(*arguments, "--provider", caldav["providerId"], typed=reader.url, code=1)["error"]
    assert (error["code"], "address of a feed" in error["message"]) == ("NOT_SUPPORTED_BY_PROVIDER", True)


@pytest.mark.parametrize(
    ("status", "body", "code", "says"),
    [
        (401, b"", "BAD_CREDENTIALS", "wants a user name and password"),
        (404, b"", "NOT_SUPPORTED_BY_PROVIDER", "no calendar"),
        (403, b"", "PROVIDER_UNAVAILABLE", "cannot be reached"),
        (200, b"<html><title>Sign in</title></html>", "PROVIDER_UNAVAILABLE", "is no calendar"),
        (200, calendar(ADA).encode()[:-20], "PROVIDER_UNAVAILABLE", "cannot be reached"),
    ],
)
def test_what_is_no_feed_is_told_and_not_connected(
    reader: Reader, status: int, body: bytes, code: str, says: str
) -> None:
    reader.feed.status, reader.feed.body = status, body
    error = reader.operator.json(*reader.connect, typed=reader.url, code=1)["error"]
    assert error["code"] == code
    assert says in error["message"]
    people = reader.operator.run(*reader.connect, typed=reader.url, code=1)
    assert says in " ".join(people.stderr.split())
    assert SECRET not in people.stderr
    assert reader.operator.json("connection", "list") == {"connections": []}


@pytest.mark.parametrize(
    "typed", [f"ftp://example.org/{SECRET}", SECRET, f"https://ada:{SECRET}@example.org/", "https://"]
)
def test_what_is_no_address_is_told_without_repeating_it(reader: Reader, typed: str) -> None:
    error = reader.operator.json(*reader.connect, typed=typed, code=2)["error"]
    assert "web address" in error["message"]
    assert SECRET not in str(error)
    assert reader.feed.asked == []


def test_an_address_that_is_not_allowed_is_told_with_what_helps(reader: Reader) -> None:
    reader.operator.environment["KALENDS_NET_ALLOW"] = ""
    error = reader.operator.json(*reader.connect, typed=reader.url, code=1)["error"]
    assert error["code"] == "PROVIDER_UNAVAILABLE"
    assert "kalends doctor" in error["message"]
    assert reader.server.connections == 0


@pytest.mark.parametrize("typed", ["", "\n", "x" * 5_000])
def test_an_address_must_be_one(operator: Operator, typed: str) -> None:
    operator.run("site", "create", "--name", "Studio")
    arguments = ("connection", "connect-feed", "--schedule", "s", "--provider", "p", "--url-stdin")
    assert "address" in operator.run(*arguments, typed=typed, code=2).stderr


def test_the_address_is_not_taken_from_the_command_line(operator: Operator) -> None:
    arguments = ("connection", "connect-feed", "--schedule", "s", "--provider", "p")
    assert "--url-stdin" in operator.run(*arguments, code=2).stderr
    assert "--url" in operator.run(*arguments, "--url", "https://example.org/a.ics", code=2).stderr


def test_help_says_what_a_feed_is_and_that_its_address_is_a_secret(operator: Operator) -> None:
    told = " ".join(operator.run("connection", "connect-feed", "--help").stdout.split())
    assert "an ICS file at a web address" in told
    assert "kept as a password is" in told
    assert "--url-stdin" in told
    assert "ics" in operator.run("provider", "install", "--help").stdout


def test_feeds_have_no_settings(operator: Operator) -> None:
    operator.run("site", "create", "--name", "Studio")
    given = ("provider", "install", "ics", "--name", "Feeds", "--url", f"https://example.org/{SECRET}.ics")
    error = operator.json(*given, code=2)["error"]
    assert "when it is connected" in error["message"]
    assert SECRET not in str(error)
