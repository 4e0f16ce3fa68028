"""The events of one calendar as they are kept: the newest version of each, in the order of their changes."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from kalends.ical.event import Stamp

_MOST_FORMER = 20
"""Earlier versions of a series that are remembered, to tell which of its instances are gone."""


@dataclass(frozen=True, slots=True)
class KeptEvent:
    """One version of an event, of a series' master, or of an exception of a series; never changed, only replaced.

    `fields` are those of the resource that nothing here computes. `begins` and `ends` are instants in UTC that hold all
    of it, a master's instances included; `hull` holds those of all its versions. `change` is the number of the change
    that made this version. An exception has `master`, the id of its series, and `original`, the start it had there;
    it is `dropped` where its series stopped making that start, which is another thing than a cancelled instance.
    """

    id: str
    fields: Mapping[str, Any]
    start: Stamp
    end: Stamp
    begins: datetime
    ends: datetime
    created: datetime
    updated: datetime
    change: int = 0
    cancelled: bool = False
    dropped: bool = False
    master: str | None = None
    original: Stamp | None = None
    hull: tuple[datetime, datetime] | None = None
    former: tuple["KeptEvent", ...] = ()

    @property
    def recurrence(self) -> tuple[str, ...]:
        """The RRULE, RDATE and EXDATE lines of a master, nothing for other events."""
        return tuple(self.fields.get("recurrence", ()))

    @property
    def is_series(self) -> bool:
        """Whether this is the master of a series."""
        return bool(self.fields.get("recurrence"))

    @property
    def uid(self) -> str:
        """The iCalUID, which the instances of a series share."""
        return str(self.fields["iCalUID"])

    @property
    def etag(self) -> str:
        """The entity tag of this version, in quotes."""
        return etag(self.change)

    def touches(self, since: datetime | None, until: datetime | None) -> bool:
        """Tell whether the event ends after `since` and starts before `until`; None sets no bound."""
        return (since is None or self.ends > since) and (until is None or self.begins < until)


def etag(change: int) -> str:
    """Return the entity tag of what a change has made."""
    return f'"{3_500_000_000_000_000 + 2 * change}"'


class KeptEvents:
    """All events of a calendar, deleted ones included: a used id is used for ever."""

    def __init__(self) -> None:
        self._events: dict[str, KeptEvent] = {}
        self._changes: list[int] = []
        self._changed: list[str] = []
        self._exceptions: dict[str, dict[str, None]] = {}
        self._uids: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._events)

    def __iter__(self) -> Iterator[KeptEvent]:
        return iter(self._events.values())

    def get(self, event_id: str) -> KeptEvent | None:
        """Return an event by its id, deleted or not."""
        return self._events.get(event_id)

    @property
    def newest(self) -> KeptEvent | None:
        """The event that was changed last."""
        return self._events[self._changed[-1]] if self._changed else None

    def with_uid(self, uid: str) -> KeptEvent | None:
        """Return the single event, or the master, with an iCalUID."""
        found = self._uids.get(uid)
        return None if found is None else self._events[found]

    def exceptions(self, master_id: str) -> list[KeptEvent]:
        """Return the exceptions of a series, cancelled ones included."""
        return [self._events[one] for one in self._exceptions.get(master_id, ())]

    def since(self, change: int) -> list[KeptEvent]:
        """Return what was changed after a change, in the order of the last change to each."""
        first = bisect_right(self._changes, change)
        return [
            event
            for number, event_id in zip(self._changes[first:], self._changed[first:], strict=True)
            if (event := self._events[event_id]).change == number
        ]

    def place(self, event: KeptEvent) -> None:
        """Keep where an event lies now that its calendar has another zone, which is no change of the event."""
        self._events[event.id] = event

    def put(self, event: KeptEvent) -> KeptEvent:
        """Keep a new version, whose `change` is the highest so far, and return it with what it inherits."""
        before = self._events.get(event.id)
        hulls = [(event.begins, event.ends), *(one.hull for one in (event, before) if one is not None and one.hull)]
        hull = (min(begins for begins, _ in hulls), max(ends for _, ends in hulls))
        former = () if before is None else before.former
        if before is not None and before.is_series:
            former = (*former, replace(before, former=()))[-_MOST_FORMER:]
        event = replace(event, hull=hull, former=former)
        self._events[event.id] = event
        self._changes.append(event.change)
        self._changed.append(event.id)
        if event.master is None:
            self._uids[event.uid] = event.id
        else:
            self._exceptions.setdefault(event.master, {})[event.id] = None
        return event
