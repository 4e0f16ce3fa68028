"""The types of Graph v1.0 that the sandbox answers with, and what is amiss with an answer.

Written down from the pages "event resource type", "calendar resource type", "subscription resource type" and those that
they lead to: which properties there are, and of what type. A property may be null where its type ends with `?`.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{7})?Z", re.ASCII)
_LOCAL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_ETAG = re.compile(r'W/"[A-Za-z0-9+/=]+"', re.ASCII)

_COLOURS = (
    "auto|lightBlue|lightGreen|lightOrange|lightGray|lightYellow|lightTeal|lightPink|lightBrown|lightRed|maxColor"
)


TYPES: dict[str, dict[str, str]] = {
    "event": {
        "id": "text",
        "createdDateTime": "stamp",
        "lastModifiedDateTime": "stamp",
        "changeKey": "text",
        "categories": "[text]",
        "transactionId": "text?",
        "originalStartTimeZone": "text",
        "originalEndTimeZone": "text",
        "originalStart": "stamp",
        "iCalUId": "text",
        "reminderMinutesBeforeStart": "number",
        "isReminderOn": "flag",
        "hasAttachments": "flag",
        "subject": "text?",
        "bodyPreview": "text",
        "importance": "low|normal|high",
        "sensitivity": "normal|personal|private|confidential",
        "isAllDay": "flag",
        "isCancelled": "flag",
        "isOrganizer": "flag",
        "isDraft": "flag",
        "responseRequested": "flag",
        "seriesMasterId": "text?",
        "occurrenceId": "text",
        "showAs": "free|tentative|busy|oof|workingElsewhere|unknown",
        "type": "singleInstance|occurrence|exception|seriesMaster",
        "webLink": "text",
        "onlineMeetingUrl": "text?",
        "isOnlineMeeting": "flag",
        "onlineMeetingProvider": "unknown|teamsForBusiness|skypeForBusiness|skypeForConsumer",
        "onlineMeeting": "onlineMeetingInfo?",
        "allowNewTimeProposals": "flag",
        "hideAttendees": "flag",
        "responseStatus": "responseStatus",
        "body": "itemBody",
        "start": "dateTimeTimeZone",
        "end": "dateTimeTimeZone",
        "location": "location",
        "locations": "[location]",
        "recurrence": "patternedRecurrence?",
        "attendees": "[attendee]",
        "organizer": "recipient",
        "singleValueExtendedProperties": "[singleValueLegacyExtendedProperty]",
    },
    "calendar": {
        "id": "text",
        "name": "text",
        "color": _COLOURS,
        "hexColor": "text",
        "isDefaultCalendar": "flag",
        "changeKey": "text",
        "canShare": "flag",
        "canViewPrivateItems": "flag",
        "canEdit": "flag",
        "allowedOnlineMeetingProviders": "[text]",
        "defaultOnlineMeetingProvider": "text",
        "isTallyingResponses": "flag",
        "isRemovable": "flag",
        "owner": "emailAddress",
    },
    "subscription": {
        "id": "text",
        "resource": "text",
        "applicationId": "text",
        "changeType": "text",
        "clientState": "text?",
        "notificationUrl": "text",
        "notificationQueryOptions": "text?",
        "lifecycleNotificationUrl": "text?",
        "expirationDateTime": "stamp",
        "creatorId": "text",
        "includeResourceData": "flag?",
        "latestSupportedTlsVersion": "text",
        "encryptionCertificate": "text?",
        "encryptionCertificateId": "text?",
        "notificationUrlAppId": "text?",
    },
    "dateTimeTimeZone": {"dateTime": "local", "timeZone": "text"},
    "itemBody": {"contentType": "text|html", "content": "text"},
    "responseStatus": {
        "response": "none|organizer|tentativelyAccepted|accepted|declined|notResponded",
        "time": "stamp?",
    },
    "emailAddress": {"name": "text", "address": "text"},
    "recipient": {"emailAddress": "emailAddress"},
    "attendee": {
        "type": "required|optional|resource",
        "status": "responseStatus",
        "emailAddress": "emailAddress",
    },
    "location": {"displayName": "text", "locationType": "text", "uniqueId": "text", "uniqueIdType": "text"},
    "singleValueLegacyExtendedProperty": {"id": "text", "value": "text"},
    "patternedRecurrence": {"pattern": "recurrencePattern", "range": "recurrenceRange"},
    "recurrencePattern": {
        "type": "daily|weekly|absoluteMonthly|relativeMonthly|absoluteYearly|relativeYearly",
        "interval": "number",
        "month": "number",
        "dayOfMonth": "number",
        "daysOfWeek": "[sunday|monday|tuesday|wednesday|thursday|friday|saturday]",
        "firstDayOfWeek": "sunday|monday|tuesday|wednesday|thursday|friday|saturday",
        "index": "first|second|third|fourth|last",
    },
    "recurrenceRange": {
        "type": "endDate|noEnd|numbered",
        "startDate": "day",
        "endDate": "day",
        "recurrenceTimeZone": "text",
        "numberOfOccurrences": "number",
    },
    "onlineMeetingInfo": {},
}


def amiss(said: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the body of an answer: an entity, or a collection of some."""
    if "value" in said:
        unknown = set(said) - {"@odata.context", "@odata.nextLink", "@odata.deltaLink", "value"}
        return [*unknown, *(wrong for row in said["value"] for wrong in _entity(row))]
    return [*_entity(said)]


def _entity(row: Mapping[str, Any]) -> Iterator[str]:
    kind = _kind(row)
    if kind is None:
        return
    for name, value in row.items():
        match name:
            case "@odata.etag":
                if not _ETAG.fullmatch(value):
                    yield name
            case "@odata.context" | "@odata.type":
                pass
            case "@removed":
                if value not in ({"reason": "deleted"}, {"reason": "changed"}):
                    yield name
            case _:
                yield from _property(f"{kind}.{name}", TYPES[kind].get(name), value)


def _kind(row: Mapping[str, Any]) -> str | None:
    if "notificationUrl" in row:
        return "subscription"
    if "canEdit" in row:
        return "calendar"
    return "event" if "@odata.etag" in row or "@removed" in row else None


def _property(where: str, kind: str | None, value: object) -> Iterator[str]:
    if kind is None:
        yield f"{where} is unknown"
    elif value is None:
        if not kind.endswith("?"):
            yield f"{where} is null"
    elif kind.startswith("["):
        if not isinstance(value, list):
            yield f"{where} is no list"
        else:
            for one in value:
                yield from _property(where, kind.strip("[]"), one)
    else:
        yield from _single(where, kind.removesuffix("?"), value)


def _single(where: str, kind: str, value: object) -> Iterator[str]:
    if kind in TYPES:
        if not isinstance(value, dict):
            yield f"{where} is no object"
            return
        for name, part in value.items():
            yield from _property(f"{where}.{name}", TYPES[kind].get(name), part)
        return
    if not _fits(kind, value):
        yield f"{where} is {value!r}"


def _fits(kind: str, value: object) -> bool:
    match kind:
        case "flag":
            return isinstance(value, bool)
        case "number":
            return isinstance(value, int) and not isinstance(value, bool)
        case "text":
            return isinstance(value, str)
        case "stamp" | "local" | "day":
            form = {"stamp": _STAMP, "local": _LOCAL, "day": _DAY}[kind]
            return isinstance(value, str) and form.fullmatch(value) is not None
        case _:
            return value in kind.split("|")
