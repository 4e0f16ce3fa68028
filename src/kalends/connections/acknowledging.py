"""Acknowledge that a connection is broken, so that *list events* does without it until it is read well again.

It fails closed all the same: what was read of the calendars before still blocks.
"""

from dataclasses import replace
from datetime import datetime

from kalends.connections.finding import find_connection
from kalends.connections.health import ConnectionHealth, HealthReading
from kalends.connections.readability import Standing
from kalends.model.clock import Clock
from kalends.model.connection import Acknowledgement, Actor, Connection
from kalends.model.errors import Invalid, PermissionDenied, PreconditionFailed, Rule
from kalends.model.identity import Identity, Permission
from kalends.store.audit import Act, Action, Audit
from kalends.store.connections import Connections
from kalends.store.database import Database, Transaction


class Acknowledging:
    """Gives and withdraws acknowledgements; each is audited."""

    def __init__(self, database: Database, health: HealthReading, clock: Clock) -> None:
        self._database = database
        self._health = health
        self._clock = clock

    async def acknowledge(
        self, identity: Identity, connection_id: str, *, until: datetime | None = None, note: str | None = None
    ) -> ConnectionHealth:
        """Acknowledge that a connection cannot be read; a second time takes the place of the first.

        Raises `Invalid` (`UNTIL_PASSED`), `NotFound`, `PermissionDenied`, `PreconditionFailed`
        (`CONNECTION_NOT_BROKEN`).
        """
        now = self._clock.now()
        if until is not None and until <= now:
            raise Invalid.one("until", "must lie in the future", Rule.OTHER, name="UNTIL_PASSED")
        async with self._database.write() as writer:
            connection = await self._locked(writer, identity, connection_id)
            standing = (await self._health.look(writer, connection)).readability.standing
            if standing in {Standing.READABLE, Standing.NOT_COUNTED}:
                raise PreconditionFailed(
                    "The connection can be read, or nothing is imported from it: there is nothing to acknowledge.",
                    code="CONNECTION_NOT_BROKEN",
                )
            given = Acknowledgement(now, Actor.of(identity), until, note)
            await Connections(writer, identity.site_id).set_acknowledgement(connection.id, given)
            details = {"until": until.isoformat() if until else None, "note": note}
            await Audit(writer, identity.site_id).add(Act(now, given.by, Action.ACKNOWLEDGED, connection.id, details))
            return await self._health.look(writer, replace(connection, acknowledgement=given))

    async def withdraw(self, identity: Identity, connection_id: str) -> ConnectionHealth:
        """Take an acknowledgement back, before a good read or its time ends it.

        Raises `NotFound`, `PermissionDenied`, `PreconditionFailed` (`CONNECTION_NOT_ACKNOWLEDGED`).
        """
        now = self._clock.now()
        async with self._database.write() as writer:
            connection = await self._locked(writer, identity, connection_id)
            given = connection.acknowledgement
            if given is None or not given.holds(now):
                raise PreconditionFailed(
                    "Nobody has acknowledged that the connection is broken.", code="CONNECTION_NOT_ACKNOWLEDGED"
                )
            await Connections(writer, identity.site_id).set_acknowledgement(connection.id, None)
            await Audit(writer, identity.site_id).add(
                Act(now, Actor.of(identity), Action.ACKNOWLEDGEMENT_WITHDRAWN, connection.id)
            )
            return await self._health.look(writer, replace(connection, acknowledgement=None))

    async def _locked(self, writer: Transaction, identity: Identity, connection_id: str) -> Connection:
        await Connections(writer, identity.site_id).lock(connection_id)
        connection = await find_connection(writer, identity, connection_id, Permission.MANAGE_ALL_CONNECTIONS)
        if Permission.MANAGE_ALL_CONNECTIONS not in identity.permissions:
            raise PermissionDenied("That a connection is broken is for an administrator to acknowledge.")
        return connection
