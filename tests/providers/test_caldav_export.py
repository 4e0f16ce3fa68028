"""The contract of exports, held against real CalDAV servers and the stand-in for iCloud."""

import re
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import WEEKLY, rrule
from icalendar import Calendar

from kalends.model.calendar import Account
from kalends.model.copy import ChangedInstance, CopyText
from kalends.model.schedule_event import EventTimes
from kalends.providers.apple import APPLE
from kalends.providers.base import ConnectsWithCredentials, ProviderKind
from kalends.providers.caldav import CALDAV
from kalends.providers.caldav.rendering import resource
from kalends.providers.caldav.session import CalDavSession
from kalends.providers.errors import CredentialsRefused, NotSupported
from kalends.providers.export import CalendarRefused, Exports, KeyUsedUp, TellsCopies
from tests.icloud.account import ICloudAccount, Left
from tests.icloud.running import RunningICloud
from tests.providers.contract import CountingClient, Mirror, calendar_of
from tests.providers.export_contract import (
    PLAIN,
    SINCE,
    UNTIL,
    ExportContract,
    ExportingSession,
    Held,
    Seen,
    days,
    in_order,
    kept,
    single,
    times,
    utc,
    wall,
    weekly,
    with_exceptions,
)
from tests.servers import LOOPBACK, CalDavServer, Login, component

_HREF = re.compile(r"<(?:\w+:)?href>([^<]*\.ics)</")


class CalDavExportWorld:
    """A `World` on a real server; the owner works with the keeper's client, and another library's reader."""

    takes_keys_again = True
    kind: ProviderKind = CALDAV

    def __init__(self, server: CalDavServer) -> None:
        self.server = server
        self.login: Login = server.login()
        self.config = {"url": server.url}
        self.client = CountingClient(LOOPBACK)
        self._account: Account | None = None
        self._calendar: str | None = None

    @asynccontextmanager
    async def session(self) -> AsyncIterator[ExportingSession]:
        if self._account is None:
            assert isinstance(self.kind, ConnectsWithCredentials)
            self._account = await self.kind.connect_with_credentials(
                self.client, self.config, email=self.login.email, password=self.login.password
            )
        async with self.kind.session(self.client, self.config, self._account.credentials) as session:
            assert isinstance(session, Exports)
            yield session

    async def calendar(self) -> str:
        if self._calendar is None:
            self._calendar = self.make(f"c{secrets.token_hex(6)}")
        return self._calendar

    def make(self, segment: str) -> str:
        """Make a calendar as its owner; return its id."""
        path = f"{self.login.home}{segment}/"
        self.server.make_calendar(path, component("d:displayname", text="Copies"))
        return self.outside(path)

    def outside(self, path: str) -> str:
        return path

    def inside(self, path: str) -> str:
        return path

    async def seen(self, calendar_id: str) -> list[Seen]:
        found = [self.server.get(href) for href in self.members(calendar_id)]
        return in_order(one for text in found for one in _occurrences(text) if _is_between(one[1]))

    def members(self, calendar_id: str) -> list[str]:
        """Return the paths at the server of what is in a calendar."""
        listing = self.server.request("PROPFIND", self.inside(calendar_id), headers={"Depth": "1"}, expect=(207,))
        return _HREF.findall(listing.text)

    async def held(self, key: str) -> Held:
        event = self._master(key)
        alarms = [alarm for alarm in event.walk("VALARM") if alarm.get("ACTION") != "NONE"]
        guests = [event[name] for name in ("ORGANIZER", "ATTENDEE") if name in event]
        text = CopyText(
            title=str(event["SUMMARY"]),
            notes=str(event.get("DESCRIPTION", "")),
            location=str(event.get("LOCATION", "")),
            url=str(event["URL"]) if "URL" in event else None,
            busy=event.get("TRANSP", "OPAQUE") == "OPAQUE",
            private=event.get("CLASS", "PUBLIC") != "PUBLIC",
        )
        return Held(text, len(guests), len(alarms))

    async def edit(self, key: str, *, title: str) -> None:
        calendar = Calendar.from_ical(self.text(key))
        next(_masters(calendar))["SUMMARY"] = title
        self.server.put(self.path(key), calendar.to_ical().decode())

    async def retime(self, key: str, to: EventTimes) -> None:
        calendar = Calendar.from_ical(self.text(key))
        event = next(_masters(calendar))
        for name, at in (("DTSTART", to.start), ("DTEND", to.end)):
            event.pop(name, None)
            event.add(name, at.date() if to.all_day else at.replace(tzinfo=ZoneInfo(to.zone)))
        self.server.put(self.path(key), calendar.to_ical().decode())

    async def remove(self, key: str) -> None:
        self.server.delete(self.path(key))

    def tag_of(self, payload: bytes) -> str | None:
        assert isinstance(self.kind, TellsCopies)
        return self.kind.tag_of(payload)

    def path(self, key: str) -> str:
        """Return the path at the server of a copy in the calendar of this test."""
        assert self._calendar is not None
        return f"{self.inside(self._calendar)}{key}.ics"

    def text(self, key: str) -> str:
        return self.server.get(self.path(key))

    def _master(self, key: str) -> Any:
        return next(_masters(Calendar.from_ical(self.text(key))))


