"""A calendar's own time zone, as servers write it: an identifier, or a whole VTIMEZONE whose TZID may be anything."""

import re

from kalends.ical.zones import known_zone, tail_zone

_LONGEST_DEFINITION = 65_536
_FOLD = re.compile(r"\r?\n[ \t]")
_IDENTIFIER = re.compile(r"^(?:TZID|X-LIC-LOCATION)(?:;[^:\r\n]*)?:(.*?)\s*$", re.IGNORECASE | re.MULTILINE)


def iana_zone(identifier: str) -> str | None:
    """Return the IANA name that an identifier stands for: an IANA or Windows name, or one with a prefix; else None."""
    zone = known_zone(identifier) or tail_zone(identifier)
    return zone.name if zone is not None else None


def zone_of_vtimezone(text: str) -> str | None:
    """Return the IANA name of a `calendar-timezone` (RFC 4791 §5.2.2), None where it cannot be told."""
    identifiers: list[str] = _IDENTIFIER.findall(_FOLD.sub("", text[:_LONGEST_DEFINITION]))
    return next((zone for identifier in identifiers if (zone := iana_zone(identifier))), None)
