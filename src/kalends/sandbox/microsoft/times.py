"""Times as Graph writes them: `dateTimeTimeZone` with the name of a zone, and instants in UTC."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from kalends.ical.zones import UTC_ZONE, Zone, known_zone
from kalends.sandbox.microsoft.errors import GraphRefused, bad_property, bad_query

YEARS = range(1850, 9000)
"""What events may name: clear of the ends of the calendar."""
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)(?:[Tt](\d\d:\d\d(?::\d\d)?)(?:\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Moment:
    """A wall time in a zone, which has the `name` that its writer used."""

    wall: datetime
    zone: Zone
    name: str

    @property
    def instant(self) -> datetime:
        """The instant, in UTC."""
        return self.zone.instant(self.wall)

    def at(self, wall: datetime) -> "Moment":
        """Return another wall time in the same zone."""
        return Moment(wall, self.zone, self.name)

    def on(self, instant: datetime) -> "Moment":
        """Return the wall time of an instant in the same zone."""
        return Moment(self.zone.wall(instant), self.zone, self.name)

    @property
    def is_midnight(self) -> bool:
        """Whether a day begins then."""
        return self.wall == self.wall.replace(hour=0, minute=0, second=0)


def zone_named(name: object) -> Zone:
    """Return the zone of an IANA or Windows name; raises `GraphRefused` where there is none."""
    zone = known_zone(name) if isinstance(name, str) else None
    if zone is None or zone.name is None:
        text = f"A valid TimeZone value must be specified. The following TimeZone value is not supported: '{name}'."
        raise GraphRefused(400, "TimeZoneNotSupportedException", text[:300])
    return zone


def read_moment(value: object, name: str) -> Moment:
    """Return the moment of a `dateTimeTimeZone`, called `name`; raises `GraphRefused`.

    A `dateTime` that has an offset means that instant.
    """
    if not isinstance(value, dict) or set(value) - {"dateTime", "timeZone", "@odata.type"}:
        raise bad_property(name)
    text, zone_name = value.get("dateTime"), value.get("timeZone") or "UTC"
    zone = zone_named(zone_name)
    read = _read(text) if isinstance(text, str) else None
    if read is None:
        raise bad_property(name)
    return Moment(read if read.tzinfo is None else zone.wall(read), zone, str(zone_name))


def read_instant(text: str, name: str) -> datetime:
    """Return the instant (UTC) of a time in a query, which is in UTC where it has no offset; raises `GraphRefused`."""
    read = _read(text)
    if read is None:
        raise bad_query(name, "is no date and time in ISO 8601")
    return (read.replace(tzinfo=UTC) if read.tzinfo is None else read).astimezone(UTC)


def write_moment(instant: datetime, zone: Zone, name: str) -> dict[str, Any]:
    """Return an instant as a `dateTimeTimeZone`."""
    return write_wall(zone.wall(instant), name)


def write_wall(wall: datetime, name: str) -> dict[str, Any]:
    """Return a wall time as a `dateTimeTimeZone`."""
    return {"dateTime": f"{wall:%Y-%m-%dT%H:%M:%S}.0000000", "timeZone": name}


def write_instant(instant: datetime) -> str:
    """Return an instant as timestamps show it: in UTC, with seven digits after the second."""
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}0Z"


def write_second(instant: datetime) -> str:
    """Return an instant as `originalStart` shows it: in UTC, in seconds."""
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _read(text: str) -> datetime | None:
    """Return a naive time, or an aware one where the text has an offset; None where it cannot be read."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    offset = (found[3] or "").upper().replace("Z", "+00:00")
    try:
        read = datetime.fromisoformat(f"{found[1]}T{found[2] or '00:00'}{offset}")
        in_reach = read.year in YEARS and abs(read.utcoffset() or timedelta()) <= timedelta(hours=14)
    except ValueError:
        return None
    return read if in_reach else None


UTC_NAME = "UTC"
UTC_MOMENT_ZONE = UTC_ZONE
"""The zone in which times are shown to those who prefer none."""
