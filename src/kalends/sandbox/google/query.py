"""The query of a request, read by name and type; what Google does not know it passes over."""

from collections.abc import Collection
from datetime import datetime

from starlette.datastructures import QueryParams

from kalends.ical.zones import Zone
from kalends.sandbox.google.errors import invalid
from kalends.sandbox.google.times import read_instant, zone_named

_FLAGS = {"true": True, "false": False, "1": True, "0": False}
_MOST = 2**31


class Query:
    """Reads parameters; each method returns None, or nothing, for one that is not given, and raises `Refused`."""

    def __init__(self, given: QueryParams) -> None:
        self._given = given

    def __contains__(self, name: object) -> bool:
        return name in self._given

    def text(self, name: str) -> str | None:
        """Return a text as it is."""
        return self._given.get(name)

    def many(self, name: str) -> list[str]:
        """Return all values of a parameter that may be repeated, sorted."""
        return sorted(self._given.getlist(name))

    def flag(self, name: str) -> bool | None:
        """Return a boolean."""
        value = self._given.get(name)
        if value is None:
            return None
        if value.lower() not in _FLAGS:
            raise invalid(f"Invalid boolean value: '{value[:20]}'.", name)
        return _FLAGS[value.lower()]

    def number(self, name: str) -> int | None:
        """Return a number from 1."""
        value = self._given.get(name)
        if value is None:
            return None
        if not value.isascii() or not value.isdigit() or len(value) > len(str(_MOST)) or not 1 <= int(value) < _MOST:
            raise invalid(f"Invalid value for {name}: it must be a number from 1.", name)
        return int(value)

    def size(self, usual: int, most: int) -> int:
        """Return `maxResults`; what is beyond the most there can be counts as that."""
        return min(self.number("maxResults") or usual, most)

    def choice(self, name: str, choices: Collection[str]) -> str | None:
        """Return one of some words."""
        value = self._given.get(name)
        if value is not None and value not in choices:
            raise invalid(f"Invalid value for {name}.", name)
        return value

    def instant(self, name: str) -> datetime | None:
        """Return an instant in UTC."""
        value = self._given.get(name)
        return None if value is None else read_instant(value, name)

    def zone(self, name: str = "timeZone") -> Zone | None:
        """Return a zone."""
        value = self._given.get(name)
        return None if value is None else zone_named(value, name)
