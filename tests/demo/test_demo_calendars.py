"""What is in the demo's calendars, expanded as a sync would."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from kalends.demo.calendars import HOME, demo_accounts
from kalends.demo.server import write_calendars
from kalends.ical import expand_resource
from kalends.model.occurrence import Availability, ExpansionContext, Occurrence
from kalends.model.time import Window

DAYS = [
    datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(days=days) for days in (0, 87, 192, 298, *range(319, 326), 364)
]
"""Some of a year: the changes of the clocks, its ends, and a whole week."""


def week_ahead(now: datetime) -> dict[str, list[Occurrence]]:
    """Return account → occurrences that touch the seven days from `now` on."""
    found: dict[str, list[Occurrence]] = {}
    for account in demo_accounts(now):
        for calendar in account.calendars:
            for content in calendar.files.values():
                window = Window(now, now + timedelta(days=7))
                expansion = expand_resource([content], ExpansionContext(window, HOME, frozenset({account.email})))
                assert expansion.problems == ()
                found.setdefault(account.email, []).extend(expansion.occurrences)
    return found


@pytest.mark.parametrize("now", DAYS, ids=str)
def test_both_people_are_busy_whatever_the_day(now: datetime) -> None:
    for occurrences in week_ahead(now).values():
        assert sum(one.availability.blocks for one in occurrences) >= 5


def test_a_week_has_one_of_everything_that_calendars_get_wrong() -> None:
    monday = datetime(2026, 11, 16, tzinfo=ZoneInfo(HOME))
    found = [one for occurrences in week_ahead(monday).values() for one in occurrences]
    assert {one.availability for one in found} == set(Availability)
    assert {one.zone for one in found} >= {HOME, "America/New_York", "UTC", None}
    titles = [one.title for one in found]
    assert titles.count("Stand-up") == 4
    assert titles.count("Evening class") == 2
    assert "Team meeting" not in titles
    assert titles.count("Team meeting (moved)") == 1


def test_a_second_run_in_the_same_week_writes_nothing_and_one_in_the_next_adds_nothing(tmp_path: Path) -> None:
    def files() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    write_calendars(tmp_path, demo_accounts(datetime(2026, 11, 16, 0, tzinfo=UTC)))
    first = files()
    foreign = tmp_path / "manager@example.com" / "work" / "mine.ics"
    foreign.write_bytes(b"somebody else's")
    write_calendars(tmp_path, demo_accounts(datetime(2026, 11, 22, 20, tzinfo=UTC)))
    assert files() == first | {foreign: b"somebody else's"}
    write_calendars(tmp_path, demo_accounts(datetime(2026, 11, 23, 20, tzinfo=UTC)))
    assert files().keys() == first.keys() | {foreign}
    assert files() != first | {foreign: b"somebody else's"}


def test_holidays_fall_on_their_dates() -> None:
    days = [one.start for one in week_ahead(datetime(2026, 12, 22, tzinfo=UTC))["manager@example.com"]]
    assert date(2026, 12, 25) in days
