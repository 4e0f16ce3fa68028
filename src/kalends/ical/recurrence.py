"""Rule → starts, in wall time: the expansion of RFC 5545 §3.3.10, one period of FREQ × INTERVAL after the other.

The table of §3.3.10 comes down to two moves. A period offers its days (a long one only those worth a look), and every
BYxxx part that speaks of days filters them: that is "expand" where the period is long and "limit" where it is a day or
less. The parts that speak of time are multiplied out below the frequency and filter at or above it. Rules without COUNT
start near the span that is asked for, not at DTSTART, and what a part leaves out at a stretch is leapt over. Work is
counted in steps, and what runs out of them ends in `TooManySteps`: no rule runs for ever.
"""

from calendar import isleap, monthrange
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import product
from typing import NamedTuple

from kalends.ical.rules import Frequency, Rule
from kalends.ical.steps import Steps

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_UNITS = {
    Frequency.HOURLY: timedelta(hours=1),
    Frequency.MINUTELY: timedelta(minutes=1),
    Frequency.SECONDLY: _SECOND,
}
_LAST_DAY = date.max.toordinal()
_LOOK_ON = 100
"""Periods after the horizon in which a rule with UNTIL may still show that it has ended; then it counts as going on."""


def recur(
    rule: Rule,
    first: datetime,
    *,
    since: datetime,
    horizon: datetime,
    steps: Steps,
    within: Callable[[datetime], bool] | None = None,
    first_counts: bool = True,
) -> tuple[list[datetime], bool]:
    """Return the rule's starts in [since, horizon], ascending, and whether more may come after the horizon.

    All times are naive wall times in the zone of DTSTART, which is `first`. `within` tells whether UNTIL allows a
    start (that may depend on the zone) and stays false once it is false; None allows all. DTSTART is the first instance
    and counts towards COUNT even where the rule does not match it (§3.3.10, COUNT), unless `first_counts` is False, as
    for rules that exclude. Raises `TooManySteps`.
    """
    starts: list[datetime] = []
    anchored = rule.anchored(first)
    ways = _plain_starts if _is_plain(anchored) else _starts
    found = ways(anchored, first, since, horizon, steps, first_counts=first_counts)
    for made, start in enumerate(found, 1):
        if start is None or (within is not None and not within(start)):
            return starts, start is None
        if start > horizon:
            return starts, True
        if start >= since:
            starts.append(start)
        if made == rule.count:
            break
    return starts, False


class _Period(NamedTuple):
    """A period of the rule: the days it offers, and when it begins; `moment` only where it is shorter than a day."""

    begins: date
    days: Sequence[date]
    moment: datetime | None = None


def _starts(
    rule: Rule, first: datetime, since: datetime, horizon: datetime, steps: Steps, *, first_counts: bool
) -> Iterator[datetime | None]:
    """Yield the starts from about `since` on; None, as the last, when the horizon is passed with no end in sight."""
    if first_counts:
        yield first
    clock = _clock(rule, steps)
    index = max(0, _index(rule, first, since) - 1) if rule.count is None else 0
    beyond = 0
    while (period := _period(rule, first, index)) is not None:
        if period.begins > horizon.date():
            beyond += 1
            if rule.until is None or beyond > _LOOK_ON:
                yield None
                return
        steps.spend(1 + len(period.days))
        index += 1
        days = [day for day in period.days if _fits(rule, day)]
        if period.moment is not None:
            out = _out_until(rule, period.moment) if days else datetime.combine(period.begins, time.max)
            if out is not None:
                index = _index(rule, first, out) + 1
                continue
            clock = _clock_in(rule, period.moment)
        steps.spend(len(days) * len(clock))
        made = [datetime.combine(day, at) for day in days for at in clock]
        yield from (start for start in _picked(rule, made) if start > first or (start == first and not first_counts))


def _is_plain(rule: Rule) -> bool:
    """Tell whether an anchored rule is one of those that almost all are: by days, or weekdays, at one time of day."""
    narrowed = rule.by_month or rule.by_month_day or rule.by_year_day or rule.by_week_no or rule.by_set_pos
    if narrowed or len(rule.by_hour) * len(rule.by_minute) * len(rule.by_second) != 1:
        return False
    return rule.freq == Frequency.WEEKLY or (rule.freq == Frequency.DAILY and not rule.by_day)


