"""Changing a schedule: what is given, by whoever knows its present revision."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kalends.access.sites import checked_name, checked_zone
from kalends.jobs.wanting import Wanting
from kalends.model.clock import Clock
from kalends.model.errors import Conflict, Invalid, Rule, schedule_cancelled
from kalends.model.schedule import Schedule, ScheduleStatus, User
from kalends.schedules.finding import active_user, checked_external_id, find_schedule, site_in_force
from kalends.schedules.zones import FIELD as ZONE_FIELD
from kalends.schedules.zones import Zone, chosen_zone
from kalends.store.database import Database, Transaction
from kalends.store.schedules import Schedules

Disconnects = Callable[[Transaction, str, str], Awaitable[int]]
"""Disconnects what is connected to a schedule, given the site and the schedule's id; returns how many were."""


@dataclass(frozen=True, slots=True)
class Cleared:
    """Stands where a request takes a value away, for None says nothing."""


CLEARED = Cleared()


@dataclass(frozen=True, slots=True)
class ScheduleChange:
    """What is to be changed of a schedule; what is None stays as it was.

    `details` holds what is given of them, by the names on the wire; a value of None takes one away.
    """

    name: str | None = None
    owner_id: str | Cleared | None = None
    time_zone: str | None = None
    follows_site_zone: bool | None = None
    external_id: str | Cleared | None = None
    app_id: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


class ScheduleChanging:
    """Changes schedules. `disconnects` takes part in the transaction in which a schedule gets another owner."""

    def __init__(self, database: Database, clock: Clock, disconnects: Disconnects, wanting: Wanting) -> None:
        self._database = database
        self._clock = clock
        self._disconnects = disconnects
        self._wanting = wanting

    async def update(self, site_id: str, schedule_id: str, change: ScheduleChange, *, revision: int) -> Schedule:
        """Change what is given and return the schedule; its revision rises even where nothing is different.

        Any change of owner, from nobody or to nobody too, disconnects what is connected: the accounts were connected
        for somebody else. A change of zone asks for a sync, which places events anew; until then *list events* works
        out by itself what the zone places.

        Raises `NotFound`, `PreconditionFailed` (`SCHEDULE_CANCELLED`), `Conflict`, `Invalid`. A conflict has the code
        `ABORTED`: of those that the contract publishes, the one that means that somebody else was first, and that the
        caller may read, decide again and repeat. `currentRevision` in its data tells it from other conflicts.
        """
        if change.name is not None:
            checked_name("schedule.name", change.name)
        if change.time_zone is not None:
            checked_zone(ZONE_FIELD, change.time_zone)
        if isinstance(change.external_id, str):
            checked_external_id(change.external_id)
        async with self._database.write() as writer:
            site = await site_in_force(writer, site_id)
            schedules = Schedules(writer, site_id)
            await schedules.lock(schedule_id.lower())
            before = await find_schedule(writer, site_id, schedule_id)
            if change.app_id not in {None, before.app_id}:
                raise Invalid.one("schedule.appId", "cannot be changed", Rule.OTHER, name="IMMUTABLE")
            owner = await _new_owner(writer, before, change.owner_id)
            _check_state(before, revision)
            after = self._changed(site.time_zone, before, change, owner)
            await schedules.update(after)
            if after.owner_id != before.owner_id:
                await self._disconnects(writer, site_id, after.id)
            if after.time_zone != before.time_zone:
                await self._wanting.syncs(writer, site_id, [after.id])
            if after.name != before.name:
                await self._wanting.export_schedule(writer, site_id, after.id)
        return after

    async def move_followers(self, writer: Transaction, site_id: str, time_zone: str) -> int:
        """Move the schedules that follow the site's zone, in the caller's transaction; return how many were.

        Their revisions rise, and a sync of what is connected to them is asked for.
        """
        moved = await Schedules(writer, site_id).move_followers(time_zone, self._clock.now())
        await self._wanting.syncs(writer, site_id, moved)
        return len(moved)

    def _changed(self, site_zone: str, before: Schedule, change: ScheduleChange, owner: User | None) -> Schedule:
        # checked after the revision: who sends back the zone that the site had is told that the schedule has changed
        zone = chosen_zone(
            site_zone,
            Zone(before.time_zone, before.follows_site_zone),
            given=change.time_zone,
            follows=change.follows_site_zone,
        )
        owner_id, owner_name = before.owner_id, before.owner_name
        if isinstance(change.owner_id, Cleared):
            owner_id = owner_name = None
        elif owner is not None:
            owner_id, owner_name = owner.id, owner.name
        external_id = None if isinstance(change.external_id, Cleared) else change.external_id or before.external_id
        details = {**before.details, **change.details}
        return replace(
            before,
            name=before.name if change.name is None else checked_name("schedule.name", change.name),
            time_zone=zone.name,
            follows_site_zone=zone.follows_site,
            owner_id=owner_id,
            owner_name=owner_name,
            external_id=external_id,
            details={name: value for name, value in details.items() if value is not None},
            revision=before.revision + 1,
            updated_at=self._clock.now(),
        )


async def _new_owner(writer: Transaction, before: Schedule, wanted: str | Cleared | None) -> User | None:
    """Return the user who is to own the schedule from now on, None where it stays as it was or nobody is to."""
    if not isinstance(wanted, str) or wanted.lower() == before.owner_id:
        return None
    return await active_user(writer, before.site_id, wanted)


def _check_state(schedule: Schedule, revision: int) -> None:
    if schedule.status is ScheduleStatus.CANCELLED:
        raise schedule_cancelled(schedule.id)
    if schedule.revision != revision:
        raise Conflict(
            f"The schedule was changed meanwhile: its revision is {schedule.revision}, not {revision}.",
            code="ABORTED",
            data={"currentRevision": str(schedule.revision)},
        )
