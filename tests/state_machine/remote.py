"""What the provider holds, and what it held at any time before: the truth that Kalends is measured by.

Time here is a tick that rises with each change of the account, so that "since when" can be asked of anything.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from tests.world import ics

Block = tuple[str, datetime, datetime]
"""Title, start and end (UTC) of a span that blocks the person."""

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
FIRST_DAY = date(2026, 12, 1)
DAYS = 20
SERIES = 3
"""Instances of a series."""


class Sort(StrEnum):
    """The events that people and programs put into calendars."""

    SINGLE = "single"
    ALL_DAY = "all-day"
    FLOATING = "floating"
    SERIES = "series"
    OVERRIDDEN = "overridden"
    """A series of which one instance is cancelled and one is moved."""
    FREE = "free"
    BROKEN = "broken"
    """Its text cannot be read."""
    HOSTILE = "hostile"
    """Its rule would be searched for ever: for the 30th of February."""
    UNREADABLE = "unreadable"
    """It is handed out without its payload."""


BAD = frozenset({Sort.BROKEN, Sort.HOSTILE, Sort.UNREADABLE})


@dataclass(frozen=True, slots=True)
class Spell:
    """What is held under a key from a tick on, until the key's next spell. A `sort` of None: nothing is."""

    since: int
    sort: Sort | None = None
    title: str = ""
    day: date = FIRST_DAY

    @property
    def version(self) -> str:
        """The provider's version, which rises with each spell."""
        return f"v{self.since}"

    @property
    def text(self) -> bytes:
        """The resource as the provider stores it; a spell of the same title has the same."""
        return _text(self.sort or Sort.SINGLE, self.title, self.day).encode()

    @property
    def payload(self) -> bytes | None:
        """The resource as the provider hands it out."""
        return None if self.sort is Sort.UNREADABLE else self.text

    def blocks(self, floating_zone: str, schedule_zone: str) -> Iterator[Block]:
        """Yield what the event blocks, where it can be read at all."""
        title, at_nine = self.title, datetime.combine(self.day, time(9), UTC)
        match self.sort:
            case None | Sort.FREE | Sort.BROKEN | Sort.HOSTILE:
                return
            case Sort.ALL_DAY:
                zone = ZoneInfo(schedule_zone)
                start, end = (datetime.combine(day, time(), zone) for day in (self.day, self.day + DAY))
                yield title, start.astimezone(UTC), end.astimezone(UTC)
            case Sort.FLOATING:
                start = datetime.combine(self.day, time(9), ZoneInfo(floating_zone)).astimezone(UTC)
                yield title, start, start + HOUR
            case Sort.SERIES:
                for number in range(SERIES):
                    yield title, at_nine + number * DAY, at_nine + number * DAY + HOUR
            case Sort.OVERRIDDEN:
                yield title, at_nine, at_nine + HOUR
                moved = at_nine + 2 * DAY + 4 * HOUR
                yield f"{title} moved", moved, moved + HOUR
            case _:
                yield title, at_nine, at_nine + HOUR


def _text(sort: Sort, title: str, day: date) -> str:
    at_nine, at_ten = f"{day:%Y%m%d}T090000", f"{day:%Y%m%d}T100000"
    daily = f"RRULE:FREQ=DAILY;COUNT={SERIES}\n"
    cancelled, moved = f"{day + DAY:%Y%m%d}", f"{day + 2 * DAY:%Y%m%d}"
    start, end, lines, override = f"{at_nine}Z", f"{at_ten}Z", "", ""
    match sort:
        case Sort.ALL_DAY:
            start, end = f"{day:%Y%m%d}", cancelled
        case Sort.FLOATING:
            start, end = at_nine, at_ten
        case Sort.SERIES:
            lines = daily
        case Sort.OVERRIDDEN:
            lines = f"{daily}EXDATE:{cancelled}T090000Z\n"
            override = (
                f"BEGIN:VEVENT\nUID:{title}\nDTSTAMP:20261101T000000Z\nSUMMARY:{title} moved\n"
                f"RECURRENCE-ID:{moved}T090000Z\nDTSTART:{moved}T130000Z\nDTEND:{moved}T140000Z\nEND:VEVENT\n"
            )
        case Sort.FREE:
            lines = "TRANSP:TRANSPARENT\n"
        case Sort.BROKEN:
            start, end = "tomorrow at noon", ""
        case Sort.HOSTILE:
            lines = "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30\n"
        case _:
            pass
    return ics(title, title, start, end=end, lines=lines).replace("END:VCALENDAR", f"{override}END:VCALENDAR")


