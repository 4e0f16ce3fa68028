"""The calendars of a mailbox: `GET /me/calendars`."""

import re
from collections.abc import Mapping
from typing import Any

from kalends.model.calendar import ExternalCalendar
from kalends.providers.errors import CalendarGone, CursorRefused, Unavailable
from kalends.providers.microsoft.client import GraphApi

_ASKED = {"$select": "id,name,hexColor,isDefaultCalendar,canEdit,owner", "$top": "100"}
_MOST_PAGES = 100
_LONGEST_NAME = 200
_COLOR = re.compile(r"#[0-9a-f]{6}", re.IGNORECASE)


async def list_calendars(
    api: GraphApi, addresses: frozenset[str], only: Mapping[str, str] | None = None
) -> list[ExternalCalendar]:
    """Return the mailbox's calendars, in Graph's order; `addresses` are those of the account, in lower case.

    Those that others share are among them, and not the account's own. `only` are further parameters, such as a filter.
    Raises `Unavailable` where the list does not come whole.
    """
    entries: dict[str, Mapping[str, Any]] = {}
    url: str | None = api.url("calendars", **_ASKED, **(only or {}))
    asked: set[str] = set()
    while url is not None:
        if url in asked or len(asked) == _MOST_PAGES:
            raise Unavailable(f"{api.host} does not come to the end of the list of calendars")
        asked.add(url)
        found, url = await _page(api, url)
        entries |= found
    return [_calendar(key, entry, addresses) for key, entry in entries.items()]


async def _page(api: GraphApi, url: str) -> tuple[dict[str, Mapping[str, Any]], str | None]:
    try:
        said = await api.get(url)
    except (CalendarGone, CursorRefused) as error:
        # about the list itself, these say nothing of any calendar or cursor
        raise Unavailable(str(error)) from None
    items = said.get("value")
    if not isinstance(items, list):
        raise Unavailable(f"{api.host} answered a list of calendars that makes no sense")
    entries: dict[str, Mapping[str, Any]] = {}
    for entry in items:
        key = entry.get("id") if isinstance(entry, dict) else None
        if not isinstance(key, str) or not key:
            raise Unavailable(f"{api.host} lists a calendar without an id")
        entries[key] = entry
    return entries, api.link(said, "@odata.nextLink")


def _calendar(key: str, entry: Mapping[str, Any], addresses: frozenset[str]) -> ExternalCalendar:
    primary = entry.get("isDefaultCalendar") is True
    owner = entry.get("owner")
    address = _text(owner, "address").lower() if isinstance(owner, dict) else ""
    color = _text(entry, "hexColor")
    return ExternalCalendar(
        id=key,
        name=(_text(entry, "name") or key)[:_LONGEST_NAME],
        primary=primary,
        own=primary or not address or address in addresses,
        writable=entry.get("canEdit") is True,
        color=color.lower() if _COLOR.fullmatch(color) else None,
        time_zone=None,
    )


def _text(entry: Mapping[str, Any], name: str) -> str:
    found = entry.get(name)
    return found if isinstance(found, str) else ""
