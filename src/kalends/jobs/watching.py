"""Watching: seeing that providers tell of changes by themselves, where they can."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from kalends.access.secrets import digest
from kalends.accounts.directory import ProviderDirectory
from kalends.accounts.sessions import Accounts
from kalends.jobs.resting import rest
from kalends.model.clock import Clock
from kalends.model.connection import Connection, ConnectionKey
from kalends.model.ids import new_id
from kalends.model.provider import Provider
from kalends.providers.base import AccountSession, ChannelAsked, ChannelOpened, Renews, TellsOfChanges, Watches
from kalends.providers.errors import CalendarGone, CredentialsRefused, NotSupported, ProviderError
from kalends.store.calendars import Calendars, StoredCalendar
from kalends.store.channels import Channel, Channels, Unwatched
from kalends.store.connections import Connections
from kalends.store.database import Database
from kalends.sync.outcome import describe

log = structlog.get_logger(__name__)

EVERY = timedelta(seconds=5)
HOOKS_PATH = "/hooks"
RENEW_BEFORE = timedelta(days=1)
"""How long before it runs out a channel is replaced; the earlier one is stopped only then."""
CLAIMED_FOR = timedelta(minutes=5)
"""How long nobody else asks for a channel that is being asked for, and until it is tried again where that failed."""
REFUSED_FOR = timedelta(days=1)
"""How long a calendar that cannot be watched is left to polling alone."""
LONGEST = timedelta(days=7)
"""How long a channel that was asked for is remembered where no answer came."""
MOST = 20
"""Channels that are asked for, or ended, at a time."""


@dataclass(frozen=True, slots=True)
class _Account:
    """A connection with what speaking for it takes."""

    connection: Connection
    provider: Provider
    credentials: bytes | None = field(repr=False)
    calendars: Sequence[StoredCalendar]


class Watching:
    """Opens channels for imported calendars, replaces them before they run out, and ends those of no more use."""

    def __init__(
        self, database: Database, directory: ProviderDirectory, accounts: Accounts, clock: Clock, public_url: str
    ) -> None:
        self._database = database
        self._directory = directory
        self._accounts = accounts
        self._clock = clock
        self._public_url = public_url

    async def once(self) -> int:
        """Stop some channels that are of no more use, and ask for some that are due; return how many were opened."""
        await self._stop_some()
        hooks = self._hooks()
        if not hooks:
            return 0
        now = self._clock.now()
        async with self._database.read() as reader:
            due = await Channels(reader).due(hooks.keys(), now=now, limit=MOST)
        if not due:
            return 0
        async with self._database.write() as writer:
            claimed = await Channels(writer).claim(due, now=now, again_at=now + CLAIMED_FOR)
        opened = 0
        for one in claimed:
            try:
                opened += await self._watch(one, hooks)
            except ProviderError as error:
                log.info("watch_put_off", connection=one.connection.connection_id, error=describe(error))
            except Exception:
                log.exception("watch_failed", connection=one.connection.connection_id)
        return opened

    def _hooks(self) -> Mapping[str, str]:
        """Return provider id → where its notifications go, for those that can reach us."""
        return {
            provider.id: f"{self._public_url}{HOOKS_PATH}/{kind.hook}"
            for provider in self._directory.built_in()
            if isinstance(kind := self._directory.kind(provider), TellsOfChanges)
            and kind.reaches(provider.settings, self._public_url)
        }

    async def _watch(self, one: Unwatched, hooks: Mapping[str, str]) -> bool:
        """Open a channel; tell whether one was opened."""
        account = await self._account(one.connection)
        calendar = (
            next((found for found in account.calendars if found.id == one.calendar_id), None) if account else None
        )
        if account is None or calendar is None:
            return False
        if await self._renewed(account, one):
            return True
        asked = ChannelAsked(new_id(), hooks[account.provider.id], secrets.token_urlsafe(32))
        channel = Channel(
            one.connection.site_id,
            asked.id,
            one.calendar_id,
            one.connection.connection_id,
            resource_id=None,
            token_hash=digest(asked.token),
            expires_at=self._clock.now() + LONGEST,
        )
        async with self._session(account) as session:
            if not isinstance(session, Watches):
                return False
            async with self._database.write() as writer:
                await Channels(writer).ask(channel)
            try:
                opened = await session.watch(calendar.calendar, asked)
            except NotSupported:
                async with self._database.write() as writer:
                    await Channels(writer).refused(channel, again_at=self._clock.now() + REFUSED_FOR)
                return False
            except BaseException:
                async with self._database.write() as writer:
                    await Channels(writer).failed(channel, stop_after=self._clock.now() + CLAIMED_FOR)
                raise
        await self._keep(channel, opened)
        await self._stop_some()
        return True

    async def _renewed(self, account: "_Account", one: Unwatched) -> bool:
        """Have the channel that a calendar has go on, where the provider knows how; tell whether it does."""
        async with self._database.read() as reader:
            channel = await Channels(reader).of_use(one.connection.site_id, one.calendar_id)
        if channel is None or channel.resource_id is None or channel.expires_at <= self._clock.now():
            return False
        async with self._session(account) as session:
            if not isinstance(session, Renews):
                return False
            try:
                expires_at = await session.renew(channel.resource_id)
            except CalendarGone:
                return False
        await self._keep(channel, ChannelOpened(channel.resource_id, expires_at))
        return True

    async def _keep(self, channel: Channel, opened: ChannelOpened) -> None:
        """Note that a channel is open, and when to see to it again."""
        now = self._clock.now()
        # one that is granted for a short time is not replaced at once
        renew_at = max(opened.expires_at - RENEW_BEFORE, now + (opened.expires_at - now) / 2, now + CLAIMED_FOR)
        async with self._database.write() as writer:
            channels = Channels(writer)
            if opened.proven:
                await channels.prove(channel, opened.resource_id, now)
            await channels.opened(channel, opened.resource_id, expires_at=opened.expires_at, renew_at=renew_at, now=now)

    async def _stop_some(self) -> None:
        """End channels that are of no more use at their providers: what they tell is ignored, and costs both sides."""
        async with self._database.read() as reader:
            of_no_use = await Channels(reader).of_no_use(now=self._clock.now(), limit=MOST)
        for channel in of_no_use:
            async with self._database.write() as writer:
                claimed = await Channels(writer).claim_stop(channel, again_at=self._clock.now() + CLAIMED_FOR)
            if not claimed:
                continue
            try:
                await self._stop(channel)
            except (CredentialsRefused, NotSupported):
                pass  # nobody can end it for this account any more; it runs out
            except ProviderError as error:
                log.info("stop_put_off", connection=channel.connection_id, error=describe(error))
                continue
            except Exception:
                log.exception("stop_failed", connection=channel.connection_id)
                continue
            async with self._database.write() as writer:
                await Channels(writer).drop(channel)

    async def _stop(self, channel: Channel) -> None:
        account = await self._account(channel.connection)
        if channel.resource_id is None or account is None or channel.expires_at <= self._clock.now():
            return
        async with self._session(account) as session:
            if isinstance(session, Watches):
                await session.stop(channel.id, channel.resource_id)

    async def _account(self, key: ConnectionKey) -> "_Account | None":
        async with self._database.read() as reader:
            connections = Connections(reader, key.site_id)
            connection = await connections.get(key.connection_id)
            provider = (
                (await self._directory.known(reader, key.site_id)).get(connection.provider_id) if connection else None
            )
            if connection is None or provider is None:
                return None
            return _Account(
                connection,
                provider,
                await connections.sealed_credentials(key.connection_id),
                await Calendars(reader, key.site_id).of_connection(key.connection_id),
            )

    def _session(self, account: "_Account") -> AbstractAsyncContextManager[AccountSession]:
        return self._accounts.session(account.connection, account.provider, account.credentials)

    async def run(self, stopping: asyncio.Event) -> None:
        """Do so every few seconds until told to stop."""
        while not stopping.is_set():
            try:
                await self.once()
            except Exception:
                log.exception("watching_failed")
            await rest(EVERY, stopping)
