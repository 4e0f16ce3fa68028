"""An account in memory that copies go to and that does what the test says; above the port all is the product's own."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from icalendar import Calendar

from kalends.model.calendar import ExternalCalendar, Page
from kalends.model.connection import Connection
from kalends.model.copy import WantedCopy
from kalends.model.provider import ExportFeature, Features
from kalends.net.client import GuardedClient
from kalends.providers.base import AccountSession, CredentialKeeper
from kalends.providers.caldav import CALDAV
from kalends.providers.caldav.rendering import resource
from kalends.providers.errors import CalendarGone
from kalends.providers.export import CopyChanged, CopyGone, CopyThere, KeyUsedUp, StoredCopy
from tests.export.accounts import Account
from tests.providers.export_contract import Seen, in_order
from tests.scripted_provider import GUID, RemoteCalendar, ScriptedKind
from tests.world import World, ics, settings_for, world_on

EMAIL = "ada@example.org"
Trouble = Callable[[str, str], None]
"""Called with what is asked for, such as `create`, and the title or id of what it is about; raises to interrupt."""


def nothing(_asked: str, _about: str) -> None:
    """Let everything pass."""


@dataclass
class ExportingKind(ScriptedKind):
    """The plugin, and what goes wrong `before` something is done, or `after` it, when nobody hears of it."""

    before: Trouble = nothing
    after: Trouble = nothing
    can_move: bool = False
    lists_nothing: bool = False
    """Whether readings find nothing, although what is asked for by its id is there."""
    buries: bool = False
    """Whether the key of a copy that was deleted is not taken again."""
    during: tuple[str, Callable[[], Awaitable[None]]] | None = None
    """An operation, and what others do once while it is done."""
    asked: list[str] = field(default_factory=list)
    """What was written, each as what was asked for and its title."""
    markers: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    trash: set[tuple[str, str]] = field(default_factory=set)

    def features(self, config: Mapping[str, str]) -> Features:
        return replace(super().features(config), sync_to_calendar=ExportFeature.DEDICATED_CALENDAR)

    def tag_of(self, payload: bytes) -> str | None:
        """Copies look as on a CalDAV server."""
        return CALDAV.tag_of(payload)

    async def others(self, asked: str) -> None:
        """Have others do what they do during this."""
        if self.during is not None and self.during[0] == asked:
            (_, act), self.during = self.during, None
            await act()

    @asynccontextmanager
    async def session(
        self,
        client: GuardedClient,
        config: Mapping[str, str],
        credentials: Mapping[str, Any],
        known_quirks: Collection[str] = frozenset(),
        keeper: CredentialKeeper | None = None,
    ) -> AsyncIterator[AccountSession]:
        async with super().session(client, config, credentials, known_quirks, keeper) as reading:
            yield MovingSession(self, reading) if self.can_move else ExportingSession(self, reading)


class ExportingSession:
    """Reads as the scripted session does, and writes."""

    def __init__(self, script: ExportingKind, reading: AccountSession) -> None:
        self._script = script
        self._reading = reading

    @property
    def quirks(self) -> frozenset[str]:
        return self._reading.quirks

    async def list_calendars(self) -> Sequence[ExternalCalendar]:
        names = self._script.names
        return [replace(one, name=names.get(one.id, one.name)) for one in await self._reading.list_calendars()]

    async def read(self, calendar: ExternalCalendar, **asked: Any) -> AsyncGenerator[Page]:
        self._script.before("read", calendar.id)
        if self._script.lists_nothing:
            yield Page(cursor="0")
            return
        async for page in self._reading.read(calendar, **asked):
            yield page

    async def create_calendar(self, name: str, marker: str) -> ExternalCalendar:
        script = self._script
        script.before("create_calendar", name)
        if script.markers.get(marker) not in script.calendars:
            script.markers[marker] = made = f"made-{len(script.names)}"
            script.calendars[made], script.names[made] = RemoteCalendar(), name
            script.asked.append(f"create_calendar {name}")
        script.after("create_calendar", name)
        return ExternalCalendar(script.markers[marker], name)

    async def find_calendar(self, marker: str) -> ExternalCalendar | None:
        found = self._script.markers.get(marker)
        return ExternalCalendar(found, "") if found in self._script.calendars and found is not None else None

    async def is_empty(self, calendar_id: str) -> bool:
        return not self._in(calendar_id).events

    async def delete_calendar(self, calendar_id: str) -> None:
        self._script.before("delete_calendar", calendar_id)
        self._script.calendars.pop(calendar_id, None)
        self._script.asked.append("delete_calendar")
        self._script.after("delete_calendar", calendar_id)

    async def look_up(self, calendar_id: str, key: str) -> StoredCopy | None:
        self._script.before("look_up", key)
        if (calendar_id, key) in self._script.trash and self._script.buries:
            raise KeyUsedUp(key)
        return self._stored(calendar_id, _ref(key)) if _ref(key) in self._in(calendar_id).events else None

    async def create(self, calendar_id: str, wanted: WantedCopy) -> StoredCopy:
        title, ref = wanted.text.title, _ref(wanted.key)
        self._script.before("create", title)
        await self._script.others("create")
        if ref in self._in(calendar_id).events:
            raise CopyThere(ref)
        if (calendar_id, wanted.key) in self._script.trash and self._script.buries:
            raise KeyUsedUp(ref)
        return self._put("create", calendar_id, ref, wanted)

    async def update(self, calendar_id: str, wanted: WantedCopy, stored: StoredCopy) -> StoredCopy:
        self._script.before("update", wanted.text.title)
        await self._script.others("update")
        if stored.ref not in self._in(calendar_id).events:
            raise CopyGone(stored.ref)
        if stored.version not in {"", self._in(calendar_id).events[stored.ref][0]}:
            raise CopyChanged(stored.ref)
        return self._put("update", calendar_id, stored.ref, wanted)

    async def delete(self, calendar_id: str, ref: str) -> None:
        self._script.before("delete", ref)
        calendar = self._in(calendar_id)
        if ref in calendar.events:
            self._script.asked.append(f"delete {_title(calendar.events[ref][1])}")
            calendar.delete(ref)
            self._script.trash.add((calendar_id, ref.removesuffix(".ics")))
        self._script.after("delete", ref)

    def _in(self, calendar_id: str) -> RemoteCalendar:
        if calendar_id not in self._script.calendars:
            raise CalendarGone(calendar_id)
        return self._script.calendars[calendar_id]

    def _put(self, asked: str, calendar_id: str, ref: str, wanted: WantedCopy) -> StoredCopy:
        self._in(calendar_id).put(ref, resource(wanted).decode())
        self._script.asked.append(f"{asked} {wanted.text.title}")
        self._script.after(asked, wanted.text.title)
        return self._stored(calendar_id, ref)

    def _stored(self, calendar_id: str, ref: str) -> StoredCopy:
        version, text = self._in(calendar_id).events[ref]
        return StoredCopy(ref, version, sha256(text.encode()).hexdigest())


class MovingSession(ExportingSession):
    """One that can move copies too."""

    async def move(self, calendar_id: str, stored: StoredCopy, target_id: str) -> StoredCopy:
        script = self._script
        script.before("move", stored.ref)
        if stored.ref in self._in(target_id).events:
            raise CopyThere(stored.ref)
        if stored.ref not in self._in(calendar_id).events:
            raise CopyGone(stored.ref)
        _, text = self._in(calendar_id).events[stored.ref]
        self._in(calendar_id).delete(stored.ref)
        self._in(target_id).put(stored.ref, text)
        script.asked.append(f"move {_title(text)}")
        script.after("move", stored.ref)
        return self._stored(target_id, stored.ref)


def _ref(key: str) -> str:
    return f"{key}.ics"


def _title(text: str) -> str:
    calendar: Any = Calendar.from_ical(text)
    return str(calendar.walk("VEVENT")[0]["SUMMARY"])


class ScriptedAccount(Account):
    """An account of that plugin; its own calendar is `c`, and primary."""

    has_primary = True

    def __init__(self, world: World, kind: ExportingKind) -> None:
        self.world = world
        self.kind = kind
        self._told = 0

    async def connect(self, *, sync: bool = True, email: str = EMAIL) -> Connection:
        connecting = self.world.kalends.connecting
        view = await connecting.by_credentials(
            self.world.admin,
            provider_id=GUID,
            schedule_id=self.world.schedule.id,
            email=email,
            password=self.kind.password,
        )
        if sync:
            await self.world.sync(view.connection)
        return await self.world.connection(view.connection.id)

    async def calendars(self) -> Mapping[str, Sequence[Seen]]:
        return {
            self.kind.names.get(name, name): in_order(_seen(text) for _, text in calendar.events.values())
            for name, calendar in self.kind.calendars.items()
        }

    async def put(self, title: str, start: datetime, end: datetime, *, calendar: str = "c") -> None:
        text = ics(title, title, f"{start:%Y%m%dT%H%M%SZ}", end=f"{end:%Y%m%dT%H%M%SZ}")
        self.kind.calendars[calendar].put(f"{title}.ics", text)

    async def put_into(self, calendar: str, title: str, start: datetime, end: datetime) -> None:
        (found,) = [one for one, its in self.kind.names.items() if its == calendar]
        await self.put(title, start, end, calendar=found)

    async def move(self, title: str, start: datetime, end: datetime) -> None:
        calendar, ref = self.find(title)
        parsed: Any = Calendar.from_ical(calendar.events[ref][1])
        for event in parsed.walk("VEVENT"):
            for name, at in (("DTSTART", start), ("DTEND", end)):
                event[name].dt = at
                event[name].params.clear()
        calendar.put(ref, parsed.to_ical().decode())

    async def remove(self, title: str) -> None:
        calendar, ref = self.find(title)
        calendar.delete(ref)

    async def delete_calendar(self, name: str) -> None:
        (found,) = [one for one, its in self.kind.names.items() if its == name and one in self.kind.calendars]
        del self.kind.calendars[found]

    async def written(self) -> list[str]:
        since, self._told = self.kind.asked[self._told :], len(self.kind.asked)
        return since

    def find(self, title: str) -> tuple[RemoteCalendar, str]:
        """Return the calendar that the event of this title is in, and its key."""
        for calendar in self.kind.calendars.values():
            for ref, (_, text) in calendar.events.items():
                if _title(text) == title:
                    return calendar, ref
        raise LookupError(title)


def _seen(text: str) -> Seen:
    """Return how the first event of a resource is seen."""
    calendar: Any = Calendar.from_ical(text)
    event = calendar.walk("VEVENT")[0]
    return str(event["SUMMARY"]), _at(event["DTSTART"].dt), _at(event["DTEND"].dt)


def _at(moment: datetime | date) -> datetime | date:
    return moment.astimezone(UTC) if isinstance(moment, datetime) else moment


@asynccontextmanager
async def scripted_account(
    database_url: str, folder: Path, kind: ExportingKind | None = None, **settings: Any
) -> AsyncIterator[ScriptedAccount]:
    """Give an account in memory, and a world beside it."""
    kind = kind or ExportingKind(primary="c")
    async with world_on(settings_for(database_url, folder, **settings), kinds={kind.kind: kind}) as world:
        yield ScriptedAccount(world, kind)
