"""Cleaning up at the provider: taking back consent that no connection needs any more."""

import asyncio
from datetime import timedelta

import structlog

from kalends.accounts.directory import ProviderDirectory
from kalends.accounts.sessions import Accounts
from kalends.jobs.resting import rest
from kalends.model.clock import Clock
from kalends.providers.errors import CredentialsRefused, ProviderError
from kalends.store.cleanups import Cleanup, Cleanups
from kalends.store.database import Database
from kalends.sync.outcome import describe

log = structlog.get_logger(__name__)

EVERY = timedelta(seconds=15)
PAUSE = timedelta(minutes=5)
"""How long is waited after a provider could not be reached."""
GRACE = timedelta(minutes=15)
"""How long after disconnecting nothing is taken back: who disconnects to connect again would lose the new consent too.

It is as long as a way to the provider and back may take.
"""
AT_ONCE = 50
"""Connections whose cleaning up is read at a time."""


class Cleaning:
    """Takes back consent after disconnecting, and erases the credentials that were kept for it.

    As long as another connection of the same account is there, consent is not taken back: at Google that would end
    both. Of several that are cleaned up after, the last one takes it back.
    """

    def __init__(self, database: Database, directory: ProviderDirectory, accounts: Accounts, clock: Clock) -> None:
        self._database = database
        self._directory = directory
        self._accounts = accounts
        self._clock = clock

    async def once(self) -> bool:
        """Clean up after some; tell whether a provider failed, so that it is to be tried again after a while."""
        now = self._clock.now()
        before = now - GRACE
        failed, last = False, None
        while True:
            async with self._database.read() as reader:
                left = await Cleanups(reader).left(now, disconnected_before=before, limit=AT_ONCE, after=last)
            for cleanup in left:
                failed |= not await self._clean_up(cleanup)
            if len(left) < AT_ONCE:
                return failed
            last = left[-1]

    async def _clean_up(self, cleanup: Cleanup) -> bool:
        """Take one consent back, and erase its credentials; tell whether that was done, or given up."""
        try:
            await self._take_back(cleanup)
        except CredentialsRefused:
            pass  # it was withdrawn at the provider before
        except Exception as error:  # noqa: BLE001 - what is wrong with one must not keep the others
            why = describe(error) if isinstance(error, ProviderError) else type(error).__qualname__
            if self._clock.now() < cleanup.until:
                log.warning("cleanup_put_off", connection=cleanup.connection_id, error=why)
                return False
            log.warning("cleanup_given_up", connection=cleanup.connection_id, error=why)
        async with self._database.write() as writer:
            await Cleanups(writer).end(cleanup)
        return True

    async def _take_back(self, cleanup: Cleanup) -> None:
        async with self._database.read() as reader:
            cleanups = Cleanups(reader)
            if await cleanups.is_in_use(cleanup) or not await cleanups.is_left(cleanup):
                return
            provider = (await self._directory.known(reader, cleanup.site_id)).get(cleanup.provider_id)
        if provider is not None:
            credentials = self._accounts.unseal(cleanup.credentials, cleanup.site_id, cleanup.connection_id)
            await self._accounts.revoke(provider, cleanup.account_key, credentials)

    async def run(self, stopping: asyncio.Event) -> None:
        """Do so every few seconds until told to stop."""
        while not stopping.is_set():
            failed = True
            try:
                failed = await self.once()
            except Exception:
                log.exception("cleanup_failed")
            await rest(PAUSE if failed else EVERY, stopping)
