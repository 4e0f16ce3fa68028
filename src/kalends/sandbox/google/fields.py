"""The fields of an event that its writers set: which they are, what they may hold, and how a patch joins old and new.

Read-only fields in a body are passed over, as Google does.
"""

from collections.abc import Callable, Mapping
from typing import Any

from kalends.sandbox.google.errors import Refused, invalid, required

_MOST_PROPERTIES = 300
_LONGEST_NAME = 44
_LONGEST_VALUE = 1024
_MOST_ATTENDEES = 200
_RESPONSES = frozenset({"needsAction", "declined", "tentative", "accepted"})
_CREATABLE = frozenset({"default", "workingLocation", "focusTime", "outOfOffice", "birthday"})
EVENT_TYPES = _CREATABLE | {"fromGmail"}
"""All types of events; those from mails cannot be made by requests."""
_OF_PRIMARY = frozenset({"workingLocation", "focusTime", "outOfOffice"})

_TEXTS = ("summary", "description", "location", "colorId", "eventLabelId")
_FLAGS = ("guestsCanInviteOthers", "guestsCanModify", "guestsCanSeeOtherGuests", "anyoneCanAddSelf")
_OBJECTS = (
    "source",
    "gadget",
    "birthdayProperties",
    "focusTimeProperties",
    "outOfOfficeProperties",
    "workingLocationProperties",
)
_CHOICES = {
    "status": frozenset({"confirmed", "tentative", "cancelled"}),
    "transparency": frozenset({"opaque", "transparent"}),
    "visibility": frozenset({"default", "public", "private", "confidential"}),
    "eventType": EVENT_TYPES,
}


def checked(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a body that its writer may set, in the form in which they are kept; raises `Refused`.

    Times (`start`, `end`) and identifiers are not among them.
    """
    given = {name: check(name, body[name]) for name, check in _CHECKS.items() if body.get(name) is not None}
    if not given.get("recurrence"):
        given.pop("recurrence", None)
    return given


def check_type(fields: Mapping[str, Any], *, all_day: bool, primary: bool, new: bool) -> None:
    """See that the fields go with the type of event; raises `Refused`.

    Source: "Status events" in Google's guide. `primary` tells whether the calendar is its owner's primary one.
    """
    kind = fields.get("eventType", "default")
    if kind == "default":
        return
    if new and kind not in _CREATABLE:
        raise Refused(400, "eventTypeRestriction", "Event type cannot be created.", domain="calendar")
    if kind in _OF_PRIMARY and not primary:
        raise Refused(400, "eventTypeRestriction", "Event type is only for primary calendars.", domain="calendar")
    if kind in {"focusTime", "outOfOffice"} and all_day:
        raise invalid(f"Event type {kind} cannot be all day.", "start")
    if kind == "workingLocation":
        shown = (fields.get("visibility"), fields.get("transparency"))
        if shown != ("public", "transparent") or "workingLocationProperties" not in fields:
            raise Refused(400, "malformedWorkingLocationEvent", "Malformed working location event.", domain="calendar")


def patched(before: object, patch: Mapping[str, Any]) -> dict[str, Any]:
    """Join a patch to what was there: objects field by field, null takes away, lists and values replace."""
    joined = dict(before) if isinstance(before, dict) else {}
    for name, value in patch.items():
        if value is None:
            joined.pop(name, None)
        elif isinstance(value, dict):
            joined[name] = patched(joined.get(name), value)
        else:
            joined[name] = value
    return joined


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise invalid(f"Invalid value for {name}.", name)
    return value


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise invalid(f"Invalid value for {name}.", name)
    return value


def _number(name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise invalid(f"Invalid {name} value.", name)
    return value


def _object(name: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise invalid(f"Invalid value for {name}.", name)
    return value


def _choice(name: str, value: object) -> str:
    if value not in _CHOICES[name]:
        raise invalid(f"Invalid value for {name}.", name)
    return str(value)


def _objects(name: str, value: object) -> list[dict[str, Any]]:
    if not isinstance(value, list):
        raise invalid(f"Invalid value for {name}.", name)
    return [_object(name, one) for one in value]


def _recurrence(name: str, value: object) -> list[Any]:
    if not isinstance(value, list):
        raise invalid("Invalid recurrence rule.", name)
    return value


def _attendees(name: str, value: object) -> list[dict[str, Any]]:
    given = _objects(name, value)
    if len(given) > _MOST_ATTENDEES:
        raise Refused(400, "calendarLimitsExceeded", "Too many attendees.", domain="usageLimits")
    return [_attendee(one) for one in given]


def _attendee(given: Mapping[str, Any]) -> dict[str, Any]:
    email = given.get("email")
    if not isinstance(email, str) or "@" not in email:
        raise invalid("Invalid attendee email.", "attendees") if email else required("Missing attendee email.")
    response = given.get("responseStatus") or "needsAction"
    if response not in _RESPONSES:
        raise invalid("Invalid attendee response status.", "attendees")
    kept = {"email": email, "responseStatus": response}
    for field, kind in _ATTENDEE.items():
        if given.get(field) is not None:
            if not isinstance(given[field], kind):
                raise invalid(f"Invalid attendee {field}.", "attendees")
            kept[field] = given[field]
    return kept


def _properties(name: str, value: object) -> dict[str, dict[str, str]]:
    given = _object(name, value)
    kept: dict[str, dict[str, str]] = {}
    for kind in ("private", "shared"):
        found = given.get(kind)
        if found is None:
            continue
        pairs = _object(name, found)
        if len(pairs) > _MOST_PROPERTIES:
            raise invalid("Too many extended properties.", name)
        for key, text in pairs.items():
            if not isinstance(text, str) or len(key) > _LONGEST_NAME or len(text) > _LONGEST_VALUE:
                raise invalid("Invalid extended property.", name)
        kept[kind] = pairs
    return kept


def _reminders(name: str, value: object) -> dict[str, Any]:
    given = _object(name, value)
    overrides = _objects(name, given.get("overrides", []))
    use_default = _flag(name, given.get("useDefault", False))
    if use_default and overrides:
        raise Refused(
            400, "cannotUseDefaultRemindersAndSpecifyOverride", "Cannot specify both default reminders and overrides."
        )
    for one in overrides:
        if one.get("method") not in {"email", "popup"} or not isinstance(one.get("minutes"), int):
            raise invalid("Invalid reminder.", name)
    return {"useDefault": use_default, **({"overrides": overrides} if overrides else {})}


_ATTENDEE: dict[str, type] = {
    "displayName": str,
    "comment": str,
    "optional": bool,
    "resource": bool,
    "additionalGuests": int,
}
_CHECKS: dict[str, Callable[[str, object], Any]] = {
    **dict.fromkeys(_TEXTS, _text),
    **dict.fromkeys(_FLAGS, _flag),
    **dict.fromkeys(_OBJECTS, _object),
    **dict.fromkeys(_CHOICES, _choice),
    "sequence": _number,
    "recurrence": _recurrence,
    "attendees": _attendees,
    "attachments": _objects,
    "extendedProperties": _properties,
    "reminders": _reminders,
}
