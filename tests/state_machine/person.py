"""Somebody with calendars at a provider: what they hold, what they have held, and what of it blocks them.

All of it is changed by the switches of the sandbox that stands in for the provider, as people would in their calendar.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Protocol
from urllib.parse import quote
from zoneinfo import ZoneInfo

from tests.export.accounts import Account
from tests.state_machine.remote import DAY, HOUR, SERIES, Block
from tests.world import World

DAYS = 20
ZONE = ZoneInfo("Europe/Berlin")
"""The schedule's, which places all-day events."""
PRIMARY, TEAM = "primary", "team"
Place = tuple[str, str]
"""A calendar, and the name of an event in it."""
Body = dict[str, Any]


class Stage(Protocol):
    """A Kalends and the provider that stands in, both whole."""

    world: World
    client_id: str

    async def press(self, path: str, body: Any = None, verb: str = "POST") -> Any:
        """Press a switch of the sandbox."""
        ...

    async def told(self, **consent: Any) -> dict[str, str]:
        """Have somebody go the whole way to a connection; return what the site is told."""
        ...


class Sort(StrEnum):
    """The events that people make."""

    SINGLE = "single"
    ALL_DAY = "all-day"
    SERIES = "series"
    OVERRIDDEN = "overridden"
    """A series of which one instance is cancelled and one is moved."""
    FREE = "free"
    DECLINED = "declined"
    """It is free in the primary calendar alone: what somebody answers counts for their own copy."""


@dataclass(frozen=True, slots=True)
class Spell:
    """What is held at a place for a time. A `sort` of None: nothing is."""

    sort: Sort | None = None
    title: str = ""
    day: date = date.min
    hour: int = 9
    """In UTC; it lasts one."""
    event_id: str = ""

    def blocks(self) -> Iterator[Block]:
        """Yield what the event blocks."""
        nine = datetime.combine(self.day, time(self.hour), UTC)
        match self.sort:
            case None | Sort.FREE | Sort.DECLINED:
                return
            case Sort.ALL_DAY:
                midnight = datetime.combine(self.day, time(), ZONE)
                yield self.title, midnight, datetime.combine(self.day + DAY, time(), ZONE)
            case Sort.SERIES:
                for number in range(SERIES):
                    yield self.title, nine + number * DAY, nine + number * DAY + HOUR
            case Sort.OVERRIDDEN:
                yield self.title, nine, nine + HOUR
                moved = nine + 2 * DAY + 4 * HOUR
                yield f"{self.title} moved", moved, moved + HOUR
            case _:
                yield self.title, nine, nine + HOUR


NOTHING = Spell()
PLAIN = frozenset({Sort.SINGLE, Sort.ALL_DAY, Sort.SERIES})
"""What can be given another title or day as a whole."""


