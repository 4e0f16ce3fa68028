"""What the API calls: each use case as the few methods that are needed of it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from kalends.access.authentication import Headers
from kalends.access.tokens import IssuedToken
from kalends.connections.authorizing import Arrival, Confirmation, Departure
from kalends.connections.conflicts import ConflictPage
from kalends.connections.events import EventPage
from kalends.connections.health import ConnectionHealth
from kalends.connections.listing import ConnectionList
from kalends.connections.queries import EventQuery
from kalends.connections.runs import RunPage
from kalends.connections.sync_config import SyncConfigChange
from kalends.connections.syncing import SyncAsked
from kalends.connections.views import ConnectionView
from kalends.model.calendar import ExternalCalendar
from kalends.model.copy import Privacy
from kalends.model.identity import Identity
from kalends.model.provider import Provider
from kalends.model.schedule import Schedule
from kalends.schedules.changing import ScheduleChange
from kalends.schedules.creating import ScheduleDraft
from kalends.schedules.event_drafts import EventChange, EventDraft
from kalends.schedules.event_finding import EventOnSchedule
from kalends.schedules.event_queries import EventQuery as ScheduleEventQuery
from kalends.schedules.event_reading import EventPage as ScheduleEventPage
from kalends.schedules.queries import ScheduleQuery
from kalends.schedules.reading import SchedulePage
from kalends.tracing.port import NoTracing, Tracing


class Authentication(Protocol):
    """See `kalends.access.authentication.Authenticator`."""

    async def identify(self, headers: Headers) -> Identity:
        """Return who calls."""
        ...


class ClientTokens(Protocol):
    """See `kalends.access.tokens.Tokens`."""

    async def by_client_credentials(self, client_id: str, client_secret: str, instance_id: str | None) -> IssuedToken:
        """Return a token for an app; raises `ClientRefused`."""
        ...


class ProviderListing(Protocol):
    """See `kalends.accounts.directory.ProviderDirectory`."""

    async def list(self, site_id: str) -> Sequence[Provider]:
        """Return the providers of a site."""
        ...


class ConnectionReading(Protocol):
    """See `kalends.connections.listing.ConnectionListing`."""

    async def get(self, identity: Identity, connection_id: str) -> ConnectionView:
        """Return one connection."""
        ...

    async def list(
        self, identity: Identity, *, schedule_ids: Sequence[str] | None, partial_failure: bool
    ) -> ConnectionList:
        """Return connections and what failed."""
        ...


class AccountConnecting(Protocol):
    """See `kalends.connections.connecting.Connecting`."""

    async def by_credentials(
        self, identity: Identity, *, provider_id: str, schedule_id: str, email: str, password: str
    ) -> ConnectionView:
        """Connect an account by e-mail address and password."""
        ...

    async def by_feed(self, identity: Identity, *, provider_id: str, schedule_id: str, url: str) -> ConnectionView:
        """Connect a feed by its address."""
        ...


class AccountAuthorizing(Protocol):
    """See `kalends.connections.authorizing.Authorizing`."""

    async def begin(self, identity: Identity, *, provider_id: str, schedule_id: str, redirect_url: str) -> str:
        """Return the link at which the account's owner begins."""
        ...

    async def confirmation(self, token: str) -> Confirmation:
        """Return what is to be confirmed at a link."""
        ...

    async def confirm(self, token: str) -> Departure:
        """Use the link up, and return where the browser goes."""
        ...

    async def arrive(
        self, state: str, browser: Callable[[str], str | None], answer: Mapping[str, str]
    ) -> Arrival | Departure:
        """Take the provider's answer, and return where the browser goes."""
        ...


class DelegatedConnecting(Protocol):
    """See `kalends.connections.delegating.Delegating`."""

    async def connect(
        self, identity: Identity, *, provider_id: str, schedule_id: str, email: str, any_mailbox: bool
    ) -> ConnectionView:
        """Connect a mailbox that an administrator has opened."""
        ...


