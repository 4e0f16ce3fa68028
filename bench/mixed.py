"""A made-up calendar of many kinds of events, the same for the same number and seed: what the benches read.

About one event in five recurs, a few of those have changed and cancelled instances; some are all-day, some have alarms,
attendees, long folded texts and a VTIMEZONE, as programs write them. An event takes some 800 bytes.
"""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

WORDS = (
    *("appointment", "review", "lunch", "training", "client", "call", "planning", "workshop", "haircut", "massage"),
    *("lesson", "inspection", "delivery", "interview", "retrospective", "dentist", "physiotherapy", "consultation"),
)
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Sydney")
RULES = (
    "FREQ=WEEKLY;BYDAY={day}",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY={day};COUNT={count}",
    "FREQ=DAILY;COUNT={count}",
    "FREQ=MONTHLY;BYDAY=2{day};UNTIL={until}",
    "FREQ=YEARLY",
    "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;UNTIL={until}",
)
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
RECURRING = 0.18
_ZONE = """\
BEGIN:VTIMEZONE
TZID:{name}
BEGIN:DAYLIGHT
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
TZNAME:CEST
DTSTART:19700329T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
END:DAYLIGHT
BEGIN:STANDARD
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
TZNAME:CET
DTSTART:19701025T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
END:VTIMEZONE
"""


def resources(count: int, *, seed: int = 1, today: date | None = None) -> Iterator[tuple[str, str]]:
    """Yield name and text of so many calendar resources, each with one event and its overrides. Lines end in CRLF."""
    chance = random.Random(seed)  # noqa: S311 - made up, not secret
    start = today or datetime.now(UTC).date()
    for number in range(count):
        zone = chance.choice(ZONES)
        events = "".join(_events(chance, f"{seed}-{number}@bench.example", zone, start))
        zones = _ZONE.format(name=zone) if f"TZID={zone}" in events else ""
        yield f"{number:06}.ics", _calendar(zones + events)


def feed(count: int, *, seed: int = 1, today: date | None = None) -> str:
    """Return so many events as one text."""
    texts = (text for _, text in resources(count, seed=seed, today=today))
    zones = "".join(_ZONE.format(name=zone) for zone in ZONES).replace("\n", "\r\n")
    events = (text[text.index("BEGIN:VEVENT") : text.index("END:VCALENDAR")] for text in texts)
    return _calendar("").replace("END:VCALENDAR", zones + "".join(events) + "END:VCALENDAR")


def _calendar(inside: str) -> str:
    text = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Kalends//bench//EN\n{inside}END:VCALENDAR\n"
    return "".join(f"{_folded(line)}\r\n" for line in text.splitlines())


def _folded(line: str) -> str:
    pieces = [line[:74], *(line[at : at + 73] for at in range(74, len(line), 73))]
    return "\r\n ".join(pieces)


def _events(chance: random.Random, uid: str, zone: str, today: date) -> Iterator[str]:
    day = today + timedelta(days=chance.randint(-400, 400))
    recurs = chance.random() < RECURRING
    if chance.random() < 0.1:
        times = (
            f"DTSTART;VALUE=DATE:{day:%Y%m%d}\nDTEND;VALUE=DATE:{day + timedelta(days=chance.randint(1, 3)):%Y%m%d}\n"
        )
        yield _event(chance, uid, times + (_rule(chance, day, "") if recurs else ""))
        return
    hour = chance.randint(7, 18)
    utc = chance.random() < 0.3
    head, tail = ("", "Z") if utc else (f";TZID={zone}", "")

    def at(when: date, hours: int) -> str:
        return f"{head}:{when:%Y%m%d}T{hours:02}{chance.choice(('00', '15', '30'))}00{tail}"

    start = at(day, hour)
    times = f"DTSTART{start}\nDTEND{at(day, hour + 1)}\n"
    if not recurs:
        yield _event(chance, uid, times)
        return
    rule = _rule(chance, day, "T220000Z")
    clock = start.rpartition("T")[2]
    excluded = day + timedelta(days=14)
    yield _event(chance, uid, f"{times}{rule}EXDATE{head}:{excluded:%Y%m%d}T{clock}\n")
    if chance.random() < 0.3:
        moved = day + timedelta(days=7)
        original = f"RECURRENCE-ID{head}:{moved:%Y%m%d}T{clock}\n"
        yield _event(chance, uid, f"{original}DTSTART{at(moved, hour + 1)}\nDTEND{at(moved, hour + 2)}\n")


def _rule(chance: random.Random, day: date, time: str) -> str:
    rule = chance.choice(RULES)
    until = day + timedelta(days=chance.randint(60, 700))
    return f"RRULE:{rule.format(day=DAYS[day.weekday()], count=chance.randint(5, 40), until=f'{until:%Y%m%d}{time}')}\n"


def _event(chance: random.Random, uid: str, times: str) -> str:
    words = " ".join(chance.choices(WORDS, k=3))
    lines = [
        "BEGIN:VEVENT\n",
        f"UID:{uid}\nDTSTAMP:20260101T120000Z\nCREATED:20260101T120000Z\nLAST-MODIFIED:20260102T120000Z\n",
        times,
        f"SUMMARY:{words.capitalize()}\\, with ü\nSEQUENCE:{chance.randint(0, 3)}\n",
        f"LOCATION:Room {chance.randint(1, 40)}\\, second floor\n",
        f"DESCRIPTION:{' '.join(chance.choices(WORDS, k=40))}\n",
        f"STATUS:{chance.choice(('CONFIRMED', 'CONFIRMED', 'TENTATIVE'))}\n",
        f"TRANSP:{chance.choice(('OPAQUE', 'OPAQUE', 'TRANSPARENT'))}\n",
    ]
    if chance.random() < 0.3:
        lines.append("ORGANIZER;CN=Front desk:mailto:desk@bench.example\n")
        lines += [
            f'ATTENDEE;CN="Guest {n}";PARTSTAT=ACCEPTED;ROLE=REQ-PARTICIPANT:mailto:g{n}@bench.example\n'
            for n in range(2)
        ]
    if chance.random() < 0.3:
        lines.append("BEGIN:VALARM\nACTION:DISPLAY\nDESCRIPTION:Reminder\nTRIGGER:-PT15M\nEND:VALARM\n")
    lines.append("END:VEVENT\n")
    return "".join(lines)
