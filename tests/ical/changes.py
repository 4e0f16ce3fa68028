"""Changes that each break one rule of the reader, and the texts and rules that show the rarer ones."""

from datetime import datetime

from tests.ical.copies import Change


def _text(*lines: str, method: str = "", end: str = "\r\n") -> bytes:
    head = ["BEGIN:VCALENDAR", *([f"METHOD:{method}"] if method else []), "BEGIN:VEVENT", "UID:u"]
    return end.join([*head, *lines, "END:VEVENT", "END:VCALENDAR", ""]).encode()


_START = "DTSTART:20260701T090000Z"

TEXTS = (
    _text(_START, "SUMMARY:a\\, b\\; c\\\\n d\\ne\\Nf \\x"),
    _text(_START, "SUM\r\n MARY:Te\r\n\ta"),
    _text(_START, "SUMMARY:Te\r\n a", end="\r\n"),
    _text(_START, "SUMMARY:Te\r a", end="\r"),
    _text(_START, "SUMMARY:Te\r\r\n a", end="\r\r\n"),
    _text(_START, "SUMMARY:Té").replace("é".encode(), "é".encode()[:1] + b"\r\n " + "é".encode()[1:]),
    _text(_START, 'SUMMARY;ALTREP="cid:a:b;c";LANGUAGE=en:Tea: at 5'),
    _text(_START, "SUMMARY:first", "SUMMARY:last", "DTSTART:20260801", "SEQUENCE:1", "SEQUENCE:2"),
    _text(_START, "SUMMARY: blanks \\n "),
    b"\xef\xbb\xbf" + _text(_START, "SUMMARY:T\xffa"),
    b"\xef\xbb\xbfBEGIN:VEVENT\r\nDTSTART:20260701\r\nUID: \r\nEND:VEVENT\r\n",
    _text("dtstart;tzid=Europe/Berlin;value=date-time:20260701T090000"),
    _text('DTSTART;TZID="Europe/Berlin":20260701T090000', "DTEND;TZID=A/B:20260701T100000", "DURATION:PT1H"),
    _text("DTSTART;TZID=(UTC+01:00) Berlin:20260701T090000"),
    _text("DTSTART;TZID=Europe/Berlin:20260701T090000Z", "DTEND:20260702T090000"),
    _text("DTSTART;TZID=Europe/Berlin:20260701", "DTEND;VALUE=DATE:20260702T000000"),
    _text("DTSTART;VALUE=DATE:20260701T090000"),
    _text("DTSTART:20260228T240000", "DTEND:20260301T0930"),
    _text("DTSTART:20261231T235960Z", "RDATE:20270101T101060"),
    _text("DTSTART:20260701t090000z"),
    *(_text(_START, f"DURATION:{one}") for one in ("P2W", "-PT15M", "+P1D", "P1DT2H3M4S", "PT", "-P1W", "P")),
    *(_text(_START, f"SEQUENCE:{one}") for one in ("3", "-1", "x", "1234567890")),
    *(_text(_START, f"STATUS:{one}") for one in ("CANCELLED", "cancelled", "TENTATIVE")),
    *(_text(_START, f"TRANSP:{one}") for one in ("TRANSPARENT", "transparent", "OPAQUE")),
    _text(_START, "TRANSP:OPAQUE", "X-MICROSOFT-CDO-BUSYSTATUS:FREE"),
    _text(_START, "X-MICROSOFT-CDO-BUSYSTATUS:FREE"),
    _text(_START, "X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE"),
    _text(_START, method="CANCEL"),
    _text("SUMMARY:x", method="cancel"),
    _text("SUMMARY:x"),
    _text("SUMMARY:x", "STATUS:CANCELLED"),
    _text(_START, "RECURRENCE-ID;RANGE=THISANDFUTURE:20260702T090000Z"),
    _text(_START, "RECURRENCE-ID;RANGE=thisandfuture;TZID=A/B:20260702T090000"),
    _text(_START, "RECURRENCE-ID;RANGE=THISANDPRIOR:20260702T090000Z"),
    _text(_START, "EXDATE:20260702T090000Z,20260703T090000Z", "EXDATE;VALUE=DATE:20260704", "EXDATE:no,20260705"),
    _text(_START, "EXDATE;TZID=A/B:00010101T000000,20260702T090000", "RDATE;TZID=A/B:99991231T235959"),
    _text(_START, "RDATE;VALUE=PERIOD:20260702T090000Z/PT1H,20260703T090000Z/20260703T100000Z"),
    _text(_START, "RDATE:20260702T090000Z, 20260703T090000Z"),
    _text(_START, "BEGIN:VALARM", "TRIGGER:-PT5M", "DURATION:PT5M", "SUMMARY:Alarm", "UID:alarm", "END:VALARM"),
    _text(_START, "X-DTEND:20260702", "DTENDX:20260703", "SUMMARYTOO:no"),
    _text(_START, "DTEND :20260702T090000Z"),
    *(
        _text(_START, f"RRULE:{rule}")
        for rule in (
            "FREQ=DAILY",
            "freq=weekly;byday=mo,tu;wkst=su",
            "FREQ=MONTHLY;BYDAY=-1FR,+2MO,WE;INTERVAL=2",
            "FREQ=WEEKLY;BYDAY=2MO,MO;COUNT=5",
            "FREQ=YEARLY;BYWEEKNO=-1,20;BYDAY=1MO",
            "FREQ=DAILY;UNTIL=20260801",
            "FREQ=DAILY;UNTIL=20260801T090000Z",
            "FREQ=DAILY;UNTIL=20260801T090000",
            "FREQ=DAILY;UNTIL=20260801T240000",
            "FREQ=DAILY;COUNT=0",
            "FREQ=DAILY;INTERVAL=0",
            "FREQ=DAILY;FREQ=DAILY",
            "FREQ=DAILY;COUNT",
            "FREQ=DAILY;X-ODD=1;",
            "FREQ=DAILY;BYSECOND=60,59,0;BYMINUTE=0;BYHOUR=23",
            "FREQ=DAILY;BYSECOND=61",
            "FREQ=DAILY;BYHOUR=24",
            "FREQ=MONTHLY;BYMONTHDAY=-31,31;BYSETPOS=-1",
            "FREQ=MONTHLY;BYDAY=0MO",
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-30",
            "FREQ=YEARLY;BYYEARDAY=-366",
            "RSCALE=GREGORIAN;FREQ=YEARLY;SKIP=OMIT",
            "RSCALE=CHINESE;FREQ=YEARLY",
            "",
        )
    ),
    _text(_START, "RRULE:FREQ=DAILY", "RRULE:FREQ=WEEKLY", "EXRULE:FREQ=DAILY;COUNT=2", "EXRULE:FREQ=NO"),
)

