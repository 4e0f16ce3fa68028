"""Switches under `/_sandbox`, beside those of `switchboard`: throttling, oddities, push, and everybody's calendars.

All take and give JSON, and are answered to this machine only. What they change goes through the same code as the API;
ids are ordinary ones, and `{id}` of a calendar may be `primary` for the default one.

    GET, POST, DELETE   /_sandbox/throttling                  {"on", "atATime": 4, "perTenMinutes", "retryAfterSeconds",
                                                              "latencySeconds": 0.2}; shows "peak", DELETE forgets it
    GET, POST           /_sandbox/oddities                    {"transactionSeconds", "duplicateTransaction",
                                                              "goneStyle", "occurrencesFollow", "otherPostedIds",
                                                              "masters", "removedReason", "outside", "mostPerPage",
                                                              "emptyPages", "goneOnPage"}; see `Oddities`
    GET, POST           /_sandbox/push                        {"on", "drop", "double": true, "delaySeconds": 2}
    POST                /_sandbox/subscriptions/{id}/lifecycle   {"event": "missed"}; see `LIFECYCLE_EVENTS`
    GET                 /_sandbox/users
    POST                /_sandbox/users/{email}/mailbox       {"on": false}
    GET, POST           /_sandbox/users/{email}/calendars     {"name", "color"}
    DELETE              …/calendars/{id}
    POST                …/calendars/{id}/share                {"email", "role": "read" or "write"}
    POST                …/calendars/{id}/changeId             {}
    POST                …/calendars/{id}/expireDelta          {}
    POST                …/calendars/{id}/access               {"canEdit": false}
    GET, POST           …/calendars/{id}/events               an event as for POST of Graph
    PATCH, DELETE       …/calendars/{id}/events/{eventId}

Events made by switches may also say what others do to them: `organizer`, `isOrganizer`, `isCancelled`,
`responseStatus`.
"""

from dataclasses import dataclass, fields
from typing import Any

from starlette.routing import BaseRoute

from kalends.sandbox.faults import Orders
from kalends.sandbox.microsoft.calendars import make_calendar
from kalends.sandbox.microsoft.delta import GONE_STYLES, MASTERS, OUTSIDE
from kalends.sandbox.microsoft.errors import GraphRefused, bad_request, not_found
from kalends.sandbox.microsoft.events import EventWriter
from kalends.sandbox.microsoft.kept import KeptEvent
from kalends.sandbox.microsoft.preferences import Preferences
from kalends.sandbox.microsoft.rendering import View, render_calendar
from kalends.sandbox.microsoft.state import Calendar, Mailbox, Oddities, State
from kalends.sandbox.microsoft.subscriptions import Subscriptions
from kalends.sandbox.microsoft.throttling import Throttle
from kalends.sandbox.refusals import Refusal
from kalends.sandbox.switchboard import Answer, Pressed, Switchboard

_CALENDAR = "/users/{email}/calendars/{calendarId}"
_REASONS = ("deleted", "changed")
_DUPLICATES = ("400", "409", "existing")
_CHOICES = {
    "duplicate_transaction": _DUPLICATES,
    "gone_style": GONE_STYLES,
    "masters": MASTERS,
    "outside": OUTSIDE,
    "removed_reason": _REASONS,
}


class _GraphWords:
    def wrong(self, message: str, field: str | None = None) -> Refusal:
        return bad_request(message if field is None else f"{field}: {message}")

    def stranger(self) -> Refusal:
        return GraphRefused(403, "ErrorAccessDenied", "The switches are for programs on this machine.")

    def too_large(self) -> Refusal:
        return GraphRefused(413, "RequestEntityTooLarge", "The request is too large.")

    def unreadable(self) -> Refusal:
        return bad_request("Unable to read JSON request payload.", "BadRequest")


