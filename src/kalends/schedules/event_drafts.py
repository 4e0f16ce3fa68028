"""Schedule events as they are asked for, and what has to hold of their times."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kalends.access.sites import checked_zone
from kalends.model.errors import Invalid, Rule, Violation
from kalends.model.schedule_event import (
    FIRST_YEAR,
    LAST_YEAR,
    LONGEST_INSTANCE,
    LONGEST_INTERVAL,
    LONGEST_NOTES,
    LONGEST_TITLE,
    EventTimes,
    EventType,
    Weekday,
    WeeklyRule,
)

START, END = "event.start.localDate", "event.end.localDate"
ZONE, RULE, TITLE = "event.timeZone", "event.recurrenceRule", "event.title"


@dataclass(frozen=True, slots=True)
class AskedRule:
    """A weekly recurrence as it is asked for; `day` has to be that of the start, None says nothing."""

    interval: int = 1
    day: Weekday | None = None
    until: datetime | None = None

    @property
    def rule(self) -> WeeklyRule:
        """The rule; its day is the start's."""
        return WeeklyRule(self.interval, self.until)


@dataclass(frozen=True, slots=True)
class AskedTimes:
    """When an event is to be, naive wall times; None says nothing.

    `start_zone` and `end_zone` only repeat the event's zone, where they are given at all.
    """

    start: datetime | None = None
    end: datetime | None = None
    zone: str | None = None
    all_day: bool | None = None
    start_zone: str | None = None
    end_zone: str | None = None


@dataclass(frozen=True, slots=True)
class EventDraft:
    """An event as it is asked for. `content` holds what is given of `CONTENT`, as on the wire."""

    schedule_id: str
    times: AskedTimes
    type: EventType = EventType.DEFAULT
    app_id: str | None = None
    rule: AskedRule | None = None
    content: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EventChange:
    """What is to be changed of an event; what is None or absent stays as it was.

    `content` holds what is given of `CONTENT`; a value of None takes one away. What can never change is checked
    against what the event has.
    """

    times: AskedTimes = field(default_factory=AskedTimes)
    rule: AskedRule | None = None
    content: Mapping[str, Any] = field(default_factory=dict)
    schedule_id: str | None = None
    type: EventType | None = None
    app_id: str | None = None


def merged_times(asked: AskedTimes, before: EventTimes) -> EventTimes:
    """Return the times of an event that had others; raises `Invalid`."""
    return checked_times(
        AskedTimes(
            start=asked.start or before.start,
            end=asked.end or before.end,
            zone=asked.zone or before.zone,
            all_day=before.all_day if asked.all_day is None else asked.all_day,
            start_zone=asked.start_zone,
            end_zone=asked.end_zone,
        ),
        before.zone,
    )


def checked_times(asked: AskedTimes, zone: str) -> EventTimes:
    """Return the times of an event, whose zone is `zone` unless another is given; raises `Invalid`."""
    if asked.zone is not None:
        zone = checked_zone(ZONE, asked.zone)
    if asked.start is None or asked.end is None:
        missing = [(START, asked.start), (END, asked.end)]
        raise Invalid([Violation(where, "is required", Rule.REQUIRED_FIELD) for where, at in missing if at is None])
    # seconds are ignored, as the contract says
    start, end = (at.replace(second=0, microsecond=0, tzinfo=None) for at in (asked.start, asked.end))
    times = EventTimes(start, end, zone, bool(asked.all_day))
    found = [*_wrong_times(times), *_wrong_zones(asked, zone)]
    if found:
        raise Invalid(found)
    return times


def _wrong_times(times: EventTimes) -> Iterator[Violation]:
    for where, at in ((START, times.start), (END, times.end)):
        if at.year < FIRST_YEAR:
            yield Violation(where, f"must not be before {FIRST_YEAR}", Rule.MIN, {"threshold": FIRST_YEAR})
        if at > datetime(LAST_YEAR + 1, 1, 1):  # noqa: DTZ001 - a wall time has no zone
            yield Violation(where, f"must not be after {LAST_YEAR}", Rule.MAX, {"threshold": LAST_YEAR})
        if times.all_day and at.time() != at.time().min:
            yield Violation(where, "must be midnight, for the event is all-day", Rule.OTHER, name="ALL_DAY_MIDNIGHT")
    if times.end <= times.start:
        yield Violation(END, "must be after the start", Rule.OTHER, name="END_AFTER_START")


def _wrong_zones(asked: AskedTimes, zone: str) -> Iterator[Violation]:
    for side, given in (("start", asked.start_zone), ("end", asked.end_zone)):
        if given not in {None, zone}:
            said = f"must be the event's time zone, {zone}, or absent"
            yield Violation(f"event.{side}.timeZone", said, Rule.OTHER, name="EVENT_TIME_ZONE")


def checked_rule(asked: AskedRule, times: EventTimes) -> WeeklyRule:
    """Return the rule of a series that begins with some times; raises `Invalid`."""
    found = []
    if not 1 <= asked.interval <= LONGEST_INTERVAL:
        rule, limit = (Rule.MIN, 1) if asked.interval < 1 else (Rule.MAX, LONGEST_INTERVAL)
        said = f"must be 1 to {LONGEST_INTERVAL} weeks"
        found.append(Violation(f"{RULE}.interval", said, rule, {"threshold": limit}))
    day = Weekday.of(times.start)
    if asked.day not in {None, day}:
        said = f"must be the day on which it starts, {day}"
        found.append(Violation(f"{RULE}.days", said, Rule.OTHER, name="DAY_OF_START"))
    if asked.until is not None and asked.until < times.start:
        said = "must not be before the start"
        found.append(Violation(f"{RULE}.until.localDate", said, Rule.OTHER, name="UNTIL_BEFORE_START"))
    if times.length > LONGEST_INSTANCE:
        said = "must be at most a week after the start, for the event recurs"
        found.append(Violation(END, said, Rule.OTHER, name="RECURRENCE_TOO_LONG"))
    if found:
        raise Invalid(found)
    return asked.rule


def checked_content(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return content whose texts are no longer than they may be; raises `Invalid`."""
    for name, limit in (("title", LONGEST_TITLE), ("notes", LONGEST_NOTES)):
        text = content.get(name)
        if text is None:
            continue
        where = f"event.{name}"
        if name == "title" and not text.strip():
            raise Invalid.one(where, "must not be empty", Rule.MIN_LENGTH, data={"threshold": 1})
        if len(text) > limit:
            said = f"must not be longer than {limit} characters"
            raise Invalid.one(where, said, Rule.MAX_LENGTH, data={"threshold": limit})
    return content
