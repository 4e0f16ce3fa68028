"""What a request prefers (RFC 7240): kinds of ids, a time zone, bodies as text, and small pages."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from kalends.ical.zones import Zone
from kalends.sandbox.microsoft.errors import GraphRefused
from kalends.sandbox.microsoft.times import UTC_MOMENT_ZONE, UTC_NAME, zone_named

_ONE = re.compile(r'([A-Za-z][\w.\-]*)\s*=\s*("[^"]*"|[^,;\s]+)')


@dataclass(frozen=True, slots=True)
class Preferences:
    """What is preferred; `page_size` None leaves it to Graph. `applied` is what an answer says was heeded."""

    immutable_ids: bool = False
    zone: Zone = UTC_MOMENT_ZONE
    zone_name: str = UTC_NAME
    text_bodies: bool = False
    page_size: int | None = None
    applied: tuple[str, ...] = ()

    @classmethod
    def of(cls, headers: Iterable[str]) -> "Preferences":
        """Read the values of all `Prefer` headers; what Graph does not know it passes over. Raises `GraphRefused`."""
        pairs = {name.lower(): text.strip('"') for header in headers for name, text in _ONE.findall(header)}
        applied: list[str] = []
        immutable = pairs.get("idtype", "").lower() == "immutableid"
        if immutable:
            applied.append('IdType="ImmutableId"')
        zone, zone_name = UTC_MOMENT_ZONE, UTC_NAME
        if "outlook.timezone" in pairs:
            zone_name = pairs["outlook.timezone"]
            zone = zone_named(zone_name)
            applied.append(f'outlook.timezone="{zone_name}"')
        text_bodies = pairs.get("outlook.body-content-type", "").lower() == "text"
        if text_bodies:
            applied.append('outlook.body-content-type="text"')
        size = pairs.get("odata.maxpagesize")
        if size is not None:
            if not size.isascii() or not size.isdigit() or not int(size[:9]) >= 1:
                raise GraphRefused(400, "ErrorInvalidRequest", "odata.maxpagesize must be a number from 1.")
            applied.append(f"odata.maxpagesize={size}")
        return cls(immutable, zone, zone_name, text_bodies, None if size is None else int(size[:9]), tuple(applied))
