"""A calendar's own time zone, as servers write it: an identifier, or a whole VTIMEZONE whose TZID may be anything."""

import re
from itertools import islice

from kalends.ical.zones import known_zone, tail_zone

_LONGEST_DEFINITION = 65_536
_LONGEST_IDENTIFIER = 255
_MOST_IDENTIFIERS = 16
_FOLD = re.compile(r"\r?\n[ \t]")
_IDENTIFIER = re.compile(r"^(?:TZID|X-LIC-LOCATION)(?:;[^:\r\n]*)?:([^\r\n]*)", re.IGNORECASE | re.MULTILINE)


def iana_zone(identifier: str) -> str | None:
    """Return the IANA name that an identifier stands for: an IANA or Windows name, or one with a prefix; else None."""
    if len(identifier) > _LONGEST_IDENTIFIER:
        return None
    zone = known_zone(identifier) or tail_zone(identifier)
    return zone.name if zone is not None else None


def zone_of_vtimezone(text: str) -> str | None:
    """Return the IANA name of a `calendar-timezone` (RFC 4791 §5.2.2), None where it cannot be told."""
    found = islice(_IDENTIFIER.finditer(_FOLD.sub("", text[:_LONGEST_DEFINITION])), _MOST_IDENTIFIERS)
    return next((zone for one in found if (zone := iana_zone(one[1].strip()))), None)
