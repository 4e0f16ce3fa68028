"""Series → instances: the lines of `recurrence`, expanded by `kalends.ical`.

Google repeats events by days or longer; a rule that repeats within the day is refused. A series without end is expanded
up to a horizon that the caller gives.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from kalends.ical.event import Event, ExtraStart, Stamp
from kalends.ical.placing import Placing
from kalends.ical.rules import Frequency, Rule, parse_rule
from kalends.ical.series import extra_instances, instances_of
from kalends.ical.steps import Steps, TooManySteps
from kalends.ical.values import Unreadable, parse_moment
from kalends.ical.zones import Zone, known_zone
from kalends.model.time import Window
from kalends.sandbox.google.errors import Refused, invalid
from kalends.sandbox.google.kept import KeptEvent
from kalends.sandbox.google.times import YEARS, basic, instant_of

FIRST = datetime(1, 1, 3, tzinfo=UTC)
LAST = datetime(9999, 12, 29, tzinfo=UTC)
"""The edges of what is looked at: each zone has a wall time for them."""

_DAY = timedelta(days=1)
_SLACK = 2 * _DAY
_MOST_STEPS = 1_000_000
_MOST_COUNTED_STEPS = 60_000
"""For a series that ends: about fifty years of days."""
_MOST_LINES = 100
_MOST_CHARACTERS = 20_000
_LINE = re.compile(r"(RRULE|EXRULE|RDATE|EXDATE)((?:;[A-Z-]+=[^;:]+)*):(.+)", re.ASCII | re.IGNORECASE)
_INSTANCE = re.compile(r"(.+)_(\d{8}(?:T\d{6}Z)?)", re.ASCII)


class Instance(NamedTuple):
    """An instance where its series puts it: its original start, and its end; `begins` and `ends` are in UTC."""

    start: Stamp
    end: Stamp
    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class _Lines:
    """The checked lines of a recurrence."""

    rules: tuple[Rule, ...] = ()
    excluded_rules: tuple[Rule, ...] = ()
    extra: tuple[ExtraStart, ...] = ()
    excluded: tuple[Stamp, ...] = ()


def check_recurrence(lines: Sequence[object], start: Stamp) -> None:
    """See that the lines of a recurrence can be expanded; raises `Refused` where they cannot."""
    texts = tuple(line for line in lines if isinstance(line, str))
    if len(texts) != len(lines) or len(texts) > _MOST_LINES or sum(map(len, texts)) > _MOST_CHARACTERS:
        raise invalid("Invalid recurrence rule.", "recurrence")
    try:
        read = _read(texts, start)
    except Unreadable:
        raise invalid("Invalid recurrence rule.", "recurrence") from None
    if any(rule.freq > Frequency.DAILY for rule in (*read.rules, *read.excluded_rules)):
        raise invalid("Invalid recurrence rule.", "recurrence")


def instances(series: KeptEvent, zone: Zone, since: datetime | None, until: datetime) -> list[Instance]:
    """Return the instances by rule that end after `since` and start before `until`, in order.

    Exceptions are not looked at. `zone` is the calendar's, for dates. Raises `Refused` for a series that takes too
    long to expand.
    """
    placing = Placing(Window(FIRST, LAST), zone)
    length = placing.length(series.start, series.end)
    size = timedelta(days=length.days) + length.exact
    event = _event(series)
    own = series.start.zone or zone
    first = FIRST.replace(tzinfo=None) if since is None else own.wall(max(since, FIRST + size + _SLACK)) - size - _SLACK
    try:
        found, _ = instances_of(
            event,
            extra_instances(event, placing),
            placing,
            (first, own.wall(min(max(until, FIRST), LAST))),
            Steps(_MOST_STEPS),
        )
    except Unreadable:
        raise Refused(400, "invalid", "The recurring event takes too long to expand.") from None
    made = sorted(found, key=lambda one: one.point)
    placed = (_instance(series, one.wall, size, own) for one in made)
    return [one for one in placed if one.begins < until and (since is None or one.ends > since)]


def instance_at(series: KeptEvent, zone: Zone, point: str) -> Instance | None:
    """Return the instance whose id ends in this text (ISO 8601 basic), None where the series has none."""
    try:
        moment = parse_moment(point)
    except Unreadable:
        return None
    if moment.is_date != series.start.is_date:
        return None
    begins = instant_of(Stamp(moment.wall, is_date=True), zone) if moment.is_date else moment.wall.replace(tzinfo=UTC)
    if not FIRST + _SLACK < begins < LAST - _SLACK:
        return None
    near = instances(series, zone, begins - _DAY, begins + _DAY)
    return next((one for one in near if basic(one.start) == point), None)


def split_id(event_id: str) -> tuple[str, str] | None:
    """Return the id of a series and the original start that the id of an instance is made of, None for other ids."""
    found = _INSTANCE.fullmatch(event_id)
    return (found[1], found[2]) if found else None


def instance_id(series_id: str, original: Stamp) -> str:
    """Return the id of an instance."""
    return f"{series_id}_{basic(original)}"


def extent(start: Stamp, end: Stamp, lines: Sequence[str], zone: Zone) -> tuple[datetime, datetime]:
    """Return between which instants (UTC) an event, or all of a series, lies; a series without end ends with time.

    Raises `Refused` for one that has an end too far away to be found.
    """
    begins, ends = instant_of(start, zone), instant_of(end, zone)
    if not lines:
        return begins, ends
    read = _read(tuple(lines), start)
    if any(rule.count is None and rule.until is None for rule in read.rules):
        return (min(begins, FIRST + _SLACK) if read.extra else begins), LAST
    placing = Placing(Window(FIRST, LAST), zone)
    event = Event(uid="", start=start, end=end, rules=read.rules, extra=read.extra)
    try:
        span = (FIRST.replace(tzinfo=None), LAST.replace(tzinfo=None))
        found, _ = instances_of(event, extra_instances(event, placing), placing, span, Steps(_MOST_COUNTED_STEPS))
    except TooManySteps:
        raise invalid("Invalid recurrence rule.", "recurrence") from None
    points = [instant_of(Stamp(one.wall, start.is_date, start.zone), zone) for one in found]
    return min([begins, *points]), max([begins, *points]) + (ends - begins) + _DAY


def _instance(series: KeptEvent, wall: datetime, size: timedelta, zone: Zone) -> Instance:
    start = Stamp(wall, series.start.is_date, series.start.zone)
    begins = zone.instant(wall)
    if start.zone is None:
        return Instance(start, Stamp(wall + size, is_date=True), begins, zone.instant(wall + size))
    ends, own = begins + size, series.end.zone or zone
    return Instance(start, Stamp(own.wall(ends), zone=own), begins, ends)


def _event(series: KeptEvent) -> Event:
    read = _read(series.recurrence, series.start)
    return Event(
        uid=series.uid,
        start=series.start,
        end=series.end,
        rules=read.rules,
        excluded_rules=read.excluded_rules,
        extra=read.extra,
        excluded=read.excluded,
    )


@lru_cache(maxsize=4096)
def _read(lines: tuple[str, ...], start: Stamp) -> _Lines:
    rules: list[Rule] = []
    excluded_rules: list[Rule] = []
    extra: list[ExtraStart] = []
    excluded: list[Stamp] = []
    for line in lines:
        found = _LINE.fullmatch(line.strip())
        if found is None:
            raise Unreadable("is no line of a recurrence")
        name = found[1].upper()
        if name in {"RRULE", "EXRULE"}:
            (rules if name == "RRULE" else excluded_rules).append(parse_rule(found[3]))
            continue
        stamps = _stamps(found[2], found[3], start)
        if name == "RDATE":
            extra += [ExtraStart(stamp) for stamp in stamps]
        else:
            excluded += stamps
    return _Lines(tuple(rules), tuple(excluded_rules), tuple(extra), tuple(excluded))


def _stamps(parameters: str, values: str, start: Stamp) -> list[Stamp]:
    named = dict(part.split("=", 1) for part in parameters.upper().split(";") if part)
    zone = start.zone
    if "TZID" in named:
        zone = known_zone(named["TZID"])
        if zone is None:
            raise Unreadable("names an unknown zone")
    stamps = []
    for value in values.split(","):
        moment = parse_moment(value)
        if moment.wall.year not in YEARS:
            raise Unreadable("names a time that is too far away")
        own = None if moment.is_date else known_zone("UTC") if moment.is_utc else zone
        stamps.append(Stamp(moment.wall, moment.is_date, own))
    return stamps
