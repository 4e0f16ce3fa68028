"""Events and calendars as Graph shows them."""

from base64 import b64encode
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

from kalends.sandbox.microsoft.fields import DEFAULTS, plain
from kalends.sandbox.microsoft.ids import EventId
from kalends.sandbox.microsoft.kept import KeptEvent, Occurrence
from kalends.sandbox.microsoft.preferences import Preferences
from kalends.sandbox.microsoft.state import COLOURS, Calendar
from kalends.sandbox.microsoft.times import write_instant, write_moment, write_second, write_wall

_PREVIEW = 255
_UID = "040000008200E00074C5B7101A82E008"
_BASIC = frozenset({"body", "bodyPreview"})
_NEVER = "0001-01-01T00:00:00Z"


@dataclass(frozen=True)
class View:
    """How events of a calendar are shown: to whom, and as they prefer it.

    `expanded` are the ids of extended properties that are shown; `basic` leaves out what `Calendars.ReadBasic` does not
    open. `selected` None shows all properties.
    """

    calendar: Calendar
    prefers: Preferences
    expanded: Collection[str] = ()
    selected: Collection[str] | None = None
    basic: bool = False

    def event(self, event: KeptEvent) -> dict[str, Any]:
        """Return a single event, a master, or an exception."""
        return self._shown(event, event, event.original)

    def occurrence(self, one: Occurrence) -> dict[str, Any]:
        """Return an occurrence, which has everything but its times from its master."""
        return self._shown(one.master, one, one.day)

    def instance(self, one: Occurrence | KeptEvent) -> dict[str, Any]:
        """Return an occurrence or any other event."""
        return self.occurrence(one) if isinstance(one, Occurrence) else self.event(one)

    def slim(self, one: Occurrence) -> dict[str, Any]:
        """Return an occurrence as delta shows it."""
        return {
            "@odata.type": "#microsoft.graph.event",
            "@odata.etag": etag_of(one.master.change),
            "id": self.id(one.master.key, one.day),
            "seriesMasterId": self.id(one.master.key, None),
            "type": "occurrence",
            **self._times(one.master, one),
        }

    def id(self, item: bytes, day: date | None) -> str:
        """Return the id of an event in this calendar, of the kind that is preferred."""
        named = EventId(self.calendar.mailbox.key, item, day=day)
        return named.written(self.calendar.key, immutable=self.prefers.immutable_ids)

    def _shown(self, event: KeptEvent, placed: KeptEvent | Occurrence, day: date | None) -> dict[str, Any]:
        shown = {
            "@odata.etag": etag_of(event.change),
            "id": self.id(event.key, day),
            **{name: value for name, value in self._all(event, placed, day).items() if self._is_selected(name)},
        }
        held = [{"id": one, "value": event.properties[one]} for one in self.expanded if one in event.properties]
        return {**shown, "singleValueExtendedProperties": held} if held else shown

    def _is_selected(self, name: str) -> bool:
        return (self.selected is None or name in self.selected) and not (self.basic and name in _BASIC)

    def _all(self, event: KeptEvent, placed: KeptEvent | Occurrence, day: date | None) -> dict[str, Any]:
        fields = {**DEFAULTS, **event.fields}
        owner = self.calendar.owner
        organizer = {"emailAddress": {"name": owner.name, "address": owner.email}}
        kind = "occurrence" if isinstance(placed, Occurrence) else "exception" if day else "singleInstance"
        if day is None and event.series is not None:
            kind = "seriesMaster"
        event_id = self.id(event.key, day)
        return {
            "createdDateTime": write_instant(event.created),
            "lastModifiedDateTime": write_instant(event.updated),
            "changeKey": change_key(event.change),
            "originalStartTimeZone": event.start.name,
            "originalEndTimeZone": event.end.name,
            "iCalUId": uid(event.key, day),
            "hasAttachments": False,
            "isCancelled": False,
            "isOrganizer": True,
            "isDraft": False,
            **fields,
            "body": self._body(fields["body"]),
            "bodyPreview": plain(fields["body"]["content"])[:_PREVIEW],
            "organizer": fields.get("organizer", organizer),
            "responseStatus": fields.get("responseStatus", {"response": "organizer", "time": _NEVER}),
            "isAllDay": event.all_day,
            "seriesMasterId": self.id(event.key, None) if day else None,
            "type": kind,
            "recurrence": dict(event.series.shown) if kind == "seriesMaster" and event.series else None,
            "onlineMeeting": None,
            "onlineMeetingUrl": None,
            "webLink": f"https://outlook.office365.com/owa/?itemid={event_id}&exvsurl=1&path=/calendar/item",
            **({"occurrenceId": f"OID.{self.id(event.key, None)}.{day.isoformat()}"} if day else {}),
            **({"originalStart": write_second(self._original(event, day))} if day else {}),
            **self._times(event, placed),
        }

    def _original(self, event: KeptEvent, day: date) -> Any:
        master = self.calendar.events.get(event.key) or event
        found = master.occurrence_on(day)
        return found.begins if found else event.begins

    def _times(self, event: KeptEvent, placed: KeptEvent | Occurrence) -> dict[str, Any]:
        if event.all_day:
            # days are days: they are shown at midnight in whatever zone is preferred
            name = self.prefers.zone_name
            return {"start": write_wall(placed.start.wall, name), "end": write_wall(placed.end.wall, name)}
        zone, name = self.prefers.zone, self.prefers.zone_name
        return {"start": write_moment(placed.begins, zone, name), "end": write_moment(placed.ends, zone, name)}

    def _body(self, body: dict[str, str]) -> dict[str, str]:
        if self.prefers.text_bodies:
            return {"contentType": "text", "content": plain(body["content"])}
        return body


def change_key(change: int) -> str:
    """Return what identifies the version that a change has made."""
    return b64encode(b"kalends-sandbox-" + change.to_bytes(8, "big")).decode()


def etag_of(change: int) -> str:
    """Return the entity tag of what a change has made."""
    return f'W/"{change_key(change)}"'


def render_calendar(calendar: Calendar) -> dict[str, Any]:
    """Return the resource of a calendar."""
    own = calendar.owner == calendar.mailbox.user
    return {
        "id": calendar.id,
        "name": calendar.name,
        "color": calendar.color,
        "hexColor": COLOURS[calendar.color],
        "isDefaultCalendar": calendar.default,
        "changeKey": change_key(calendar.change),
        "canShare": own and calendar.can_edit,
        "canViewPrivateItems": own,
        "canEdit": calendar.can_edit,
        "allowedOnlineMeetingProviders": ["teamsForBusiness"],
        "defaultOnlineMeetingProvider": "teamsForBusiness",
        "isTallyingResponses": calendar.default,
        "isRemovable": calendar.removable,
        "owner": {"name": calendar.owner.name, "address": calendar.owner.email},
    }


def uid(key: bytes, day: date | None) -> str:
    """Return an event's iCalUId, which in a series tells the days of its occurrences apart."""
    on = "00000000" if day is None else f"{day.year:04X}{day.month:02X}{day.day:02X}"
    return f"{_UID}{on}{'0' * 32}10000000{key.hex().upper()}"
