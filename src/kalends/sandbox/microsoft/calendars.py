"""The resources `user`, `calendar` and the collection of calendars."""

from collections.abc import Mapping
from typing import Any

from kalends.sandbox.microsoft.call import Answered, Call
from kalends.sandbox.microsoft.errors import GraphRefused, access_denied, bad_property, no_mailbox, unknown_property
from kalends.sandbox.microsoft.fields import read_properties
from kalends.sandbox.microsoft.ids import calendar_id
from kalends.sandbox.microsoft.rendering import render_calendar
from kalends.sandbox.microsoft.state import COLOURS, Calendar, Mailbox, State

_LONGEST_NAME = 255
_USER_PROPERTIES = {
    "id": "id",
    "displayName": "name",
    "mail": "email",
    "userPrincipalName": "email",
    "givenName": None,
    "surname": None,
    "jobTitle": None,
    "mobilePhone": None,
    "officeLocation": None,
    "preferredLanguage": None,
    "businessPhones": (),
}


def me(call: Call) -> Answered:
    """Answer GET /me, and /users/{id}: the profile, which needs no mailbox."""
    user = call.mailbox.user
    selected = call.query.selected(_USER_PROPERTIES, "user")
    values: dict[str, Any] = {
        name: getattr(user, kept) if isinstance(kept, str) else (None if kept is None else [])
        for name, kept in _USER_PROPERTIES.items()
    }
    shown = {name: value for name, value in values.items() if selected is None or name in {"id", *selected}}
    return Answered(200, {"@odata.context": f"{call.asked.here}/v1.0/$metadata#users/$entity", **shown})


def list_(call: Call) -> Answered:
    """Answer GET /me/calendars."""
    selected = call.query.selected(_PROPERTIES, "calendar")
    fits = call.query.calendar_test()
    found = [one for one in call.mailbox.calendars.values() if fits(one.properties)]
    return call.page(found, lambda one: _selected(render_calendar(one), selected), "calendars")


def get(call: Call) -> Answered:
    """Answer GET of a calendar."""
    selected = call.query.selected(_PROPERTIES, "calendar")
    return Answered(200, {**call.context("calendars/$entity"), **_selected(render_calendar(call.calendar()), selected)})


def create(call: Call) -> Answered:
    """Answer POST /me/calendars."""
    made = make_calendar(call.state, call.mailbox, call.body)
    shown = {**call.context("calendars/$entity"), **render_calendar(made)}
    if call.state.oddities.other_posted_ids:
        shown["id"] = calendar_id(made.mailbox.key, made.key, other=True)
    return Answered(201, shown)


def make_calendar(state: State, mailbox: Mailbox, body: Mapping[str, Any]) -> Calendar:
    """Make a calendar as a request asks for it; raises `GraphRefused`."""
    name, color = _checked(body)
    if name is None:
        raise bad_property("name", "is missing")
    properties = read_properties(body.get("singleValueExtendedProperties") or [])
    made = state.add_calendar(mailbox, name, color=color or "auto")
    made.properties = {key: value for key, value in properties.items() if value is not None}
    return made


def patch(call: Call) -> Answered:
    """Answer PATCH of a calendar."""
    calendar = call.calendar()
    name, color = _checked(call.body)
    if not calendar.can_edit:
        raise access_denied()
    others = [one for one in call.mailbox.calendars.values() if one is not calendar]
    if name is not None and any(one.name.lower() == name.lower() for one in others):
        raise GraphRefused(409, "ErrorFolderExists", "A folder with the specified name already exists.")
    calendar.name, calendar.color = name or calendar.name, color or calendar.color
    properties = {**calendar.properties, **read_properties(call.body.get("singleValueExtendedProperties") or [])}
    calendar.properties = {key: value for key, value in properties.items() if value is not None}
    calendar.change = call.state.tick()
    return Answered(200, {**call.context("calendars/$entity"), **render_calendar(calendar)})


def delete(call: Call) -> Answered:
    """Answer DELETE of a calendar; the default one cannot be deleted."""
    call.state.delete_calendar(call.calendar())
    return Answered(204)


def check_mailbox(mailbox: Mailbox) -> None:
    """See that somebody has a mailbox in the cloud; raises `GraphRefused`."""
    if not mailbox.enabled:
        raise no_mailbox()


def _checked(body: Mapping[str, Any]) -> tuple[str | None, str | None]:
    for field in body:
        if field in _PROPERTIES - {"name", "color"}:
            raise bad_property(field, "is read-only")
        if field not in {"name", "color", "singleValueExtendedProperties", "@odata.type"}:
            raise unknown_property(field, "calendar")
    name, color = body.get("name"), body.get("color")
    if name is not None and (not isinstance(name, str) or not name.strip() or len(name) > _LONGEST_NAME):
        raise bad_property("name")
    if color is not None and (not isinstance(color, str) or color not in COLOURS):
        raise bad_property("color")
    return name, color


def _selected(shown: dict[str, Any], selected: frozenset[str] | None) -> dict[str, Any]:
    return shown if selected is None else {name: value for name, value in shown.items() if name in {"id", *selected}}


_PROPERTIES = frozenset(
    {
        "id",
        "name",
        "color",
        "hexColor",
        "isDefaultCalendar",
        "changeKey",
        "canShare",
        "canViewPrivateItems",
        "canEdit",
        "allowedOnlineMeetingProviders",
        "defaultOnlineMeetingProvider",
        "isTallyingResponses",
        "isRemovable",
        "owner",
    }
)
