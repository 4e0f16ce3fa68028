"""One connected feed: the port's `AccountSession` over a single download."""

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from kalends.ical.lines import unescaped
from kalends.ical.zones import known_zone
from kalends.model.calendar import ExternalCalendar, Page
from kalends.net.client import GuardedClient
from kalends.providers.base import StoredVersions
from kalends.providers.errors import CalendarGone, CredentialsRefused
from kalends.providers.ics.address import fingerprint
from kalends.providers.ics.cursor import Cursor
from kalends.providers.ics.fetching import calendars_in, fetch
from kalends.providers.ics.reading import read
from kalends.providers.ics.splitting import Calendar

CALENDAR_ID = "feed"
"""A feed is one calendar. Its address, which could tell it from others, is a secret."""

_VERSION = 1
_COLOR = re.compile(r"(#[0-9A-Fa-f]{6})(?:[0-9A-Fa-f]{2})?")


def kept_credentials(url: str) -> dict[str, Any]:
    """Return what a later session needs, JSON-able and secret."""
    return {"v": _VERSION, "url": url}


class FeedSession:
    """Speaks for one feed."""

    def __init__(self, client: GuardedClient, kept: Mapping[str, Any]) -> None:
        if kept.get("v") != _VERSION:
            raise CredentialsRefused("the stored address is of another version")
        self._client = client
        self._url: str = kept["url"]
        self._host = urlsplit(self._url).hostname or ""
        self._known: ExternalCalendar | None = None

    @property
    def quirks(self) -> frozenset[str]:
        """Nothing: what feeds do differently is put right without remembering it."""
        return frozenset()

    async def list_calendars(self) -> Sequence[ExternalCalendar]:
        """Return the feed's one calendar, or none where nothing is at its address; downloads it once a session."""
        if self._known is None:
            try:
                fetched = await fetch(self._client, self._url)
            except CalendarGone:
                return ()
            if fetched is not None:
                calendars = await asyncio.to_thread(calendars_in, fetched, self._url)
                self._known = _calendar_of(calendars[0], self._host)
        return () if self._known is None else (self._known,)

    async def read(
        self,
        calendar: ExternalCalendar,
        *,
        cursor: str | None,
        continuation: str | None,
        stored: StoredVersions,
        since: datetime | None = None,  # noqa: ARG002 - a feed comes whole
        until: datetime | None = None,  # noqa: ARG002 - a feed comes whole
        thorough: bool = False,
        doubted: bool = False,  # noqa: ARG002 - there is no other way of asking
    ) -> AsyncGenerator[Page]:
        """Yield what changed since the cursor, or everything where it is None.

        A server that has nothing new to say says so; a thorough reading does not take its word for it. The same bytes
        as before are not looked at.
        """
        self._known = None
        before = Cursor.parse(cursor, fingerprint(self._url)) if cursor is not None else None
        fetched = await fetch(self._client, self._url, None if thorough else before)
        if before is not None and (fetched is None or fetched.cursor.digest == before.digest):
            self._known = calendar
            yield Page(cursor=str(before if fetched is None else fetched.cursor))
        elif fetched is not None:
            now = fetched.cursor
            calendars = await asyncio.to_thread(calendars_in, fetched, self._url)
            del fetched
            self._known = _calendar_of(calendars[0], self._host)
            begun = continuation is not None
            async for page in read(calendars, now, stored, full=before is None, begun=begun, host=self._host):
                yield page


def _calendar_of(calendar: Calendar, host: str) -> ExternalCalendar:
    """Return what a feed says about itself; the properties are those of RFC 7986 and what came before them."""
    said = {name: unescaped(value.decode("utf-8", "replace")).strip() for name, value in calendar.about.items()}
    color = _COLOR.fullmatch(said.get(b"X-APPLE-CALENDAR-COLOR") or said.get(b"COLOR") or "")
    zone = known_zone(said.get(b"X-WR-TIMEZONE", ""))
    return ExternalCalendar(
        id=CALENDAR_ID,
        name=said.get(b"X-WR-CALNAME") or said.get(b"NAME") or host,
        writable=False,
        color=color[1].lower() if color else None,
        time_zone=zone.name if zone is not None and zone.name is not None else None,
    )
