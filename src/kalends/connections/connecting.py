"""Connecting an account to a schedule."""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog

from kalends.accounts.directory import ProviderDirectory
from kalends.accounts.sessions import Accounts
from kalends.connections.disconnecting import has_copies
from kalends.connections.finding import find_connection, find_schedule, require_premium
from kalends.connections.views import ConnectionView, provider_unavailable
from kalends.jobs.wanting import Wanting
from kalends.model.calendar import Account, ExternalCalendar
from kalends.model.clock import Clock
from kalends.model.connection import Actor, Connection, ConnectionKey, ImportChoice, ImportConfig, Status
from kalends.model.errors import (
    Invalid,
    NotFound,
    PermissionDenied,
    Rule,
    Unauthenticated,
    not_supported_by_provider,
    schedule_cancelled,
)
from kalends.model.identity import Identity, Permission
from kalends.model.ids import new_connection_id
from kalends.model.provider import ConnectMethod, Provider
from kalends.model.schedule import Schedule, ScheduleStatus
from kalends.net.errors import BadUrl
from kalends.providers.base import TellsOfChanges, became_at
from kalends.providers.errors import CredentialsRefused, MailboxUnknown, NotSupported, ProviderError
from kalends.store.audit import Act, Action, Audit
from kalends.store.calendars import Calendars
from kalends.store.channels import Channels
from kalends.store.connections import Connections
from kalends.store.database import Database, Transaction
from kalends.store.repository import AlreadyThere
from kalends.store.schedules import Schedules
from kalends.store.users import Users
from kalends.sync.outcome import describe

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class AnsweredFor:
    """What is written down of connecting where somebody has to answer for it, as `store.audit` keeps it."""

    action: Action
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FoundAccount:
    """An account with its calendars; `redirect_url` is where its owner came from, by OAuth."""

    account: Account
    calendars: Sequence[ExternalCalendar]
    redirect_url: str | None = None
    answered_for: AnsweredFor | None = None


