"""VTIMEZONE (RFC 5545 §3.6.5) for an IANA zone, worked out from the zone rules of the pinned `tzdata`.

A zone's changes of offset are looked for year by year. Those that come on the same weekday of the same month up to the
last year become a rule, all others are named one by one.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple
from zoneinfo import ZoneInfo

_STEP = timedelta(days=5)
"""Shorter than any time between two changes of offset: Morocco's for Ramadan last four weeks."""
_PRECISION = timedelta(seconds=1)
_FEWEST_FOR_A_RULE = 3
_WEEK = 7
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


class _Change(NamedTuple):
    """A change of offset: `onset` is the wall time by the offset before it. A year has few of one kind."""

    before: timedelta
    after: timedelta
    name: str
    daylight: bool
    onset: datetime

    @property
    def kind(self) -> tuple[timedelta, timedelta, str, bool]:
        """What an observance has in common."""
        return self[:4]


@lru_cache(maxsize=256)
def vtimezone(zone: str, first: int, last: int) -> tuple[str, ...]:
    """Return the content lines, not folded, of a zone's VTIMEZONE that is right from one year to another, inclusive.

    Raises what `ZoneInfo` raises for a name that is none.
    """
    info = ZoneInfo(zone)
    begin = datetime(first - 1, 1, 1, tzinfo=UTC)
    # some years more, so that what comes each year shows as a rule
    until = datetime(last + _FEWEST_FOR_A_RULE, 1, 3, tzinfo=UTC)
    changes = list(_changes(info, begin, until))
    local = begin.astimezone(info)
    offset = local.utcoffset() or timedelta()
    start = _Change(offset, offset, local.tzname() or "", bool(local.dst()), local.replace(tzinfo=None))
    lines = ["BEGIN:VTIMEZONE", f"TZID:{zone}", *_observance(start, [])]
    for _, alike in groupby(sorted(changes, key=lambda one: (one.kind, one.onset)), key=lambda one: one.kind):
        lines += _observances(list(alike), last)
    return (*lines, "END:VTIMEZONE")


def _changes(info: ZoneInfo, begin: datetime, until: datetime) -> Iterator[_Change]:
    at = begin
    while at < until:
        after = at + _STEP
        if _offset(info, at) != _offset(info, after):
            low, high = at, after
            while high - low > _PRECISION:
                middle = low + (high - low) // 2
                low, high = (middle, high) if _offset(info, middle) == _offset(info, low) else (low, middle)
            instant = high.replace(microsecond=0)
            before, local = _offset(info, at), instant.astimezone(info)
            wall = (instant + before).replace(tzinfo=None)
            yield _Change(before, _offset(info, instant), local.tzname() or "", bool(local.dst()), wall)
        at = after


def _offset(info: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(info).utcoffset() or timedelta()


def _observances(alike: Sequence[_Change], last: int) -> list[str]:
    """Return the parts that stand for changes of one kind, in order of time: a rule for its end, dates before."""
    ruled, rule = _ruled(alike) if alike[-1].onset.year >= last else (0, "")
    dated = alike[: len(alike) - ruled]
    lines = _observance(dated[0], [f"RDATE:{_moment(one.onset)}" for one in dated[1:]]) if dated else []
    return lines + (_observance(alike[-ruled], [f"RRULE:{rule}"]) if ruled else [])


def _ruled(alike: Sequence[_Change]) -> tuple[int, str]:
    """Return how many of the last changes one yearly rule makes, and that rule; 0 where it is not worth one."""
    onset = alike[-1].onset
    places = [place for place in (_place(onset), _last_place(onset)) if place]
    lengths = {place: _length(alike, place) for place in places}
    place = max(lengths, key=lambda one: lengths[one])
    rule = f"FREQ=YEARLY;BYMONTH={onset.month};BYDAY={place}{_DAYS[onset.weekday()]}"
    return (lengths[place], rule) if lengths[place] >= _FEWEST_FOR_A_RULE else (0, "")


def _length(alike: Sequence[_Change], place: int) -> int:
    """Return how many of the last changes are in that place of their month, a year after the other."""
    length, latest = 0, alike[-1].onset
    for one in reversed(alike):
        onset = one.onset
        same = (onset.month, onset.weekday(), onset.time()) == (latest.month, latest.weekday(), latest.time())
        if not same or onset.year != latest.year - length or place not in {_place(onset), _last_place(onset)}:
            break
        length += 1
    return length


def _place(onset: datetime) -> int:
    """Return the how manieth such weekday of the month it is."""
    return (onset.day - 1) // _WEEK + 1


def _last_place(onset: datetime) -> int:
    """Return -1 where it is the last such weekday of the month, else 0."""
    return -1 if (onset + timedelta(days=_WEEK)).month != onset.month else 0


def _observance(change: _Change, more: Sequence[str]) -> list[str]:
    part = "DAYLIGHT" if change.daylight else "STANDARD"
    return [
        f"BEGIN:{part}",
        f"DTSTART:{_moment(change.onset)}",
        *more,
        f"TZOFFSETFROM:{_signed(change.before)}",
        f"TZOFFSETTO:{_signed(change.after)}",
        f"TZNAME:{change.name}",
        f"END:{part}",
    ]


def _moment(wall: datetime) -> str:
    return f"{wall:%Y%m%dT%H%M%S}"


def _signed(offset: timedelta) -> str:
    seconds = int(offset.total_seconds())
    hours, rest = divmod(abs(seconds), 3600)
    minutes, seconds_left = divmod(rest, 60)
    return f"{'-' if seconds < 0 else '+'}{hours:02}{minutes:02}" + (f"{seconds_left:02}" if seconds_left else "")
