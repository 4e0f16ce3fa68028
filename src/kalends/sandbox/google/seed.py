"""What is in a sandbox at its start: read from a file, or a plausible week.

The file is JSON, of this shape; everything but `users` and their `email` may be left out:

    {"users": [{
        "email": "manager@example.com",
        "name": "Manager",
        "timeZone": "Europe/Berlin",
        "events": [an event as for events.insert, …],
        "calendars": [{
            "id": "team@group.calendar.google.com",
            "summary": "Team",
            "timeZone": "Europe/London",
            "description": "…",
            "public": false,
            "sharedWith": {"trainer@example.com": "reader"},
            "events": [an event as for events.insert, …]
        }]
    }]}

A user's own `events` go into the primary calendar, whose zone is `timeZone`. A calendar whose id ends in
`@group.v.calendar.google.com` cannot be watched, as holidays at Google. `sharedWith` names access roles of the API.
"""

import secrets
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from kalends.model.time import is_iana_zone
from kalends.sandbox.clock import SandboxClock
from kalends.sandbox.google.bearer import User
from kalends.sandbox.google.errors import Refused
from kalends.sandbox.google.events import EventWriter
from kalends.sandbox.google.state import ROLES, Account, Calendar, State
from kalends.sandbox.seeds import BadSeed, fields_of, list_of, read_json, text_of

_HOME = "Europe/Berlin"
_SUBJECT_DIGITS = 20


def read_seed(text: bytes, clock: SandboxClock) -> State:
    """Return the state that a seed file describes; raises `BadSeed`."""
    return plant(read_json(text), clock)


def plant(seed: object, clock: SandboxClock) -> State:
    """Return the state that a seed describes; raises `BadSeed`."""
    users = list_of(fields_of(seed, "the file", {"users"}), "users", "the file")
    if not users:
        raise BadSeed("users: there is none.")
    state = State((), clock)
    known = {"email", "name", "timeZone", "events", "calendars"}
    planted = []
    for number, user in enumerate(users):
        where = f"users[{number}]"
        fields = fields_of(user, where, known)
        email = text_of(fields, "email", where)
        if "@" not in email or email in state.accounts:
            raise BadSeed(f"{where}.email: it must be an address, and nobody else's.")
        account = state.add_user(User(subject(email), email, text_of(fields, "name", where, email.partition("@")[0])))
        account.settings["timezone"] = _zone(fields, where, _HOME)
        state.calendars[email].time_zone = account.settings["timezone"]
        planted.append((where, fields, account))
    for where, fields, account in planted:
        _plant_events(state, state.calendars[account.user.email], fields, where)
        for number, calendar in enumerate(list_of(fields, "calendars", where)):
            _plant_calendar(state, account, calendar, f"{where}.calendars[{number}]")
    return state


def subject(email: str) -> str:
    """Return a made-up subject (`sub`) for an address, always the same: 21 digits, as Google's."""
    return "1" + str(int(sha256(email.encode()).hexdigest(), 16))[-_SUBJECT_DIGITS:]


def _plant_calendar(state: State, account: Account, said: object, where: str) -> None:
    fields = fields_of(said, where, {"id", "summary", "timeZone", "description", "public", "sharedWith", "events"})
    calendar_id = text_of(fields, "id", where, f"c_{secrets.token_hex(32)}@group.calendar.google.com")
    if calendar_id in state.calendars:
        raise BadSeed(f"{where}.id: another calendar has it.")
    kept = {"description": text_of(fields, "description", where)} if "description" in fields else {}
    zone = _zone(fields, where, account.settings["timezone"])
    calendar = state.add_calendar(account, calendar_id, text_of(fields, "summary", where), zone, fields=kept)
    calendar.public = fields.get("public") is True
    shared = fields.get("sharedWith", {})
    if not isinstance(shared, dict) or not set(map(str, shared.values())) <= set(ROLES):
        raise BadSeed(f"{where}.sharedWith: it maps addresses to one of {', '.join(ROLES)}.")
    for email, role in shared.items():
        state.share(calendar, email, role)
    _plant_events(state, calendar, fields, where)


def _plant_events(state: State, calendar: Calendar, fields: Mapping[str, Any], where: str) -> None:
    writer = EventWriter(state, calendar, calendar.owner)
    for number, event in enumerate(list_of(fields, "events", where)):
        if not isinstance(event, dict):
            raise BadSeed(f"{where}.events[{number}]: it is no object.")
        try:
            writer.insert(event)
        except Refused as refused:
            raise BadSeed(f"{where}.events[{number}]: {refused.message}") from None


def _zone(fields: Mapping[str, Any], where: str, usual: str) -> str:
    zone = text_of(fields, "timeZone", where, usual)
    if not is_iana_zone(zone):
        raise BadSeed(f"{where}.timeZone: {zone!r} is not in the time zone database.")
    return zone


def plausible_week(now: datetime) -> dict[str, Any]:
    """Return a seed of two accounts with a week of events around a time."""
    today = now.astimezone(ZoneInfo(_HOME)).date()
    monday = today - timedelta(days=today.weekday())
    return {
        "users": [
            {
                "email": "manager@example.com",
                "name": "Manager",
                "events": [
                    _timed("Team meeting", monday, 9, 0, 60, recurrence=["RRULE:FREQ=WEEKLY;BYDAY=MO"]),
                    _timed("Stand-up", monday, 9, 30, 15, recurrence=["RRULE:FREQ=WEEKLY;BYDAY=TU,WE,TH,FR"]),
                    _timed("Dentist", monday + timedelta(days=2), 11, 0, 45, visibility="private"),
                    _timed("Lunch, perhaps", monday + timedelta(days=3), 12, 30, 60, status="tentative"),
                    _timed("Concert on the radio", monday + timedelta(days=4), 20, 0, 120, transparency="transparent"),
                    _all_day("Trade fair", monday + timedelta(days=3), 2, transparency="opaque"),
                ],
                "calendars": [
                    {
                        "id": "studio@group.calendar.google.com",
                        "summary": "Studio",
                        "sharedWith": {"trainer@example.com": "writer"},
                        "events": [_timed("Room painted", monday + timedelta(days=5), 8, 0, 480)],
                    },
                    {
                        "id": "en.german#holiday@group.v.calendar.google.com",
                        "summary": "Holidays in Germany",
                        "public": True,
                        "events": [_all_day("New Year's Day", date(today.year + 1, 1, 1), 1)],
                    },
                ],
            },
            {
                "email": "trainer@example.com",
                "name": "Trainer",
                "events": [
                    _timed("Class elsewhere", monday + timedelta(days=1), 18, 0, 90, recurrence=["RRULE:FREQ=WEEKLY"]),
                    _timed("Out", monday + timedelta(days=4), 13, 0, 300, eventType="outOfOffice"),
                ],
            },
        ]
    }


def _timed(summary: str, day: date, hour: int, minute: int, minutes: int, **fields: Any) -> dict[str, Any]:
    begins = datetime.combine(day, time(hour, minute))
    return {
        "summary": summary,
        "start": {"dateTime": begins.isoformat(), "timeZone": _HOME},
        "end": {"dateTime": (begins + timedelta(minutes=minutes)).isoformat(), "timeZone": _HOME},
        **fields,
    }


def _all_day(summary: str, day: date, days: int, **fields: Any) -> dict[str, Any]:
    return {
        "summary": summary,
        "start": {"date": day.isoformat()},
        "end": {"date": (day + timedelta(days=days)).isoformat()},
        **fields,
    }
