"""The exporting half of a sync: what is meant for an account is brought about there, one event after the other."""

import random
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta

import structlog

from kalends.model.clock import Clock
from kalends.model.connection import Connection, ErrorReason, ExportTarget, Lease
from kalends.model.copy import CopyChanges
from kalends.providers.base import AccountSession, ProviderKind, became_at
from kalends.providers.errors import CalendarGone, CredentialsRefused, NotSupported, ProviderError, Unavailable
from kalends.providers.export import CalendarRefused, Exports
from kalends.store.briefs import Brief
from kalends.store.calendars import Calendars
from kalends.store.connections import Connections
from kalends.store.copies import Copies
from kalends.store.database import Database, Transaction
from kalends.store.intentions import Intention, Intentions
from kalends.store.leases import LeaseLost, Leases
from kalends.store.schedules import Schedules
from kalends.store.sites import Sites
from kalends.store.standings import Standings
from kalends.sync.export.account import ExportAccount
from kalends.sync.export.convergence import Convergence, Written
from kalends.sync.export.sightings import watch
from kalends.sync.export.target import Targets, target_of
from kalends.sync.export.wanted import CopyStyle
from kalends.sync.outcome import LONGEST_RETRY_AFTER, describe
from kalends.sync.selection import imported
from kalends.sync.timing import jittered

log = structlog.get_logger(__name__)

AT_ONCE = 50
"""Intentions that are read at a time."""
FIRST_RETRY = timedelta(seconds=5)
LONGEST_RETRY = timedelta(hours=1)
TOO_MANY_FAILURES = 3
"""After so many events in a row that cannot be brought about, the rest is left for later too."""


