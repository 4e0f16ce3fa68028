"""OAuth scopes of Google's: which are asked for, and what granted ones allow.

Sources: "Choose Google Calendar API scopes", and the scopes that each method accepts (`calendarList.list`,
`events.list`, `calendars.insert`) in the API's discovery document.
"""

from collections.abc import Collection

from kalends.model.provider import ConnectScopes
from kalends.providers.base import Consented

_AT = "https://www.googleapis.com/auth/"
_WHO = ("openid", "email")
_CALENDARS = f"{_AT}calendar.calendarlist.readonly"
_EVENTS = f"{_AT}calendar.events"
_EVENTS_READ = f"{_AT}calendar.events.readonly"
_OWN_CALENDAR = f"{_AT}calendar.app.created"
_ALL = f"{_AT}calendar"
_ALL_READ = f"{_AT}calendar.readonly"

ASKED = {
    ConnectScopes.FULL: (*_WHO, _CALENDARS, _EVENTS, _OWN_CALENDAR),
    ConnectScopes.READ: (*_WHO, _CALENDARS, _EVENTS_READ),
}

DELEGATED = {
    asked: ("openid", f"{_AT}userinfo.email", *(scope for scope in scopes if scope not in _WHO))
    for asked, scopes in ASKED.items()
}
"""The same for service accounts, under the full names that the Admin console wants."""

_LISTS_CALENDARS = frozenset({_CALENDARS, f"{_AT}calendar.calendarlist", _ALL, _ALL_READ})
_READS_EVENTS = frozenset({_EVENTS, _EVENTS_READ, _ALL, _ALL_READ})
_WRITES_EVENTS = frozenset({_EVENTS, _ALL})
_MAKES_CALENDARS = frozenset({_OWN_CALENDAR, _ALL})


def consented(scopes: Collection[str]) -> Consented:
    """Tell what granted scopes allow."""
    granted = frozenset(scopes)
    reading = bool(granted & _LISTS_CALENDARS) and bool(granted & _READS_EVENTS)
    return Consented(reading, reading and bool(granted & _WRITES_EVENTS) and bool(granted & _MAKES_CALENDARS))
