"""What is kept of an event: the little that says when and how it blocks, in one spelling.

No guest, description, place or link is asked for, much less stored; and a change of one of them changes nothing here.
Of a copy that Kalends made, what says so is kept too.
"""

import json
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from kalends.model.calendar import ItemChange

KEPT_FIELDS = (
    "id,etag,status,iCalUID,recurringEventId,originalStartTime,start,end,recurrence,summary,transparency,eventType,"
    "attendees(self,responseStatus),extendedProperties/private"
)
"""The fields of an event that are asked for, as the parameter `fields` names them."""

FORMAT = 2
"""Part of each item's version: raised where payloads come to look otherwise, so that all are written anew."""

CANCELLED = "cancelled"

TAG = "kalends"
"""The private extended property by which a copy of ours says whose it is; of such properties no other is kept."""

_TEXTS = ("iCalUID", "recurringEventId", "status", "summary", "transparency", "eventType")
_TIMES = ("start", "end", "originalStartTime")
_PARTS_OF_A_TIME = ("date", "dateTime", "timeZone")
_LONGEST_TITLE = 1_000
_LONGEST_KEY = 900
"""Characters of an id that serves as a key; Google allows 1,024, which not every index takes."""
_MOST_BYTES = 262_144
_TAG = re.compile(r"[0-9a-v.]{1,100}", re.ASCII)
_TAGGED = b'"tag":'
"""What stands in every payload with a tag, as `item_of` writes it; in a text its quotes would be escaped."""


def key_of(event_id: str) -> str:
    """Return the key of an event: its id, or a digest of one that is too long."""
    if len(event_id) <= _LONGEST_KEY:
        return event_id
    return f"sha256-{sha256(event_id.encode(errors='replace')).hexdigest()}"


def item_of(event: Mapping[str, Any], event_id: str) -> ItemChange:
    """Return an event of an answer as the item that is stored of it.

    An exception belongs to its master's group, whether or not the master is there too. What is too large to be kept
    comes without a payload.
    """
    master = event.get("recurringEventId")
    original = event.get("originalStartTime")
    kept = json.dumps(_kept(event, event_id), sort_keys=True, separators=(",", ":")).encode()
    fits = len(kept) <= _MOST_BYTES
    return ItemChange(
        key=key_of(event_id),
        group_key=key_of(master if isinstance(master, str) and master else event_id),
        version=version_of(event),
        payload=kept if fits else None,
        problem=None if fits else f"it takes more than {_MOST_BYTES} bytes",
        recurrence_id=_written(original) if isinstance(original, dict) else None,
    )


def version_of(event: Mapping[str, Any]) -> str:
    """Return what tells one state of an event from another; empty where Google does not say, and none is like it."""
    etag = event.get("etag")
    return f"{FORMAT} {etag}" if isinstance(etag, str) and etag else ""


def tag_of(payload: bytes) -> str | None:
    """Return whose copy a stored event is: the tag of the `WantedCopy`; None for an event of somebody else's.

    An exception that was cancelled may come without one, whatever its series has. Never raises. It takes less than a
    microsecond for what has none.
    """
    if _TAGGED not in payload:
        return None
    try:
        kept = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    found = kept.get("tag") if isinstance(kept, dict) else None
    return found if isinstance(found, str) and _TAG.fullmatch(found) else None


def tag_among(properties: object) -> str:
    """Return the tag among an event's `extendedProperties`, empty where there is none that could be ours."""
    private = properties.get("private") if isinstance(properties, dict) else None
    found = private.get(TAG) if isinstance(private, dict) else None
    return found if isinstance(found, str) and _TAG.fullmatch(found) else ""


def _kept(event: Mapping[str, Any], event_id: str) -> dict[str, Any]:
    kept: dict[str, Any] = {"id": event_id}
    kept |= {name: text for name in _TEXTS if isinstance(text := event.get(name), str) and text}
    if "summary" in kept:
        kept["summary"] = kept["summary"][:_LONGEST_TITLE]
    for name in _TIMES:
        given = event.get(name)
        if isinstance(given, dict):
            kept[name] = {part: text for part in _PARTS_OF_A_TIME if isinstance(text := given.get(part), str)}
    # What is no list of texts is kept as it is, to be found unreadable: it must not become an event without a rule.
    if "recurrence" in event and event["recurrence"] is not None:
        kept["recurrence"] = event["recurrence"]
    answer = _own_answer(event.get("attendees"))
    if answer:
        kept["ownAnswer"] = answer
    tag = tag_among(event.get("extendedProperties"))
    if tag:
        kept["tag"] = tag
    return kept


def _own_answer(attendees: object) -> str:
    """Return the `responseStatus` of the one attendee whose copy of the event this is, empty where there is none."""
    for attendee in attendees if isinstance(attendees, list) else ():
        if isinstance(attendee, dict) and attendee.get("self") is True:
            answer = attendee.get("responseStatus")
            return answer if isinstance(answer, str) else ""
    return ""


def _written(original: Mapping[str, Any]) -> str | None:
    written = original.get("dateTime") or original.get("date")
    return written if isinstance(written, str) else None
