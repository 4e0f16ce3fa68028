"""A process that is killed anywhere in a sync: another one finishes, and nothing is lost or doubled (rules 1, 2, 3, 7).

What is stored in the end is held against the same calendar as an undisturbed sync stores it.
"""

import signal
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from kalends.model.connection import Connection, Status
from kalends.store.calendars import Calendars
from kalends.store.contents import Contents
from kalends.store.runs import Outcome
from kalends.store.tables import items, occurrences
from kalends.sync.failpoints import VARIABLE, FailPoints, Point
from tests.export.fire import EXPORT_POINTS
from tests.failpoints.child import Mortals
from tests.servers import CalDavServer
from tests.statements import statements, written_tables
from tests.world import World, ics

BOOKKEEPING = {"connections", "readings", "runs", "passes"}
OF_READING = tuple(point for point in Point if point not in EXPORT_POINTS)
"""What a reading comes to; the others are in `tests/rules/test_rule_04_exactly_one_copy.py`."""
FURTHER_ON = (f"{Point.INSIDE_APPLY}:2", f"{Point.AFTER_APPLY}:2")


def event(number: int, title: str) -> str:
    day = f"202612{number:02}"
    # two of them fill a transaction of their own each: their occurrences come to hundreds of rows
    daily = "RRULE:FREQ=DAILY\n" if number in {1, 2} else ""
    return ics(f"e{number}", title, f"{day}T090000Z", end=f"{day}T100000Z", lines=daily)


EARLIER = {f"e{number}.ics": event(number, f"Event {number}") for number in range(1, 8)}
LATER = {
    **{name: text for name, text in EARLIER.items() if name != "e4.ics"},
    "e2.ics": event(2, "Changed"),
    "e3.ics": event(3, "Changed"),
    "e8.ics": event(8, "New"),
    "e9.ics": event(9, "New"),
}
"""From one to the other two events change, one of them daily, at least one goes and at least one comes: two pages."""


@dataclass
class Stage:
    """A calendar that goes to and fro between two states, and what an undisturbed sync stores of each."""

    world: World
    server: CalDavServer
    doomed: Mortals
    calendar: str
    connection: Connection
    expected: list[Any]
    state: int = 0

    @classmethod
    async def set_up(cls, world: World, server: CalDavServer, doomed: Mortals) -> "Stage":
        login = server.login()
        calendar = f"{login.home}work/"
        server.make_calendar(calendar)
        for name, text in EARLIER.items():
            server.put(calendar + name, text)
        stage = cls(world, server, doomed, calendar, await world.connect(server, login), [])
        before = world.schedule
        for _ in range(2):
            world.schedule = await world.kalends.schedules.create(world.site, name="Another", owner_id=world.user.id)
            undisturbed = await world.connect(server, login, sync=False)
            doomed.warm_up(world.kalends.settings, undisturbed, world.clock.now())
            stage.expected.append(await stored(world, undisturbed))
            stage.change()
        world.schedule = before
        return stage

    def change(self) -> None:
        """Bring the calendar into its other state."""
        before, after = (EARLIER, LATER) if self.state == 0 else (LATER, EARLIER)
        for name in before.keys() - after.keys():
            self.server.delete(self.calendar + name)
        for name, text in after.items():
            if before.get(name) != text:
                self.server.put(self.calendar + name, text)
        self.state = 1 - self.state

    async def forget(self, *, cursor_only: bool) -> None:
        """Have the next sync read everything, over what is stored or from nothing."""
        its = await calendar_id(self.world, self.connection)
        async with self.world.kalends.database.write() as writer:
            if cursor_only:
                await Contents(writer, self.world.site.id, its).readings.forget_cursor()
            else:
                await Calendars(writer, self.world.site.id).forget_contents([its])

    async def kill_and_finish(self, failpoint: str) -> None:
        """Sync in a process that is killed at a point, and then here; all that is stored is as it should be."""
        world, kalends = self.world, self.world.kalends
        ended = self.doomed.run_until_it_dies(kalends.settings, self.connection, world.clock.now(), failpoint)
        assert ended == -signal.SIGKILL, "it came to that point and was killed there"
        if failpoint != Point.AFTER_RELEASE:
            assert await kalends.leased.claim(world.site.id, self.connection.id) is None, "its lease still stands"
            world.clock.advance(kalends.settings.lease_time + timedelta(seconds=1))
        assert (await world.sync(self.connection)).outcome is Outcome.DONE
        now = await world.connection(self.connection.id)
        assert (now.status, now.done_rev) == (Status.SYNCED, now.wanted_rev)
        assert await stored(world, self.connection) == self.expected[self.state]
        with statements(kalends.database) as heard:
            await world.sync(self.connection)
        assert written_tables(heard) <= BOOKKEEPING, "what was finished is finished"


