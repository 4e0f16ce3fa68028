"""The part of the contract that is about reading, held against feeds that a real server makes of its calendars."""

import json
from collections.abc import AsyncIterator

import pytest

from kalends.model.calendar import Account
from kalends.providers.base import ProviderKind
from kalends.providers.ics import ICS
from tests.providers.contract import ReadingContract
from tests.providers.test_caldav_servers import CalDavWorld
from tests.servers import CalDavServer


class FeedWorld(CalDavWorld):
    """A `World` in which the calendar that was made last is published as a feed."""

    kind: ProviderKind = ICS

    def __init__(self, server: CalDavServer) -> None:
        super().__init__(server)
        self.config = {}
        self.published = ""

    async def connect(self) -> Account:
        return await ICS.connect_by_feed(self.client, self.config, url=self.server.url + self.published)

    async def create_calendar(self, name: str, *, color: str | None = None, time_zone: str | None = None) -> str:
        self.published = self._make(self.server.feed_name(), name, color, time_zone)
        return "feed"

    def inside(self, calendar: str) -> str:
        assert calendar == "feed"
        return self.published

    def damaged(self, cursor: str) -> str:
        return json.dumps({**json.loads(cursor), "feed": 64 * "0"})


@pytest.fixture
async def world(radicale: CalDavServer) -> AsyncIterator[FeedWorld]:
    world = FeedWorld(radicale)
    async with world.client:
        yield world
    radicale.forget_calendars()


class TestRadicaleFeeds(ReadingContract):
    """Radicale answers GET on a calendar with all of it as one text."""
