"""A connection: its status and its sync config, in the words of the contract (§5.2, §5.5)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Status(StrEnum):
    """Status of a connection."""

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


class ImportChoice(StrEnum):
    """Which calendars are imported: the arms of `listEventFromCalendars`."""

    PRIMARY = "primary"
    CALENDARS = "calendars"


@dataclass(frozen=True, slots=True)
class SelectedCalendar:
    """A calendar chosen for import; `id` is the provider's."""

    id: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class ImportConfig:
    """`listEventFromCalendars`. `calendars` is meant only with the choice `CALENDARS`."""

    enabled: bool = True
    choice: ImportChoice = ImportChoice.CALENDARS
    calendars: tuple[SelectedCalendar, ...] = ()


@dataclass(frozen=True, slots=True)
class Connection:
    """One account of a provider, connected to one schedule. `owner_id` is the owner of the schedule."""

    site_id: str
    id: str
    provider_id: str
    schedule_id: str
    owner_id: str | None
    app_id: str | None
    account_key: str
    account_email: str
    addresses: frozenset[str]
    status: Status
    error_reason: ErrorReason | None
    import_config: ImportConfig
    created_at: datetime
    last_good_read_at: datetime | None
    failures: int
    """Failed syncs since the last good one."""
    last_error: str | None
    wanted_rev: int
    done_rev: int
    quirks: frozenset[str] = frozenset()
    """Names of the deviations that the provider's server showed."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to sync one connection; `fence` rises with each lease and is checked on every write.

    `wanted_rev` is what was wanted when it was taken; `asked` tells whether that had not been done yet.
    """

    site_id: str
    connection_id: str
    owner: str
    fence: int
    wanted_rev: int
    asked: bool


@dataclass(frozen=True, slots=True)
class SyncCounts:
    """What one sync did."""

    calendars: int = 0
    pages: int = 0
    changed: int = 0
    removed: int = 0
    quarantined: int = 0

    def __add__(self, other: "SyncCounts") -> "SyncCounts":
        """Add two counts."""
        return SyncCounts(
            self.calendars + other.calendars,
            self.pages + other.pages,
            self.changed + other.changed,
            self.removed + other.removed,
            self.quarantined + other.quarantined,
        )
