"""One connected account: the port's `AccountSession` over CalDAV."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from kalends.model.calendar import ExternalCalendar, Page
from kalends.net.client import GuardedClient
from kalends.net.credentials import BasicCredentials, CredentialScope
from kalends.providers.base import StoredVersions
from kalends.providers.caldav.calendars import calendar_url, calendars_in
from kalends.providers.caldav.client import DavClient
from kalends.providers.caldav.discovery import account_of
from kalends.providers.caldav.errors import HttpRefusal
from kalends.providers.caldav.listing import GONE
from kalends.providers.caldav.reading import read
from kalends.providers.errors import CredentialsRefused

_VERSION = 1


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
    """Speaks for one account. Its calendars' ids are paths at its origin, or whole URLs elsewhere."""

    def __init__(self, http: GuardedClient, kept: Mapping[str, Any], *, advice: str) -> None:
        if kept.get("v") != _VERSION:
            raise CredentialsRefused("the stored credentials are of another version")
        self._origin: str = kept["origin"]
        self._principal: str = kept["principal"]
        self._homes: Sequence[str] = kept["homes"]
        scope = CredentialScope(self._origin, http.policy)
        self._dav = DavClient(http, BasicCredentials(kept["user"], kept["password"], scope), advice=advice)
        for url in (self._principal, *self._homes):
            self._dav.learn(url)

    async def list_calendars(self) -> Sequence[ExternalCalendar]:
        """Return the account's calendars that can hold events, in the server's order."""
        try:
            return await calendars_in(self._dav, self._homes, self._origin)
        except HttpRefusal as refusal:
            if refusal.status not in GONE:
                raise
        # The homes have moved; the principal knows where to.
        self._homes = (await account_of(self._dav, self._principal)).homes
        return await calendars_in(self._dav, self._homes, self._origin)

    def read(
        self, calendar: ExternalCalendar, *, cursor: str | None, continuation: str | None, stored: StoredVersions
    ) -> AsyncIterator[Page]:
        """Yield what changed since the cursor, or everything where it is None; see `reading.read`."""
        url = calendar_url(calendar.id, self._origin)
        self._dav.learn(url)
        return read(self._dav, url, cursor=cursor, continuation=continuation, stored=stored)
