"""Making a schedule."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kalends.access.sites import checked_name, checked_zone
from kalends.model.clock import Clock
from kalends.model.errors import Conflict, Invalid, Rule
from kalends.model.ids import is_guid, new_id
from kalends.model.schedule import Schedule
from kalends.schedules.finding import active_user, checked_external_id, site_in_force
from kalends.schedules.zones import FIELD as ZONE_FIELD
from kalends.schedules.zones import Zone, chosen_zone
from kalends.store.database import Database
from kalends.store.repository import AlreadyThere
from kalends.store.schedules import Schedules


@dataclass(frozen=True, slots=True)
class ScheduleDraft:
    """A schedule as it is asked for; what is None gets its default.

    `details` holds defaults for its events and extended fields, by their names on the wire.
    """

    name: str
    id: str | None = None
    owner_id: str | None = None
    time_zone: str | None = None
    follows_site_zone: bool | None = None
    external_id: str | None = None
    app_id: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


class ScheduleCreating:
    """Makes schedules."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def create(self, site_id: str, draft: ScheduleDraft, *, idempotency_key: str | None = None) -> Schedule:
        """Make a schedule, by default in the site's zone, following it, and without an owner.

        A key that was used before answers with the schedule that was made then, as it is now, whatever the draft says:
        the caller repeats a request of which it does not know the outcome. Raises `Invalid`, `NotFound` for the owner,
        `Conflict` (`SCHEDULE_ALREADY_EXISTS`) for an id that is taken.
        """
        if draft.id is not None and not is_guid(draft.id):
            raise Invalid.one("schedule.id", "must be a GUID", Rule.FORMAT, data={"type": "GUID"})
        checked_name("schedule.name", draft.name)
        if draft.time_zone is not None:
            checked_zone(ZONE_FIELD, draft.time_zone)
        if draft.external_id is not None:
            checked_external_id(draft.external_id)
        schedule_id = draft.id.lower() if draft.id else new_id()
        try:
            return await self._write(site_id, schedule_id, draft, idempotency_key)
        except AlreadyThere:
            # another request used the id or the key in this moment: its row is there now
            return await self._write(site_id, schedule_id, draft, idempotency_key)

    async def _write(
        self, site_id: str, schedule_id: str, draft: ScheduleDraft, idempotency_key: str | None
    ) -> Schedule:
        now = self._clock.now()
        async with self._database.write() as writer:
            schedules = Schedules(writer, site_id)
            made = await schedules.of_key(idempotency_key) if idempotency_key else None
            if made is not None:
                return made
            site = await site_in_force(writer, site_id)
            zone = chosen_zone(
                site.time_zone,
                Zone(site.time_zone, follows_site=True),
                given=draft.time_zone,
                follows=draft.follows_site_zone,
            )
            owner = await active_user(writer, site_id, draft.owner_id) if draft.owner_id else None
            if await schedules.get(schedule_id) is not None:
                raise Conflict(f"The site has a schedule {schedule_id} already.", code="SCHEDULE_ALREADY_EXISTS")
            schedule = Schedule(
                site_id=site_id,
                id=schedule_id,
                name=checked_name("schedule.name", draft.name),
                time_zone=zone.name,
                owner_id=owner.id if owner else None,
                owner_name=owner.name if owner else None,
                created_at=now,
                updated_at=now,
                follows_site_zone=zone.follows_site,
                external_id=draft.external_id,
                app_id=draft.app_id,
                details=draft.details,
            )
            await schedules.add(schedule, idempotency_key=idempotency_key)
        return schedule
