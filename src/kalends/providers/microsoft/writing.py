"""Copies of schedule events in a mailbox: made, found again, changed in their places, and deleted.

A request that may have been done is never just sent again: a copy is looked up by its key before it is made, and the
`transactionId` closes the gap between the two. What Graph makes of a copy is read back each time, for its answers to
changes and what it shows later need not be the same. Sources: "Create event", "Update event", "Delete event".

Graph has no way of changing or deleting an event without telling its guests. A copy has none; where its owner has
invited somebody to one, it is theirs, and left alone.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from kalends.model.copy import CopyText, WantedCopy
from kalends.model.schedule_event import EventTimes
from kalends.providers.errors import CalendarGone, CursorRefused, NotSupported, Unavailable
from kalends.providers.export import CopyChanged, CopyGone, CopyThere, StoredCopy
from kalends.providers.microsoft.client import GraphApi
from kalends.providers.microsoft.content import Content, text_body, times_body, wanted_content
from kalends.providers.microsoft.errors import InstanceMisplaced
from kalends.providers.microsoft.held import HeldCopy, check_calendar, instance_on, read_copy
from kalends.providers.microsoft.pattern import other_first_day, recurrence_body, wanted_pattern
from kalends.providers.microsoft.tags import KEY_PROPERTY, TAG_PROPERTY, holds, transaction_id

_ATTEMPTS = 4
"""How often a copy is made and found to be gone again, before its transactions are forgotten."""
_FOUND = "id,createdDateTime"
_THEIRS = "The event has guests now. Whoever changes it or deletes it would have Outlook write to them."


async def look_up(api: GraphApi, calendar_id: str, key: str) -> StoredCopy | None:
    """Return the copy under a key, None where there is none."""
    found = await _find(api, calendar_id, key)
    if found is None:
        return None
    try:
        return (await read_copy(api, calendar_id, found)).stored()
    except CopyGone:
        return None


async def create(api: GraphApi, calendar_id: str, wanted: WantedCopy) -> StoredCopy:
    """Make a copy with all its instances; raises `CopyThere`."""
    if await _find(api, calendar_id, wanted.key) is not None:
        raise CopyThere("there is a copy under this key")
    event_id = await _post(api, calendar_id, wanted)
    held = await read_copy(api, calendar_id, event_id)
    if await _settle(api, calendar_id, wanted, held):
        held = await read_copy(api, calendar_id, event_id)
    return held.stored()


async def update(api: GraphApi, calendar_id: str, wanted: WantedCopy, stored: StoredCopy) -> StoredCopy:
    """Make a copy what it should be; raises `CopyChanged`, `CopyGone`, and `NotSupported` where it has guests."""
    held = await read_copy(api, calendar_id, stored.ref)
    if stored.version and stored.version != held.version:
        raise CopyChanged("the copy is in another version")
    if held.has_guests:
        raise NotSupported("the copy has guests", public=_THEIRS)
    body = _changes(wanted, held)
    if body:
        await _patch(api, calendar_id, held.id, body, held.etag if stored.version else "")
        held = await read_copy(api, calendar_id, stored.ref)
    if await _settle(api, calendar_id, wanted, held):
        held = await read_copy(api, calendar_id, stored.ref)
    return held.stored()


async def delete(api: GraphApi, calendar_id: str, event_id: str) -> None:
    """Delete a copy, wherever in the mailbox its owner has put it; one that is no more is fine.

    Raises `CalendarGone` where it is no more with its calendar, `NotSupported` where it has guests.
    """
    try:
        said = await api.get(api.url("events", event_id, **{"$select": "id,attendees"}))
        if said.get("attendees"):
            raise NotSupported("the copy has guests", public=_THEIRS)
        await api.call("DELETE", api.url("events", event_id))
    except (CalendarGone, CursorRefused):
        await check_calendar(api, calendar_id)


async def _find(api: GraphApi, calendar_id: str, key: str) -> str | None:
    """Return the id of the copy under a key: the oldest, since what somebody copies in Outlook has the key as well."""
    asked = {"$filter": holds(KEY_PROPERTY, key), "$select": _FOUND, "$top": "50"}
    try:
        said = await api.get(api.url("calendars", calendar_id, "events", **asked))
    except CursorRefused as error:
        raise CalendarGone(str(error)) from None
    events = said.get("value")
    if not isinstance(events, list) or not all(
        isinstance(one, dict) and isinstance(one.get("id"), str) for one in events
    ):
        raise Unavailable(f"{api.host} answered a look-up that makes no sense")
    if not events and said.get("@odata.nextLink") is not None:
        raise Unavailable(f"{api.host} did not look a copy up to the end")
    oldest = min(events, key=lambda one: (str(one.get("createdDateTime")), one["id"]), default=None)
    return None if oldest is None else str(oldest["id"])


async def _post(api: GraphApi, calendar_id: str, wanted: WantedCopy) -> str:
    """Make the event and return its id.

    A transaction that is remembered is that of a copy which was there: if it is not there any more, another is needed.
    """
    body = _new(wanted)
    for attempt in range(_ATTEMPTS):
        try:
            said = await api.call(
                "POST",
                api.url("calendars", calendar_id, "events"),
                {**body, "transactionId": transaction_id(wanted, attempt)},
            )
        except CursorRefused as error:
            raise CalendarGone(str(error)) from None
        except CopyThere:
            if await _find(api, calendar_id, wanted.key) is not None:
                raise
            continue
        event_id = said.get("id")
        if not isinstance(event_id, str) or not event_id:
            raise Unavailable(f"{api.host} made an event without an id")
        return event_id
    raise Unavailable(f"{api.host} remembers every transaction of a copy, and has none of them")


def _new(wanted: WantedCopy) -> dict[str, Any]:
    body = {
        **text_body(wanted.text),
        **times_body(wanted.times, recurs=wanted.rule is not None),
        **_marked(wanted),
        "isReminderOn": False,
        "responseRequested": False,
    }
    return body | ({"recurrence": recurrence_body(wanted.times, wanted.rule)} if wanted.rule else {})


def _marked(wanted: WantedCopy) -> dict[str, Any]:
    properties = ((KEY_PROPERTY, wanted.key), (TAG_PROPERTY, wanted.tag))
    return {"singleValueExtendedProperties": [{"id": name, "value": value} for name, value in properties]}


def _changes(wanted: WantedCopy, held: HeldCopy) -> dict[str, Any]:
    """Return what there is to change of the event itself, nothing where it is as it should be.

    The times of a series are only sent where they change, or where instances are wanted that were deleted: all that
    differs of its instances is gone then.
    """
    said = wanted_content(wanted.text, wanted.times)
    pattern = wanted_pattern(wanted)
    back = held.missing - {original.date() for original in wanted.cancelled} if pattern == held.pattern else frozenset()
    body: dict[str, Any] = {}
    if said.times != held.content.times or pattern != held.pattern or back:
        body |= times_body(wanted.times, recurs=wanted.rule is not None)
        if wanted.rule is not None:
            body["recurrence"] = recurrence_body(wanted.times, wanted.rule, other_first_day(held.recurrence))
        elif held.pattern is not None:
            body["recurrence"] = None
    if body or said != held.content:
        body |= text_body(wanted.text) | _marked(wanted)
    return body


async def _settle(api: GraphApi, calendar_id: str, wanted: WantedCopy, held: HeldCopy) -> bool:
    """Make the instances of a series what they should be, and tell whether that took any change.

    Those that change places wait for one another. Raises `InstanceMisplaced` where Graph does not take one.
    """
    if wanted.rule is None:
        return False
    if held.missing - {original.date() for original in wanted.cancelled}:
        raise _lost()
    deleted = await _delete_instances(api, calendar_id, wanted, held)
    pending = await _pending(api, calendar_id, wanted, held)
    changed = bool(pending)
    while pending:
        waiting: dict[str, Mapping[str, Any]] = {}
        refused: InstanceMisplaced | None = None
        for instance_id, body in pending.items():
            try:
                await _patch_instance(api, instance_id, body)
            except InstanceMisplaced as error:
                waiting[instance_id], refused = body, error
        if refused is not None and len(waiting) == len(pending):
            raise refused
        pending = waiting
    return deleted or changed


async def _delete_instances(api: GraphApi, calendar_id: str, wanted: WantedCopy, held: HeldCopy) -> bool:
    deleted = False
    for original in wanted.cancelled:
        instance = await instance_on(api, calendar_id, held, original.date())
        if instance is not None:
            await delete(api, calendar_id, instance.id)
            deleted = True
    return deleted


async def _pending(api: GraphApi, calendar_id: str, wanted: WantedCopy, held: HeldCopy) -> dict[str, Mapping[str, Any]]:
    """Return what there is to change of which instance: of those that are to differ, and of those that are not to."""
    differing = {one.original.date(): one for one in wanted.changed}
    cancelled = {original.date() for original in wanted.cancelled}
    pending: dict[str, Mapping[str, Any]] = {}
    for day, instance in held.instances.items():
        if instance.content is not None and day not in differing and day not in cancelled:
            normal = wanted.times.at(datetime.combine(day, wanted.times.start.time()))
            pending |= _of_instance(instance.id, instance.content, wanted.text, normal)
    for day, one in differing.items():
        found = await instance_on(api, calendar_id, held, day)
        if found is None:
            raise _lost()
        pending |= _of_instance(found.id, found.content or held.normal(day), one.text, one.times)
    return pending


async def _patch(api: GraphApi, calendar_id: str, event_id: str, body: Mapping[str, Any], etag: str) -> None:
    try:
        await api.call("PATCH", api.url("events", event_id), body, version=etag)
    except (CalendarGone, CursorRefused) as error:
        await check_calendar(api, calendar_id)
        raise CopyGone(str(error)) from None


async def _patch_instance(api: GraphApi, instance_id: str, body: Mapping[str, Any]) -> None:
    # without a version: one exception's may be that of the whole series, which the change before has raised
    try:
        await api.call("PATCH", api.url("events", instance_id), body)
    except (CalendarGone, CursorRefused) as error:
        raise CopyChanged(f"an instance went meanwhile: {error}") from None


def _lost() -> NotSupported:
    return NotSupported(
        "an instance cannot be had again", public="Outlook does not bring an instance back that was deleted."
    )


def _of_instance(
    instance_id: str, content: Content | None, text: CopyText, times: EventTimes
) -> dict[str, Mapping[str, Any]]:
    said = wanted_content(text, times)
    if said == content:
        return {}
    body = {} if content is not None and said.times == content.times else times_body(times)
    return {instance_id: body | text_body(text)}
