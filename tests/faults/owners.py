"""People whose accounts copies go to, who keep events of their own there and look at everything by another way."""

import asyncio
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import chain
from typing import Any

import httpx2
from dateutil.rrule import WEEKLY, rrule
from icalendar import Calendar

from kalends.model.schedule import Schedule
from kalends.model.time import Window
from kalends.sandbox.google.bearer import User as GoogleUser
from kalends.sandbox.google.oauth_model import Consent as GoogleConsent
from kalends.sandbox.microsoft.bearer import User as MicrosoftUser
from kalends.sandbox.microsoft.oauth_model import Consent as MicrosoftConsent
from tests.faults.proxy import FaultProxy
from tests.google.stage import Stage as GoogleStage
from tests.microsoft.stage import Stage as MicrosoftStage
from tests.providers.contract import CountingClient
from tests.providers.test_caldav_export import CalDavExportWorld
from tests.servers import CalDavServer
from tests.world import World

Seen = tuple[str, datetime | date, datetime | date]
"""Title, start and end (exclusive) of one occurrence, as UTC, or as dates where it is all-day."""
REDIRECT = "http://127.0.0.1/"
TIME = "%Y-%m-%dT%H:%M:%SZ"


class Owner(ABC):
    """Somebody with an account at a provider. `own` is what they have put there themselves, by title."""

    has_primary: bool
    name: str

    def __init__(self) -> None:
        self.own: dict[str, Seen] = {}
        self.before: frozenset[str] = frozenset()
        """The calendars that were there before anybody connected."""
        self.own_calendar = ""

    @abstractmethod
    async def connect(self, world: World, schedule: Schedule) -> str:
        """Connect the account to a schedule; return the connection's id."""

    @abstractmethod
    async def calendars(self, window: Window) -> Mapping[str, Sequence[Seen]]:
        """Return id of a calendar → what begins in a window."""

    async def begin(self, window: Window) -> None:
        """Take note of what is there."""
        self.before = frozenset(await self.calendars(window))

    async def put(self, title: str, start: datetime, end: datetime) -> None:
        """Make an event of their own, or give it other times."""
        if title in self.own:
            await self._move(title, start, end)
        else:
            await self._make(title, start, end)
        self.own[title] = (title, start, end)

    async def remove(self, title: str) -> None:
        """Delete an event of their own."""
        await self._delete(title)
        del self.own[title]

    @abstractmethod
    async def _make(self, title: str, start: datetime, end: datetime) -> None: ...

    @abstractmethod
    async def _move(self, title: str, start: datetime, end: datetime) -> None: ...

    @abstractmethod
    async def _delete(self, title: str) -> None: ...


class CalDavOwner(Owner):
    """A login of a real CalDAV server, which Kalends reaches through a proxy."""

    has_primary = False

    def __init__(self, server: CalDavServer, proxy: FaultProxy) -> None:
        super().__init__()
        self._there = CalDavExportWorld(server)
        self._proxy = proxy
        self._server = server
        self.name = self._there.login.email
        self.own_calendar = f"{self._there.login.home}own/"
        server.make_calendar(self.own_calendar)

    async def connect(self, world: World, schedule: Schedule) -> str:
        provider = await world.install(self._proxy.url)
        login = self._there.login
        view = await world.kalends.connecting.by_credentials(
            world.admin,
            provider_id=provider.id,
            schedule_id=schedule.id,
            email=login.email,
            password=login.password,
        )
        return view.connection.id

    async def calendars(self, window: Window) -> Mapping[str, Sequence[Seen]]:
        async with self._there.session() as session:
            listed = [one.id for one in await session.list_calendars()]
        return {one: await asyncio.to_thread(self._in, one, window) for one in listed}

    def _in(self, path: str, window: Window) -> list[Seen]:
        texts = (self._server.get(href) for href in self._there.members(path))
        return list(chain.from_iterable(_occurrences(text, window) for text in texts))

    @property
    def client(self) -> CountingClient:
        """By which it is listed which calendars there are; to be closed in the end."""
        return self._there.client

    async def _make(self, title: str, start: datetime, end: datetime) -> None:
        text = (
            "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//another client//EN\nBEGIN:VEVENT\n"
            f"UID:{title}\nDTSTAMP:20261101T000000Z\nSUMMARY:{title}\nDTSTART:{start:%Y%m%dT%H%M%SZ}\n"
            f"DTEND:{end:%Y%m%dT%H%M%SZ}\nEND:VEVENT\nEND:VCALENDAR\n"
        )
        await asyncio.to_thread(self._server.put, f"{self.own_calendar}{title}.ics", text)

    _move = _make

    async def _delete(self, title: str) -> None:
        await asyncio.to_thread(self._server.delete, f"{self.own_calendar}{title}.ics")


