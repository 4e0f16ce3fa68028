"""The properties of an event that its writers set: which they are, what they may hold, and what they are without.

What is not known, and what Graph alone sets, is refused.
"""

import html
import re
from collections.abc import Callable, Mapping
from typing import Any

from kalends.sandbox.microsoft.errors import bad_property, unknown_property

_LONGEST_SUBJECT = 255
_LONGEST_BODY = 1_000_000
_MOST_ATTENDEES = 500
_MOST_PROPERTIES = 100
_LONGEST_VALUE = 32_000
_TYPE = "@odata.type"

_CHOICES = {
    "showAs": ("free", "tentative", "busy", "oof", "workingElsewhere", "unknown"),
    "sensitivity": ("normal", "personal", "private", "confidential"),
    "importance": ("low", "normal", "high"),
    "onlineMeetingProvider": ("unknown", "skypeForBusiness", "skypeForConsumer", "teamsForBusiness"),
}
_RESPONSES = ("none", "organizer", "tentativelyAccepted", "accepted", "declined", "notResponded")
_ATTENDEE_TYPES = ("required", "optional", "resource")
_NO_TIME = "0001-01-01T00:00:00Z"

PLACED = frozenset({"start", "end", "isAllDay", "recurrence", "singleValueExtendedProperties"})
"""Properties that are kept beside the others."""
_PROPERTY_ID = re.compile(
    r"(String|Integer|Boolean|Double|Float|Long|Short|SystemTime|CLSID|Binary) "
    r"(?:(\{[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\}) (Name \S.{0,254}|Id 0x[0-9a-fA-F]{1,8})"
    r"|(0x[0-9a-fA-F]{1,4}))",
    re.ASCII,
)

DEFAULTS: dict[str, Any] = {
    "subject": None,
    "body": {"contentType": "html", "content": ""},
    "showAs": "busy",
    "sensitivity": "normal",
    "importance": "normal",
    "location": {"displayName": "", "locationType": "default", "uniqueIdType": "unknown"},
    "locations": [],
    "attendees": [],
    "categories": [],
    "isReminderOn": True,
    "reminderMinutesBeforeStart": 15,
    "responseRequested": True,
    "allowNewTimeProposals": True,
    "hideAttendees": False,
    "isOnlineMeeting": False,
    "onlineMeetingProvider": "unknown",
    "transactionId": None,
}
"""What properties are where nobody has set them."""


def checked(body: Mapping[str, Any], *, new: bool, trusted: bool = False) -> dict[str, Any]:
    """Return the properties of a body that are not `PLACED`, as they are kept; raises `GraphRefused`.

    A property that is null counts as its default. `trusted` is for switches, which may say what others do to an event:
    `organizer`, `isOrganizer`, `isCancelled` and `responseStatus`.
    """
    given: dict[str, Any] = {}
    for name, value in body.items():
        if name in PLACED or name == _TYPE:
            continue
        check = _CHECKS.get(name) or (_OF_OTHERS.get(name) if trusted else None)
        if check is None:
            if name in _READ_ONLY:
                raise bad_property(name, "is read-only")
            raise unknown_property(name, "event")
        if name == "transactionId" and not new:
            raise bad_property(name, "cannot be changed")
        given[name] = DEFAULTS.get(name) if value is None else check(name, value)
    return _with_locations(given)


def read_properties(value: object) -> dict[str, str | None]:
    """Return id → value of `singleValueExtendedProperties`; None takes one away. Raises `GraphRefused`."""
    name = "singleValueExtendedProperties"
    if not isinstance(value, list) or len(value) > _MOST_PROPERTIES:
        raise bad_property(name)
    read: dict[str, str | None] = {}
    for one in value:
        fields = _object(name, one, {"id", "value"}, "singleValueLegacyExtendedProperty")
        text = fields.get("value")
        if text is not None and (not isinstance(text, str) or len(text) > _LONGEST_VALUE):
            raise bad_property(name)
        read[property_id(fields.get("id"))] = text
    return read


def property_id(text: object) -> str:
    """Return an extended property's id as Graph shows it, its GUID in small letters; raises `GraphRefused`."""
    found = _PROPERTY_ID.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise bad_property("singleValueExtendedProperties id")
    if found[4]:
        return f"{found[1]} {found[4].lower()}"
    return f"{found[1]} {found[2].lower()} {found[3]}"


def plain(content: str) -> str:
    """Return the text of HTML."""
    shown = re.sub(r"(?is)<head.*?</head>", "", content)
    shown = re.sub(r"(?i)(?:<br\s*/?>|</p>|</div>)\r?\n?", "\r\n", shown)
    return html.unescape(re.sub(r"<[^>]*>", "", shown)).strip()


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise bad_property(name)
    return value


def _subject(name: str, value: object) -> str:
    return _text(name, value)[:_LONGEST_SUBJECT]


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise bad_property(name)
    return value


