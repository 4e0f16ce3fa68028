"""Connections of a site: what the API shows of them, and what a sync notes about them."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, case, func, insert, or_, select, update

from kalends.model.connection import (
    Acknowledgement,
    Actor,
    Connection,
    ErrorReason,
    ExportConfig,
    ExportStanding,
    ExportTarget,
    ImportChoice,
    ImportConfig,
    SelectedCalendar,
    Status,
)
from kalends.model.copy import Privacy
from kalends.model.identity import IdentityKind
from kalends.store.repository import SiteRepository, chunks
from kalends.store.tables import calendars, connections, schedules

NOTHING_WRONG = {"export_problem": None, "export_failures": 0, "export_error": None}
"""The columns that say that nothing keeps from exporting."""


class Connections(SiteRepository):
    """The connections of one site."""

    async def add(self, connection: Connection, *, credentials: bytes) -> None:
        """Insert a connection, with its sealed credentials; nothing is wanted of it yet.

        Raises `AlreadyThere`, after which the transaction is of no more use.
        """
        await self._insert(
            insert(connections).values(
                site_id=self._site_id,
                id=connection.id,
                provider_id=connection.provider_id,
                schedule_id=connection.schedule_id,
                app_id=connection.app_id,
                account_key=connection.account_key,
                account_email=connection.account_email,
                addresses=sorted(connection.addresses),
                credentials=credentials,
                scopes=_listed(connection.scopes),
                redirect_url=connection.redirect_url,
                status=connection.status.value,
                error_reason=None,
                import_enabled=connection.import_config.enabled,
                import_choice=connection.import_config.choice.value,
                export_enabled=False,
                export_privacy=connection.export_config.privacy.value,
                export_failures=0,
                created_at=connection.created_at,
                wanted_rev=0,
                done_rev=0,
                fence=0,
                failures=0,
            )
        )

    async def get(self, connection_id: str) -> Connection | None:
        """Return a connection by id."""
        found = await self._select(connections.c.id == connection_id)
        return found[0] if found else None

    async def of_account(self, schedule_id: str, provider_id: str, account_key: str) -> Connection | None:
        """Return the connection of an account to a schedule."""
        found = await self._select(
            connections.c.schedule_id == schedule_id,
            connections.c.provider_id == provider_id,
            connections.c.account_key == account_key,
        )
        return found[0] if found else None

    async def matching(
        self,
        *,
        schedule_ids: Collection[str] | None = None,
        owner_ids: Collection[str] | None = None,
        provider_id: str | None = None,
    ) -> Sequence[Connection]:
        """Return the connections that match all filters given, the oldest first."""
        conditions: list[ColumnElement[bool]] = []
        if schedule_ids is not None:
            conditions.append(connections.c.schedule_id.in_(schedule_ids))
        if owner_ids is not None:
            conditions.append(schedules.c.owner_id.in_(owner_ids))
        if provider_id is not None:
            conditions.append(connections.c.provider_id == provider_id)
        return await self._select(*conditions)

    async def _select(self, *conditions: Any) -> list[Connection]:
        query = with_selected_calendars().where(connections.c.site_id == self._site_id, *conditions)
        rows = (await self._connection.execute(query)).all()
        return [connection_of(list(group)) for _, group in groupby(rows, key=lambda row: row.id)]

    async def sealed_credentials(self, connection_id: str) -> bytes | None:
        """Return the sealed credentials, None where they were erased."""
        query = select(connections.c.credentials).where(*self._is(connection_id))
        return (await self._connection.execute(query)).scalar_one_or_none()

    async def set_account(
        self,
        connection_id: str,
        *,
        email: str,
        addresses: Iterable[str],
        credentials: bytes,
        scopes: Collection[str] | None = None,
        redirect_url: str | None = None,
    ) -> None:
        """Write fresh credentials of the same account; who was renewing the earlier ones keeps out of them."""
        await self._update(
            connection_id,
            account_email=email,
            addresses=sorted(addresses),
            credentials=credentials,
            cleanup_until=None,
            renewing_until=None,
            scopes=_listed(scopes),
            redirect_url=redirect_url,
        )

    async def claim_renewal(self, connection_id: str, sealed: bytes, *, now: datetime, until: datetime) -> bool:
        """Take the right to renew credentials until a moment; tell whether it was to be had, for these credentials.

        Whoever holds it for more than twice as long from now on has a clock that is ahead, and does not count.
        """
        claimed = await self._connection.execute(
            update(connections)
            .where(
                *self._is(connection_id),
                connections.c.credentials == sealed,
                or_(
                    connections.c.renewing_until.is_(None),
                    connections.c.renewing_until <= now,
                    connections.c.renewing_until > now + 2 * (until - now),
                ),
            )
            .values(renewing_until=until)
        )
        return claimed.rowcount == 1

    async def end_renewal(self, connection_id: str, before: bytes, after: bytes) -> bool:
        """Put renewed credentials in the place of those before, and give the right back; False where others are there.

        They are the same where renewing failed.
        """
        ended = await self._connection.execute(
            update(connections)
            .where(*self._is(connection_id), connections.c.credentials == before)
            .values(credentials=after, renewing_until=None)
        )
        return ended.rowcount == 1

    async def set_import(self, connection_id: str, *, enabled: bool, choice: ImportChoice) -> None:
        """Write whether, and by which arm, calendars are imported."""
        await self._update(connection_id, import_enabled=enabled, import_choice=choice.value)

    async def set_export(self, connection_id: str, config: ExportConfig) -> None:
        """Write whether, to where and how much is exported; what kept from it before counts no more."""
        await self._update(
            connection_id,
            export_enabled=config.enabled,
            export_target=config.target.value if config.target else None,
            export_privacy=config.privacy.value,
            **NOTHING_WRONG,
        )

    async def set_copy_privacy(self, connection_id: str, privacy: Privacy) -> None:
        """Write how much copies show; what keeps from exporting keeps from it all the same."""
        await self._update(connection_id, export_privacy=privacy.value)

    async def begin_exporting_anew(self, connection_id: str) -> None:
        """Note that what kept from exporting counts no more."""
        await self._update(connection_id, **NOTHING_WRONG)

    async def set_quirks(self, connection_id: str, names: Collection[str]) -> None:
        """Write which deviations the provider's server shows."""
        await self._update(connection_id, quirks=sorted(names) or None)

    async def set_status(self, connection_id: str, status: Status, reason: ErrorReason | None = None) -> None:
        """Write the status; a reason goes with `ERROR` alone."""
        await self._update(connection_id, status=status.value, error_reason=reason.value if reason else None)

    async def set_acknowledgement(self, connection_id: str, acknowledgement: Acknowledgement | None) -> None:
        """Write who acknowledged that the connection is broken, or that nobody does any more."""
        written = None
        if acknowledgement is not None:
            until = acknowledgement.until
            written = {
                "at": acknowledgement.at.isoformat(),
                "by": [acknowledgement.by.kind.value, acknowledgement.by.id],
                "until": until.isoformat() if until else None,
                "note": acknowledgement.note,
            }
        await self._update(connection_id, acknowledgement=written)

    async def revive(self, connection_id: str) -> None:
        """Begin anew: what an earlier disconnect or error left does not count any more."""
        await self._update(
            connection_id,
            status=Status.CONNECTED.value,
            error_reason=None,
            disconnected_at=None,
            last_good_read_at=None,
            failures=0,
            last_error=None,
            acknowledgement=None,
        )

    async def lock(self, connection_id: str) -> None:
        """Keep everybody else from changing the connection until the transaction ends.

        What decides a change has to be read after this; on SQLite a transaction that writes is alone anyway.
        """
        await self._connection.execute(select(connections.c.id).where(*self._is(connection_id)).with_for_update())

    async def disconnect(self, connection_id: str, at: datetime, *, cleanup_until: datetime | None = None) -> None:
        """Write the status `DISCONNECTED`, and erase the credentials unless they are needed to clean up."""
        kept = {} if cleanup_until else {"credentials": None}
        await self._update(
            connection_id,
            **kept,
            status=Status.DISCONNECTED.value,
            done_rev=connections.c.wanted_rev,
            error_reason=None,
            cleanup_until=cleanup_until,
            renewing_until=None,
            disconnected_at=at,
            next_sync_at=None,
            last_error=None,
            acknowledgement=None,
        )

    async def want_sync(self, connection_id: str) -> int:
        """Ask for a sync; return the revision that `done_rev` has to reach."""
        changed = await self._connection.execute(
            update(connections)
            .where(*self._is(connection_id))
            .values(wanted_rev=connections.c.wanted_rev + 1)
            .returning(connections.c.wanted_rev)
        )
        return int(changed.scalar_one())

    async def want_syncs(self, schedule_ids: Collection[str]) -> Sequence[str]:
        """Ask for a sync of every live connection of schedules; return the connections' ids."""
        wanted: list[str] = []
        for some in chunks(schedule_ids):
            changed = await self._connection.execute(
                update(connections)
                .where(
                    connections.c.site_id == self._site_id,
                    connections.c.schedule_id.in_(some),
                    connections.c.status != Status.DISCONNECTED.value,
                )
                .values(wanted_rev=connections.c.wanted_rev + 1)
                .returning(connections.c.id)
            )
            wanted += changed.scalars()
        return wanted

    async def note_look(
        self, connection_ids: Collection[str], *, now: datetime, noted_before: datetime, due_by: datetime
    ) -> None:
        """Note that events of connections were asked for, where that was not noted since `noted_before`.

        Those whose last sync was good are read by `due_by`.
        """
        put_off = and_(connections.c.failures == 0, connections.c.next_sync_at > due_by)
        for some in chunks(connection_ids):
            await self._connection.execute(
                update(connections)
                .where(
                    connections.c.site_id == self._site_id,
                    connections.c.id.in_(some),
                    connections.c.status != Status.DISCONNECTED.value,
                    or_(connections.c.looked_at.is_(None), connections.c.looked_at <= noted_before),
                )
                .values(looked_at=now, next_sync_at=case((put_off, due_by), else_=connections.c.next_sync_at))
            )

    async def void_lease(self, connection_id: str) -> None:
        """Take the lease from whoever syncs the connection: nothing it read counts any more."""
        await self._update(connection_id, fence=connections.c.fence + 1, lease_owner=None, lease_until=None)

    async def count(self, provider_id: str) -> int:
        """Return how many live connections a provider has."""
        query = select(func.count()).where(
            connections.c.site_id == self._site_id,
            connections.c.provider_id == provider_id,
            connections.c.status != Status.DISCONNECTED.value,
        )
        return int((await self._connection.execute(query)).scalar_one())

    async def _update(self, connection_id: str, **values: Any) -> None:
        await self._connection.execute(update(connections).where(*self._is(connection_id)).values(**values))

    def _is(self, connection_id: str) -> tuple[Any, Any]:
        return connections.c.site_id == self._site_id, connections.c.id == connection_id


