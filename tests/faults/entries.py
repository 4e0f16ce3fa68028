"""Events of all shapes, made together with what they mean: when they take place is reckoned here, not read."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

ZONE = "Europe/Berlin"
"""Of the schedules, and of events with a wall time."""
DAYS_AHEAD = 60
"""Events begin within so many days; their series go on for `MOST_INSTANCES` weeks at most."""
MOST_INSTANCES = 6

Taking = tuple[str, datetime, datetime]
"""Title, start and end of one occurrence, in UTC."""

_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Entry:
    """A calendar resource, and the occurrences that it stands for."""

    uid: str
    text: str
    takings: Sequence[Taking]


def made(uid: str, title: str, today: date, chance: random.Random) -> Entry:
    """Return an event of any shape; the same title may stand for another time later."""
    day = today + timedelta(days=chance.randrange(DAYS_AHEAD))
    shape = chance.choice([_once, _once_at_wall_time, _all_day, _series, _series_with_override])
    return shape(uid, title, day, chance)


def _once(uid: str, title: str, day: date, chance: random.Random) -> Entry:
    start = _some_time(day, chance)
    return Entry(uid, _calendar(_event(uid, title, _utc(start, _HOUR))), [(title, start, start + _HOUR)])


def _once_at_wall_time(uid: str, title: str, day: date, chance: random.Random) -> Entry:
    start = _some_time(day, chance).replace(tzinfo=ZoneInfo(ZONE))
    times = f"DTSTART;TZID={ZONE}:{start:%Y%m%dT%H%M%S}\nDURATION:PT1H\n"
    utc = start.astimezone(UTC)
    return Entry(uid, _calendar(_event(uid, title, times)), [(title, utc, utc + _HOUR)])


def _all_day(uid: str, title: str, day: date, chance: random.Random) -> Entry:
    last = day + timedelta(days=chance.randint(1, 3))
    times = f"DTSTART;VALUE=DATE:{day:%Y%m%d}\nDTEND;VALUE=DATE:{last:%Y%m%d}\n"
    return Entry(uid, _calendar(_event(uid, title, times)), [(title, _midnight(day), _midnight(last))])


def _series(uid: str, title: str, day: date, chance: random.Random) -> Entry:
    start, count = _some_time(day, chance), chance.randint(2, MOST_INSTANCES)
    out = chance.randrange(1, count)
    starts = [start + timedelta(weeks=number) for number in range(count)]
    rule = f"RRULE:FREQ=WEEKLY;COUNT={count}\nEXDATE:{starts[out]:%Y%m%dT%H%M%SZ}\n"
    text = _calendar(_event(uid, title, _utc(start, _HOUR) + rule))
    return Entry(uid, text, [(title, one, one + _HOUR) for one in starts if one != starts[out]])


def _series_with_override(uid: str, title: str, day: date, chance: random.Random) -> Entry:
    start, count = _some_time(day, chance), chance.randint(2, MOST_INSTANCES)
    starts = [start + timedelta(days=number) for number in range(count)]
    moved = chance.randrange(count)
    there = starts[moved] + 2 * _HOUR
    other = f"{title} moved"
    text = _calendar(
        _event(uid, title, _utc(start, _HOUR) + f"RRULE:FREQ=DAILY;COUNT={count}\n"),
        _event(uid, other, f"RECURRENCE-ID:{starts[moved]:%Y%m%dT%H%M%SZ}\n" + _utc(there, _HOUR)),
    )
    takings = [(title, one, one + _HOUR) for one in starts if one != starts[moved]]
    return Entry(uid, text, [*takings, (other, there, there + _HOUR)])


def _some_time(day: date, chance: random.Random) -> datetime:
    """Return a time of a day that no change of clocks comes near, in UTC or Berlin."""
    return datetime(day.year, day.month, day.day, chance.randint(6, 18), 5 * chance.randrange(12), tzinfo=UTC)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(ZONE)).astimezone(UTC)


def _utc(start: datetime, length: timedelta) -> str:
    return f"DTSTART:{start:%Y%m%dT%H%M%SZ}\nDTEND:{start + length:%Y%m%dT%H%M%SZ}\n"


def _event(uid: str, title: str, lines: str) -> str:
    return f"BEGIN:VEVENT\nUID:{uid}\nDTSTAMP:20261101T000000Z\nSUMMARY:{title}\n{lines}END:VEVENT\n"


def _calendar(*events: str) -> str:
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//another client//EN\n{''.join(events)}END:VCALENDAR\n"
