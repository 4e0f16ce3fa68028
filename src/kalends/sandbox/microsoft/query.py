"""The query of a request: which parameters it may have, and what `$select`, `$filter`, `$expand` and the like ask for.

Parameters that a request does not know are refused, so that whoever asks is kept honest.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime

from kalends.sandbox.microsoft.errors import bad_query, bad_request
from kalends.sandbox.microsoft.fields import EVENT_PROPERTIES, property_id
from kalends.sandbox.microsoft.kept import KeptEvent
from kalends.sandbox.microsoft.times import read_instant

Pairs = Sequence[tuple[str, str]]
Test = Callable[[KeptEvent], bool]

USUAL_SIZE, MOST_SIZE = 10, 1000
_QUOTED = r"'((?:[^']|'')*)'"
_HAS_PROPERTY = re.compile(
    rf"singleValueExtendedProperties/any\((\w+): ?\1/id eq {_QUOTED} and \1/value (?:eq {_QUOTED}|ne null)\)",
    re.IGNORECASE,
)
_EQUALS = re.compile(rf"(subject|iCalUId) eq {_QUOTED}")
_EXPANDED = re.compile(rf"singleValueExtendedProperties\(\$filter=(id eq {_QUOTED}(?: or id eq {_QUOTED})*)\)")
_ONE_ID = re.compile(rf"id eq {_QUOTED}")
_ORDERS = {
    "start/dateTime": lambda event: event.begins,
    "end/dateTime": lambda event: event.ends,
    "createdDateTime": lambda event: event.created,
    "lastModifiedDateTime": lambda event: event.updated,
}
_CASELESS = {"startdatetime": "startDateTime", "enddatetime": "endDateTime"}


class Query:
    """Reads parameters. Raises `GraphRefused` for one that is not among those allowed, or comes twice."""

    def __init__(self, given: Pairs, allowed: Collection[str]) -> None:
        self.given = [(_CASELESS.get(name.lower(), name), value) for name, value in given]
        names = [name for name, _ in self.given]
        for name in names:
            if name not in allowed:
                raise bad_query(name)
            if names.count(name) > 1:
                raise bad_query(name, "is given more than once")
        self._values = dict(self.given)

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def text(self, name: str) -> str | None:
        """Return a text as it is, None where it is not given."""
        return self._values.get(name)

    def number(self, name: str, low: int, high: int) -> int | None:
        """Return a number within bounds, None where it is not given; raises `GraphRefused`."""
        value = self._values.get(name)
        if value is None:
            return None
        if not value.isascii() or not value.isdigit() or not low <= int(value[:9]) <= high:
            raise bad_query(name, f"must be a number from {low} to {high}")
        return int(value[:9])

    def span(self) -> tuple[datetime, datetime]:
        """Return the instants between which a calendar is looked at; raises `GraphRefused`."""
        begins, ends = self.text("startDateTime"), self.text("endDateTime")
        if begins is None or ends is None:
            text = "This request requires a time window specified by the parameters startDateTime and endDateTime."
            raise bad_request(text, "ErrorInvalidParameter")
        since, until = read_instant(begins, "startDateTime"), read_instant(ends, "endDateTime")
        if until <= since:
            raise bad_request("The end of the time window lies before its start.", "ErrorInvalidParameter")
        if (until - since).days > _LONGEST_SPAN:
            raise bad_request("The time window is longer than 1825 days.", "ErrorCalendarViewRangeTooBig")
        return since, until

    def selected(self, known: Collection[str] = EVENT_PROPERTIES, kind: str = "event") -> frozenset[str] | None:
        """Return the properties that `$select` names, None for all; raises `GraphRefused`."""
        value = self.text("$select")
        if value is None:
            return None
        names = [name.strip() for name in value.split(",")]
        for name in names:
            if name not in known:
                text = f"Could not find a property named '{name[:80]}' on type 'microsoft.graph.{kind}'."
                raise bad_request(text, "RequestBroker--ParseUri")
        return frozenset(names)

    def expanded(self) -> list[str]:
        """Return the ids of the extended properties that `$expand` asks for; raises `GraphRefused`."""
        value = self.text("$expand")
        if value is None:
            return []
        found = _EXPANDED.fullmatch(value.strip())
        if found is None:
            raise bad_query("$expand", "asks for what cannot be expanded here")
        return [property_id(unquoted(one)) for one in _ONE_ID.findall(found[1])]

    def test(self, uid: Callable[[KeptEvent], str]) -> Test:
        """Return what tells whether an event fits `$filter`; `uid` gives an event's iCalUId. Raises `GraphRefused`."""
        value = self.text("$filter")
        if value is None:
            return lambda _: True
        if found := _HAS_PROPERTY.fullmatch(value.strip()):
            wanted, text = property_id(unquoted(found[2])), None if found[3] is None else unquoted(found[3])
            return lambda event: _holds(event.properties, wanted, text)
        if found := _EQUALS.fullmatch(value.strip()):
            name, same = found[1], unquoted(found[2])
            return lambda event: (uid(event) if name == "iCalUId" else event.fields.get(name)) == same
        raise bad_query("$filter", "asks for what cannot be filtered here")

    def calendar_test(self) -> Callable[[Mapping[str, str]], bool]:
        """Return what tells whether a calendar of some extended properties fits `$filter`; raises `GraphRefused`."""
        value = self.text("$filter")
        if value is None:
            return lambda _: True
        found = _HAS_PROPERTY.fullmatch(value.strip())
        if found is None:
            raise bad_query("$filter", "asks for what cannot be filtered here")
        wanted, text = property_id(unquoted(found[2])), None if found[3] is None else unquoted(found[3])
        return lambda properties: _holds(properties, wanted, text)

    def ordered(self, events: Sequence[KeptEvent]) -> list[KeptEvent]:
        """Return events in the order that `$orderby` asks for; raises `GraphRefused`."""
        value = self.text("$orderby")
        if value is None:
            return [*events]
        name, _, way = value.strip().partition(" ")
        if name not in _ORDERS or way.strip() not in {"", "asc", "desc"}:
            raise bad_query("$orderby", "asks for an order that there is not here")
        return sorted(events, key=_ORDERS[name], reverse=way.strip() == "desc")


_LONGEST_SPAN = 1825


def unquoted(text: str) -> str:
    """Return what a text of OData stands for, in which a quote is written twice."""
    return text.replace("''", "'")


def _holds(properties: Mapping[str, str], wanted: str, text: str | None) -> bool:
    return wanted in properties and text in {None, properties[wanted]}
