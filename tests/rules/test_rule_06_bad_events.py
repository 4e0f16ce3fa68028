"""Rule 6: one bad event is quarantined, counted and shown; the others go on, and nothing is held up."""

import asyncio
import time

from kalends.model.connection import Status
from kalends.store.groups import quarantined
from tests.servers import CalDavServer
from tests.world import World, ics

COUNT = 100
LONGEST_WAIT = 2.0
"""Seconds that another request may wait on a busy machine."""

ON_RADICALE = {
    "count": ics("broken-count", "Secret", "20261201T090000Z", lines="RRULE:FREQ=DAILY;COUNT=-1\n"),
    "interval": ics("broken-interval", "Secret", "20261201T090000Z", lines="RRULE:FREQ=DAILY;INTERVAL=0\n"),
    "none": ics("broken-none", "Secret", "20261201T090000Z", lines="RRULE:FREQ=DAILY;COUNT=0\n"),
}
ON_XANDIKOS = {
    "missing": ics("broken-missing", "Secret", "20261201T090000Z").replace("DTSTART:20261201T090000Z\n", ""),
    "unreadable": ics("broken-unreadable", "Secret", "tomorrow at noon"),
    "year": ics("broken-year", "Secret", "00000101T090000Z"),
    "rule": ics("broken-rule", "Secret", "20261201T090000Z", lines="RRULE:FREQ=NONSENSE\n"),
}
SINCE_2000 = ics("secondly", "Every second", "20000101T000000Z", lines="RRULE:FREQ=SECONDLY\n")


async def import_with(world: World, server: CalDavServer, broken: dict[str, str]) -> None:
    login = server.login()
    calendar = f"{login.home}work/"
    server.make_calendar(calendar, "<d:displayname>Work</d:displayname>")
    good = {
        f"good{number}.ics": ics(f"good{number}", "Good", "20261201T090000Z", end="20261201T100000Z")
        for number in range(COUNT - len(broken))
    }
    try:
        server.put_many(calendar, good)
        for name, text in broken.items():
            server.put(f"{calendar}{name}.ics", text)
        longest, connection = await asyncio.gather(asking_meanwhile(world), world.connect(server, login))
        assert connection.status is Status.SYNCED
        assert longest < LONGEST_WAIT
        assert await world.titles() == ["Good"] * len(good)
        async with world.kalends.database.read() as reader:
            found = await quarantined(reader, world.site.id, connection.id)
        assert {one.calendar for one in found} == {"Work"}
        assert sorted(one.problem.uid or "" for one in found) == sorted(f"broken-{name}" for name in broken)
        for one in found:
            assert one.problem.reason
            assert "Secret" not in one.problem.reason
    finally:
        server.forget_calendars()


async def asking_meanwhile(world: World) -> float:
    """Ask for connections again and again until the import is done; return the longest wait in seconds."""
    longest = 0.0
    while True:
        began = time.monotonic()
        listed = await world.kalends.connections.list(world.admin, schedule_ids=None, partial_failure=False)
        longest = max(longest, time.monotonic() - began)
        if any(one.connection.status is Status.SYNCED for one in listed.connections):
            return longest
        await asyncio.sleep(0.005)


async def test_rule_6_of_100_events_97_are_imported_and_3_are_named_on_radicale(
    real_world: World, radicale: CalDavServer
) -> None:
    await import_with(real_world, radicale, ON_RADICALE)


async def test_rule_6_of_100_events_97_are_imported_and_3_are_named_on_xandikos(
    real_world: World, xandikos: CalDavServer
) -> None:
    await import_with(real_world, xandikos, ON_XANDIKOS)


async def test_rule_6_every_second_since_2000_holds_nothing_up(real_world: World, xandikos: CalDavServer) -> None:
    await import_with(real_world, xandikos, {**ON_XANDIKOS, "secondly": SINCE_2000.replace("UID:", "UID:broken-")})


async def test_rule_6_the_year_0_that_radicale_turns_into_2000_harms_nobody(
    real_world: World, radicale: CalDavServer
) -> None:
    login = radicale.login()
    calendar = f"{login.home}work/"
    radicale.make_calendar(calendar)
    radicale.put(f"{calendar}year.ics", ics("year", "Long ago", "00000101T090000Z"))
    assert "DTSTART:20000101T090000Z" in radicale.get(f"{calendar}year.ics")
    radicale.put(f"{calendar}now.ics", ics("now", "Now", "20261201T090000Z", end="20261201T100000Z"))
    connection = await real_world.connect(radicale, login)
    assert connection.status is Status.SYNCED
    assert await real_world.titles() == ["Now"]


async def test_a_mended_event_leaves_quarantine(real_world: World, xandikos: CalDavServer) -> None:
    login = xandikos.login()
    calendar = f"{login.home}work/"
    xandikos.make_calendar(calendar)
    try:
        xandikos.put(f"{calendar}a.ics", ON_XANDIKOS["rule"])
        connection = await real_world.connect(xandikos, login)
        assert await real_world.titles() == []
        xandikos.put(f"{calendar}a.ics", ics("broken-rule", "Mended", "20261201T090000Z", end="20261201T100000Z"))
        run = await real_world.sync(connection)
        assert run.counts.quarantined == 0
        assert await real_world.titles() == ["Mended"]
        async with real_world.kalends.database.read() as reader:
            assert await quarantined(reader, real_world.site.id, connection.id) == []
    finally:
        xandikos.forget_calendars()
