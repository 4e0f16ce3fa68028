"""Switches under `/_sandbox`: the time, faults, push, quotas, and everybody's calendars without a token.

All take and give JSON, and are answered to this machine only. What they change goes through the same code as the API.

    GET, POST           /_sandbox/time                        {"advanceSeconds": 3600}
    GET, POST, DELETE   /_sandbox/faults                      see `faults.Fault.of`
    GET, POST           /_sandbox/push                        {"on", "drop", "double": true, "delaySeconds": 2}
    GET, POST           /_sandbox/quotas                      {"on": true, "perUser", "perProject": 600, "style": "429"}
    GET, DELETE         /_sandbox/requests
    GET                 /_sandbox/users
    POST                /_sandbox/users/{email}/calendarList/expireSyncTokens
    GET, POST           /_sandbox/users/{email}/calendars     {"summary", "timeZone"}
    DELETE              …/calendars/{id}
    POST                …/calendars/{id}/share                {"email", "role"}
    POST                …/calendars/{id}/expireSyncTokens
    GET, POST           …/calendars/{id}/listing              {"mostPerPage": 2, "emptyPages": 1, "goneOnPage": 3}
    GET, POST           …/calendars/{id}/events               an event as for events.insert
    PATCH, DELETE       …/calendars/{id}/events/{eventId}
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from kalends.sandbox.google.bodies import read_body
from kalends.sandbox.google.calendars import delete_calendar, make_calendar, render_calendar, render_entry
from kalends.sandbox.google.channels import LOOPBACK, Channels
from kalends.sandbox.google.errors import Refused, forbidden, invalid, not_found
from kalends.sandbox.google.events import EventWriter
from kalends.sandbox.google.faults import SWITCHES, Fault, Orders
from kalends.sandbox.google.quotas import STYLES, Quotas
from kalends.sandbox.google.rendering import View
from kalends.sandbox.google.state import ROLES, Account, Calendar, State
from kalends.sandbox.google.times import write_millis

_CALENDAR = "/users/{email}/calendars/{calendarId}"
_T = TypeVar("_T", bool, int, float, str)


@dataclass(frozen=True)
class _Pressed:
    """A switch as it was pressed: the parameters of its path, and its body."""

    path: Mapping[str, str]
    body: Mapping[str, Any]

    def given(self, name: str, kind: type[_T], usual: _T) -> _T:
        """Return a field of the body, or what it is without; raises `Refused` for one of another type."""
        value = self.body.get(name, usual)
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            return kind(value)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise invalid(f"{name} is of the wrong type.", name)
        return value


@dataclass(frozen=True)
class Switches:
    """All switches, and what they act on."""

    state: State
    channels: Channels
    quotas: Quotas
    orders: Orders

    def routes(self) -> list[BaseRoute]:
        """Return the routes of the switches."""
        return [
            self._route("GET", "/time", self._time),
            self._route("POST", "/time", self._advance),
            self._route("GET", "/faults", self._faults),
            self._route("POST", "/faults", self._order_fault),
            self._route("DELETE", "/faults", self._forget_faults),
            self._route("GET", "/push", self._push),
            self._route("POST", "/push", self._set_push),
            self._route("GET", "/quotas", self._quotas),
            self._route("POST", "/quotas", self._set_quotas),
            self._route("GET", "/requests", self._requests),
            self._route("DELETE", "/requests", self._forget_requests),
            self._route("GET", "/users", self._users),
            self._route("POST", "/users/{email}/calendarList/expireSyncTokens", self._expire_list),
            self._route("GET", "/users/{email}/calendars", self._calendars),
            self._route("POST", "/users/{email}/calendars", self._make_calendar),
            self._route("DELETE", _CALENDAR, self._delete_calendar),
            self._route("POST", f"{_CALENDAR}/share", self._share),
            self._route("POST", f"{_CALENDAR}/expireSyncTokens", self._expire),
            self._route("GET", f"{_CALENDAR}/listing", self._listing),
            self._route("POST", f"{_CALENDAR}/listing", self._set_listing),
            self._route("GET", f"{_CALENDAR}/events", self._events),
            self._route("POST", f"{_CALENDAR}/events", self._make_event),
            self._route("PATCH", f"{_CALENDAR}/events/{{eventId}}", self._patch_event),
            self._route("DELETE", f"{_CALENDAR}/events/{{eventId}}", self._delete_event),
        ]

    def _route(self, verb: str, path: str, press: Callable[[_Pressed], dict[str, Any]]) -> Route:
        async def answer(request: Request) -> Response:
            try:
                _check_neighbour(request)
                body = await read_body(request) if verb in {"POST", "PATCH"} else {}
                return JSONResponse(press(_Pressed(request.path_params, body)))
            except Refused as refused:
                return refused.answer()

        return Route(SWITCHES + path, answer, methods=[verb])

    # -- the world around --

    def _time(self, _: _Pressed) -> dict[str, Any]:
        return {"now": write_millis(self.state.now())}

    def _advance(self, pressed: _Pressed) -> dict[str, Any]:
        seconds = pressed.given("advanceSeconds", float, 0.0)
        try:
            self.state.clock.advance(timedelta(seconds=seconds))
        except (ValueError, OverflowError):
            raise invalid("The time goes forward only, and not beyond its end.", "advanceSeconds") from None
        return self._time(pressed)

    def _faults(self, _: _Pressed) -> dict[str, Any]:
        return {"faults": [one.document() for one in self.orders.waiting if one.times != 0]}

    def _order_fault(self, pressed: _Pressed) -> dict[str, Any]:
        try:
            self.orders.waiting.append(Fault.of(pressed.body))
        except ValueError as wrong:
            raise invalid(f"The fault cannot be read: {wrong}.") from None
        return self._faults(pressed)

    def _forget_faults(self, pressed: _Pressed) -> dict[str, Any]:
        self.orders.waiting.clear()
        return self._faults(pressed)

    def _push(self, _: _Pressed) -> dict[str, Any]:
        set_to = self.channels.switches
        return {
            "on": set_to.on,
            "drop": set_to.drop,
            "double": set_to.double,
            "delaySeconds": set_to.delay,
            "channels": [one.shown() for one in self.channels.open_channels()],
            "deliveries": [*self.channels.deliveries],
        }

    def _set_push(self, pressed: _Pressed) -> dict[str, Any]:
        set_to = self.channels.switches
        on, drop, double = (
            pressed.given(name, bool, usual)
            for name, usual in (("on", set_to.on), ("drop", set_to.drop), ("double", set_to.double))
        )
        delay = pressed.given("delaySeconds", float, set_to.delay)
        set_to.on, set_to.drop, set_to.double, set_to.delay = on, drop, double, max(0.0, delay)
        return self._push(pressed)

    def _quotas(self, _: _Pressed) -> dict[str, Any]:
        set_to = self.quotas
        return {
            "on": set_to.on,
            "perUser": set_to.per_user,
            "perProject": set_to.per_project,
            "style": set_to.style,
        }

    def _set_quotas(self, pressed: _Pressed) -> dict[str, Any]:
        set_to = self.quotas
        on, style = pressed.given("on", bool, set_to.on), pressed.given("style", str, set_to.style)
        user = pressed.given("perUser", int, set_to.per_user)
        project = pressed.given("perProject", int, set_to.per_project)
        if style not in STYLES:
            raise invalid("style is 403 or 429, as a text.", "style")
        set_to.on, set_to.style, set_to.per_user, set_to.per_project = on, style, user, project
        return self._quotas(pressed)

    def _requests(self, _: _Pressed) -> dict[str, Any]:
        return {"requests": [one.document() for one in self.orders.asked]}

    def _forget_requests(self, pressed: _Pressed) -> dict[str, Any]:
        self.orders.asked.clear()
        return self._requests(pressed)

    # -- people and their calendars --

    def _users(self, _: _Pressed) -> dict[str, Any]:
        return {"users": [{"id": one.user.id, "email": one.user.email} for one in self.state.accounts.values()]}

    def _calendars(self, pressed: _Pressed) -> dict[str, Any]:
        account = self._account(pressed)
        return {"calendars": [render_entry(one, account) for one in account.entries.values()]}

    def _expire_list(self, pressed: _Pressed) -> dict[str, Any]:
        account = self._account(pressed)
        account.entries_until = self.state.change
        self.state.tick()
        return {}

    def _make_calendar(self, pressed: _Pressed) -> dict[str, Any]:
        return render_calendar(make_calendar(self.state, self._account(pressed), pressed.body, ""))

    def _delete_calendar(self, pressed: _Pressed) -> dict[str, Any]:
        delete_calendar(self.state, self._calendar(pressed))
        return {}

    def _share(self, pressed: _Pressed) -> dict[str, Any]:
        calendar, role = self._calendar(pressed), pressed.given("role", str, "reader")
        if role not in ROLES:
            raise invalid("role is none of Google's access roles.", "role")
        self.state.share(calendar, pressed.given("email", str, ""), role)
        return {}

    def _expire(self, pressed: _Pressed) -> dict[str, Any]:
        self.state.expire_tokens(self._calendar(pressed))
        return {}

    def _listing(self, pressed: _Pressed) -> dict[str, Any]:
        odd = self._calendar(pressed).oddities
        return {"mostPerPage": odd.most_per_page, "emptyPages": odd.empty_pages, "goneOnPage": odd.gone_on_page}

    def _set_listing(self, pressed: _Pressed) -> dict[str, Any]:
        odd = self._calendar(pressed).oddities
        odd.most_per_page = pressed.given("mostPerPage", int, 0) or None
        odd.empty_pages = pressed.given("emptyPages", int, 0)
        odd.gone_on_page = pressed.given("goneOnPage", int, 0) or None
        return self._listing(pressed)

    def _events(self, pressed: _Pressed) -> dict[str, Any]:
        calendar = self._calendar(pressed)
        view, writer = View(calendar, calendar.zone, "owner"), self._writer(pressed)
        return {"events": [view.render(one, cancelled=writer.is_gone(one)) for one in calendar.events]}

    def _make_event(self, pressed: _Pressed) -> dict[str, Any]:
        writer = self._writer(pressed)
        return View(writer.calendar, writer.calendar.zone, "owner").render(writer.insert(pressed.body))

    def _patch_event(self, pressed: _Pressed) -> dict[str, Any]:
        writer = self._writer(pressed)
        changed = writer.patch(pressed.path["eventId"], pressed.body)
        return View(writer.calendar, writer.calendar.zone, "owner").render(changed)

    def _delete_event(self, pressed: _Pressed) -> dict[str, Any]:
        self._writer(pressed).delete(pressed.path["eventId"])
        return {}

    def _account(self, pressed: _Pressed) -> Account:
        account = self.state.accounts.get(pressed.path["email"])
        if account is None:
            raise not_found()
        return account

    def _calendar(self, pressed: _Pressed) -> Calendar:
        return self.state.calendar(self._account(pressed), pressed.path["calendarId"])

    def _writer(self, pressed: _Pressed) -> EventWriter:
        calendar = self._calendar(pressed)
        return EventWriter(self.state, calendar, calendar.owner)


def _check_neighbour(request: Request) -> None:
    """See that it is somebody on this machine who asks, and no web page that their browser shows."""
    client = request.client.host if request.client else ""
    if client not in LOOPBACK or request.url.hostname not in LOOPBACK or "origin" in request.headers:
        raise forbidden("The switches are for programs on this machine.")