@dataclass
class Person(ABC):
    """An account of its own for each history, so that none finds what another has left.

    `account` is what the sandbox knows the person as, and `TITLE` how the provider calls the title of an event.
    """

    TITLE: ClassVar[str]

    stage: Stage
    account: Any
    email: str
    first_day: date
    held: dict[Place, Spell] = field(default_factory=dict)
    since: dict[Place, list[Spell]] = field(default_factory=dict)
    """Place → what was held there since it was last read, and what was read, for what has changed since."""
    calendars: dict[str, str] = field(default_factory=dict)
    """Name → id of the calendars that there are. One that is made anew has a name that none had before."""
    _tick: int = 0
    _teams: int = 0

    # What is different from provider to provider

    @abstractmethod
    def times(self, spell: Spell) -> Body:
        """Return where an event is, as the provider takes it."""

    @abstractmethod
    def body(self, spell: Spell) -> Body:
        """Return what else makes an event what it is, but for its title."""

    @abstractmethod
    def instance(self, spell: Spell, number: int) -> str:
        """Return the id of an instance of a series, from 0."""

    @abstractmethod
    def team(self, number: int) -> Body:
        """Return a new calendar as the provider takes it."""

    @abstractmethod
    async def expire_cursors(self, calendar: str) -> None:
        """Have the provider forget what it told of a calendar."""

    @abstractmethod
    async def set_pages(self, calendar: str, size: int, empty: int = 0) -> None:
        """Have listings of a calendar come in pages of so many events, some empty ones before them."""

    @abstractmethod
    async def calm(self) -> None:
        """Have the provider answer as it usually does."""

    @abstractmethod
    def owner(self) -> Account:
        """Return the account as its owner sees it, by another way than Kalends."""

    def lasting_id(self, event_id: str) -> str:
        """Return the id that an event keeps, given the one with which it was made."""
        return event_id

    async def withdraw(self) -> None:
        """Take the consent back."""
        await self.stage.press("/oauth/withdraw", {"user": self.email, "client_id": self.stage.client_id})

    # What people do

    def named(self, calendar: str) -> str | None:
        """Return the name of the primary calendar, or of the one that is beside it now."""
        name = f"{TEAM}{self._teams}" if calendar == TEAM else calendar
        return name if name in self.calendars else None

    def path(self, calendar: str) -> str:
        """Return where the switches of a calendar are."""
        return f"/users/{self.email}/calendars/{quote(self.calendars[calendar], safe='')}"

    async def put(self, calendar: str, name: str, sort: Sort) -> None:
        """Make an event, in place of the one of that name: what it says tells it from all others."""
        await self.delete(calendar, name)
        if calendar != PRIMARY and sort is Sort.DECLINED:
            sort = Sort.FREE
        made = self._next(calendar, name, sort)
        given = {self.TITLE: made.title, **self.times(made), **self.body(made)}
        said = await self.stage.press(f"{self.path(calendar)}/events", given)
        made = replace(made, event_id=self.lasting_id(said["id"]))
        if sort is Sort.OVERRIDDEN:
            await self._delete(calendar, self.instance(made, 1))
            later = replace(made, sort=Sort.SINGLE, day=made.day + 2 * DAY, hour=made.hour + 4)
            moved = {self.TITLE: f"{made.title} moved", **self.times(later)}
            await self._change(calendar, self.instance(made, 2), moved)
        self._hold(calendar, name, made)

    async def rename(self, calendar: str, name: str) -> None:
        """Give an event of a plain sort another title; where there is none, make one."""
        now = self.held.get((calendar, name), NOTHING)
        if now.sort not in PLAIN:
            await self.put(calendar, name, Sort.SINGLE)
            return
        made = replace(now, title=self._next(calendar, name, now.sort).title)
        await self._change(calendar, now.event_id, {self.TITLE: made.title})
        self._hold(calendar, name, made)

    async def move(self, calendar: str, name: str) -> None:
        """Move an event of a plain sort to another day; where there is none, make one."""
        now = self.held.get((calendar, name), NOTHING)
        if now.sort not in PLAIN:
            await self.put(calendar, name, Sort.SERIES)
            return
        made = replace(now, day=self._next(calendar, name, now.sort).day)
        await self._change(calendar, now.event_id, self.times(made))
        self._hold(calendar, name, made)

    async def delete(self, calendar: str, name: str) -> None:
        """Delete an event, if there is one."""
        now = self.held.get((calendar, name), NOTHING)
        if now.sort is not None:
            await self._delete(calendar, now.event_id)
            self._hold(calendar, name, NOTHING)

    async def bring_or_remove_team(self) -> None:
        """Make the calendar beside the primary one, or delete it with all that it holds."""
        team = self.named(TEAM)
        if team is None:
            self._teams += 1
            said = await self.stage.press(f"/users/{self.email}/calendars", self.team(self._teams))
            self.calendars[f"{TEAM}{self._teams}"] = said["id"]
            return
        await self.stage.press(self.path(team), verb="DELETE")
        for calendar, name in list(self.held):
            if calendar == team:
                self._hold(calendar, name, NOTHING)
        del self.calendars[team]

    def _next(self, calendar: str, name: str, sort: Sort) -> Spell:
        self._tick += 1
        title, day = f"{calendar}/{name} of {self._tick}", self.first_day + timedelta(self._tick * 7 % DAYS)
        return Spell(sort, title, day)

    async def _change(self, calendar: str, event_id: str, body: Mapping[str, Any]) -> None:
        await self.stage.press(f"{self.path(calendar)}/events/{quote(event_id, safe='')}", body, "PATCH")

    async def _delete(self, calendar: str, event_id: str) -> None:
        await self.stage.press(f"{self.path(calendar)}/events/{quote(event_id, safe='')}", verb="DELETE")

    def _hold(self, calendar: str, name: str, spell: Spell) -> None:
        place = calendar, name
        self.since.setdefault(place, [self.held.get(place, NOTHING)]).append(spell)
        self.held[place] = spell
