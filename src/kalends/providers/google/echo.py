"""What stands of a copy at Google, in one spelling, which tells whether anything that was wanted has changed. Pure.

Times are compared as instants, whatever offset they are shown with; rules by their parts; and of texts, the spaces
around them say nothing.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from hashlib import sha256
from typing import Any

from kalends.model.schedule_event import WEEK, EventTimes, Weekday, WeeklyRule, instant, wall_time
from kalends.model.time import is_iana_zone
from kalends.providers.copy_times import times_between
from kalends.providers.export import StoredCopy
from kalends.providers.google.copies import Body, moment, span
from kalends.providers.google.payload import CANCELLED, tag_among

Event = Mapping[str, Any]
"""An event as Google tells it, with `FIELDS`."""

FIELDS = (
    "id,etag,status,iCalUID,recurringEventId,originalStartTime,start,end,recurrence,summary,description,location,"
    "source/url,transparency,visibility,extendedProperties/private"
)
"""The fields of a copy that are asked for, as the parameter `fields` names them."""

_PRIVATE = frozenset({"private", "confidential"})
_DAYS = {day: day[:2] for day in Weekday}


def stored_copy(master: Event, exceptions: Sequence[Event] = ()) -> StoredCopy:
    """Return a copy as Google has it; `exceptions` are the instances that were ever changed or cancelled.

    Those that say nothing else than their series are no part of the echo.
    """
    series = _series(master)
    echo = [_spelled(master)]
    for event in sorted(exceptions, key=_original_text):
        original = None if series is None else original_of(*series, event)
        if series is not None and original is None and not is_live(event):
            continue  # what the rule does not make need not be cancelled
        if series is None or original is None or not _is_normal(master, series[0].at(original), event):
            echo.append({"original": _original_text(event), **_spelled(event)})
    return StoredCopy(
        ref=str(master.get("id") or ""),
        version=version_of(master, exceptions),
        echo=_digest(echo),
        times=times_between(_read(master.get("start")), _read(master.get("end")), _zone(master)),
    )


def version_of(master: Event, exceptions: Sequence[Event] = ()) -> str:
    """Return the version of a copy: its etag, and after a space a digest of those of its instances, if it has any."""
    etag = str(master.get("etag") or "")
    if not exceptions:
        return etag
    return f"{etag} {_digest(sorted([str(one.get('id')), str(one.get('etag'))] for one in exceptions))}"


def has_exceptions(version: str) -> bool:
    """Tell whether a version is one of a series of which instances were ever changed or cancelled."""
    return " " in version


def is_live(event: Event) -> bool:
    """Tell whether an event takes place."""
    return event.get("status") != CANCELLED


def says(event: Event, body: Body) -> bool:
    """Tell whether an event takes place and says what a body would have it say."""
    return is_live(event) and _spelled({**body, "status": "confirmed"}) == _spelled(event)


def original_of(times: EventTimes, rule: WeeklyRule | None, event: Event) -> datetime | None:
    """Return at which naive wall time a series has put an instance, None where its rule makes none there.

    `times` are those of the first instance, `event` is the instance as it is now.
    """
    at = _read(event.get("originalStartTime"))
    if rule is None or at is None or isinstance(at, datetime) == times.all_day:
        return None
    wall = wall_time(at, times.zone) if isinstance(at, datetime) else datetime.combine(at, time())
    step = WEEK * rule.interval
    number = round((wall - times.start) / step)
    original = times.start + number * step
    if number < 0 or (rule.until is not None and original > rule.until):
        return None
    # where a change of offset skips an instance, its wall time is not the rule's
    fits = instant(original, times.zone) == at if isinstance(at, datetime) else original == wall
    return original if fits else None


def _is_normal(master: Event, times: EventTimes, event: Event) -> bool:
    """Tell whether an instance says what its series does; `times` are where the series puts it."""
    spans = [span(times)]
    begins, ends = _read(master.get("start")), _read(master.get("end"))
    if isinstance(begins, datetime) and isinstance(ends, datetime):
        # across a change of offset a provider may count the hours, or read the clock
        end = times.start_at + (ends - begins)
        spans.append({**spans[0], "end": moment(at=end.isoformat())})
    return any(says(event, {**master, **one, "recurrence": None}) for one in spans)


def _series(master: Event) -> tuple[EventTimes, WeeklyRule] | None:
    """Return times and rule of a series such as ours are, None for what is none or another's making."""
    parts = _parts(master)
    begins, ends = _read(master.get("start")), _read(master.get("end"))
    if parts is None or begins is None or ends is None or isinstance(begins, datetime) != isinstance(ends, datetime):
        return None
    zone = _zone(master) or "UTC"
    if parts.get("FREQ") != "WEEKLY" or not parts.keys() <= {"FREQ", "INTERVAL", "UNTIL"}:
        return None
    try:
        interval = int(parts.get("INTERVAL", "1"))
        until = datetime.fromisoformat(parts["UNTIL"]) if "UNTIL" in parts else None
    except ValueError:
        return None
    if interval < 1:
        return None
    if until is not None and until.tzinfo is not None:
        until = wall_time(until, zone)
    if isinstance(begins, datetime) and isinstance(ends, datetime):
        return EventTimes(wall_time(begins, zone), wall_time(ends, zone), zone), WeeklyRule(interval, until)
    first, last = datetime.combine(begins, time()), datetime.combine(ends, time())
    return EventTimes(first, last, zone, all_day=True), WeeklyRule(interval, until)


