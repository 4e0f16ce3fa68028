"""Kept events → the resources that Google's clients read."""

from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from kalends.ical.zones import Zone
from kalends.sandbox.google.kept import KeptEvent
from kalends.sandbox.google.recurring import Instance, instance_id
from kalends.sandbox.google.state import ROLES, Calendar
from kalends.sandbox.google.times import write_millis, write_stamp

_TRIMMED = ("transparency", "eventType", "recurrence")
_PRIVATE = frozenset({"private", "confidential"})


@dataclass(frozen=True, slots=True)
class View:
    """How somebody sees the events of a calendar: in a zone, with a role, and with so many attendees of each at most.

    Without `details` a deleted event is only its id.
    """

    calendar: Calendar
    zone: Zone
    role: str
    max_attendees: int | None = None
    details: bool = True

    def render(self, event: KeptEvent, *, cancelled: bool = False) -> dict[str, Any]:
        """Return the event's resource; `cancelled` says that its series is gone."""
        gone = cancelled or event.cancelled
        shown: dict[str, Any] = {"kind": "calendar#event", "etag": event.etag, "id": event.id}
        shown["status"] = "cancelled" if gone else event.fields.get("status", "confirmed")
        if event.master is not None and event.original is not None:
            shown["recurringEventId"] = event.master
            shown["originalStartTime"] = write_stamp(event.original, self.zone)
        if gone and not self.details:
            return shown
        shown |= {
            "htmlLink": _link(event, self.calendar),
            "created": write_millis(event.created),
            "updated": write_millis(event.updated),
            "start": write_stamp(event.start, self.zone),
            "end": write_stamp(event.end, self.zone),
            "iCalUID": event.uid,
            "sequence": event.fields.get("sequence", 0),
            "eventType": event.fields.get("eventType", "default"),
        }
        if self._sees_only_times(event):
            trimmed = {name: event.fields[name] for name in _TRIMMED if name in event.fields}
            return {**shown, **trimmed, "visibility": "private"}
        return {**event.fields, **self._people(event), **shown}

    def _sees_only_times(self, event: KeptEvent) -> bool:
        if self.role == "freeBusyReader":
            return True
        hidden = event.fields.get("visibility") in _PRIVATE
        return hidden and ROLES.index(self.role) < ROLES.index("writer")

    def _people(self, event: KeptEvent) -> dict[str, Any]:
        people: dict[str, Any] = {}
        for role in ("creator", "organizer"):
            person = event.fields[role]
            people[role] = {**person, "self": True} if person.get("email") == self.calendar.id else person
        attendees = event.fields.get("attendees")
        if not attendees:
            return people
        organizer = event.fields["organizer"].get("email")
        marked = [_marked(one, organizer, self.calendar.id) for one in attendees]
        if self.max_attendees is not None and len(marked) > self.max_attendees:
            people["attendeesOmitted"] = True
            marked = [one for one in marked if "self" in one]
        return {**people, "attendees": marked}


def as_events(series: KeptEvent, found: Iterable[Instance]) -> Iterator[KeptEvent]:
    """Yield instances of a series as events of their own, such as they are while nobody has changed them."""
    fields = {name: value for name, value in series.fields.items() if name != "recurrence"}
    for start, end, begins, ends in found:
        yield KeptEvent(
            id=instance_id(series.id, start),
            fields=fields,
            start=start,
            end=end,
            begins=begins,
            ends=ends,
            created=series.created,
            updated=series.updated,
            change=series.change,
            cancelled=series.cancelled,
            master=series.id,
            original=start,
            hull=(begins, ends),
        )


def _marked(attendee: dict[str, Any], organizer: str | None, calendar_id: str) -> dict[str, Any]:
    marks = {"self": attendee["email"] == calendar_id, "organizer": attendee["email"] == organizer}
    return {**attendee, **{name: True for name, true in marks.items() if true}}


def _link(event: KeptEvent, calendar: Calendar) -> str:
    named = urlsafe_b64encode(f"{event.id} {calendar.id}".encode()).decode().rstrip("=")
    return f"https://www.google.com/calendar/event?eid={named}"
