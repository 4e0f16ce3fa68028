"""Schedules, as an operator makes and lists them."""

from collections.abc import Sequence

from kalends.access.sites import checked_name, checked_zone
from kalends.model.clock import Clock
from kalends.model.errors import Conflict, Invalid, NotFound, Rule
from kalends.model.ids import is_guid, new_id
from kalends.model.schedule import Schedule, Site
from kalends.store.database import Database
from kalends.store.repository import AlreadyThere
from kalends.store.schedules import Schedules
from kalends.store.users import Users


class ScheduleAdministration:
    """Makes and lists schedules."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def create(
        self,
        site: Site,
        *,
        name: str,
        schedule_id: str | None = None,
        owner_id: str | None = None,
        time_zone: str | None = None,
    ) -> Schedule:
        """Make a schedule, by default in the site's zone and without an owner.

        Raises `Invalid`, `NotFound` for the owner, `Conflict` for an id that is taken.
        """
        if schedule_id is not None and not is_guid(schedule_id):
            raise Invalid.one("id", "must be a GUID", Rule.FORMAT, data={"type": "GUID"})
        zone = checked_zone("timeZone", time_zone) if time_zone else site.time_zone
        async with self._database.write() as writer:
            owner = await Users(writer, site.id).get(owner_id.lower()) if owner_id else None
            if owner_id and (owner is None or owner.disabled_at is not None):
                raise NotFound(f"The site has no active user {owner_id}.", code="USER_NOT_FOUND")
            schedule = Schedule(
                site.id,
                schedule_id.lower() if schedule_id else new_id(),
                checked_name("name", name),
                zone,
                owner.id if owner else None,
                owner.name if owner else None,
            )
            schedules = Schedules(writer, site.id)
            taken = Conflict(f"The site has a schedule {schedule.id} already.", code="SCHEDULE_ALREADY_EXISTS")
            if await schedules.get(schedule.id) is not None:
                raise taken
            try:
                await schedules.add(schedule, self._clock.now())
            except AlreadyThere:
                raise taken from None
        return schedule

    async def all(self, site_id: str) -> Sequence[Schedule]:
        """Return the schedules of a site, by name."""
        async with self._database.read() as reader:
            return await Schedules(reader, site_id).matching()
