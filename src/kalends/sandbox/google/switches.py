"""Switches under `/_sandbox`, beside those of `switchboard`: push, quotas, and everybody's calendars without a token.

All take and give JSON, and are answered to this machine only. What they change goes through the same code as the API.

    GET, POST           /_sandbox/push                        {"on", "drop", "double": true, "delaySeconds": 2}
    GET, POST           /_sandbox/quotas                      {"on": true, "perUser", "perProject": 600, "style": "429"}
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

from dataclasses import dataclass
from typing import Any

from starlette.routing import BaseRoute

from kalends.sandbox.faults import Orders
from kalends.sandbox.google.calendars import delete_calendar, make_calendar, render_calendar, render_entry
from kalends.sandbox.google.channels import Channels
from kalends.sandbox.google.errors import Refused, forbidden, invalid, not_found
from kalends.sandbox.google.events import EventWriter
from kalends.sandbox.google.quotas import STYLES, Quotas
from kalends.sandbox.google.rendering import View
from kalends.sandbox.google.state import ROLES, Account, Calendar, State
from kalends.sandbox.refusals import Refusal
from kalends.sandbox.switchboard import Pressed, Switchboard

_CALENDAR = "/users/{email}/calendars/{calendarId}"


class _GoogleWords:
    def wrong(self, message: str, field: str | None = None) -> Refusal:
        return invalid(message, field)

    def stranger(self) -> Refusal:
        return forbidden("The switches are for programs on this machine.")

    def too_large(self) -> Refusal:
        return Refused(413, "uploadTooLarge", "Request Too Large")

    def unreadable(self) -> Refusal:
        return Refused(400, "parseError", "Parse Error")


@dataclass(frozen=True)
class Switches:
    """All switches, and what they act on."""

    state: State
    channels: Channels
    quotas: Quotas
    orders: Orders

    def routes(self) -> list[BaseRoute]:
        """Return the routes of the switches."""
        board = Switchboard(_GoogleWords(), self.state.clock, self.orders)
        return [
            *board.routes(),
            board.switch("GET", "/push", self._push),
            board.switch("POST", "/push", self._set_push),
            board.switch("GET", "/quotas", self._quotas),
            board.switch("POST", "/quotas", self._set_quotas),
            board.switch("GET", "/users", self._users),
            board.switch("POST", "/users/{email}/calendarList/expireSyncTokens", self._expire_list),
            board.switch("GET", "/users/{email}/calendars", self._calendars),
            board.switch("POST", "/users/{email}/calendars", self._make_calendar),
            board.switch("DELETE", _CALENDAR, self._delete_calendar),
            board.switch("POST", f"{_CALENDAR}/share", self._share),
            board.switch("POST", f"{_CALENDAR}/expireSyncTokens", self._expire),
            board.switch("GET", f"{_CALENDAR}/listing", self._listing),
            board.switch("POST", f"{_CALENDAR}/listing", self._set_listing),
            board.switch("GET", f"{_CALENDAR}/events", self._events),
            board.switch("POST", f"{_CALENDAR}/events", self._make_event),
            board.switch("PATCH", f"{_CALENDAR}/events/{{eventId}}", self._patch_event),
            board.switch("DELETE", f"{_CALENDAR}/events/{{eventId}}", self._delete_event),
        ]

    # -- the world around --

    def _push(self, _: Pressed) -> dict[str, Any]:
        return {
            **self.channels.switches.document(),
            "channels": [one.shown() for one in self.channels.open_channels()],
            "deliveries": [*self.channels.deliveries],
        }

    def _set_push(self, pressed: Pressed) -> dict[str, Any]:
        self.channels.switches.set(pressed)
        return self._push(pressed)

    def _quotas(self, _: Pressed) -> dict[str, Any]:
        set_to = self.quotas
        return {
            "on": set_to.on,
            "perUser": set_to.per_user,
            "perProject": set_to.per_project,
            "style": set_to.style,
        }

    def _set_quotas(self, pressed: Pressed) -> dict[str, Any]:
        set_to = self.quotas
        on, style = pressed.given("on", bool, set_to.on), pressed.given("style", str, set_to.style)
        user = pressed.given("perUser", int, set_to.per_user)
        project = pressed.given("perProject", int, set_to.per_project)
        if style not in STYLES:
            raise invalid("style is 403 or 429, as a text.", "style")
        set_to.on, set_to.style, set_to.per_user, set_to.per_project = on, style, user, project
        return self._quotas(pressed)

    # -- people and their calendars --

    def _users(self, _: Pressed) -> dict[str, Any]:
        return {"users": [{"id": one.user.id, "email": one.user.email} for one in self.state.accounts.values()]}

    def _calendars(self, pressed: Pressed) -> dict[str, Any]:
        account = self._account(pressed)
        return {"calendars": [render_entry(one, account) for one in account.entries.values()]}

    def _expire_list(self, pressed: Pressed) -> dict[str, Any]:
        account = self._account(pressed)
        account.entries_until = self.state.change
        self.state.tick()
        return {}

    def _make_calendar(self, pressed: Pressed) -> dict[str, Any]:
        return render_calendar(make_calendar(self.state, self._account(pressed), pressed.body, ""))

    def _delete_calendar(self, pressed: Pressed) -> dict[str, Any]:
        delete_calendar(self.state, self._calendar(pressed))
        return {}

    def _share(self, pressed: Pressed) -> dict[str, Any]:
        calendar, role = self._calendar(pressed), pressed.given("role", str, "reader")
        if role not in ROLES:
            raise invalid("role is none of Google's access roles.", "role")
        self.state.share(calendar, pressed.given("email", str, ""), role)
        return {}

    def _expire(self, pressed: Pressed) -> dict[str, Any]:
        self.state.expire_tokens(self._calendar(pressed))
        return {}

    def _listing(self, pressed: Pressed) -> dict[str, Any]:
        odd = self._calendar(pressed).oddities
        return {"mostPerPage": odd.most_per_page, "emptyPages": odd.empty_pages, "goneOnPage": odd.gone_on_page}

    def _set_listing(self, pressed: Pressed) -> dict[str, Any]:
        odd = self._calendar(pressed).oddities
        odd.most_per_page = pressed.given("mostPerPage", int, 0) or None
        odd.empty_pages = pressed.given("emptyPages", int, 0)
        odd.gone_on_page = pressed.given("goneOnPage", int, 0) or None
        return self._listing(pressed)

    def _events(self, pressed: Pressed) -> dict[str, Any]:
        calendar = self._calendar(pressed)
        view, writer = View(calendar, calendar.zone, "owner"), self._writer(pressed)
        return {"events": [view.render(one, cancelled=writer.is_gone(one)) for one in calendar.events]}

    def _make_event(self, pressed: Pressed) -> dict[str, Any]:
        writer = self._writer(pressed)
        return View(writer.calendar, writer.calendar.zone, "owner").render(writer.insert(pressed.body))

    def _patch_event(self, pressed: Pressed) -> dict[str, Any]:
        writer = self._writer(pressed)
        changed = writer.patch(pressed.path["eventId"], pressed.body)
        return View(writer.calendar, writer.calendar.zone, "owner").render(changed)

    def _delete_event(self, pressed: Pressed) -> dict[str, Any]:
        self._writer(pressed).delete(pressed.path["eventId"])
        return {}

    def _account(self, pressed: Pressed) -> Account:
        account = self.state.accounts.get(pressed.path["email"])
        if account is None:
            raise not_found()
        return account

    def _calendar(self, pressed: Pressed) -> Calendar:
        return self.state.calendar(self._account(pressed), pressed.path["calendarId"])

    def _writer(self, pressed: Pressed) -> EventWriter:
        calendar = self._calendar(pressed)
        return EventWriter(self.state, calendar, calendar.owner)
