"""Copies of schedule events in a calendar: `events.insert`, `patch`, `move` and `delete`, and those of instances.

A copy's key is its event's id, which Google takes once: also after the event was deleted, it answers 409. Nobody is
told of anything (`sendUpdates=none`). An event is patched, so that what its owner added to it, such as a colour, stays.

Instances of a series that were ever changed or cancelled outlive changes of the series. So they are read after it was
written, and each is made what is wanted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kalends.model.copy import WantedCopy
from kalends.providers.errors import CalendarGone, CursorRefused, NotSupported, ProviderError, Unavailable
from kalends.providers.export import CopyChanged, CopyGone, CopyThere, KeyUsedUp, StoredCopy
from kalends.providers.google.client import CalendarApi, Refusals
from kalends.providers.google.copies import Body, body_of, new_body
from kalends.providers.google.echo import FIELDS, Event, has_exceptions, is_live, says, stored_copy, version_of
from kalends.providers.google.instances import InstanceWrite, instance_writes

_MOST_PAGES = 20


class _NotThere(ProviderError):
    """There is no event under this id, which says nothing yet of its calendar."""


_OF_INSERT: Refusals = {(409, "duplicate"): CopyThere}
_OF_GET: Refusals = {(404, ""): _NotThere, (410, ""): _NotThere}
_OF_CHANGE: Refusals = {**_OF_GET, (412, ""): CopyChanged}
_OF_MOVE: Refusals = {**_OF_GET, **_OF_INSERT, (400, ""): NotSupported, (400, "backendError"): Unavailable}


@dataclass(frozen=True, slots=True)
class _Kept:
    """A copy that is there: the event, and its instances that were ever changed or cancelled."""

    master: Event
    exceptions: Sequence[Event] = ()


@dataclass(frozen=True, slots=True)
class CopyWriter:
    """Keeps the copies of one calendar, as `providers.export.Exports` describes it.

    All methods raise `ProviderError`, of which `CalendarGone` says that the calendar is no more.
    """

    api: CalendarApi
    calendar_id: str

    async def look_up(self, key: str) -> StoredCopy | None:
        """Return the copy under a key: a request, and one more for a series."""
        event = await self._event(key)
        if event is None:
            return None
        if not is_live(event):
            raise KeyUsedUp("the event was deleted, and its id is not taken again")
        kept = await self._whole(event)
        return stored_copy(kept.master, kept.exceptions)

    async def create(self, wanted: WantedCopy) -> StoredCopy:
        """Make a copy: a request, one more for each instance that is changed or cancelled, and one to read those."""
        try:
            master = await self._ask("POST", body=new_body(wanted), refusals=_OF_INSERT)
        except CopyThere:
            await self._check_shown(wanted.key)
            raise
        return await self._settled(wanted, _Kept(master))

    async def update(self, wanted: WantedCopy, stored: StoredCopy) -> StoredCopy:
        """Make a copy what it should be.

        That is one request for a single event. A series is read first, and only what differs is written: it and its
        instances are a request each. What was written is read again. Where no version is named, nobody knows whether
        there are instances, and so it is read first as well.
        """
        if wanted.rule is None and stored.version and not has_exceptions(stored.version):
            return stored_copy(await self._change(stored.ref, body_of(wanted), stored.version))
        kept = await self._whole(await self._live(stored.ref))
        if stored.version and version_of(kept.master, kept.exceptions) != stored.version:
            raise CopyChanged("the event, or one of its instances, is in another version")
        if not says(kept.master, body_of(wanted)):
            changed = await self._change(stored.ref, body_of(wanted), _etag(kept.master) if stored.version else "")
            kept = await self._listed(changed) if kept.exceptions else _Kept(changed)
        return await self._settled(wanted, kept, of_any_version=not stored.version)

    async def move(self, stored: StoredCopy, target_id: str) -> StoredCopy:
        """Move a copy to another calendar: a request, and one more for a series; see `providers.export.Moves`."""
        target = CopyWriter(self.api, target_id)
        try:
            event = await self._ask("POST", stored.ref, "move", refusals=_OF_MOVE, destination=target_id)
        except _NotThere:
            # Google does not say what it is that is missing: the event, its calendar, or the target
            await self._live(stored.ref)
            await target._check_calendar()
            raise Unavailable(f"{self.api.host} does not move an event that it shows") from None
        except CopyThere:
            await target._check_shown(stored.ref)
            raise
        kept = await target._whole(event)
        return stored_copy(kept.master, kept.exceptions)

    async def delete(self, ref: str) -> None:
        """Delete a copy with all its instances; one that is no more is fine. Raises `CalendarGone`."""
        try:
            await self._ask("DELETE", ref, refusals=_OF_GET)
        except _NotThere:
            await self._check_calendar()

    async def _check_calendar(self) -> None:
        """See that the calendar is there, which a missing event leaves open; raises `CalendarGone`."""
        try:
            await self.api.get(*self._events, maxResults="1", fields="etag")
        except CursorRefused as error:
            raise CalendarGone(str(error)) from None

    async def _check_shown(self, event_id: str) -> None:
        """See that there is an event whose id is taken; raises `KeyUsedUp` where it was deleted, and `Unavailable`."""
        if await self.look_up(event_id) is None:
            raise Unavailable(f"{self.api.host} knows an event that it does not show")

    async def _event(self, event_id: str) -> Event | None:
        """Return an event, deleted or not; None where there never was one."""
        try:
            return await self._ask("GET", event_id, refusals=_OF_GET)
        except _NotThere:
            await self._check_calendar()
            return None

    async def _live(self, event_id: str) -> Event:
        """Return an event; raises `CopyGone` where it is no more."""
        event = await self._event(event_id)
        if event is None or not is_live(event):
            raise CopyGone("the event was deleted")
        return event

    async def _whole(self, master: Event) -> _Kept:
        return await self._listed(master) if master.get("recurrence") else _Kept(master)

    async def _listed(self, master: Event) -> _Kept:
        """Return a copy as it is now, with its instances that were ever changed or cancelled.

        They have the same `iCalUID`, also those that the series does not make any more. Without `singleEvents` others
        are not listed, however far the series goes, and of cancelled ones none is left out.
        """
        uid = str(master.get("iCalUID") or f"{master.get('id')}@google.com")
        asked = {"iCalUID": uid, "singleEvents": "false", "maxResults": "2500"}
        exceptions: list[Event] = []
        page, pages = "", set[str]()
        while page not in pages and len(pages) < _MOST_PAGES:
            pages.add(page)
            more = {"pageToken": page} if page else {}
            try:
                said = await self.api.get(*self._events, **asked, **more, fields=f"nextPageToken,items({FIELDS})")
            except CursorRefused as error:
                raise Unavailable(str(error)) from None  # a page that ran out says nothing of what is read elsewhere
            items, page = said.get("items", []), said.get("nextPageToken") or ""
            if not isinstance(items, list) or not isinstance(page, str):
                raise Unavailable(f"{self.api.host} answered a listing that makes no sense")
            events: list[Event] = [one for one in items if isinstance(one, dict)]
            exceptions += [one for one in events if one.get("recurringEventId") == master.get("id")]
            master = next((one for one in events if one.get("id") == master.get("id")), master)
            if not page:
                return _Kept(master, exceptions)
        raise Unavailable(f"{self.api.host} does not come to the end of a series' instances")

    async def _settled(self, wanted: WantedCopy, kept: _Kept, *, of_any_version: bool = False) -> StoredCopy:
        """Make all instances what is wanted, and return the copy as it is then."""
        writes = list(instance_writes(wanted, kept.exceptions))
        for write in writes:
            await self._write(replace(write, etag="") if of_any_version else write, wanted.key)
        if writes:
            kept = await self._listed(kept.master)
        return stored_copy(kept.master, kept.exceptions)

    async def _write(self, write: InstanceWrite, master_id: str) -> None:
        """Change one instance; raises `CopyChanged`, and `CopyGone` where the whole copy is no more."""
        method = "DELETE" if write.body is None else "PATCH"
        try:
            await self._ask(method, write.event_id, body=write.body, refusals=_OF_CHANGE, etag=write.etag)
        except _NotThere:
            if write.body is not None:
                await self._live(master_id)
                raise Unavailable(f"{self.api.host} does not know an instance that the rule makes") from None

    async def _change(self, event_id: str, body: Body, etag: str) -> Event:
        """Patch an event in a version, empty for any; raises `CopyChanged`, `CopyGone`."""
        try:
            event = await self._ask("PATCH", event_id, body=body, refusals=_OF_CHANGE, etag=etag)
        except (CopyChanged, _NotThere):
            await self._live(event_id)
            raise CopyChanged("the event is in another version") from None
        if not is_live(event):
            raise CopyGone("the event was deleted")
        return event

    async def _ask(
        self,
        method: str,
        *event: str,
        body: Body | None = None,
        refusals: Refusals | None = None,
        etag: str = "",
        **parameters: str,
    ) -> Mapping[str, Any]:
        if method != "GET":
            parameters["sendUpdates"] = "none"
        if method != "DELETE":
            parameters["fields"] = FIELDS
        path = (*self._events, *event)
        return await self.api.call(method, path, parameters, body, if_match=etag, refusals=refusals)

    @property
    def _events(self) -> tuple[str, str, str]:
        return "calendars", self.calendar_id, "events"


def _etag(event: Event) -> str:
    return str(event.get("etag") or "")
