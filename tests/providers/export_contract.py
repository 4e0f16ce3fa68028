"""What every provider that keeps copies has to do, told without knowing which one it is.

A suite derives from `ExportContract` and gives a `world` fixture, a `World` with a calendar of its own for each test.
"""

import secrets
from collections.abc import Iterable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol
from unittest.mock import patch

import pytest

from kalends.model.copy import ChangedInstance, CopyText, WantedCopy
from kalends.model.schedule_event import EventTimes, WeeklyRule
from kalends.net.errors import Unreachable
from kalends.providers.base import AccountSession
from kalends.providers.errors import CalendarGone, Unavailable
from kalends.providers.export import CopyChanged, CopyGone, CopyThere, Exports, KeyUsedUp, StoredCopy
from tests.providers.contract import CountingClient, Mirror, calendar_of

SINCE, UNTIL = datetime(2026, 9, 1, tzinfo=UTC), datetime(2027, 6, 1, tzinfo=UTC)
"""Between these lies all that `World.seen` is asked for: what starts at the first or later, and before the second."""

Seen = tuple[str, datetime | date, datetime | date]
"""What somebody sees in the calendar: title, start and end (exclusive), as UTC, or as dates where it is all-day."""


@dataclass(frozen=True, slots=True)
class Held:
    """What the calendar holds of a copy itself, not of its changed instances.

    `text` is in the words of the port. A provider without a field of its own for `url` may have put it into the notes:
    then it is in both. Line breaks are bare newlines. `guests` and `reminders` are how many there are, those that the
    provider would add by itself included.
    """

    text: CopyText
    guests: int = 0
    reminders: int = 0


class ExportingSession(AccountSession, Exports, Protocol):
    """A session that reads and keeps copies."""


class World(Protocol):
    """A provider with one account, and the account's owner, who works on it by another way."""

    client: CountingClient
    """The session's."""

    takes_keys_again: bool
    """Whether the provider takes the key of a copy that was deleted."""

    def session(self) -> AbstractAsyncContextManager[ExportingSession]: ...

    async def calendar(self) -> str:
        """Return the id of the calendar that the copies of this test go to: the same one each time."""
        ...

    async def seen(self, calendar_id: str) -> list[Seen]:
        """Return what is in a calendar between `SINCE` and `UNTIL`, `in_order`, with each instance of a series."""
        ...

    async def held(self, key: str) -> Held: ...

    async def edit(self, key: str, *, title: str) -> None:
        """Give a copy another title, as its owner."""
        ...

    async def retime(self, key: str, to: EventTimes) -> None:
        """Give a copy other times, as its owner; of a series, its first instance."""
        ...

    async def remove(self, key: str) -> None:
        """Delete a copy, as its owner."""
        ...

    def tag_of(self, payload: bytes) -> str | None:
        """Return whose copy it is that the import has stored, as the kind of provider tells it."""
        ...


def in_order(seen: Iterable[Seen]) -> list[Seen]:
    return sorted(seen, key=lambda one: (one[1].isoformat(), one[0]))


# What is wanted

ZONE = "Europe/Berlin"
TAG = "0123456789abcdefghijklmnopqrstuv.0a.v9"
PLAIN = CopyText(title="Haircut")


def key() -> str:
    """Return a key that nobody has used."""
    return f"{int.from_bytes(secrets.token_bytes(26)):052x}"


def wall(day: int, hour: int = 10, minute: int = 0, *, month: int = 12, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute)  # noqa: DTZ001 - a wall time has no zone


def times(start: datetime, *, minutes: int = 60, zone: str = ZONE) -> EventTimes:
    return EventTimes(start, start + timedelta(minutes=minutes), zone)


def days(start: datetime, count: int = 1, *, zone: str = ZONE) -> EventTimes:
    return EventTimes(start, start + timedelta(days=count), zone, all_day=True)


def single(*, at: EventTimes | None = None, text: CopyText = PLAIN) -> WantedCopy:
    return WantedCopy(key(), TAG, at or times(wall(1)), text)


