"""The composition root: makes everything from the settings, and is the only module that knows every other."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from pathlib import Path

from kalends.access.authentication import Authenticator
from kalends.access.clients import ClientAdministration
from kalends.access.sites import SiteAdministration
from kalends.access.tokens import TOKEN_PURPOSE, Tokens
from kalends.access.users import UserAdministration
from kalends.accounts.budgets import StoredBudgets
from kalends.accounts.directory import ProviderDirectory
from kalends.accounts.installing import ProviderInstallation
from kalends.accounts.sessions import Accounts
from kalends.api.services import Services
from kalends.connections.acknowledging import Acknowledging
from kalends.connections.authorizing import Authorizing
from kalends.connections.calendars import AccountCalendars
from kalends.connections.conflicts import ConflictListing
from kalends.connections.connecting import Connecting
from kalends.connections.copies import CopyPrivacy
from kalends.connections.cursors import CONFLICT_CURSOR_PURPOSE, CURSOR_PURPOSE, ConflictCursors, EventCursors
from kalends.connections.delegating import Delegating
from kalends.connections.disconnecting import Disconnecting
from kalends.connections.events import EventListing
from kalends.connections.health import HealthReading
from kalends.connections.listing import ConnectionListing, ConnectionSource
from kalends.connections.looking import Looking
from kalends.connections.runs import CURSOR_PURPOSE as RUN_CURSOR_PURPOSE
from kalends.connections.runs import RunListing
from kalends.connections.scope import Freshness, Scopes
from kalends.connections.sync_config import SyncConfigs
from kalends.connections.syncing import SyncRequests
from kalends.connections.waking import Waking
from kalends.jobs.asking import Asking
from kalends.jobs.beating import Beating
from kalends.jobs.cleaning import Cleaning
from kalends.jobs.hearing import Hearing
from kalends.jobs.leased import LeasedSync
from kalends.jobs.reconciler import Reconciler
from kalends.jobs.retention import Retention
from kalends.jobs.strays import Strays
from kalends.jobs.succession import Succession
from kalends.jobs.wanting import Wanting
from kalends.jobs.watchdog import Watchdog
from kalends.jobs.watching import Watching
from kalends.jobs.worker import Worker
from kalends.metrics.counting import Counting
from kalends.metrics.exposing import Metrics
from kalends.model.clock import Clock, SteadyClock, SystemClock
from kalends.model.occurrence import ExpansionLimits
from kalends.model.time import ZONE_RULES
from kalends.net.allowance import Allowance, Scope
from kalends.net.breaker import Breakers
from kalends.net.budgets import Budgets
from kalends.net.client import GuardedClient, Limits
from kalends.providers.base import ProviderKind
from kalends.providers.registry import ProviderRegistry
from kalends.queue.memory import MemoryQueue
from kalends.queue.port import SyncQueue
from kalends.queue.postgres import PostgresQueue
from kalends.schedules.administration import ScheduleAdministration
from kalends.schedules.cancelling import ScheduleCancelling
from kalends.schedules.changing import ScheduleChanging
from kalends.schedules.creating import ScheduleCreating
from kalends.schedules.event_accepting import EventAccepting
from kalends.schedules.event_cancelling import EventCancelling
from kalends.schedules.event_changing import EventChanging
from kalends.schedules.event_creating import EventCreating
from kalends.schedules.event_queries import CURSOR_PURPOSE as SCHEDULE_EVENT_CURSOR_PURPOSE
from kalends.schedules.event_queries import ScheduleEventCursors
from kalends.schedules.event_reading import EventReading
from kalends.schedules.queries import CURSOR_PURPOSE as SCHEDULE_CURSOR_PURPOSE
from kalends.schedules.queries import ScheduleCursors
from kalends.schedules.reading import ScheduleReading
from kalends.settings import Settings, SettingsError
from kalends.store.database import Database
from kalends.store.findings import holds_credentials
from kalends.store.occupancy import Occupancy
from kalends.sync.connection import ConnectionSync
from kalends.sync.expansion import Expander
from kalends.sync.export.convergence import Convergence
from kalends.sync.export.exporting import Exporting
from kalends.sync.export.keys import CopyKeys
from kalends.sync.export.target import Targets
from kalends.sync.failpoints import VARIABLE, FailPoints
from kalends.sync.places import Places
from kalends.sync.reading import CalendarReading
from kalends.sync.recognition import Recognition
from kalends.sync.rolling import Rolling
from kalends.sync.spans import Spans
from kalends.sync.subject import ReadingLimits
from kalends.sync.timing import Timing
from kalends.sync.turn import Turn
from kalends.tracing.port import NoTracing, Tracing
from kalends.vault.keys import Keyring, key_path
from kalends.vault.sealing import Vault
from kalends.vault.signing import Signer


@dataclass(frozen=True)
class Kalends:
    """The assembled service: what the API, the command line and the demo call."""

    settings: Settings
    database: Database
    sites: SiteAdministration
    users: UserAdministration
    clients: ClientAdministration
    tokens: Tokens
    schedules: ScheduleAdministration
    schedule_reading: ScheduleReading
    schedule_changing: ScheduleChanging
    schedule_cancelling: ScheduleCancelling
    event_creating: EventCreating
    event_changing: EventChanging
    event_cancelling: EventCancelling
    event_reading: EventReading
    installation: ProviderInstallation
    directory: ProviderDirectory
    connecting: Connecting
    authorizing: Authorizing
    delegating: Delegating
    connections: ConnectionListing
    disconnecting: Disconnecting
    health: HealthReading
    runs: RunListing
    acknowledging: Acknowledging
    events: EventListing
    conflicts: ConflictListing
    leased: LeasedSync
    asking: Asking
    wanting: Wanting
    worker: Worker
    retention: Retention
    watchdog: Watchdog
    cleaning: Cleaning
    watching: Watching
    services: Services


@asynccontextmanager
async def assemble(
    settings: Settings,
    *,
    kinds: Mapping[str, ProviderKind] | None = None,
    sources: Mapping[str, ConnectionSource] | None = None,
    clock: Clock | None = None,
    tracing: Tracing | None = None,
) -> AsyncIterator[Kalends]:
    """Make the service; nothing runs in the background until `worker.run` is called.

    `kinds` stands in for the installed provider plugins, `sources` are providers that keep their connections elsewhere.
    Without `tracing`, nothing is traced.
    Raises `SettingsError`, `PluginError`.
    """
    clock, tracing = clock or SystemClock(), tracing or NoTracing()
    kinds = ProviderRegistry.load().kinds if kinds is None else kinds
    keyring = Keyring.existing(settings)
    client = GuardedClient(
        settings.net_policy,
        limits=Limits(
            total=settings.request_timeout.total_seconds(),
            max_bytes=settings.max_response_bytes,
            # who looks at that many connections must not wait for a free one here: that would count against the host
            max_connections=max(Limits().max_connections, 2 * settings.poll_concurrency),
        ),
        breakers=Breakers(clock, settings.host_rest),
    )
    database = Database(settings.resolved_database_url)
    occupancy = Occupancy(Path(database.url.database or "")) if database.embedded else None
    expander = Expander(settings.expansion_timeout)
    try:
        if keyring is None:
            await _refuse_to_replace_a_lost_key(settings, database)
            keyring = Keyring.of(settings)
        yield _wire(settings, kinds, sources or {}, clock, keyring, client, database, occupancy, expander, tracing)
    finally:
        await expander.close()
        await client.aclose()
        await database.close()
        if occupancy is not None:
            occupancy.leave()


async def _refuse_to_replace_a_lost_key(settings: Settings, database: Database) -> None:
    async with database.read() as reader:
        lost = await holds_credentials(reader)
    if lost:
        raise SettingsError(
            f"{key_path(settings)} is missing, and the database holds passwords that were sealed with it. "
            "Put it back from your backup; where it is lost, set KALENDS_SECRET_KEY to a new key "
            "(`openssl rand -base64 32`) and connect the accounts again."
        )


def _fail_points() -> FailPoints:
    try:
        return FailPoints.of(os.environ)
    except ValueError as error:
        raise SettingsError(f"{VARIABLE}: {error}") from None


def _of_hosts(rate: float) -> Allowance | None:
    return Allowance(Scope.HOST, rate, timedelta(seconds=1), max(1, ceil(rate))) if rate else None


def _wire(
    settings: Settings,
    kinds: Mapping[str, ProviderKind],
    sources: Mapping[str, ConnectionSource],
    clock: Clock,
    keyring: Keyring,
    client: GuardedClient,
    database: Database,
    occupancy: Occupancy | None,
    expander: Expander,
    tracing: Tracing,
) -> Kalends:
    directory = ProviderDirectory(database, kinds, settings.built_in_providers)
    counting = Counting()

    def asked(provider: str, method: str, outcome: str, seconds: float) -> None:
        counting.asked(provider, outcome, seconds)
        tracing.asked(provider, method, outcome, seconds)

    shared = None if database.embedded else StoredBudgets(database, clock)
    budgets = Budgets(
        clock,
        SteadyClock(),
        hosts=_of_hosts(settings.host_rate),
        shared=shared,
        places=shared,
        secret=keyring.keys("budget keys")[0].material,
        waited=counting.budget_waited,
        refused=counting.budget_refused,
    )
    vault = Vault(keyring)
    accounts = Accounts(database, directory, vault, client, budgets, clock, asked)
    limits = ReadingLimits(
        settings.window_back,
        settings.window_ahead,
        settings.max_items,
        ExpansionLimits(max_bytes=settings.max_resource_bytes, max_occurrences=settings.max_occurrences),
    )
    points = _fail_points()
    queue: SyncQueue = MemoryQueue() if database.embedded else PostgresQueue(database)
    wanting = Wanting(queue, clock)
    event_changing = EventChanging(database, clock, wanting.export_event)
    event_cancelling = EventCancelling(database, clock, wanting.export_event)
    copy_keys = CopyKeys([key.material for key in keyring.keys("copies")])
    recognition = Recognition(database, expander, copy_keys)
    exporting = Exporting(
        database,
        Convergence(copy_keys, EventAccepting(event_changing, event_cancelling).accept, points),
        Targets(database, copy_keys),
        clock,
        counting.wrote,
    )
    reading = CalendarReading(database, recognition, clock, limits, settings.doubt_wait, points)
    rolling = Rolling(database, recognition, clock, limits, ZONE_RULES)
    sync = ConnectionSync(
        database,
        directory,
        accounts,
        reading,
        rolling,
        clock,
        Timing(
            settings.poll_interval,
            settings.longest_poll_interval,
            settings.staleness_limit,
            settings.doubt_wait,
            settings.longest_retry_interval,
            settings.safety_interval,
        ),
        Places(settings.sync_concurrency),
        exporting,
        points,
        tracing,
    )
    turn = Turn(database, directory, accounts, exporting, sync, clock)
    leased = LeasedSync(database, turn, clock, settings.lease_time, counting.ran)
    succession = Succession(database, occupancy, clock, leased.owner)
    retention = Retention(database, clock, limits)
    watchdog = Watchdog(database, clock)
    watching = Watching(database, directory, accounts, clock, settings.public_url)
    cleaning = Cleaning(database, directory, accounts, clock)
    worker = Worker(
        queue,
        leased,
        Reconciler(database, queue, leased, clock),
        retention,
        Beating(
            database,
            clock,
            leased.owner,
            Hearing(database, clock, leased.owner),
            Strays(database, leased, clock),
            succession,
        ),
        watchdog,
        cleaning,
        watching,
        max(settings.poll_concurrency, settings.sync_concurrency),
    )
    token_signer = Signer(keyring, TOKEN_PURPOSE, clock)
    tokens = Tokens(database, token_signer, clock, settings.token_lifetime)
    calendars = AccountCalendars(database, directory, accounts)
    connecting = Connecting(database, directory, accounts, clock, wanting)
    authorizing = Authorizing(database, directory, accounts, connecting, vault, clock, settings.public_url)
    delegating = Delegating(database, accounts, connecting)
    listing = ConnectionListing(database, directory, sources)
    disconnecting = Disconnecting(database, directory, clock, wanting)
    scopes = Scopes(
        database,
        directory,
        Spans(database, recognition, clock, limits),
        clock,
        Freshness(settings.staleness_limit, settings.first_read_wait),
        Looking(database, clock, settings.poll_interval),
    )
    events = EventListing(database, scopes, EventCursors(Signer(keyring, CURSOR_PURPOSE, clock)))
    conflicts = ConflictListing(database, scopes, ConflictCursors(Signer(keyring, CONFLICT_CURSOR_PURPOSE, clock)))
    health = HealthReading(database, directory, clock, settings.staleness_limit)
    runs = RunListing(database, Signer(keyring, RUN_CURSOR_PURPOSE, clock))
    acknowledging = Acknowledging(database, health, clock)
    schedule_creating = ScheduleCreating(database, clock)
    schedule_reading = ScheduleReading(database, ScheduleCursors(Signer(keyring, SCHEDULE_CURSOR_PURPOSE, clock)))
    schedule_changing = ScheduleChanging(database, clock, disconnecting.disconnect_schedule, wanting)
    event_creating = EventCreating(database, clock, wanting.export_event)
    event_reading = EventReading(database, ScheduleEventCursors(Signer(keyring, SCHEDULE_EVENT_CURSOR_PURPOSE, clock)))
    schedule_cancelling = ScheduleCancelling(
        database, clock, disconnecting.disconnect_schedule, event_cancelling.cancel_of_schedule
    )

    return Kalends(
        settings=settings,
        database=database,
        sites=SiteAdministration(database, clock, schedule_changing.move_followers, wanting.export_site),
        users=UserAdministration(database, clock, disconnecting.disconnect_owner),
        clients=ClientAdministration(database, clock),
        tokens=tokens,
        schedules=ScheduleAdministration(database, schedule_creating),
        schedule_reading=schedule_reading,
        schedule_changing=schedule_changing,
        schedule_cancelling=schedule_cancelling,
        event_creating=event_creating,
        event_changing=event_changing,
        event_cancelling=event_cancelling,
        event_reading=event_reading,
        installation=ProviderInstallation(database, directory, kinds, vault, clock),
        directory=directory,
        connecting=connecting,
        authorizing=authorizing,
        delegating=delegating,
        connections=listing,
        disconnecting=disconnecting,
        health=health,
        runs=runs,
        acknowledging=acknowledging,
        events=events,
        conflicts=conflicts,
        leased=leased,
        asking=Asking(database, wanting, leased, succession, clock),
        wanting=wanting,
        worker=worker,
        retention=retention,
        watchdog=watchdog,
        cleaning=cleaning,
        watching=watching,
        services=Services(
            authentication=Authenticator(database, token_signer, clock),
            tokens=tokens,
            providers=directory,
            connections=listing,
            connecting=connecting,
            authorizing=authorizing,
            delegating=delegating,
            waking=Waking(database, clock, wanting),
            calendars=calendars,
            sync_configs=SyncConfigs(database, directory, calendars, accounts, authorizing, wanting, clock),
            disconnecting=disconnecting,
            connection_health=health,
            connection_runs=runs,
            sync_requests=SyncRequests(database, clock, wanting),
            acknowledging=acknowledging,
            copy_privacy=CopyPrivacy(database, health, wanting),
            events=events,
            conflicts=conflicts,
            schedule_making=schedule_creating,
            schedule_looking=schedule_reading,
            schedule_updating=schedule_changing,
            schedule_ending=schedule_cancelling,
            event_making=event_creating,
            event_looking=event_reading,
            event_updating=event_changing,
            event_ending=event_cancelling,
            check_database=database.ping,
            check_ready=database.check_schema,
            metrics=Metrics(database, counting, clock),
            metrics_token=settings.metrics_token.get_secret_value() if settings.metrics_token else None,
            answered=counting.answered,
            public_url=settings.public_url,
            tracing=tracing,
            max_request_bytes=settings.max_request_bytes,
        ),
    )