class Connecting:
    """Connects accounts, and reconnects those that were connected before."""

    def __init__(
        self, database: Database, directory: ProviderDirectory, accounts: Accounts, clock: Clock, wanting: Wanting
    ) -> None:
        self._database = database
        self._directory = directory
        self._accounts = accounts
        self._clock = clock
        self._wanting = wanting

    async def by_credentials(
        self, identity: Identity, *, provider_id: str, schedule_id: str, email: str, password: str
    ) -> ConnectionView:
        """Connect the account that the credentials open; the first import begins at once.

        The same account and schedule again give the same connection with fresh credentials. Raises `NotFound`,
        `PermissionDenied`, `PreconditionFailed` (`NOT_SUPPORTED_BY_PROVIDER`), `Unauthenticated` (`BAD_CREDENTIALS`),
        `ProviderUnavailable`.
        """
        provider, schedule = await self.reach(identity, provider_id, schedule_id)
        require_premium(identity)
        check_active(schedule)
        if ConnectMethod.CREDENTIALS not in provider.features.connect_methods:
            raise not_supported_by_provider(f"{provider.name} does not connect by e-mail address and password.")
        finding = self._accounts.find(provider, email=email, password=password)
        return await self.found(identity, provider, schedule, finding)

    async def by_feed(self, identity: Identity, *, provider_id: str, schedule_id: str, url: str) -> ConnectionView:
        """Connect the feed at an address, which is kept as a password is; the first import begins at once.

        The same address and schedule again give the same connection. Raises `Invalid` for what is no address,
        `NotFound`, `PermissionDenied`, `PreconditionFailed` (`NOT_SUPPORTED_BY_PROVIDER`), `Unauthenticated`
        (`BAD_CREDENTIALS`), `ProviderUnavailable`.
        """
        provider, schedule = await self.reach(identity, provider_id, schedule_id)
        require_premium(identity)
        check_active(schedule)
        try:
            return await self.found(identity, provider, schedule, self._accounts.find_feed(provider, url=url))
        except BadUrl:
            raise Invalid.one(
                "url", "must be the web address of a feed", Rule.FORMAT, data={"type": "WEB_URL"}
            ) from None

    async def found(
        self,
        identity: Identity,
        provider: Provider,
        schedule: Schedule,
        finding: Awaitable[Account],
        *,
        answered_for: AnsweredFor | None = None,
    ) -> ConnectionView:
        """Connect the account that is being looked for, and say what goes wrong at the provider in the API's errors.

        Raises what `connect` raises but for `ProviderError`: `Unauthenticated` (`BAD_CREDENTIALS`), `NotFound`
        (`MAILBOX_NOT_FOUND`), `PreconditionFailed` (`NOT_SUPPORTED_BY_PROVIDER`), `ProviderUnavailable`.
        """
        try:
            connection = await self.connect(identity, provider, schedule, await finding, answered_for=answered_for)
        except MailboxUnknown as unknown:
            raise NotFound(unknown.public, code="MAILBOX_NOT_FOUND") from None
        except CredentialsRefused as refused:
            raise Unauthenticated(refused.public, code="BAD_CREDENTIALS") from None
        except NotSupported as unsupported:
            raise not_supported_by_provider(unsupported.public) from None
        except ProviderError as error:
            # the caller learns nothing about the network; the operator learns which host, and why
            log.warning("provider_not_reached", provider=provider.id, error=describe(error))
            raise provider_unavailable(error.public, provider.id) from None
        return ConnectionView(connection, provider)

    async def connect(
        self,
        identity: Identity,
        provider: Provider,
        schedule: Schedule,
        account: Account,
        *,
        redirect_url: str | None = None,
        answered_for: AnsweredFor | None = None,
    ) -> Connection:
        """Connect an account that was just found, and begin its first import.

        `redirect_url` is where its owner came from, by OAuth; `answered_for` is written down with it. Raises
        `ProviderError` where its calendars cannot be listed, or there are none that hold events, and `PermissionDenied`
        or `PreconditionFailed` where the schedule has changed meanwhile.
        """
        async with self._accounts.open(provider, account) as session:
            calendars = await session.list_calendars()
        if not calendars:
            nothing = "There is no calendar that holds events."
            raise NotSupported(nothing, public=nothing)
        return await self.keep(
            identity, provider, schedule, FoundAccount(account, calendars, redirect_url, answered_for)
        )

    async def keep(self, identity: Identity, provider: Provider, schedule: Schedule, found: FoundAccount) -> Connection:
        """Store a connection to an account, or fresh credentials with the one that there is, and ask for a sync."""
        try:
            return await self._write(identity, provider, schedule, found)
        except AlreadyThere:
            # another request connected the same account in this moment: its row is there now
            return await self._write(identity, provider, schedule, found)

    async def with_what_is_kept(self, provider: Provider, schedule: Schedule, account: Account) -> Account | None:
        """Return an account with the lasting credentials that its connection keeps; None where it keeps none."""
        async with self._database.read() as reader:
            connections = Connections(reader, schedule.site_id)
            earlier = await connections.of_account(schedule.id, provider.id, account.key)
            sealed = await connections.sealed_credentials(earlier.id) if earlier else None
        if earlier is None or sealed is None or earlier.status in {Status.ERROR, Status.DISCONNECTED}:
            return None
        if account.scopes is not None and not account.scopes <= (earlier.scopes or frozenset()):
            return None  # what lasts of the earlier consent does not reach as far
        kept = self._accounts.unseal(sealed, schedule.site_id, earlier.id)
        return replace(account, credentials={**kept, **account.credentials}, lasting=True)

    async def reach(self, identity: Identity, provider_id: str, schedule_id: str) -> tuple[Provider, Schedule]:
        """Return a provider and a schedule that somebody may connect; raises `NotFound`, `PermissionDenied`."""
        provider = await self._directory.get(identity.site_id, provider_id)
        async with self._database.read() as reader:
            schedule = await find_schedule(reader, identity, schedule_id, Permission.MANAGE_ALL_CONNECTIONS)
        return provider, schedule

    async def _write(
        self,
        identity: Identity,
        provider: Provider,
        schedule: Schedule,
        found: FoundAccount,
    ) -> Connection:
        now, account = self._clock.now(), found.account
        async with self._database.write() as writer:
            await _still_allowed(writer, identity, schedule)
            connections = Connections(writer, identity.site_id)
            earlier = await connections.of_account(schedule.id, provider.id, account.key)
            if earlier is not None:
                await connections.lock(earlier.id)
                earlier = await connections.get(earlier.id)
            if earlier is None:
                connection = _new(identity, provider, schedule, found, now)
                sealed = self._accounts.seal(account, identity.site_id, connection.id)
                await connections.add(connection, credentials=sealed)
            else:
                connection = earlier
                sealed = self._accounts.seal(account, identity.site_id, connection.id)
                await connections.void_lease(connection.id)
                await connections.set_account(
                    connection.id,
                    email=account.email,
                    addresses=account.addresses,
                    credentials=sealed,
                    scopes=account.scopes,
                    redirect_url=found.redirect_url,
                )
                if earlier.status in {Status.DISCONNECTED, Status.ERROR}:
                    await connections.revive(connection.id)
                await connections.begin_exporting_anew(connection.id)
                if await has_copies(writer, earlier):
                    await self._wanting.export(writer, ConnectionKey(identity.site_id, connection.id))
            kind = self._directory.kind(provider)
            await Calendars(writer, identity.site_id).see(
                connection.id, found.calendars, select_own=earlier is None, became=became_at(kind)
            )
            if isinstance(kind, TellsOfChanges):
                key, channels = ConnectionKey(identity.site_id, connection.id), Channels(writer)
                # those of an earlier consent may have ended with it
                await channels.give_up(key, now)
                await channels.settle(key, now)
            if found.answered_for is not None:
                told = found.answered_for
                act = Act(now, Actor.of(identity), told.action, connection.id, told.details)
                await Audit(writer, identity.site_id).add(act)
            await self._wanting.sync(writer, ConnectionKey(identity.site_id, connection.id))
            return await find_connection(writer, identity, connection.id, Permission.READ_ALL_CONNECTIONS)


