"""Stored payloads → events as recurrence knows them. What cannot be read is named as a `Problem`, the rest goes on.

The payloads of a group are a master and its exceptions, or exceptions alone where the account sees no more of a series
(an invitation to one instance), or one single event. They are brought under one UID, so that they find each other.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timezone
from typing import Any

from kalends.ical.event import Event, Stamp
from kalends.ical.read import read_events
from kalends.ical.steps import Steps
from kalends.ical.values import Unreadable
from kalends.ical.zones import UTC_ZONE, Zone, known_zone
from kalends.model.occurrence import Availability, Problem
from kalends.providers.google.payload import CANCELLED

_RULE_LINE = re.compile(r"[ \t]*(?:RRULE|EXRULE|RDATE|EXDATE)[ \t]*[;:]", re.IGNORECASE | re.ASCII)
_NEVER_BLOCKING = frozenset({"workingLocation", "birthday"})
"""Event types that say where somebody is, or what day it is, and take no time. All others do, ones yet unknown too."""
_SHOWN = 60
"""Characters of a zone's name that a problem shows."""


@dataclass(slots=True)
class Reading:
    """What the payloads of a group hold: the readable events, in order, and what was wrong with the others."""

    events: list[Event] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def read_group(payloads: Sequence[bytes], floating: Zone, steps: Steps, max_events: int) -> Reading:
    """Read the items of one group. Never raises.

    `floating` is the zone of the surroundings, where the recurring ones without a zone of their own are understood.
    Payloads after the first `max_events` are not read, which is a problem of its own.
    """
    reading = Reading()
    items: list[Mapping[str, Any]] = []
    for payload in payloads[:max_events]:
        try:
            items.append(_object(payload))
        except Unreadable as error:
            reading.problems.append(Problem(None, str(error)))
    if len(payloads) > max_events:
        reading.problems.append(Problem(None, "there are more events than the limit allows; the rest is not read"))
    # a master comes first: its exceptions are understood in its zone
    items.sort(key=_is_exception)
    reader = _Reader(_uid_of(items), floating, steps, reading)
    for item in items:
        reader.read(item)
    return reading


