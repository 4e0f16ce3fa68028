"""What the methods return: the objects of the contract, with names in snake_case.

They are made by `_decoding` from their annotations. What the server leaves out is None, or an empty tuple;
only the list that was asked for has to be there, so that no foreign answer passes for "nobody is busy".
An enumeration holds the words that this client knows; a newer one arrives as the string that it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from kalends.client._decoding import read_object
from kalends.client._errors import ProtocolError
from kalends.client._sync_config import SyncConfig


class CalendarType(StrEnum):
    """Kind of external calendar."""

    UNDEFINED = "UNDEFINED"
    GOOGLE = "GOOGLE"
    I_CAL = "I_CAL"
    OUTLOOK = "OUTLOOK"
    OFFICE_365 = "OFFICE_365"
    MICROSOFT = "MICROSOFT"
    OTHER = "OTHER"


class ConnectMethod(StrEnum):
    """How an account is connected."""

    UNDEFINED = "UNDEFINED"
    OAUTH = "OAUTH"
    CREDENTIALS = "CREDENTIALS"


class ImportFeature(StrEnum):
    """From which calendars of an account events can be listed."""

    UNDEFINED = "UNDEFINED"
    NOT_SUPPORTED = "NOT_SUPPORTED"
    PRIMARY_CALENDAR_ONLY = "PRIMARY_CALENDAR_ONLY"
    SPECIFIC_CALENDARS = "SPECIFIC_CALENDARS"


class ExportFeature(StrEnum):
    """Into which calendars of an account events can be written."""

    UNDEFINED = "UNDEFINED"
    NOT_SUPPORTED = "NOT_SUPPORTED"
    PRIMARY_CALENDAR_ONLY = "PRIMARY_CALENDAR_ONLY"
    SPECIFIC_CALENDAR = "SPECIFIC_CALENDAR"
    DEDICATED_CALENDAR = "DEDICATED_CALENDAR"


class ConnectionStatus(StrEnum):
    """How a connection does."""

    UNDEFINED = "UNDEFINED"
    CONNECTED = "CONNECTED"
    SYNC_IN_PROGRESS = "SYNC_IN_PROGRESS"
    SYNCED = "SYNCED"
    DISCONNECTED = "DISCONNECTED"
    ERROR = "ERROR"


class ErrorReason(StrEnum):
    """Why a connection is in the status `ERROR`."""

    UNDEFINED = "UNDEFINED"
    TOKEN_REVOKED = "TOKEN_REVOKED"  # noqa: S105 - a word of the contract, no secret
    EXTERNAL_CALENDAR_CREATION_FAILED = "EXTERNAL_CALENDAR_CREATION_FAILED"
    EXTERNAL_CALENDAR_DELETED = "EXTERNAL_CALENDAR_DELETED"


class Fieldset(StrEnum):
    """Which fields of events are wanted: `OWN_PI` adds title, name of the calendar and name of the owner."""

    NO_PI = "NO_PI"
    OWN_PI = "OWN_PI"


class ScheduleStatus(StrEnum):
    """Whether a schedule is in use; cancelled is final."""

    UNDEFINED = "UNDEFINED"
    ACTIVE = "ACTIVE"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class Features:
    """What a provider can do."""

    connect_methods: tuple[ConnectMethod | str, ...] = ()
    update_sync_config: bool = False
    list_event_from_calendars: ImportFeature | str = ImportFeature.UNDEFINED
    sync_to_calendar: ExportFeature | str = ExportFeature.UNDEFINED


@dataclass(frozen=True, slots=True)
class Provider:
    """A kind of external calendar service whose accounts can be connected."""

    id: str
    name: str | None = None
    calendar_type: CalendarType | str = CalendarType.UNDEFINED
    features: Features = Features()


@dataclass(frozen=True, slots=True)
class Connection:
    """An account of a provider, connected to one schedule. `error_reason` goes with the status `ERROR`."""

    id: str
    provider_id: str
    schedule_id: str
    calendar_type: CalendarType | str = CalendarType.UNDEFINED
    status: ConnectionStatus | str = ConnectionStatus.UNDEFINED
    error_reason: ErrorReason | str | None = None
    user_id: str | None = None
    app_id: str | None = None
    external_account_email: str | None = None
    sync_config: SyncConfig = SyncConfig()  # noqa: RUF009 - it is frozen


@dataclass(frozen=True, slots=True)
class ConnectionList:
    """Connections, and with `partial_failure` the providers, connections and schedules that could not be read."""

    connections: tuple[Connection, ...]
    failed_provider_ids: tuple[str, ...] = ()
    failed_connection_ids: tuple[str, ...] = ()
    failed_schedule_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """A span that blocks the person of a schedule: `start` inclusive, `end` exclusive, aware datetimes.

    Title and the two names are there only where they were asked for (`Fieldset.OWN_PI`) and the caller may see them.
    """

    schedule_id: str
    start: datetime
    end: datetime
    all_day: bool = False
    calendar_type: CalendarType | str = CalendarType.UNDEFINED
    calendar_name: str | None = None
    title: str | None = None
    schedule_owner_id: str | None = None
    schedule_owner_name: str | None = None


@dataclass(frozen=True, slots=True)
class EventPage:
    """A page of events by start. `next_cursor` leads to the next one; `count` is the size of this one.

    With `partial_failure` the failed ids tell whose calendars are missing: those people may be busy.
    """

    events: tuple[Event, ...]
    count: int = 0
    next_cursor: str | None = None
    has_next: bool = False
    failed_provider_ids: tuple[str, ...] = ()
    failed_connection_ids: tuple[str, ...] = ()
    failed_schedule_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ScheduleOwner:
    """The user whose schedule it is."""

    user_id: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """The bookable calendar of a person, room or service. An update names the `revision` that it was made from.

    The defaults are those of its events; the objects among them, and the extended fields, are JSON as it was sent.
    """

    id: str
    revision: str
    name: str | None = None
    status: ScheduleStatus | str = ScheduleStatus.UNDEFINED
    time_zone: str | None = None
    business_time_zone_enabled: bool | None = None
    external_id: str | None = None
    app_id: str | None = None
    owner: ScheduleOwner | None = None
    default_title: str | None = None
    default_capacity: int | None = None
    default_location: Mapping[str, Any] | None = None
    default_conferencing_details: Mapping[str, Any] | None = None
    extended_fields: Mapping[str, Any] | None = None
    created_date: datetime | None = None
    updated_date: datetime | None = None


@dataclass(frozen=True, slots=True)
class SchedulePage:
    """A page of schedules. `next_cursor` leads to the next one; `count` is the size of this one."""

    schedules: tuple[Schedule, ...]
    count: int = 0
    next_cursor: str | None = None
    has_next: bool = False


def flat_page(answer: Mapping[str, Any], items: str) -> Mapping[str, Any]:
    """Return a page with its `pagingMetadata` unfolded; what that leaves out follows from the rest.

    Raises `ProtocolError`.
    """
    paging = read_object(answer.get("pagingMetadata") or {}, "pagingMetadata")
    cursors = read_object(paging.get("cursors") or {}, "pagingMetadata.cursors")
    following, found = cursors.get("next") or None, answer.get(items)
    defaults = {"count": len(found) if isinstance(found, list) else 0, "hasNext": following is not None}
    said = {name: value for name, value in paging.items() if value is not None}
    return {**answer, **defaults, **said, "nextCursor": following}


def following(page: EventPage | SchedulePage) -> str | None:
    """Return the cursor of the next page if there is one; raises `ProtocolError` where it is missing."""
    if page.has_next and page.next_cursor is None:
        raise ProtocolError("The answer has more pages, but no cursor to them.")
    return page.next_cursor if page.has_next else None
