"""Which events a listing asks for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kalends.sandbox.google.errors import Refused, invalid
from kalends.sandbox.google.fields import EVENT_TYPES
from kalends.sandbox.google.kept import KeptEvent
from kalends.sandbox.google.query import Query


@dataclass(frozen=True, slots=True)
class Filters:
    """The conditions of a listing; all of them have to hold, and what is empty or None is none.

    `time_min` (exclusive) is a bound for ends, `time_max` (exclusive) one for starts.
    """

    time_min: datetime | None = None
    time_max: datetime | None = None
    updated_min: datetime | None = None
    event_types: tuple[str, ...] = ()
    uid: str | None = None
    words: tuple[str, ...] = ()
    private: tuple[tuple[str, str], ...] = ()
    shared: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, query: Query) -> "Filters":
        """Return the filters of events.list; raises `Refused`."""
        since, until = query.instant("timeMin"), query.instant("timeMax")
        if since is not None and until is not None and since >= until:
            raise Refused(400, "timeRangeEmpty", "The specified time range is empty.", domain="calendar")
        types = tuple(query.many("eventTypes"))
        if not set(types) <= EVENT_TYPES:
            raise invalid("Invalid value for eventTypes.", "eventTypes")
        return cls(
            since,
            until,
            query.instant("updatedMin"),
            types,
            query.text("iCalUID"),
            tuple((query.text("q") or "").lower().split()),
            tuple(_pair(one, "privateExtendedProperty") for one in query.many("privateExtendedProperty")),
            tuple(_pair(one, "sharedExtendedProperty") for one in query.many("sharedExtendedProperty")),
        )

    def match(self, event: KeptEvent) -> bool:
        """Tell whether an event is asked for, wherever it lies."""
        if self.updated_min is not None and event.updated < self.updated_min:
            return False
        if self.event_types and event.fields.get("eventType", "default") not in self.event_types:
            return False
        if self.uid is not None and event.uid != self.uid:
            return False
        properties = event.fields.get("extendedProperties", {})
        for wanted, kind in ((self.private, "private"), (self.shared, "shared")):
            if any(properties.get(kind, {}).get(name) != value for name, value in wanted):
                return False
        return not self.words or _speaks_of(event.fields, self.words)

    def in_span(self, event: KeptEvent) -> bool:
        """Tell whether an event lies in the span asked for."""
        return event.touches(self.time_min, self.time_max)

    def was_in_span(self, event: KeptEvent) -> bool:
        """Tell whether an event lies in the span asked for, or ever did, if only by the rule of its series."""
        begins, ends = event.hull or (event.begins, event.ends)
        return (self.time_min is None or ends > self.time_min) and (self.time_max is None or begins < self.time_max)

    def ever_matched(self, event: KeptEvent) -> bool:
        """Tell whether any version of an event was asked for, as far as a sync token remembers what that was."""
        if self.event_types and event.fields.get("eventType", "default") not in self.event_types:
            return False
        return self.was_in_span(event)


def _pair(text: str, name: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator:
        raise invalid(f"Invalid {name} value.", name)
    return key, value


def _speaks_of(fields: Mapping[str, Any], words: tuple[str, ...]) -> bool:
    people = [*fields.get("attendees", []), fields["organizer"]]
    place = fields.get("workingLocationProperties", {})
    office, custom = place.get("officeLocation", {}), place.get("customLocation", {})
    texts = [
        *(fields.get(name, "") for name in ("summary", "description", "location")),
        *(person.get(name, "") for person in people for name in ("displayName", "email")),
        *(office.get(name, "") for name in ("buildingId", "deskId", "label")),
        custom.get("label", ""),
    ]
    whole = "\n".join(texts).lower()
    return all(word in whole for word in words)