def _number(name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise bad_property(name)
    return value


def _choice(name: str, value: object) -> str:
    if value not in _CHOICES[name]:
        raise bad_property(name)
    return str(value)


def _object(name: str, value: object, known: set[str], kind: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise bad_property(name)
    if unknown := sorted(set(value) - known - {_TYPE}):
        raise unknown_property(unknown[0], kind)
    return {key: part for key, part in value.items() if key != _TYPE}


def _body(name: str, value: object) -> dict[str, str]:
    """Return a body as Exchange keeps it: always a whole page of HTML."""
    fields = _object(name, value, {"contentType", "content"}, "itemBody")
    kind, content = str(fields.get("contentType", "text")).lower(), fields.get("content") or ""
    if kind not in {"text", "html"} or not isinstance(content, str) or len(content) > _LONGEST_BODY:
        raise bad_property(name)
    if not content:
        return {"contentType": "html", "content": ""}
    if kind == "text":
        lines = html.escape(content, quote=False).replace("\r\n", "\n").replace("\n", "<br>\r\n")
        content = f'<div class="PlainText">{lines}</div>'
    if "<html" not in content.lower():
        head = '<head>\r\n<meta http-equiv="Content-Type" content="text/html; charset=utf-8">\r\n</head>'
        content = f"<html>\r\n{head}\r\n<body>\r\n{content}\r\n</body>\r\n</html>\r\n"
    return {"contentType": "html", "content": content}


_LOCATION = {
    "displayName",
    "locationType",
    "locationUri",
    "locationEmailAddress",
    "address",
    "coordinates",
    "uniqueId",
    "uniqueIdType",
}


def _location(name: str, value: object) -> dict[str, Any]:
    fields = _object(name, value, _LOCATION, "location")
    if not isinstance(fields.get("displayName", ""), str):
        raise bad_property(name)
    shown = {"displayName": "", "locationType": "default", **fields}
    return {**shown, "uniqueId": fields.get("uniqueId", shown["displayName"]), "uniqueIdType": "private"}


def _locations(name: str, value: object) -> list[dict[str, Any]]:
    if not isinstance(value, list):
        raise bad_property(name)
    return [_location(name, one) for one in value]


def _with_locations(given: dict[str, Any]) -> dict[str, Any]:
    """Keep `location` and `locations` the same, whichever was set."""
    if "locations" in given:
        given["location"] = given["locations"][0] if given["locations"] else DEFAULTS["location"]
    elif "location" in given:
        given["locations"] = [given["location"]] if given["location"]["displayName"] else []
    return given


def _categories(name: str, value: object) -> list[str]:
    if not isinstance(value, list):
        raise bad_property(name)
    return [_text(name, one) for one in value]


def _address(name: str, value: object) -> dict[str, str]:
    fields = _object(name, value, {"name", "address"}, "emailAddress")
    address = fields.get("address")
    if not isinstance(address, str) or "@" not in address:
        raise bad_property(name)
    return {"name": str(fields.get("name") or address), "address": address}


def _attendees(name: str, value: object) -> list[dict[str, Any]]:
    if not isinstance(value, list) or len(value) > _MOST_ATTENDEES:
        raise bad_property(name)
    return [_attendee(name, one) for one in value]


def _attendee(name: str, value: object) -> dict[str, Any]:
    fields = _object(name, value, {"type", "emailAddress", "status", "proposedNewTime"}, "attendee")
    kind = fields.get("type", "required")
    if kind not in _ATTENDEE_TYPES:
        raise bad_property(name)
    status = _response(name, fields["status"]) if fields.get("status") else {"response": "none", "time": _NO_TIME}
    return {"type": kind, "status": status, "emailAddress": _address(name, fields.get("emailAddress"))}


def _response(name: str, value: object) -> dict[str, Any]:
    fields = _object(name, value, {"response", "time"}, "responseStatus")
    if fields.get("response") not in _RESPONSES:
        raise bad_property(name)
    return {"response": fields["response"], "time": fields.get("time", _NO_TIME)}


def _recipient(name: str, value: object) -> dict[str, Any]:
    fields = _object(name, value, {"emailAddress"}, "recipient")
    return {"emailAddress": _address(name, fields.get("emailAddress"))}


_CHECKS: dict[str, Callable[[str, object], Any]] = {
    "subject": _subject,
    "body": _body,
    "location": _location,
    "locations": _locations,
    "attendees": _attendees,
    "categories": _categories,
    "reminderMinutesBeforeStart": _number,
    "transactionId": _text,
    **dict.fromkeys(_CHOICES, _choice),
    **dict.fromkeys(
        ("isReminderOn", "responseRequested", "allowNewTimeProposals", "hideAttendees", "isOnlineMeeting"), _flag
    ),
}
_OF_OTHERS: dict[str, Callable[[str, object], Any]] = {
    "organizer": _recipient,
    "isOrganizer": _flag,
    "isCancelled": _flag,
    "responseStatus": _response,
}
_READ_ONLY = frozenset(_OF_OTHERS) | {
    "id",
    "changeKey",
    "createdDateTime",
    "lastModifiedDateTime",
    "bodyPreview",
    "hasAttachments",
    "iCalUId",
    "isDraft",
    "occurrenceId",
    "onlineMeeting",
    "onlineMeetingUrl",
    "originalEndTimeZone",
    "originalStart",
    "originalStartTimeZone",
    "seriesMasterId",
    "type",
    "webLink",
}
EVENT_PROPERTIES = frozenset(_CHECKS) | _READ_ONLY | PLACED
"""All properties of an event that `$select` may name."""