_EVENT = _text(_START, "SUMMARY:Tea")
_ALARM = ("BEGIN:VALARM", "TRIGGER:-PT5M", "DURATION:PT5M", "SUMMARY:Alarm")

PAIRS = (
    # an event that lost its END is not read, and the next one is
    (
        _EVENT.replace(b"END:VEVENT\r\n", b"BEGIN:VEVENT\r\nUID:v\r\nDTSTART:20260801\r\nEND:VEVENT\r\n"),
        _EVENT.replace(_START.encode() + b"\r\n", b"").replace(
            b"END:VEVENT\r\n", b"END:VEVENT\r\nBEGIN:VEVENT\r\nUID:v\r\nDTSTART:20260801\r\nEND:VEVENT\r\n"
        ),
    ),
    # an alarm that lost its END gives back what is the event's, and keeps its own
    (_text(*_ALARM, _START, "RRULE:FREQ=DAILY"), _text(_START, "RRULE:FREQ=DAILY")),
    # what comes first in the event stands, though an alarm has lost its END
    (_text(_START, *_ALARM, "DTSTART:20260801"), _text(_START)),
    # an END of what never began ends nothing
    (_text("END:VALARM", "END:VTODO", _START), _text(_START)),
    # a text that ends too soon keeps its complete events
    (_EVENT.removesuffix(b"END:VCALENDAR\r\n"), _EVENT),
    # a time zone that lost its END does not swallow the event
    (
        _EVENT.replace(b"BEGIN:VEVENT", b"BEGIN:VTIMEZONE\r\nTZID:A/B\r\nBEGIN:STANDARD\r\nBEGIN:VEVENT"),
        _EVENT,
    ),
)

_LAST = datetime(9999, 12, 31, 23, 59, 59)

RULES = (
    ("FREQ=WEEKLY;BYDAY=SU,MO;WKST=SU;INTERVAL=2", datetime(2026, 7, 1, 9), datetime(2026, 7, 1), _LAST, 500, True),
    ("FREQ=WEEKLY;WKST=SU", datetime(1, 1, 1, 9), datetime(1, 1, 1), datetime(1, 3, 1), 500, True),
    ("FREQ=WEEKLY;BYDAY=SU,MO;WKST=SU", datetime(1, 1, 1, 9), datetime(1, 1, 1), datetime(1, 1, 1), 500, False),
    ("FREQ=WEEKLY;BYDAY=FR", datetime(9999, 12, 1, 9), datetime(9999, 12, 1), _LAST, 500, True),
    ("FREQ=DAILY", datetime(9999, 12, 1, 9), datetime(9999, 12, 1), _LAST, 500, False),
    ("FREQ=DAILY;UNTIL=20260703", datetime(2026, 7, 1, 9), datetime(2026, 7, 1), datetime(2026, 7, 9), 900, True),
    ("FREQ=DAILY;COUNT=3", datetime(2026, 7, 1, 9), datetime(2026, 8, 1), datetime(2026, 8, 9), 900, True),
)


