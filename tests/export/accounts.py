"""Accounts that copies go to, each with its owner, who looks at them and works on them by another way than Kalends."""

import secrets
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx2
from icalendar import Calendar

from kalends.model.connection import Connection
from kalends.sandbox.google.bearer import User as GoogleUser
from kalends.sandbox.google.oauth_model import Consent as GoogleConsent
from kalends.sandbox.microsoft.bearer import User as MicrosoftUser
from kalends.sandbox.microsoft.oauth_model import Consent as MicrosoftConsent
from tests.google.stage import ANN as ANN_AT_GOOGLE
from tests.google.stage import Stage as GoogleStage
from tests.google.stage import staged as google_staged
from tests.microsoft.stage import ANN as ANN_AT_MICROSOFT
from tests.microsoft.stage import Stage as MicrosoftStage
from tests.microsoft.stage import staged as microsoft_staged
from tests.providers.export_contract import SINCE, UNTIL, Seen, in_order
from tests.providers.test_caldav_export import CalDavExportWorld
from tests.servers import CalDavServer
from tests.world import World, settings_for, world_on

SPAN = (f"{SINCE:%Y-%m-%dT%H:%M:%SZ}", f"{UNTIL:%Y-%m-%dT%H:%M:%SZ}")
WRITING = {"POST", "PUT", "PATCH", "DELETE", "MKCALENDAR", "PROPPATCH"}
REDIRECT = "http://127.0.0.1/"


class Account(ABC):
    """An account of the person who owns the schedule of `world`."""

    world: World
    has_primary: bool

    @abstractmethod
    async def connect(self, *, sync: bool = True) -> Connection:
        """Connect it, and import once; again, it is reconnected."""

    @abstractmethod
    async def calendars(self) -> Mapping[str, Sequence[Seen]]:
        """Return the names of the account's calendars, and what is in each between `SINCE` and `UNTIL`."""

    @abstractmethod
    async def put(self, title: str, start: datetime, end: datetime) -> None:
        """Make an event in the owner's own calendar."""

    @abstractmethod
    async def put_into(self, calendar: str, title: str, start: datetime, end: datetime) -> None:
        """Make an event of the owner's own in the calendar of this name."""

    @abstractmethod
    async def move(self, title: str, start: datetime, end: datetime) -> None:
        """Give the event of this title, wherever it is, other times."""

    @abstractmethod
    async def remove(self, title: str) -> None:
        """Delete the event of this title, wherever it is; a series whole."""

    @abstractmethod
    async def delete_calendar(self, name: str) -> None:
        """Delete a calendar."""

    @abstractmethod
    async def written(self) -> list[str]:
        """Return what Kalends has written since this was called last, each as its method and path."""

    async def all(self) -> list[Seen]:
        """Return what is in all calendars, in order."""
        return in_order(one for seen in (await self.calendars()).values() for one in seen)


class CalDavAccount(Account):
    """A login of a real CalDAV server."""

    has_primary = False

    def __init__(self, world: World, server: CalDavServer) -> None:
        self.world = world
        self._owner = CalDavExportWorld(server)
        self._own = self._owner.make(f"own{secrets.token_hex(4)}")
        self.client = self._owner.client
        self._told = len(server.requests())

    async def connect(self, *, sync: bool = True) -> Connection:
        return await self.world.connect(self._owner.server, self._owner.login, sync=sync)

    async def calendars(self) -> Mapping[str, Sequence[Seen]]:
        async with self._owner.session() as session:
            listed = await session.list_calendars()
        found = {one.name: await self._owner.seen(one.id) for one in listed}
        self._told = len(self._owner.server.requests())
        return found

    async def paths(self) -> set[str]:
        """Return the paths of all calendars."""
        async with self._owner.session() as session:
            return {one.id for one in await session.list_calendars()}

    async def put(self, title: str, start: datetime, end: datetime) -> None:
        self._put(self._own, title, start, end)

    async def put_into(self, calendar: str, title: str, start: datetime, end: datetime) -> None:
        async with self._owner.session() as session:
            (found,) = [one.id for one in await session.list_calendars() if one.name == calendar]
        self._put(found, title, start, end)

    def _put(self, calendar: str, title: str, start: datetime, end: datetime) -> None:
        text = (
            "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//another client//EN\nBEGIN:VEVENT\n"
            f"UID:{title}\nDTSTAMP:20261101T000000Z\nSUMMARY:{title}\nDTSTART:{start:%Y%m%dT%H%M%SZ}\n"
            f"DTEND:{end:%Y%m%dT%H%M%SZ}\nEND:VEVENT\nEND:VCALENDAR\n"
        )
        self._owner.server.put(f"{calendar}{title}.ics", text)

    async def move(self, title: str, start: datetime, end: datetime) -> None:
        path, calendar = await self._find(title)
        for event in calendar.walk("VEVENT"):
            event["DTSTART"].dt, event["DTEND"].dt = start, end
            event["DTSTART"].params.clear()
            event["DTEND"].params.clear()
        self._owner.server.put(path, calendar.to_ical().decode())

    async def remove(self, title: str) -> None:
        path, _ = await self._find(title)
        self._owner.server.delete(path)

    async def delete_calendar(self, name: str) -> None:
        async with self._owner.session() as session:
            (found,) = [one.id for one in await session.list_calendars() if one.name == name]
        self._owner.server.delete(found)

    async def written(self) -> list[str]:
        asked = self._owner.server.requests()
        since, self._told = asked[self._told :], len(asked)
        return [f"{method} {path}" for method, path in since if method in WRITING]

    async def _find(self, title: str) -> tuple[str, Any]:
        for path in (path for one in await self.paths() for path in self._owner.members(one)):
            calendar: Any = Calendar.from_ical(self._owner.server.get(path))
            if any(str(event["SUMMARY"]) == title for event in calendar.walk("VEVENT")):
                return path, calendar
        raise LookupError(title)


