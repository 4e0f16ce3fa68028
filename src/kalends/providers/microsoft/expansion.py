"""The items of one group, from stored payloads to occurrences: Graph has expanded them, what is left is inheriting.

Pure. Never raises, whatever the payloads are: each event that cannot be read is a `Problem`, and the others go on.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from kalends.ical.event import Event, Stamp
from kalends.ical.expand import expand_events
from kalends.ical.steps import Steps
from kalends.ical.values import Unreadable
from kalends.ical.zones import UTC_ZONE, Zone, known_zone
from kalends.model.occurrence import Availability, Expansion, ExpansionContext, Problem
from kalends.providers.microsoft.payload import MASTER

_INHERITED = ("iCalUId", "subject", "showAs", "isAllDay", "isCancelled", "ownAnswer", "originalStartTimeZone")
"""What a slim occurrence has of its master."""
_FRACTION = re.compile(r"\.\d+")
_MOST_TAME_EVENTS = 100
_MOST_TAME_BYTES = 65_536

_AVAILABILITY = {
    "free": Availability.FREE,
    # it says where somebody is, and takes no time
    "workingElsewhere": Availability.FREE,
    "tentative": Availability.TENTATIVE,
}
"""`showAs`; everything else, words yet unknown too, is busy."""


def expand(payloads: Sequence[bytes], context: ExpansionContext) -> Expansion:
    """Return the occurrences of a single event, or of a series' occurrences and exceptions.

    Raises only `KeyError` where `context.floating_zone` is no IANA name, which is no matter of the payloads.
    """
    limits = context.limits
    if sum(map(len, payloads)) > limits.max_bytes:
        return Expansion(problems=(Problem(None, f"the events are longer than {limits.max_bytes} bytes"),))
    problems: list[Problem] = []
    items: list[Mapping[str, Any]] = []
    for payload in payloads[: limits.max_events]:
        try:
            items.append(_object(payload))
        except Unreadable as error:
            problems.append(Problem(None, str(error)))
    if len(payloads) > limits.max_events:
        problems.append(Problem(None, "there are more events than the limit allows; the rest is not read"))
    master: Mapping[str, Any] = next((item for item in items if item.get("type") == MASTER), {})
    lent = {name: master[name] for name in _INHERITED if name in master}
    uid = _text(master, "iCalUId") or next((_text(item, "seriesMasterId") or _text(item, "id") for item in items), "")
    events: list[Event] = []
    for item in items:
        if item is master:
            continue
        try:
            events.append(_event({**lent, **item}, uid))
        except (Unreadable, OverflowError) as error:
            problem = Problem(uid, str(error) if isinstance(error, Unreadable) else "it reaches beyond the years")
            problems += [] if problem in problems else [problem]
    return expand_events(events, context, problems, Steps(limits.max_steps))


def is_tame(payloads: Sequence[bytes]) -> bool:
    """Tell whether the items of a group are small and few: there are no rules in them."""
    return len(payloads) <= _MOST_TAME_EVENTS and sum(map(len, payloads)) <= _MOST_TAME_BYTES


def _object(payload: bytes) -> Mapping[str, Any]:
    try:
        item = json.loads(payload)
    except (ValueError, RecursionError):
        item = None
    if not isinstance(item, dict):
        raise Unreadable("the payload is no JSON object")
    return item


def _event(item: Mapping[str, Any], uid: str) -> Event:
    """Return one event; an occurrence or exception as the override of an instance whose series nobody expands."""
    all_day = item.get("isAllDay") is True
    zone = known_zone(_text(item, "originalStartTimeZone")) or UTC_ZONE
    start = _stamp("start", item.get("start"), zone, all_day=all_day)
    of_series = bool(item.get("seriesMasterId"))
    return Event(
        uid=uid,
        start=start,
        end=_stamp("end", item.get("end"), zone, all_day=all_day),
        title=_text(item, "subject").strip(),
        availability=_availability(item),
        cancelled=item.get("isCancelled") is True,
        recurrence_id=_original(item, start, zone) if of_series else None,
    )


def _stamp(name: str, given: object, zone: Zone, *, all_day: bool) -> Stamp:
    """Read a start or an end: an instant, to be understood in a zone; of an all-day event the day alone.

    Times are asked for in UTC. Those of all-day events are midnight of the day, whatever zone is asked for.
    """
    text = given.get("dateTime") if isinstance(given, dict) else None
    if not isinstance(text, str):
        raise Unreadable(f"{name} is missing")
    moment = _moment(name, text)
    if all_day:
        return Stamp(datetime.combine(moment.date(), time()), is_date=True)
    said = given.get("timeZone") if isinstance(given, dict) else None
    spoken = (known_zone(said) if isinstance(said, str) else None) or UTC_ZONE
    instant = moment.astimezone(UTC) if moment.tzinfo else spoken.instant(moment)
    return Stamp(zone.wall(instant), zone=zone)


def _original(item: Mapping[str, Any], start: Stamp, zone: Zone) -> Stamp:
    """Return where the series had put an instance; where nothing is said, it is where it is now."""
    text = _text(item, "originalStart")
    if not text:
        return start
    moment = _moment("originalStart", text)
    instant = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if start.is_date:
        return Stamp(datetime.combine(_day(instant, zone), time()), is_date=True)
    return Stamp(zone.wall(instant), zone=zone)


def _day(instant: datetime, zone: Zone) -> date:
    """Return the day of an original start of an all-day series: midnight in its own zone, or in UTC."""
    wall = zone.wall(instant)
    return wall.date() if wall.time() == time() else instant.date()


def _moment(name: str, text: str) -> datetime:
    try:
        # seven digits of a second's parts are more than a datetime takes
        return datetime.fromisoformat(_FRACTION.sub("", text, count=1))
    except ValueError:
        raise Unreadable(f"{name} is not a date and time") from None


def _availability(item: Mapping[str, Any]) -> Availability:
    """Judge in the order declined, free, tentative, busy: the earlier word frees the person's time more surely."""
    answer = item.get("ownAnswer")
    if answer == "declined":
        return Availability.DECLINED
    shown = _AVAILABILITY.get(_text(item, "showAs"), Availability.BUSY)
    if shown is Availability.BUSY and answer == "tentativelyAccepted":
        return Availability.TENTATIVE
    return shown


def _text(item: Mapping[str, Any], name: str) -> str:
    found = item.get(name)
    return found if isinstance(found, str) else ""
