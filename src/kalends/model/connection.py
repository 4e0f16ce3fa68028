"""A connection: its status and its sync config, in the words of the contract (§5.2, §5.5)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from kalends.model.copy import Privacy
from kalends.model.identity import Identity, IdentityKind


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


class ExportTarget(StrEnum):
    """Where events are exported to: the arms of `syncToCalendar`."""

    PRIMARY = "primary"
    DEDICATED = "dedicated"
    """A calendar that is made for them."""


@dataclass(frozen=True, slots=True)
class ExportConfig:
    """`syncToCalendar`, and how much copies show; a target of None was never chosen."""

    enabled: bool = False
    target: ExportTarget | None = None
    privacy: Privacy = Privacy.FULL


@dataclass(frozen=True, slots=True)
class ExportStanding:
    """How exporting stands.

    `dedicated_calendar` is the provider's id of the calendar that was made for copies, None where there is none.
    `problem` keeps from exporting until somebody acts; `due_at` is when something is to be exported, None where nothing
    is. `error` says why that was put off last, after so many `failures` in a row.
    """

    dedicated_calendar: str | None = None
    problem: ErrorReason | None = None
    due_at: datetime | None = None
    failures: int = 0
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did something that is audited: `id` is the user's, app's or key's, or `operator`."""

    kind: IdentityKind
    id: str

    @classmethod
    def of(cls, identity: Identity) -> "Actor":
        """Return the actor that an identity is."""
        return cls(identity.kind, identity.id)


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """An administrator's word that a connection is known to be broken, so that *list events* does without it.

    It ends with the next good read, and at `until` where that is given.
    """

    at: datetime
    by: Actor
    until: datetime | None = None
    note: str | None = None

    def holds(self, now: datetime) -> bool:
        """Tell whether it still counts."""
        return self.until is None or now < self.until


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
    last_read_at: datetime | None = None
    """When a sync last ended, well or not."""
    next_sync_at: datetime | None = None
    lease_until: datetime | None = None
    """Until when somebody has the right to sync it; in the past where one died over it."""
    acknowledgement: Acknowledgement | None = None
    """There if somebody acknowledged that it is broken, even where that does not count any more."""
    changed_at: datetime | None = None
    """When a sync last found that something had changed."""
    looked_at: datetime | None = None
    """About when its events were last asked for."""
    scopes: frozenset[str] | None = None
    """What its owner consented to, in the provider's words; None where nobody is asked."""
    redirect_url: str | None = None
    """Where its owner was sent when it was connected by OAuth."""
    export_config: ExportConfig = ExportConfig()
    export: ExportStanding = ExportStanding()
    cleanup_until: datetime | None = None
    """Until when cleaning up at the provider is tried, after disconnecting; None where nothing is, or was given up."""

    @property
    def shown_status(self) -> tuple[Status, ErrorReason | None]:
        """The status on the wire: what keeps from exporting shows where nothing keeps from importing.

        The events can be listed all the same, which goes by `status`.
        """
        if self.export.problem is not None and self.status not in {Status.ERROR, Status.DISCONNECTED}:
            return Status.ERROR, self.export.problem
        return self.status, self.error_reason

    @property
    def key(self) -> "ConnectionKey":
        """Which connection it is."""
        return ConnectionKey(self.site_id, self.id)

    def exports(self) -> bool:
        """Tell whether events of its schedule belong into its account."""
        return self.export_config.enabled and self.status is not Status.DISCONNECTED

    def under_way(self, now: datetime) -> bool:
        """Tell whether it is being synced."""
        return self.lease_until is not None and self.lease_until >= now


class ConnectionKey(NamedTuple):
    """Which connection of which site."""

    site_id: str
    connection_id: str


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

    @property
    def key(self) -> ConnectionKey:
        """Which connection it is about."""
        return ConnectionKey(self.site_id, self.connection_id)


@dataclass(frozen=True, slots=True)
class SyncCounts:
    """What one sync did."""

    calendars: int = 0
    pages: int = 0
    changed: int = 0
    removed: int = 0
    quarantined: int = 0
    doubted: int = 0
    """Items that are missing at the provider, and are kept until another reading says the same."""

    def __add__(self, other: "SyncCounts") -> "SyncCounts":
        """Add two counts."""
        return SyncCounts(
            self.calendars + other.calendars,
            self.pages + other.pages,
            self.changed + other.changed,
            self.removed + other.removed,
            self.quarantined + other.quarantined,
            self.doubted + other.doubted,
        )
