"""The contract that every provider keeps, kept by the Google session."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import pytest

from kalends.model.calendar import Account
from kalends.providers.google.client import CalendarApi
from tests.net.loopback import serve
from tests.providers.contract import CountingClient, ReadingContract
from tests.providers.google import scripted
from tests.providers.google.scripted import Google, GoogleKindForTests, Kept, timed
from tests.servers import LOOPBACK


@dataclass
class _World:
    google: Google
    kind: GoogleKindForTests
    client: CountingClient
    config: Mapping[str, str]

    async def connect(self) -> Account:
        return await scripted.account()

    async def create_calendar(self, name: str, *, color: str | None = None, time_zone: str | None = None) -> str:
        key = f"{name.lower()}@group.calendar.google.com"
        told = {"backgroundColor": color, "timeZone": time_zone}
        entry = {"id": key, "summary": name, "accessRole": "owner"} | {name: one for name, one in told.items() if one}
        self.google.calendars[key] = Kept(entry)
        return key

    async def delete_calendar(self, calendar: str) -> None:
        del self.google.calendars[calendar]

    async def put_event(self, calendar: str, event: str, *, title: str) -> None:
        self.google.calendars[calendar].put(timed(event, title))

    async def put_events(self, calendar: str, titles: Mapping[str, str]) -> None:
        for event, title in titles.items():
            await self.put_event(calendar, event, title=title)

    async def rename_event(self, calendar: str, event: str, new_name: str) -> None:
        kept = self.google.calendars[calendar]
        kept.put({**kept.events[event], "id": new_name})
        kept.delete(event)

    async def break_event(self, calendar: str, event: str) -> None:
        kept = self.google.calendars[calendar]
        kept.put({**kept.events[event], "start": {}, "recurrence": ["RRULE:FREQ=NEVER"]})

    async def delete_event(self, calendar: str, event: str) -> None:
        self.google.calendars[calendar].delete(event)

    def damaged(self, cursor: str) -> str:
        return cursor.replace("sync-", "sink-")


@pytest.fixture
async def world() -> AsyncIterator[_World]:
    google = Google()
    async with serve(google.answer) as server, CountingClient(LOOPBACK) as client:
        url = f"http://{server.place}/calendar/v3"
        assert CalendarApi(client, scripted.Tokens(), url).host == server.host
        yield _World(google, GoogleKindForTests(url=url), client, {})


class TestGoogle(ReadingContract):
    """Read as any other provider is."""
