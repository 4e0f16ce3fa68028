"""iCalendar text → events. Only VEVENT counts; what cannot be read is named as a `Problem` and the others go on."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import time, timedelta
from functools import cached_property
from itertools import islice
from typing import TypeVar
from urllib.parse import unquote

from kalends.ical.event import Duration, Event, ExtraStart, Stamp
from kalends.ical.lines import Component, Property, parse_components, unescaped
from kalends.ical.rules import parse_rule
from kalends.ical.steps import Steps
from kalends.ical.values import Unreadable, parse_count, parse_duration, parse_moment
from kalends.ical.vtimezone import read_zone
from kalends.ical.zones import UTC_ZONE, Zone, known_zone, likely_zone, tail_zone
from kalends.model.occurrence import Availability, Problem

T = TypeVar("T")

_MOST_VALUES = 10_000
"""Values of RDATE, and of EXDATE, that one event may have."""

_MOST_ZONES = 50
"""VTIMEZONEs of one calendar that are made into zones."""

_SHOWN = 60
"""Characters of a zone's name that a problem shows."""

_FIRST_YEAR, _LAST_YEAR = 2, 9998
"""Years in which every time has an instant in every zone."""


@dataclass(slots=True)
class Reading:
    """What a text holds: its readable events, in order, and what was wrong with the others."""

    events: list[Event] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def read_events(
    payload: bytes, *, own_addresses: frozenset[str] = frozenset(), max_events: int, steps: Steps
) -> Reading:
    """Read the events of an iCalendar text. Never raises.

    `own_addresses` (lower case) are those by which invitations know the person. Events after the first `max_events`
    are not read, which is a problem of its own; so is a VCALENDAR without its end, whose complete events are read. A
    text without any VCALENDAR or VEVENT that is not blank is no iCalendar, and a problem too. Zones that the text
    describes draw on `steps` when they are used.
    """
    reading = Reading()
    root = parse_components(payload)
    if not root.children and payload.strip():
        reading.problems.append(Problem(None, "the text is not iCalendar"))
    left = max_events
    for calendar in (root, *(child for child in root.children if child.name == "VCALENDAR")):
        found = [child for child in calendar.children if child.name == "VEVENT"]
        if len(found) > left:
            reading.problems.append(Problem(None, "there are more events than the limit allows; the rest is not read"))
        _Reader(calendar, own_addresses, reading, steps).read(found[:left])
        if not calendar.closed:
            reading.problems.append(Problem(None, "END:VCALENDAR is missing; the text may be cut off"))
        left -= min(left, len(found))
    return reading


