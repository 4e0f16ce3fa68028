"""The demo's calendars: what a small studio's week looks like, always placed around the present one.

UIDs and file names stay the same for ever; within one week so does every byte, so that a second run changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, vCalAddress

HOME = "Europe/Berlin"
"""The site's time zone."""
NEW_YORK = "America/New_York"
TOKYO = "Asia/Tokyo"
MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY = range(7)
SERIES_BEGAN = timedelta(weeks=8)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class DemoCalendar:
    """One calendar; `files` is file name → iCalendar object (RFC 5545) with one event and its overrides."""

    name: str
    display_name: str
    color: str
    files: Mapping[str, bytes]


@dataclass(frozen=True)
class DemoAccount:
    """A user of the demo's calendar server."""

    email: str
    calendars: Sequence[DemoCalendar]


MANAGER = "manager@example.com"
TRAINER = "trainer@example.com"


def demo_accounts(now: datetime) -> Sequence[DemoAccount]:
    """Return the accounts with everything in their calendars, for the week of `now`."""
    today = now.astimezone(ZoneInfo(HOME)).date()
    week = _Week(today - timedelta(days=today.weekday()))
    return (
        DemoAccount(
            MANAGER,
            (
                DemoCalendar("work", "Work", "#3b6ea5", _work(week)),
                DemoCalendar("private", "Private", "#8a5a9e", _private(week)),
                DemoCalendar("holidays", "Public holidays", "#5a8f5a", _holidays(week)),
            ),
        ),
        DemoAccount(TRAINER, (DemoCalendar("classes", "Classes elsewhere", "#b5651d", _classes(week)),)),
    )


@dataclass(frozen=True)
class _Week:
    """The week that everything is placed around."""

    monday: date

    def day(self, weekday: int, weeks: int = 0) -> date:
        return self.monday + timedelta(days=weekday, weeks=weeks)

    def at(self, weekday: int, hour: int, minute: int = 0, *, weeks: int = 0, zone: str | None = HOME) -> datetime:
        """Return a wall time of the week, floating where the zone is None."""
        return datetime.combine(self.day(weekday, weeks), time(hour, minute), ZoneInfo(zone) if zone else None)

    def began(self, weekday: int, hour: int, minute: int = 0, *, zone: str | None = HOME) -> datetime:
        """Return when a weekly series of that day and hour had its first occurrence."""
        return self.at(weekday, hour, minute, weeks=-8, zone=zone)


@dataclass(frozen=True)
class _Entry:
    """An event, in the words of RFC 5545 §3.8; `overrides` replace single occurrences of its series."""

    uid: str
    summary: str
    start: datetime | date
    length: timedelta
    rule: Mapping[str, Any] | None = None
    except_at: Sequence[datetime] = ()
    properties: Mapping[str, str] = field(default_factory=dict)
    declined_by: str | None = None
    overrides: "Sequence[_Override]" = ()


@dataclass(frozen=True)
class _Override:
    """One occurrence of a series as it was changed; `original` is when it would have started."""

    original: datetime
    start: datetime
    length: timedelta
    summary: str
    properties: Mapping[str, str] = field(default_factory=dict)


def _work(week: _Week) -> Mapping[str, bytes]:
    hour, quarter = timedelta(hours=1), timedelta(minutes=15)
    return _files(
        week,
        _Entry(
            "standup",
            "Stand-up",
            week.began(MONDAY, 9, 15),
            quarter,
            {"FREQ": "WEEKLY", "BYDAY": ["MO", "TU", "WE", "TH", "FR"]},
            except_at=[week.at(FRIDAY, 9, 15)],
        ),
        _Entry(
            "team-meeting",
            "Team meeting",
            week.began(TUESDAY, 10),
            hour,
            {"FREQ": "WEEKLY"},
            overrides=[
                _Override(week.at(TUESDAY, 10), week.at(WEDNESDAY, 14), hour, "Team meeting (moved)"),
                _Override(
                    week.at(TUESDAY, 10, weeks=1), week.at(TUESDAY, 10, weeks=1), 2 * hour, "Team meeting (quarterly)"
                ),
            ],
        ),
        _Entry(
            "franchise-call",
            "Call with the New York studio",
            week.began(THURSDAY, 10, zone=NEW_YORK),
            timedelta(minutes=45),
            {"FREQ": "WEEKLY"},
        ),
        _Entry(
            "supplier-call",
            "Equipment supplier, Tokyo",
            week.began(WEDNESDAY, 16, 30, zone=TOKYO),
            timedelta(minutes=30),
            {"FREQ": "WEEKLY", "INTERVAL": 2},
        ),
        _Entry(
            "planning",
            "Plan the week (does not block)",
            week.began(MONDAY, 8),
            hour,
            {"FREQ": "WEEKLY"},
            properties={"TRANSP": "TRANSPARENT"},
        ),
        _Entry(
            "vendor-lunch",
            "Lunch with a vendor (declined)",
            week.at(THURSDAY, 12),
            hour,
            declined_by=MANAGER,
        ),
        _Entry(
            "interview",
            "Interview, to be confirmed",
            week.at(FRIDAY, 13),
            hour,
            {"FREQ": "WEEKLY", "COUNT": 2},
            properties={"STATUS": "TENTATIVE"},
        ),
        _Entry("trade-fair", "Trade fair", week.day(TUESDAY, 1), 2 * DAY),
    )