async def calendar_id(world: World, connection: Connection) -> str:
    async with world.kalends.database.read() as reader:
        (calendar,) = await Calendars(reader, world.site.id).of_connection(connection.id)
    return calendar.id


async def stored(world: World, connection: Connection) -> dict[str, Sequence[Any]]:
    """Return what is stored of a connection's only calendar, without what differs from sync to sync."""
    its = await calendar_id(world, connection)
    async with world.kalends.database.read() as reader:
        kept = await reader.execute(
            select(items.c.item_key, items.c.version, items.c.problem)
            .where(items.c.calendar_id == its)
            .order_by(items.c.item_key)
        )
        placed = await reader.execute(
            select(occurrences.c.group_key, occurrences.c.start_at, occurrences.c.end_at, occurrences.c.title)
            .where(occurrences.c.calendar_id == its)
            .order_by(occurrences.c.group_key, occurrences.c.start_at)
        )
        groups = await Contents(reader, world.site.id, its).groups.all_keys()
        found = {"items": kept.all(), "occurrences": placed.all(), "groups": sorted(groups)}
    assert found["occurrences"]
    return found


async def test_a_process_killed_anywhere_in_a_first_import_loses_and_doubles_nothing(
    sqlite_world: World, radicale: CalDavServer, doomed: Mortals, subtests: pytest.Subtests
) -> None:
    stage = await Stage.set_up(sqlite_world, radicale, doomed)
    for point in (*OF_READING, *FURTHER_ON):
        with subtests.test(point=str(point)):
            await stage.forget(cursor_only=False)
            await stage.kill_and_finish(point)


async def test_a_process_killed_anywhere_in_an_incremental_import_loses_and_doubles_nothing(
    sqlite_world: World, radicale: CalDavServer, doomed: Mortals, subtests: pytest.Subtests
) -> None:
    stage = await Stage.set_up(sqlite_world, radicale, doomed)
    for point in (*OF_READING, *FURTHER_ON):
        with subtests.test(point=str(point)):
            stage.change()
            await stage.kill_and_finish(point)


async def test_a_process_killed_anywhere_in_a_full_pass_loses_and_doubles_nothing_on_either_database(
    world: World, radicale: CalDavServer, doomed: Mortals, subtests: pytest.Subtests
) -> None:
    stage = await Stage.set_up(world, radicale, doomed)
    for point in (*OF_READING, *FURTHER_ON):
        with subtests.test(point=str(point)):
            stage.change()
            await stage.forget(cursor_only=True)
            await stage.kill_and_finish(point)


def test_a_fail_point_ends_the_process_when_it_was_reached_as_often_as_was_asked() -> None:
    ended: list[str] = []
    points = FailPoints(Point.AFTER_APPLY, times=2, end=lambda: ended.append("here"))
    for _ in range(3):
        points.reach(Point.BEFORE_APPLY)
    points.reach(Point.AFTER_APPLY)
    assert ended == []
    for _ in range(3):
        points.reach(Point.AFTER_APPLY)
    assert ended == ["here"]


def test_without_the_variable_no_point_does_anything() -> None:
    points = FailPoints.of({})
    for point in Point:
        points.reach(point)


def test_a_point_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="nowhere"):
        FailPoints.of({VARIABLE: "nowhere"})
