"""An account at a provider whose hosts are one server: the provider moves accounts between them, as iCloud does.

There a path is what names a calendar, and a host is only where it happens to be. Where that is, the place at which all
accounts begin can tell at any time.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from kalends.model.calendar import ExternalCalendar, Page
from kalends.model.copy import WantedCopy
from kalends.providers.base import StoredVersions
from kalends.providers.caldav import hrefs
from kalends.providers.caldav.calendars import calendar_url
from kalends.providers.caldav.errors import HttpRefusal
from kalends.providers.caldav.session import CalDavSession
from kalends.providers.errors import CalendarGone, ProviderError, Unavailable
from kalends.providers.export import CopyChanged, CopyGone, CopyThere, KeyUsedUp, StoredCopy

_THROTTLED = frozenset({429, 503})
_ABOUT_A_COPY = (CopyThere, CopyChanged, CopyGone, KeyUsedUp)
"""What only the host that has the calendar can say."""
_T = TypeVar("_T")


def roaming_key(key: str, origin: str) -> str:
    """Return an account's key without the host on which its principal happens to be."""
    return origin + key.removeprefix(hrefs.origin_of(key))


class RoamingSession:
    """Speaks for one account. Its calendars' ids are normal paths, whichever host names or holds them.

    It begins where the account was last known to be. Whatever fails there, unless the provider only asks for patience,
    is a reason to look for the account anew, once a session, and to try again if it turns out to be elsewhere. That
    costs an account that has stayed nothing, and depends on no particular way in which a host may say that it has it
    no longer. `open_at` opens the session for what is kept of the account.
    """

    def __init__(self, kept: Mapping[str, Any], open_at: Callable[[Mapping[str, Any]], CalDavSession]) -> None:
        self._open_at = open_at
        self._kept = kept
        self._session = open_at(kept)
        self._urls: dict[str, str] = {}
        self._looked = False

    @property
    def quirks(self) -> frozenset[str]:
        """The names of the provider's deviations, as far as they are known by now."""
        return self._session.quirks

    async def list_calendars(self) -> Sequence[ExternalCalendar]:
        """Return the account's calendars that can hold events, in the server's order."""
        try:
            return await self._list()
        except ProviderError as error:
            if not self._may_have_moved(error):
                raise
        return await self._look_again()

    async def read(
        self,
        calendar: ExternalCalendar,
        *,
        cursor: str | None,
        continuation: str | None,
        stored: StoredVersions,
        since: datetime | None = None,
        until: datetime | None = None,
        thorough: bool = False,
        doubted: bool = False,
    ) -> AsyncGenerator[Page]:
        """Yield what changed since the cursor, or everything where it is None; see `reading.read`.

        Cursors and keys hold no hosts, so that a reading goes on elsewhere from where it was.
        """

        def reading(url: str) -> AsyncGenerator[Page]:
            there = replace(calendar, id=url)
            return self._session.read(
                there,
                cursor=cursor,
                continuation=continuation,
                stored=stored,
                since=since,
                until=until,
                thorough=thorough,
                doubted=doubted,
            )

        if continuation is not None and not self._looked:
            # What goes on asks for members at once, and of one member's refusal nobody can tell what it is about.
            await self._look_again()
        begun = False
        tried = self._url(calendar.id)
        try:
            async for page in reading(tried):
                begun = True
                yield page
        except ProviderError as error:
            if begun or not self._may_have_moved(error):
                raise
            await self._look_again()
            if self._url(calendar.id) == tried:
                raise
        else:
            return
        async for page in reading(self._url(calendar.id)):
            yield page

    async def create_calendar(self, name: str, marker: str) -> ExternalCalendar:
        """Make a calendar for copies, or return the one that carries the marker; raises `CalendarRefused`."""
        return self._noted(await self._in_account(lambda session: session.create_calendar(name, marker)))

    async def find_calendar(self, marker: str) -> ExternalCalendar | None:
        """Return the calendar that carries a marker, None where there is none."""
        found = await self._in_account(lambda session: session.find_calendar(marker))
        return None if found is None else self._noted(found)

    async def is_empty(self, calendar_id: str) -> bool:
        """Tell whether nothing is in a calendar; raises `CalendarGone`."""
        return await self._at_calendar(calendar_id, CalDavSession.is_empty)

    async def delete_calendar(self, calendar_id: str) -> None:
        """Delete a calendar with all that is in it; one that is no more is fine."""
        try:
            await self._at_calendar(calendar_id, CalDavSession.remove_calendar)
        except CalendarGone:
            return

    async def look_up(self, calendar_id: str, key: str) -> StoredCopy | None:
        """Return the copy under a key, None where there is none; its `ref` holds no host."""
        return await self._at_calendar(calendar_id, lambda session, url: session.look_up(url, key))

    async def create(self, calendar_id: str, wanted: WantedCopy) -> StoredCopy:
        """Make a copy with all its instances, at one blow; see `writing.create`."""
        return await self._at_calendar(calendar_id, lambda session, url: session.create(url, wanted))

    async def update(self, calendar_id: str, wanted: WantedCopy, stored: StoredCopy) -> StoredCopy:
        """Make a copy what it should be, its instances included; see `writing.update`."""
        return await self._at_calendar(calendar_id, lambda session, url: session.update(url, wanted, stored))

    async def delete(self, calendar_id: str, ref: str) -> None:
        """Delete a copy, whatever its version; one that is no more is fine. Raises `CalendarGone`."""
        await self._at_calendar(calendar_id, lambda session, url: session.delete(url, ref))

    async def _in_account(self, ask: Callable[[CalDavSession], Awaitable[_T]]) -> _T:
        try:
            return await ask(self._session)
        except ProviderError as error:
            if not self._may_have_moved(error):
                raise
        await self._look_again()
        return await ask(self._session)

    async def _at_calendar(self, calendar_id: str, ask: Callable[[CalDavSession, str], Awaitable[_T]]) -> _T:
        """Ask at a calendar's URL, and again where the calendar turns out to be elsewhere.

        Nothing is done twice by that: a copy's path is the same at every host, and so are the preconditions.
        """
        tried = self._url(calendar_id)
        try:
            return await ask(self._session, tried)
        except _ABOUT_A_COPY:
            raise
        except ProviderError as error:
            if not self._may_have_moved(error):
                raise
            await self._look_again()
            if self._url(calendar_id) == tried:
                raise
        return await ask(self._session, self._url(calendar_id))

    def _noted(self, calendar: ExternalCalendar) -> ExternalCalendar:
        """Return a calendar of the inner session under its normal path, and note where it is."""
        url = calendar_url(calendar.id, self._kept["origin"])
        path = hrefs.path_of(url)
        self._urls[path] = url
        return replace(calendar, id=path)

    async def _list(self) -> Sequence[ExternalCalendar]:
        listed = await self._session.list_calendars()
        urls = [calendar_url(calendar.id, self._kept["origin"]) for calendar in listed]
        self._urls = {hrefs.path_of(url): url for url in urls}
        return [replace(calendar, id=path) for calendar, path in zip(listed, self._urls, strict=True)]

    async def _look_again(self) -> Sequence[ExternalCalendar]:
        """Find the account and its calendars anew; raises where that cannot be done, for then nothing is known."""
        self._looked = True
        self._kept = await self._session.found_again()
        self._session = self._open_at(self._kept)
        return await self._list()

    def _may_have_moved(self, error: ProviderError) -> bool:
        return not self._looked and not _asks_for_patience(error)

    def _url(self, calendar_id: str) -> str:
        """Return where a calendar is: where the listing of this session names it, else where the account's home is."""
        return self._urls.get(calendar_id) or calendar_url(calendar_id, hrefs.origin_of(self._kept["homes"][0]))


def _asks_for_patience(error: ProviderError) -> bool:
    if isinstance(error, Unavailable) and error.retry_after is not None:
        return True
    return isinstance(error, HttpRefusal) and error.status in _THROTTLED