@dataclass
class RemoteCalendar:
    """One calendar of the account. Cursors and continuations are those of a generation."""

    id: str
    time_zone: str | None = None
    own: bool = True
    exists: bool = True
    generation: int = 0
    absent_until: int = 0
    """The last tick at which it did not exist."""
    spells: dict[str, list[Spell]] = field(default_factory=dict)

    def now(self, key: str) -> Spell:
        """Return what is held under a key."""
        return self.spells[key][-1] if key in self.spells else Spell(0)

    @property
    def held(self) -> dict[str, Spell]:
        """Key → what is held."""
        return {key: spells[-1] for key, spells in self.spells.items() if spells[-1].sort is not None}

    def changed(self, after: int, upto: int) -> list[str]:
        """Return the keys that changed after a tick, up to another."""
        return sorted(key for key, spells in self.spells.items() if any(after < one.since <= upto for one in spells))

    def since(self, key: str, tick: int) -> list[Spell]:
        """Return what was held under a key at a tick, and at any time after."""
        spells = [Spell(0), *self.spells.get(key, ())]
        first = max(number for number, one in enumerate(spells) if one.since <= tick)
        return spells[first:]

    def rewritten(self, after: int) -> set[str]:
        """Return the keys under which something else was held at a tick than at some time after."""
        kept = {key: self.since(key, after) for key in self.spells}
        return {key for key, spells in kept.items() if len({(one.sort, one.title) for one in spells}) > 1}

    def spell_of(self, key: str, text: bytes) -> Spell | None:
        """Return a spell by the text that it has."""
        return next((one for one in self.spells.get(key, ()) if one.sort is not None and one.text == text), None)


@dataclass
class RemoteAccount:
    """The account with its calendars."""

    calendars: dict[str, RemoteCalendar] = field(default_factory=dict)
    password: str = "right"
    redelivers: bool = False
    """Whether readings of everything hand out everything, instead of asking which versions are known."""
    page: int = 2
    """Events on a page."""
    tick: int = 0

    @property
    def existing(self) -> list[RemoteCalendar]:
        """The calendars that the account has."""
        return [one for one in self.calendars.values() if one.exists]

    def put(self, calendar_id: str, key: str, sort: Sort) -> None:
        """Create or change an event; what it says tells it from all others."""
        tick = self._next()
        title = f"{sort} {calendar_id}/{key} of {tick}"
        day = FIRST_DAY + timedelta(days=tick * 7 % DAYS)
        self._hold(calendar_id, key, Spell(tick, sort, title, day))

    def touch(self, calendar_id: str, key: str) -> None:
        """Give an event a new version without changing it."""
        now = self.calendars[calendar_id].now(key)
        self._hold(calendar_id, key, Spell(self._next(), now.sort, now.title, now.day))

    def delete(self, calendar_id: str, key: str) -> None:
        """Delete an event."""
        self._hold(calendar_id, key, Spell(self._next()))

    def expire(self, calendar_id: str) -> None:
        """Forget every cursor of a calendar that was given out."""
        self.calendars[calendar_id].generation += 1

    def add(self, calendar_id: str, *, own: bool, time_zone: str | None) -> None:
        """Make a calendar, share one with the account, or bring one back; it is empty."""
        calendar = self.calendars.setdefault(calendar_id, RemoteCalendar(calendar_id, time_zone, own))
        if not calendar.exists:
            calendar.absent_until = self._next()
            calendar.exists = True

    def remove(self, calendar_id: str) -> None:
        """Delete a calendar with all that it holds."""
        calendar = self.calendars[calendar_id]
        for key in calendar.held:
            self.delete(calendar_id, key)
        calendar.exists = False
        calendar.generation += 1

    def _hold(self, calendar_id: str, key: str, spell: Spell) -> None:
        self.calendars[calendar_id].spells.setdefault(key, []).append(spell)

    def _next(self) -> int:
        self.tick += 1
        return self.tick
