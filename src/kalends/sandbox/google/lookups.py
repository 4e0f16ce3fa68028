"""freebusy.query, settings and colors: what is only looked up."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from kalends.ical.zones import Zone
from kalends.sandbox.google.call import Call
from kalends.sandbox.google.errors import Refused, invalid, not_found, required
from kalends.sandbox.google.kept import KeptEvent, etag
from kalends.sandbox.google.listing import EventLister
from kalends.sandbox.google.state import Calendar
from kalends.sandbox.google.times import read_instant, write_offset, zone_named

_MOST_CALENDARS = 50
_PALETTE = (
    "#ac725e",
    "#d06b64",
    "#f83a22",
    "#fa573c",
    "#ff7537",
    "#ffad46",
    "#42d692",
    "#16a765",
    "#7bd148",
    "#b3dc6c",
)


def freebusy(call: Call) -> dict[str, Any]:
    """Answer freebusy.query: when the calendars are taken, as spans that do not overlap."""
    body = call.body
    since, until = (_bound(body.get(name), name) for name in ("timeMin", "timeMax"))
    if since >= until:
        raise Refused(400, "timeRangeEmpty", "The specified time range is empty.", domain="calendar")
    zone = zone_named(body.get("timeZone") or "UTC", "timeZone")
    items = body.get("items") or []
    if not isinstance(items, list) or not all(
        isinstance(one, dict) and isinstance(one.get("id"), str) for one in items
    ):
        raise invalid("Invalid items.", "items")
    if len(items) > min(body.get("calendarExpansionMax") or _MOST_CALENDARS, _MOST_CALENDARS):
        raise Refused(400, "tooManyCalendarsRequested", "Too many calendars.", domain="calendar")
    return {
        "kind": "calendar#freeBusy",
        "timeMin": write_offset(since, zone),
        "timeMax": write_offset(until, zone),
        "calendars": {one["id"]: _of_calendar(call, one["id"], since, until, zone) for one in items},
    }


def _of_calendar(call: Call, calendar_id: str, since: datetime, until: datetime, zone: Zone) -> dict[str, Any]:
    try:
        calendar = call.state.calendar(call.account, calendar_id)
    except Refused as refused:
        return {"errors": [{"domain": refused.domain, "reason": refused.reason}], "busy": []}
    lister = EventLister(call.state, calendar, call.account.user.email, "freeBusyReader")
    taken = [(one.begins, one.ends) for one in lister.between(since, until) if _blocks(one, calendar)]
    return {
        "busy": [
            {"start": write_offset(max(begins, since), zone), "end": write_offset(min(ends, until), zone)}
            for begins, ends in _joined(sorted(taken))
        ]
    }


def _blocks(event: KeptEvent, calendar: Calendar) -> bool:
    if event.fields.get("transparency") == "transparent" or event.begins == event.ends:
        return False
    return not any(
        one["email"] == calendar.id and one["responseStatus"] == "declined" for one in event.fields.get("attendees", ())
    )


def _joined(spans: list[tuple[datetime, datetime]]) -> Iterator[tuple[datetime, datetime]]:
    held: tuple[datetime, datetime] | None = None
    for begins, ends in spans:
        if held is None:
            held = begins, ends
        elif begins <= held[1]:
            held = held[0], max(held[1], ends)
        else:
            yield held
            held = begins, ends
    if held is not None:
        yield held


def _bound(value: object, name: str) -> datetime:
    if not isinstance(value, str):
        raise required(f"Missing {name}.", name)
    return read_instant(value, name)


def settings_list(call: Call) -> dict[str, Any]:
    """Answer settings.list, all on one page."""
    items = [_setting(call, name) for name in sorted(call.account.settings)]
    return {"kind": "calendar#settings", "etag": etag(0), "items": items}


def settings_get(call: Call) -> dict[str, Any]:
    """Answer settings.get."""
    return _setting(call, call.path["setting"])


def _setting(call: Call, name: str) -> dict[str, Any]:
    if name not in call.account.settings:
        raise not_found()
    return {"kind": "calendar#setting", "etag": etag(0), "id": name, "value": call.account.settings[name]}


def colors(call: Call) -> dict[str, Any]:
    """Answer colors.get with a short palette."""
    palette = {
        str(number): {"background": colour, "foreground": "#1d1d1d"} for number, colour in enumerate(_PALETTE, 1)
    }
    updated = call.state.began.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"kind": "calendar#colors", "updated": updated, "calendar": palette, "event": palette}