def _plain_starts(
    rule: Rule, first: datetime, since: datetime, horizon: datetime, steps: Steps, *, first_counts: bool
) -> Iterator[datetime | None]:
    """Yield what `_starts` does for a plain rule, by adding days instead of trying them, for as many steps."""
    if first_counts:
        yield first
    steps.spend(1)
    at = time(rule.by_hour[0], rule.by_minute[0], rule.by_second[0])
    if rule.freq == Frequency.DAILY:
        begin, length, offsets = first.toordinal(), 1, [0]
    else:
        begin, length = _week_begin(first, rule.week_start), 7
        offsets = sorted((weekday - rule.week_start) % 7 for _, weekday in rule.by_day)
    ahead = [timedelta(days=offset) for offset in offsets]
    index = max(0, _index(rule, first, since) - 1) if rule.count is None else 0
    last_day = horizon.toordinal()
    beyond = 0
    while True:
        day = begin + index * length * rule.interval
        if day + length - 1 > _LAST_DAY:
            return
        if max(day, 1) > last_day:
            beyond += 1
            if rule.until is None or beyond > _LOOK_ON:
                yield None
                return
        steps.spend(1 + length - max(0, 1 - day))
        index += 1
        if day < 1:  # the week in which the calendar begins
            made = [datetime.combine(date.fromordinal(day + offset), at) for offset in offsets if day + offset > 0]
        else:
            morning = datetime.combine(date.fromordinal(day), at)
            made = [morning + span for span in ahead]
        steps.spend(len(made))
        for start in made:
            if start > first or (start == first and not first_counts):
                yield start


def _index(rule: Rule, first: datetime, when: datetime) -> int:
    """Return which period (0 is that of `first`) holds a time, or lies last before it."""
    if rule.freq == Frequency.YEARLY:
        units = when.year - first.year
    elif rule.freq == Frequency.MONTHLY:
        units = (when.year - first.year) * 12 + when.month - first.month
    elif rule.freq == Frequency.WEEKLY:
        units = (when.toordinal() - _week_begin(first, rule.week_start)) // 7
    elif rule.freq == Frequency.DAILY:
        units = when.toordinal() - first.toordinal()
    else:
        unit = _UNITS[rule.freq]
        units = (when - _truncated(first, rule.freq)) // unit
    return units // rule.interval


def _period(rule: Rule, first: datetime, index: int) -> _Period | None:
    """Return the period of that index, None where the years of the calendar (1 to 9999) are over."""
    units = index * rule.interval
    try:
        if rule.freq == Frequency.YEARLY:
            return _year(rule, first.year + units)
        if rule.freq == Frequency.MONTHLY:
            year, month = divmod(first.year * 12 + first.month - 1 + units, 12)
            return _Period(date(year, month + 1, 1), _month(rule, year, month + 1))
        if rule.freq == Frequency.WEEKLY:
            begin = _week_begin(first, rule.week_start) + 7 * units
            days = [date.fromordinal(day) for day in range(max(1, begin), begin + 7)]
            return _Period(days[0], days)
        if rule.freq == Frequency.DAILY:
            day = date.fromordinal(first.toordinal() + units)
            return _Period(day, [day])
        moment = _truncated(first, rule.freq) + units * _UNITS[rule.freq]
        return _Period(moment.date(), [moment.date()], moment)
    except (ValueError, OverflowError):
        return None


def _year(rule: Rule, year: int) -> _Period:
    begins = date(year, 1, 1)
    if rule.by_month or rule.by_month_day:
        months = rule.by_month or range(1, 13)
        return _Period(begins, [day for month in months for day in _month(rule, year, month)])
    ordinal = begins.toordinal()
    numbers = _candidates(rule, rule.by_year_day, begins.weekday(), _year_length(year))
    return _Period(begins, [date.fromordinal(ordinal + number - 1) for number in numbers])


def _month(rule: Rule, year: int, month: int) -> list[date]:
    if rule.by_month and month not in rule.by_month:
        return []
    numbers = _candidates(rule, rule.by_month_day, *monthrange(year, month))
    return [date(year, month, number) for number in numbers]


def _candidates(rule: Rule, named: Sequence[int], weekday: int, length: int) -> Sequence[int]:
    """Return the numbers of the days worth a look in a month or year that begins on a weekday and has a length."""
    if named:
        numbers = {number if number > 0 else length + 1 + number for number in named}
        return sorted(number for number in numbers if 1 <= number <= length)
    if rule.by_day:
        weekdays = {named for _, named in rule.by_day}
        return [number for number in range(1, length + 1) if (weekday + number - 1) % 7 in weekdays]
    return range(1, length + 1)


def _week_begin(first: datetime, week_start: int) -> int:
    return first.toordinal() - (first.weekday() - week_start) % 7


def _truncated(first: datetime, freq: Frequency) -> datetime:
    if freq == Frequency.HOURLY:
        return first.replace(minute=0, second=0)
    return first.replace(second=0) if freq == Frequency.MINUTELY else first


