"""Changing events: what a request says becomes a new version, and whoever listens is told."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from kalends.sandbox.microsoft.errors import GraphRefused, access_denied, bad_property, not_found
from kalends.sandbox.microsoft.fields import checked, read_properties
from kalends.sandbox.microsoft.ids import EventId
from kalends.sandbox.microsoft.kept import KeptEvent, Occurrence
from kalends.sandbox.microsoft.patterns import read_series
from kalends.sandbox.microsoft.state import Calendar, State, Told
from kalends.sandbox.microsoft.times import Moment, read_moment

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class EventWriter:
    """Changes the events of a calendar. `trusted` lets it write what only others do to an event; see `fields`."""

    state: State
    calendar: Calendar
    trusted: bool = False

    def create(self, body: Mapping[str, Any]) -> KeptEvent:
        """Make an event; raises `GraphRefused`. A `transactionId` that is remembered is another's; see `Oddities`."""
        self._check_edit()
        fields = checked(body, new=True, trusted=self.trusted)
        known = self._of_transaction(fields.get("transactionId"))
        if known is not None:
            return known
        if body.get("start") is None or body.get("end") is None:
            raise bad_property("start" if body.get("start") is None else "end", "is missing")
        now, key = self.state.now(), secrets.token_bytes(8)
        properties = read_properties(body.get("singleValueExtendedProperties") or [])
        event = KeptEvent(
            key=key,
            fields=fields,
            start=read_moment(body["start"], "start"),
            end=read_moment(body["end"], "end"),
            all_day=_flag(body.get("isAllDay"), usual=False),
            created=now,
            updated=now,
            change=0,
            properties={name: value for name, value in properties.items() if value is not None},
        )
        event = _placed(event, body.get("recurrence"))
        if fields.get("transactionId"):
            self.calendar.mailbox.transactions[fields["transactionId"]] = (now, key)
        return self._keep(event, "created")

    def change(self, event: KeptEvent, day: date | None, body: Mapping[str, Any]) -> KeptEvent:
        """Change an event, or the occurrence of a series on a day, and return it; raises `GraphRefused`."""
        self._check_edit()
        return self._change_whole(event, body) if day is None else self._change_occurrence(event, day, body)

    def delete(self, event: KeptEvent, day: date | None) -> None:
        """Delete an event, or the occurrence of a series on a day; raises `GraphRefused`."""
        self._check_edit()
        change = self.state.tick()
        if day is None:
            self.calendar.events.delete(event.key, change)
        else:
            occurrence_of(event, day)
            rest = {one: kept for one, kept in event.exceptions.items() if one != day}
            self.calendar.events.put(replace(event, cancelled=event.cancelled | {day}, exceptions=rest), change)
        self.state.tell(Told(self.calendar.events, "deleted", event.key, day, change))

    def _change_whole(self, event: KeptEvent, body: Mapping[str, Any]) -> KeptEvent:
        changed = self._patched(event, body)
        kept = None if event.series is None else _moved(event.series.shown, event.start, changed.start)
        recurrence = body.get("recurrence", kept)
        changed = _placed(changed, recurrence)
        place = (changed.start, changed.end, changed.all_day, changed.series)
        if place != (event.start, event.end, event.all_day, event.series):
            # another rule makes other days: nothing is left of what was changed on the old ones
            changed = replace(changed, cancelled=frozenset(), exceptions={})
        return self._keep(changed, "updated")

    def _change_occurrence(self, master: KeptEvent, day: date, body: Mapping[str, Any]) -> KeptEvent:
        before = occurrence_of(master, day)
        if body.get("recurrence") is not None:
            raise bad_property("recurrence", "cannot be that of an occurrence")
        if isinstance(before, Occurrence):
            before = replace(
                master,
                start=before.start,
                end=before.end,
                series=None,
                cancelled=frozenset(),
                exceptions={},
                original=day,
                created=master.created,
            )
        changed = _placed(self._patched(before, body), None)
        _check_neighbours(master, changed, day)
        changed = replace(changed, change=self.state.tick(), updated=self.state.now())
        exceptions = {**master.exceptions, day: changed}
        self.calendar.events.put(replace(master, exceptions=exceptions), changed.change)
        self.state.tell(Told(self.calendar.events, "updated", master.key, day, changed.change))
        return changed

    def _patched(self, event: KeptEvent, body: Mapping[str, Any]) -> KeptEvent:
        fields = checked(body, new=False, trusted=self.trusted)
        properties = dict(event.properties)
        for name, value in read_properties(body.get("singleValueExtendedProperties") or []).items():
            if value is None:
                properties.pop(name, None)
            else:
                properties[name] = value
        start = read_moment(body["start"], "start") if body.get("start") is not None else event.start
        end = read_moment(body["end"], "end") if body.get("end") is not None else event.end
        all_day = _flag(body.get("isAllDay"), usual=event.all_day)
        return replace(
            event, fields={**event.fields, **fields}, start=start, end=end, all_day=all_day, properties=properties
        )

    def _keep(self, event: KeptEvent, kind: str) -> KeptEvent:
        kept = replace(event, change=self.state.tick(), updated=self.state.now())
        self.calendar.events.put(kept, kept.change)
        self.state.tell(Told(self.calendar.events, kind, kept.key, None, kept.change))
        return kept

    def _of_transaction(self, transaction: str | None) -> KeptEvent | None:
        """Return the event that a transaction made, while it is remembered; raises `GraphRefused`, unless switched."""
        odd, mailbox, now = self.state.oddities, self.calendar.mailbox, self.state.now()
        if not transaction:
            return None
        life = timedelta(seconds=odd.transaction_seconds)
        mailbox.transactions = {name: one for name, one in mailbox.transactions.items() if now - one[0] < life}
        found = mailbox.transactions.get(transaction)
        event = self.calendar.events.get(found[1]) if found else None
        if event is not None and odd.duplicate_transaction != "existing":
            made = EventId(mailbox.key, event.key).written(self.calendar.key, immutable=False)
            raise GraphRefused(
                int(odd.duplicate_transaction),
                "ErrorDuplicateTransactionId",
                "The transactionId was used for creating another event.",
                more={"@event.existingEventId": made},
            )
        return event

    def _check_edit(self) -> None:
        if not self.calendar.can_edit and not self.trusted:
            raise access_denied()


