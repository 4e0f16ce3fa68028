"""The composition root: makes everything from the settings, and is the only module that knows every other."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from kalends.access.authentication import Authenticator
from kalends.access.clients import ClientAdministration
from kalends.access.sites import SiteAdministration
from kalends.access.tokens import TOKEN_PURPOSE, Tokens
from kalends.access.users import UserAdministration
from kalends.accounts.directory import ProviderDirectory
from kalends.accounts.installing import ProviderInstallation
from kalends.accounts.sessions import Accounts
from kalends.api.services import Services
from kalends.connections.calendars import AccountCalendars
from kalends.connections.connecting import Connecting
from kalends.connections.cursors import CURSOR_PURPOSE, EventCursors
from kalends.connections.disconnecting import Disconnecting
from kalends.connections.events import EventListing, Freshness
from kalends.connections.listing import ConnectionListing, ConnectionSource
from kalends.connections.sync_config import SyncConfigs
from kalends.jobs.asking import Asking
from kalends.jobs.loop import LeasedSync, SyncLoop
from kalends.jobs.retention import Retention
from kalends.model.clock import Clock, SystemClock
from kalends.model.occurrence import ExpansionLimits
from kalends.net.client import GuardedClient, Limits
from kalends.providers.base import ProviderKind
from kalends.providers.registry import ProviderRegistry
from kalends.schedules.administration import ScheduleAdministration
from kalends.schedules.cancelling import ScheduleCancelling
from kalends.schedules.changing import ScheduleChanging
from kalends.schedules.creating import ScheduleCreating
from kalends.schedules.queries import CURSOR_PURPOSE as SCHEDULE_CURSOR_PURPOSE
from kalends.schedules.queries import ScheduleCursors
from kalends.schedules.reading import ScheduleReading
from kalends.settings import Settings, SettingsError
from kalends.store.database import Database
from kalends.store.findings import holds_credentials
from kalends.sync.connection import ConnectionSync
from kalends.sync.expansion import Expander
from kalends.sync.outcome import Timing
from kalends.sync.reading import CalendarReading
from kalends.sync.rolling import Rolling
from kalends.sync.spans import Spans
from kalends.sync.subject import ReadingLimits
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
    installation: ProviderInstallation
    directory: ProviderDirectory
    connecting: Connecting
    connections: ConnectionListing
    disconnecting: Disconnecting
    events: EventListing
    leased: LeasedSync
    asking: Asking
    loop: SyncLoop
    retention: Retention
    services: Services


@asynccontextmanager
async def assemble(
    settings: Settings,
    *,
    kinds: Mapping[str, ProviderKind] | None = None,
    sources: Mapping[str, ConnectionSource] | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[Kalends]:
    """Make the service; nothing runs in the background until `loop.run` is called.

    `kinds` stands in for the installed provider plugins, `sources` are providers that keep their connections elsewhere.
    Raises `SettingsError`, `PluginError`.
    """
    clock = clock or SystemClock()
    kinds = ProviderRegistry.load().kinds if kinds is None else kinds
    keyring = Keyring.existing(settings)
    client = GuardedClient(
        settings.net_policy,
        limits=Limits(total=settings.request_timeout.total_seconds(), max_bytes=settings.max_response_bytes),
    )
    database = Database(settings.resolved_database_url)
    expander = Expander(settings.expansion_timeout)
    try:
        if keyring is None:
            await _refuse_to_replace_a_lost_key(settings, database)
            keyring = Keyring.of(settings)
        yield _wire(settings, kinds, sources or {}, clock, keyring, client, database, expander)
    finally:
        await expander.close()
        await client.aclose()
        await database.close()


async def _refuse_to_replace_a_lost_key(settings: Settings, database: Database) -> None:
    async with database.read() as reader:
        lost = await holds_credentials(reader)
    if lost:
        raise SettingsError(
            f"{key_path(settings)} is missing, and the database holds passwords that were sealed with it. "
            "Put it back from your backup; where it is lost, set KALENDS_SECRET_KEY to a new key "
            "(`openssl rand -base64 32`) and connect the accounts again."
        )


def _wire(
    settings: Settings,
    kinds: Mapping[str, ProviderKind],
    sources: Mapping[str, ConnectionSource],
    clock: Clock,
    keyring: Keyring,
    client: GuardedClient,
    database: Database,
    expander: Expander,
) -> Kalends:
    directory = ProviderDirectory(database, kinds)
    accounts = Accounts(database, directory, Vault(keyring), client)
    limits = ReadingLimits(
        settings.window_back,
        settings.window_ahead,
        settings.max_items,
        ExpansionLimits(max_bytes=settings.max_resource_bytes, max_occurrences=settings.max_occurrences),
    )
    reading = CalendarReading(database, expander, clock, limits)
    rolling = Rolling(database, expander, clock, limits)
    sync = ConnectionSync(
        database, directory, accounts, reading, rolling, clock, Timing(settings.poll_interval, settings.staleness_limit)
    )
    leased = LeasedSync(database, sync, clock, settings.lease_time)
    loop = SyncLoop(database, leased, clock, settings.sync_concurrency)
    token_signer = Signer(keyring, TOKEN_PURPOSE, clock)
    tokens = Tokens(database, token_signer, clock, settings.token_lifetime)
    calendars = AccountCalendars(database, directory, accounts)
    connecting = Connecting(database, directory, accounts, clock, loop.wake)
    listing = ConnectionListing(database, directory, sources)
    disconnecting = Disconnecting(database, directory, clock)
    events = EventListing(
        database,
        directory,
        EventCursors(Signer(keyring, CURSOR_PURPOSE, clock)),
        Spans(database, expander, clock, limits),
        clock,
        Freshness(settings.staleness_limit, settings.first_read_wait),
        loop.wake,
    )
    schedule_creating = ScheduleCreating(database, clock)
    schedule_reading = ScheduleReading(database, ScheduleCursors(Signer(keyring, SCHEDULE_CURSOR_PURPOSE, clock)))
    schedule_changing = ScheduleChanging(database, clock, disconnecting.disconnect_schedule, loop.wake)
    schedule_cancelling = ScheduleCancelling(database, clock, disconnecting.disconnect_schedule)

    return Kalends(
        settings=settings,
        database=database,
        sites=SiteAdministration(database, clock, schedule_changing.move_followers, loop.wake),
        users=UserAdministration(database, clock, disconnecting.disconnect_owner),
        clients=ClientAdministration(database, clock),
        tokens=tokens,
        schedules=ScheduleAdministration(database, schedule_creating),
        schedule_reading=schedule_reading,
        schedule_changing=schedule_changing,
        schedule_cancelling=schedule_cancelling,
        installation=ProviderInstallation(database, directory, kinds, clock),
        directory=directory,
        connecting=connecting,
        connections=listing,
        disconnecting=disconnecting,
        events=events,
        leased=leased,
        asking=Asking(database, leased, clock),
        loop=loop,
        retention=Retention(database, clock, limits),
        services=Services(
            authentication=Authenticator(database, token_signer, clock),
            tokens=tokens,
            providers=directory,
            connections=listing,
            connecting=connecting,
            calendars=calendars,
            sync_configs=SyncConfigs(database, directory, calendars, loop.wake),
            disconnecting=disconnecting,
            events=events,
            schedule_making=schedule_creating,
            schedule_looking=schedule_reading,
            schedule_updating=schedule_changing,
            schedule_ending=schedule_cancelling,
            check_database=database.ping,
            max_request_bytes=settings.max_request_bytes,
        ),
    )
