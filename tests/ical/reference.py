"""What the `icalendar` package says of each VEVENT of a text, and the named exceptions: where it is meant to differ.

An exception is a form of writing that one of the two reads otherwise, on purpose. Before `icalendar` is asked, a line
of that form is rewritten to what we take it to mean, so that the two still have to agree. `USED` counts how often.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from icalendar import Calendar, Component, Event, vDDDTypes, vRecur
from icalendar.parser import Contentlines
from icalendar.prop import vBroken

from tests.ical.fields import DATE, IN_UTC, NO_ZONE, PARTS, UNREADABLE, Fields, in_zone

_DATED = "DTSTART|DTEND|DURATION|RECURRENCE-ID|RDATE|EXDATE"
_TIMED = "DTSTART|DTEND|RECURRENCE-ID|RDATE|EXDATE"
_OURS = f"{_DATED}|UID|SEQUENCE|STATUS|SUMMARY|TRANSP|X-MICROSOFT-CDO-BUSYSTATUS|RRULE|EXRULE|METHOD|BEGIN|END"
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_RANGES = {
    "BYMONTH": (1, 12, False),
    "BYWEEKNO": (1, 53, True),
    "BYYEARDAY": (1, 366, True),
    "BYMONTHDAY": (1, 31, True),
    "BYHOUR": (0, 23, False),
    "BYMINUTE": (0, 59, False),
    "BYSECOND": (0, 60, False),
    "BYSETPOS": (1, 366, True),
}
_LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_FREQUENCIES = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY")

USED: Counter[str] = Counter()


class Differs(Exception):
    """The text is not one that `icalendar` can be asked about; the message is the name of the exception."""


class _Rewrite(NamedTuple):
    name: str
    reason: str
    form: re.Pattern[str]
    into: str | Callable[[re.Match[str]], str]


def _form(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE | re.ASCII | re.DOTALL)


def _day_ended(found: re.Match[str]) -> str:
    try:
        following = date.fromisoformat(found[1]) + timedelta(days=1)
    except (ValueError, OverflowError):
        return found[0]
    return f"{following.isoformat().replace('-', '')}T000000{found[2]}"


def _values(pattern: str, into: str | Callable[[re.Match[str]], str]) -> Callable[[re.Match[str]], str]:
    """Return what rewrites the values of a list that are of a form."""
    form = re.compile(pattern, re.IGNORECASE | re.ASCII)

    def rewritten(line: re.Match[str]) -> str:
        values = re.split(r"([,/])", line[2])
        told = "".join(form.sub(into, value) if form.fullmatch(value) else value for value in values)
        return line[1] + told + "".join(line.groups()[2:])

    return rewritten


def _uncontradicted(line: re.Match[str]) -> str:
    """Take VALUE away unless all values are of its kind; a midnight that is called a date is one."""
    kind = (line[2] or line[3]).strip().upper()
    form = {"DATE": r"\d{8}", "DATE-TIME": r"\d{8}T\d{6}Z?", "PERIOD": r".*/.*"}.get(kind)
    values = line[5].split(",")
    if form is not None and all(re.fullmatch(form, value) for value in values):
        return line[0]
    if kind == "DATE":
        values = [re.sub(r"(\d{8})T000000Z?(?=/|\Z)", r"\1", value) for value in values]
    return f"{line[1]}{line[4]}:{','.join(values)}"


def _parts(line: re.Match[str]) -> list[str]:
    return [part for part in line[2].split(";") if part] or [""]


def _part_name(part: str) -> str:
    return part.partition("=")[0].strip().upper()


_VOID = "BYNOTHING=1"
_HEAD = r'(?:;(?:[^":]|"[^"]*")*)?'
_DATES_LINE = rf"((?:{_TIMED}){_HEAD}:)([^:]*)"
_IN_UTC = r"\d{8}T\d{6}Z"
_UNTIL_PART = r"((?:RRULE|EXRULE)(?:;[^:]*)?:(?:.*;)?UNTIL=)([^;]*)((?:;.*)?)"

REWRITES = (
    _Rewrite(
        "a line that is no property of ours",
        "icalendar refuses lines, parameters and values that we never look at",
        _form(rf"(?!(?:{_OURS})[ \t]*[;:]).*"),
        "X-NOTHING:",
    ),
    _Rewrite(
        "blanks before the parameters",
        "we drop them, as other readers do; icalendar drops those in the name alone",
        _form(rf"({_OURS})[ \t]+([;:].*)"),
        r"\1\2",
    ),
    _Rewrite(
        "a zone's name with colons and no quotes",
        "programs write it, and no value of these properties holds a colon",
        _form(rf'((?:{_TIMED})(?:;(?:[^":]|"[^"]*")*)?;TZID=)([^":;]*:[^";]*)((?:;(?:[^":]|"[^"]*")*)?:[^":]*)'),
        r'\1"\2"\3',
    ),
    _Rewrite(
        "blanks around a value",
        "no date, number or word has any, so they mean nothing",
        _form(rf"((?:{_OURS}){_HEAD}:)(?:[ \t]+(.*?)[ \t]*|(.*?)[ \t]+)"),
        lambda found: f"{found[1]}{found[2] or found[3] or ''}",
    ),
    _Rewrite(
        "blanks around one of several values",
        "no date has any, so they mean nothing",
        _form(_DATES_LINE),
        _values(r"[ \t]*(.*?)[ \t]*", r"\1"),
    ),
    _Rewrite(
        "small letters in a date or duration",
        "we read T, Z and the letters of a duration in any case",
        _form(rf"((?:{_DATED}){_HEAD}:)((?-i:[^:]*[a-z][^:]*))"),
        lambda found: found[1] + found[2].upper(),
    ),
    _Rewrite(
        "a duration without any part",
        "P alone says nothing, and is refused; icalendar reads it as no time at all",
        _form(rf"((?:DURATION|RDATE){_HEAD}:)([^:]*)"),
        _values(r"[+-]?P", "none"),
    ),
    _Rewrite(
        "a rule without anything",
        "it is a rule that was not given; icalendar has it as one without FREQ",
        _form("(RRULE|EXRULE)(;[^:]*)?:"),
        "X-NOTHING:",
    ),
    _Rewrite(
        "a part of a rule without = or with two",
        "it voids the rule, as an unknown part does; icalendar skips it",
        _form(r"((?:RRULE|EXRULE)(?:;[^:]*)?:)(.*)"),
        lambda found: (
            found[1] + ";".join(_VOID if one.strip() and one.count("=") != 1 else one for one in _parts(found))
        ),
    ),
    _Rewrite(
        "a part of a rule given twice",
        "nobody knows which is meant, so it voids the rule; icalendar takes the last",
        _form(r"((?:RRULE|EXRULE)(?:;[^:]*)?:)(.*)"),
        lambda found: found[0] + f";{_VOID}" * (max(Counter(map(_part_name, _parts(found))).values()) > 1),
    ),
    _Rewrite(
        "small letters in a rule",
        "we read rules in any case; icalendar does not so in UNTIL",
        _form(r"((?:RRULE|EXRULE)(?:;[^:]*)?:)((?-i:.*[a-z].*))"),
        lambda found: found[1] + found[2].upper(),
    ),
    *(
        one
        for line in (_DATES_LINE, _UNTIL_PART)
        for one in (
            _Rewrite(
                "other than digits in a time",
                "that is no time; icalendar takes signs, and beside a zone that it knows overlooks one character",
                _form(line),
                _values(r"(?!\d{8}T\d{6}Z?\Z).{8}T.{6,}", "none"),
            ),
            _Rewrite(
                "24:00",
                "ISO 8601 has it, and it is the midnight that follows",
                _form(line),
                _values(r"(\d{8})T2400(?:00)?(Z?)", _day_ended),
            ),
            _Rewrite(
                "the second 60",
                "a leap second is read as second 59: datetime has none",
                _form(line),
                _values(r"(\d{8}T\d{4})60(Z?)", r"\g<1>59\2"),
            ),
            _Rewrite(
                "a time without seconds",
                "some programs leave them out",
                _form(line),
                _values(r"(\d{8}T\d{4})(Z?)", r"\g<1>00\2"),
            ),
        )
    ),
    _Rewrite(
        "VALUE contradicts the value",
        "what the text looks like counts, because clients leave VALUE out or contradict it",
        _form(
            rf'((?:{_TIMED})(?:;(?:[^":]|"[^"]*")*?)?);VALUE=(?:"([^"]*)"|([^;:"]*))((?:;(?:[^":]|"[^"]*")*)?):([^:]*)'
        ),
        _uncontradicted,
    ),
    _Rewrite(
        "a zone beside a date",
        "a date is in no zone; icalendar makes it midnight in the zone",
        _form(rf"((?:{_TIMED})(?:;[^:]*?)?);TZID=(?:\"[^\"]*\"[ \t]*|[^:;\"]*)({_HEAD}:\d{{8}}(?:,\d{{8}})*)"),
        r"\1\2",
    ),
    _Rewrite(
        "a zone beside Z",
        "Z says which instant is meant; icalendar takes the zone",
        _form(rf"((?:{_TIMED})(?:;[^:]*?)?);TZID=(?:\"[^\"]*\"[ \t]*|[^:;\"]*)({_HEAD}:{_IN_UTC}(?:[,/]{_IN_UTC})*)"),
        r"\1\2",
    ),
    _Rewrite(
        "an escape that stands for nothing",
        "RFC 5545 has only \\\\ \\; \\, \\n: before any other character we drop the backslash, icalendar keeps it",
        _form(r"((?:UID|SUMMARY)[;:].*)"),
        lambda found: re.sub(r"\\(.)", lambda one: one[0] if one[1] in "\\,;nN" else one[1], found[1]),
    ),
)

OTHERS = {
    "line ends": "icalendar knows CRLF and LF, not CR and CR CR LF",
    "folded within a character": "icalendar decodes before it unfolds",
    "components that are not nested": "a BEGIN or END is missing or one too many: icalendar refuses or mixes them up",
    "refused outside of the events": "a fault elsewhere voids the text for icalendar, so it gets the events alone",
    "one value of a list": "we drop the value that cannot be read, icalendar the whole line",
    "a number": "int() takes signs and underscores; a SEQUENCE is at most nine digits, or counts as 0",
    "the edge of the calendar": "years in which a time has no instant in some zone are left out of RDATE and EXDATE",
    "a rule out of range": "icalendar does not check the values of a rule",
}


def theirs(payload: bytes) -> list[Fields]:
    """Ask `icalendar`. Raises `Differs` where the text as a whole is an exception."""
    lines = list(_rewritten(_lines(payload)))
    if not _nested(lines):
        USED["components that are not nested"] += 1
        raise Differs("components that are not nested")
    text = "\r\n".join(lines) + "\r\n"
    read: Any = Calendar.from_ical
    try:
        calendars = read(text, multiple=True)
    except ValueError:
        USED["refused outside of the events"] += 1
        calendars = read("\r\n".join(_events_alone(lines)) + "\r\n", multiple=True)
    loose = [found for found in calendars if found.name == "VEVENT"]
    within = [(found, child) for found in calendars if found.name == "VCALENDAR" for child in found.subcomponents]
    return [_event(found, "") for found in loose if isinstance(found, Event)] + [
        _event(found, _word(calendar, "METHOD")) for calendar, found in within if isinstance(found, Event)
    ]


def _lines(payload: bytes) -> list[str]:
    if re.search(rb"\r(?!\n)", payload):
        USED["line ends"] += 1
        payload = re.sub(rb"\r\r\n|\r(?!\n)", b"\n", payload)
    if re.search(rb"[\x80-\xff]\r?\n[ \t][\x80-\xbf]", payload):
        USED["folded within a character"] += 1
        payload = re.sub(rb"\r?\n[ \t]", b"", payload)
    unfold: Any = Contentlines.from_ical
    return [str(line) for line in unfold(payload) if line]


def _rewritten(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        now = line
        for one in REWRITES:
            if found := one.form.fullmatch(now):
                new = found.expand(one.into) if isinstance(one.into, str) else one.into(found)
                if new != now:
                    USED[one.name] += 1
                    now = new
        yield now


def _nested(lines: Iterable[str]) -> bool:
    path: list[str] = []
    for line in lines:
        word, _, rest = line.partition(":")
        name = rest.strip().upper()
        if word.upper() == "BEGIN":
            if name == "VCALENDAR" and path:
                return False
            if path and path[-1] != "VCALENDAR" and name in {"VEVENT", "VTODO", "VTIMEZONE", "VJOURNAL", "VFREEBUSY"}:
                return False
            path.append(name)
        elif word.upper() == "END":
            if not path or path.pop() != name:
                return False
        elif not path:
            return False
    return not path


def _events_alone(lines: list[str]) -> Iterator[str]:
    depth: list[str] = []
    for line in lines:
        word, _, rest = line.upper().partition(":")
        name = rest.strip()
        if word == "BEGIN":
            depth.append(name)
        kept = {"VCALENDAR": {"METHOD", "BEGIN", "END"}, "VEVENT": {*_OURS.split("|")}}.get(depth[-1], ())
        if word.partition(";")[0].strip() in kept:
            yield line
        if word == "END":
            depth.pop()


def _firsts(component: Component, name: str) -> list[Any]:
    found = component.get(name)
    if found is None:
        return []
    return found if isinstance(found, list) else [found]


def _first(component: Component, name: str) -> Any:
    return next(iter(_firsts(component, name)), None)


def _word(component: Component, name: str) -> str:
    return str(_first(component, name) or "").strip().upper()


def _event(event: Component, method: str) -> Fields:
    try:
        return _readable(event, method)
    except ValueError:
        return UNREADABLE


def _readable(event: Component, method: str) -> Fields:
    status = _word(event, "STATUS")
    cancelled = method == "CANCEL" or status == "CANCELLED"
    start = _first(event, "DTSTART")
    if start is None and not cancelled:
        raise ValueError("DTSTART is missing")
    ends = [found for name in ("DTEND", "DURATION") if (found := _first(event, name)) is not None]
    instance = _first(event, "RECURRENCE-ID")
    return {
        "uid": str(_first(event, "UID") or "").strip() or None,
        "title": str(_first(event, "SUMMARY") or "").strip(),
        "sequence": _sequence(str(_first(event, "SEQUENCE") or "0")),
        "availability": _availability(event, status),
        "cancelled": cancelled,
        "withdrawn": method == "CANCEL",
        "start": None if start is None else _stamp(start),
        "end": _end(ends[0], duration="DTEND" not in event) if ends and start is not None else None,
        "recurrence_id": None if instance is None else _stamp(instance),
        "this_and_future": instance is not None and str(instance.params.get("RANGE", "")).upper() == "THISANDFUTURE",
        "rules": [_rule(found) for found in _firsts(event, "RRULE") if str(found)],
        "excluded_rules": list(_excluded_rules(event)),
        "extra": [found for found in _listed(event, "RDATE") if all(map(_has_instant, _reach(found)))],
        "excluded": [found[0] for found in _listed(event, "EXDATE") if _has_instant(found[0])],
    }


def _sequence(text: str) -> int:
    if re.fullmatch(r"\s*\d{1,9}\s*", text):
        return int(text)
    USED["a number"] += 1
    return 0


def _availability(event: Component, status: str) -> str:
    transparency = _word(event, "TRANSP")
    outlook = "" if transparency else _word(event, "X-MICROSOFT-CDO-BUSYSTATUS")
    if "TRANSPARENT" in transparency or outlook == "FREE":
        return "free"
    return "tentative" if "TENTATIVE" in {status, outlook} else "busy"


class _Broken(ValueError):
    """The value is one that `icalendar` could not read."""


def _check(found: Any) -> None:
    if isinstance(found, vBroken):
        raise _Broken(str(found.parse_error))


def _stamp(found: Any) -> tuple[datetime, str]:
    _check(found)
    return _moment(found.dt, found.params.get("TZID"))


def _moment(value: Any, zone: Any) -> tuple[datetime, str]:
    if isinstance(value, datetime):
        if isinstance(zone, str) and zone.strip():
            return value.replace(tzinfo=None), in_zone(re.sub(r"\\(.)", r"\1", zone).strip())
        return value.replace(tzinfo=None), NO_ZONE if value.tzinfo is None else IN_UTC
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day), DATE
    raise ValueError("is no date or time")


def _end(found: Any, *, duration: bool) -> tuple[datetime, str] | timedelta:
    _check(found)
    if isinstance(found.dt, timedelta) and duration:
        return found.dt
    if duration:
        raise ValueError("is no duration")
    return _stamp(found)


def _listed(event: Component, name: str) -> Iterator[tuple[tuple[datetime, str], Any]]:
    for found in _firsts(event, name):
        zone = found.params.get("TZID")
        if isinstance(found, vBroken):
            items = [one for text in str(found).split(",") if (one := _alone(text, zone)) is not None]
        else:
            items = [one.dt for one in found.dts]
        for item in items:
            try:
                yield _extra(item, zone) if name == "RDATE" else (_moment(item, zone), None)
            except ValueError:
                USED["one value of a list"] += 1


def _alone(text: str, zone: Any) -> Any:
    if not text.strip():
        return None
    dated = re.fullmatch(r"\d{8}", text) is not None
    read: Any = vDDDTypes.from_ical
    try:
        return read(text.strip(), None if dated or text.upper().endswith("Z") else zone)
    except ValueError:
        USED["one value of a list"] += 1
        return None


def _extra(item: Any, zone: Any) -> tuple[tuple[datetime, str], Any]:
    if not isinstance(item, tuple):
        return _moment(item, zone), None
    start, end = item
    return _moment(start, zone), end if isinstance(end, timedelta) else _moment(end, zone)


def _reach(found: tuple[tuple[datetime, str], Any]) -> Iterator[tuple[datetime, str]]:
    start, end = found
    yield start
    if isinstance(end, timedelta):
        try:
            yield start[0] + end, DATE
        except OverflowError:
            yield datetime.max, DATE
    elif end is not None:
        yield end


def _has_instant(stamp: tuple[datetime, str]) -> bool:
    if 2 <= stamp[0].year <= 9998:
        return True
    USED["the edge of the calendar"] += 1
    return False


def _excluded_rules(event: Component) -> Iterator[Fields]:
    for found in _firsts(event, "EXRULE"):
        if not str(found).strip():
            continue
        try:
            yield _rule(found)
        except ValueError:
            USED["one value of a list"] += 1


def _rule(found: Any) -> Fields:
    _check(found)
    rule = found if isinstance(found, vRecur) else vRecur.from_ical(str(found))
    try:
        return _checked({name.upper(): values for name, values in rule.items() if not name.upper().startswith("X-")})
    except ValueError:
        USED["a rule out of range"] += 1
        raise


def _checked(rule: dict[str, Any]) -> Fields:
    frequency = str(rule["FREQ"][0]) if len(rule.get("FREQ", ())) == 1 else ""
    fields: Fields = {name: _numbers(part, rule.get(part, ())) for part, name in PARTS.items()}
    days = {_weekday(str(found)) for found in rule.get("BYDAY", ())}
    if frequency not in _FREQUENCIES or not rule.keys() <= {*PARTS, *_ONCE, "BYDAY", "RSCALE", "SKIP"}:
        raise ValueError("has an unknown part")
    calendar = [getattr(one, "value", one) for name in ("RSCALE", "SKIP") for one in rule.get(name, ())]
    if not {*calendar} <= {"GREGORIAN", "OMIT"}:
        raise ValueError("is of another calendar")
    if any(len(rule.get(name, "1")) != 1 for name in _ONCE):
        raise ValueError("has a part with several values")
    if frequency not in _FREQUENCIES[:2] or fields["by_week_no"]:
        days = {(0, weekday) for _, weekday in days}
    for name in ("INTERVAL", "COUNT"):
        if name in rule and not 1 <= int(rule[name][0]) <= 999_999_999:
            raise ValueError("is out of range")
    fields["by_second"] = tuple(sorted({min(59, second) for second in fields["by_second"]}))
    if fields["by_month"] and fields["by_month_day"]:
        longest = max(_LONGEST[month - 1] for month in fields["by_month"])
        if min(map(abs, fields["by_month_day"])) > longest:
            raise ValueError("names days that are none")
    return fields | {
        "freq": frequency,
        "interval": int(rule.get("INTERVAL", [1])[0]),
        "count": int(rule["COUNT"][0]) if "COUNT" in rule else None,
        "until": _moment(rule["UNTIL"][0], None) if "UNTIL" in rule else None,
        "week_start": _WEEKDAYS.index(str(rule.get("WKST", ["MO"])[0])),
        "by_day": tuple(sorted(days)),
    }


_ONCE = ("FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST")


def _numbers(part: str, values: Iterable[Any]) -> tuple[int, ...]:
    low, high, negative = _RANGES[part]
    numbers = {int(value) for value in values}
    if not all(low <= (abs(number) if negative else number) <= high for number in numbers):
        raise ValueError("is out of range")
    return tuple(sorted(numbers))


def _weekday(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)", text)
    if found is None or (found[1] and not 1 <= abs(int(found[1])) <= 53):
        raise ValueError("is out of range")
    return int(found[1] or 0), _WEEKDAYS.index(found[2])