class _Reader:
    """Reads the events of one VCALENDAR, whose VTIMEZONEs are in force there and nowhere else."""

    def __init__(self, calendar: Component, own_addresses: frozenset[str], reading: Reading, steps: Steps) -> None:
        self._own = own_addresses
        self._withdrawn = _word(calendar, "METHOD") == "CANCEL"
        self._reading = reading
        self._steps = steps
        self._calendar = calendar
        self._described = 0
        self._zones: dict[str, Zone | None] = {}
        self._uid: str | None = None

    def read(self, components: Iterable[Component]) -> None:
        """Add the events, and the problems of those that cannot be read, to the reading."""
        for component in components:
            uid = component.first("UID")
            self._uid = (uid.text.strip() or None) if uid else None
            try:
                self._reading.events.append(self._event(component))
            except Unreadable as error:
                self._problem(str(error))

    def _problem(self, reason: str) -> None:
        self._reading.problems.append(Problem(self._uid, reason))

    def _event(self, component: Component) -> Event:
        if not component.closed:
            raise Unreadable("END:VEVENT is missing")
        status = _word(component, "STATUS")
        cancelled = self._withdrawn or status == "CANCELLED"
        recurrence_id = component.first("RECURRENCE-ID")
        title = component.first("SUMMARY")
        start = self._start(component, optional=cancelled)
        return Event(
            uid=self._uid,
            start=start,
            end=self._end(component) if start else None,
            title=title.text.strip() if title else "",
            availability=_availability(component, status, self._own),
            cancelled=cancelled,
            withdrawn=self._withdrawn,
            sequence=_sequence(component),
            recurrence_id=self._stamp(recurrence_id) if recurrence_id else None,
            this_and_future=recurrence_id is not None
            and (recurrence_id.parameter("RANGE") or "").upper() == "THISANDFUTURE",
            rules=tuple(
                _named("RRULE", parse_rule, rule.value) for rule in component.all("RRULE") if rule.value.strip()
            ),
            excluded_rules=self._tolerated(component, "EXRULE", lambda _: parse_rule),
            extra=self._tolerated(component, "RDATE", self._extras),
            excluded=tuple(filter(_has_instant, self._tolerated(component, "EXDATE", self._moments))),
        )

    def _start(self, component: Component, *, optional: bool) -> Stamp | None:
        start = component.first("DTSTART")
        if start is not None:
            return self._stamp(start)
        if not optional:
            raise Unreadable("DTSTART is missing")
        return None

    def _end(self, component: Component) -> Stamp | Duration | None:
        if end := component.first("DTEND"):
            return self._stamp(end)
        if duration := component.first("DURATION"):
            return Duration(*_named("DURATION", parse_duration, duration.value))
        return None

    def _tolerated(
        self, component: Component, name: str, reading: Callable[[Property], Callable[[str], T]]
    ) -> tuple[T, ...]:
        """Return the values of properties whose loss does not void the event, and name once why some cannot be read."""
        if name not in component.properties:
            return ()
        readers = ((reading(found), found) for found in component.all(name))
        values = ((read, item) for read, found in readers for item in _items(found) if item.strip())
        readable: list[T] = []
        reasons: dict[str, None] = {}
        for read, item in islice(values, _MOST_VALUES):
            try:
                readable.append(read(item))
            except Unreadable as error:
                reasons[f"{name} {error}; it is left out"] = None
        if next(values, None) is not None:
            reasons[f"{name} has more than {_MOST_VALUES} values; the rest is left out"] = None
        for reason in reasons:
            self._problem(reason)
        return tuple(readable)

    def _extras(self, found: Property) -> Callable[[str], ExtraStart]:
        """Return what reads a value of an RDATE: a start, or a PERIOD."""
        moment = self._moments(found)

        def extra(text: str) -> ExtraStart:
            start, slash, end = text.partition("/")
            if not slash:
                return _placeable(ExtraStart(moment(start)))
            ends = Duration(*parse_duration(end)) if "P" in end.upper() else moment(end)
            return _placeable(ExtraStart(moment(start), ends))

        return extra

    def _stamp(self, found: Property) -> Stamp:
        return _named(found.name, self._moments(found), found.value)

    def _moments(self, found: Property) -> Callable[[str], Stamp]:
        """Return what reads a DATE or DATE-TIME of a property, whose parameters are looked at but once.

        VALUE counts only where it says that a midnight is a date, because clients leave it out or contradict it.
        """
        dates = (found.parameter("VALUE") or "").upper() == "DATE"
        name = found.parameter("TZID")

        def moment(text: str) -> Stamp:
            wall, is_date, is_utc = parse_moment(text)
            if is_date or (dates and wall.time() == time()):
                return Stamp(wall, is_date=True)
            if is_utc:
                return Stamp(wall, zone=UTC_ZONE)
            return Stamp(wall, zone=self._zone(unescaped(name).strip()) if name else None)

        return moment

    @cached_property
    def _defined(self) -> dict[str, Component]:
        """The VTIMEZONEs by their TZID."""
        zones = [child.opened() for child in self._calendar.children if child.name == "VTIMEZONE"]
        return {name.text.strip(): zone for zone in zones if (name := zone.first("TZID"))}

    def _zone(self, name: str) -> Zone | None:
        """Return the zone of a TZID, None where nothing is known about it: the time then counts as floating."""
        if name not in self._zones:
            zone = known_zone(name) or self._describe(name) or tail_zone(name) or likely_zone(name)
            self._zones[name] = zone
            if zone is None:
                shown = " ".join(name[:_SHOWN].split())
                self._problem(f"the time zone {shown!r} is not known; its times are read as times without a zone")
        return self._zones[name]

    def _describe(self, name: str) -> Zone | None:
        component = self._defined.get(name)
        if component is None:
            return None
        location = component.first("X-LIC-LOCATION")
        if location and (zone := known_zone(location.text)):
            return zone
        if self._described == _MOST_ZONES:
            self._problem(f"more than {_MOST_ZONES} VTIMEZONEs are in use; this one is not used")
            return None
        self._described += 1
        try:
            return Zone(read_zone(component, self._steps))
        except Unreadable as error:
            self._problem(f"{error}; it is not used")
            return None


