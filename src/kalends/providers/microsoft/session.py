"""One connected account: the port's `AccountSession` over Microsoft Graph."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta

from kalends.model.calendar import ExternalCalendar, Page
from kalends.model.time import Window
from kalends.providers.base import ChannelAsked, ChannelOpened, CredentialKeeper, StoredVersions
from kalends.providers.microsoft.calendars import list_calendars
from kalends.providers.microsoft.client import GraphApi
from kalends.providers.microsoft.cursor import View
from kalends.providers.microsoft.reading import read
from kalends.providers.microsoft.subscriptions import renew, stop, watch

_BACK, _AHEAD = timedelta(days=90), timedelta(days=400)
"""What is read where nobody says which span of time is wanted."""


class MicrosoftSession:
    """Speaks for one account, whose `addresses` are in lower case."""

    def __init__(self, api: GraphApi, addresses: frozenset[str], keeper: CredentialKeeper) -> None:
        self._api = api
        self._addresses = addresses
        self._keeper = keeper

    @property
    def quirks(self) -> frozenset[str]:
        """Nothing: there is one server."""
        return frozenset()

    async def list_calendars(self) -> Sequence[ExternalCalendar]:
        """Return the account's calendars, in Graph's order."""
        return await list_calendars(self._api, self._addresses)

    async def watch(self, calendar: ExternalCalendar, asked: ChannelAsked) -> ChannelOpened:
        """Open a channel for a calendar; raises `NotSupported` for one that cannot be watched."""
        return await watch(self._api, calendar.id, asked, self._keeper.now())

    async def renew(self, resource_id: str) -> datetime:
        """Have a channel go on, and return until when; raises `CalendarGone` where it is no more."""
        return await renew(self._api, resource_id, self._keeper.now())

    async def stop(self, channel_id: str, resource_id: str) -> None:  # noqa: ARG002 - Graph names it by itself
        """End a channel; one that is no more is fine."""
        await stop(self._api, resource_id)

    async def read(
        self,
        calendar: ExternalCalendar,
        *,
        cursor: str | None,
        continuation: str | None,
        stored: StoredVersions,
        since: datetime | None = None,
        until: datetime | None = None,
        thorough: bool = False,  # noqa: ARG002 - a delta link misses nothing
        doubted: bool = False,  # noqa: ARG002 - there is no other way of asking
    ) -> AsyncGenerator[Page]:
        """Yield what changed since the cursor, or everything where it is None; see `reading.read`."""
        now = self._keeper.now()
        window = Window(since or now - _BACK, until or now + _AHEAD)
        begins = View.over(window) if cursor is None else View.of_cursor(cursor, window, calendar.id)
        begun = begins.resumed(continuation)
        async with aclosing(read(self._api, calendar.id, begins, begun, stored)) as pages:
            async for page in pages:
                yield page
