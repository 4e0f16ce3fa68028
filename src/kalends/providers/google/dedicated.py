"""Calendars that Kalends makes for copies: `calendars.insert` and `delete`, found again by a marker in the description.

The scope `calendar.app.created` reaches just such calendars, and no others.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from kalends.model.calendar import ExternalCalendar
from kalends.providers.errors import CalendarGone, CursorRefused, NotSupported, Unavailable
from kalends.providers.export import CalendarRefused
from kalends.providers.google.calendars import FIELDS, calendar_of, list_entries
from kalends.providers.google.client import CalendarApi, Refusals

_MARKER = re.compile(r"kalends:([0-9a-v.]{1,100})(?![0-9A-Za-z.])", re.ASCII)
_OF_INSERT: Refusals = {
    (403, reason): CalendarRefused
    for reason in (
        "quotaExceeded", "calendarUsageLimitsExceeded", "calendarLimitsExceeded",
        "insufficientPermissions", "insufficientScope", "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
    )
}  # fmt: skip
"""Of calendars, Google lets nobody make more than so many in a while; and consent may reach events but no calendars."""


async def find_calendar(api: CalendarApi, marker: str) -> ExternalCalendar | None:
    """Return the account's calendar that carries a marker, whatever it is called by now; None where there is none.

    One that others own and share does not count. Where there are two, it is always the same one.
    """
    entries = await list_entries(api, f"{FIELDS},description")
    mine = {key for key, entry in entries.items() if entry.get("primary") is True}
    for key in sorted(entries):
        entry = entries[key]
        if entry.get("deleted") is not True and marker_of(entry) == marker:
            calendar = calendar_of(key, entry, mine)
            if calendar.own and not calendar.primary:
                return calendar
    return None


async def create_calendar(api: CalendarApi, name: str, marker: str) -> ExternalCalendar:
    """Make a calendar, or return the one that carries the marker; raises `CalendarRefused`."""
    found = await find_calendar(api, marker)
    if found is not None:
        return found
    body = {"summary": name, "description": f"Made by Kalends, which knows it by this: kalends:{marker}"}
    try:
        made = await api.call("POST", ("calendars",), {"fields": "id,summary,timeZone"}, body, refusals=_OF_INSERT)
    except NotSupported as error:
        raise CalendarRefused(str(error)) from None
    key = made.get("id")
    if not isinstance(key, str) or not key:
        raise Unavailable(f"{api.host} made a calendar without an id")
    entry: Mapping[str, Any] = {**made, "accessRole": "owner"}
    with suppress(CalendarGone, CursorRefused):  # the list may come to know it later
        entry = await api.get("users", "me", "calendarList", key, fields=FIELDS)
    return replace(calendar_of(key, entry, ()), own=True)


async def is_empty(api: CalendarApi, calendar_id: str) -> bool:
    """Tell whether a calendar holds no event; raises `CalendarGone`."""
    try:
        page = await api.get("calendars", calendar_id, "events", maxResults="1", fields="items/id,nextPageToken")
    except CursorRefused as error:
        raise CalendarGone(str(error)) from None
    # a page may be empty before the last one
    return not page.get("items") and not page.get("nextPageToken")


async def delete_calendar(api: CalendarApi, calendar_id: str) -> None:
    """Delete a calendar with all that is in it; one that is no more is fine."""
    try:
        await api.call("DELETE", ("calendars", calendar_id))
    except (CalendarGone, CursorRefused):
        return


def marker_of(entry: Mapping[str, Any]) -> str | None:
    """Return the marker in a calendar's description, None where there is none."""
    text = entry.get("description")
    found = _MARKER.search(text) if isinstance(text, str) else None
    return found[1] if found else None