def _has_instant(stamp: Stamp) -> bool:
    return _FIRST_YEAR <= stamp.wall.year <= _LAST_YEAR


def _placeable(extra: ExtraStart) -> ExtraStart:
    """Return what RDATE adds; raises `Unreadable` where it would leave the calendar in some zone."""
    try:
        if isinstance(extra.end, Duration):
            end = Stamp(extra.start.wall + timedelta(days=extra.end.days) + extra.end.exact)
        else:
            end = extra.end or extra.start
    except OverflowError:
        end = None
    if end is None or not (_has_instant(extra.start) and _has_instant(end)):
        raise Unreadable("reaches beyond the years 1 to 9999")
    return extra


def _items(found: Property) -> list[str]:
    return [found.value] if found.name == "EXRULE" else found.value.split(",")


def _named(name: str, read: Callable[[str], T], text: str) -> T:
    try:
        return read(text)
    except Unreadable as error:
        raise Unreadable(f"{name} {error}") from None


def _word(component: Component, name: str) -> str:
    found = component.first(name)
    return found.value.strip().upper() if found else ""


def _sequence(component: Component) -> int:
    try:
        return parse_count(_word(component, "SEQUENCE"))
    except Unreadable:
        return 0


def _availability(component: Component, status: str, own_addresses: frozenset[str]) -> Availability:
    """Judge in the order declined, free, tentative, busy: the earlier word frees the person's time more surely."""
    answer = _own_answer(component, own_addresses)
    transparency = _word(component, "TRANSP")
    outlook = "" if transparency else _word(component, "X-MICROSOFT-CDO-BUSYSTATUS")
    if answer == "DECLINED":
        return Availability.DECLINED
    if "TRANSPARENT" in transparency or outlook == "FREE":
        return Availability.FREE
    if "TENTATIVE" in {answer, status, outlook}:
        return Availability.TENTATIVE
    return Availability.BUSY


def _own_answer(component: Component, own_addresses: frozenset[str]) -> str:
    """Return the PARTSTAT of the person; of several addresses the one that takes most time counts."""
    if not own_addresses:
        return ""
    answers = {
        (attendee.parameter("PARTSTAT") or "NEEDS-ACTION").upper()
        for attendee in component.all("ATTENDEE")
        if not own_addresses.isdisjoint(_addresses(attendee))
    }
    order = ("ACCEPTED", "NEEDS-ACTION", "TENTATIVE", "DECLINED")
    return next((answer for answer in order if answer in answers), "")


def _addresses(attendee: Property) -> set[str]:
    """Return the addresses that an ATTENDEE may be known by: the value, and EMAIL where the value is no address."""
    value = unquote(attendee.value.strip()).lower().removeprefix("mailto:")
    return {value.partition("?")[0], (attendee.parameter("EMAIL") or "").strip().lower()} - {""}