class ConnectionWaking(Protocol):
    """See `kalends.connections.waking.Waking`."""

    async def wake(self, *, channel_id: str, resource_id: str, token: str) -> bool:
        """Ask for a sync of the connection that a channel is for."""
        ...

    async def opened(self, *, channel_id: str, resource_id: str, token: str) -> bool:
        """Note that a channel's notifications reach us."""
        ...

    async def ending(self, *, channel_id: str, resource_id: str, token: str) -> bool:
        """Note that a channel tells nothing more unless something is done."""
        ...


class CalendarListing(Protocol):
    """See `kalends.connections.calendars.AccountCalendars`."""

    async def list(self, identity: Identity, connection_id: str) -> Sequence[ExternalCalendar]:
        """Return the calendars of a connected account."""
        ...


class SyncConfigChanging(Protocol):
    """See `kalends.connections.sync_config.SyncConfigs`."""

    async def update(self, identity: Identity, connection_id: str, change: SyncConfigChange) -> ConnectionView:
        """Change a sync config."""
        ...


class ConnectionEnding(Protocol):
    """See `kalends.connections.disconnecting.Disconnecting`."""

    async def disconnect(self, identity: Identity, connection_id: str) -> ConnectionView:
        """Disconnect a connection."""
        ...


class ConnectionHealthReading(Protocol):
    """See `kalends.connections.health.HealthReading`."""

    async def get(self, identity: Identity, connection_id: str) -> ConnectionHealth:
        """Return the health of one connection."""
        ...


class ConnectionRunListing(Protocol):
    """See `kalends.connections.runs.RunListing`."""

    async def list(self, identity: Identity, connection_id: str, *, cursor: str | None, limit: int | None) -> RunPage:
        """Return a page of a connection's runs."""
        ...


class SyncRequesting(Protocol):
    """See `kalends.connections.syncing.SyncRequests`."""

    async def ask(self, identity: Identity, connection_id: str) -> SyncAsked:
        """Ask for a sync."""
        ...


class ConnectionAcknowledging(Protocol):
    """See `kalends.connections.acknowledging.Acknowledging`."""

    async def acknowledge(
        self, identity: Identity, connection_id: str, *, until: datetime | None, note: str | None
    ) -> ConnectionHealth:
        """Acknowledge that a connection is broken; return its health."""
        ...

    async def withdraw(self, identity: Identity, connection_id: str) -> ConnectionHealth:
        """Take that back; return the connection's health."""
        ...


class CopyPrivacyChoosing(Protocol):
    """See `kalends.connections.copies.CopyPrivacy`."""

    async def choose(self, identity: Identity, connection_id: str, privacy: Privacy) -> ConnectionHealth:
        """Choose how much copies show; return the connection's health."""
        ...


class EventReading(Protocol):
    """See `kalends.connections.events.EventListing`."""

    async def first(self, identity: Identity, query: EventQuery) -> EventPage:
        """Return the first page of events."""
        ...

    async def next(
        self, identity: Identity, cursor: str, *, limit: int | None, partial_failure: bool | None
    ) -> EventPage:
        """Return the page that a cursor leads to."""
        ...


class ConflictReading(Protocol):
    """See `kalends.connections.conflicts.ConflictListing`."""

    async def first(self, identity: Identity, query: EventQuery) -> ConflictPage:
        """Return the first page of conflicts."""
        ...

    async def next(
        self, identity: Identity, cursor: str, *, limit: int | None, partial_failure: bool | None
    ) -> ConflictPage:
        """Return the page that a cursor leads to."""
        ...


class ScheduleMaking(Protocol):
    """See `kalends.schedules.creating.ScheduleCreating`."""

    async def create(self, site_id: str, draft: ScheduleDraft, *, idempotency_key: str | None = None) -> Schedule:
        """Make a schedule, or return the one that the key has made."""
        ...


class ScheduleLooking(Protocol):
    """See `kalends.schedules.reading.ScheduleReading`."""

    async def get(self, site_id: str, schedule_id: str) -> Schedule:
        """Return one schedule."""
        ...

    async def first(self, site_id: str, query: ScheduleQuery) -> SchedulePage:
        """Return the first page of schedules."""
        ...

    async def next(self, site_id: str, cursor: str, *, limit: int | None) -> SchedulePage:
        """Return the page that a cursor leads to."""
        ...