def occurrence_of(master: KeptEvent, day: date) -> Occurrence | KeptEvent:
    """Return the occurrence or exception of a series on a day; raises `GraphRefused` where it has none."""
    exception = master.exceptions.get(day)
    found = exception or (None if day in master.cancelled else master.occurrence_on(day))
    if found is None:
        raise not_found()
    return found


def _placed(event: KeptEvent, recurrence: object) -> KeptEvent:
    """Return the event with its series, whose first occurrence it starts with; raises `GraphRefused`."""
    _check_times(event)
    if recurrence is None:
        return replace(event, series=None)
    series = read_series(recurrence, event.start)
    first = event.occurrence(series.first(event.start.wall))
    return replace(event, series=series.beginning(first.day), start=first.start, end=first.end)


def _check_times(event: KeptEvent) -> None:
    if event.all_day:
        if not (event.start.is_midnight and event.end.is_midnight):
            raise bad_property("isAllDay", "goes with a start and an end at midnight only")
        if event.start.zone.name != event.end.zone.name:
            raise bad_property("isAllDay", "goes with a start and an end in one time zone only")
        if event.end.wall - event.start.wall < _DAY:
            raise bad_property("isAllDay", "goes with a day at least")
    elif event.ends < event.begins:
        raise bad_property("end", "lies before the start")


def _moved(shown: Mapping[str, Any], before: Moment, after: Moment) -> Mapping[str, Any]:
    """Return a recurrence that begins on another day, since its event does."""
    if before.wall.date() == after.wall.date():
        return shown
    return {**shown, "range": {**shown["range"], "startDate": after.wall.date().isoformat()}}


def _check_neighbours(master: KeptEvent, changed: KeptEvent, day: date) -> None:
    """See that a changed occurrence stays between those before and after it; raises `GraphRefused`."""
    slack = timedelta(days=400)
    begins = datetime.combine(day, master.start.wall.time())
    own = master.start.zone.instant(begins)
    others = [
        one
        for one in master.instances(min(own, changed.begins) - slack, max(own, changed.ends) + slack)
        if _day(one) != day
    ]
    before = max((one for one in others if _day(one) < day), key=_day, default=None)
    after = min((one for one in others if _day(one) > day), key=_day, default=None)
    on = changed.start.on(changed.begins).wall.date()
    crosses = (before is not None and (changed.begins < before.ends or on <= before.start.wall.date())) or (
        after is not None and (changed.ends > after.begins or on >= after.start.wall.date())
    )
    if crosses:
        text = "Modified occurrence is crossing or overlapping adjacent occurrence."
        raise GraphRefused(400, "ErrorOccurrenceCrossingBoundary", text)


def _day(one: Occurrence | KeptEvent) -> date:
    day = one.day if isinstance(one, Occurrence) else one.original
    return day or one.start.wall.date()


def _flag(value: object, *, usual: bool) -> bool:
    if value is None:
        return usual
    if not isinstance(value, bool):
        raise bad_property("isAllDay")
    return value
