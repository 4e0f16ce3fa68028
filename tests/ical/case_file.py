"""Reads the case files: iCalendar lines beside what they must come to, to be checked against a printed calendar.

    == name of the case
    DTSTART;TZID=Europe/Berlin:20260102T090000    content lines of a VEVENT (UID:u and so on are added)
    RRULE:FREQ=DAILY;COUNT=3
    --                                            begins the next VEVENT of the same resource
    BEGIN:VTIMEZONE … END:VTIMEZONE               stands in the calendar
    window 2026-01-01 2027-01-01                  UTC; this one is the default
    zone Europe/Paris                             of floating times and of dates; default UTC
    own ada@example.org                           own addresses
    -> 2026-01 2..4 09:00+0100 17:00 /1h          an occurrence on each of the days at each of the times, one hour long
    -> 2026-01 2..4 /2d                           all-day, two days long
    -> 2026-01 2 09:00+0100 tentative key=… zone=… title=…
    !! words                                      a problem whose reason holds these words
    until none | window                           expanded_until
    floating                                      the surroundings' zone was used
    js: why                                       ical.js comes to something else, for this reason

Without a length a time has none, and a date is one day. Times after the first of a line have its offset.
All occurrences and problems have to be named, in any order.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from pathlib import Path

from kalends.model.occurrence import Availability

FOLDER = Path(__file__).parent / "cases"
_LENGTH = re.compile(r"/(\d+)([dhms])")
_UNITS = {"d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1), "s": timedelta(seconds=1)}


@dataclass(frozen=True)
class Expected:
    start: datetime | date
    end: datetime | date
    availability: Availability = Availability.BUSY
    details: tuple[tuple[str, str], ...] = ()

    @property
    def sort_key(self) -> tuple[str, str, str]:
        return self.start.isoformat(), self.end.isoformat(), repr(self.details)


@dataclass
class Case:
    name: str
    events: list[list[str]] = field(default_factory=lambda: [[]])
    zones: list[str] = field(default_factory=list)
    window: tuple[datetime, datetime] = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    floating_zone: str = "UTC"
    own: frozenset[str] = frozenset()
    expected: list[Expected] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    goes_on: bool | None = None
    floating: bool = False
    js_differs: str | None = None

    @property
    def payload(self) -> bytes:
        lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Kalends//tests//EN", *self.zones]
        for event in self.events:
            named = any(line.startswith("UID") for line in event)
            lines += ["BEGIN:VEVENT", *([] if named else ["UID:u"]), "DTSTAMP:20260101T000000Z", *event, "END:VEVENT"]
        return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()

    def __str__(self) -> str:
        return self.name


def read_cases(*names: str) -> list[Case]:
    cases: list[Case] = []
    for name in names:
        in_zone = False
        for line in (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines():
            if line.startswith("== "):
                cases.append(Case(line[3:]))
            elif in_zone or line == "BEGIN:VTIMEZONE":
                cases[-1].zones.append(line)
                in_zone = line != "END:VTIMEZONE"
            elif line.strip() and not line.startswith("#"):
                _read_line(cases[-1], line)
    return cases


def _read_line(case: Case, line: str) -> None:
    word, _, rest = line.partition(" ")
    match word:
        case "--":
            case.events.append([])
        case "window":
            first, last = (datetime.fromisoformat(text) for text in rest.split())
            case.window = (first.replace(tzinfo=UTC), last.replace(tzinfo=UTC))
        case "zone":
            case.floating_zone = rest
        case "own":
            case.own = frozenset(rest.split())
        case "->":
            case.expected += _expected(rest.split())
        case "!!":
            case.problems.append(rest)
        case "until":
            case.goes_on = {"none": False, "window": True}[rest]
        case "floating":
            case.floating = True
        case "js:":
            case.js_differs = rest
        case _:
            case.events[-1].append(line)


def _expected(words: list[str]) -> list[Expected]:
    month, days, *others = words
    length: timedelta | None = None
    availability = Availability.BUSY
    clocks: list[time] = []
    details: list[tuple[str, str]] = []
    for word in others:
        if found := _LENGTH.fullmatch(word):
            length = int(found[1]) * _UNITS[found[2]]
        elif word in set(Availability):
            availability = Availability(word)
        elif "=" in word:
            key, _, value = word.partition("=")
            details.append((key, value))
        else:
            clocks.append(_clock(word, clocks))
    dates = [date.fromisoformat(f"{month}-{day:02}") for day in _days(days)]
    if not clocks:
        return [Expected(day, day + (length or timedelta(days=1)), availability, tuple(details)) for day in dates]
    starts = [datetime.combine(day, clock).astimezone(UTC) for day in dates for clock in clocks]
    return [Expected(start, start + (length or timedelta()), availability, tuple(details)) for start in starts]


def _days(text: str) -> list[int]:
    if ".." in text:
        first, last = map(int, text.split(".."))
        return list(range(first, last + 1))
    return [int(day) for day in text.split(",")]


def _clock(text: str, earlier: list[time]) -> time:
    found = re.fullmatch(r"(\d\d):(\d\d)(?::(\d\d))?(Z|[+-]\d{4})?", text)
    assert found, text
    if found[4] is None:
        offset = earlier[0].tzinfo
    elif found[4] == "Z":
        offset = UTC
    else:
        size = timedelta(hours=int(found[4][1:3]), minutes=int(found[4][3:]))
        offset = timezone(-size if found[4][0] == "-" else size)
    return time(int(found[1]), int(found[2]), int(found[3] or 0), tzinfo=offset)