def weekly(*, at: EventTimes | None = None, until: datetime | None = None, interval: int = 1) -> WantedCopy:
    """Return a series on Tuesdays: by default 1, 8, 15, 22 and 29 December and 5 January, 10:00 to 11:00 in Berlin."""
    at = at or times(wall(1))
    return WantedCopy(key(), TAG, at, PLAIN, WeeklyRule(interval, until or wall(5, 10, month=1, year=2027)))


def utc(wanted: EventTimes, title: str = PLAIN.title) -> Seen:
    """Return how times are seen."""
    if wanted.all_day:
        return title, wanted.start.date(), wanted.end.date()
    return title, wanted.start_at, wanted.end_at


def tuesdays(*, hour: int = 10) -> list[EventTimes]:
    """Return the times of the instances of `weekly()`."""
    return [times(wall(1, hour) + timedelta(weeks=number)) for number in range(6)]


def with_exceptions(series: WantedCopy) -> WantedCopy:
    """Return the series with its second instance moved, the third retitled, and the fourth cancelled."""
    starts = [series.times.start + timedelta(weeks=number) for number in range(4)]
    moved = ChangedInstance(starts[1], times(wall(9, 14), minutes=90), PLAIN)
    retitled = ChangedInstance(starts[2], series.times.at(starts[2]), replace(PLAIN, title="Beard, too"))
    return replace(series, changed=(moved, retitled), cancelled=(starts[3],))


def seen_with_exceptions(at: list[EventTimes]) -> list[Seen]:
    moved = times(wall(9, 14), minutes=90)
    return in_order([utc(at[0]), utc(moved), utc(at[2], "Beard, too"), utc(at[4]), utc(at[5])])


async def kept(session: Exports, calendar: str, wanted: WantedCopy) -> StoredCopy:
    """Return the copy as a look-up finds it."""
    found = await session.look_up(calendar, wanted.key)
    assert found is not None
    return found


def means(found: EventTimes | None, wanted: EventTimes) -> bool:
    """Tell whether times that are found are those wanted: the same instants in any zone, or the same dates."""
    if found is None or found.all_day is not wanted.all_day:
        return False
    if wanted.all_day:
        return (found.start, found.end) == (wanted.start, wanted.end)
    return (found.start_at, found.end_at) == (wanted.start_at, wanted.end_at)


@contextmanager
def answers_lost(client: CountingClient, *methods: str) -> Iterator[list[str]]:
    """Have the answers to requests of these methods get lost, which are done all the same; yield which were."""
    request, lost = client.request, list[str]()

    async def deaf(method: str, url: str, **options: Any) -> Any:
        answer = await request(method, url, **options)
        if method not in methods:
            return answer
        lost.append(method)
        raise Unreachable("the answer was lost", host="127.0.0.1")

    with patch.object(client, "request", deaf):
        yield lost


@contextmanager
def preconditions(client: CountingClient) -> Iterator[list[str]]:
    """Yield the versions that requests are sent for alone (RFC 9110 §13.1.1)."""
    request, named = client.request, list[str]()

    async def noting(method: str, url: str, **options: Any) -> Any:
        named.extend(value for name, value in (options.get("headers") or {}).items() if name == "If-Match")
        return await request(method, url, **options)

    with patch.object(client, "request", noting):
        yield named


