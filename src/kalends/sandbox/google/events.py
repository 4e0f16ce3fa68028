"""Writing events: insert, import, patch, update, delete, move and clear, and finding the one that is meant.

What Google's documents leave open is decided thus:

* An instance that nobody changed has an id all the same; changing or deleting it makes an exception, which is a copy of
  its series from then on.
* A deleted series takes its exceptions out of every listing without a word about them; restoring it (`status` set back)
  brings them back.
* When start, end or rule of a series change, exceptions stay whose original start the new rule still makes; the others
  are cancelled.
* Guests are not sent anything: no event appears in another account's calendar by itself.
"""

import re
import secrets
from base64 import b32hexencode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from kalends.ical.event import Stamp
from kalends.sandbox.google.errors import (
    Refused,
    condition_not_met,
    deleted,
    duplicate,
    invalid,
    not_found,
    required,
)
from kalends.sandbox.google.fields import check_type, checked, patched
from kalends.sandbox.google.kept import KeptEvent
from kalends.sandbox.google.recurring import check_recurrence, extent, instance_at, split_id
from kalends.sandbox.google.rendering import as_events
from kalends.sandbox.google.state import Calendar, State, events_of
from kalends.sandbox.google.times import instant_of, read_stamp, write_stamp

_ID = re.compile(r"[0-9a-v]{5,1024}", re.ASCII)
_KEPT_BY_UPDATES = ("iCalUID", "creator", "organizer", "eventType")
_BELOW = (
    "Invalid sequence value. The specified sequence number is below the current sequence number of the resource. "
    "Re-fetch the resource and use its sequence number on the following request."
)