def with_selected_calendars() -> Select[Any]:
    """Return the query for connections of all sites: a row for each selected calendar, or one where there is none."""
    schedule = and_(schedules.c.site_id == connections.c.site_id, schedules.c.id == connections.c.schedule_id)
    selected = and_(
        calendars.c.site_id == connections.c.site_id,
        calendars.c.connection_id == connections.c.id,
        calendars.c.selected,
    )
    return (
        select(
            connections,
            schedules.c.owner_id,
            calendars.c.external_id.label("calendar_id"),
            calendars.c.name.label("calendar_name"),
        )
        .join(schedules, schedule)
        .join(calendars, selected, isouter=True)
        .order_by(connections.c.created_at, connections.c.id, calendars.c.position, calendars.c.external_id)
    )


def connection_of(rows: Sequence[Row[Any]]) -> Connection:
    """Return the connection that rows of `with_selected_calendars` are about."""
    row = rows[0]
    selected = tuple(SelectedCalendar(one.calendar_id, one.calendar_name) for one in rows if one.calendar_id)
    return Connection(
        site_id=row.site_id,
        id=row.id,
        provider_id=row.provider_id,
        schedule_id=row.schedule_id,
        owner_id=row.owner_id,
        app_id=row.app_id,
        account_key=row.account_key,
        account_email=row.account_email,
        addresses=frozenset(row.addresses),
        status=Status(row.status),
        error_reason=ErrorReason(row.error_reason) if row.error_reason else None,
        import_config=ImportConfig(row.import_enabled, ImportChoice(row.import_choice), selected),
        created_at=row.created_at,
        last_good_read_at=row.last_good_read_at,
        failures=row.failures,
        last_error=row.last_error,
        wanted_rev=row.wanted_rev,
        done_rev=row.done_rev,
        quirks=frozenset(row.quirks or ()),
        last_read_at=row.last_read_at,
        next_sync_at=row.next_sync_at,
        lease_until=row.lease_until,
        acknowledgement=_acknowledgement(row.acknowledgement),
        changed_at=row.changed_at,
        looked_at=row.looked_at,
        scopes=None if row.scopes is None else frozenset(row.scopes),
        redirect_url=row.redirect_url,
        export_config=ExportConfig(
            row.export_enabled,
            ExportTarget(row.export_target) if row.export_target else None,
            Privacy(row.export_privacy),
        ),
        export=ExportStanding(
            row.dedicated_calendar,
            ErrorReason(row.export_problem) if row.export_problem else None,
            row.export_due_at,
            row.export_failures,
            row.export_error,
        ),
        cleanup_until=row.cleanup_until,
    )


def _listed(scopes: Collection[str] | None) -> list[str] | None:
    return None if scopes is None else sorted(scopes)


def _acknowledgement(written: dict[str, Any] | None) -> Acknowledgement | None:
    if written is None:
        return None
    kind, actor_id = written["by"]
    until = written["until"]
    return Acknowledgement(
        datetime.fromisoformat(written["at"]),
        Actor(IdentityKind(kind), actor_id),
        datetime.fromisoformat(until) if until else None,
        written["note"],
    )