class ExportContract:
    """What has to hold wherever copies are kept."""

    # Alone

    async def test_a_copy_stands_there_and_is_found_by_its_key(self, world: World) -> None:
        calendar, wanted = await world.calendar(), single()
        async with world.session() as session:
            assert isinstance(session, Exports)
            assert await session.look_up(calendar, wanted.key) is None
            stored = await session.create(calendar, wanted)
            assert await session.look_up(calendar, wanted.key) == stored
            assert await session.look_up(calendar, key()) is None
        assert await world.seen(calendar) == [utc(wanted.times)]
        assert stored.ref
        assert stored.echo

    async def test_a_key_makes_one_copy(self, world: World) -> None:
        calendar, wanted = await world.calendar(), single()
        async with world.session() as session:
            stored = await session.create(calendar, wanted)
            with pytest.raises(CopyThere):
                await session.create(calendar, replace(wanted, text=CopyText("Another")))
            assert await session.look_up(calendar, wanted.key) == stored
        assert await world.seen(calendar) == [utc(wanted.times)]

    async def test_a_copy_is_found_by_a_later_session(self, world: World) -> None:
        calendar, wanted = await world.calendar(), single()
        async with world.session() as session:
            stored = await session.create(calendar, wanted)
        async with world.session() as session:
            assert await session.look_up(calendar, wanted.key) == stored

    async def test_a_copy_is_retimed_and_retitled_in_its_place(self, world: World) -> None:
        calendar, wanted = await world.calendar(), single()
        later = replace(wanted, times=times(wall(2, 16, 30), minutes=45, zone="America/New_York"))
        retitled = replace(later, text=replace(PLAIN, title="Shave"))
        async with world.session() as session:
            stored = await session.create(calendar, wanted)
            moved = await session.update(calendar, later, stored)
            assert await world.seen(calendar) == [utc(later.times)]
            again = await session.update(calendar, retitled, moved)
            assert await world.seen(calendar) == [utc(later.times, "Shave")]
            assert await session.look_up(calendar, wanted.key) == again
        assert again.ref == moved.ref == stored.ref
        assert len({stored.echo, moved.echo, again.echo}) == 3

    @pytest.mark.parametrize("recurs", [False, True])
    async def test_a_stale_version_changes_nothing(self, world: World, recurs: bool) -> None:
        calendar, wanted = await world.calendar(), weekly() if recurs else single()
        at = tuesdays() if recurs else [wanted.times]
        async with world.session() as session:
            stored = await session.create(calendar, wanted)
            await world.edit(wanted.key, title="Mine")
            with pytest.raises(CopyChanged):
                await session.update(calendar, replace(wanted, text=CopyText("Other")), stored)
            assert await world.seen(calendar) == in_order(utc(one, "Mine") for one in at)
            await session.update(calendar, wanted, await kept(session, calendar, wanted))
        assert await world.seen(calendar) == in_order(map(utc, at))

    @pytest.mark.parametrize("recurs", [False, True])
    async def test_an_empty_version_is_any(self, world: World, recurs: bool) -> None:
        calendar, wanted = await world.calendar(), with_exceptions(weekly()) if recurs else single()
        async with world.session() as session:
            stored = await session.create(calendar, wanted)
            await world.edit(wanted.key, title="Mine")
            with preconditions(world.client) as named:
                again = await session.update(calendar, wanted, replace(stored, version=""))
            assert set(named) <= {"*"}, "what is read beforehand may be another version by then"
            assert again.version
            assert again.echo == stored.echo
            await world.remove(wanted.key)
            with pytest.raises(CopyGone):
                await session.update(calendar, wanted, replace(stored, version=""))

    async def test_a_series_becomes_a_single_copy_whatever_its_version(self, world: World) -> None:
        calendar, series = await world.calendar(), with_exceptions(weekly())
        alone = replace(series, rule=None, changed=(), cancelled=())
        async with world.session() as session:
            stored = await session.create(calendar, series)
            stored = await session.update(calendar, alone, replace(stored, version=""))
            assert await session.look_up(calendar, series.key) == stored
        assert await world.seen(calendar) == [utc(series.times)]

    async def test_a_copy_that_its_owner_deleted_is_gone(self, world: World) -> None:
        calendar, wanted = await world.calendar(), single()
        async with world.session() as session:
            stored = await session.create(calendar, wanted)
            await world.remove(wanted.key)
            with pytest.raises(CopyGone):
                await session.update(calendar, replace(wanted, text=CopyText("Another")), stored)
            await session.delete(calendar, stored.ref)
            if world.takes_keys_again:
                assert await session.look_up(calendar, wanted.key) is None
                await session.create(calendar, wanted)
                assert await world.seen(calendar) == [utc(wanted.times)]
            else:
                with pytest.raises(KeyUsedUp):
                    await session.look_up(calendar, wanted.key)
                with pytest.raises(KeyUsedUp):
                    await session.create(calendar, wanted)
                assert await world.seen(calendar) == []

    async def test_a_copy_is_deleted_once_and_twice(self, world: World) -> None:
        calendar, wanted, other = await world.calendar(), single(), single(text=CopyText("Other"))
        async with world.session() as session:
            stored = await session.create(calendar, wanted)
            await session.create(calendar, other)
            await session.delete(calendar, stored.ref)
            assert await world.seen(calendar) == [utc(other.times, "Other")]
            await session.delete(calendar, stored.ref)
        assert await world.seen(calendar) == [utc(other.times, "Other")]

    async def test_a_copy_is_deleted_whatever_its_owner_made_of_it(self, world: World) -> None:
        calendar, wanted = await world.calendar(), single()
        async with world.session() as session:
            stored = await session.create(calendar, wanted)
            await world.edit(wanted.key, title="Mine")
            await session.delete(calendar, stored.ref)
        assert await world.seen(calendar) == []

    # When it is

    @pytest.mark.parametrize(
        "to",
        [
            times(wall(2, 16, 30), minutes=45),
            times(wall(2, 16, 30), zone="America/New_York"),
            times(wall(25, 1, month=10), minutes=180),
            times(wall(3, 9), zone="UTC"),
            days(wall(24, 0), 3),
        ],
        ids=["", "elsewhere", "across-a-change-of-offset", "in-utc", "whole-days"],
    )
    async def test_a_copy_that_its_owner_moved_tells_when_it_is(self, world: World, to: EventTimes) -> None:
        calendar, wanted = await world.calendar(), single()
        async with world.session() as session:
            stored = await session.create(calendar, wanted)
            assert means(stored.times, wanted.times)
            await world.retime(wanted.key, to)
            assert await world.seen(calendar) == [utc(to)]
            found = await kept(session, calendar, wanted)
            assert means(found.times, to)
            assert found.echo != stored.echo
            again = await session.update(calendar, wanted, found)
            assert means(again.times, wanted.times)

    async def test_an_all_day_copy_that_its_owner_moved_tells_when_it_is(self, world: World) -> None:
        calendar, wanted, to = await world.calendar(), single(at=days(wall(24, 0), 3)), days(wall(28, 0))
        async with world.session() as session:
            stored = await session.create(calendar, wanted)
            assert means(stored.times, wanted.times)
            await world.retime(wanted.key, to)
            assert means((await kept(session, calendar, wanted)).times, to)
            await world.retime(wanted.key, times(wall(28)))
            assert means((await kept(session, calendar, wanted)).times, times(wall(28)))

    @pytest.mark.parametrize("at", [times(wall(1)), days(wall(1, 0))], ids=["timed", "all-day"])
    async def test_a_series_tells_when_its_first_instance_is(self, world: World, at: EventTimes) -> None:
        calendar, wanted = await world.calendar(), weekly(at=at, until=at.start.replace(day=29))
        moved = ChangedInstance(at.start, at.at(at.start.replace(day=2)), PLAIN)
        async with world.session() as session:
            stored = await session.create(calendar, replace(wanted, changed=(moved,)))
            assert means(stored.times, at)
            assert means((await kept(session, calendar, wanted)).times, at)

    # What it says

    async def test_nobody_is_a_guest_and_nothing_reminds(self, world: World) -> None:
        calendar, one, series = await world.calendar(), single(), weekly()
        async with world.session() as session:
            for wanted in (one, series):
                await session.create(calendar, wanted)
                held = await world.held(wanted.key)
                assert (held.guests, held.reminders) == (0, 0)
            await session.update(calendar, one, await kept(session, calendar, one))
        held = await world.held(one.key)
        assert (held.guests, held.reminders) == (0, 0)

    @pytest.mark.parametrize("busy", [True, False])
    @pytest.mark.parametrize("private", [True, False])
    async def test_a_copy_blocks_and_is_private_as_wanted(self, world: World, busy: bool, private: bool) -> None:
        calendar, wanted = await world.calendar(), single(text=replace(PLAIN, busy=busy, private=private))
        async with world.session() as session:
            stored = await session.create(calendar, wanted)
            held = (await world.held(wanted.key)).text
            assert (held.busy, held.private) == (busy, private)
            other = replace(wanted, text=replace(PLAIN, busy=not busy, private=not private))
            assert (await session.update(calendar, other, stored)).echo != stored.echo
            held = (await world.held(wanted.key)).text
            assert (held.busy, held.private) == (not busy, not private)

    async def test_texts_arrive_as_they_are(self, world: World) -> None:
        odd = 'a\\nb; c, "d" <b>e</b> &amp; %20 ünï 漢字 👩‍💻 BEGIN:VALARM ^n'
        notes = "\n".join(["first", *(f"{number}: {odd}" for number in range(40)), "x" * 1500, "", "last"])
        text = CopyText(
            title=f"{odd} {'long ' * 20}title",
            notes=notes,
            location=f"Room 1; {odd}",
            url="https://kalends.example/e/1?a=1&b=2,3;4#%C3%BC",
        )
        calendar, wanted = await world.calendar(), single(text=text)
        assert len(notes) < 5_000
        assert len(text.title) < 200
        async with world.session() as session:
            stored = await session.create(calendar, wanted)
            held = (await world.held(wanted.key)).text
            assert held.title == text.title
            assert notes in held.notes
            assert held.location == text.location
            assert held.url == text.url
            less = replace(wanted, text=PLAIN)
            await session.update(calendar, less, stored)
        assert (await world.held(wanted.key)).text == PLAIN

    async def test_the_import_knows_whose_copies_they_are(self, world: World) -> None:
        calendar, one, series = await world.calendar(), single(), with_exceptions(weekly())
        async with world.session() as session:
            await session.create(calendar, one)
            await session.create(calendar, series)
            mirror = Mirror()
            await mirror.sync(session, await calendar_of(session, calendar), since=SINCE, until=UNTIL)
        tags: dict[str, set[str | None]] = {}
        for item, (_, payload) in mirror.items.items():
            tags.setdefault(mirror.groups[item], set()).add(world.tag_of(payload or b""))
        assert len(tags) == 2
        assert all(TAG in found for found in tags.values())

    # Echoes

    async def test_the_echo_is_the_same_while_nothing_changes(self, world: World) -> None:
        calendar, wanted = await world.calendar(), with_exceptions(weekly())
        async with world.session() as session:
            stored = await session.create(calendar, wanted)
            assert (await kept(session, calendar, wanted)).echo == stored.echo
            again = await session.update(calendar, wanted, stored)
            assert again.echo == stored.echo
            assert (await kept(session, calendar, wanted)).echo == stored.echo

    async def test_the_echo_tells_what_the_owner_changed(self, world: World) -> None:
        calendar, wanted = await world.calendar(), single()
        async with world.session() as session:
            stored = await session.create(calendar, wanted)
            await world.edit(wanted.key, title="Mine")
            edited = await kept(session, calendar, wanted)
            assert edited.echo != stored.echo
            assert (await session.update(calendar, wanted, edited)).echo == stored.echo

    async def test_the_echo_tells_instances_apart(self, world: World) -> None:
        calendar, wanted = await world.calendar(), weekly()
        async with world.session() as session:
            stored = await session.create(calendar, wanted)
            excepted = await session.update(calendar, with_exceptions(wanted), stored)
            normal = await session.update(calendar, wanted, excepted)
        assert excepted.echo != stored.echo
        assert normal.echo == stored.echo

    # Series

    async def test_a_series_stands_there_with_all_its_instances(self, world: World) -> None:
        calendar, wanted = await world.calendar(), weekly()
        async with world.session() as session:
            await session.create(calendar, wanted)
        assert await world.seen(calendar) == in_order(map(utc, tuesdays()))

    async def test_a_series_is_made_with_its_exceptions(self, world: World) -> None:
        calendar, wanted = await world.calendar(), with_exceptions(weekly())
        async with world.session() as session:
            stored = await session.create(calendar, wanted)
            assert await session.look_up(calendar, wanted.key) == stored
        assert await world.seen(calendar) == seen_with_exceptions(tuesdays())

    async def test_instances_become_exceptions_and_normal_again(self, world: World) -> None:
        calendar, wanted = await world.calendar(), weekly()
        async with world.session() as session:
            stored = await session.create(calendar, wanted)
            stored = await session.update(calendar, with_exceptions(wanted), stored)
            assert await world.seen(calendar) == seen_with_exceptions(tuesdays())
            stored = await session.update(calendar, wanted, stored)
            assert await world.seen(calendar) == in_order(map(utc, tuesdays()))
            assert await session.look_up(calendar, wanted.key) == stored

    async def test_exceptions_change_places(self, world: World) -> None:
        calendar, wanted = await world.calendar(), weekly()
        at = tuesdays()
        moved = ChangedInstance(at[4].start, times(wall(30, 8)), PLAIN)
        back = ChangedInstance(at[3].start, at[3], replace(PLAIN, title="Back"))
        other = replace(wanted, changed=(moved, back), cancelled=(at[1].start,))
        async with world.session() as session:
            stored = await session.create(calendar, with_exceptions(wanted))
            await session.update(calendar, other, stored)
        expected = [utc(at[0]), utc(at[2]), utc(at[3], "Back"), utc(moved.times), utc(at[5])]
        assert await world.seen(calendar) == in_order(expected)

    async def test_a_retimed_series_has_its_exceptions_again(self, world: World) -> None:
        calendar, wanted = await world.calendar(), weekly()
        noon = replace(wanted, times=times(wall(1, 12)), rule=WeeklyRule(1, wall(5, 12, month=1, year=2027)))
        async with world.session() as session:
            stored = await session.create(calendar, with_exceptions(wanted))
            stored = await session.update(calendar, with_exceptions(noon), stored)
            assert await world.seen(calendar) == seen_with_exceptions(tuesdays(hour=12))
            await session.update(calendar, noon, stored)
        assert await world.seen(calendar) == in_order(map(utc, tuesdays(hour=12)))

    async def test_a_series_ends_earlier_and_later(self, world: World) -> None:
        calendar, wanted = await world.calendar(), weekly()
        async with world.session() as session:
            stored = await session.create(calendar, wanted)
            shorter = replace(wanted, rule=WeeklyRule(1, wall(15)))
            stored = await session.update(calendar, shorter, stored)
            assert await world.seen(calendar) == in_order(map(utc, tuesdays()[:3]))
            # an until between two instances ends with the one before
            between = replace(wanted, rule=WeeklyRule(1, wall(22, 9, 59)))
            stored = await session.update(calendar, between, stored)
            assert await world.seen(calendar) == in_order(map(utc, tuesdays()[:3]))
            await session.update(calendar, wanted, stored)
        assert await world.seen(calendar) == in_order(map(utc, tuesdays()))

    async def test_a_series_without_end_goes_on(self, world: World) -> None:
        start = times(wall(1))
        calendar, wanted = await world.calendar(), replace(weekly(), rule=WeeklyRule())
        async with world.session() as session:
            await session.create(calendar, wanted)
        expected = [utc(start.at(start.start + timedelta(weeks=number))) for number in range(26)]
        assert await world.seen(calendar) == in_order(expected)

    async def test_a_series_skips_weeks_and_keeps_its_wall_time(self, world: World) -> None:
        calendar = await world.calendar()
        start = times(wall(1, 18, 30, month=10), zone="America/New_York")
        wanted = weekly(at=start, until=wall(10, 18, 30, month=12), interval=2)
        async with world.session() as session:
            await session.create(calendar, wanted)
        seen = await world.seen(calendar)
        assert seen == in_order(utc(start.at(start.start + timedelta(weeks=2 * number))) for number in range(6))
        assert [str(one[1])[11:16] for one in seen] == ["22:30", "22:30", "22:30", "23:30", "23:30", "23:30"]

    async def test_an_instance_moves_to_another_zone(self, world: World) -> None:
        calendar, wanted = await world.calendar(), weekly()
        moved = ChangedInstance(wall(8), times(wall(9, 9), zone="Asia/Tokyo"), PLAIN)
        async with world.session() as session:
            await session.create(calendar, replace(wanted, changed=(moved,)))
        at = tuesdays()
        assert await world.seen(calendar) == in_order(map(utc, [at[0], moved.times, *at[2:]]))

    async def test_an_event_lies_across_a_change_of_offset(self, world: World) -> None:
        calendar, wanted = await world.calendar(), single(at=times(wall(25, 1, month=10), minutes=180))
        async with world.session() as session:
            await session.create(calendar, wanted)
        start, end = datetime(2026, 10, 24, 23, tzinfo=UTC), datetime(2026, 10, 25, 3, tzinfo=UTC)
        assert await world.seen(calendar) == [(PLAIN.title, start, end)]

    # All day

    @pytest.mark.parametrize("zone", [ZONE, "Pacific/Kiritimati", "Pacific/Pago_Pago"])
    async def test_an_all_day_event_is_on_its_dates(self, world: World, zone: str) -> None:
        calendar, wanted = await world.calendar(), single(at=days(wall(24, 0), 3, zone=zone))
        async with world.session() as session:
            stored = await session.create(calendar, wanted)
            assert await world.seen(calendar) == [(PLAIN.title, date(2026, 12, 24), date(2026, 12, 27))]
            timed = replace(wanted, times=times(wall(24)))
            stored = await session.update(calendar, timed, stored)
            assert await world.seen(calendar) == [utc(timed.times)]
            await session.update(calendar, wanted, stored)
        assert await world.seen(calendar) == [(PLAIN.title, date(2026, 12, 24), date(2026, 12, 27))]

    async def test_an_all_day_series_has_exceptions(self, world: World) -> None:
        calendar, wanted = await world.calendar(), weekly(at=days(wall(1, 0)), until=wall(29, 0))
        moved = ChangedInstance(wall(8, 0), days(wall(10, 0), 2), PLAIN)
        excepted = replace(wanted, changed=(moved,), cancelled=(wall(15, 0),))
        async with world.session() as session:
            stored = await session.create(calendar, excepted)
            expected = [days(wall(1, 0)), moved.times, days(wall(22, 0)), days(wall(29, 0))]
            assert await world.seen(calendar) == in_order(map(utc, expected))
            await session.update(calendar, wanted, stored)
        expected = [days(wall(day, 0)) for day in (1, 8, 15, 22, 29)]
        assert await world.seen(calendar) == in_order(map(utc, expected))

    # Calendars of our own

    async def test_a_calendar_is_made_once_and_found_by_its_marker(self, world: World) -> None:
        marker, other = f"{secrets.token_hex(20)}.0v", secrets.token_hex(26)
        name = 'Bookings & <b>"ünï"</b> 📅'
        async with world.session() as session:
            assert await session.find_calendar(marker) is None
            made = await session.create_calendar(name, marker)
            try:
                assert made.name == name
                assert made.writable
                assert await session.create_calendar("Another name", marker) == made
                assert await session.find_calendar(other) is None
                others = await session.create_calendar(name, other)
                assert others.id != made.id
                await session.delete_calendar(others.id)
                listed = [calendar.id for calendar in await session.list_calendars()]
                assert listed.count(made.id) == 1
                assert others.id not in listed
            finally:
                await session.delete_calendar(made.id)
                await session.delete_calendar(made.id)

    async def test_a_calendar_of_ours_takes_copies_until_it_is_gone(self, world: World) -> None:
        marker, wanted = secrets.token_hex(50), single()
        async with world.session() as session:
            made = await session.create_calendar("Bookings", marker)
        async with world.session() as session:
            stored = await session.create(made.id, wanted)
            assert await world.seen(made.id) == [utc(wanted.times)]
            await session.delete_calendar(made.id)
            assert await session.find_calendar(marker) is None
            with pytest.raises(CalendarGone):
                await session.look_up(made.id, wanted.key)
            with pytest.raises(CalendarGone):
                await session.create(made.id, wanted)
            with pytest.raises(CalendarGone):
                await session.update(made.id, wanted, stored)
            with pytest.raises(CalendarGone):
                await session.update(made.id, wanted, replace(stored, version=""))
            with pytest.raises(CalendarGone):
                await session.delete(made.id, stored.ref)

    async def test_a_calendar_whose_answer_was_lost_is_made_once(self, world: World) -> None:
        marker, name = secrets.token_hex(26), f"Bookings {secrets.token_hex(6)}"
        async with world.session() as session:
            with answers_lost(world.client, "POST", "MKCALENDAR") as lost, suppress(Unavailable):
                await session.create_calendar(name, marker)
            assert len(lost) == 1
        async with world.session() as session:
            made = await session.create_calendar(name, marker)
            assert await session.find_calendar(marker) == made
            named = [calendar.id for calendar in await session.list_calendars() if calendar.name.startswith(name)]
            assert named == [made.id]
            await session.delete_calendar(made.id)
