"""What a provider is and can do, in the words of the wire contract (§5.1)."""

from dataclasses import dataclass
from enum import StrEnum


class CalendarType(StrEnum):
    """Kind of external calendar as the contract names it."""

    GOOGLE = "GOOGLE"
    I_CAL = "I_CAL"
    MICROSOFT = "MICROSOFT"
    OTHER = "OTHER"


class ConnectMethod(StrEnum):
    """How an account is connected."""

    OAUTH = "OAUTH"
    CREDENTIALS = "CREDENTIALS"


class ImportFeature(StrEnum):
    """From which calendars events can be listed."""

    NOT_SUPPORTED = "NOT_SUPPORTED"
    PRIMARY_CALENDAR_ONLY = "PRIMARY_CALENDAR_ONLY"
    SPECIFIC_CALENDARS = "SPECIFIC_CALENDARS"


class ExportFeature(StrEnum):
    """Into which calendars events can be written."""

    NOT_SUPPORTED = "NOT_SUPPORTED"
    PRIMARY_CALENDAR_ONLY = "PRIMARY_CALENDAR_ONLY"
    SPECIFIC_CALENDAR = "SPECIFIC_CALENDAR"
    DEDICATED_CALENDAR = "DEDICATED_CALENDAR"


@dataclass(frozen=True, slots=True)
class Features:
    """What a provider can do."""

    connect_methods: tuple[ConnectMethod, ...]
    update_sync_config: bool
    list_event_from_calendars: ImportFeature
    sync_to_calendar: ExportFeature
    primary_calendar: bool
    """Whether accounts have a calendar that counts as the primary one (not on the wire)."""


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider as one site sees it: built in, or installed there."""

    id: str
    kind: str
    name: str
    calendar_type: CalendarType
    features: Features
    built_in: bool
    config: dict[str, str]
    """What the installation was given, for instance `url`; empty for a built-in provider."""