class ICloudExportWorld(CalDavExportWorld):
    """A `World` at the stand-in for iCloud; the owner works at the server behind it."""

    kind = APPLE

    def __init__(self, icloud: RunningICloud) -> None:
        super().__init__(icloud.behind)
        self.account: ICloudAccount = icloud.account(self.login)
        self.config = {}
        self.client = icloud.client()

    def outside(self, path: str) -> str:
        return self.account.outside(path)

    def inside(self, path: str) -> str:
        return self.account.inside(path)


def _masters(calendar: Any) -> Iterator[Any]:
    return (event for event in calendar.walk("VEVENT") if "RECURRENCE-ID" not in event)


def _occurrences(text: str) -> Iterator[Seen]:
    """Expand a resource whose rule, if any, is a weekly one."""
    calendar: Any = Calendar.from_ical(text)
    (master,) = _masters(calendar)
    instead = {_instant(event["RECURRENCE-ID"].dt): event for event in calendar.walk("VEVENT") if event is not master}
    cancelled = {_instant(one) for one in master.exdates}
    made = list(_starts(master))
    assert {*instead, *cancelled} <= {_instant(start) for start in made}, "an exception to nothing"
    for start in made:
        if _instant(start) in cancelled:
            continue
        event = instead.get(_instant(start), master)
        begins = start if event is master else event["DTSTART"].dt
        yield str(event["SUMMARY"]), _instant(begins), _instant(begins) + _length(event)


def _length(event: Any) -> Any:
    """Return how long an event lasts exactly (RFC 5545 §3.8.5.3), not by the clock on the wall."""
    if "DURATION" in event:
        return event["DURATION"].dt
    start, end = (_instant(event[name].dt) for name in ("DTSTART", "DTEND"))
    return (end - start) if isinstance(end, datetime) and isinstance(start, datetime) else event.duration


def _starts(master: Any) -> Iterator[datetime | date]:
    start = master["DTSTART"].dt
    if "RRULE" not in master:
        yield start
        return
    rule = master["RRULE"]
    assert rule["FREQ"] == ["WEEKLY"]
    assert rule.keys() <= {"FREQ", "INTERVAL", "UNTIL"}
    timed = isinstance(start, datetime)
    until = rule["UNTIL"][0] if "UNTIL" in rule else UNTIL
    if isinstance(until, datetime):
        assert until.tzinfo == UTC or until.utcoffset() == timedelta()
        until = until.astimezone(start.tzinfo).replace(tzinfo=None) if timed else until.replace(tzinfo=None)
    naive = start.replace(tzinfo=None) if timed else datetime(start.year, start.month, start.day)  # noqa: DTZ001 - a date
    for wall_time in rrule(WEEKLY, interval=rule.get("INTERVAL", [1])[0], dtstart=naive, until=until):
        yield wall_time.replace(tzinfo=start.tzinfo) if timed else wall_time.date()


