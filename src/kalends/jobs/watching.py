"""Watching: seeing that providers tell of changes by themselves, where they can."""

import asyncio
import secrets
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta

import structlog

from kalends.access.secrets import digest
from kalends.accounts.directory import ProviderDirectory
from kalends.accounts.sessions import Accounts
from kalends.jobs.resting import rest
from kalends.model.clock import Clock
from kalends.model.ids import new_id
from kalends.providers.base import ChannelAsked, TellsOfChanges, Watches
from kalends.providers.errors import NotSupported, ProviderError
from kalends.store.calendars import Calendars
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
MOST = 20
"""Calendars for which channels are asked for at a time."""


class Watching:
    """Opens channels for imported calendars, and replaces them before they run out."""

    def __init__(
        self, database: Database, directory: ProviderDirectory, accounts: Accounts, clock: Clock, public_url: str
    ) -> None:
        self._database = database
        self._directory = directory
        self._accounts = accounts
        self._clock = clock
        self._public_url = public_url

    async def once(self) -> int:
        """Ask for some channels that are due; return how many were opened."""
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
        """Open a channel, and stop those before it; tell whether one was opened."""
        key = one.connection
        async with self._database.read() as reader:
            connections = Connections(reader, key.site_id)
            connection = await connections.get(key.connection_id)
            sealed = await connections.sealed_credentials(key.connection_id)
            calendars = await Calendars(reader, key.site_id).of_connection(key.connection_id)
            providers = await self._directory.known(reader, key.site_id)
        calendar = next((found for found in calendars if found.id == one.calendar_id), None)
        if connection is None or calendar is None:
            return False
        token = secrets.token_urlsafe(32)
        asked = ChannelAsked(new_id(), hooks[connection.provider_id], token)
        async with self._accounts.session(connection, providers[connection.provider_id], sealed) as session:
            if not isinstance(session, Watches):
                return False
            try:
                opened = await session.watch(calendar.calendar, asked)
            except NotSupported:
                async with self._database.write() as writer:
                    await Channels(writer).refused(one, again_at=self._clock.now() + REFUSED_FOR)
                return False
            channel = Channel(
                key.site_id,
                asked.id,
                one.calendar_id,
                key.connection_id,
                opened.resource_id,
                digest(token),
                opened.expires_at,
            )
            now = self._clock.now()
            # one that is granted for a short time is not replaced at once
            renew_at = max(opened.expires_at - RENEW_BEFORE, now + (opened.expires_at - now) / 2, now + CLAIMED_FOR)
            async with self._database.write() as writer:
                before = await Channels(writer).opened(channel, renew_at=renew_at)
            for earlier in before:
                # one that could not be stopped goes on telling what the new one tells too, and runs out
                with suppress(ProviderError):
                    await session.stop(earlier.id, earlier.resource_id)
                async with self._database.write() as writer:
                    await Channels(writer).drop(earlier)
        return True

    async def run(self, stopping: asyncio.Event) -> None:
        """Do so every few seconds until told to stop."""
        while not stopping.is_set():
            try:
                await self.once()
            except Exception:
                log.exception("watching_failed")
            await rest(EVERY, stopping)