class GoogleAccount(Account):
    """An account at the sandbox of Google: Ann's, unless it is somebody else's."""

    has_primary = True

    def __init__(self, stage: GoogleStage, user: GoogleUser = ANN_AT_GOOGLE) -> None:
        self.world = stage.world
        self._stage = stage
        self._user = user
        self._program = stage.grants.add_client("Somebody's own program")

    async def connect(self, *, sync: bool = True) -> Connection:
        return await self._stage.connect(sync=sync, account=self._user)

    async def calendars(self) -> Mapping[str, Sequence[Seen]]:
        found = {}
        for one in (await self._ask("GET", "/users/me/calendarList"))["items"]:
            path = f"/calendars/{one['id']}/events"
            between = {"timeMin": SPAN[0], "timeMax": SPAN[1], "singleEvents": "true", "maxResults": "2500"}
            items = (await self._ask("GET", path, params=between))["items"]
            found[one["summary"]] = in_order(
                (str(event["summary"]), _at_google(event["start"]), _at_google(event["end"])) for event in items
            )
        return found

    async def put(self, title: str, start: datetime, end: datetime) -> None:
        await self._stage.put(title, f"{start:%Y-%m-%dT%H:%M:%SZ}", f"{end:%Y-%m-%dT%H:%M:%SZ}")

    async def put_into(self, calendar: str, title: str, start: datetime, end: datetime) -> None:
        listed = (await self._ask("GET", "/users/me/calendarList"))["items"]
        (found,) = [one["id"] for one in listed if one["summary"] == calendar]
        times = {name: {"dateTime": at.isoformat()} for name, at in (("start", start), ("end", end))}
        await self._ask("POST", f"/calendars/{found}/events", json={"summary": title, **times})

    async def move(self, title: str, start: datetime, end: datetime) -> None:
        times = {name: {"dateTime": at.isoformat()} for name, at in (("start", start), ("end", end))}
        await self._ask("PATCH", await self._find(title), json=times)

    async def remove(self, title: str) -> None:
        await self._ask("DELETE", await self._find(title))

    async def delete_calendar(self, name: str) -> None:
        listed = (await self._ask("GET", "/users/me/calendarList"))["items"]
        (found,) = [one["id"] for one in listed if one["summary"] == name]
        await self._ask("DELETE", f"/calendars/{found}")

    async def written(self) -> list[str]:
        asked = await self._stage.requests()
        await self._stage.forget_requests()
        return [one for one in asked if one.split()[0] in WRITING and "/calendar/v3/" in one and "/watch" not in one]

    async def _find(self, title: str) -> str:
        for one in (await self._ask("GET", "/users/me/calendarList"))["items"]:
            path = f"/calendars/{one['id']}/events"
            for event in (await self._ask("GET", path))["items"]:
                if event.get("summary") == title:
                    return f"{path}/{event['id']}"
        raise LookupError(title)

    async def _ask(self, method: str, path: str, **more: Any) -> Any:
        url = f"{self._stage.url}/calendar/v3{path}"
        return await _asked(self._stage.there, method, url, self._bearer(), more)

    def _bearer(self) -> Mapping[str, str]:
        """Return a token of today: the clock leaps."""
        scopes, grants = frozenset({"https://www.googleapis.com/auth/calendar"}), self._stage.grants
        code = grants.consent(GoogleConsent(self._program, self._user, scopes, scopes, REDIRECT))
        issued = grants.redeem(self._program, code.value, redirect_uri=REDIRECT, verifier=None)
        return {"Authorization": f"Bearer {issued.access_token.value}"}


