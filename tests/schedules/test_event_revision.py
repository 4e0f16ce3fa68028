"""What a change makes of a series, whatever was changed before."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from kalends.model.event_revision import SeriesChange, changed_series, overridden, weeks_between
from kalends.model.event_series import instances, starts
from kalends.model.schedule_event import EventTimes, EventView, ScheduleEvent, Segment, WeeklyRule, instant
from kalends.model.time import Window
from tests.schedules.event_makers import MADE, series, times, wall

FIRST = wall("2026-12-01T09:00")
SPAN = Window(datetime(2026, 11, 1, tzinfo=UTC), datetime(2027, 9, 1, tzinfo=UTC))
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Step:
    """A change: of what, from how many hours after the first start on, to what."""

    kind: str
    hours: int
    title: str
    start: int
    zone: str
    interval: int


# near the start of an instance, as often as not
hours = st.builds(lambda week, more: 168 * week + more, st.integers(-1, 20), st.sampled_from([-30, -2, 0, 1, 40]))
steps = st.builds(
    Step,
    kind=st.sampled_from(["content", "times", "instance"]),
    hours=hours,
    title=st.sampled_from("ABCDEFG"),
    start=hours.filter(lambda one: one >= 0) | st.integers(0, 24 * 40),
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Pacific/Auckland"]),
    interval=st.integers(1, 3),
)


def all_of(its: ScheduleEvent) -> list[EventView]:
    return instances(its, SPAN)


def taken(its: ScheduleEvent, step: Step) -> ScheduleEvent:
    cut = instant(FIRST, "Europe/Berlin") + step.hours * HOUR
    if step.kind == "instance":
        views = all_of(its)
        if not views:
            return its
        view = views[step.hours % len(views)]
        return overridden(view, times=view.times, content={"notes": step.title}, now=MADE)
    if step.kind == "content":
        return changed_series(its, cut, SeriesChange({"title": step.title}), MADE)
    start = FIRST + step.start * HOUR
    moved = EventTimes(start, start + HOUR, step.zone)
    return changed_series(its, cut, SeriesChange(times=moved, rule=WeeklyRule(step.interval)), MADE)


def original_at(view: EventView) -> datetime:
    assert view.original is not None
    return instant(view.original, view.segment.times.zone)


def told(view: EventView) -> tuple[str, EventTimes, str, datetime]:
    return view.id, view.times, str(dict(view.content)), original_at(view)


@settings(max_examples=300, deadline=None)
@given(before=st.lists(steps, max_size=5), last=steps)
def test_what_started_before_the_cut_stays_and_the_rest_is_as_the_change_says(before: list[Step], last: Step) -> None:
    its = series(times("2026-12-01T09:00", "2026-12-01T10:00"))
    for step in before:
        its = taken(its, step)
    cut = instant(FIRST, "Europe/Berlin") + last.hours * HOUR
    after = taken(its, last)
    was, then = all_of(its), all_of(after)
    keys = [(one.segment.ordinal, one.original) for one in then]
    assert len(set(keys)) == len(keys)
    assert len({one.id for one in then}) == len(then)
    if last.kind == "instance":
        assert [one.times for one in was] == [one.times for one in then]
        return
    begun = any(original_at(one) < cut for one in was)
    if begun or last.kind == "content":
        past = [told(one) for one in was if original_at(one) < cut]
        assert [told(one) for one in then if original_at(one) < cut] == past
    rest = [one for one in then if original_at(one) >= cut]
    if last.kind == "content":
        assert [(one.id, one.times) for one in was if original_at(one) >= cut] == [(one.id, one.times) for one in rest]
        assert all(one.content["title"] == last.title for one in rest)
        return
    start = FIRST + last.start * HOUR
    alone = Segment(1, 1, EventTimes(start, start + HOUR, last.zone), {}, WeeklyRule(last.interval))
    wanted = [one for one in starts(alone, SPAN) if not begun or instant(one, last.zone) >= cut]
    assert [one.original for one in then if not begun or original_at(one) >= cut] == wanted


@settings(max_examples=200, deadline=None)
@given(before=st.lists(steps, max_size=4), hours=st.integers(0, 24 * 100), shift=st.integers(-24 * 2, 24 * 30))
def test_the_rest_of_a_series_is_moved_as_a_whole(before: list[Step], hours: int, shift: int) -> None:
    its = series(times("2026-12-01T09:00", "2026-12-01T10:00"))
    for step in before:
        its = taken(its, step)
    was = all_of(its)
    following = [one for one in was if original_at(one) >= instant(FIRST, "Europe/Berlin") + hours * HOUR]
    if not following or following[0].original is None:
        return
    picked = min(following, key=original_at)
    cut, original = original_at(picked), picked.original
    assert original is not None
    start = original + shift * HOUR
    zone = picked.segment.times.zone
    change = SeriesChange(
        times=EventTimes(start, start + HOUR, zone),
        rule=picked.segment.rule,
        begins_at=instant(start, zone),
        weeks=weeks_between(original, start),
    )
    if any(original_at(one) >= instant(start, zone) and original_at(one) < cut for one in was):
        return
    then = all_of(changed_series(its, cut, change, MADE))
    kept = [told(one) for one in was if original_at(one) < cut]
    assert [told(one) for one in then][: len(kept)] == kept or sorted(kept) == sorted(
        told(one) for one in then if one.segment.times != change.times
    )
    alone = Segment(1, 1, EventTimes(start, start + HOUR, zone), {}, picked.segment.rule)
    moved = [one.original for one in then if one.segment.times == change.times]
    assert moved == list(starts(alone, SPAN))


def test_exceptions_go_to_the_instance_of_their_week() -> None:
    its = series(times("2026-12-01T09:00", "2026-12-01T10:00"), WeeklyRule(until=wall("2026-12-31T00:00")))
    second = all_of(its)[1]
    its = overridden(second, times=second.times, content={"title": "Pilates"}, now=MADE)
    thursday = times("2026-12-03T18:00", "2026-12-03T19:00")
    change = SeriesChange(times=thursday, rule=WeeklyRule(until=wall("2026-12-31T00:00")))
    after = changed_series(its, MADE, change, MADE)
    assert [(one.times.start.day, one.content["title"]) for one in all_of(after)] == [
        (3, "Zumba"),
        (10, "Pilates"),
        (17, "Zumba"),
        (24, "Zumba"),
    ]
    every_other = replace(change, times=thursday, rule=WeeklyRule(2))
    assert changed_series(its, MADE, every_other, MADE).overrides == (), "its week has none any more"