class _Reader:
    """Reads the events of one group."""

    def __init__(self, uid: str | None, floating: Zone, steps: Steps, reading: Reading) -> None:
        self._uid = uid
        self._floating = floating
        self._steps = steps
        self._reading = reading
        self._master: Stamp | None = None

    def read(self, item: Mapping[str, Any]) -> None:
        """Add an event, or why it cannot be read, to the reading."""
        try:
            event = self._exception(item) if _is_exception(item) else self._whole(item)
        except Unreadable as error:
            self._problem(str(error))
        except OverflowError:
            self._problem("the event reaches beyond the years 1 to 9999")
        else:
            self._reading.events.append(event)

    def _problem(self, reason: str) -> None:
        problem = Problem(self._uid, reason)
        if problem not in self._reading.problems:
            self._reading.problems.append(problem)

    def _whole(self, item: Mapping[str, Any]) -> Event:
        """Return a single event, or the master of a series."""
        event = self._event(item, recurring="recurrence" in item)
        self._master = event.start
        if "recurrence" not in item:
            return event
        said = self._recurrence(item["recurrence"])
        return replace(
            event, rules=said.rules, excluded_rules=said.excluded_rules, extra=said.extra, excluded=said.excluded
        )

    def _exception(self, item: Mapping[str, Any]) -> Event:
        """Return a changed instance of a series, or one that was taken out of it and may have no times."""
        original = item.get("originalStartTime")
        if original is None:
            raise Unreadable("originalStartTime is missing")
        return replace(self._event(item, recurring=False), recurrence_id=self._original(original))

    def _event(self, item: Mapping[str, Any], *, recurring: bool) -> Event:
        cancelled = item.get("status") == CANCELLED
        start = None
        if "start" in item:
            start = self._stamp("start", item["start"], recurring=recurring)
        elif not cancelled:
            raise Unreadable("start is missing")
        return Event(
            uid=self._uid,
            start=start,
            end=self._stamp("end", item["end"], recurring=False) if start and "end" in item else None,
            title=str(item.get("summary", "")).strip(),
            availability=_availability(item),
            cancelled=cancelled,
        )

    def _recurrence(self, lines: object) -> Event:
        """Read the lines of a recurrence as those of an event in iCalendar text, which they are (RFC 5545 §3.8.5)."""
        if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
            raise Unreadable("recurrence is no list of texts")
        kept = [part for line in lines for part in line.splitlines() if _RULE_LINE.match(part)]
        text = "\n".join(
            ("BEGIN:VCALENDAR", "BEGIN:VEVENT", "DTSTART:19700101T000000Z", *kept, "END:VEVENT", "END:VCALENDAR", "")
        )
        read = read_events(text.encode(errors="replace"), max_events=1, steps=self._steps)
        if not read.events:
            raise Unreadable(next((problem.reason for problem in read.problems), "recurrence cannot be read"))
        for problem in read.problems:
            self._problem(problem.reason)
        return read.events[0]

    def _stamp(self, name: str, given: Mapping[str, Any], *, recurring: bool) -> Stamp:
        """Read a start or an end: a date, or an instant with the zone in whose wall time it is understood.

        A series without a zone is understood where the surroundings are. A time of an hour that happens twice is in a
        series the first of the two, as for its rule, and else (`fold`) the one that the offset names. A time without an
        offset is wall time.
        """
        moment = _moment(name, given)
        if isinstance(moment, date) and not isinstance(moment, datetime):
            return Stamp(datetime.combine(moment, time()), is_date=True)
        zone = self._zone(given.get("timeZone"))
        offset = moment.utcoffset()
        if offset is None:
            return Stamp(moment, zone=zone)
        if recurring:
            return Stamp((zone or self._floating).wall(moment).replace(fold=0), zone=zone)
        zone = zone or (Zone(timezone(offset)) if offset else UTC_ZONE)
        return Stamp(zone.wall(moment), zone=zone)

    def _original(self, given: Mapping[str, Any]) -> Stamp:
        """Read where a series had put an instance: as wall time of the series, as its rule would."""
        stamp = self._stamp("originalStartTime", given, recurring=True)
        if stamp.is_date or self._master is None or self._master.is_date or stamp.zone == self._master.zone:
            return stamp
        instant = (stamp.zone or self._floating).instant(stamp.wall)
        return Stamp((self._master.zone or self._floating).wall(instant).replace(fold=0), zone=self._master.zone)

    def _zone(self, name: object) -> Zone | None:
        if not isinstance(name, str) or not name.strip():
            return None
        zone = known_zone(name)
        if zone is None:
            shown = " ".join(name[:_SHOWN].split())
            self._problem(f"the time zone {shown!r} is not known; its times are read as times without a zone")
        return zone


def _object(payload: bytes) -> Mapping[str, Any]:
    try:
        item = json.loads(payload)
    except (ValueError, RecursionError):
        item = None
    if not isinstance(item, dict):
        raise Unreadable("the payload is no JSON object")
    return item


def _is_exception(item: Mapping[str, Any]) -> bool:
    return bool(item.get("recurringEventId"))


def _uid_of(items: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the UID of a group: the master's, else the first that an exception has, else an id."""
    for name in ("iCalUID", "recurringEventId", "id"):
        for item in items:
            if isinstance(uid := item.get(name), str) and uid:
                return uid
    return None


def _moment(name: str, given: Mapping[str, Any]) -> datetime | date:
    """Read a `date`, or a `dateTime` (RFC 3339) to the second. Raises `Unreadable`."""
    day, instant = (given.get(part) if isinstance(given, dict) else None for part in ("date", "dateTime"))
    read: datetime | date | None = None
    try:
        if isinstance(instant, str):
            read = datetime.fromisoformat(instant).replace(microsecond=0)
        elif isinstance(day, str):
            read = date.fromisoformat(day)
    except ValueError:
        raise Unreadable(f"{name} is not a date or time") from None
    if read is None:
        raise Unreadable(f"{name} is neither a date nor a time")
    return read


def _availability(item: Mapping[str, Any]) -> Availability:
    """Judge in the order declined, free, tentative, busy: the earlier word frees the person's time more surely.

    An invitation that nobody has answered blocks as one that was accepted: the time is asked for.
    """
    answer = item.get("ownAnswer")
    if answer == "declined":
        return Availability.DECLINED
    if item.get("transparency") == "transparent" or item.get("eventType") in _NEVER_BLOCKING:
        return Availability.FREE
    if "tentative" in (answer, item.get("status")):
        return Availability.TENTATIVE
    return Availability.BUSY
