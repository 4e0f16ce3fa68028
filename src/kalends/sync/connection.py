"""One sync of one connection, under its lease."""

import random
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from logging import DEBUG, INFO

import structlog

from kalends.accounts.directory import ProviderDirectory
from kalends.accounts.sessions import Accounts
from kalends.model.calendar import ExternalCalendar
from kalends.model.clock import Clock
from kalends.model.connection import Connection, Lease, SyncCounts
from kalends.model.ids import new_id
from kalends.providers.base import AccountSession, ProviderKind, TellsOfChanges, became_at
from kalends.providers.errors import CalendarGone, CredentialsRefused, ProviderError, Unavailable
from kalends.store.briefs import Brief
from kalends.store.calendars import Calendars, StoredCalendar
from kalends.store.channels import Channels
from kalends.store.connections import Connections
from kalends.store.contents import Contents
from kalends.store.database import Database
from kalends.store.leases import LeaseLost, Leases
from kalends.store.quiet import QuietEnd
from kalends.store.runs import Cause, Outcome, Run, Runs
from kalends.sync.applying import storable_text
from kalends.sync.ending import Ending, Endings
from kalends.sync.export.exporting import Exporting
from kalends.sync.failpoints import FailPoints, Point
from kalends.sync.outcome import after_failure, describe
from kalends.sync.places import Place, Places
from kalends.sync.reading import CalendarReading
from kalends.sync.rolling import Rolling
from kalends.sync.selection import imported, lacks_primary
from kalends.sync.subject import StoredSubject, Subject
from kalends.sync.timing import Timing, after_success
from kalends.tracing.port import SyncSpan, Tracing

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Progress:
    """What a sync has done so far: of how many chosen calendars, which are gone, and the first failure."""

    chosen: int = 0
    counts: SyncCounts = field(default_factory=SyncCounts)
    gone: int = 0
    failed: ProviderError | None = None
    cursors: dict[str, str] = field(default_factory=dict)
    """Calendar id → the cursor of a reading that found nothing, which is still to be noted."""
    requests: int = 0
    provider: str | None = None
    """The kind of the provider's plugin, once it is known."""
    watched: bool = False
    """Whether the provider tells of changes of all chosen calendars by itself."""

    def note_request(self) -> None:
        """Count a request to the provider."""
        self.requests += 1

    @property
    def told_to_wait(self) -> bool:
        """Whether the server wants to be left alone for a time; then nothing more is asked of it."""
        return isinstance(self.failed, Unavailable) and self.failed.retry_after is not None

    def note_failure(self, error: ProviderError) -> None:
        """Keep the first failure, but for one that says when to come again: that one counts before all."""
        if self.failed is None or (isinstance(error, Unavailable) and error.retry_after is not None):
            self.failed = error

    @property
    def failure(self) -> ProviderError | None:
        """What makes the whole sync a failure: that something cannot be read, or that nothing is left to read."""
        if self.failed is None and self.chosen and self.gone == self.chosen:
            return CalendarGone("none of the chosen calendars exists any more")
        return self.failed

    @property
    def amiss(self) -> str | None:
        """What is not as it should be although the sync is none the worse for it."""
        notes = []
        if self.gone:
            notes.append(f"{self.gone} of the chosen calendars no longer exist")
        if self.counts.doubted:
            notes.append(
                f"{self.counts.doubted} events are suddenly missing, and kept until another reading says so too"
            )
        return "; ".join(notes) or None


