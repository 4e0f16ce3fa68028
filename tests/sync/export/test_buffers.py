"""The time that is blocked after copies."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings

from kalends.model.copy import CopyText, WantedCopy
from kalends.model.schedule_event import ScheduleEvent, WeeklyRule
from kalends.model.time import Window
from kalends.sync.export.buffers import BUFFER, buffer_after
from kalends.sync.export.wanted import CopyStyle, wanted_copies
from tests.schedules.event_makers import times, wall
from tests.sync.export.test_wanted import LONG_AGO, any_changed_series, shown_by

QUARTER = timedelta(minutes=15)
MONDAY = times("2026-11-23T09:00", "2026-11-23T10:00")
PLAIN = WantedCopy("key", "tag", MONDAY, CopyText("Haircut", notes="Mind the dog"))
YEARS = Window(
    times("2008-01-01T00:00", "2008-01-01T01:00").start_at, times("2031-01-01T00:00", "2031-01-01T01:00").end_at
)


def test_it_begins_where_the_copy_ends_and_says_nothing_of_it() -> None:
    expected = WantedCopy("", "", times("2026-11-23T10:00", "2026-11-23T10:15"), CopyText(BUFFER))
    assert buffer_after(PLAIN, QUARTER) == expected


def test_there_is_none_after_a_whole_day_nor_after_what_does_not_block() -> None:
    day = times("2026-11-23T00:00", "2026-11-24T00:00", all_day=True)
    assert buffer_after(replace(PLAIN, times=day), QUARTER) is None
    assert buffer_after(replace(PLAIN, text=CopyText("Tips", busy=False)), QUARTER) is None
    assert buffer_after(PLAIN, timedelta(0)) is None


def test_a_series_that_ends_has_one_after_its_last_instance() -> None:
    late = times("2026-11-23T23:00", "2026-11-24T00:30")
    series = replace(PLAIN, times=late, rule=WeeklyRule(1, wall("2026-12-07T23:00")))
    found = buffer_after(series, QUARTER)
    assert found is not None
    assert found.rule == WeeklyRule(1, wall("2026-12-08T00:30"))


@settings(max_examples=200)
@given(its=any_changed_series())
def test_after_each_instance_that_blocks_there_is_one(its: ScheduleEvent) -> None:
    found = {one.ordinal: one.copy for one in wanted_copies(its, CopyStyle(buffer=QUARTER), LONG_AGO)}
    assert {-one for one in found if one < 0} == {one for one in found if one > 0}
    for ordinal, copy in found.items():
        if ordinal > 0:
            ends = sorted(end for _, end, _ in shown_by(copy, YEARS))
            begins = sorted(begin for begin, _, _ in shown_by(found[-ordinal], YEARS))
            assert begins[: len(ends)] == ends[: len(begins)]
            assert all(title == BUFFER for _, _, title in shown_by(found[-ordinal], YEARS))