def _instant(at: datetime | date) -> datetime | date:
    return at.astimezone(UTC) if isinstance(at, datetime) else at


def _is_between(at: datetime | date) -> bool:
    if isinstance(at, datetime):
        return SINCE <= at < UNTIL
    return SINCE.date() <= at < UNTIL.date()


@pytest.fixture
async def world(request: pytest.FixtureRequest) -> AsyncIterator[CalDavExportWorld]:
    server: CalDavServer | RunningICloud = request.getfixturevalue(request.cls.server)
    world = ICloudExportWorld(server) if isinstance(server, RunningICloud) else CalDavExportWorld(server)
    async with world.client:
        yield world
    world.server.forget_calendars()


class CalDavExportContract(ExportContract):
    async def test_a_timed_instance_stands_in_an_all_day_series(self, world: CalDavExportWorld) -> None:
        calendar, series = await world.calendar(), weekly(at=days(wall(1, 0)), until=wall(15, 0))
        timed = ChangedInstance(wall(8, 0), times(wall(8, 15)), PLAIN)
        async with world.session() as session:
            await session.create(calendar, replace(series, changed=(timed,)))
        expected = [days(wall(1, 0)), timed.times, days(wall(15, 0))]
        assert await world.seen(calendar) == in_order(map(utc, expected))

    async def test_an_event_that_begins_in_a_gap_lasts_as_long_as_it_should(self, world: CalDavExportWorld) -> None:
        calendar, wanted = await world.calendar(), single(at=times(wall(28, 2, month=3, year=2027), minutes=60))
        async with world.session() as session:
            await session.create(calendar, wanted)
        start = datetime(2027, 3, 28, 1, tzinfo=UTC)
        assert await world.seen(calendar) == [(PLAIN.title, start, start + timedelta(hours=1))]

    async def test_a_copys_ref_is_the_key_of_what_is_imported(self, world: CalDavExportWorld) -> None:
        calendar, wanted = await world.calendar(), single()
        async with world.session() as session:
            stored = await session.create(calendar, wanted)
            mirror = Mirror()
            await mirror.sync(session, await calendar_of(session, calendar))
            assert {item: version for item, (version, _) in mirror.items.items()} == {stored.ref: stored.version}

    async def test_what_cannot_be_written_is_left_out(self, world: CalDavExportWorld) -> None:
        text = CopyText(
            "a\x00b\x0bc", "one\r\ntwo\rthree\u2028four\x85five\ud800.", "x\ty\x7f", "https://a.example/\n x"
        )
        calendar, wanted = await world.calendar(), single(text=text)
        async with world.session() as session:
            await session.create(calendar, wanted)
        held = (await world.held(wanted.key)).text
        assert held == CopyText("abc", "one\ntwo\nthree\nfour\nfive.", "x\ty", "https://a.example/x")

    async def test_a_calendar_is_found_after_its_owner_gave_it_another_name(self, world: CalDavExportWorld) -> None:
        marker = secrets.token_hex(26)
        async with world.session() as session:
            made = await session.create_calendar("Bookings \x01\ud800\uffff", marker)
            assert made.name == "Bookings"
            named = f"<d:set><d:prop>{component('d:displayname', text='Mine')}</d:prop></d:set>"
            body = f'<d:propertyupdate xmlns:d="DAV:">{named}</d:propertyupdate>'
            header = {"Content-Type": "application/xml"}
            world.server.request("PROPPATCH", world.inside(made.id), body, header, expect=(207,))
            assert await session.create_calendar("Bookings", marker) == replace(made, name="Mine")
            await session.delete_calendar(made.id)

    async def test_a_resource_of_a_copy_is_sound(self, world: CalDavExportWorld) -> None:
        notes = 60 * "0123456789 ünï 漢字 👩‍💻 "
        calendar, series = await world.calendar(), weekly()
        excepted = with_exceptions(replace(series, text=CopyText("t", notes, url="https://a.example/1")))
        async with world.session() as session:
            await session.create(calendar, excepted)
            assert {path for method, path in world.client.asked if method == "PUT"} != set()
        parsed: Any = Calendar.from_ical(world.text(series.key))
        assert not parsed.errors
        assert {str(event["UID"]) for event in parsed.walk("VEVENT")} == {f"{series.key}@kalends"}
        assert {str(event["SEQUENCE"]) for event in parsed.walk("VEVENT")} == {"0"}
        assert [str(zone["TZID"]) for zone in parsed.walk("VTIMEZONE")] == ["Europe/Berlin"]


