"""The calendars of an account: `calendarList.list`.

What `calendarList` answers could be asked for by what changed as well, with a sync token of its own; the list is short
and read once a day, so it is read whole.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any

from kalends.ical.zones import known_zone
from kalends.model.calendar import ExternalCalendar
from kalends.providers.errors import CalendarGone, CursorRefused, Unavailable
from kalends.providers.google.client import CalendarApi

FIELDS = "id,summary,summaryOverride,primary,deleted,accessRole,dataOwner,backgroundColor,timeZone"
"""The fields of a calendar's entry in the list that are asked for, as the parameter `fields` names them."""

_ASKED = {
    # Hidden is what the person does not want to look at, not what takes no time.
    "showHidden": "true",
    "maxResults": "250",
}
_MOST_PAGES = 100
_LONGEST_NAME = 200
_COLOR = re.compile(r"#[0-9a-f]{6}", re.IGNORECASE)
_SECONDARY = "@group.calendar.google.com"
"""How the ids of calendars end that somebody made beside the primary one; those of subscriptions end otherwise."""
_WRITING = frozenset({"owner", "writer", "writerWithoutPrivateAccess"})


async def list_calendars(api: CalendarApi) -> list[ExternalCalendar]:
    """Return the account's calendars, in Google's order.

    Those of which only free and busy may be known are among them: of their events Google lists the times without the
    titles, and these block as others do. Raises `Unavailable` where the list does not come whole.
    """
    entries = await list_entries(api, FIELDS)
    mine = {key for key, entry in entries.items() if entry.get("primary") is True}
    return [calendar_of(key, entry, mine) for key, entry in entries.items() if entry.get("deleted") is not True]


async def list_entries(api: CalendarApi, fields: str) -> dict[str, Mapping[str, Any]]:
    """Return the entries of the account's list by the calendars' ids, in Google's order, with the fields named.

    Raises `Unavailable` where the list does not come whole.
    """
    entries: dict[str, Mapping[str, Any]] = {}
    page: str | None = ""
    asked: set[str] = set()
    while page is not None:
        if page in asked or len(asked) == _MOST_PAGES:
            raise Unavailable(f"{api.host} does not come to the end of the list of calendars")
        asked.add(page)
        found, page = await _page(api, fields, page)
        entries |= found
    return entries


async def _page(api: CalendarApi, fields: str, page: str) -> tuple[dict[str, Mapping[str, Any]], str | None]:
    asked = {**_ASKED, "fields": f"nextPageToken,items({fields})"}
    try:
        said = await api.get("users", "me", "calendarList", **asked, **({"pageToken": page} if page else {}))
    except (CalendarGone, CursorRefused) as error:
        # about an account's list, these say nothing of any calendar or cursor
        raise Unavailable(str(error)) from None
    items, following = said.get("items", []), said.get("nextPageToken") or None
    if not isinstance(items, list) or not isinstance(following, str | None):
        raise Unavailable(f"{api.host} answered a list of calendars that makes no sense")
    entries: dict[str, Mapping[str, Any]] = {}
    for entry in items:
        key = entry.get("id") if isinstance(entry, dict) else None
        if not isinstance(key, str) or not key:
            raise Unavailable(f"{api.host} lists a calendar without an id")
        entries[key] = entry
    return entries, following


def calendar_of(key: str, entry: Mapping[str, Any], mine: Collection[str]) -> ExternalCalendar:
    """Return the calendar of an entry; `mine` are the ids of primary calendars, which are the account's addresses."""
    role = _text(entry, "accessRole")
    primary = entry.get("primary") is True
    color = _text(entry, "backgroundColor")
    zone = known_zone(_text(entry, "timeZone"))
    return ExternalCalendar(
        id=key,
        name=(_text(entry, "summaryOverride") or _text(entry, "summary") or key)[:_LONGEST_NAME],
        primary=primary,
        own=primary or (role == "owner" and _is_of(mine, key, _text(entry, "dataOwner"))),
        writable=role in _WRITING,
        color=color.lower() if _COLOR.fullmatch(color) else None,
        time_zone=zone.name if zone is not None else None,
    )


def _is_of(mine: Collection[str], key: str, owner: str) -> bool:
    """Tell whether a calendar that the account may share with others is its own.

    Others may have given it that right. The primary calendar of another person, or of a room, has an address for its
    id; of what somebody made beside it Google says whose it is, or used not to.
    """
    return key.endswith(_SECONDARY) and (not owner or owner in mine)


def _text(entry: Mapping[str, Any], name: str) -> str:
    found = entry.get(name)
    return found if isinstance(found, str) else ""
