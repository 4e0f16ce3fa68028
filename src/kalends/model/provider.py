"""What a provider is and can do, in the words of the wire contract (§5.1)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
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


class ConnectScopes(StrEnum):
    """What people are asked to consent to when they connect by OAuth: a setting of the site."""

    FULL = "full"
    """Reading, and all that exporting needs."""
    READ = "read"
    """Reading alone."""


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
class BuiltIn:
    """What the operator has given a provider that every site has: see `Provider`."""

    config: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    name: str | None = None
    """Another name than the kind's own."""


@dataclass(frozen=True, slots=True)
class SealedSecrets:
    """The secrets of an installation, as they are stored: sealed for a row, and opened only where they are used."""

    row: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider as one site sees it: built in, or installed there."""

    id: str
    kind: str
    name: str
    calendar_type: CalendarType
    features: Features
    built_in: bool
    config: Mapping[str, str]
    """What the installation was given, for instance `url`; empty for a built-in provider."""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What else its plugin is told, and nobody is shown: the secret of the client by which it is known, say."""
    inherited: Mapping[str, str] = field(default_factory=dict)
    """What the operator's settings say to every provider of its kind, where this is an installed one."""
    sealed: SealedSecrets | None = None
    """The secrets of an installed provider, where it has some (`accounts.sessions` opens them)."""

    @property
    def settings(self) -> Mapping[str, str]:
        """What its plugin is told, but for what is sealed."""
        if not (self.secrets or self.inherited):
            return self.config
        return {**self.inherited, **self.config, **self.secrets}
