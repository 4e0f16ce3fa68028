"""iCalendar text → events. Only VEVENT counts; what cannot be read is named as a `Problem` and the others go on."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar
from urllib.parse import unquote

from kalends.ical.event import Duration, Event, ExtraStart, Stamp
from kalends.ical.lines import Component, Property, parse_components
from kalends.ical.rules import parse_rule
from kalends.ical.values import Unreadable, parse_count, parse_duration, parse_moment
from kalends.ical.vtimezone import read_zone
from kalends.ical.zones import UTC_ZONE, Zone, known_zone, tail_zone
from kalends.model.occurrence import Availability, Problem

T = TypeVar("T")

_MOST_VALUES = 10_000
"""Values of RDATE, and of EXDATE, that one event may have."""


@dataclass(slots=True)
class Reading:
    """What a text holds: its readable events, in order, and what was wrong with the others."""

    events: list[Event] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def read_events(payload: bytes, *, own_addresses: frozenset[str] = frozenset(), max_events: int) -> Reading:
    """Read the events of an iCalendar text. Never raises.

    `own_addresses` (lower case) are those by which invitations know the person. Events after the first `max_events`
    are not read, which is a problem of its own. A text without any VCALENDAR or VEVENT that is not blank is no
    iCalendar, and a problem too.
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
        _Reader(calendar, own_addresses, reading).read(found[:left])
        left -= min(left, len(found))
    return reading


class _Reader:
    """Reads the events of one VCALENDAR, whose VTIMEZONEs are in force there and nowhere else."""

    def __init__(self, calendar: Component, own_addresses: frozenset[str], reading: Reading) -> None:
        self._own = own_addresses
        self._reading = reading
        self._defined = {
            name.value.strip(): child
            for child in calendar.children
            if child.name == "VTIMEZONE" and (name := child.first("TZID"))
        }
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
        cancelled = status == "CANCELLED"
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
            sequence=_sequence(component),
            recurrence_id=self._stamp(recurrence_id) if recurrence_id else None,
            this_and_future=recurrence_id is not None
            and (recurrence_id.parameter("RANGE") or "").upper() == "THISANDFUTURE",
            rules=tuple(_named("RRULE", parse_rule, rule.value) for rule in component.all("RRULE")),
            excluded_rules=tuple(self._tolerated(component, "EXRULE", lambda _, text: parse_rule(text))),
            extra=tuple(self._tolerated(component, "RDATE", self._extra)),
            excluded=tuple(self._tolerated(component, "EXDATE", self._moment)),
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

    def _tolerated(self, component: Component, name: str, read: Callable[[Property, str], T]) -> Iterator[T]:
        """Yield the values of properties whose loss does not void the event; that some cannot be read is named once."""
        values = ((found, item) for found in component.all(name) for item in _items(found))
        reasons: dict[str, None] = {}
        for found, item in islice(values, _MOST_VALUES):
            try:
                yield read(found, item)
            except Unreadable as error:
                reasons[f"{name} {error}; it is left out"] = None
        if next(values, None) is not None:
            reasons[f"{name} has more than {_MOST_VALUES} values; the rest is left out"] = None
        for reason in reasons:
            self._problem(reason)

    def _extra(self, found: Property, text: str) -> ExtraStart:
        start, slash, end = text.partition("/")
        if not slash:
            return ExtraStart(self._moment(found, start))
        if "P" in end.upper():
            return ExtraStart(self._moment(found, start), Duration(*parse_duration(end)))
        return ExtraStart(self._moment(found, start), self._moment(found, end))

    def _stamp(self, found: Property) -> Stamp:
        return _named(found.name, lambda text: self._moment(found, text), found.value)

    def _moment(self, found: Property, text: str) -> Stamp:
        moment = parse_moment(text)
        if moment.is_date:
            return Stamp(moment.wall, is_date=True)
        if moment.is_utc:
            return Stamp(moment.wall, zone=UTC_ZONE)
        name = found.parameter("TZID")
        return Stamp(moment.wall, zone=self._zone(name) if name else None)

    def _zone(self, name: str) -> Zone | None:
        """Return the zone of a TZID, None where nothing is known about it: the time then counts as floating."""
        if name not in self._zones:
            self._zones[name] = known_zone(name) or self._described(name) or tail_zone(name)
        return self._zones[name]

    def _described(self, name: str) -> Zone | None:
        component = self._defined.get(name.strip())
        if component is None:
            return None
        location = component.first("X-LIC-LOCATION")
        if location and (zone := known_zone(location.value)):
            return zone
        try:
            return Zone(read_zone(component))
        except Unreadable as error:
            self._problem(f"{error}; it is not used")
            return None


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
