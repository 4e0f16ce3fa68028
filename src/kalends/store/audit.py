"""What people did that has to be answered for: who, when, to which connection. Written once and never changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import insert, select

from kalends.model.connection import Actor
from kalends.model.identity import IdentityKind
from kalends.model.ids import new_id
from kalends.store.repository import SiteRepository
from kalends.store.tables import audit


class Action(StrEnum):
    """What was done."""

    ACKNOWLEDGED = "acknowledged"
    ACKNOWLEDGEMENT_WITHDRAWN = "acknowledgement_withdrawn"
    CONNECTED_DELEGATED = "connected_delegated"


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that was done; `details` hold what it takes to understand it, as JSON."""

    at: datetime
    by: Actor
    action: Action
    connection_id: str
    details: Mapping[str, Any] = field(default_factory=dict)


class Audit(SiteRepository):
    """The acts of one site."""

    async def add(self, act: Act) -> None:
        """Write an act, in the transaction of what was done."""
        await self._connection.execute(
            insert(audit).values(
                site_id=self._site_id,
                id=new_id(),
                at=act.at,
                actor_kind=act.by.kind.value,
                actor_id=act.by.id,
                action=act.action.value,
                connection_id=act.connection_id,
                details=dict(act.details),
            )
        )

    async def latest(self, connection_id: str, limit: int) -> Sequence[Act]:
        """Return what was done to a connection, the newest first."""
        query = (
            select(audit)
            .where(audit.c.site_id == self._site_id, audit.c.connection_id == connection_id)
            .order_by(audit.c.at.desc(), audit.c.id)
            .limit(limit)
        )
        return [
            Act(
                row.at,
                Actor(IdentityKind(row.actor_kind), row.actor_id),
                Action(row.action),
                connection_id,
                row.details,
            )
            for row in await self._connection.execute(query)
        ]