@dataclass(frozen=True, slots=True)
class EventWriter:
    """Writes events of one calendar on behalf of `email`, who may do so."""

    state: State
    calendar: Calendar
    email: str

    def insert(self, body: Mapping[str, Any]) -> KeptEvent:
        """Make an event; raises `Refused`, for an id that was ever used as for anything else."""
        event_id = body.get("id")
        if event_id is None:
            event_id = b32hexencode(secrets.token_bytes(16)).decode().lower().rstrip("=")
        elif not isinstance(event_id, str) or _ID.fullmatch(event_id) is None:
            raise invalid("Invalid resource id value.", "id")
        if self.calendar.events.get(event_id) is not None:
            raise duplicate()
        uid = body.get("iCalUID") or f"{event_id}@google.com"
        if not isinstance(uid, str):
            raise invalid("Invalid iCalUID value.", "iCalUID")
        other = self.calendar.events.with_uid(uid)
        if other is not None and not other.cancelled:
            raise duplicate()
        return self._make(event_id, uid, body, self._organizer())

    def import_(self, body: Mapping[str, Any]) -> KeptEvent:
        """Take over a copy of an event of elsewhere; one that has its iCalUID, deleted or not, is replaced."""
        uid = body.get("iCalUID")
        if not isinstance(uid, str) or not uid:
            raise required("Missing iCalUID.", "iCalUID")
        organizer = body.get("organizer")
        imported = {**body, "eventType": "default"}
        before = self.calendar.events.with_uid(uid)
        given = organizer if isinstance(organizer, dict) and organizer.get("email") else self._organizer()
        organizer = {name: given[name] for name in ("email", "displayName") if isinstance(given.get(name), str)}
        if before is None:
            event_id = "_" + b32hexencode(secrets.token_bytes(16)).decode().lower().rstrip("=")
            return self._make(event_id, uid, imported, organizer)
        fields = {**checked(imported), "iCalUID": uid, "creator": before.fields["creator"], "organizer": organizer}
        return self._replace(before, fields, *self._times(imported))

    def find(self, event_id: str) -> KeptEvent:
        """Return an event, or an instance that nobody has changed; raises `Refused` where there is neither."""
        event = self.calendar.events.get(event_id)
        if event is not None and not event.dropped:
            return event
        parts = split_id(event_id)
        series = self.calendar.events.get(parts[0]) if parts else None
        if parts is None or series is None or not series.is_series:
            if event is not None:
                return event
            raise not_found()
        instance = instance_at(series, self.calendar.zone, parts[1])
        if instance is None and event is not None:
            return event
        if instance is None:
            raise not_found()
        return next(as_events(series, [instance]))

    def is_gone(self, event: KeptEvent) -> bool:
        """Tell whether an event is deleted, or its series is."""
        series = None if event.master is None else self.calendar.events.get(event.master)
        return event.cancelled or (series is not None and series.cancelled)

    def patch(self, event_id: str, body: Mapping[str, Any], if_match: str | None = None) -> KeptEvent:
        """Change the fields that the body names."""
        before = self._changeable(event_id, if_match)
        times = {
            name: write_stamp(stamp, stamp.zone or self.calendar.zone)
            for name, stamp in (("start", before.start), ("end", before.end))
        }
        if any(name in body for name in times):
            times = patched(times, {name: body[name] for name in times if name in body})
        whole = {**times, **patched(dict(before.fields), {k: v for k, v in body.items() if k not in times})}
        fields = {**checked(whole), **{name: before.fields[name] for name in ("iCalUID", "creator", "organizer")}}
        fields["sequence"] = _sequence(body, before)
        if before.cancelled and not body.get("status"):
            fields["status"] = "cancelled"
        return self._replace(before, fields, *self._times(whole))

    def update(self, event_id: str, body: Mapping[str, Any], if_match: str | None = None) -> KeptEvent:
        """Replace the event with what the body says."""
        before = self._changeable(event_id, if_match)
        kept = {name: before.fields[name] for name in _KEPT_BY_UPDATES if name in before.fields}
        fields = {**kept, **checked(body), "sequence": _sequence(body, before)}
        return self._replace(before, fields, *self._times(body))

    def delete(self, event_id: str, if_match: str | None = None) -> KeptEvent:
        """Delete an event, a series with all its exceptions, or one instance; raises `Refused` where it is gone."""
        event = self._changeable(event_id, if_match)
        if self.is_gone(event):
            raise deleted()
        return self._cancel(event)

    def move(self, event_id: str, destination: "EventWriter") -> KeptEvent:
        """Take an event to another calendar, which becomes its organizer; a deleted one of that id is left behind."""
        event = self._changeable(event_id, None)
        if self.is_gone(event):
            raise deleted()
        if event.master is not None:
            raise Refused(400, "cannotChangeOrganizerOfInstance", "Cannot change the organizer of an instance.")
        if event.fields.get("eventType", "default") != "default":
            raise Refused(400, "eventTypeRestriction", "Only default events can be moved.", domain="calendar")
        there = destination.calendar.events.get(event.id)
        if there is not None and not there.cancelled:
            raise duplicate()
        organizer = destination._organizer()  # noqa: SLF001 - another of this class
        exceptions = [one for one in self.calendar.events.exceptions(event.id) if not one.dropped]
        for one in (event, *exceptions):
            moved = replace(one, fields={**one.fields, "organizer": organizer}, hull=None, former=())
            destination._put(moved)  # noqa: SLF001 - another of this class
        self._cancel(event)
        return destination.find(event.id)

    def place_again(self) -> None:
        """See where the events lie now that the calendar has another zone: whole days begin at its midnight."""
        for event in list(self.calendar.events):
            if event.start.is_date:
                placed = self._placed(event)
                low, high = event.hull or (placed.begins, placed.ends)
                hull = (min(low, placed.begins), max(high, placed.ends))
                self.calendar.events.place(replace(placed, hull=hull))

    def clear(self) -> None:
        """Delete all events of a primary calendar; raises `Refused` for others."""
        if not self.calendar.primary:
            raise invalid("Only primary calendars can be cleared.", "calendarId")
        for event in [one for one in self.calendar.events if one.master is None and not one.cancelled]:
            self._cancel(event)

    def _make(self, event_id: str, uid: str, body: Mapping[str, Any], organizer: dict[str, Any]) -> KeptEvent:
        start, end = self._times(body)
        fields = {**checked(body), "iCalUID": uid, "creator": {"email": self.email}, "organizer": organizer}
        self._check(fields, start, end, new=True)
        fields.setdefault("reminders", {"useDefault": True})
        now = self.state.now()
        status = fields.get("status", "confirmed")
        event = KeptEvent(event_id, fields, start, end, now, now, now, now, cancelled=status == "cancelled")
        return self._put(self._placed(event))

    def _replace(self, before: KeptEvent, fields: dict[str, Any], start: Stamp, end: Stamp) -> KeptEvent:
        if fields.get("eventType", "default") != before.fields.get("eventType", "default"):
            raise Refused(400, "eventTypeRestriction", "Event type cannot be changed.", domain="calendar")
        if before.master is not None:
            fields.pop("recurrence", None)
            if self.is_gone(before) and not before.cancelled:
                raise deleted()
        self._check(fields, start, end, new=False)
        if fields.get("status") == "cancelled":
            return before if self.is_gone(before) else self._cancel(before)
        moved = (start, end, tuple(fields.get("recurrence", ()))) != (before.start, before.end, before.recurrence)
        sequence = before.fields.get("sequence", 0)
        fields["sequence"] = max(fields.get("sequence", 0), sequence + 1 if moved else sequence)
        event = self._put(self._placed(replace(before, fields=fields, start=start, end=end, cancelled=False)))
        if before.master is None and (moved or before.cancelled):
            self._settle_exceptions(event)
        return event

    def _settle_exceptions(self, event: KeptEvent) -> None:
        """Keep the exceptions that the series still makes, with a new version that tells so, and cancel the others."""
        for one in self.calendar.events.exceptions(event.id):
            point = one.id.removeprefix(f"{event.id}_")
            stays = event.is_series and instance_at(event, self.calendar.zone, point) is not None
            if not one.dropped:
                self._put(replace(one, cancelled=one.cancelled or not stays, dropped=not stays))

    def _cancel(self, event: KeptEvent) -> KeptEvent:
        return self._put(replace(event, cancelled=True, updated=self.state.now()))

    def _put(self, event: KeptEvent) -> KeptEvent:
        event = self.calendar.events.put(replace(event, change=self.state.tick(), updated=self.state.now()))
        self.state.tell(events_of(self.calendar))
        return event

    def _placed(self, event: KeptEvent) -> KeptEvent:
        begins, ends = extent(event.start, event.end, event.recurrence, self.calendar.zone)
        return replace(event, begins=begins, ends=ends)

    def _changeable(self, event_id: str, if_match: str | None) -> KeptEvent:
        event = self.find(event_id)
        if if_match is not None and if_match not in {"*", event.etag}:
            raise condition_not_met()
        return event

    def _times(self, body: Mapping[str, Any]) -> tuple[Stamp, Stamp]:
        zone = self.calendar.zone
        end = read_stamp(body.get("end"), "end", zone)
        start = read_stamp(body.get("start"), "start", zone)
        if body.get("recurrence") and not start.is_date and not body["start"].get("timeZone"):
            raise required("Missing time zone definition for start time.", "start")
        return start, end

    def _check(self, fields: Mapping[str, Any], start: Stamp, end: Stamp, *, new: bool) -> None:
        if start.is_date != end.is_date:
            raise invalid("Start and end times must either both be date or both be dateTime.", "end")
        begins, ends = (instant_of(one, self.calendar.zone) for one in (start, end))
        if ends < begins or (start.is_date and ends == begins):
            raise Refused(400, "timeRangeEmpty", "The specified time range is empty.", domain="calendar")
        if fields.get("recurrence"):
            check_recurrence(fields["recurrence"], start)
        check_type(fields, all_day=start.is_date, primary=self.calendar.primary, new=new)

    def _organizer(self) -> dict[str, Any]:
        if self.calendar.primary:
            return {"email": self.calendar.id}
        return {"email": self.calendar.id, "displayName": self.calendar.summary}


def _sequence(body: Mapping[str, Any], before: KeptEvent) -> int:
    current = int(before.fields.get("sequence", 0))
    given = body.get("sequence")
    if given is None:
        return current
    if not isinstance(given, int) or given < current:
        raise invalid(_BELOW, "sequence")
    return given
