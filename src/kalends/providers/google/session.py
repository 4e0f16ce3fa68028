"""One connected account: the port's `AccountSession`, `Exports` and `Moves` over the Google Calendar API."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import datetime

from kalends.model.calendar import ExternalCalendar, Page
from kalends.model.copy import WantedCopy
from kalends.providers.base import ChannelAsked, ChannelOpened, StoredVersions
from kalends.providers.export import StoredCopy
from kalends.providers.google import dedicated
from kalends.providers.google.calendars import list_calendars
from kalends.providers.google.channels import stop, watch
from kalends.providers.google.client import CalendarApi
from kalends.providers.google.cursor import Query
from kalends.providers.google.reading import read
from kalends.providers.google.writing import CopyWriter


class GoogleSession:
    """Speaks for one account."""

    def __init__(self, api: CalendarApi) -> None:
        self._api = api

    @property
    def quirks(self) -> frozenset[str]:
        """Nothing: there is one server, and it does what its documents say."""
        return frozenset()

    async def list_calendars(self) -> Sequence[ExternalCalendar]:
        """Return the account's calendars that can hold events, in Google's order."""
        return await list_calendars(self._api)

    async def watch(self, calendar: ExternalCalendar, asked: ChannelAsked) -> ChannelOpened:
        """Open a channel for a calendar; raises `NotSupported` for one that cannot be watched."""
        return await watch(self._api, calendar.id, asked)

    async def stop(self, channel_id: str, resource_id: str) -> None:
        """End a channel; one that is no more is fine."""
        await stop(self._api, channel_id, resource_id)

    async def read(
        self,
        calendar: ExternalCalendar,
        *,
        cursor: str | None,
        continuation: str | None,
        stored: StoredVersions,
        since: datetime | None = None,
        until: datetime | None = None,  # noqa: ARG002 - series are read as far as they go
        thorough: bool = False,  # noqa: ARG002 - a sync token misses nothing
        doubted: bool = False,  # noqa: ARG002 - there is no other way of asking
    ) -> AsyncGenerator[Page]:
        """Yield what changed since the cursor, or everything where it is None; see `reading.read`."""
        begins = Query.everything(since) if cursor is None else Query.of_cursor(cursor, since)
        begun = begins.resumed(continuation, since)
        async with aclosing(read(self._api, calendar.id, begins, begun, stored)) as pages:
            async for page in pages:
                yield page

    async def create_calendar(self, name: str, marker: str) -> ExternalCalendar:
        """Make a calendar for copies, or return the one that carries the marker; raises `CalendarRefused`."""
        return await dedicated.create_calendar(self._api, name, marker)

    async def find_calendar(self, marker: str) -> ExternalCalendar | None:
        """Return the calendar that carries a marker, None where there is none."""
        return await dedicated.find_calendar(self._api, marker)

    async def is_empty(self, calendar_id: str) -> bool:
        """Tell whether nothing is in a calendar; raises `CalendarGone`."""
        return await dedicated.is_empty(self._api, calendar_id)

    async def delete_calendar(self, calendar_id: str) -> None:
        """Delete a calendar that was made for copies; one that is no more is fine."""
        await dedicated.delete_calendar(self._api, calendar_id)

    async def look_up(self, calendar_id: str, key: str) -> StoredCopy | None:
        """Return the copy under a key; raises `KeyUsedUp` where it was deleted, which is for good."""
        return await CopyWriter(self._api, calendar_id).look_up(key)

    async def create(self, calendar_id: str, wanted: WantedCopy) -> StoredCopy:
        """Make a copy with all its instances; raises `CopyThere`, `KeyUsedUp`."""
        return await CopyWriter(self._api, calendar_id).create(wanted)

    async def update(self, calendar_id: str, wanted: WantedCopy, stored: StoredCopy) -> StoredCopy:
        """Make a copy what it should be, its instances included; raises `CopyChanged`, `CopyGone`."""
        return await CopyWriter(self._api, calendar_id).update(wanted, stored)

    async def delete(self, calendar_id: str, ref: str) -> None:
        """Delete a copy, whatever its version; one that is no more is fine. Raises `CalendarGone`."""
        await CopyWriter(self._api, calendar_id).delete(ref)

    async def move(self, calendar_id: str, stored: StoredCopy, target_id: str) -> StoredCopy:
        """Move a copy to another calendar of the account; see `providers.export.Moves`."""
        return await CopyWriter(self._api, calendar_id).move(stored, target_id)
