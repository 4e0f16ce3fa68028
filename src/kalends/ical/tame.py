"""Which resources are so plain that expanding them may be done in place, without a worker and a time limit."""

import re
from collections.abc import Sequence

from kalends.ical.lines import unfold

_MOST_BYTES = 16_384
_MOST_EVENTS = 20
_MOST_RULES = 24
_MOST_COUNT = 366
_MOST_DATE_BYTES = 4_096
_EVENT = re.compile(rb"\nBEGIN[^\n]*VEVENT")
_RULE = re.compile(rb"\n(?:RRULE|EXRULE)[ \t]*[;:]([^\n]*)")
_DATES = re.compile(rb"\n(?:RDATE|EXDATE)[ \t]*[;:][^\n]*")
_PLAIN = re.compile(
    rb"FREQ=(?:DAILY|WEEKLY|MONTHLY|YEARLY)|INTERVAL=\d{1,3}|COUNT=(?P<count>\d{1,3})|UNTIL=[\dTZ]{8,16}|WKST=[A-Z]{2}"
    rb"|BYDAY=[\d,A-Z+-]{2,40}|BYMONTHDAY=[\d,-]{1,100}|BYMONTH=[\d,]{1,30}|BYSETPOS=[\d,-]{1,12}"
)


def is_tame(payloads: Sequence[bytes]) -> bool:
    """Tell from the bytes alone whether the items of a group are small, few, and without any but plain rules.

    Plain is a rule by days or longer without times of day, week numbers or days of the year, and with a small COUNT
    if any; lists of dates, of which no steps are counted, are short. With a small allowance of steps what is tame takes
    milliseconds to expand; what is not may still be harmless.
    """
    if sum(map(len, payloads)) > _MOST_BYTES:
        return False
    # the words are looked for in capitals, and where lines begin: so the search is for a fixed beginning
    text = b"\n" + b"\n".join(map(unfold, payloads)).upper()
    if text.count(b"VEVENT") > _MOST_EVENTS and len(_EVENT.findall(text)) > _MOST_EVENTS:
        return False
    if b"DATE" in text and sum(map(len, _DATES.findall(text))) > _MOST_DATE_BYTES:
        return False
    if b"RULE" not in text:
        return True
    rules = _RULE.findall(text)
    return len(rules) <= _MOST_RULES and all(_is_plain(part) for rule in rules for part in rule.strip().split(b";"))


def _is_plain(part: bytes) -> bool:
    found = _PLAIN.fullmatch(part)
    return found is not None and int(found["count"] or 0) <= _MOST_COUNT
