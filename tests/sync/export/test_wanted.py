"""What copies are wanted of schedule events."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from dateutil.rrule import WEEKLY, rrule
from hypothesis import given, settings
from hypothesis import strategies as st

from kalends.model.copy import Privacy, WantedCopy
from kalends.model.event_series import instances, starts
from kalends.model.schedule_event import EventStatus, EventType, Override, ScheduleEvent, Segment, WeeklyRule
from kalends.model.time import Window
from kalends.sync.export.wanted import BUSY, CopyStyle, wanted_copies
from tests.schedules.event_makers import MADE, event, override, series, times, wall
from tests.schedules.test_event_series import any_series

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
SINCE = datetime(2026, 11, 22, tzinfo=UTC)
ALL = CopyStyle()
MONDAY = times("2026-11-23T09:00", "2026-11-23T10:00")


def single(**content: Any) -> ScheduleEvent:
    return event(Segment(1, 1, MONDAY, {"title": "Haircut", **content}))


def only(its: ScheduleEvent, style: CopyStyle = ALL, since: datetime = SINCE) -> WantedCopy:
    (found,) = wanted_copies(its, style, since)
    return found.copy


def shown_by(copy: WantedCopy, window: Window) -> list[tuple[datetime, datetime, str]]:
    """Return what a calendar program shows of a copy."""
    changed = {one.original: one for one in copy.changed}
    walls = [copy.times.start]
    if copy.rule is not None:
        far = max(window.end.replace(tzinfo=None) + timedelta(days=400), *changed, *copy.cancelled, copy.times.start)
        until = min(copy.rule.until or far, far)
        walls = [*rrule(WEEKLY, dtstart=copy.times.start, interval=copy.rule.interval, until=until)]
    assert set(changed) | set(copy.cancelled) <= set(walls)
    found = []
    for start in walls:
        if start in copy.cancelled:
            continue
        its = changed[start].times if start in changed else copy.times.at(start)
        text = changed[start].text if start in changed else copy.text
        found.append((its.start_at, its.end_at, text.title))
    return sorted(one for one in found if one[0] < window.end and one[1] > window.start)


@st.composite
def any_changed_series(draw: st.DrawFn) -> ScheduleEvent:
    """A series of which some instances were moved, retitled or cancelled, and which may be cancelled itself."""
    its = draw(any_series())
    (segment,) = its.segments
    some = [start for _, start in zip(range(8), starts(segment), strict=False)]
    overrides = []
    for start in some:
        match draw(st.sampled_from(("", "", "moved", "retitled", "cancelled"))):
            case "moved":
                moved = segment.times.at(start + timedelta(hours=draw(st.integers(-40, 40))))
                overrides.append(changed_at(start, times=moved))
            case "retitled":
                overrides.append(changed_at(start, changes={"title": "Special"}))
            case "cancelled":
                overrides.append(changed_at(start, cancelled=True))
    cut = draw(st.none() | st.sampled_from(some)) if some else None
    cancelled_at = None if cut is None else segment.times.at(cut).start_at
    return replace(its, overrides=tuple(overrides), cancelled_at=cancelled_at)


def changed_at(start: datetime, **differing: Any) -> Override:
    return Override(f"{start:%Y%m%dT%H%M}", 1, start, MADE, MADE, **differing)


@settings(max_examples=300, deadline=None)
@given(its=any_changed_series(), begins=st.datetimes(wall("2008-01-01"), wall("2031-01-01")), days=st.integers(1, 300))
def test_a_copy_shows_just_the_instances_that_take_place(its: ScheduleEvent, begins: datetime, days: int) -> None:
    window = Window(begins.replace(tzinfo=UTC), begins.replace(tzinfo=UTC) + timedelta(days=days))
    taking_place = [
        (one.times.start_at, one.times.end_at, str(one.content["title"]))
        for one in instances(its, window)
        if one.status is EventStatus.CONFIRMED
    ]
    copies = wanted_copies(its, ALL, LONG_AGO)
    shown = [one for found in copies for one in shown_by(found.copy, window)]
    assert shown == sorted(taking_place)


def test_a_single_event_is_one_copy_with_what_it_says() -> None:
    said = {
        "notes": "Bring a towel",
        "location": {"name": "Studio 2"},
        "conferencingDetails": {"guestUrl": "https://m.example/1"},
    }
    copy = only(single(**said))
    assert (copy.times, copy.rule) == (MONDAY, None)
    text = copy.text
    assert (text.title, text.notes, text.location, text.url) == (
        "Haircut",
        "Bring a towel",
        "Studio 2",
        "https://m.example/1",
    )
    assert (text.busy, text.private) == (True, False)


def test_what_is_free_does_not_block_and_working_hours_are_no_copies() -> None:
    assert not only(single(transparency="TRANSPARENT")).text.busy
    assert wanted_copies(replace(single(), type=EventType.WORKING_HOURS), ALL, SINCE) == ()


def test_privacy_says_how_much_is_shown() -> None:
    its = single(notes="Secret", location={"name": "Here"}, participants={"list": [{"name": "Ann"}], "total": 1})
    busy, title = (only(its, CopyStyle(privacy=one)).text for one in (Privacy.BUSY, Privacy.TITLE))
    assert (busy.title, busy.notes, busy.location, busy.url, busy.private) == (BUSY, "", "", None, True)
    assert (title.title, title.notes, title.location, title.url, title.private) == ("Haircut", "", "", None, False)


@pytest.mark.parametrize(
    ("template", "participants", "title"),
    [
        ("{title}", [], "Haircut"),
        ("{service}: {title} ({participant})", [{"name": "Ann"}], "Salon: Haircut (Ann)"),
        ("{participant} {title}", [{"name": "Ann"}, {"name": "Ben"}], "Haircut"),
        ("{participant}", [{"name": "{title}"}], "{title}"),
        ("{participant}", [], BUSY),
        ("{other} {title", [], "{other} {title"),
    ],
)
def test_titles_are_made_by_the_sites_template(template: str, participants: list[Any], title: str) -> None:
    its = single(participants={"list": participants, "total": len(participants)})
    assert only(its, CopyStyle(title=template, service="Salon")).text.title == title


def test_a_link_leads_back_to_the_booking_where_there_is_no_meeting() -> None:
    style = CopyStyle(link="https://shop.example/bookings/{eventId}")
    its = single()
    assert only(its, style).text.url == f"https://shop.example/bookings/{its.id}"
    assert only(single(conferencingDetails={"guestUrl": "javascript:alert(1)"})).text.url is None


def test_what_is_over_is_marked_and_what_was_cancelled_is_not_wanted() -> None:
    assert wanted_copies(replace(single(), cancelled_at=MONDAY.start_at), ALL, SINCE) == []
    assert over(single(), MONDAY.end_at) == [True]
    assert over(single(), MONDAY.start_at) == [False]
    ended = series(MONDAY, WeeklyRule(1, wall("2026-12-07T09:00")))
    assert over(ended, datetime(2026, 12, 7, 9, tzinfo=UTC)) == [True]
    assert over(ended, datetime(2026, 12, 7, 8, tzinfo=UTC)) == [False]


def over(its: ScheduleEvent, since: datetime) -> list[bool]:
    return [one.over for one in wanted_copies(its, ALL, since)]


def test_each_segment_is_a_copy_of_its_own_that_begins_with_its_first_instance() -> None:
    cut = datetime(2026, 12, 7, tzinfo=UTC)
    later = times("2026-11-23T18:00", "2026-11-23T19:00")
    its = event(
        Segment(1, 1, MONDAY, {"title": "Early"}, WeeklyRule(), before_at=cut),
        Segment(2, 2, later, {"title": "Late"}, WeeklyRule(), from_at=cut),
    )
    first, second = wanted_copies(its, ALL, SINCE)
    assert (first.ordinal, first.copy.rule) == (1, WeeklyRule(1, wall("2026-11-30T09:00")))
    assert (second.ordinal, second.copy.times.start, second.copy.rule) == (2, wall("2026-12-07T18:00"), WeeklyRule())


def test_an_override_of_which_a_copy_shows_nothing_is_none() -> None:
    its = replace(series(MONDAY), overrides=(override("2026-11-30T09:00", changes={"totalCapacity": 5}),))
    assert only(its).changed == ()
    moved = replace(series(MONDAY), overrides=(override("2026-11-30T09:00", changes={"title": "New"}),))
    assert [one.text.title for one in only(moved).changed] == ["New"]
    assert only(moved, CopyStyle(privacy=Privacy.BUSY)).changed == ()
