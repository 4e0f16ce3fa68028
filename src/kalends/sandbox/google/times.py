"""Times as Google Calendar writes them: RFC 3339, and the `start` and `end` of events ↔ stamps in a zone."""

import re
from datetime import UTC, datetime

from kalends.ical.event import Stamp
from kalends.ical.zones import Zone, iana_zone
from kalends.model.time import is_iana_zone, midnight
from kalends.sandbox.google.errors import Refused, invalid, required

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)?", re.ASCII)
_EARLIEST = datetime(2, 1, 1, tzinfo=UTC)
_LATEST = datetime(9998, 12, 31, tzinfo=UTC)
YEARS = range(1850, 9000)
"""What events may name: late enough for daily series to be expanded in time, and clear of the end of the calendar."""
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def zone_named(name: object, location: str) -> Zone:
    """Return the zone of an IANA name; raises `Refused` where there is none."""
    if not isinstance(name, str) or not is_iana_zone(name):
        raise invalid(f"Invalid time zone definition for {location}.", location)
    return iana_zone(name)


def read_instant(text: str, location: str) -> datetime:
    """Return the instant (UTC) of an RFC 3339 time, whose offset is mandatory; fractions of seconds are ignored.

    What lies at the edges of the calendar is moved in a little, to where every zone has a time for it. Raises
    `Refused`.
    """
    found = _RFC_3339.fullmatch(text)
    if found is None or found[1] is None:
        raise Refused(400, "badRequest", "Bad Request", location=location)
    read = _parsed(text, location)
    if not _EARLIEST.year <= read.year <= _LATEST.year:
        return _EARLIEST if read.year < _EARLIEST.year else _LATEST
    return read.astimezone(UTC).replace(microsecond=0)


def read_stamp(value: object, name: str, default: Zone) -> Stamp:
    """Return the stamp of an event's `start`, `end` or `originalStartTime`, called `name`.

    A time without a zone of its own is in the `default` zone, which is the calendar's; without an offset either it is
    refused. Raises `Refused`.
    """
    fields = {key: part for key, part in value.items() if part is not None} if isinstance(value, dict) else {}
    day, moment = fields.get("date"), fields.get("dateTime")
    if (day is None) == (moment is None):
        raise required(f"Missing {name} time.", name) if day is None else invalid(f"Invalid {name} time.", name)
    if day is not None:
        if not isinstance(day, str) or _DATE.fullmatch(day) is None:
            raise invalid(f"Invalid {name} time.", name)
        return Stamp(_in_range(_parsed(day, name), name), is_date=True)
    found = _RFC_3339.fullmatch(moment) if isinstance(moment, str) else None
    if found is None:
        raise invalid(f"Invalid {name} time.", name)
    named = fields.get("timeZone")
    if found[1] is None and named is None:
        raise required(f"Missing time zone definition for {name} time.", name)
    zone = default if named is None else zone_named(named, f"{name} time")
    read = _in_range(_parsed(found[0], name).replace(microsecond=0), name)
    return Stamp(read if found[1] is None else zone.wall(read), zone=zone)


def write_stamp(stamp: Stamp, shown_in: Zone) -> dict[str, str]:
    """Return a stamp as Google shows it: with the offset of the zone asked for, beside the name of its own zone."""
    if stamp.zone is None:
        return {"date": stamp.wall.date().isoformat()}
    written = {"dateTime": write_offset(stamp.zone.instant(stamp.wall), shown_in)}
    return written if stamp.zone.name is None else {**written, "timeZone": stamp.zone.name}


def write_offset(instant: datetime, zone: Zone) -> str:
    """Return an instant as RFC 3339 in a zone, without fractions; UTC is written as Z."""
    return instant.astimezone(zone.rules).isoformat(timespec="seconds").replace("+00:00", "Z")


def write_millis(instant: datetime) -> str:
    """Return an instant as `created` and `updated` show it: in UTC, with milliseconds."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def instant_of(stamp: Stamp, zone: Zone) -> datetime:
    """Return the instant (UTC) of a stamp; a date means its midnight in the zone given."""
    if stamp.zone is None:
        return midnight(stamp.wall.date(), zone.rules)
    return stamp.zone.instant(stamp.wall)


def basic(stamp: Stamp) -> str:
    """Return a stamp in ISO 8601 basic format, in UTC, as it ends the id of an instance."""
    if stamp.zone is None:
        return f"{stamp.wall:%Y%m%d}"
    return f"{stamp.zone.instant(stamp.wall):%Y%m%dT%H%M%SZ}"


def _parsed(text: str, location: str) -> datetime:
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        raise invalid(f"Invalid {location} time.", location) from None


def _in_range(read: datetime, location: str) -> datetime:
    if read.year not in YEARS:
        raise invalid(f"Invalid {location} time.", location)
    return read