class ScheduleUpdating(Protocol):
    """See `kalends.schedules.changing.ScheduleChanging`."""

    async def update(self, site_id: str, schedule_id: str, change: ScheduleChange, *, revision: int) -> Schedule:
        """Change a schedule."""
        ...


class ScheduleEnding(Protocol):
    """See `kalends.schedules.cancelling.ScheduleCancelling`."""

    async def cancel(
        self, site_id: str, schedule_id: str, *, preserve_future_events_with_participants: bool
    ) -> Schedule:
        """Cancel a schedule."""
        ...


class EventMaking(Protocol):
    """See `kalends.schedules.event_creating.EventCreating`."""

    async def create(self, site_id: str, draft: EventDraft, *, idempotency_key: str | None = None) -> EventOnSchedule:
        """Make an event, or return the one that the key has made."""
        ...


class EventLooking(Protocol):
    """See `kalends.schedules.event_reading.EventReading`."""

    async def get(self, site_id: str, event_id: str) -> EventOnSchedule:
        """Return one event."""
        ...

    async def site_zone(self, site_id: str) -> str:
        """Return the site's time zone."""
        ...

    async def first(self, site_id: str, query: ScheduleEventQuery) -> ScheduleEventPage:
        """Return the first page of events."""
        ...

    async def next(self, site_id: str, cursor: str, *, limit: int | None) -> ScheduleEventPage:
        """Return the page that a cursor leads to."""
        ...


class EventUpdating(Protocol):
    """See `kalends.schedules.event_changing.EventChanging`."""

    async def update(self, site_id: str, event_id: str, change: EventChange, *, revision: int) -> EventOnSchedule:
        """Change an event."""
        ...

    async def update_following(
        self, site_id: str, event_id: str, change: EventChange, *, revision: int
    ) -> EventOnSchedule:
        """Change an instance and all that follow it; return the series."""
        ...


class EventEnding(Protocol):
    """See `kalends.schedules.event_cancelling.EventCancelling`."""

    async def cancel(self, site_id: str, event_id: str) -> EventOnSchedule:
        """Cancel an event."""
        ...


class Monitoring(Protocol):
    """See `kalends.metrics.exposing.Metrics`."""

    async def exposition(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        ...


Answered = Callable[[str, str | None, int, float], None]
"""Told of each request: its method, its route or None, the status of the answer, its seconds."""


@dataclass(frozen=True)
class Services:
    """Everything that the API calls, and the little that it has to know of the settings."""

    authentication: Authentication
    tokens: ClientTokens
    providers: ProviderListing
    connections: ConnectionReading
    connecting: AccountConnecting
    authorizing: AccountAuthorizing
    delegating: DelegatedConnecting
    waking: ConnectionWaking
    calendars: CalendarListing
    sync_configs: SyncConfigChanging
    disconnecting: ConnectionEnding
    connection_health: ConnectionHealthReading
    connection_runs: ConnectionRunListing
    sync_requests: SyncRequesting
    acknowledging: ConnectionAcknowledging
    copy_privacy: CopyPrivacyChoosing
    events: EventReading
    conflicts: ConflictReading
    schedule_making: ScheduleMaking
    schedule_looking: ScheduleLooking
    schedule_updating: ScheduleUpdating
    schedule_ending: ScheduleEnding
    event_making: EventMaking
    event_looking: EventLooking
    event_updating: EventUpdating
    event_ending: EventEnding
    check_database: Callable[[], Awaitable[None]]
    """Reads something trivial; whatever it raises means that the service is not well."""
    check_ready: Callable[[], Awaitable[None]]
    """Sees whether the database is the one that this version works with; whatever it raises means that it is not."""
    metrics: Monitoring
    metrics_token: str | None
    """What monitors have to know; where there is none, nobody is told."""
    answered: Answered
    public_url: str
    """The URL by which browsers reach this service, without a slash at its end."""
    tracing: Tracing = field(default_factory=NoTracing)
    max_request_bytes: int = 1 << 20