CHANGES = (
    # lines: escapes, folding, line ends, encodings
    Change("lines", 'if found[1] in "nN"', 'if found[1] in "n"'),
    Change("lines", '_ESCAPE = re.compile(r"\\\\(.)"', '_ESCAPE = re.compile(r"\\\\([,;n])"'),
    Change("lines", '.replace(b"\\n\\t", b"")', ""),
    Change("lines", '.replace(b"\\n ", b"")', '.replace(b"\\n ", b" ")'),
    Change("lines", '.replace(b"\\r\\r\\n", b"\\n")', ""),
    Change("lines", '.replace(b"\\r", b"\\n")', ""),
    Change("lines", '.removeprefix("\\ufeff")', ""),
    Change("lines", 'unfold(payload).decode("utf-8", "replace")', 'unfold(payload).decode("latin-1")'),
    # lines: names, parameters, values
    Change("lines", '([^\\n]*)", re.IGNORECASE | re.ASCII)', '([^\\n]*)", re.ASCII)'),
    Change("lines", "        name = name.upper()  #", "        name = str(name)  #"),
    Change("lines", "([ \\t]*)([;:])([^\\n]*)", "()([;:])([^\\n]*)"),
    Change("lines", "if found[1].upper() == name:", "if found[1] == name:"),
    Change("lines", '(?:"([^"]*)"|([^;"]*))', '(?:"(-)"|([^;]*))'),
    Change("lines", "return str(found[2] or found[3]).strip()", "return str(found[3]).strip()"),
    Change("lines", '[^":]*(?:"[^"]*"[^":]*)*:', "[^:]*:"),
    Change("lines", 'head, _, value = rest.rpartition(":")', 'head, _, value = rest.partition(":")'),
    Change("lines", "return found[0] if found else None", "return found[-1] if found else None"),
    Change("lines", '"DURATION", "RECURRENCE-ID", "RRULE"', '"RECURRENCE-ID", "RRULE"'),
    # lines: what begins and ends where
    Change("lines", "path[-1].name != name:", "len(path) > 9:"),
    Change("lines", "path[-1].properties.setdefault(kept, lost", "path[-1].properties.get(kept, lost"),
    Change("lines", '_DATED - {"DURATION"} | {', "_DATED | {"),
    Change("lines", "elif name in OUTERMOST:", "elif name in ():"),
    Change("lines", "path.pop().closed = True", "path[-1].closed = True"),
    Change("lines", "if all(component.name != name for component in path[1:]):", "if not path[1:]:"),
    Change(
        "lines",
        "    path[-1].children.append(component)\n    path.append",
        "    path[-1].children.append(component)\n    path[1:2].append",
    ),
    # values
    Change("values", "len(text) == _DATE, len(text)", "len(text) != _DATE, len(text)"),
    Change("values", "len(text) == _IN_UTC)", "False)"),
    Change("values", "59 if second == 60 else second", "second"),
    Change("values", "wall += timedelta(days=ends_day)", "wall += timedelta()"),
    Change("values", "bool(found[7]))", "False)"),
    Change("values", "7 * weeks + days", "weeks + days"),
    Change("values", "return sign * (7 * weeks", "return (7 * weeks"),
    Change("values", "sign * timedelta(hours", "timedelta(hours"),
    Change("values", "P(?=[\\dT])", "P"),
    Change("values", "(\\d\\d)?(Z?))?", "(\\d\\d)(Z?))?"),
    Change("values", 're.compile(r"\\d{1,9}", re.ASCII)', 're.compile(r"\\d+", re.ASCII)'),
    # rules
    Change("rules", "text.strip().upper().split", "text.strip().split"),
    Change("rules", 'raise Unreadable("gives a part twice")', "pass"),
    Change("rules", "rule.freq > Frequency.MONTHLY or", "rule.freq < Frequency.YEARLY or"),
    Change("rules", "or rule.by_week_no:", "or rule.by_set_pos:"),
    Change("rules", "min(number, 59) for", "number for"),
    Change("rules", "_number(name, value, 1, 999_999_999", "_number(name, value, 0, 999_999_999"),
    Change("rules", "return {name.lower():", 'return {"interval":'),
    Change("rules", '{"until": _until(value)}', '{"until": None}'),
    Change("rules", '{"week_start": WEEKDAYS.index(value)}', "{}"),
    Change("rules", "ordinal = int(found[1] or 0)", "ordinal = abs(int(found[1] or 0))"),
    Change("rules", "or (found[1] and not ordinal)", ""),
    Change("rules", '"BYHOUR": ("by_hour", 0, 23', '"BYHOUR": ("by_hour", 0, 24'),
    Change("rules", '"BYYEARDAY": ("by_year_day", 1, 366', '"BYYEARDAY": ("by_year_day", 1, 365'),
    Change("rules", "_LONGEST_MONTH = (31, 29,", "_LONGEST_MONTH = (31, 28,"),
    Change("rules", ' or name.startswith("X-"):', ":"),
    Change("rules", "all(abs(day) > longest", "all(day > longest"),
    # read
    Change("read", 'title.text.strip() if title else ""', 'title.value.strip() if title else ""'),
    Change("read", "uid.text.strip() or None", "uid.text.strip()"),
    Change("read", "if is_date or (dates and wall.time() == time()):", "if is_date:"),
    Change("read", "(dates and wall.time() == time())", "dates"),
    Change("read", "                return Stamp(wall, zone=UTC_ZONE)\n", "                pass\n"),
    Change(
        "read", "if name else None)\n\n        return moment", "if name and False else None)\n\n        return moment"
    ),
    Change("read", '"").upper() == "THISANDFUTURE"', '"") == "THISANDFUTURE"'),
    Change(
        "read",
        "recurrence_id is not None\n            and (recurrence_id",
        "recurrence_id is not None\n            or (recurrence_id",
    ),
    Change("read", 'self._withdrawn or status == "CANCELLED"', "self._withdrawn"),
    Change("read", "cancelled = self._withdrawn or status", "cancelled = status"),
    Change("read", '_word(calendar, "METHOD") == "CANCEL"', 'calendar.first("METHOD") is not None'),
    Change("read", "if not optional:", "if optional:"),
    Change("read", 'if "TRANSPARENT" in transparency or outlook', "if outlook"),
    Change("read", 'outlook = "" if transparency else _word', "outlook = _word"),
    Change("read", 'if "TENTATIVE" in {answer, status, outlook}:', 'if "TENTATIVE" in {answer, outlook}:'),
    Change("read", "return found.value.strip().upper() if found", "return found.value.strip() if found"),
    Change("read", '        return parse_count(_word(component, "SEQUENCE"))\n', '        return parse_count("0")\n'),
    Change(
        "read",
        'if end := component.first("DTEND"):',
        'if (end := component.first("DTEND")) and not component.first("DURATION"):',
    ),
    Change("read", "if not component.closed:", "if False:"),
    Change("read", '[found.value] if found.name == "EXRULE" else found.value.split(",")', "[found.value]"),
    Change("read", 'component.all("RRULE") if rule.value.strip()', 'component.all("RRULE")'),
    Change(
        "read",
        'tuple(filter(_has_instant, self._tolerated(component, "EXDATE", self._moments)))',
        'self._tolerated(component, "EXDATE", self._moments)',
    ),
    Change("read", 'child.name == "VCALENDAR")):', 'child.name == "VEVENT")):'),
    # recurrence: the plain way
    Change(
        "recurrence",
        "    if first_counts:\n        yield first\n    steps.spend(1)\n",
        "    if not first_counts:\n        yield first\n    steps.spend(1)\n",
    ),
    Change("recurrence", "yield first\n    steps.spend(1)\n", "yield first\n"),
    Change("recurrence", "first.toordinal(), 1, [0]", "first.toordinal() + 1, 1, [0]"),
    Change("recurrence", "_week_begin(first, rule.week_start), 7", "_week_begin(first, 0), 7"),
    Change("recurrence", "sorted((weekday - rule.week_start) % 7 for", "list((weekday - rule.week_start) % 7 for"),
    Change("recurrence", "begin + index * length * rule.interval", "begin + index * length"),
    Change("recurrence", "day + length - 1 > _LAST_DAY", "day > _LAST_DAY"),
    Change("recurrence", "max(day, 1) > last_day:", "max(day, 1) >= last_day:"),
    Change("recurrence", "1 + length - max(0, 1 - day)", "1 + length"),
    Change("recurrence", "steps.spend(len(made))", "steps.spend(1)"),
    Change("recurrence", "steps.spend(len(made))", "steps.spend(len(ahead))"),
    Change("recurrence", "for offset in offsets if day + offset > 0]", "for offset in offsets if day + offset > 1]"),
    Change(
        "recurrence",
        "            if start > first or (start == first and not first_counts):\n                yield start",
        "            if start >= first:\n                yield start",
    ),
    Change(
        "recurrence",
        "at = time(rule.by_hour[0], rule.by_minute[0], rule.by_second[0])",
        "at = time(rule.by_hour[0], rule.by_minute[0])",
    ),
)