class GoogleOwner(Owner):
    """An account at a sandbox of Google."""

    has_primary = True

    def __init__(self, stage: GoogleStage, user: GoogleUser) -> None:
        super().__init__()
        self._stage, self._user = stage, user
        self._program = stage.grants.add_client("Somebody's own program")
        self._path = f"/users/{user.email}/calendars/primary/events"
        self._ids: dict[str, str] = {}
        self.name = self.own_calendar = user.email

    async def connect(self, world: World, schedule: Schedule) -> str:
        stage = replace(self._stage, world=replace(world, schedule=schedule), somebody=self._user)
        return (await stage.told())["connectionId"]

    async def calendars(self, window: Window) -> Mapping[str, Sequence[Seen]]:
        between = {"timeMin": f"{window.start:{TIME}}", "timeMax": f"{window.end:{TIME}}"}
        found = {}
        for one in (await self._ask("/users/me/calendarList"))["items"]:
            more = {**between, "singleEvents": "true", "maxResults": "2500"}
            listed = await self._ask(f"/calendars/{one['id']}/events", more)
            assert "nextPageToken" not in listed
            seen = [(event["summary"], _moment(event["start"]), _moment(event["end"])) for event in listed["items"]]
            found[one["id"]] = inside(seen, window)
        return found

    async def _make(self, title: str, start: datetime, end: datetime) -> None:
        body = {"summary": title, **_google_times(start, end)}
        self._ids[title] = (await self._stage.press(self._path, body))["id"]

    async def _move(self, title: str, start: datetime, end: datetime) -> None:
        await self._stage.press(f"{self._path}/{self._ids[title]}", _google_times(start, end), "PATCH")

    async def _delete(self, title: str) -> None:
        await self._stage.press(f"{self._path}/{self._ids.pop(title)}", verb="DELETE")

    async def _ask(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        scopes, grants = frozenset({"https://www.googleapis.com/auth/calendar"}), self._stage.grants
        code = grants.consent(GoogleConsent(self._program, self._user, scopes, scopes, REDIRECT))
        token = grants.redeem(self._program, code.value, redirect_uri=REDIRECT, verifier=None).access_token.value
        url = f"{self._stage.url}/calendar/v3{path}"
        return await _asked(self._stage.there, url, {"Authorization": f"Bearer {token}"}, params)


class MicrosoftOwner(Owner):
    """An account at a sandbox of Microsoft."""

    has_primary = True

    def __init__(self, stage: MicrosoftStage, user: MicrosoftUser) -> None:
        super().__init__()
        self._stage, self._user = stage, user
        self._program = stage.grants.add_client("Somebody's own program")
        self._ids: dict[str, str] = {}
        self.name = user.email

    async def begin(self, window: Window) -> None:
        await super().begin(window)
        listed = (await self._ask("/me/calendars"))["value"]
        (self.own_calendar,) = [one["id"] for one in listed if one["isDefaultCalendar"]]

    async def connect(self, world: World, schedule: Schedule) -> str:
        stage = replace(self._stage, world=replace(world, schedule=schedule), somebody=self._user)
        return (await stage.told())["connectionId"]

    async def calendars(self, window: Window) -> Mapping[str, Sequence[Seen]]:
        between = {"startDateTime": f"{window.start:{TIME}}", "endDateTime": f"{window.end:{TIME}}", "$top": "1000"}
        found = {}
        for one in (await self._ask("/me/calendars"))["value"]:
            page = await self._ask(f"/me/calendars/{one['id']}/calendarView", between)
            assert "@odata.nextLink" not in page
            seen = [(event["subject"], _at(event, "start"), _at(event, "end")) for event in page["value"]]
            found[one["id"]] = inside(seen, window)
        return found

    async def _make(self, title: str, start: datetime, end: datetime) -> None:
        texts = [f"{at:%Y-%m-%dT%H:%M:%S}" for at in (start, end)]
        self._ids[title] = await self._stage.put(title, *texts, account=self._user)

    async def _move(self, title: str, start: datetime, end: datetime) -> None:
        times = {
            name: {"dateTime": f"{at:%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"}
            for name, at in (("start", start), ("end", end))
        }
        await self._stage.change(self._ids[title], self._user, **times)

    async def _delete(self, title: str) -> None:
        await self._stage.delete(self._ids.pop(title), self._user)

    async def _ask(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        grants = self._stage.grants
        code = grants.consent(MicrosoftConsent(self._program, self._user, ("Calendars.ReadWrite",), REDIRECT, "common"))
        token = grants.redeem(self._program, code.value, redirect_uri=REDIRECT, verifier=None).access_token.value
        headers = {"Authorization": f"Bearer {token}", "Prefer": 'outlook.timezone="UTC"'}
        return await _asked(self._stage.there, f"{self._stage.url}/v1.0{path}", headers, params)


async def _asked(
    client: httpx2.AsyncClient, url: str, headers: Mapping[str, str], params: Mapping[str, str] | None
) -> Any:
    answer = await client.get(url, headers=dict(headers), params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def inside(seen: Sequence[Seen], window: Window) -> list[Seen]:
    """Return what begins in a window; a day by its date in UTC."""
    return [one for one in seen if window.start <= _begins(one[1]) < window.end]


def together(calendars: Mapping[str, Sequence[Seen]]) -> Counter[Seen]:
    """Return what is in all calendars."""
    return Counter(chain.from_iterable(calendars.values()))


def _begins(at: datetime | date) -> datetime:
    return at if isinstance(at, datetime) else datetime(at.year, at.month, at.day, tzinfo=UTC)


def _occurrences(text: str, window: Window) -> list[Seen]:
    """Expand a resource, whose rule, if any, is a weekly one."""
    parts: list[Any] = Calendar.from_ical(text).walk("VEVENT")
    (master,) = [one for one in parts if "RECURRENCE-ID" not in one]
    instead = {_utc(one["RECURRENCE-ID"].dt): one for one in parts if one is not master}
    cancelled = {_utc(one) for one in master.exdates}
    starts = {_utc(start) for start in _starts(master, window.end)}
    # what lies behind the window is not made
    nothing = {one for one in {*instead, *cancelled} - starts if _begins(one) < window.end}
    assert not nothing, "an exception to nothing"
    length = _utc(master["DTEND"].dt) - _utc(master["DTSTART"].dt)
    seen: list[Seen] = [(str(master["SUMMARY"]), at, at + length) for at in starts - cancelled - instead.keys()]
    seen += [(str(one["SUMMARY"]), _utc(one["DTSTART"].dt), _utc(one["DTEND"].dt)) for one in instead.values()]
    return inside(seen, window)


def _starts(master: Any, end: datetime) -> list[datetime | date]:
    start, rule = master["DTSTART"].dt, master.get("RRULE")
    if rule is None:
        return [start]
    assert rule["FREQ"] == ["WEEKLY"]
    assert rule.keys() <= {"FREQ", "INTERVAL", "UNTIL"}
    timed = isinstance(start, datetime)
    until = rule.get("UNTIL", [end])[0]
    if isinstance(until, datetime):
        until = until.astimezone(start.tzinfo if timed else UTC).replace(tzinfo=None)
    naive = start.replace(tzinfo=None) if timed else datetime(start.year, start.month, start.day)  # noqa: DTZ001 - a date
    walls = rrule(WEEKLY, interval=rule.get("INTERVAL", [1])[0], dtstart=naive, until=until)
    return [one.replace(tzinfo=start.tzinfo) if timed else one.date() for one in walls]


def _utc(at: Any) -> Any:
    return at.astimezone(UTC) if isinstance(at, datetime) else at


def _google_times(start: datetime, end: datetime) -> dict[str, Any]:
    return {name: {"dateTime": f"{at:{TIME}}"} for name, at in (("start", start), ("end", end))}


def _moment(said: Mapping[str, str]) -> datetime | date:
    if "date" in said:
        return date.fromisoformat(said["date"])
    return datetime.fromisoformat(said["dateTime"]).astimezone(UTC)


def _at(event: Mapping[str, Any], name: str) -> datetime | date:
    at = datetime.fromisoformat(event[name]["dateTime"][:19]).replace(tzinfo=UTC)
    return at.date() if event["isAllDay"] else at
