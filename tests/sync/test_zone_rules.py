"""A new version of the zone database: what zones place is placed anew from what is stored, once."""

import zoneinfo
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import pytest
import tzdata

from kalends.ical import zones as known
from kalends.model.connection import Connection
from kalends.model.time import ZONE_RULES
from kalends.providers.errors import Unavailable
from kalends.store.calendars import Calendars
from kalends.store.runs import Outcome
from tests.rules.conftest import Scripted
from tests.statements import statements, written_tables
from tests.world import ics

AT_NINE = "TZID=Europe/Berlin:20261201T090000"


def zoned(uid: str, *, lines: str = "") -> str:
    """Return an event at nine in Berlin."""
    return ics(uid, uid, "20261201T090000Z", lines=f"DURATION:PT1H\n{lines}").replace(
        "DTSTART:20261201T090000Z", f"DTSTART;{AT_NINE}"
    )


@contextmanager
def berlin_by_the_rules_of(zone: str, folder: Path) -> Iterator[None]:
    """Let this process go by a zone database that gives Berlin the rules of another zone."""
    place = folder / "Europe" / "Berlin"
    place.parent.mkdir(parents=True)
    place.write_bytes(files("tzdata.zoneinfo").joinpath(zone).read_bytes())
    zoneinfo.reset_tzpath(to=[str(folder)])
    _forget_zones()
    try:
        yield
    finally:
        zoneinfo.reset_tzpath(to=())
        _forget_zones()


def _forget_zones() -> None:
    zoneinfo.ZoneInfo.clear_cache()
    for remembered in (known._known, known._at_tail, known._likely):
        remembered.cache_clear()


def update_rules(scripted: Scripted, version: str = "2099a") -> None:
    """Let the service be one that goes by another version of the zone database."""
    scripted.world.kalends.leased._turn._sync._rolling._zone_rules = version


async def rules_of(scripted: Scripted, connection: Connection) -> str | None:
    """Return the version that is noted with the only calendar."""
    async with scripted.world.kalends.database.read() as reader:
        (stored,) = await Calendars(reader, scripted.world.site.id).of_connection(connection.id)
    assert stored.coverage is not None
    return stored.coverage.rules


async def test_new_rules_move_what_they_place_and_ask_the_provider_for_nothing(
    scripted: Scripted, tmp_path: Path
) -> None:
    world, remote = scripted.world, scripted.remote
    remote.put("zoned", zoned("zoned"))
    remote.put("series", zoned("series", lines="RRULE:FREQ=WEEKLY;COUNT=2\n"))
    remote.put("day", ics("day", "day", "20261203", end="20261204"))
    remote.put("floating", ics("floating", "floating", "20261204T090000", end="20261204T100000"))
    remote.put("utc", ics("utc", "utc", "20261205T090000Z", end="20261205T100000Z"))
    connection = await scripted.connect()
    assert await rules_of(scripted, connection) == ZONE_RULES == tzdata.IANA_VERSION
    before = await world.events()
    assert before[0] == ("series", *(datetime(2026, 12, 1, hour, tzinfo=UTC) for hour in (8, 9)))
    with berlin_by_the_rules_of("Asia/Tokyo", tmp_path / "rules"):
        update_rules(scripted)
        with statements(world.kalends.database) as heard:
            assert (await world.sync(connection)).outcome is Outcome.DONE
        moved = await world.events()
    hours = timedelta(hours=8)
    assert sorted(moved, key=str) == sorted(
        [(title, *((start, end) if title == "utc" else (start - hours, end - hours))) for title, start, end in before],
        key=str,
    )
    assert scripted.kind.handed_out == 5, "nothing was fetched again"
    touched = [one for one in heard if written_tables([one]) == {"groups"}]
    assert touched, "the groups were written anew"
    assert await rules_of(scripted, connection) == "2099a"


async def test_once_placed_by_new_rules_a_poll_costs_what_it_did_before(scripted: Scripted) -> None:
    world = scripted.world
    scripted.remote.put("e", zoned("e"))
    connection = await scripted.connect()
    with statements(world.kalends.database) as before:
        await world.sync(connection)
    update_rules(scripted)
    with statements(world.kalends.database) as placing:
        await world.sync(connection)
    with statements(world.kalends.database) as after:
        await world.sync(connection)
    assert "groups" in written_tables(placing)
    assert "occurrences" not in written_tables(placing), "they lie where they did"
    assert "groups" not in written_tables(after)
    assert len(after) == len(before)


async def test_new_rules_need_no_provider_that_answers(scripted: Scripted, tmp_path: Path) -> None:
    world = scripted.world
    scripted.remote.put("e", zoned("e"))
    connection = await scripted.connect()

    def down(_page: int) -> None:
        raise Unavailable("down")

    scripted.kind.fault = down
    with berlin_by_the_rules_of("Asia/Tokyo", tmp_path / "rules"):
        update_rules(scripted)
        assert (await world.sync(connection)).outcome is Outcome.FAILED
        assert [start for _, start, _ in await world.events()] == [datetime(2026, 12, 1, 0, tzinfo=UTC)]


async def test_what_was_cut_off_while_it_was_placed_anew_is_placed_anew_again(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted.remote.put("e", zoned("e"))
    connection = await scripted.connect()
    update_rules(scripted)
    rolling = scripted.world.kalends.leased._turn._sync._rolling

    async def cut_off(*_: object) -> None:
        raise Unavailable("killed")

    with monkeypatch.context() as patched:
        patched.setattr(rolling, "_note", cut_off)
        assert (await scripted.world.sync(connection)).outcome is Outcome.FAILED
    assert await rules_of(scripted, connection) == ZONE_RULES
    await scripted.world.sync(connection)
    assert await rules_of(scripted, connection) == "2099a"


async def test_an_event_that_could_not_be_read_stays_in_quarantine_when_it_is_placed_anew(scripted: Scripted) -> None:
    world = scripted.world
    scripted.remote.put("e", zoned("e"))
    connection = await scripted.connect()
    scripted.remote.put("e", zoned("e", lines="DESCRIPTION:larger\n"))
    scripted.kind.unreadable.add("e")
    await world.sync(connection)
    update_rules(scripted)
    await world.sync(connection)
    assert await rules_of(scripted, connection) == "2099a"
    health = await world.kalends.health.get(world.admin, connection.id)
    assert [size.quarantined for size in health.sizes.values()] == [1]
    assert await world.titles() == ["e"], "what was there before still blocks"