class Exporting:
    """Exports, under the leases of syncs."""

    def __init__(
        self,
        database: Database,
        convergence: Convergence,
        targets: Targets,
        clock: Clock,
        wrote: Callable[[str, int], None],
    ) -> None:
        self._database = database
        self._convergence = convergence
        self._targets = targets
        self._clock = clock
        self._wrote = wrote
        self._jitter = random.Random()  # noqa: S311 - spreads load, guards nothing

    async def run(self, lease: Lease, brief: Brief, session: AccountSession, kind: ProviderKind) -> None:
        """Bring about what is meant by now, and note when to go on.

        What concerns single events, and what only somebody who acts can mend, is noted. Raises `ProviderError` for
        everything else, which is the caller's to `put_off`, and `LeaseLost`.
        """
        written = Written()
        try:
            await self._bring_all_about(await self._account(lease, brief, session, kind), written)
        except CalendarGone as error:
            await self._missed(lease, brief.connection, session, kind, error)
        except CalendarRefused as error:
            await self._stop(lease, brief.connection, ErrorReason.EXTERNAL_CALENDAR_CREATION_FAILED, error)
        finally:
            for operation, copies in asdict(written).items():
                if copies:
                    self._wrote(operation, copies)

    async def watch(self, lease: Lease, brief: Brief, session: AccountSession, kind: ProviderKind) -> None:
        """Have copies looked at that somebody has touched, where no other reading sees it.

        What keeps from it for a while is left for the next time. Raises `CredentialsRefused`, `LeaseLost`.
        """
        connection = brief.connection
        if not connection.exports() or connection.export.problem is not None:
            return
        target = target_of(connection, brief.calendars)
        if target is None or target.id in {one.calendar.id for one in imported(connection, brief.calendars)}:
            return
        try:
            try:
                await watch(await self._account(lease, brief, session, kind), target)
            except CalendarGone as error:
                await self._missed(lease, connection, session, kind, error)
        except CredentialsRefused:
            raise
        except ProviderError as error:
            log.warning("copies_not_watched", connection=connection.id, error=describe(error))

    async def _account(self, lease: Lease, brief: Brief, session: AccountSession, kind: ProviderKind) -> ExportAccount:
        connection = brief.connection
        if not isinstance(session, Exports):
            raise NotSupported("nothing can be written there")
        async with self._database.read() as reader:
            site_name, style, changes = await _wishes(reader, connection)
        return ExportAccount(
            database=self._database,
            lease=lease,
            connection=connection,
            session=session,
            reading=session,
            site_name=site_name,
            style=style,
            changes=changes,
            since=self._clock.now(),
            became=became_at(kind),
        )

    async def _bring_all_about(self, account: ExportAccount, written: Written) -> None:
        connection = account.connection
        target = None
        if connection.exports():
            if connection.export.problem is not None:
                async with self._database.write() as writer:
                    await Standings(writer, account.lease).waits()
                return
            target = await self._targets.of(account)
        failures = 0
        while due := await self._due(account):
            for intention in due:
                failures = 0 if await self._carry_out(account, intention, target, written) else failures + 1
                if failures >= TOO_MANY_FAILURES:
                    raise Unavailable(f"{failures} events in a row could not be brought about")
        await self._settle(account, target)

    async def _carry_out(
        self, account: ExportAccount, intention: Intention, target: str | None, written: Written
    ) -> bool:
        """Carry one intention out; tell whether that was possible, else it is left for later.

        Raises what concerns more than this event.
        """
        try:
            await self._convergence.bring_about(account, intention.event_id, target, written, look=intention.look)
        except (LeaseLost, CalendarGone, CredentialsRefused):
            raise
        except Unavailable as error:
            await self._put_one_off(account, intention, error)
            if error.retry_after is not None:
                raise
            return False
        except Exception as error:
            log.exception(
                "copy_failed_unexpectedly", connection=account.connection.id, schedule_event=intention.event_id
            )
            await self._put_one_off(account, intention, error)
            return False
        async with self._database.write() as writer:
            await Leases(writer).check(account.lease)
            await Intentions(writer, account.site_id).done(account.connection.id, intention)
        return True

    async def _due(self, account: ExportAccount) -> list[Intention]:
        """Return what is to be carried out by now; nothing where copies are to look otherwise, or be elsewhere, by now.

        Whoever comes next goes by that.
        """
        async with self._database.read() as reader:
            intentions = Intentions(reader, account.site_id)
            due = [*await intentions.due(account.connection.id, self._clock.now(), limit=AT_ONCE)]
            if not due:
                return []
            # after them, for who changes what is wanted means everything anew in the same transaction
            connection = await Connections(reader, account.site_id).get(account.connection.id)
            if connection is None or connection.export_config != account.connection.export_config:
                return []
            _, style, changes = await _wishes(reader, connection)
            return due if (style, changes) == (account.style, account.changes) else []

    async def _put_one_off(self, account: ExportAccount, intention: Intention, error: Exception) -> None:
        until = self._clock.now() + self._back_off(intention.attempts)
        log.info(
            "copy_put_off", connection=account.connection.id, schedule_event=intention.event_id, error=describe(error)
        )
        async with self._database.write() as writer:
            await Leases(writer).check(account.lease)
            await Intentions(writer, account.site_id).put_off(account.connection.id, intention, until)

    async def _settle(self, account: ExportAccount, target: str | None) -> None:
        """Note when to go on; where nothing is left and nothing wanted, take away the calendar that was for it."""
        connection_id = account.connection.id
        if await self._is_useless(account, target):
            await self._targets.clear_up(account)
        async with self._database.write() as writer:
            await Leases(writer).check(account.lease)
            due_at = await Intentions(writer, account.site_id).next_due(connection_id)
            await Standings(writer, account.lease).exported(due_at)

    async def _is_useless(self, account: ExportAccount, target: str | None) -> bool:
        """Tell whether the calendar that was made for copies is of no more use, and there are none in it."""
        dedicated = account.connection.export.dedicated_calendar
        if target is not None and dedicated in {None, target}:
            return False
        connection_id, where = account.connection.id, None if target is None else dedicated
        async with self._database.read() as reader:
            waiting = await Intentions(reader, account.site_id).count(connection_id)
            return not waiting and not await Copies(reader, account.site_id).left(connection_id, where)

    async def put_off(self, lease: Lease, error: ProviderError) -> None:
        """Note that exporting failed, and when to try again; raises `LeaseLost`."""
        now = self._clock.now()
        async with self._database.write() as writer:
            standings = Standings(writer, lease)
            back_off = self._back_off(await standings.failures())
            if isinstance(error, Unavailable) and error.retry_after is not None:
                back_off = max(back_off, min(error.retry_after, LONGEST_RETRY_AFTER))
            if isinstance(error, CredentialsRefused):
                back_off = LONGEST_RETRY
            await standings.put_off(now + back_off, describe(error))
        log.warning("export_put_off", connection=lease.connection_id, error=type(error).__name__)

    async def _missed(
        self,
        lease: Lease,
        connection: Connection,
        session: AccountSession,
        kind: ProviderKind,
        error: CalendarGone,
    ) -> None:
        """Ask a second time, in another way, before a calendar is taken for deleted; raises `ProviderError`."""
        listed = await session.list_calendars()
        async with self._database.write() as writer:
            await Leases(writer).check(lease)
            calendars = Calendars(writer, connection.site_id)
            await calendars.see(connection.id, listed, became=became_at(kind))
            now = await Connections(writer, connection.site_id).get(connection.id) or connection
            target = target_of(now, await calendars.of_connection(connection.id))
        if target is not None and target.id in {one.id for one in listed}:
            raise Unavailable(f"a calendar that the account lists is not found: {error}")
        await self._stop(lease, connection, ErrorReason.EXTERNAL_CALENDAR_DELETED, error)

    async def _stop(self, lease: Lease, connection: Connection, problem: ErrorReason, error: ProviderError) -> None:
        """Export nothing more until somebody acts: the calendar is gone, or may not be made."""
        to_own = connection.export_config.target is ExportTarget.DEDICATED
        dedicated = connection.export.dedicated_calendar if to_own else None
        async with self._database.write() as writer:
            await Leases(writer).check(lease)
            now = await Connections(writer, connection.site_id).get(connection.id)
            if now is None or now.export_config != connection.export_config:
                return  # somebody has acted already
            standings = Standings(writer, lease)
            if dedicated is not None:
                await Copies(writer, connection.site_id).lose(connection.id, dedicated)
                await Calendars(writer, connection.site_id).note_removed(connection.id, dedicated, self._clock.now())
                await standings.set_dedicated(None)
            await Intentions(writer, connection.site_id).drop(connection.id)
            await standings.stopped(problem, describe(error))
        log.warning("export_stopped", connection=lease.connection_id, reason=problem.value)

    def _back_off(self, attempts: int) -> timedelta:
        return jittered(min(FIRST_RETRY * 2 ** min(attempts, 16), LONGEST_RETRY), self._jitter)


def is_due(connection: Connection, now: datetime) -> bool:
    """Tell whether something is to be exported, or taken away, by now."""
    return connection.export.due_at is not None and connection.export.due_at <= now


async def _wishes(reader: Transaction, connection: Connection) -> tuple[str, CopyStyle, CopyChanges]:
    """Return the name of a site, what copies are to look like, and what becomes of what their owner changes."""
    site = await Sites(reader).get(connection.site_id)
    schedule = await Schedules(reader, connection.site_id).get(connection.schedule_id)
    style = CopyStyle(
        connection.export_config.privacy,
        site.copy_title if site else CopyStyle().title,
        site.copy_link if site else None,
        schedule.name if schedule else "",
        site.copy_buffer if site else timedelta(0),
    )
    return site.name if site else "", style, site.copy_changes if site else CopyChanges.RESTORE
