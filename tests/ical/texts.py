"""iCalendar texts made up from chance: ordinary ones, those of the bench and the case files, and worn copies."""

import re
from collections.abc import Iterator
from datetime import date
from itertools import cycle, pairwise
from random import Random

from bench.mixed import resources
from tests.ical.case_file import read_cases

ZONES = ("Europe/Berlin", "America/New_York", "Custom", "W. Europe Standard Time", "/x.example/1/Europe/Paris")
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_FILES = ("rfc5545_examples", "zones", "lengths", "rules", "series", "availability", "broken")
_WORDS = (
    "Tea",
    "a\\, b",
    "c\\; d",
    "e\\\\nf",
    "g\\nh",
    "i\\Nj",
    "at 5: now",
    "Übung",
    "日本",
    '"quoted"',
    "",
    "x;y",
    "a, b",
)


def payloads(chance: Random, count: int) -> Iterator[bytes]:
    """Yield so many texts: a third as they were made, the others worn."""
    day = date(2026, 7, 1)
    corpus = [text.encode() for _, text in resources(200, seed=chance.randrange(10**6), today=day)]
    cases = cycle(case.payload for case in read_cases(*_FILES))
    for number in range(count):
        kind = number % 4
        made = chance.choice(corpus) if kind == 0 else next(cases) if kind == 1 else calendar(chance)
        yield worn(chance, made) if number % 3 else made


def calendar(chance: Random) -> bytes:
    events = [line for _ in range(chance.choice((1, 1, 2))) for line in event(chance)]
    method = [chance.choice(("METHOD:CANCEL", "METHOD:PUBLISH", "METHOD:cancel"))] if chance.random() < 0.1 else []
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", *method, *events, "END:VCALENDAR", ""]
    return "\r\n".join(lines).encode()


def event(chance: Random) -> list[str]:
    """Make the lines of a VEVENT, in any order but for an alarm, which stays together."""
    lines = ["UID:" + chance.choice(("u", "v@example.org", "a\\,b"))]
    for likely, line in (
        (0.97, _dated(chance, "DTSTART")),
        (0.4, _dated(chance, "DTEND")),
        (0.3, f"DURATION:{_duration(chance)}"),
        (0.7, _title(chance)),
        (0.4, f"SEQUENCE:{chance.choice(('0', '1', '7', '12', '-1', 'x', '007'))}"),
        (0.4, f"STATUS:{chance.choice(('CONFIRMED', 'TENTATIVE', 'CANCELLED', 'cancelled', 'Tentative'))}"),
        (0.4, f"TRANSP:{chance.choice(('OPAQUE', 'TRANSPARENT', 'transparent'))}"),
        (0.2, f"X-MICROSOFT-CDO-BUSYSTATUS:{chance.choice(('FREE', 'BUSY', 'TENTATIVE', 'OOF'))}"),
        (0.3, _dated(chance, "RECURRENCE-ID", chance.choice(("", "", ";RANGE=THISANDFUTURE", ";RANGE=thisandfuture")))),
        (0.5, f"RRULE:{rule(chance)}"),
        (0.1, f"EXRULE:{rule(chance)}"),
        (0.3, _dated(chance, "EXDATE", most=3)),
        (0.3, _dated(chance, "RDATE", most=3)),
        (0.1, _period(chance)),
    ):
        if chance.random() < likely:
            lines.append(line)
    chance.shuffle(lines)
    if chance.random() < 0.2:
        inside = ["TRIGGER:-PT15M", "DURATION:PT5M", "SUMMARY:Alarm", "UID:alarm", "REPEAT:2", "SEQUENCE:3"]
        lines[chance.randrange(len(lines)) : 0] = ["BEGIN:VALARM", *inside, "END:VALARM"]
    return ["BEGIN:VEVENT", *lines, "END:VEVENT"]


def _title(chance: Random) -> str:
    head = chance.choice(("", "", "", ";LANGUAGE=en", ';ALTREP="cid:a:b;c"', ';ALTREP="http://x/";LANGUAGE=de'))
    return f"SUMMARY{head}:{' '.join(chance.choices(_WORDS, k=2))}"


def _day(chance: Random) -> str:
    if chance.random() < 0.05:
        return chance.choice(("00010101", "99991231", "20260230", "19700101", "20240229", "00000101", "20261301"))
    return f"{chance.choice((2025, 2026, 2027))}{chance.randint(1, 12):02}{chance.randint(1, 28):02}"


