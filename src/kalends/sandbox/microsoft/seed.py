"""What is in a sandbox at its start: read from a file, or a plausible week.

The file is JSON, of this shape; everything but `users` and their `email` may be left out:

    {"users": [{
        "email": "manager@contoso.example",
        "name": "Manager",
        "timeZone": "W. Europe Standard Time",
        "events": [an event as for POST of Graph, …],
        "calendars": [{
            "name": "Team",
            "color": "lightBlue",
            "canEdit": true,
            "sharedWith": {"trainer@contoso.example": "read"},
            "events": [an event as for POST of Graph, …]
        }]
    }]}

A user's own `events` go into the default calendar. Addresses at outlook.com, hotmail.com, live.com and msn.com are
personal accounts; every other domain is a tenant of its own. `sharedWith` says `read` or `write`.
"""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from kalends.sandbox.clock import SandboxClock
from kalends.sandbox.microsoft.bearer import User
from kalends.sandbox.microsoft.errors import GraphRefused
from kalends.sandbox.microsoft.events import EventWriter
from kalends.sandbox.microsoft.patterns import DAYS
from kalends.sandbox.microsoft.state import COLOURS, Calendar, Mailbox, State
from kalends.sandbox.microsoft.times import zone_named
from kalends.sandbox.seeds import BadSeed, fields_of, list_of, read_json, text_of

_HOME = "W. Europe Standard Time"
_HOME_RULES = ZoneInfo("Europe/Berlin")


def read_seed(text: bytes, clock: SandboxClock) -> State:
    """Return the state that a seed file describes; raises `BadSeed`."""
    return plant(read_json(text), clock)


def plant(seed: object, clock: SandboxClock) -> State:
    """Return the state that a seed describes; raises `BadSeed`."""
    users = list_of(fields_of(seed, "the file", {"users"}), "users", "the file")
    if not users:
        raise BadSeed("users: there is none.")
    state = State((), clock)
    planted = []
    for number, user in enumerate(users):
        where = f"users[{number}]"
        fields = fields_of(user, where, {"email", "name", "timeZone", "events", "calendars"})
        email = text_of(fields, "email", where)
        if "@" not in email or state.mailbox(email) is not None:
            raise BadSeed(f"{where}.email: it must be an address, and nobody else's.")
        name = text_of(fields, "name", where, email.partition("@")[0])
        planted.append((where, fields, state.add_user(User.of(email, name), _zone(fields, where))))
    for where, fields, mailbox in planted:
        _plant_events(state, mailbox.default, fields, where)
        for number, calendar in enumerate(list_of(fields, "calendars", where)):
            _plant_calendar(state, mailbox, calendar, f"{where}.calendars[{number}]")
    return state


def _plant_calendar(state: State, mailbox: Mailbox, said: object, where: str) -> None:
    fields = fields_of(said, where, {"name", "color", "canEdit", "sharedWith", "events"})
    color = text_of(fields, "color", where, "auto")
    if color not in COLOURS:
        raise BadSeed(f"{where}.color: it is one of {', '.join(COLOURS)}.")
    try:
        calendar = state.add_calendar(mailbox, text_of(fields, "name", where), color=color)
    except GraphRefused as refused:
        raise BadSeed(f"{where}: {refused.message}") from None
    _plant_events(state, calendar, fields, where)
    calendar.can_edit = fields.get("canEdit", True) is True
    shared = fields.get("sharedWith", {})
    if not isinstance(shared, dict) or not set(map(str, shared.values())) <= {"read", "write"}:
        raise BadSeed(f"{where}.sharedWith: it maps addresses to read or write.")
    for email, role in shared.items():
        other = state.mailbox(email)
        if other is None or other is mailbox:
            raise BadSeed(f"{where}.sharedWith: {email!r} is no other user.")
        state.share(calendar, other, can_edit=role == "write")


def _plant_events(state: State, calendar: Calendar, fields: Mapping[str, Any], where: str) -> None:
    writer = EventWriter(state, calendar, trusted=True)
    for number, event in enumerate(list_of(fields, "events", where)):
        if not isinstance(event, dict):
            raise BadSeed(f"{where}.events[{number}]: it is no object.")
        try:
            writer.create(event)
        except GraphRefused as refused:
            raise BadSeed(f"{where}.events[{number}]: {refused.message}") from None


def _zone(fields: Mapping[str, Any], where: str) -> str:
    zone = text_of(fields, "timeZone", where, _HOME)
    try:
        zone_named(zone)
    except GraphRefused:
        raise BadSeed(f"{where}.timeZone: {zone!r} is no name of a time zone.") from None
    return zone


def plausible_week(now: datetime) -> dict[str, Any]:
    """Return a seed of three accounts, one of them personal, with a week of events around a time."""
    today = now.astimezone(_HOME_RULES).date()
    monday = datetime.combine(today - timedelta(days=today.weekday()), time())
    return {
        "users": [
            {
                "email": "manager@contoso.example",
                "name": "Manager",
                "events": [
                    _timed("Team meeting", monday, 9, 60, recurrence=_weekly(monday, "monday")),
                    _timed("Stand-up", monday + _days(1), 10, 15, recurrence=_weekly(monday + _days(1), *DAYS[1:5])),
                    _timed("Dentist", monday + _days(2), 11, 45, sensitivity="private", showAs="oof"),
                    _timed("Lunch, perhaps", monday + _days(3), 12, 60, showAs="tentative"),
                    _timed("Concert on the radio", monday + _days(4), 20, 120, showAs="free"),
                    _all_day("Trade fair", monday + _days(3), 2, showAs="oof"),
                ],
                "calendars": [
                    {
                        "name": "Studio",
                        "color": "lightGreen",
                        "sharedWith": {"trainer@contoso.example": "write"},
                        "events": [_timed("Room painted", monday + _days(5), 8, 480)],
                    },
                    {
                        "name": "Holidays in Germany",
                        "canEdit": False,
                        "events": [_all_day("New Year's Day", datetime(today.year + 1, 1, 1), 1, showAs="free")],  # noqa: DTZ001 - a date
                    },
                ],
            },
            {
                "email": "trainer@contoso.example",
                "name": "Trainer",
                "events": [
                    _timed("Class elsewhere", monday + _days(1), 18, 90, recurrence=_weekly(monday + _days(1), DAYS[1]))
                ],
            },
            {
                "email": "trainer@outlook.com",
                "name": "Trainer at home",
                "events": [_timed("Swimming", monday + _days(4), 13, 90)],
            },
        ]
    }


def _days(number: int) -> timedelta:
    return timedelta(days=number)


def _weekly(first: datetime, *days: str) -> dict[str, Any]:
    pattern = {"type": "weekly", "interval": 1, "daysOfWeek": [*days], "firstDayOfWeek": "monday"}
    return {"pattern": pattern, "range": {"type": "noEnd", "startDate": first.date().isoformat()}}


def _timed(subject: str, day: datetime, hour: int, minutes: int, **fields: Any) -> dict[str, Any]:
    begins = day + timedelta(hours=hour)
    return {"subject": subject, "start": _at(begins), "end": _at(begins + timedelta(minutes=minutes)), **fields}


def _all_day(subject: str, day: datetime, days: int, **fields: Any) -> dict[str, Any]:
    return {"subject": subject, "isAllDay": True, "start": _at(day), "end": _at(day + _days(days)), **fields}


def _at(wall: datetime) -> dict[str, str]:
    return {"dateTime": wall.isoformat(), "timeZone": _HOME}