async def _still_allowed(writer: Transaction, identity: Identity, schedule: Schedule) -> None:
    """Look again: while the provider was asked, the owner may have been disabled or have changed.

    What disconnects everything of a schedule waits until this transaction has ended, so that it misses no connection.
    """
    await Schedules(writer, identity.site_id).lock(schedule.id, shared=True)
    now = await find_schedule(writer, identity, schedule.id, Permission.MANAGE_ALL_CONNECTIONS)
    owner = await Users(writer, identity.site_id).get(now.owner_id) if now.owner_id else None
    if now.owner_id != schedule.owner_id or (owner is not None and owner.disabled_at is not None):
        raise PermissionDenied("The owner of the schedule is disabled or has just changed.")
    check_active(now)


def check_active(schedule: Schedule) -> None:
    """Raise `PreconditionFailed` (`SCHEDULE_CANCELLED`) where nothing can be connected to a schedule any more."""
    if schedule.status is ScheduleStatus.CANCELLED:
        raise schedule_cancelled(schedule.id)


def _new(
    identity: Identity,
    provider: Provider,
    schedule: Schedule,
    found: FoundAccount,
    now: datetime,
) -> Connection:
    account = found.account
    has_primary = any(calendar.primary for calendar in found.calendars)
    return Connection(
        site_id=identity.site_id,
        id=new_connection_id(),
        provider_id=provider.id,
        schedule_id=schedule.id,
        owner_id=schedule.owner_id,
        app_id=identity.app_id,
        account_key=account.key,
        account_email=account.email,
        addresses=account.addresses,
        status=Status.CONNECTED,
        error_reason=None,
        import_config=ImportConfig(choice=ImportChoice.PRIMARY if has_primary else ImportChoice.CALENDARS),
        created_at=now,
        last_good_read_at=None,
        failures=0,
        last_error=None,
        wanted_rev=0,
        done_rev=0,
        scopes=account.scopes,
        redirect_url=found.redirect_url,
    )
