"""The contract, held against real CalDAV servers."""

import json
import secrets
from collections.abc import AsyncIterator, Mapping
from urllib.parse import quote

import pytest

from kalends.model.calendar import Account
from kalends.providers.apple import APPLE
from kalends.providers.base import ConnectsWithCredentials, ProviderKind
from kalends.providers.caldav import CALDAV
from kalends.providers.errors import CredentialsRefused
from tests.icloud.running import RunningICloud
from tests.icloud.tokens import UNKNOWN_TOKEN
from tests.providers.contract import (
    CountingClient,
    Mirror,
    ProviderContract,
    RefusesWrongPasswords,
    TellsReadOnly,
    calendar_of,
    session_of,
)
from tests.servers import LOOPBACK, CalDavServer, component

_EVENT = """\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//kalends//test//EN
BEGIN:VEVENT
UID:{uid}
DTSTAMP:20260101T000000Z
DTSTART:20261201T100000Z
DTEND:20261201T110000Z
SUMMARY:{title}
{more}END:VEVENT
END:VCALENDAR
"""
_ZONE = """\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//kalends//test//EN
BEGIN:VTIMEZONE
TZID:{zone}
BEGIN:STANDARD
DTSTART:19700101T000000
TZOFFSETFROM:+0100
TZOFFSETTO:+0100
END:STANDARD
END:VTIMEZONE
END:VCALENDAR
"""


class CalDavWorld:
    """A `World` on a real server."""

    kind: ProviderKind = CALDAV

    def __init__(self, server: CalDavServer) -> None:
        self.server = server
        self.login = server.login()
        self.email, self.password = self.login.email, self.login.password
        self.config: Mapping[str, str] = {"url": server.url}
        self.client = CountingClient(LOOPBACK)

    async def connect(self) -> Account:
        assert isinstance(self.kind, ConnectsWithCredentials)
        return await self.kind.connect_with_credentials(
            self.client, self.config, email=self.email, password=self.password
        )

    async def create_calendar(self, name: str, *, color: str | None = None, time_zone: str | None = None) -> str:
        return self._make(f"c{secrets.token_hex(6)}", name, color, time_zone)

    async def create_read_only_calendar(self, name: str) -> str:
        return self._make(f"read-only-{secrets.token_hex(6)}", name)

    def _make(self, segment: str, name: str, color: str | None = None, time_zone: str | None = None) -> str:
        path = f"{self.login.home}{segment}/"
        properties = component("d:displayname", text=name)
        if color:
            properties += component("a:calendar-color", text=color)
        if time_zone:
            properties += component("c:calendar-timezone", text=_ZONE.format(zone=time_zone))
        self.server.make_calendar(path, properties)
        return self.outside(path)

    def outside(self, path: str) -> str:
        """Return what the provider calls the calendar that is at a path of the server."""
        return path

    def inside(self, calendar: str) -> str:
        """Return the path at the server of the calendar that the provider calls so."""
        return calendar

    async def delete_calendar(self, calendar: str) -> None:
        self.server.delete(self.inside(calendar))

    async def put_event(self, calendar: str, event: str, *, title: str, more: str = "") -> None:
        self.server.put(self._path(calendar, event), _EVENT.format(uid=event.encode().hex(), title=title, more=more))

    async def put_events(self, calendar: str, titles: Mapping[str, str]) -> None:
        texts = {f"{event}.ics": _EVENT.format(uid=event, title=title, more="") for event, title in titles.items()}
        self.server.put_many(self.inside(calendar), texts)

    async def rename_event(self, calendar: str, event: str, new_name: str) -> None:
        text = self.server.get(self._path(calendar, event))
        self.server.delete(self._path(calendar, event))
        self.server.put(self._path(calendar, new_name), text)

    async def break_event(self, calendar: str, event: str) -> None:
        await self.put_event(calendar, event, title="broken", more="RRULE:FREQ=DAILY;INTERVAL=0\n")

    async def delete_event(self, calendar: str, event: str) -> None:
        self.server.delete(self._path(calendar, event))

    def damaged(self, cursor: str) -> str:
        return json.dumps({**json.loads(cursor), "value": "http://radicale.org/ns/sync/" + 64 * "0"})

    def _path(self, calendar: str, event: str) -> str:
        return f"{self.inside(calendar)}{quote(event, safe='')}.ics"


class ICloudWorld(CalDavWorld):
    """A `World` at the stand-in for iCloud; the other client changes what is at the server behind it."""

    kind = APPLE

    def __init__(self, icloud: RunningICloud) -> None:
        super().__init__(icloud.behind)
        self.account = icloud.account(self.login)
        self.config = {}
        self.client = icloud.client()

    def outside(self, path: str) -> str:
        return self.account.outside(path)

    def inside(self, calendar: str) -> str:
        return self.account.inside(calendar)

    def damaged(self, cursor: str) -> str:
        return json.dumps({**json.loads(cursor), "value": UNKNOWN_TOKEN})


@pytest.fixture
async def world(request: pytest.FixtureRequest) -> AsyncIterator[CalDavWorld]:
    server: CalDavServer | RunningICloud = request.getfixturevalue(request.cls.server)
    world = ICloudWorld(server) if isinstance(server, RunningICloud) else CalDavWorld(server)
    async with world.client:
        yield world
    world.server.forget_calendars()


class TestRadicale(RefusesWrongPasswords, TellsReadOnly, ProviderContract):
    server = "radicale"

    async def test_connection_does_not_look_good_after_the_password_changed(self, world: CalDavWorld) -> None:
        calendar_id = await world.create_calendar("Locked")
        await world.put_event(calendar_id, "event", title="Locked-title")
        async with session_of(world, await world.connect()) as session:
            calendar = await calendar_of(session, calendar_id)
            mirror = Mirror()
            await mirror.sync(session, calendar)
            world.server.set_password(world.login, "another")
            with pytest.raises(CredentialsRefused):
                await mirror.sync(session, calendar)
            with pytest.raises(CredentialsRefused):
                await mirror.sync(session, calendar, full=True)
            assert mirror.holds("Locked-title")
            world.server.set_password(world.login, world.password)
            await mirror.sync(session, calendar)
        assert mirror.holds("Locked-title")

    @pytest.mark.parametrize("start", ["/", "/.well-known/caldav", "principal", "calendar"])
    async def test_any_address_of_the_account_leads_to_it(self, world: CalDavWorld, start: str) -> None:
        calendar_id = await world.create_calendar("Anywhere")
        places = {"principal": world.login.home, "calendar": calendar_id}
        world.config = {"url": world.server.url + places.get(start, start)}
        account = await world.connect()
        assert account.key.startswith(world.server.url + "/u")
        async with session_of(world, account) as session:
            assert [calendar.id for calendar in await session.list_calendars()] == [calendar_id]


class TestXandikos(ProviderContract):
    server = "xandikos"


class TestICloud(RefusesWrongPasswords, TellsReadOnly, ProviderContract):
    server = "icloud"
