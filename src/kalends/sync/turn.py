"""What is done under one lease: what is due to be exported, and then the reading, where that is due too."""

from collections.abc import Collection, Mapping

import structlog

from kalends.accounts.directory import ProviderDirectory
from kalends.accounts.sessions import Accounts
from kalends.model.clock import Clock
from kalends.model.connection import Connection, ConnectionKey, Lease, Status, SyncCounts
from kalends.model.ids import new_id
from kalends.providers.errors import CredentialsRefused, ProviderError, Unavailable
from kalends.store.briefs import Brief, Briefs
from kalends.store.database import Database
from kalends.store.leases import LeaseLost, Leases
from kalends.store.runs import Cause, Outcome, Run
from kalends.sync.connection import ConnectionSync
from kalends.sync.export.exporting import Exporting, is_due
from kalends.sync.outcome import describe

log = structlog.get_logger(__name__)


class Turn:
    """Takes the turn of a connection."""

    def __init__(
        self,
        database: Database,
        directory: ProviderDirectory,
        accounts: Accounts,
        exporting: Exporting,
        sync: ConnectionSync,
        clock: Clock,
    ) -> None:
        self._database = database
        self._directory = directory
        self._accounts = accounts
        self._exporting = exporting
        self._sync = sync
        self._clock = clock

    async def briefs(self, leases: Collection[Lease]) -> Mapping[ConnectionKey, Brief]:
        """Read what is stored of connections at once, for `run`; to be done after their leases were taken."""
        async with self._database.read() as reader:
            return await Briefs(reader).of([one.key for one in leases])

    async def run(self, lease: Lease, brief: Brief | None = None) -> Run:
        """Do what is due under a lease, and give it back; return what was read.

        Where only an export was due, nothing is. A failure is not raised but noted with the connection. Raises
        `LeaseLost`, then nothing more was written.
        """
        started_at = self._clock.now()
        brief = brief or (await self.briefs([lease])).get(lease.key)
        if brief is None:
            raise LeaseLost(lease.connection_id)
        connection = brief.connection
        exports, lives = is_due(connection, started_at), connection.status is not Status.DISCONNECTED
        refused = exports and await self._export(lease, brief)
        if lives and (refused or not exports or self._is_to_be_read(lease, connection)):
            return await self._sync.run(lease, brief)
        async with self._database.write() as writer:
            await Leases(writer).hand_back(lease)
        return Run(
            new_id(),
            connection.id,
            Cause.EXPORT,
            started_at,
            self._clock.now(),
            Outcome.FAILED if refused else Outcome.DONE,
            SyncCounts(),
            None,
            0,
        )

    async def _export(self, lease: Lease, brief: Brief) -> bool:
        """Export; tell whether the account's credentials were refused, which the reading will find too, and say."""
        connection = brief.connection
        provider = self._directory.of(connection.provider_id, brief.install)
        if provider is None:
            await self._exporting.put_off(lease, Unavailable("the provider's plugin is not installed"))
            return False
        try:
            async with self._accounts.session(connection, provider, brief.credentials) as session:
                await self._exporting.run(lease, brief, session, self._directory.kind(provider))
        except CredentialsRefused as error:
            await self._exporting.put_off(lease, error)
            return True
        except ProviderError as error:
            await self._exporting.put_off(lease, error)
        except LeaseLost:
            raise
        except Exception as error:
            log.exception("export_failed_unexpectedly", connection=connection.id)
            await self._exporting.put_off(lease, Unavailable(describe(error)))
        return False

    def _is_to_be_read(self, lease: Lease, connection: Connection) -> bool:
        due_at = connection.next_sync_at
        return lease.asked or due_at is None or due_at <= self._clock.now()
