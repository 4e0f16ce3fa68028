"""The resources `calendars` and `calendarList`: a calendar itself, and a calendar as it stands in somebody's list."""

import secrets
from collections.abc import Mapping
from functools import partial
from typing import Any

from kalends.sandbox.google.call import Call
from kalends.sandbox.google.errors import Refused, forbidden, full_sync_required, invalid, required
from kalends.sandbox.google.events import EventWriter
from kalends.sandbox.google.fields import patched
from kalends.sandbox.google.kept import etag
from kalends.sandbox.google.paging import Listing, Row
from kalends.sandbox.google.state import ROLES, Account, Calendar, ListEntry, State, etag_of, events_of, list_of
from kalends.sandbox.google.times import zone_named
from kalends.sandbox.google.tokens import SyncToken

_USUAL_SIZE, _MOST_SIZE = 100, 250
_MEET = {"allowedConferenceSolutionTypes": ["hangoutsMeet"]}
_TEXTS = ("summary", "description", "location")
_LIST_FIELDS: dict[str, type] = {
    "summaryOverride": str,
    "colorId": str,
    "backgroundColor": str,
    "foregroundColor": str,
    "hidden": bool,
    "selected": bool,
    "defaultReminders": list,
    "notificationSettings": dict,
}
_RESTRICTING = ("minAccessRole", "showOwnOrganizationOnly")
_SHAPE = (*_RESTRICTING, "showDeleted", "showHidden", "syncToken")


def get(call: Call) -> dict[str, Any]:
    """Answer calendars.get."""
    return render_calendar(call.calendar())


def insert(call: Call) -> dict[str, Any]:
    """Answer calendars.insert; the calendar remembers which client made it."""
    return render_calendar(make_calendar(call.state, call.account, call.body, call.bearer.client_id))


def make_calendar(state: State, account: Account, body: Mapping[str, Any], made_by: str) -> Calendar:
    """Make a secondary calendar; raises `Refused`."""
    _check_calendar(body)
    if not body.get("summary"):
        raise required("Missing title.", "summary")
    fields = {name: body[name] for name in _TEXTS[1:] if body.get(name)}
    calendar_id = f"c_{secrets.token_hex(32)}@group.calendar.google.com"
    zone = body.get("timeZone") or account.settings["timezone"]
    return state.add_calendar(account, calendar_id, body["summary"], zone, fields=fields, made_by=made_by)


def patch(call: Call) -> dict[str, Any]:
    """Answer calendars.patch."""
    calendar = call.calendar(least="owner")
    return _change(call, calendar, patched(render_calendar(calendar), call.body))


def update(call: Call) -> dict[str, Any]:
    """Answer calendars.update."""
    calendar = call.calendar(least="owner")
    return _change(call, calendar, {"summary": calendar.summary, "timeZone": calendar.time_zone, **call.body})


def delete(call: Call) -> None:
    """Answer calendars.delete; a primary calendar cannot be deleted."""
    calendar = call.calendar(least="owner")
    if calendar.primary:
        raise Refused(403, "cannotDeletePrimaryCalendar", "Primary calendars cannot be deleted.", domain="calendar")
    call.check_match(etag_of(calendar))
    delete_calendar(call.state, calendar)


def delete_calendar(state: State, calendar: Calendar) -> None:
    """Delete a secondary calendar, and take it out of everybody's list."""
    calendar.deleted = True
    for account in state.accounts.values():
        if calendar.id in account.entries:
            _remove(state, account, account.entries[calendar.id])
    state.tell(events_of(calendar))


def clear(call: Call) -> None:
    """Answer calendars.clear."""
    call.calendar(least="owner")
    call.writer().clear()


def list_get(call: Call) -> dict[str, Any]:
    """Answer calendarList.get."""
    return render_entry(call.entry(), call.account)


def list_insert(call: Call) -> dict[str, Any]:
    """Answer calendarList.insert: a calendar that the user may see goes into the list."""
    calendar_id = call.body.get("id")
    if not isinstance(calendar_id, str):
        raise required("Missing calendar id.", "id")
    calendar = call.state.calendar(call.account, calendar_id)
    known = call.account.entries.get(calendar.id)
    fields = {} if known is None or known.deleted else known.fields
    return render_entry(call.state.enlist(call.account, calendar, {**fields, **_list_fields(call.body)}), call.account)


def list_patch(call: Call) -> dict[str, Any]:
    """Answer calendarList.patch."""
    entry = call.entry()
    return _change_entry(call, entry, patched(entry.fields, call.body))


def list_update(call: Call) -> dict[str, Any]:
    """Answer calendarList.update."""
    return _change_entry(call, call.entry(), call.body)


def list_delete(call: Call) -> None:
    """Answer calendarList.delete: the calendar leaves the list, and lives on."""
    entry = call.entry()
    if entry.calendar.owner == call.account.user.email:
        raise forbidden("The data owner cannot remove a calendar from the list.")
    call.check_match(etag(entry.change))
    _remove(call.state, call.account, entry)


