"""Every row of the case files, against `expand_resource`."""

import pytest

from kalends.ical import expand_resource
from kalends.model.occurrence import ExpansionContext, Occurrence
from kalends.model.time import Window
from tests.ical.case_file import Case, read_cases

ROWS = read_cases("rfc5545_examples", "zones", "lengths", "rules", "series", "availability", "broken")


def test_every_row_has_a_name_of_its_own() -> None:
    names = [case.name for case in ROWS]
    assert len(set(names)) == len(names) >= 45


@pytest.mark.parametrize("case", ROWS, ids=str)
def test_row(case: Case) -> None:
    context = ExpansionContext(Window(*case.window), case.floating_zone, case.own)
    expansion = expand_resource([case.payload], context)
    wanted = sorted(case.expected, key=lambda expected: expected.sort_key)
    details = [[key for key, _ in expected.details] for expected in wanted]
    found = sorted(expansion.occurrences, key=lambda found: (found.start.isoformat(), found.end.isoformat(), found.key))
    assert [(x.start, x.end, x.availability) for x in found] == [(x.start, x.end, x.availability) for x in wanted]
    for expected, occurrence, keys in zip(wanted, found, details, strict=True):
        assert {key: str(getattr(occurrence, key)) for key in keys} == dict(expected.details)
    assert len(expansion.problems) == len(case.problems), expansion.problems
    for problem in case.problems:
        assert any(problem in found.reason for found in expansion.problems), expansion.problems
    if case.goes_on is not None:
        assert expansion.expanded_until == (case.window[1] if case.goes_on else None)
    assert expansion.floating == case.floating
    assert all(_is_sound(occurrence) for occurrence in expansion.occurrences)


def _is_sound(found: Occurrence) -> bool:
    return found.start < found.end if found.all_day else found.start <= found.end and found.zone is not None
