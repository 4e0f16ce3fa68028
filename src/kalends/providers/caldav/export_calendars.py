"""Calendars that were made for copies. The marker is in their path, where they are made, and in a property of ours."""

from collections.abc import Sequence

from kalends.model.calendar import ExternalCalendar
from kalends.providers.caldav import bodies, hrefs
from kalends.providers.caldav.calendars import calendar_marked, calendar_url
from kalends.providers.caldav.client import DavClient
from kalends.providers.caldav.errors import HttpRefusal, Malformed
from kalends.providers.caldav.listing import GONE
from kalends.providers.errors import CalendarGone, NotSupported, Unavailable
from kalends.providers.export import CalendarRefused

_DONE = range(200, 300)
_MAY_NOT = frozenset({403, 405, 501, 507})
"""Statuses by which servers say that the account may not make calendars, or no more, or that nobody may."""


async def find(dav: DavClient, homes: Sequence[str], origin: str, marker: str) -> ExternalCalendar | None:
    """Return the calendar that carries a marker, None where there is none."""
    return await calendar_marked(dav, homes, origin, segment=_segment(marker), marker=marker)


async def make(dav: DavClient, homes: Sequence[str], origin: str, *, name: str, marker: str) -> ExternalCalendar:
    """Make a calendar in the first home, or return the one that carries the marker; raises `CalendarRefused`.

    However often it is made, there is one: its path is the same each time.
    """
    found = await find(dav, homes, origin, marker)
    if found is not None:
        return found
    host = hrefs.host_of(homes[0])
    status = await _mkcalendar(dav, f"{homes[0].rstrip('/')}/{_segment(marker)}/", name)
    found = await find(dav, homes, origin, marker)
    if found is not None:
        await _mark(dav, calendar_url(found.id, origin), marker)
        return found
    if status in _DONE:
        raise Malformed(f"{host} does not list the calendar that it said to have made")
    message = f"{host} answered {status} to MKCALENDAR"
    if status in _MAY_NOT:
        raise CalendarRefused(message, public="The calendar server makes no calendar for this account.")
    raise HttpRefusal(message, status=status)


async def remove(dav: DavClient, url: str) -> None:
    """Delete a calendar with all that is in it; raises `CalendarGone` where it is no more."""
    answer = await dav.delete(url)
    message = f"{hrefs.host_of(url)} answered {answer.status} to DELETE"
    if answer.status in GONE:
        raise CalendarGone(message)
    if answer.status not in _DONE:
        raise NotSupported(message, public="The account may not delete this calendar.")


def _segment(marker: str) -> str:
    return f"kalends-{marker}"


async def _mkcalendar(dav: DavClient, url: str, name: str) -> int:
    """Ask for a calendar and return the status."""
    try:
        return (await dav.mkcalendar(url, bodies.mkcalendar(name))).status
    except HttpRefusal as refusal:
        if refusal.status not in _MAY_NOT:
            raise
        return refusal.status


async def _mark(dav: DavClient, url: str, marker: str) -> None:
    """Have the calendar carry the marker, for a server that may give it another path; others need not keep it."""
    try:
        await dav.proppatch(url, bodies.mark(marker))
    except Unavailable:
        return