def list_list(call: Call) -> dict[str, Any]:
    """Answer calendarList.list."""
    query, state, account = call.query, call.state, call.account
    shape = {"calendarList": account.user.email, **{name: query.many(name) for name in _SHAPE if name in query}}
    size, token = query.size(_USUAL_SIZE, _MOST_SIZE), query.text("pageToken")
    page = (
        state.pages.first(_listing(call, shape), size) if token is None else state.pages.following(token, shape, size)
    )
    newest = max((entry.change for entry in account.entries.values()), default=0)
    shown = {"kind": "calendar#calendarList", "etag": etag(newest), "items": page.items}
    if page.following is not None:
        return {**shown, "nextPageToken": page.following}
    return {**shown, "nextSyncToken": page.listing.token}


def _listing(call: Call, shape: dict[str, Any]) -> Listing:
    query, state, account = call.query, call.state, call.account
    deleted, hidden = bool(query.flag("showDeleted")), bool(query.flag("showHidden"))
    least = query.choice("minAccessRole", ROLES) or ROLES[0]
    since, text = -1, query.text("syncToken")
    asked = {"calendarList": account.user.email}
    if text is not None:
        if any(name in query for name in _RESTRICTING):
            raise invalid("Sync token cannot be used with query restrictions.", "syncToken")
        if query.flag("showDeleted") is False or query.flag("showHidden") is False:
            raise invalid("Deleted and hidden entries always come with a sync token.", "syncToken")
        token = state.tokens.read(text)
        if token.shape != asked:
            raise invalid("Invalid sync token value.", "syncToken")
        if token.change <= account.entries_until or state.made_before(token.issued):
            raise full_sync_required()
        deleted = hidden = True
        since = token.change
    entries = [
        entry
        for entry in account.entries.values()
        if entry.change > since
        and (deleted or not entry.deleted)
        and (hidden or not entry.hidden)
        and (entry.deleted or _at_least(entry.calendar.role(account.user.email), least))
    ]
    rows: list[Row] = [partial(render_entry, entry, account) for entry in entries]
    following = state.tokens.write(SyncToken(state.change, state.now(), asked))
    return Listing(rows, shape, following, incremental=text is not None)


def render_calendar(calendar: Calendar) -> dict[str, Any]:
    """Return the resource of a calendar."""
    return {
        "kind": "calendar#calendar",
        "etag": etag_of(calendar),
        "id": calendar.id,
        "summary": calendar.summary,
        **calendar.fields,
        "timeZone": calendar.time_zone,
        "conferenceProperties": _MEET,
        **({} if calendar.primary else {"dataOwner": calendar.owner}),
    }


def render_entry(entry: ListEntry, account: Account) -> dict[str, Any]:
    """Return the resource of a calendar in an account's list; of one that was removed, only which it was."""
    calendar = entry.calendar
    shown = {"kind": "calendar#calendarListEntry", "etag": etag(entry.change), "id": calendar.id}
    if entry.deleted:
        return {**shown, "deleted": True}
    return {
        **shown,
        "summary": calendar.summary,
        **calendar.fields,
        "timeZone": calendar.time_zone,
        "backgroundColor": "#9fe1e7",
        "foregroundColor": "#000000",
        "defaultReminders": [],
        **entry.fields,
        "accessRole": calendar.role(account.user.email) or "reader",
        "conferenceProperties": _MEET,
        **({"primary": True} if calendar.id == account.user.email else {}),
    }


def _change(call: Call, calendar: Calendar, body: Mapping[str, Any]) -> dict[str, Any]:
    call.check_match(etag_of(calendar))
    _check_calendar(body)
    if not body.get("summary"):
        raise required("Missing title.", "summary")
    calendar.summary = body["summary"]
    before, calendar.time_zone = calendar.time_zone, body.get("timeZone") or calendar.time_zone
    if calendar.time_zone != before:
        EventWriter(call.state, calendar, calendar.owner).place_again()
    calendar.fields = {name: body[name] for name in _TEXTS[1:] if body.get(name)}
    calendar.change = call.state.tick()
    return render_calendar(calendar)


def _change_entry(call: Call, entry: ListEntry, body: Mapping[str, Any]) -> dict[str, Any]:
    call.check_match(etag(entry.change))
    fields = _list_fields(body)
    entry.fields = {"colorId": entry.fields["colorId"], **fields}
    entry.change = call.state.tick()
    call.state.tell(list_of(call.account))
    return render_entry(entry, call.account)


def _remove(state: State, account: Account, entry: ListEntry) -> None:
    entry.deleted = True
    entry.change = state.tick()
    state.tell(list_of(account))


def _check_calendar(body: Mapping[str, Any]) -> None:
    for name in _TEXTS:
        if not isinstance(body.get(name) or "", str):
            raise invalid(f"Invalid value for {name}.", name)
    if body.get("timeZone") is not None:
        zone_named(body["timeZone"], "timeZone")


def _list_fields(body: Mapping[str, Any]) -> dict[str, Any]:
    fields = {name: body[name] for name in _LIST_FIELDS if body.get(name) is not None}
    for name, value in fields.items():
        if not isinstance(value, _LIST_FIELDS[name]):
            raise invalid(f"Invalid value for {name}.", name)
    return fields


def _at_least(role: str | None, least: str) -> bool:
    return role is not None and ROLES.index(role) >= ROLES.index(least)