def _clock(chance: Random) -> str:
    if chance.random() < 0.1:
        return chance.choice(("240000", "235960", "0900", "000000", "240001", "096000", "2400"))
    return f"{chance.randint(0, 23):02}{chance.choice(('00', '30', '59'))}{chance.choice(('00', '00', '59'))}"


def _dated(chance: Random, name: str, more: str = "", most: int = 1) -> str:
    count = chance.randint(1, most)
    kind = chance.random()
    if kind < 0.25:
        head = ";VALUE=DATE" if chance.random() < 0.8 else ""
        return f"{name}{more}{head}:{','.join(_day(chance) for _ in range(count))}"
    if kind < 0.45:
        return f"{name}{more}:{','.join(f'{_day(chance)}T{_clock(chance)}Z' for _ in range(count))}"
    values = ",".join(f"{_day(chance)}T{_clock(chance)}" for _ in range(count))
    if kind < 0.6:
        return f"{name}{more}{chance.choice(('', ';VALUE=DATE-TIME'))}:{values}"
    return _odd(chance, name, more, values) if kind < 0.69 else _zoned(chance, name, more, values)


def _zoned(chance: Random, name: str, more: str, values: str) -> str:
    head = [f";TZID={chance.choice(ZONES)}", *([more] if more else [])]
    chance.shuffle(head)
    return f"{name}{''.join(head)}:{values}"


def _odd(chance: Random, name: str, more: str, values: str) -> str:
    day, zone = _day(chance), chance.choice(ZONES)
    heads = (
        f";TZID=(UTC+01:00) Berlin{more}:{values}",
        f";VALUE=DATE{more}:{day}T000000",
        f";TZID={zone}{more}:{day}",
        f";TZID={zone}{more}:{day}T090000Z",
    )
    return name + chance.choice(heads)


def _period(chance: Random) -> str:
    day = _day(chance)
    end = chance.choice((f"{day}T235900Z", "PT1H", "P1D", "P1W"))
    return f"RDATE;VALUE=PERIOD:{day}T0{chance.randint(0, 9)}0000Z/{end}"


def _duration(chance: Random) -> str:
    sign = chance.choice(("", "", "", "+", "-"))
    return sign + chance.choice(("P1W", "P2W", "P1D", "PT1H", "PT90M", "P1DT2H3M4S", "PT0S", "P", "1H", "P15DT5H0M20S"))


def rule(chance: Random) -> str:
    if chance.random() < 0.03:
        return chance.choice(("FREQ=NONE", "COUNT=2", "FREQ=DAILY;COUNT=0", "FREQ=DAILY;INTERVAL=0", ""))
    freq = chance.choice(("DAILY", "WEEKLY", "WEEKLY", "MONTHLY", "YEARLY", "HOURLY"))
    parts = []
    for likely, part in (
        (0.4, f"INTERVAL={chance.randint(1, 5)}"),
        (0.5, chance.choice((f"COUNT={chance.randint(1, 30)}", f"UNTIL={_until(chance)}"))),
        (0.6, f"BYDAY={_by_day(chance, freq)}"),
        (0.2, f"WKST={chance.choice(WEEKDAYS)}"),
        (0.1, f"BYMONTH={chance.randint(1, 12)},{chance.randint(1, 12)}"),
        (0.1, f"BYMONTHDAY={chance.choice((-1, 1, 15, 31, 30))},{chance.randint(1, 31)}"),
        (0.05, f"BYHOUR={chance.randint(0, 24)}"),
        (0.05, f"BYMINUTE={chance.randint(0, 60)}"),
        (0.05, f"BYSECOND={chance.choice((0, 59, 60, 61))}"),
        (0.05, f"BYSETPOS={chance.choice((-1, 1, 2, 0, 366, 367))}"),
        (0.05, f"BYYEARDAY={chance.choice((-366, 1, 366, 367, 0))}"),
        (0.05, f"BYWEEKNO={chance.choice((-53, 1, 53, 54))}"),
    ):
        if chance.random() < likely:
            parts.append(part)
    chance.shuffle(parts)
    return ";".join([f"FREQ={freq}", *parts])


def _until(chance: Random) -> str:
    return chance.choice((_day(chance), f"{_day(chance)}T220000Z", f"{_day(chance)}T220000"))


def _by_day(chance: Random, freq: str) -> str:
    days = chance.sample(WEEKDAYS, k=chance.randint(1, 4))
    if freq in {"MONTHLY", "YEARLY"} or chance.random() < 0.1:
        days = [f"{chance.choice(('', '1', '2', '-1', '+3', '-2', '53'))}{day}" for day in days]
    return ",".join(days)


