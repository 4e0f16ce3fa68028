"""People with calendars on a real server, and their own client, which changes them without passing by any fault."""

import asyncio
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from urllib.parse import urlsplit

from tests.faults.entries import Entry, Taking, made
from tests.servers import CalDavServer, Login

STANDING_SHARE = 0.5


@dataclass
class Calendar:
    """What a calendar of a server holds, by name of the resource. `standing` are those that nobody touches."""

    path: str
    entries: dict[str, Entry] = field(default_factory=dict)
    standing: frozenset[str] = frozenset()

    def takings(self) -> Counter[Taking]:
        """Return the occurrences of its events."""
        return Counter(taking for entry in self.entries.values() for taking in entry.takings)

    def standing_takings(self) -> Counter[Taking]:
        """Return the occurrences of the events that nobody touches."""
        return Counter(taking for name in self.standing for taking in self.entries[name].takings)


@dataclass
class Person:
    """Somebody with an account on a server, and some calendars there."""

    server: CalDavServer
    login: Login
    calendars: list[Calendar]
    today: date
    chance: random.Random
    changes: int = 0

    @classmethod
    def with_calendars(
        cls, server: CalDavServer, names: Mapping[str, int], today: date, chance: random.Random
    ) -> "Person":
        """Make an account with calendars of these names, that hold so many events each."""
        login = server.login()
        person = cls(server, login, [], today, chance)
        for name, size in names.items():
            calendar = Calendar(f"{login.home}{name}/")
            server.make_calendar(calendar.path)
            for number in range(size):
                entry = made(f"{name}-{number}@{login.email}", f"{name} {number}", today, chance)
                calendar.entries[f"{name}-{number}.ics"] = entry
            server.put_many(calendar.path, {key: entry.text for key, entry in calendar.entries.items()})
            calendar.standing = frozenset(list(calendar.entries)[: round(size * STANDING_SHARE)])
            person.calendars.append(calendar)
        return person

    async def change(self) -> None:
        """Put, change, delete or move one event."""
        self.changes += 1
        calendar = self.chance.choice(self.calendars)
        mutable = [name for name in calendar.entries if name not in calendar.standing]
        doing = self.chance.choice(["put", "put", "change", "change", "delete", "move"])
        if doing == "put" or not mutable:
            await self._put(calendar, f"new-{self.changes}.ics", f"new-{self.changes}@{self.login.email}")
        elif doing == "change":
            name = self.chance.choice(mutable)
            await self._put(calendar, name, calendar.entries[name].uid)
        elif doing == "delete":
            await self._delete(calendar, self.chance.choice(mutable))
        else:
            await self._move(calendar, self.chance.choice(mutable))

    async def _put(self, calendar: Calendar, name: str, uid: str) -> None:
        entry = made(
            uid, f"{urlsplit(calendar.path).path.split('/')[-2]} change {self.changes}", self.today, self.chance
        )
        await asyncio.to_thread(self.server.put, calendar.path + name, entry.text)
        calendar.entries[name] = entry

    async def _delete(self, calendar: Calendar, name: str) -> None:
        await asyncio.to_thread(self.server.delete, calendar.path + name)
        del calendar.entries[name]

    async def _move(self, calendar: Calendar, name: str) -> None:
        there = self.chance.choice(self.calendars)
        if there is calendar or name in there.entries:
            return
        headers = {"Destination": self.server.url + there.path + name, "Overwrite": "F"}
        await asyncio.to_thread(self.server.request, "MOVE", calendar.path + name, headers=headers, expect=(201, 204))
        there.entries[name] = calendar.entries.pop(name)

    def takings(self) -> Counter[Taking]:
        """Return the occurrences of everything that stands on the server now."""
        return sum((calendar.takings() for calendar in self.calendars), Counter[Taking]())
