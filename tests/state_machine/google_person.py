"""Somebody with calendars at Google: what they hold, what they have held, and what of it blocks them.

All of it is changed by the sandbox's switches, as people would in their calendar.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from kalends.sandbox.google.bearer import User
from tests.google.stage import Stage
from tests.state_machine.remote import DAY, HOUR, SERIES, Block

DAYS = 20
ZONE = ZoneInfo("Europe/Berlin")
"""The schedule's, which places all-day events."""
PRIMARY, TEAM = "primary", "team"
Place = tuple[str, str]
"""A calendar, and the name of an event in it."""


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
    event_id: str = ""

    def blocks(self) -> Iterator[Block]:
        """Yield what the event blocks."""
        nine = datetime.combine(self.day, time(9), ZoneInfo("UTC"))
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

    def body(self, email: str) -> dict[str, Any]:
        """Return the event as `events.insert` takes it."""
        if self.sort is Sort.ALL_DAY:
            times = {"start": {"date": f"{self.day}"}, "end": {"date": f"{self.day + DAY}"}}
        else:
            times = {
                name: {"dateTime": f"{self.day}T{hour}:00:00Z", "timeZone": "UTC"}
                for name, hour in (("start", "09"), ("end", "10"))
            }
        more: dict[Sort, dict[str, Any]] = {
            Sort.ALL_DAY: {"transparency": "opaque"},
            Sort.FREE: {"transparency": "transparent"},
            Sort.DECLINED: {"attendees": [{"email": email, "responseStatus": "declined"}]},
        }
        repeated = {"recurrence": [f"RRULE:FREQ=DAILY;COUNT={SERIES}"]}
        series = self.sort in {Sort.SERIES, Sort.OVERRIDDEN}
        given = more.get(self.sort, {}) if self.sort else {}
        return {"summary": self.title, **times, **given, **(repeated if series else {})}

    def instance(self, number: int) -> str:
        """Return the id of an instance of the series, from 0."""
        return f"{self.event_id}_{self.day + number * DAY:%Y%m%d}T090000Z"


NOTHING = Spell()


@dataclass
class Person:
    """An account of its own for each history, so that none finds what another has left."""

    stage: Stage
    user: User
    first_day: date
    held: dict[Place, Spell] = field(default_factory=dict)
    since: dict[Place, list[Spell]] = field(default_factory=dict)
    """Place → what was held there since it was last read, and what was read, for what has changed since."""
    calendars: dict[str, str] = field(default_factory=dict)
    """Name → id of the calendars that there are. One that is made anew has a name that none had before."""
    _tick: int = 0
    _teams: int = 0

    def __post_init__(self) -> None:
        self.calendars[PRIMARY] = self.user.email

    def named(self, calendar: str) -> str | None:
        """Return the name of the primary calendar, or of the one that is beside it now."""
        name = f"{TEAM}{self._teams}" if calendar == TEAM else calendar
        return name if name in self.calendars else None

    def path(self, calendar: str) -> str:
        """Return where the switches of a calendar are."""
        return f"/users/{self.user.email}/calendars/{quote(self.calendars[calendar])}"

    async def put(self, calendar: str, name: str, sort: Sort) -> None:
        """Make an event, in place of the one of that name: what it says tells it from all others."""
        await self.delete(calendar, name)
        if calendar != PRIMARY and sort is Sort.DECLINED:
            sort = Sort.FREE
        self._tick += 1
        made = Spell(sort, f"{calendar}/{name} of {self._tick}", self.first_day + timedelta(self._tick * 7 % DAYS))
        said = await self.stage.press(f"{self.path(calendar)}/events", made.body(self.user.email))
        made = Spell(made.sort, made.title, made.day, said["id"])
        if sort is Sort.OVERRIDDEN:
            await self._delete(calendar, made.instance(1))
            day = made.day + 2 * DAY
            moved = {"start": {"dateTime": f"{day}T13:00:00Z"}, "end": {"dateTime": f"{day}T14:00:00Z"}}
            await self._change(calendar, made.instance(2), {"summary": f"{made.title} moved", **moved})
        self._hold(calendar, name, made)

    async def rename(self, calendar: str, name: str) -> None:
        """Give an event of a plain sort another title; where there is none, make one."""
        now = self.held.get((calendar, name), NOTHING)
        if now.sort not in {Sort.SINGLE, Sort.ALL_DAY}:
            await self.put(calendar, name, Sort.SINGLE)
            return
        self._tick += 1
        made = Spell(now.sort, f"{calendar}/{name} of {self._tick}", now.day, now.event_id)
        await self._change(calendar, now.event_id, {"summary": made.title})
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
            said = await self.stage.press(f"/users/{self.user.email}/calendars", {"summary": "Team"})
            self.calendars[f"{TEAM}{self._teams}"] = said["id"]
            return
        await self.stage.press(self.path(team), verb="DELETE")
        for calendar, name in list(self.held):
            if calendar == team:
                self._hold(calendar, name, NOTHING)
        del self.calendars[team]

    async def _change(self, calendar: str, event_id: str, body: dict[str, Any]) -> None:
        await self.stage.press(f"{self.path(calendar)}/events/{event_id}", body, "PATCH")

    async def _delete(self, calendar: str, event_id: str) -> None:
        await self.stage.press(f"{self.path(calendar)}/events/{event_id}", verb="DELETE")

    def _hold(self, calendar: str, name: str, spell: Spell) -> None:
        place = calendar, name
        self.since.setdefault(place, [self.held.get(place, NOTHING)]).append(spell)
        self.held[place] = spell
