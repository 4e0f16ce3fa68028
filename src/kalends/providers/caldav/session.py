"""One connected account: the port's `AccountSession` and `Exports` over CalDAV."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from kalends.model.calendar import ExternalCalendar, Page
from kalends.model.copy import WantedCopy
from kalends.net.client import GuardedClient
from kalends.net.credentials import BasicCredentials, CredentialScope
from kalends.providers.base import StoredVersions
from kalends.providers.caldav import export_calendars, hrefs, writing
from kalends.providers.caldav.calendars import calendar_url, calendars_in
from kalends.providers.caldav.client import DavClient
from kalends.providers.caldav.discovery import account_of, discover
from kalends.providers.caldav.errors import HttpRefusal
from kalends.providers.caldav.listing import GONE, list_by_etag
from kalends.providers.caldav.reading import read
from kalends.providers.errors import CalendarGone, CredentialsRefused
from kalends.providers.export import StoredCopy
from kalends.providers.quirks import Quirks

_VERSION = 1
_T = TypeVar("_T")


def kept_credentials(user: str, password: str, *, origin: str, principal: str, homes: Sequence[str]) -> dict[str, Any]:
    """Return what a later session needs, JSON-able and secret."""
    return {
        "v": _VERSION,
        "user": user,
        "password": password,
        "origin": origin,
        "principal": principal,
        "homes": list(homes),
    }


class CalDavSession:
    """Speaks for one account. Its calendars' ids are paths at its origin, or whole URLs elsewhere.

    `met` holds what is known of the server's deviations, and takes what is met.
    """

    def __init__(self, http: GuardedClient, kept: Mapping[str, Any], *, advice: str, met: Quirks | None = None) -> None:
        if kept.get("v") != _VERSION:
            raise CredentialsRefused("the stored credentials are of another version")
        self._kept = kept
        self._origin: str = kept["origin"]
        self._principal: str = kept["principal"]
        self._homes: Sequence[str] = kept["homes"]
        scope = CredentialScope(self._origin, http.policy)
        credentials = BasicCredentials(kept["user"], kept["password"], scope)
        self._dav = DavClient(http, credentials, advice=advice, quirks=met)
        for url in (self._principal, *self._homes):
            self._dav.learn(url)

    @property
    def quirks(self) -> frozenset[str]:
        """The names of the server's deviations, as far as they are known by now."""
        return self._dav.quirks.names

    async def list_calendars(self) -> Sequence[ExternalCalendar]:
        """Return the account's calendars that can hold events, in the server's order."""
        return await self._in_homes(lambda: calendars_in(self._dav, self._homes, self._origin))

    async def found_again(self) -> Mapping[str, Any]:
        """Look for the account anew from the root of its origin, and return what is to be kept of it now.

        Raises `CredentialsRefused` also where the credentials open another account by now.
        """
        found = await discover(self._dav, [self._origin + "/"])
        if not hrefs.same_place(found.principal, self._principal):
            raise CredentialsRefused(
                f"{hrefs.host_of(self._origin)} knows another account by these credentials than before",
                public="The user name and password open another account by now.",
            )
        return {**self._kept, "principal": found.principal, "homes": list(found.homes)}

    def read(
        self,
        calendar: ExternalCalendar,
        *,
        cursor: str | None,
        continuation: str | None,
        stored: StoredVersions,
        since: datetime | None = None,  # noqa: ARG002 - what is listed is all there is
        until: datetime | None = None,  # noqa: ARG002 - what is listed is all there is
        thorough: bool = False,
        doubted: bool = False,
    ) -> AsyncGenerator[Page]:
        """Yield what changed since the cursor, or everything where it is None; see `reading.read`."""
        return read(
            self._dav,
            self._url(calendar.id),
            cursor=cursor,
            continuation=continuation,
            stored=stored,
            thorough=thorough,
            doubted=doubted,
        )

    async def create_calendar(self, name: str, marker: str) -> ExternalCalendar:
        """Make a calendar for copies, or return the one that carries the marker; see `export_calendars.make`."""
        return await self._in_homes(
            lambda: export_calendars.make(self._dav, self._homes, self._origin, name=name, marker=marker)
        )

    async def find_calendar(self, marker: str) -> ExternalCalendar | None:
        """Return the calendar that carries a marker, None where there is none."""
        return await self._in_homes(lambda: export_calendars.find(self._dav, self._homes, self._origin, marker))

    async def is_empty(self, calendar_id: str) -> bool:
        """Tell whether nothing is in a calendar, of whatever kind; raises `CalendarGone`."""
        return not (await list_by_etag(self._dav, self._url(calendar_id))).members

    async def delete_calendar(self, calendar_id: str) -> None:
        """Delete a calendar with all that is in it; one that is no more is fine."""
        try:
            await self.remove_calendar(calendar_id)
        except CalendarGone:
            return

    async def remove_calendar(self, calendar_id: str) -> None:
        """Delete a calendar with all that is in it; raises `CalendarGone` where it is no more."""
        await export_calendars.remove(self._dav, self._url(calendar_id))

    async def look_up(self, calendar_id: str, key: str) -> StoredCopy | None:
        """Return the copy under a key, None where there is none; its `ref` is the key that the import has of it."""
        return await writing.look_up(self._dav, self._url(calendar_id), key)

    async def create(self, calendar_id: str, wanted: WantedCopy) -> StoredCopy:
        """Make a copy with all its instances, at one blow; see `writing.create`."""
        return await writing.create(self._dav, self._url(calendar_id), wanted)

    async def update(self, calendar_id: str, wanted: WantedCopy, stored: StoredCopy) -> StoredCopy:
        """Make a copy what it should be, its instances included; see `writing.update`."""
        return await writing.update(self._dav, self._url(calendar_id), wanted, stored)

    async def delete(self, calendar_id: str, ref: str) -> None:
        """Delete a copy, whatever its version; one that is no more is fine. Raises `CalendarGone`."""
        await writing.delete(self._dav, self._url(calendar_id), ref)

    def _url(self, calendar_id: str) -> str:
        url = calendar_url(calendar_id, self._origin)
        self._dav.learn(url)
        return url

    async def _in_homes(self, ask: Callable[[], Awaitable[_T]]) -> _T:
        """Ask in the homes as they are known, and once more where the principal now says that they are."""
        try:
            return await ask()
        except HttpRefusal as refusal:
            if refusal.status not in GONE:
                raise
        self._homes = (await account_of(self._dav, self._principal)).homes
        return await ask()