def worn(chance: Random, payload: bytes) -> bytes:
    """Return a text that says much the same, or nearly, as it may come from another program or a bad line."""
    lines = re.sub(rb"\r?\n[ \t]", b"", payload).split(b"\r\n")
    for _ in range(chance.randint(1, 3)):
        chance.choice(_WEARS)(chance, lines)
    end = chance.choice((b"\r\n", b"\r\n", b"\n", b"\r", b"\r\r\n")) if chance.random() < 0.4 else b"\r\n"
    if chance.random() < 0.5:
        lines = [_folded(chance, line, end) for line in lines]
    return (b"\xef\xbb\xbf" if chance.random() < 0.02 else b"") + end.join(lines)


def _inner(lines: list[bytes]) -> list[int]:
    """Return the places of the lines that neither begin nor end anything."""
    return [at for at, line in enumerate(lines) if line and not re.match(rb"BEGIN|END", line, re.IGNORECASE)]


def _drop(chance: Random, lines: list[bytes]) -> None:
    if places := _inner(lines):
        del lines[chance.choice(places)]


def _drop_any(chance: Random, lines: list[bytes]) -> None:
    if chance.random() < 0.3 and lines:
        del lines[chance.randrange(len(lines))]


def _double(chance: Random, lines: list[bytes]) -> None:
    places = _inner(lines)
    if places:
        lines.insert(chance.choice(places), lines[chance.choice(places)])


def _swap(chance: Random, lines: list[bytes]) -> None:
    places = _inner(lines)
    for one, two in pairwise(places):
        if two == one + 1 and chance.random() < 0.5:
            lines[one], lines[two] = lines[two], lines[one]


def _other_case(chance: Random, lines: list[bytes]) -> None:
    for at, line in enumerate(lines):
        name = re.match(rb"[A-Za-z-]+", line)
        if name and chance.random() < 0.5:
            lines[at] = chance.choice((name[0].lower(), name[0].title(), name[0].swapcase())) + line[name.end() :]


def _other_case_of_parameters(chance: Random, lines: list[bytes]) -> None:
    for at, line in enumerate(lines):
        if chance.random() < 0.5:
            lines[at] = re.sub(rb";(TZID|VALUE|RANGE)=", lambda found: found[0].lower(), line)


def _quote(chance: Random, lines: list[bytes]) -> None:
    for at, line in enumerate(lines):
        if chance.random() < 0.7:
            lines[at] = re.sub(
                rb";(TZID|RANGE|VALUE|LANGUAGE)=([^\":;(]+)(?=[;:])(?!:00[:)])", rb';\1="\2"', line, count=1
            )


def _blank(chance: Random, lines: list[bytes]) -> None:
    if places := _inner(lines):
        at = chance.choice(places)
        lines[at] = chance.choice(
            (lines[at] + b" ", lines[at].replace(b":", b": ", 1), lines[at].replace(b":", b" :", 1))
        )


def _strange(chance: Random, lines: list[bytes]) -> None:
    if places := _inner(lines):
        at = chance.choice(places)
        odd = (
            b"X-ODD;A=b:c",
            b"no line at all",
            b"SUMMARYX:no",
            b"COMMENT:x",
            b"DTSTAMP:20260101T000000Z",
            b"X-DTSTART:1",
        )
        lines.insert(at, chance.choice(odd))


def _change_byte(chance: Random, lines: list[bytes]) -> None:
    places = [at for at in _inner(lines) if b":" in lines[at]]
    if not places:
        return
    at = chance.choice(places)
    begin = lines[at].rindex(b":") + 1
    if begin < len(lines[at]):
        where = chance.randrange(begin, len(lines[at]))
        other = bytes([chance.choice(b"0123456789TZPWDHMS-+,;= \\nNaA\xc3\xff/.")])
        lines[at] = lines[at][:where] + chance.choice((other, b"", other + other)) + lines[at][where + 1 :]


_WEARS = (
    *(_drop, _drop_any, _double, _swap, _other_case, _other_case_of_parameters),
    *(_quote, _blank, _strange, _change_byte, _change_byte),
)


def _folded(chance: Random, line: bytes, end: bytes) -> bytes:
    cuts = sorted({chance.randrange(1, len(line)) for _ in range(chance.randint(0, 3))}) if len(line) > 1 else []
    pieces = [line[begin:finish] for begin, finish in zip([0, *cuts], [*cuts, len(line)], strict=True)]
    return (end + chance.choice((b" ", b"\t"))).join(pieces)
