"""The methods of Calendar API v3 that are here: verb, path, and the scopes of which one is enough.

Source: Google's discovery document of Calendar API v3, each method's `httpMethod`, `path` and `scopes`. Left out are
acl, `calendars.transferOwnership`, `events.quickAdd` and `settings.watch`.
"""

from dataclasses import dataclass

from kalends.sandbox.google.bearer import Bearer
from kalends.sandbox.google.errors import insufficient_permissions
from kalends.sandbox.google.state import Calendar

SCOPES = "https://www.googleapis.com/auth/"
"""What the names of all scopes for calendars begin with."""


@dataclass(frozen=True, slots=True)
class Method:
    """A method: its verb, its path below `/calendar/v3/`, and the scopes that it accepts, without their beginning."""

    id: str
    verb: str
    path: str
    scopes: frozenset[str]

    def permit(self, bearer: Bearer) -> frozenset[str]:
        """Return the scopes that the token has of those accepted; raises `Refused` where there are none."""
        held = frozenset(one.removeprefix(SCOPES) for one in bearer.scopes if one.startswith(SCOPES)) & self.scopes
        if not held:
            raise insufficient_permissions()
        return held

    def role(self, bearer: Bearer, calendar: Calendar) -> str:
        """Return the role in which the token acts on a calendar that its user may see; raises `Refused`.

        Some scopes reach certain calendars only: those that the application made, that the user owns, or that
        are public. The one for availability shows nothing else.
        """
        held, own = self.permit(bearer), calendar.role(bearer.user.email) or "freeBusyReader"
        narrow = {
            "calendar.app.created": bool(calendar.made_by) and calendar.made_by == bearer.client_id,
            "calendar.events.owned": own == "owner",
            "calendar.events.owned.readonly": own == "owner",
            "calendar.events.public.readonly": calendar.public,
        }
        if any(narrow.get(scope, True) for scope in held - {_AVAILABILITY}):
            return own
        if _AVAILABILITY in held:
            return "freeBusyReader"
        raise insufficient_permissions()


_AVAILABILITY = "calendar.events.freebusy"
_ALL = "calendar"
_READ = "calendar.readonly"
_APP = "calendar.app.created"
_LIST = {_ALL, "calendar.calendarlist"}
_LIST_READ = {*_LIST, "calendar.calendarlist.readonly", _READ}
_CALENDARS = {_ALL, "calendar.calendars"}
_OWNED = {_ALL, "calendar.events", "calendar.events.owned"}
_EVENTS = {*_OWNED, _APP}
_PARTLY = {_AVAILABILITY, "calendar.events.owned.readonly", "calendar.events.public.readonly"}
_EVENTS_READ = {*_EVENTS, *_PARTLY, "calendar.events.readonly", _READ}
_SETTINGS = {_ALL, _READ, "calendar.settings", "calendar.settings.readonly"}
_ACLS = {"calendar.acls", "calendar.acls.readonly"}

_ENTRY = "users/me/calendarList/{calendarId}"
_CALENDAR = "calendars/{calendarId}"
_ALL_EVENTS = "calendars/{calendarId}/events"
_EVENT = "calendars/{calendarId}/events/{eventId}"

METHODS = {
    method: Method(method, verb, path, frozenset(scopes))
    for method, verb, path, scopes in (
        ("calendarList.delete", "DELETE", _ENTRY, _LIST | {_APP}),
        ("calendarList.get", "GET", _ENTRY, _LIST_READ | {_APP}),
        ("calendarList.insert", "POST", "users/me/calendarList", _LIST),
        ("calendarList.list", "GET", "users/me/calendarList", _LIST_READ),
        ("calendarList.patch", "PATCH", _ENTRY, _LIST | {_APP}),
        ("calendarList.update", "PUT", _ENTRY, _LIST | {_APP}),
        ("calendarList.watch", "POST", "users/me/calendarList/watch", _LIST_READ),
        ("calendars.clear", "POST", "calendars/{calendarId}/clear", _CALENDARS),
        ("calendars.delete", "DELETE", _CALENDAR, _CALENDARS | {_APP}),
        ("calendars.get", "GET", _CALENDAR, _CALENDARS | {_APP, "calendar.calendars.readonly", _READ}),
        ("calendars.insert", "POST", "calendars", _CALENDARS | {_APP}),
        ("calendars.patch", "PATCH", _CALENDAR, _CALENDARS | {_APP}),
        ("calendars.update", "PUT", _CALENDAR, _CALENDARS | {_APP}),
        (
            "channels.stop",
            "POST",
            "channels/stop",
            (_EVENTS_READ | _LIST_READ | _SETTINGS | _ACLS),
        ),
        ("colors.get", "GET", "colors", _LIST_READ | _PARTLY | {_APP, "calendar.events.owned"}),
        ("events.delete", "DELETE", _EVENT, _EVENTS),
        ("events.get", "GET", _EVENT, _EVENTS_READ),
        ("events.import", "POST", f"{_ALL_EVENTS}/import", _EVENTS),
        ("events.insert", "POST", _ALL_EVENTS, _EVENTS),
        ("events.instances", "GET", f"{_EVENT}/instances", _EVENTS_READ),
        ("events.list", "GET", _ALL_EVENTS, _EVENTS_READ),
        ("events.move", "POST", f"{_EVENT}/move", _OWNED),
        ("events.patch", "PATCH", _EVENT, _EVENTS),
        ("events.update", "PUT", _EVENT, _EVENTS),
        ("events.watch", "POST", f"{_ALL_EVENTS}/watch", _EVENTS_READ),
        ("freebusy.query", "POST", "freeBusy", {_ALL, _AVAILABILITY, "calendar.freebusy", _READ}),
        ("settings.get", "GET", "users/me/settings/{setting}", _SETTINGS),
        ("settings.list", "GET", "users/me/settings", _SETTINGS),
    )
}
"""All methods by their ids, which are those of the discovery document without `calendar.`."""
