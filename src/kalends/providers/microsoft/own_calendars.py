"""Calendars that are made for copies, and found again by a marker.

A calendar has no description at Graph. What nobody sees or changes in Outlook, and what goes into the calendar with the
very request that makes it, is an extended property; calendars are filtered by them as events are ("Create single-value
extended property", "Get singleValueLegacyExtendedProperty"). The id in the answer need not be the one that the calendar
is listed with: so it is looked up again.
"""

from kalends.model.calendar import ExternalCalendar
from kalends.providers.errors import CalendarGone, CursorRefused, NotSupported, Unavailable
from kalends.providers.export import CalendarRefused, CopyThere
from kalends.providers.microsoft.calendars import list_calendars
from kalends.providers.microsoft.client import GraphApi
from kalends.providers.microsoft.tags import MARKER_PROPERTY, holds

_LONGEST_NAME = 200
_MOST_NAMES = 20
"""How many calendars of one name there may be before ours."""


async def find(api: GraphApi, addresses: frozenset[str], marker: str) -> ExternalCalendar | None:
    """Return the calendar that carries a marker, None where there is none."""
    found = await list_calendars(api, addresses, {"$filter": holds(MARKER_PROPERTY, marker)})
    return min(found, key=lambda calendar: calendar.id, default=None)


async def create(api: GraphApi, addresses: frozenset[str], name: str, marker: str) -> ExternalCalendar:
    """Make a calendar, or return the one that carries the marker; raises `CalendarRefused`, `Unavailable`.

    A mailbox has no two calendars of one name: where it is taken, a number is put behind it.
    """
    found = await find(api, addresses, marker)
    if found is not None:
        return found
    for number in range(1, _MOST_NAMES + 1):
        suffix = f" {number}" if number > 1 else ""
        body = {
            "name": name[: _LONGEST_NAME - len(suffix)] + suffix,
            "singleValueExtendedProperties": [{"id": MARKER_PROPERTY, "value": marker}],
        }
        try:
            await api.call("POST", api.url("calendars"), body)
        except CopyThere:
            continue
        except NotSupported as error:
            raise CalendarRefused(str(error), public=error.public) from None
        except (CalendarGone, CursorRefused) as error:
            raise Unavailable(str(error)) from None
        break
    else:
        raise CalendarRefused("too many calendars have that name")
    made = await find(api, addresses, marker)
    if made is None:
        raise Unavailable(f"{api.host} does not list a calendar that it has made")
    return made


async def is_empty(api: GraphApi, calendar_id: str) -> bool:
    """Tell whether a calendar holds no event; raises `CalendarGone`."""
    try:
        page = await api.get(api.url("calendars", calendar_id, "events", **{"$top": "1", "$select": "id"}))
    except CursorRefused as error:
        raise CalendarGone(str(error)) from None
    return not page.get("value") and "@odata.nextLink" not in page


async def delete(api: GraphApi, calendar_id: str) -> None:
    """Delete a calendar with all that is in it; one that is no more is fine."""
    try:
        await api.call("DELETE", api.url("calendars", calendar_id))
    except (CalendarGone, CursorRefused):
        return
