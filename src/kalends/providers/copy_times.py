"""When a copy is, from what a provider says of its start and its end. Pure."""

from datetime import date, datetime, time

from kalends.model.schedule_event import EventTimes, wall_time
from kalends.model.time import is_iana_zone

_UTC = "UTC"


def times_between(start: datetime | date | None, end: datetime | date | None, zone: str | None) -> EventTimes | None:
    """Return the times between two instants (UTC), or two dates; None where they cannot be said.

    They are in the `zone` if it is one of IANA's and its wall times mean these instants, which in the hour that comes
    twice they may not; else in UTC. Dates are in UTC as well, which says nothing.
    """
    if isinstance(start, datetime) and isinstance(end, datetime):
        return _in_zone(start, end, zone) or _in_zone(start, end, _UTC)
    if start is None or end is None or isinstance(start, datetime) or isinstance(end, datetime) or end <= start:
        return None
    return EventTimes(datetime.combine(start, time()), datetime.combine(end, time()), _UTC, all_day=True)


def _in_zone(start: datetime, end: datetime, zone: str | None) -> EventTimes | None:
    if zone is None or end <= start or not is_iana_zone(zone):
        return None
    try:
        times = EventTimes(wall_time(start, zone), wall_time(end, zone), zone)
        means = times.start_at, times.end_at
    except OverflowError:
        return None  # at the edges of the calendar
    return times if means == (start, end) else None