def _private(week: _Week) -> Mapping[str, bytes]:
    return _files(
        week,
        _Entry("school-run", "School run", week.began(MONDAY, 15, 30), timedelta(minutes=45), {"FREQ": "WEEKLY"}),
        _Entry("dentist", "Dentist", week.at(FRIDAY, 15), timedelta(minutes=50)),
        _Entry("day-off", "Day off", week.day(MONDAY, 1), DAY),
        _Entry(
            "anniversary",
            "Anniversary",
            week.day(SATURDAY),
            DAY,
            {"FREQ": "YEARLY"},
            properties={"TRANSP": "TRANSPARENT"},
        ),
    )


def _holidays(week: _Week) -> Mapping[str, bytes]:
    first = week.monday.year - 1
    yearly = {"FREQ": "YEARLY"}
    return _files(
        week,
        _Entry("new-year", "New Year's Day", date(first, 1, 1), DAY, yearly),
        _Entry("may-day", "Labour Day", date(first, 5, 1), DAY, yearly),
        _Entry("christmas", "Christmas", date(first, 12, 25), 2 * DAY, yearly),
    )


def _classes(week: _Week) -> Mapping[str, bytes]:
    evening = timedelta(minutes=90)
    return _files(
        week,
        _Entry(
            "evening-class",
            "Evening class",
            week.began(MONDAY, 18),
            evening,
            {"FREQ": "WEEKLY", "BYDAY": ["MO", "WE", "FR"]},
            overrides=[
                _Override(
                    week.at(WEDNESDAY, 18), week.at(WEDNESDAY, 18), evening, "Evening class", {"STATUS": "CANCELLED"}
                )
            ],
        ),
        _Entry("early-class", "Early class", week.began(TUESDAY, 7, zone=None), timedelta(hours=1), {"FREQ": "WEEKLY"}),
        _Entry(
            "webinar",
            "International webinar",
            week.began(THURSDAY, 17).astimezone(UTC),
            timedelta(hours=1),
            {"FREQ": "WEEKLY", "INTERVAL": 2},
        ),
        _Entry("workshop", "Weekend workshop", week.day(SATURDAY), 2 * DAY, {"FREQ": "WEEKLY", "INTERVAL": 2}),
    )


def _files(week: _Week, *entries: _Entry) -> Mapping[str, bytes]:
    return {f"{entry.uid}.ics": _calendar(week, entry).to_ical() for entry in entries}


def _calendar(week: _Week, entry: _Entry) -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", "-//Kalends//Demo//EN")
    calendar.add("version", "2.0")
    master = _event(week, entry.uid, entry.summary, entry.start, entry.length, entry.properties)
    if entry.rule is not None:
        master.add("rrule", dict(entry.rule))
    for original in entry.except_at:
        master.add("exdate", original)
    if entry.declined_by is not None:
        attendee = vCalAddress(f"mailto:{entry.declined_by}")
        attendee.params["PARTSTAT"] = "DECLINED"
        master.add("organizer", "mailto:vendor@example.org")
        master.add("attendee", attendee, encode=False)
    calendar.add_component(master)
    for override in entry.overrides:
        changed = _event(week, entry.uid, override.summary, override.start, override.length, override.properties)
        changed.add("recurrence-id", override.original)
        calendar.add_component(changed)
    calendar.add_missing_timezones()
    return calendar


def _event(
    week: _Week, uid: str, summary: str, start: datetime | date, length: timedelta, properties: Mapping[str, str]
) -> Event:
    event = Event()
    event.add("uid", f"{uid}@demo.kalends.example")
    event.add("dtstamp", datetime.combine(week.monday, time(), UTC))
    event.add("summary", summary)
    event.add("dtstart", start)
    event.add("dtend", start + length)
    for name, value in properties.items():
        event.add(name, value)
    return event
