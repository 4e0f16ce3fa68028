"""Schedule events made by hand, for the tests of what is worked out from them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from kalends.model.schedule_event import EventTimes, EventType, Override, ScheduleEvent, Segment, WeeklyRule

MADE = datetime(2026, 11, 1, tzinfo=UTC)
EVENT = "aaaaaaaa-0000-4000-8000-000000000000"


def wall(text: str) -> datetime:
    """Return a wall time."""
    return datetime.fromisoformat(text)


def times(start: str, end: str, zone: str = "Europe/Berlin", *, all_day: bool = False) -> EventTimes:
    """Return times, from texts such as `2026-12-01T09:00`."""
    return EventTimes(wall(start), wall(end), zone, all_day)


def series(its: EventTimes, rule: WeeklyRule | None = None, **content: Any) -> ScheduleEvent:
    """Return an event that recurs each week unless another rule is given."""
    return event(Segment(1, 1, its, {"title": "Zumba", **content}, rule or WeeklyRule()))


def event(*segments: Segment, overrides: tuple[Override, ...] = ()) -> ScheduleEvent:
    """Return an event that consists of segments."""
    return ScheduleEvent(
        site_id="site",
        id=EVENT,
        schedule_id="schedule",
        type=EventType.CLASS,
        app_id=None,
        created_at=MADE,
        updated_at=MADE,
        segments=segments,
        overrides=overrides,
    )


def override(original: str, *, its: EventTimes | None = None, ordinal: int = 1, **differing: Any) -> Override:
    """Return an override of the instance that starts at a wall time."""
    at = wall(original)
    values = {"cancelled": False, "changes": {}, **differing}
    return Override(f"{EVENT}_1_{at:%Y%m%dT%H%M}", ordinal, at, MADE, MADE, times=its, **values)


HOUR = timedelta(hours=1)
