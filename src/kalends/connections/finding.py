"""Finding a connection or a schedule for a caller, in the order of checks that every use case shares."""

from collections.abc import Sequence

from kalends.model.connection import Connection
from kalends.model.errors import PermissionDenied, connection_not_found, schedule_not_found
from kalends.model.identity import Identity, Permission
from kalends.model.schedule import Schedule
from kalends.store.connections import Connections
from kalends.store.database import Transaction
from kalends.store.schedules import Schedules


async def find_connection(
    reader: Transaction, identity: Identity, connection_id: str, everyone: Permission
) -> Connection:
    """Return a connection that the caller reaches by owning its schedule or by the permission for everyone's.

    Raises `NotFound`, then `PermissionDenied`.
    """
    connection = await Connections(reader, identity.site_id).get(connection_id)
    if connection is None:
        raise connection_not_found(connection_id)
    if not identity.covers(everyone, connection.owner_id):
        raise PermissionDenied("The connection belongs to a schedule of somebody else.")
    return connection


async def find_schedule(reader: Transaction, identity: Identity, schedule_id: str, everyone: Permission) -> Schedule:
    """Return a schedule that the caller reaches; raises `NotFound`, then `PermissionDenied`."""
    schedule = await Schedules(reader, identity.site_id).get(schedule_id.lower())
    if schedule is None:
        raise schedule_not_found(schedule_id)
    if not identity.covers(everyone, schedule.owner_id):
        raise PermissionDenied("The schedule belongs to somebody else.")
    return schedule


def owners_reached(identity: Identity, everyone: Permission) -> Sequence[str] | None:
    """Return whose schedules the caller reaches in a list: None for everybody's."""
    if everyone in identity.permissions:
        return None
    return [identity.user_id] if identity.user_id else []


def require_premium(identity: Identity) -> None:
    """Raise the contract's error where the site withholds the premium features from the app."""
    if not identity.premium:
        raise PermissionDenied(
            "The site has not switched external calendars on for this app.", code="PREMIUM_FEATURE_NOT_ENABLED"
        )
