"""One sync of one connection, under its lease."""

import random
from collections.abc import Sequence
from contextlib import AsyncExitStack

import structlog

from kalends.accounts.directory import ProviderDirectory
from kalends.accounts.sessions import Accounts
from kalends.model.clock import Clock
from kalends.model.connection import Connection, Lease, SyncCounts
from kalends.model.ids import new_id
from kalends.model.provider import Provider
from kalends.model.schedule import Schedule
from kalends.providers.base import AccountSession
from kalends.providers.errors import CalendarGone, CredentialsRefused, ProviderError, Unavailable
from kalends.store.calendars import Calendars, StoredCalendar
from kalends.store.connections import Connections
from kalends.store.database import Database
from kalends.store.leases import LeaseLost, Leases
from kalends.store.runs import Cause, Outcome, Run, Runs
from kalends.store.schedules import Schedules
from kalends.sync.outcome import Timing, after_failure, after_success, describe
from kalends.sync.reading import CalendarReading, Subject
from kalends.sync.selection import imported

log = structlog.get_logger(__name__)


class ConnectionSync:
    """Syncs connections."""

    def __init__(
        self,
        database: Database,
        directory: ProviderDirectory,
        accounts: Accounts,
        reading: CalendarReading,
        clock: Clock,
        timing: Timing,
    ) -> None:
        self._database = database
        self._directory = directory
        self._accounts = accounts
        self._reading = reading
        self._clock = clock
        self._timing = timing
        self._jitter = random.Random()  # noqa: S311 - spreads load, guards nothing

    async def run(self, lease: Lease) -> Run:
        """Bring all imported calendars up to date and give the lease back; return what was done.

        A failure is not raised but noted with the connection. Raises `LeaseLost`, then nothing more was written.
        """
        started_at = self._clock.now()
        connection: Connection | None = None
        counts = SyncCounts()
        amiss: str | None = None
        error: Exception | None = None
        try:
            connection, provider, schedule, calendars = await self._load(lease)
            counts, amiss = await self._read_all(lease, connection, provider, schedule, calendars)
        except LeaseLost:
            raise
        except Exception as failure:
            error = failure
            if not isinstance(failure, ProviderError):
                log.exception("sync_failed_unexpectedly", connection=lease.connection_id)
        run = Run(
            new_id(),
            lease.connection_id,
            Cause.ASKED if lease.asked else Cause.POLL,
            started_at,
            self._clock.now(),
            Outcome.FAILED if error else Outcome.DONE,
            counts,
            describe(error) if error else None,
        )
        await self._note(lease, connection, run, error, amiss)
        log.info(
            "synced" if error is None else "sync_failed",
            connection=lease.connection_id,
            cause=run.cause.value,
            error=type(error).__name__ if error else None,
            changed=counts.changed,
            removed=counts.removed,
            quarantined=counts.quarantined,
        )
        return run

    async def _load(self, lease: Lease) -> tuple[Connection, Provider, Schedule, Sequence[StoredCalendar]]:
        async with self._database.read() as reader:
            connection = await Connections(reader, lease.site_id).get(lease.connection_id)
            if connection is None:
                raise LeaseLost(lease.connection_id)
            schedule = await Schedules(reader, lease.site_id).get(connection.schedule_id)
            providers = await self._directory.known(reader, lease.site_id)
            calendars = await Calendars(reader, lease.site_id).of_connection(connection.id)
        provider = providers.get(connection.provider_id)
        if schedule is None or provider is None:
            raise Unavailable("the provider's plugin is not installed")
        return connection, provider, schedule, imported(connection, calendars)

    async def _read_all(
        self,
        lease: Lease,
        connection: Connection,
        provider: Provider,
        schedule: Schedule,
        calendars: Sequence[StoredCalendar],
    ) -> tuple[SyncCounts, str | None]:
        """Read each calendar; one that is gone or cannot be read leaves the others to go on.

        Raises the first error in the end, unless it is that some, but not all, are gone: that is only noted.
        """
        if not calendars:
            return SyncCounts(), None
        counts = SyncCounts()
        gone: list[StoredCalendar] = []
        failed: ProviderError | None = None
        async with AsyncExitStack() as stack:
            session = await stack.enter_async_context(self._accounts.session(connection, provider))
            for calendar in calendars:
                subject = Subject(
                    lease, connection, calendar, self._directory.kind(provider), session, schedule.time_zone
                )
                try:
                    counts += await self._reading.read(subject)
                except CredentialsRefused:
                    raise
                except CalendarGone as error:
                    if await self._is_listed(session, calendar):
                        failed = failed or Unavailable(f"a calendar that the account lists is not found: {error}")
                    else:
                        gone.append(calendar)
                        await self._forget(lease, calendar)
                except ProviderError as error:
                    failed = failed or error
        if failed is not None:
            raise failed
        if len(gone) == len(calendars):
            raise CalendarGone("none of the chosen calendars exists any more")
        return counts, f"{len(gone)} of the chosen calendars no longer exist" if gone else None

    async def _is_listed(self, session: AccountSession, calendar: StoredCalendar) -> bool:
        """Ask a second time, in another way, before a calendar's contents are given up."""
        return any(one.id == calendar.calendar.id for one in await session.list_calendars())

    async def _forget(self, lease: Lease, calendar: StoredCalendar) -> None:
        if calendar.gone_at is not None:
            return
        async with self._database.write() as writer:
            await Leases(writer).check(lease)
            calendars = Calendars(writer, lease.site_id)
            await calendars.forget_contents([calendar.id])
            await calendars.note_gone(calendar.id, self._clock.now())

    async def _note(
        self, lease: Lease, connection: Connection | None, run: Run, error: Exception | None, amiss: str | None
    ) -> None:
        now = self._clock.now()
        async with self._database.write() as writer:
            leases = Leases(writer)
            if error is None or connection is None:
                await leases.succeeded(
                    lease,
                    now=now,
                    next_sync_at=after_success(self._timing, now, self._jitter),
                    note=amiss,
                )
            else:
                failure = after_failure(connection, error, self._timing, now, self._jitter)
                await leases.failed(
                    lease,
                    now=now,
                    next_sync_at=failure.next_sync_at,
                    status=failure.status,
                    reason=failure.reason,
                    error=failure.description,
                )
            if lease.asked or error is not None or run.counts.changed or run.counts.removed:
                await Runs(writer, lease.site_id).add(run)