def _parts(event: Event) -> dict[str, str] | None:
    """Return the parts of the one rule that an event's recurrence is, without those that say nothing; None else."""
    lines = event.get("recurrence")
    if not isinstance(lines, list) or len(lines) != 1 or not isinstance(lines[0], str):
        return None
    name, _, text = lines[0].upper().partition(":")
    if name != "RRULE":
        return None
    parts = {key: value for key, _, value in (part.partition("=") for part in text.split(";"))}
    begins = _read(event.get("start"))
    if isinstance(begins, datetime):
        begins = wall_time(begins, _zone(event) or "UTC")
    own = None if begins is None else _DAYS[Weekday.of(datetime.combine(begins, time()))]
    silent = {("INTERVAL", "1"), ("BYDAY", own)}
    return {key: value for key, value in parts.items() if key != "WKST" and (key, value) not in silent}


def _zone(event: Event) -> str | None:
    """Return the zone of an event's start, None for a date, and for a zone that is not known."""
    start = event.get("start")
    name = start.get("timeZone") if isinstance(start, dict) and start.get("dateTime") else None
    return name if isinstance(name, str) and is_iana_zone(name) else None


def _spelled(event: Event) -> dict[str, Any]:
    """Return what an event says of what a copy may say, in one spelling."""
    if not is_live(event):
        return {"cancelled": True}
    source, recurrence, parts = event.get("source"), event.get("recurrence") or None, _parts(event)
    return {
        "title": _trimmed(event.get("summary")),
        "notes": _trimmed(event.get("description")),
        "location": _trimmed(event.get("location")),
        "url": source.get("url") if isinstance(source, dict) else None,
        "free": event.get("transparency") == "transparent",
        "private": event.get("visibility") in _PRIVATE,
        "tag": tag_among(event.get("extendedProperties")),
        "start": _text(_read(event.get("start"))),
        "end": _text(_read(event.get("end"))),
        "zone": None if recurrence is None else _zone(event),
        "recurrence": recurrence if parts is None else sorted(parts.items()),
    }


def _trimmed(text: object) -> str:
    return text.replace("\r\n", "\n").strip() if isinstance(text, str) else ""


def _read(given: object) -> datetime | date | None:
    """Return a date, or an instant (UTC); None for what is neither."""
    if not isinstance(given, dict):
        return None
    day, moment_, zone = given.get("date"), given.get("dateTime"), given.get("timeZone")
    try:
        if not isinstance(moment_, str):
            return date.fromisoformat(day) if isinstance(day, str) else None
        at = datetime.fromisoformat(moment_).replace(microsecond=0)
        if at.tzinfo is not None:
            return at.astimezone(UTC)
        return instant(at, zone) if isinstance(zone, str) and is_iana_zone(zone) else None
    except (ValueError, OverflowError):
        return None


def _original_text(event: Event) -> str:
    return _text(_read(event.get("originalStartTime")))


def _text(at: datetime | date | None) -> str:
    return "" if at is None else at.isoformat()


def _digest(said: object) -> str:
    return sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:32]
