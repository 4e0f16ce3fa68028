"""What a copy says and when it is, in one spelling: as it is wanted, and as Graph shows it.

Bodies are kept as HTML by Exchange and come back as text, with other line ends and spaces: two are the same here where
a reader would say so. Sources: "event resource type", "dateTimeTimeZone resource type".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from tzlocal.windows_tz import tz_win

from kalends.ical.zones import Zone, known_zone
from kalends.model.copy import CopyText
from kalends.model.schedule_event import EventTimes
from kalends.providers.errors import Unavailable

FIELDS = (
    "id,type,subject,body,location,showAs,sensitivity,start,end,isAllDay,originalStart,originalStartTimeZone,attendees"
)
"""The fields of an event in which all of that is, as `$select` names them."""

_LONGEST = 255
"""Characters of a subject and of a place; Exchange cuts off the rest."""
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
"""What Exchange cannot keep: it writes everything as XML 1.0."""
_FRACTION = re.compile(r"\.\d+")


@dataclass(frozen=True, slots=True)
class Content:
    """What an event says. `start` and `end` are instants (UTC), of an all-day one naive midnights, `end` exclusive."""

    title: str
    notes: str
    location: str
    shown_as: str
    sensitivity: str
    start: datetime
    end: datetime
    all_day: bool

    @property
    def times(self) -> tuple[datetime, datetime, bool]:
        """When it is."""
        return self.start, self.end, self.all_day

    def spelled(self) -> list[str]:
        """Return the whole as texts, the same for the same content."""
        said = [self.title, self.notes, self.location, self.shown_as, self.sensitivity]
        return [*said, self.start.isoformat(), self.end.isoformat(), str(self.all_day)]

    def on(self, day: date, zone: Zone) -> "Content":
        """Return the same on another day, at the same wall times of a zone."""
        if self.all_day:
            start = datetime.combine(day, self.start.time())
            return replace(self, start=start, end=start + (self.end - self.start))
        first, last = zone.wall(self.start), zone.wall(self.end)
        start = datetime.combine(day, first.time())
        return replace(self, start=zone.instant(start), end=zone.instant(start + (last - first)))


def wanted_content(text: CopyText, times: EventTimes) -> Content:
    """Return what is wanted of an event."""
    return Content(
        title=_line(text.title),
        notes=_spelled(_notes(text)),
        location=_line(text.location),
        shown_as="busy" if text.busy else "free",
        sensitivity="private" if text.private else "normal",
        start=times.start if times.all_day else times.start_at,
        end=times.end if times.all_day else times.end_at,
        all_day=times.all_day,
    )


def held_content(event: Mapping[str, Any]) -> Content:
    """Return what an event of an answer says, asked for in UTC and with a body of text; raises `Unavailable`."""
    all_day = event.get("isAllDay") is True
    return Content(
        title=_line(_text(event, "subject")),
        notes=_spelled(_text(_object(event, "body"), "content")),
        location=_line(_text(_object(event, "location"), "displayName")),
        shown_as=_text(event, "showAs"),
        sensitivity=_text(event, "sensitivity"),
        start=_moment(event, "start", all_day=all_day),
        end=_moment(event, "end", all_day=all_day),
        all_day=all_day,
    )


def text_body(text: CopyText) -> dict[str, Any]:
    """Return what a text is in a request."""
    return {
        "subject": _flat(text.title),
        "body": {"contentType": "text", "content": _clean(_notes(text))},
        "location": {"displayName": _flat(text.location)},
        "showAs": "busy" if text.busy else "free",
        "sensitivity": "private" if text.private else "normal",
    }


def times_body(times: EventTimes, *, recurs: bool = False) -> dict[str, Any]:
    """Return what times are in a request.

    They are in their zone, by the name that Windows has for it, so that Outlook shows them in it. Where Windows' rules
    would make them other instants they are in UTC, but for a series, which has to keep its wall time.
    """
    name = zone_name(times.zone)
    zone = known_zone(name)
    wall = {"start": times.start, "end": times.end}
    instants = {"start": times.start_at, "end": times.end_at}
    if (
        not times.all_day
        and not recurs
        and (zone is None or any(zone.instant(wall[of]) != instants[of] for of in wall))
    ):
        wall, name = {of: instant.replace(tzinfo=None) for of, instant in instants.items()}, "UTC"
    said = {of: {"dateTime": at.strftime("%Y-%m-%dT%H:%M:%S"), "timeZone": name} for of, at in wall.items()}
    return {**said, "isAllDay": times.all_day}


def zone_name(zone: str) -> str:
    """Return Windows' name of an IANA zone, or itself where Windows has none: Graph takes some of those too."""
    return str(tz_win.get(zone, zone))


def zone_of(event: Mapping[str, Any]) -> Zone | None:
    """Return the zone that an event was made in, None where its name is not known."""
    return known_zone(_text(event, "originalStartTimeZone"))


def day_of(event: Mapping[str, Any], zone: Zone | None) -> date | None:
    """Return the day on which a series has an instance of its own, in the zone of the series; None without one."""
    text = _text(event, "originalStart")
    if not text or zone is None:
        return None
    instant = _read(text)
    instant = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    wall = zone.wall(instant)
    # of all-day series it may be midnight in UTC as well as in their zone
    return instant.date() if event.get("isAllDay") is True and wall.hour | wall.minute else wall.date()


def _notes(text: CopyText) -> str:
    """Return the notes with the address, for which an event has no field, in a line of its own at their end."""
    return "\n\n".join(part for part in (text.notes, text.url) if part)


def _clean(text: str) -> str:
    return _CONTROLS.sub("", text)


def _flat(text: str) -> str:
    """Return a text without line breaks, as much of it as Exchange keeps."""
    return " ".join(_clean(text).splitlines())[:_LONGEST]


def _line(text: str) -> str:
    return " ".join(_flat(text).split())


def _spelled(text: str) -> str:
    """Return a text of several lines without what gets lost, or comes to it, on its way through HTML."""
    lines = [" ".join(line.split()) for line in _clean(text).splitlines()]
    return "\n".join(line for line in lines if line)


def _moment(event: Mapping[str, Any], name: str, *, all_day: bool) -> datetime:
    said = _object(event, name)
    moment = _read(_text(said, "dateTime"))
    if all_day:
        return datetime.combine(moment.date(), datetime.min.time())
    if moment.tzinfo is not None:
        return moment.astimezone(UTC)
    zone = known_zone(_text(said, "timeZone"))
    if zone is None:
        raise Unavailable("an event is in a zone that was not asked for")
    return zone.instant(moment)


def _read(text: str) -> datetime:
    try:
        # seven digits of a second's parts are more than a datetime takes
        return datetime.fromisoformat(_FRACTION.sub("", text, count=1))
    except ValueError:
        raise Unavailable("an event is at a time that makes no sense") from None


def _object(event: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = event.get(name)
    return found if isinstance(found, dict) else {}


def _text(event: Mapping[str, Any], name: str) -> str:
    found = event.get(name)
    return found if isinstance(found, str) else ""
