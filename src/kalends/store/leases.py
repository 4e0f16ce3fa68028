"""Leases: the right to sync one connection at a time, over all sites and processes.

A lease is taken with a fence that rises each time; every write of a sync checks in its own transaction
that the fence still stands, so that a worker that lost its lease cannot write. What each poll needs is made once and
not for each poll, of which making statements would be a third of the work.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Integer, and_, bindparam, case, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import ReturningUpdate

from kalends.model.connection import ConnectionKey, ErrorReason, Lease, Status
from kalends.store.columns import UtcDateTime
from kalends.store.repository import chunks
from kalends.store.tables import connections

Held = tuple[ConnectionKey, int]
"""A connection whose lease is held, and the lease's fence."""
LONGEST_LEASE = timedelta(hours=1)
"""Longer than that no lease lasts without being renewed: our clock was set back since."""


class LeaseLost(Exception):
    """Somebody else holds the lease now, or it was voided: what was read must not be written."""


class Leases:
    """The leases of all sites, in an open transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def wanted(
        self, now: datetime, *, limit: int, among: Collection[ConnectionKey] | None = None
    ) -> Sequence[ConnectionKey]:
        """Return connections to sync, or to export, that nobody has taken, without taking them."""
        found: dict[ConnectionKey, None] = {}
        for wanted in (_SYNC_WANTED, _EXPORT_DUE):
            # one after the other: each has an index of its own
            query = select(connections.c.site_id, connections.c.id).where(wanted, *_TAKEABLE).limit(limit)
            if among is not None:
                query = query.where(_KEY.in_([tuple(one) for one in among]))
            found |= dict.fromkeys(ConnectionKey(*row) for row in await self._connection.execute(query, _at(now)))
        return [*found][:limit]

    async def any_due(self, now: datetime) -> bool:
        """Tell whether `claim_due` would find anything, without writing."""
        return (await self._connection.execute(_ANY_DUE, _at(now))).first() is not None

    async def claim_due(self, owner: str, *, now: datetime, until: datetime, limit: int) -> Sequence[Lease]:
        """Take up to `limit` connections that are due to be read, or that somebody died over."""
        return await self._claim(_CLAIM_DUE, owner, now=now, until=until, most=limit)

    async def claim_wanted(self, key: ConnectionKey, owner: str, *, now: datetime, until: datetime) -> Lease | None:
        """Take one connection if a sync of it is wanted, or an export due; None where none is, or it is taken."""
        leases = await self._claim(_CLAIM_WANTED, owner, now=now, until=until, most=1, **_this(*key))
        return leases[0] if leases else None

    async def claim(
        self, site_id: str, connection_id: str, owner: str, *, now: datetime, until: datetime
    ) -> Lease | None:
        """Take one connection, due or not; None while somebody else syncs it."""
        leases = await self._claim(_CLAIM, owner, now=now, until=until, most=1, **_this(site_id, connection_id))
        return leases[0] if leases else None

    async def _claim(
        self, claiming: Any, owner: str, *, now: datetime, until: datetime, **which: str | int
    ) -> Sequence[Lease]:
        given = {"owner": owner, "until": until, **_at(now), **which}
        taken = await self._connection.execute(claiming, given)
        return [
            Lease(row.site_id, row.id, owner, row.fence, row.wanted_rev, asked=row.wanted_rev > row.done_rev)
            for row in taken
        ]

    async def check(self, lease: Lease) -> None:
        """Raise `LeaseLost` unless the lease stands; it then does so until the transaction ends."""
        query = select(connections.c.id).where(*held(lease)).with_for_update()
        if (await self._connection.execute(query)).one_or_none() is None:
            raise LeaseLost(lease.connection_id)

    async def standing(self, leases: Collection[Lease]) -> set[ConnectionKey]:
        """Lock connections whose leases stand, as far as nobody else writes them at this moment; return which.

        Who writes many rows waits for none of them: two such could wait for each other.
        """
        found: set[ConnectionKey] = set()
        for some in chunks(leases):
            wanted = [(one.site_id, one.connection_id, one.owner, one.fence) for one in some]
            found |= {ConnectionKey(*row) for row in await self._connection.execute(_STANDING, {"leases": wanted})}
        return found

    async def renew(self, lease: Lease, until: datetime) -> None:
        """Extend a lease, and wait for who writes the connection at this moment; raises `LeaseLost`."""
        await self._update(lease, lease_until=until)

    async def renew_all(self, leases: Collection[Lease], until: datetime) -> Collection[Lease]:
        """Extend leases, and return the others: they are lost, or somebody writes the connection at this moment."""
        standing = await self.standing(leases)
        for some in chunks(standing):
            which = _KEY.in_([tuple(key) for key in some])
            await self._connection.execute(update(connections).where(which).values(lease_until=until))
        return [one for one in leases if one.key not in standing]

    async def started(self, lease: Lease) -> None:
        """Note that a reading that shows as progress has begun; raises `LeaseLost`.

        A connection in `ERROR` stays so: only a good read ends that, and this one may not become one.
        """
        in_error = connections.c.status == Status.ERROR.value
        await self._update(lease, status=case((in_error, connections.c.status), else_=Status.SYNC_IN_PROGRESS.value))

    async def succeeded(
        self, lease: Lease, *, now: datetime, next_sync_at: datetime, note: str | None, changed: bool = False
    ) -> None:
        """Give the lease back after a good read; raises `LeaseLost`. `note` names what is amiss all the same.

        An acknowledgement that the connection is broken ends with that.
        """
        await self._update(
            lease,
            status=Status.SYNCED.value,
            error_reason=None,
            last_read_at=now,
            last_good_read_at=now,
            failures=0,
            last_error=note,
            acknowledgement=None,
            **({"changed_at": now} if changed else {}),
            **released(lease, next_sync_at),
        )

    async def failed(
        self,
        lease: Lease,
        *,
        now: datetime,
        next_sync_at: datetime,
        status: Status | None,
        reason: ErrorReason | None,
        error: str,
    ) -> None:
        """Give the lease back after a failure; a status of None leaves it as it was. Raises `LeaseLost`."""
        changed = {"status": status.value, "error_reason": reason.value if reason else None} if status else {}
        await self._update(
            lease,
            last_read_at=now,
            failures=connections.c.failures + 1,
            last_error=error,
            **changed,
            **released(lease, next_sync_at),
        )

    async def hand_back(self, lease: Lease) -> None:
        """Give the lease back without having finished; whoever comes next goes on. Harmless where it was lost."""
        await self._connection.execute(
            update(connections).where(*held(lease)).values(lease_owner=None, lease_until=None)
        )

    async def void(self, now: datetime, *, of: str | None = None, all_but: str | None = None) -> int:
        """Have the leases of one dead process, or of all but one living one, run out; return how many.

        The fence stays: should the process live, it goes on where nobody takes its place. A row that is locked is
        left for the next time; a process that was stopped may be in the middle of a transaction.
        """
        whose = connections.c.lease_owner == of if of is not None else connections.c.lease_owner != all_but
        chosen = (
            select(connections.c.site_id, connections.c.id)
            .where(whose, connections.c.lease_until >= now)
            .with_for_update(skip_locked=True)
        )
        voided = await self._connection.execute(
            update(connections).where(_KEY.in_(chosen)).values(lease_until=now - LONGEST_LEASE)
        )
        return voided.rowcount

    async def of(self, owner: str, now: datetime) -> set[Held]:
        """Return the leases that a process holds."""
        query = select(connections.c.site_id, connections.c.id, connections.c.fence).where(
            connections.c.lease_owner == owner, connections.c.lease_until >= now
        )
        return {(ConnectionKey(row.site_id, row.id), row.fence) for row in await self._connection.execute(query)}

    async def let_go(self, owner: str, leases: Collection[Held]) -> None:
        """Give leases of a process back of which nothing else is known; harmless where they were lost."""
        for (site_id, connection_id), fence in leases:
            await self.hand_back(Lease(site_id, connection_id, owner, fence, wanted_rev=0, asked=False))

    async def _update(self, lease: Lease, **values: Any) -> None:
        changed = await self._connection.execute(update(connections).where(*held(lease)).values(**values))
        if changed.rowcount != 1:
            raise LeaseLost(lease.connection_id)


_SYNC_WANTED = connections.c.wanted_rev > connections.c.done_rev
_KEY = tuple_(connections.c.site_id, connections.c.id)
_LEASE = tuple_(connections.c.site_id, connections.c.id, connections.c.lease_owner, connections.c.fence)


_NOW = bindparam("now", type_=UtcDateTime)
_EXPORT_DUE = connections.c.export_due_at <= _NOW
_WANTED = or_(_SYNC_WANTED, _EXPORT_DUE)
_ABANDONED = or_(connections.c.lease_until < _NOW, connections.c.lease_until > bindparam("longest", type_=UtcDateTime))
"""A lease was not renewed, or was taken by a clock that ran far ahead."""
_DUE = or_(connections.c.next_sync_at <= _NOW, _ABANDONED)
_TAKEABLE = (
    or_(connections.c.lease_until.is_(None), _ABANDONED),
    and_(
        or_(connections.c.status != Status.DISCONNECTED.value, _EXPORT_DUE),
        connections.c.credentials.is_not(None),
    ),
)
"""Nobody holds a lease that stands, and the connection lives, or copies of it are still to be taken away."""
_THIS = and_(connections.c.site_id == bindparam("site"), connections.c.id == bindparam("connection"))


def _at(now: datetime) -> dict[str, datetime]:
    """Return what the conditions above have to be told."""
    return {"now": now, "longest": now + LONGEST_LEASE}


def _this(site_id: str, connection_id: str) -> dict[str, str]:
    return {"site": site_id, "connection": connection_id}


def _claiming(*which: Any) -> ReturningUpdate[Any]:
    """Return the statement that takes leases for `owner`, as many as `most`."""
    chosen = (
        select(connections.c.site_id, connections.c.id)
        .where(*which, *_TAKEABLE)
        .order_by(
            # what was asked for goes before what is only due
            case((_WANTED, 0), else_=1),
            connections.c.next_sync_at.asc().nulls_first(),
        )
        .limit(bindparam("most", type_=Integer))
        .with_for_update(skip_locked=True)
    )
    return (
        update(connections)
        .where(_KEY.in_(chosen))
        .values(
            lease_owner=bindparam("owner"),
            lease_until=bindparam("until", type_=UtcDateTime),
            fence=connections.c.fence + 1,
        )
        .returning(
            connections.c.site_id,
            connections.c.id,
            connections.c.fence,
            connections.c.wanted_rev,
            connections.c.done_rev,
        )
    )


_ANY_DUE = select(connections.c.id).where(_DUE, *_TAKEABLE).limit(1)
_CLAIM_DUE, _CLAIM_WANTED, _CLAIM = _claiming(_DUE), _claiming(_THIS, _WANTED), _claiming(_THIS)
_STANDING = (
    select(connections.c.site_id, connections.c.id)
    .where(_LEASE.in_(bindparam("leases", expanding=True)))
    .with_for_update(skip_locked=True)
)


def held(lease: Lease) -> tuple[Any, ...]:
    """Return the conditions under which a connection's lease stands."""
    return (
        connections.c.site_id == lease.site_id,
        connections.c.id == lease.connection_id,
        connections.c.lease_owner == lease.owner,
        connections.c.fence == lease.fence,
    )


def released(lease: Lease, next_sync_at: datetime) -> dict[str, Any]:
    """Return the columns by which a lease is given back after a sync."""
    return {
        "done_rev": lease.wanted_rev,
        "next_sync_at": next_sync_at,
        "lease_owner": None,
        "lease_until": None,
    }