@dataclass(frozen=True)
class Switches:
    """All switches, and what they act on."""

    state: State
    orders: Orders
    throttle: Throttle
    subscriptions: Subscriptions

    def routes(self) -> list[BaseRoute]:
        """Return the routes of the switches."""
        board = Switchboard(_GraphWords(), self.state.clock, self.orders)
        return [
            *board.routes(),
            board.switch("GET", "/throttling", self._throttling),
            board.switch("POST", "/throttling", self._set_throttling),
            board.switch("DELETE", "/throttling", self._forget_throttling),
            board.switch("GET", "/oddities", self._oddities),
            board.switch("POST", "/oddities", self._set_oddities),
            board.switch("GET", "/push", self._push),
            board.switch("POST", "/push", self._set_push),
            board.switch("POST", "/subscriptions/{id}/lifecycle", self._lifecycle),
            board.switch("GET", "/users", self._users),
            board.switch("POST", "/users/{email}/mailbox", self._set_mailbox),
            board.switch("GET", "/users/{email}/calendars", self._calendars),
            board.switch("POST", "/users/{email}/calendars", self._make_calendar),
            board.switch("DELETE", _CALENDAR, self._delete_calendar),
            board.switch("POST", f"{_CALENDAR}/share", self._share),
            board.switch("POST", f"{_CALENDAR}/changeId", self._change_id),
            board.switch("POST", f"{_CALENDAR}/expireDelta", self._expire_delta),
            board.switch("POST", f"{_CALENDAR}/access", self._set_access),
            board.switch("GET", f"{_CALENDAR}/events", self._events),
            board.switch("POST", f"{_CALENDAR}/events", self._make_event),
            board.switch("PATCH", f"{_CALENDAR}/events/{{eventId}}", self._patch_event),
            board.switch("DELETE", f"{_CALENDAR}/events/{{eventId}}", self._delete_event),
        ]

    # -- the world around --

    def _throttling(self, _: Pressed) -> Answer:
        set_to = self.throttle
        return {
            "on": set_to.on,
            "atATime": set_to.at_a_time,
            "perTenMinutes": set_to.per_ten_minutes,
            "retryAfterSeconds": set_to.retry_after,
            "latencySeconds": set_to.latency,
            "peak": set_to.peak,
            "refused": set_to.refused,
        }

    def _set_throttling(self, pressed: Pressed) -> Answer:
        set_to = self.throttle
        on, latency = pressed.given("on", bool, set_to.on), pressed.given("latencySeconds", float, set_to.latency)
        numbers = {
            "at_a_time": pressed.given("atATime", int, set_to.at_a_time),
            "per_ten_minutes": pressed.given("perTenMinutes", int, set_to.per_ten_minutes),
            "retry_after": pressed.given("retryAfterSeconds", int, set_to.retry_after),
        }
        set_to.on, set_to.latency = on, min(max(0.0, latency), 60.0)
        for name, number in numbers.items():
            setattr(set_to, name, number)
        return self._throttling(pressed)

    def _forget_throttling(self, pressed: Pressed) -> Answer:
        self.throttle.forget()
        return self._throttling(pressed)

    def _oddities(self, _: Pressed) -> Answer:
        odd = self.state.oddities
        return {_camel(one.name): getattr(odd, one.name) for one in fields(odd)}

    def _set_oddities(self, pressed: Pressed) -> Answer:
        names = {_camel(one.name): one.name for one in fields(Oddities)}
        if unknown := sorted(set(pressed.body) - set(names)):
            raise bad_request(f"{unknown[0]} is none of the oddities: {', '.join(names)}.")
        read = {names[name]: self._oddity(pressed, name, names[name]) for name in pressed.body}
        for name, value in read.items():
            setattr(self.state.oddities, name, value)
        return self._oddities(pressed)

    def _oddity(self, pressed: Pressed, name: str, own: str) -> Any:
        usual = getattr(Oddities(), own)
        if usual is None:
            return None if pressed.body[name] is None else pressed.given(name, int, 0)
        value = pressed.given(name, type(usual), usual)
        if own in _CHOICES and value not in _CHOICES[own]:
            raise bad_request(f"{name} is one of {', '.join(_CHOICES[own])}.")
        return value

    def _push(self, _: Pressed) -> Answer:
        shown = [{**one.render(), "clientState": None} for one in self.subscriptions.open()]
        return {
            **self.subscriptions.notifier.switches.document(),
            "subscriptions": shown,
            "deliveries": [*self.subscriptions.notifier.deliveries],
        }

    def _set_push(self, pressed: Pressed) -> Answer:
        self.subscriptions.notifier.switches.set(pressed)
        return self._push(pressed)

    def _lifecycle(self, pressed: Pressed) -> Answer:
        self.subscriptions.lifecycle(pressed.path["id"], pressed.given("event", str, "missed"))
        return {}

    # -- people and their calendars --

    def _users(self, _: Pressed) -> Answer:
        people = [one.user for one in self.state.mailboxes.values()]
        return {"users": [{"id": one.id, "email": one.email, "tenantId": one.tenant_id} for one in people]}

    def _set_mailbox(self, pressed: Pressed) -> Answer:
        mailbox = self._mailbox(pressed)
        mailbox.enabled = pressed.given("on", bool, usual=True)
        return {"on": mailbox.enabled}

    def _calendars(self, pressed: Pressed) -> Answer:
        return {"calendars": [render_calendar(one) for one in self._mailbox(pressed).calendars.values()]}

    def _make_calendar(self, pressed: Pressed) -> Answer:
        return render_calendar(make_calendar(self.state, self._mailbox(pressed), pressed.body))

    def _delete_calendar(self, pressed: Pressed) -> Answer:
        self.state.delete_calendar(self._calendar(pressed))
        return {}

    def _share(self, pressed: Pressed) -> Answer:
        calendar, role = self._calendar(pressed), pressed.given("role", str, "read")
        mailbox = self.state.mailbox(pressed.given("email", str, ""))
        if mailbox is None or mailbox is calendar.mailbox or role not in {"read", "write"}:
            raise bad_request("email is that of another mailbox, and role is read or write.")
        return render_calendar(self.state.share(calendar, mailbox, can_edit=role == "write"))

    def _change_id(self, pressed: Pressed) -> Answer:
        return render_calendar(self.state.change_id(self._calendar(pressed)))

    def _expire_delta(self, pressed: Pressed) -> Answer:
        self.state.expire_delta(self._calendar(pressed))
        return {}

    def _set_access(self, pressed: Pressed) -> Answer:
        calendar = self._calendar(pressed)
        calendar.can_edit = pressed.given("canEdit", bool, usual=True)
        return render_calendar(calendar)

    def _events(self, pressed: Pressed) -> Answer:
        calendar = self._calendar(pressed)
        shown = []
        for event in calendar.events:
            shown.append(self._shown(calendar, event))
            shown += [self._shown(calendar, one) for one in event.exceptions.values()]
        return {"events": shown}

    def _make_event(self, pressed: Pressed) -> Answer:
        writer = self._writer(pressed)
        return self._shown(writer.calendar, writer.create(pressed.body))

    def _patch_event(self, pressed: Pressed) -> Answer:
        calendar, event, day = self._mailbox(pressed).event(pressed.path["eventId"])
        writer = EventWriter(self.state, calendar, trusted=True)
        return self._shown(calendar, writer.change(event, day, pressed.body))

    def _delete_event(self, pressed: Pressed) -> Answer:
        calendar, event, day = self._mailbox(pressed).event(pressed.path["eventId"])
        EventWriter(self.state, calendar, trusted=True).delete(event, day)
        return {}

    def _shown(self, calendar: Calendar, event: KeptEvent) -> Answer:
        return View(calendar, Preferences(), expanded=[*event.properties]).event(event)

    def _mailbox(self, pressed: Pressed) -> Mailbox:
        mailbox = self.state.mailbox(pressed.path["email"])
        if mailbox is None:
            raise not_found()
        return mailbox

    def _calendar(self, pressed: Pressed) -> Calendar:
        mailbox, named = self._mailbox(pressed), pressed.path["calendarId"]
        return mailbox.default if named == "primary" else mailbox.calendar(named)

    def _writer(self, pressed: Pressed) -> EventWriter:
        return EventWriter(self.state, self._calendar(pressed), trusted=True)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