def _year_length(year: int) -> int:
    return 366 if isleap(year) else 365


def _fits(rule: Rule, day: date) -> bool:
    """Tell whether a day passes every part of the rule that speaks of days."""
    if rule.by_month and day.month not in rule.by_month:
        return False
    if rule.by_month_day:
        from_end = day.day - monthrange(day.year, day.month)[1] - 1
        if day.day not in rule.by_month_day and from_end not in rule.by_month_day:
            return False
    if rule.by_day:
        weekday = day.weekday()
        ordinals = [ordinal for ordinal, named in rule.by_day if named == weekday]
        if not ordinals or (0 not in ordinals and not any(which in ordinals for which in _ordinals(rule, day))):
            return False
    if rule.by_year_day:
        number = _year_day(day)
        if number not in rule.by_year_day and number - _year_length(day.year) - 1 not in rule.by_year_day:
            return False
    if rule.by_week_no:
        number, last = _week(day, rule.week_start)
        return number in rule.by_week_no or number - last - 1 in rule.by_week_no
    return True


def _ordinals(rule: Rule, day: date) -> tuple[int, int]:
    """Return which one of its weekday a day is, counted from the front and from the end.

    It is counted in the month, but in the year for YEARLY without BYMONTH (§3.3.10, BYDAY).
    """
    if rule.freq == Frequency.YEARLY and not rule.by_month:
        position, length = _year_day(day), _year_length(day.year)
    else:
        position, length = day.day, monthrange(day.year, day.month)[1]
    return (position - 1) // 7 + 1, -((length - position) // 7 + 1)


def _year_day(day: date) -> int:
    return day.timetuple().tm_yday


def _week(day: date, week_start: int) -> tuple[int, int]:
    """Return the number of a day's week, and of the last week of the year to which that week belongs.

    A week belongs to the year that holds its fourth day (§3.3.10, BYWEEKNO).
    """
    fourth = day + _DAY * (3 - (day.weekday() - week_start) % 7)
    last = date(fourth.year, 12, 28)
    last += _DAY * (3 - (last.weekday() - week_start) % 7)
    return (_year_day(fourth) - 1) // 7 + 1, (_year_day(last) - 1) // 7 + 1


def _clock(rule: Rule, steps: Steps) -> list[time]:
    """Return the times of day of a rule that repeats by days or longer."""
    steps.spend(len(rule.by_hour) * len(rule.by_minute) * len(rule.by_second))
    return [time(*parts) for parts in product(rule.by_hour, rule.by_minute, rule.by_second)]


def _out_until(rule: Rule, moment: datetime) -> datetime | None:
    """Return the end of the stretch around a moment that BYHOUR, BYMINUTE or BYSECOND leave out, None where it is in.

    Only those parts count that are as long as a period of the rule, or longer.
    """
    if rule.by_hour and moment.hour not in rule.by_hour:
        return _before_next(moment.replace(minute=0, second=0), moment.hour, rule.by_hour, Frequency.HOURLY)
    if rule.freq >= Frequency.MINUTELY and rule.by_minute and moment.minute not in rule.by_minute:
        return _before_next(moment.replace(second=0), moment.minute, rule.by_minute, Frequency.MINUTELY)
    if rule.freq == Frequency.SECONDLY and rule.by_second and moment.second not in rule.by_second:
        return _before_next(moment, moment.second, rule.by_second, Frequency.SECONDLY)
    return None


def _before_next(begins: datetime, value: int, allowed: Sequence[int], unit: Frequency) -> datetime:
    """Return the last instant before an hour, minute or second is an allowed one, or the next longer unit begins."""
    following = min((other for other in allowed if other > value), default=24 if unit == Frequency.HOURLY else 60)
    return begins + ((following - value) * _UNITS[unit] - datetime.resolution)


def _clock_in(rule: Rule, moment: datetime) -> list[time]:
    """Return the times of day inside one hour, minute or second that is not left out."""
    if rule.freq == Frequency.HOURLY:
        return [time(moment.hour, minute, second) for minute in rule.by_minute for second in rule.by_second]
    if rule.freq == Frequency.MINUTELY:
        return [time(moment.hour, moment.minute, second) for second in rule.by_second]
    return [moment.time()]


def _picked(rule: Rule, made: list[datetime]) -> list[datetime]:
    """Apply BYSETPOS to the starts of one period."""
    if not rule.by_set_pos:
        return made
    size = len(made)
    return [
        made[place] for place in sorted({p - 1 if p > 0 else size + p for p in rule.by_set_pos}) if 0 <= place < size
    ]