class TestRadicale(CalDavExportContract):
    server = "radicale"

    async def test_a_calendar_that_may_not_be_written_says_so(self, world: CalDavExportWorld) -> None:
        calendar, wanted = world.make(f"read-only-{secrets.token_hex(6)}"), single()
        async with world.session() as session:
            assert await session.look_up(calendar, wanted.key) is None
            with pytest.raises(NotSupported):
                await session.create(calendar, wanted)
            world.server.put(f"{calendar}{wanted.key}.ics", resource(wanted).decode())
            there = await kept(session, calendar, wanted)
            with pytest.raises(NotSupported):
                await session.update(calendar, wanted, there)
            with pytest.raises(NotSupported):
                await session.delete(calendar, there.ref)
            with pytest.raises(NotSupported):
                await session.delete_calendar(calendar)

    async def test_a_uid_that_another_event_has_uses_the_key_up(self, world: CalDavExportWorld) -> None:
        calendar, wanted = await world.calendar(), single()
        world.server.put(f"{calendar}another.ics", resource(wanted).decode())
        async with world.session() as session:
            with pytest.raises(KeyUsedUp):
                await session.create(calendar, wanted)

    async def test_an_account_without_rights_there_makes_no_calendar(self, world: CalDavExportWorld) -> None:
        async with world.session() as session:
            assert isinstance(session, CalDavSession)
            session._homes = [f"{world.server.url}/"]
            with pytest.raises(CalendarRefused):
                await session.create_calendar("Bookings", secrets.token_hex(26))

    async def test_a_changed_password_is_told(self, world: CalDavExportWorld) -> None:
        calendar, wanted = await world.calendar(), single()
        async with world.session() as session:
            world.server.set_password(world.login, "another")
            with pytest.raises(CredentialsRefused):
                await session.create(calendar, wanted)


class TestXandikos(CalDavExportContract):
    server = "xandikos"


class TestICloud(CalDavExportContract):
    server = "icloud"

    @pytest.mark.parametrize("left", list(Left))
    async def test_copies_follow_an_account_that_moves(self, world: ICloudExportWorld, left: Left) -> None:
        calendar, wanted, other = await world.calendar(), single(), single(text=CopyText("Other"))
        async with world.session() as session:
            stored = await session.create(calendar, wanted)
            doomed = await session.create(calendar, other)
        world.account.partition, world.account.left = 43, left
        for again in range(3):
            async with world.session() as session:
                if again == 0:
                    await session.delete(calendar, doomed.ref)
                elif again == 1:
                    assert await session.look_up(calendar, wanted.key) == stored
                else:
                    later = replace(wanted, text=CopyText("Later"))
                    assert (await session.update(calendar, later, stored)).ref == stored.ref
        assert await world.seen(calendar) == [utc(wanted.times, "Later")]

    @pytest.mark.parametrize("left", [Left.MISSING, Left.HANGS_UP])
    async def test_calendars_are_made_and_deleted_where_the_account_is(
        self, world: ICloudExportWorld, left: Left
    ) -> None:
        marker = secrets.token_hex(26)
        async with world.session() as session:
            made = await session.create_calendar("Bookings", marker)
        world.account.partition, world.account.left = 43, left
        async with world.session() as session:
            assert await session.create_calendar("Bookings", marker) == made
        async with world.session() as session:
            await session.delete_calendar(made.id)
        async with world.session() as session:
            assert await session.find_calendar(marker) is None
