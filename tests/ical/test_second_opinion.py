"""ical.js is asked about every row of the case files; where it differs, the row has to say why."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from tests.ical.case_file import Case, read_cases
from tests.ical.conftest import Oracle
from tests.ical.zone_text import with_zones

FILES = ("rfc5545_examples", "zones", "lengths", "rules", "series", "availability")


def test_ical_js_agrees_except_where_the_row_says_why(ical_js: Oracle) -> None:
    cases = read_cases(*FILES)
    answers = ical_js([_question(case) for case in cases])
    surprises = []
    agreed = 0
    for case, answer in zip(cases, answers, strict=True):
        agrees = _in_window(case, answer) == _wanted(case)
        agreed += agrees
        if agrees == (case.js_differs is not None):
            surprises.append((case.name, "agrees" if agrees else answer))
    assert not surprises
    assert agreed > 200


def _question(case: Case) -> dict[str, Any]:
    first, last = case.window
    text = with_zones(case.payload, first.year - 2, last.year + 2)
    return {"ics": text, "from": first.timestamp(), "to": last.timestamp()}


def _wanted(case: Case) -> list[tuple[datetime, datetime]]:
    zone = ZoneInfo(case.floating_zone)
    return sorted((_instant(expected.start, zone), _instant(expected.end, zone)) for expected in case.expected)


def _in_window(case: Case, answer: dict[str, Any]) -> list[tuple[datetime, datetime]] | str:
    if "error" in answer:
        return str(answer["error"])
    zone = ZoneInfo(case.floating_zone)
    first, last = case.window
    found = [(_answered(start, zone), _answered(end, zone)) for start, end in answer["occurrences"]]
    return sorted((start, end) for start, end in found if start <= last and end >= first)


def _answered(answer: float | str, zone: ZoneInfo) -> datetime:
    if isinstance(answer, str):
        return _instant(datetime.fromisoformat(answer), zone)
    return datetime.fromtimestamp(answer, UTC)


def _instant(moment: date, zone: ZoneInfo) -> datetime:
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=zone).astimezone(UTC)