class ConnectionSync:
    """Syncs connections."""

    def __init__(
        self,
        database: Database,
        directory: ProviderDirectory,
        accounts: Accounts,
        reading: CalendarReading,
        rolling: Rolling,
        clock: Clock,
        timing: Timing,
        places: Places,
        exporting: Exporting,
        points: FailPoints,
        tracing: Tracing,
    ) -> None:
        self._database = database
        self._directory = directory
        self._accounts = accounts
        self._reading = reading
        self._rolling = rolling
        self._clock = clock
        self._timing = timing
        self._places = places
        self._endings = Endings(database, clock)
        self._exporting = exporting
        self._points = points
        self._tracing = tracing
        self._jitter = random.Random()  # noqa: S311 - spreads load, guards nothing

    async def run(self, lease: Lease, brief: Brief) -> Run:
        """Bring all imported calendars up to date and give the lease back; return what was done.

        A failure is not raised but noted with the connection. Raises `LeaseLost`, then nothing more was written.
        """
        with self._endings.under_way() as ending, self._tracing.sync() as span:
            async with self._places.of(lease.site_id) as place:
                return await self._run(lease, brief, place, ending, span)

    async def _run(self, lease: Lease, brief: Brief, place: Place, ending: Ending, span: SyncSpan) -> Run:
        started_at = self._clock.now()
        connection = brief.connection
        progress = _Progress()
        error: Exception | None = None
        try:
            await self._read_all(lease, brief, place, progress)
            error = progress.failure
            self._points.reach(Point.BEFORE_RELEASE)
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
            progress.counts,
            storable_text(describe(error)) if error else None,
            progress.requests,
        )
        span.ran(progress.provider, run)
        quiet = self._quiet_end(lease, connection, run, progress)
        if quiet is None or not await ending.quietly(quiet):
            await self._note(lease, connection, run, error, progress)
        self._points.reach(Point.AFTER_RELEASE)
        log.log(
            DEBUG if quiet else INFO,
            "synced" if error is None else "sync_failed",
            connection=lease.connection_id,
            cause=run.cause.value,
            error=type(error).__name__ if error else None,
            changed=run.counts.changed,
            removed=run.counts.removed,
            quarantined=run.counts.quarantined,
            doubted=run.counts.doubted,
            requests=run.requests,
        )
        return run

    async def _read_all(self, lease: Lease, brief: Brief, place: Place, progress: _Progress) -> None:
        """Read each calendar; one that is gone or cannot be read leaves the others to go on."""
        connection = brief.connection
        provider = self._directory.of(connection.provider_id, brief.install)
        calendars = imported(connection, brief.calendars)
        if provider is None:
            raise Unavailable("the provider's plugin is not installed")
        if lacks_primary(connection, calendars):
            raise CalendarGone("the account has no primary calendar any more")
        if not connection.import_config.enabled and not connection.exports():
            return
        progress.chosen = len(calendars)
        now = self._clock.now()
        progress.watched = bool(calendars) and all(one.watched_until and one.watched_until > now for one in calendars)
        kind, zone = self._directory.kind(provider), brief.schedule_zone
        progress.provider = provider.kind
        # a new zone needs no provider: neither one that is down nor refused credentials keep events at old times
        placed = [
            await self._rolling.place(StoredSubject(lease, connection, calendar, kind, zone, place))
            for calendar in calendars
        ]
        async with AsyncExitStack() as stack:
            session = await stack.enter_async_context(
                self._accounts.session(connection, provider, brief.credentials, progress.note_request)
            )
            for calendar in placed:
                if not progress.told_to_wait:
                    await self._read_one(Subject(lease, connection, calendar, kind, zone, place, session), progress)
            if not progress.told_to_wait:
                await self._exporting.watch(lease, brief, session, kind)
            current = calendars and all(self._rolling.is_current(calendar) for calendar in calendars)
            if not current and not progress.told_to_wait:
                await self._look_for_calendars(lease, session, progress, kind)
            await self._note_quirks(lease, connection, session)

    async def _read_one(self, subject: Subject, progress: _Progress) -> None:
        try:
            reading = await self._reading.read(subject)
            progress.counts += reading.counts
            if reading.cursor is not None:
                progress.cursors[subject.calendar.id] = reading.cursor
            await self._rolling.roll(subject)
        except CredentialsRefused:
            raise
        except CalendarGone as error:
            await self._missed(subject, progress, error)
        except ProviderError as error:
            progress.note_failure(error)

    async def _missed(self, subject: Subject, progress: _Progress, error: CalendarGone) -> None:
        """Ask a second time, in another way, before the contents of a calendar that is not found are given up."""
        listed = await subject.session.list_calendars()
        if any(one.id == subject.calendar.calendar.id for one in listed):
            progress.note_failure(Unavailable(f"a calendar that the account lists is not found: {error}"))
            return
        if became_at(subject.kind) is not None:
            await self._see(subject.lease, listed, subject.kind)
            async with self._database.read() as reader:
                stored = await Calendars(reader, subject.lease.site_id).of_connection(subject.lease.connection_id)
            now = next((one for one in stored if one.id == subject.calendar.id), subject.calendar)
            if now.calendar.id != subject.calendar.calendar.id:
                await self._read_one(replace(subject, calendar=now), progress)
                return
        progress.gone += 1
        await self._forget(subject.lease, subject.calendar)

    async def _look_for_calendars(
        self, lease: Lease, session: AccountSession, progress: _Progress, kind: ProviderKind
    ) -> None:
        """See which calendars the account has, once a day, and always where none is chosen: silence is no answer."""
        try:
            listed = await session.list_calendars()
        except CredentialsRefused:
            raise
        except ProviderError as error:
            progress.note_failure(error)
            return
        await self._see(lease, listed, kind)

    async def _see(self, lease: Lease, listed: Sequence[ExternalCalendar], kind: ProviderKind) -> None:
        async with self._database.write() as writer:
            await Leases(writer).check(lease)
            await Calendars(writer, lease.site_id).see(lease.connection_id, listed, became=became_at(kind))
            if isinstance(kind, TellsOfChanges):
                await Channels(writer).settle(lease.key, self._clock.now())

    async def _note_quirks(self, lease: Lease, connection: Connection, session: AccountSession) -> None:
        """Write which deviations the server shows, where these are others than before."""
        if session.quirks == connection.quirks:
            return
        async with self._database.write() as writer:
            await Leases(writer).check(lease)
            await Connections(writer, lease.site_id).set_quirks(connection.id, session.quirks)
        log.info("quirks_changed", connection=connection.id, quirks=sorted(session.quirks))

    async def _forget(self, lease: Lease, calendar: StoredCalendar) -> None:
        if calendar.gone_at is not None:
            return
        async with self._database.write() as writer:
            await Leases(writer).check(lease)
            calendars = Calendars(writer, lease.site_id)
            await calendars.forget_contents([calendar.id])
            await calendars.note_gone(calendar.id, self._clock.now())

    def _quiet_end(self, lease: Lease, connection: Connection, run: Run, progress: _Progress) -> QuietEnd | None:
        """Return how the sync ends where nobody asked for it, and nothing was found, wanting or amiss; else None."""
        counts = run.counts
        found = counts.changed or counts.removed or counts.doubted
        if lease.asked or run.error or found or progress.amiss:
            return None
        next_sync_at = after_success(
            connection, self._timing, self._clock.now(), self._jitter, watched=progress.watched
        )
        return QuietEnd(lease, next_sync_at, progress.cursors)

    async def _note(
        self, lease: Lease, connection: Connection, run: Run, error: Exception | None, progress: _Progress
    ) -> None:
        now = self._clock.now()
        changed = bool(run.counts.changed or run.counts.removed)
        async with self._database.write() as writer:
            leases = Leases(writer)
            await leases.check(lease)
            for calendar_id, cursor in progress.cursors.items():
                await Contents(writer, lease.site_id, calendar_id).readings.note_good(cursor, now)
            if error is None:
                await leases.succeeded(
                    lease,
                    now=now,
                    next_sync_at=after_success(
                        connection,
                        self._timing,
                        now,
                        self._jitter,
                        changed=changed,
                        doubted=run.counts.doubted > 0,
                        watched=progress.watched,
                    ),
                    changed=changed,
                    note=progress.amiss,
                )
            else:
                failure = after_failure(connection, error, self._timing, now, self._jitter)
                await leases.failed(
                    lease,
                    now=now,
                    next_sync_at=failure.next_sync_at,
                    status=failure.status,
                    reason=failure.reason,
                    error=storable_text(failure.description) or "",
                )
            if lease.asked or error is not None or changed or run.counts.doubted:
                await Runs(writer, lease.site_id).add(run)