class MicrosoftAccount(Account):
    """An account at the sandbox of Microsoft: Ann's, unless it is somebody else's."""

    has_primary = True

    def __init__(self, stage: MicrosoftStage, user: MicrosoftUser = ANN_AT_MICROSOFT) -> None:
        self.world = stage.world
        self._stage = stage
        self._user = user
        self._program = stage.grants.add_client("Somebody's own program")

    async def connect(self, *, sync: bool = True) -> Connection:
        return await self._stage.connect(sync=sync, account=self._user)

    async def calendars(self) -> Mapping[str, Sequence[Seen]]:
        found = {}
        for one in (await self._ask("GET", "/me/calendars"))["value"]:
            between = {"startDateTime": SPAN[0], "endDateTime": SPAN[1], "$top": "1000"}
            path = f"/me/calendars/{one['id']}/calendarView"
            page = await self._ask("GET", path, params=between)
            found[one["name"]] = in_order(
                (str(event["subject"]), _at_microsoft(event, "start"), _at_microsoft(event, "end"))
                for event in page["value"]
            )
        return found

    async def put(self, title: str, start: datetime, end: datetime) -> None:
        await self._stage.put(title, f"{start:%Y-%m-%dT%H:%M:%S}", f"{end:%Y-%m-%dT%H:%M:%S}", account=self._user)

    async def put_into(self, calendar: str, title: str, start: datetime, end: datetime) -> None:
        listed = (await self._ask("GET", "/me/calendars"))["value"]
        (found,) = [one["id"] for one in listed if one["name"] == calendar]
        times = {
            name: {"dateTime": f"{at:%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"}
            for name, at in (("start", start), ("end", end))
        }
        await self._ask("POST", f"/me/calendars/{found}/events", json={"subject": title, **times})

    async def move(self, title: str, start: datetime, end: datetime) -> None:
        times = {
            name: {"dateTime": f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"}
            for name, at in (("start", start), ("end", end))
        }
        await self._ask("PATCH", await self._find(title), json=times)

    async def remove(self, title: str) -> None:
        await self._ask("DELETE", await self._find(title))

    async def delete_calendar(self, name: str) -> None:
        (found,) = [one["id"] for one in (await self._ask("GET", "/me/calendars"))["value"] if one["name"] == name]
        await self._ask("DELETE", f"/me/calendars/{found}")

    async def written(self) -> list[str]:
        asked = await self._stage.requests()
        await self._stage.forget_requests()
        ours = [one for one in asked if one.split()[0] in WRITING and "/v1.0/" in one]
        return [one for one in ours if "/subscriptions" not in one and "/token" not in one]

    async def _find(self, title: str) -> str:
        for one in (await self._ask("GET", "/me/calendars"))["value"]:
            for event in (await self._ask("GET", f"/me/calendars/{one['id']}/events"))["value"]:
                if event["subject"] == title:
                    return f"/me/events/{event['id']}"
        raise LookupError(title)

    async def _ask(self, method: str, path: str, **more: Any) -> Any:
        return await _asked(self._stage.there, method, f"{self._stage.url}/v1.0{path}", self._bearer(), more)

    def _bearer(self) -> Mapping[str, str]:
        """Return a token of today: the clock leaps."""
        grants, scopes = self._stage.grants, ("Calendars.ReadWrite",)
        code = grants.consent(MicrosoftConsent(self._program, self._user, scopes, REDIRECT, "common"))
        issued = grants.redeem(self._program, code.value, redirect_uri=REDIRECT, verifier=None)
        return {"Authorization": f"Bearer {issued.access_token.value}", "Prefer": 'outlook.timezone="UTC"'}


async def _asked(
    client: httpx2.AsyncClient, method: str, url: str, headers: Mapping[str, str], more: Mapping[str, Any]
) -> Any:
    answer = await client.request(method, url, headers=dict(headers), **more)
    assert answer.status_code in range(200, 300), answer.text
    return answer.json() if answer.content else None


def _at_google(moment: Mapping[str, str]) -> datetime | date:
    if "date" in moment:
        return date.fromisoformat(moment["date"])
    return datetime.fromisoformat(moment["dateTime"]).astimezone(UTC)


def _at_microsoft(event: Mapping[str, Any], name: str) -> datetime | date:
    at = datetime.fromisoformat(event[name]["dateTime"][:19]).replace(tzinfo=UTC)
    return at.date() if event["isAllDay"] else at


@asynccontextmanager
async def google_account(database_url: str, folder: Path, **settings: Any) -> AsyncIterator[Account]:
    """Serve a sandbox, and a world beside it."""
    async with google_staged(database_url, folder, **settings) as stage:
        yield GoogleAccount(stage)


@asynccontextmanager
async def microsoft_account(database_url: str, folder: Path, **settings: Any) -> AsyncIterator[Account]:
    """Serve a sandbox, and a world beside it."""
    async with microsoft_staged(database_url, folder, **settings) as stage:
        yield MicrosoftAccount(stage)


@asynccontextmanager
async def caldav_account(
    server: CalDavServer, database_url: str, folder: Path, **settings: Any
) -> AsyncIterator[Account]:
    """Give a login of a server that runs, and a world beside it."""
    async with world_on(settings_for(database_url, folder, **settings)) as world:
        account = CalDavAccount(world, server)
        async with account.client:
            before = await account.paths()
            try:
                yield account
            finally:
                # on a server with one user the next test would find them
                for path in await account.paths() - before:
                    server.delete(path)
    server.forget_calendars()
