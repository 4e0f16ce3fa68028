"""One connected account: the port's `AccountSession` and `Exports` over Microsoft Graph."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta

from kalends.model.calendar import ExternalCalendar, Page
from kalends.model.copy import WantedCopy
from kalends.model.time import Window
from kalends.providers.base import ChannelAsked, ChannelOpened, CredentialKeeper, StoredVersions
from kalends.providers.export import StoredCopy
from kalends.providers.microsoft import own_calendars, writing
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

    async def create_calendar(self, name: str, marker: str) -> ExternalCalendar:
        """Make a calendar for copies, or return the one that carries the marker; see `own_calendars.create`."""
        return await own_calendars.create(self._api, self._addresses, name, marker)

    async def find_calendar(self, marker: str) -> ExternalCalendar | None:
        """Return the calendar that carries a marker, None where there is none."""
        return await own_calendars.find(self._api, self._addresses, marker)

    async def is_empty(self, calendar_id: str) -> bool:
        """Tell whether nothing is in a calendar; raises `CalendarGone`."""
        return await own_calendars.is_empty(self._api, calendar_id)

    async def delete_calendar(self, calendar_id: str) -> None:
        """Delete a calendar with all that is in it; one that is no more is fine."""
        await own_calendars.delete(self._api, calendar_id)

    async def look_up(self, calendar_id: str, key: str) -> StoredCopy | None:
        """Return the copy under a key, None where there is none."""
        return await writing.look_up(self._api, calendar_id, key)

    async def create(self, calendar_id: str, wanted: WantedCopy) -> StoredCopy:
        """Make a copy with all its instances; raises `CopyThere`."""
        return await writing.create(self._api, calendar_id, wanted)

    async def update(self, calendar_id: str, wanted: WantedCopy, stored: StoredCopy) -> StoredCopy:
        """Make a copy what it should be; see `writing.update`."""
        return await writing.update(self._api, calendar_id, wanted, stored)

    async def delete(self, calendar_id: str, ref: str) -> None:
        """Delete a copy, whatever its version; see `writing.delete`."""
        await writing.delete(self._api, calendar_id, ref)
