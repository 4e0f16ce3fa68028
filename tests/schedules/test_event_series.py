"""From a series as it is kept to its instances."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import WEEKLY, rrule
from hypothesis import given, settings
from hypothesis import strategies as st

from kalends.model.event_series import InstanceId, extent, instances, last_start, parse_id, shown, starts, whole
from kalends.model.schedule_event import (
    LONGEST_INSTANCE,
    WEEK,
    EventStatus,
    EventTimes,
    RecurrenceType,
    ScheduleEvent,
    Segment,
    WeeklyRule,
    instant,
)
from kalends.model.time import Window
from tests.schedules.event_makers import EVENT, event, override, series, times, wall

ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",  # midnight was skipped there
    "Australia/Lord_Howe",  # half an hour of summer time
    "Africa/Casablanca",  # four changes in some years
    "Pacific/Apia",  # once, a whole day was skipped
    "Asia/Kolkata",
    "UTC",
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def during(begins: str, ends: str) -> Window:
    """Return the days from one to before another, in UTC."""
    return Window(at(f"{begins}T00:00Z"), at(f"{ends}T00:00Z"))


def spans(its: ScheduleEvent, window: Window) -> list[tuple[datetime, datetime]]:
    return [(one.times.start_at, one.times.end_at) for one in instances(its, window)]


walls = st.datetimes(wall("2008-01-01"), wall("2031-01-01")).map(lambda one: one.replace(second=0, microsecond=0))
lengths = st.integers(1, int(LONGEST_INSTANCE.total_seconds()) // 60).map(lambda minutes: timedelta(minutes=minutes))


@st.composite
def any_series(draw: st.DrawFn) -> ScheduleEvent:
    start, length = draw(walls), draw(lengths | st.just(timedelta(hours=1)))
    zone = draw(st.sampled_from(ZONES))
    until = draw(st.none() | st.integers(0, 400).map(lambda days: start + timedelta(days=days)))
    rule = WeeklyRule(draw(st.integers(1, 5)), until)
    bounds = st.none() | walls.map(lambda one: one.replace(tzinfo=UTC))
    bounded = {"from_at": draw(bounds), "before_at": draw(bounds)}
    return event(Segment(1, 1, EventTimes(start, start + length, zone), {"title": "Zumba"}, rule, **bounded))


def one_by_one(its: ScheduleEvent, window: Window) -> Iterator[tuple[datetime, datetime]]:
    """Yield what the library for recurrences says, placed by the standard library, one by one from the beginning."""
    (segment,) = its.segments
    first, rule, zone = segment.times.start, segment.rule, ZoneInfo(segment.times.zone)
    assert rule is not None
    far = window.end.replace(tzinfo=None) + timedelta(days=3)
    for start in rrule(WEEKLY, dtstart=first, interval=rule.interval, until=min(rule.until or far, far)):
        begins = start.replace(tzinfo=zone).astimezone(UTC)
        ends = (start + segment.times.length).replace(tzinfo=zone).astimezone(UTC)
        if ends <= begins:
            ends = begins + segment.times.length
        if segment.from_at is not None and begins < segment.from_at:
            continue
        if segment.before_at is not None and begins >= segment.before_at:
            continue
        if begins < window.end and ends > window.start:
            yield begins, ends


@settings(max_examples=300, deadline=None)
@given(its=any_series(), begins=walls, days=st.integers(1, 300))
def test_any_series_in_any_window(its: ScheduleEvent, begins: datetime, days: int) -> None:
    window = Window(begins.replace(tzinfo=UTC), begins.replace(tzinfo=UTC) + timedelta(days=days))
    assert spans(its, window) == sorted(one_by_one(its, window))


@settings(max_examples=150, deadline=None)
@given(its=any_series(), cuts=st.lists(walls, min_size=2, max_size=6, unique=True))
def test_windows_side_by_side_show_each_instance_where_it_lies(its: ScheduleEvent, cuts: list[datetime]) -> None:
    edges = sorted(one.replace(tzinfo=UTC) for one in cuts)
    pieces = {one.id for begin, end in pairwise(edges) for one in instances(its, Window(begin, end))}
    assert pieces == {one.id for one in instances(its, Window(edges[0], edges[-1]))}


@settings(max_examples=150, deadline=None)
@given(its=any_series())
def test_the_extent_holds_the_first_and_the_last(its: ScheduleEvent) -> None:
    (segment,) = its.segments
    all_starts = list(starts(segment))
    assert last_start(segment) == (all_starts[-1] if all_starts else None)
    if all_starts:
        ends = [segment.times.at(one).end_at for one in all_starts]
        assert extent(its) == (segment.times.at(all_starts[0]).start_at, ends[-1])


@settings(max_examples=100, deadline=None)
@given(its=any_series(), begins=walls)
def test_the_id_of_an_instance_leads_to_it(its: ScheduleEvent, begins: datetime) -> None:
    window = Window(begins.replace(tzinfo=UTC), begins.replace(tzinfo=UTC) + 20 * WEEK)
    for one in instances(its, window):
        assert shown(its, one.id) == one
        assert 36 <= len(one.id) <= 250


def test_wall_times_stay_when_the_clocks_change() -> None:
    found = instances(series(times("2027-03-22T09:00", "2027-03-22T10:00")), during("2027-03-20", "2027-04-01"))
    assert [one.times.start for one in found] == [wall("2027-03-22T09:00"), wall("2027-03-29T09:00")]
    assert [one.times.start_at for one in found] == [at("2027-03-22T08:00Z"), at("2027-03-29T07:00Z")]


@pytest.mark.parametrize(
    ("start", "end", "span"),
    [
        # 2:30 does not exist: it is read with the offset before the gap
        ("2027-03-28T02:30", "2027-03-28T04:00", ("2027-03-28T01:30Z", "2027-03-28T02:00Z")),
        # nothing is left until 3:00, which comes before 2:30 so read: it lasts half an hour all the same
        ("2027-03-28T02:30", "2027-03-28T03:00", ("2027-03-28T01:30Z", "2027-03-28T02:00Z")),
        ("2027-03-28T02:30", "2027-03-28T03:30", ("2027-03-28T01:30Z", "2027-03-28T02:30Z")),
        # both exist twice: the first counts
        ("2026-10-25T02:15", "2026-10-25T02:45", ("2026-10-25T00:15Z", "2026-10-25T00:45Z")),
        ("2026-10-25T02:30", "2026-10-25T03:30", ("2026-10-25T00:30Z", "2026-10-25T02:30Z")),
    ],
)
def test_gaps_and_folds(start: str, end: str, span: tuple[str, str]) -> None:
    its = times(start, end)
    assert (its.start_at, its.end_at) == (at(span[0]), at(span[1]))


def test_an_all_day_instance_has_the_hours_of_its_day() -> None:
    its = series(times("2027-03-21T00:00", "2027-03-22T00:00", all_day=True))
    hours = [(end - start) / timedelta(hours=1) for start, end in spans(its, during("2027-03-20", "2027-04-05"))]
    assert hours == [24, 23, 24]


def test_until_is_the_latest_start() -> None:
    its = times("2026-12-01T09:00", "2026-12-01T10:00")
    window = during("2026-11-01", "2027-11-01")
    for until, count in (("2026-12-15T09:00", 3), ("2026-12-15T08:59", 2), ("2026-12-01T09:00", 1)):
        assert len(instances(series(its, WeeklyRule(until=wall(until))), window)) == count


def test_no_series_goes_on_after_the_last_year() -> None:
    its = series(times("2026-12-01T09:00", "2026-12-01T10:00"))
    assert extent(its)[1] == at("2100-12-28T09:00Z")
    assert instances(its, during("2101-01-01", "2103-01-01")) == []


MONDAYS = series(times("2026-12-07T09:00", "2026-12-07T10:00"), notes="bring a mat", location={"name": "Room 1"})
DECEMBER = during("2026-12-01", "2027-01-01")


def test_an_exception_has_what_is_its_own_and_inherits_the_rest() -> None:
    changed = override("2026-12-14T09:00", changes={"title": "Pilates", "notes": None}, revision=4)
    found = instances(replace(MONDAYS, overrides=(changed,)), DECEMBER)
    assert [one.recurrence for one in found] == [
        RecurrenceType.INSTANCE,
        RecurrenceType.EXCEPTION,
        RecurrenceType.INSTANCE,
        RecurrenceType.INSTANCE,
    ]
    exception = found[1]
    assert exception.content == {"title": "Pilates", "location": {"name": "Room 1"}}
    assert (exception.revision, exception.times) == (4, found[0].times.at(wall("2026-12-14T09:00")))
    assert "title" not in exception.inherited
    assert {"location", "start", "end", "timeZone", "allDay"} <= set(exception.inherited)
    assert found[0].inherited == ()


def test_an_exception_lies_where_it_was_moved_to() -> None:
    out = override("2026-12-14T09:00", its=times("2027-02-01T12:00", "2027-02-01T13:00"))
    into = override("2027-02-15T09:00", its=times("2026-12-20T12:00", "2026-12-20T13:00"))
    its = replace(MONDAYS, overrides=(out, into))
    assert [one.times.start.day for one in instances(its, DECEMBER)] == [7, 20, 21, 28]
    february = [
        (one.times.start.day, one.times.start.hour) for one in instances(its, during("2027-02-01", "2027-03-01"))
    ]
    assert february == [(1, 9), (1, 12), (8, 9), (22, 9)]
    assert "start" not in instances(its, DECEMBER)[1].inherited


def test_a_cancelled_instance_is_still_shown_as_such() -> None:
    its = replace(MONDAYS, overrides=(override("2026-12-14T09:00", cancelled=True),))
    statuses = [one.status for one in instances(its, DECEMBER)]
    assert statuses == [EventStatus.CONFIRMED, EventStatus.CANCELLED, EventStatus.CONFIRMED, EventStatus.CONFIRMED]


def test_of_a_cancelled_series_what_had_begun_took_place() -> None:
    its = replace(MONDAYS, cancelled_at=at("2026-12-14T08:00Z"), overrides=(override("2026-12-28T09:00"),))
    found = instances(its, DECEMBER)
    assert [one.status.value for one in found] == ["CONFIRMED", "CANCELLED", "CANCELLED", "CANCELLED"]
    assert whole(its).status is EventStatus.CANCELLED


def test_segments_follow_each_other() -> None:
    first = Segment(1, 1, times("2026-12-07T09:00", "2026-12-07T10:00"), {"title": "A"}, WeeklyRule())
    cut = at("2026-12-21T08:00Z")
    second = Segment(2, 2, times("2026-12-22T18:00", "2026-12-22T19:00"), {"title": "B"}, WeeklyRule(), from_at=cut)
    its = event(replace(first, before_at=cut), second)
    assert [(one.content["title"], one.times.start.day) for one in instances(its, DECEMBER)] == [
        ("A", 7),
        ("A", 14),
        ("B", 22),
        ("B", 29),
    ]
    assert whole(its).content == {"title": "B"}
    assert shown(its, str(InstanceId(EVENT, 1, wall("2026-12-14T09:00")))) is not None
    assert shown(its, str(InstanceId(EVENT, 1, wall("2026-12-21T09:00")))) is None, "after the cut"
    assert shown(its, str(InstanceId(EVENT, 2, wall("2026-12-14T09:00")))) is None, "another grid"


def test_the_id_of_an_instance_leads_to_its_exception() -> None:
    moved = replace(override("2026-12-14T09:00", changes={"title": "X"}), id=f"{EVENT}_7_20261130T0900")
    its = replace(MONDAYS, overrides=(moved,))
    by_instance, by_itself = shown(its, str(InstanceId(EVENT, 1, moved.original))), shown(its, moved.id)
    assert by_instance == by_itself
    assert by_itself is not None
    assert by_itself.id == moved.id


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        EVENT[:-1],
        f"{EVENT}_",
        f"{EVENT}_1_20261207T0960",
        f"{EVENT}_0_20261207T0900",
        f"{EVENT}_1_2026120T0900",
    ],
)
def test_what_is_no_id(text: str) -> None:
    with pytest.raises(ValueError, match=r"neither|unconverted|does not match|must be"):
        parse_id(text)


def test_ids_are_read_in_either_case() -> None:
    text = f"{EVENT}_1_20261207T0900"
    assert parse_id(text.upper()) == (EVENT, InstanceId(EVENT, 1, wall("2026-12-07T09:00")))
    assert parse_id(EVENT.upper()) == (EVENT, None)
    assert str(InstanceId(EVENT, 1, wall("2026-12-07T09:00"))) == text


def test_an_instance_of_nobody() -> None:
    single = event(Segment(1, 1, times("2026-12-07T09:00", "2026-12-07T10:00"), {}))
    assert shown(single, f"{EVENT}_1_20261207T0900") is None
    assert shown(single, EVENT.replace("a", "b")) is None
    assert shown(MONDAYS, f"{EVENT}_1_20261208T0900") is None


def test_an_instant_is_that_of_the_first_of_two_wall_times() -> None:
    assert instant(wall("2026-10-25T02:30"), "Europe/Berlin") == at("2026-10-25T00:30Z")
