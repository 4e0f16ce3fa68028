"""What is kept of an event: the little that says when and how it blocks, in one spelling.

No guest, description, place or link is stored. Graph gives no version for an occurrence of its own, and another one for
each event at every change of anything: so a version is a digest of what is kept, and a change of the rest changes
nothing here.
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from kalends.model.calendar import ItemChange
from kalends.providers.microsoft.tags import tag_in

KEPT_FIELDS = (
    "id,type,seriesMasterId,iCalUId,subject,start,end,isAllDay,showAs,isCancelled,responseStatus,originalStart,"
    "originalStartTimeZone,transactionId"
)
"""The fields of an event that are asked for, as `$select` names them."""

FORMAT = 2
"""Part of each item's version: raised where payloads come to look otherwise, so that all are written anew."""

OCCURRENCE = "occurrence"
MASTER = "seriesMaster"

_TEXTS = ("type", "seriesMasterId", "iCalUId", "subject", "showAs", "originalStart", "originalStartTimeZone")
_TRUTHS = ("isAllDay", "isCancelled")
_TIMES = ("start", "end")
_PARTS_OF_A_TIME = ("dateTime", "timeZone")
_LONGEST_TITLE = 1_000
_LONGEST_KEY = 900
"""Characters of an id that serves as a key; not every index takes longer ones."""
_MOST_BYTES = 262_144
_TAGGED = b'"tag":'
"""What stands in every payload with a tag, as `item_of` writes it; in a text its quotes would be escaped."""


def key_of(event_id: str) -> str:
    """Return the key of an event: its immutable id, or a digest of one that is too long."""
    if len(event_id) <= _LONGEST_KEY:
        return event_id
    return f"sha256-{sha256(event_id.encode(errors='replace')).hexdigest()}"


def item_of(event: Mapping[str, Any], event_id: str) -> ItemChange:
    """Return an event of an answer as the item that is stored of it.

    Occurrences and exceptions belong to their master's group. What is too large to be kept comes without a payload.
    """
    master = event.get("seriesMasterId")
    original = event.get("originalStart")
    kept = json.dumps(_kept(event, event_id), sort_keys=True, separators=(",", ":")).encode()
    fits = len(kept) <= _MOST_BYTES
    return ItemChange(
        key=key_of(event_id),
        group_key=key_of(master if isinstance(master, str) and master else event_id),
        version=f"{FORMAT} {sha256(kept).hexdigest()[:32]}",
        payload=kept if fits else None,
        problem=None if fits else f"it takes more than {_MOST_BYTES} bytes",
        recurrence_id=original if isinstance(original, str) and original else None,
    )


def _kept(event: Mapping[str, Any], event_id: str) -> dict[str, Any]:
    kept: dict[str, Any] = {"id": event_id}
    kept |= {name: text for name in _TEXTS if isinstance(text := event.get(name), str) and text}
    kept |= {name: truth for name in _TRUTHS if isinstance(truth := event.get(name), bool)}
    if "subject" in kept:
        kept["subject"] = kept["subject"][:_LONGEST_TITLE]
    for name in _TIMES:
        given = event.get(name)
        if isinstance(given, dict):
            kept[name] = {part: text for part in _PARTS_OF_A_TIME if isinstance(text := given.get(part), str)}
    answer = event.get("responseStatus")
    if isinstance(answer, dict) and isinstance(answer.get("response"), str):
        kept["ownAnswer"] = answer["response"]
    if (tag := tag_in(event.get("transactionId"))) is not None:
        kept["tag"] = tag
    return kept


def tag_of(payload: bytes) -> str | None:
    """Return the tag of the copy that a stored event is one of; None where it is none of ours, or does not say.

    Occurrences of a series come without it, and exceptions may: those of a group of which one item has a tag are ours.
    Whether a tag is good is for others to check. It takes less than a microsecond for what has none.
    """
    if _TAGGED not in payload:
        return None
    try:
        kept = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    tag = kept.get("tag") if isinstance(kept, dict) else None
    return tag if isinstance(tag, str) else None
